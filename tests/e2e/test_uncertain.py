"""`penstock uncertain`: mails of which nobody knows whether they went."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl")


def test_a_doubt_is_never_sent_again_until_a_person_settles_it(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    """The shipped way out leaves no doubts, so the two are made by hand."""
    contact_file(house / "people.jsonl", [person("anna"), person("bo")])
    ids = {line["address"].partition(".")[0]: line["mail_id"] for line in records(*SEND, cwd=house)}
    with closing(sqlite3.connect(house / "penstock.db")) as store, store:
        store.execute("UPDATE mails SET state = 'uncertain', accepted_at = NULL, outcome = 'uncertain'")
    for file in (house / "outbox").iterdir():
        file.unlink()
    assert {line["mail_id"] for line in records("uncertain", "list", cwd=house)} == set(ids.values())
    records(*SEND, cwd=house)
    assert outbox(house) == {}

    assert penstock("uncertain", "resolve", ids["anna"], "sent", cwd=house).returncode == 0
    assert penstock("uncertain", "resolve", ids["bo"], "not-sent", cwd=house).returncode == 0
    assert penstock("uncertain", "list", cwd=house).stdout == "0 uncertain\n"
    records(*SEND, cwd=house)
    assert outbox(house).keys() == {f"{ids['bo']}.eml"}


def test_an_unknown_id_is_one_clear_line(refusal: Refusal, house: Path) -> None:
    assert "uncertain list" in refusal("uncertain", "resolve", "0" * 32, "sent", cwd=house)
