"""`penstock queue`: what waits for its turn."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]
Edited = Callable[..., Path]

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl", "--wait", "0")


def test_what_waits_can_be_seen_hurried_and_given_up(
    penstock: Run, records: Records, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile,
    outbox: Outbox, edited: Edited,
) -> None:  # fmt: skip
    pace = ('url = "file:outbox?smtputf8=no"', 'url = "file:outbox"\nrate = ["1/1h"]')
    edited(house / "config.toml", pace)
    contact_file(house / "people.jsonl", [person(name) for name in ("anna", "bo", "carl")])
    records(*SEND, cwd=house)
    assert len(outbox(house)) == 1
    waiting = records("queue", "list", cwd=house)
    assert len(waiting) == 2
    assert all(line["lane"].startswith("main/") and not line["leased"] for line in waiting)
    dropped, hurried = (line["mail_id"] for line in waiting)

    assert penstock("queue", "drop", dropped, cwd=house).returncode == 0
    edited(house / "config.toml", ('\nrate = ["1/1h"]', ""))  # no pace any more, but the tickets still wait
    assert penstock("queue", "retry", hurried, cwd=house).returncode == 0
    records(*SEND, cwd=house)
    assert outbox(house).keys() >= {f"{hurried}.eml"}
    assert f"{dropped}.eml" not in outbox(house)
    assert penstock("queue", "list", cwd=house).stdout == "0 waiting\n"
    for word in ("retry", "drop"):
        assert "queue list" in refusal("queue", word, dropped, cwd=house)
