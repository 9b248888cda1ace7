"""`penstock suppress import` of what other services export: nobody who said no there is mailed from here."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

MEMBERS = """Email Address,First Name,{time},LEID,EUID
anna.berg@anna-maskin.example,Anna,2026-10-05 07:30:00,1,2
"""


def test_lists_of_other_services_hold_back_from_here_on(
    penstock: Run, records: Records, refusal: Refusal, house: Path, person: Person, contact_file: ContactFile
) -> None:
    (house / "unsubscribed_export.csv").write_text(MEMBERS.format(time="UNSUB_TIME"))
    (house / "subscribed_export.csv").write_text(MEMBERS.format(time="LAST_CHANGED").replace("anna", "bo"))
    dump = {"EmailAddress": "carl.berg@carl-maskin.example", "SuppressionReason": "HardBounce", "Origin": "Recipient"}
    (house / "dump.json.gz").write_bytes(gzip.compress(json.dumps({"Suppressions": [dump]}).encode()))
    (house / "suppression_blocks.csv").write_text("status,reason,email,created\n4.0.0,x,bo@firm.example,1791185400\n")

    done = penstock("suppress", "import", "unsubscribed_export.csv", cwd=house)
    assert done.stdout == "read as an export of mailchimp: unsubscribed\n1 of 1 rows are on the list\n"
    done = penstock("suppress", "import", "subscribed_export.csv", "--format", "mailchimp", "--strict", cwd=house)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1:] == ["0 of 1 rows are on the list", "  1 left out: a subscribed contact"]
    (told,) = records("suppress", "import", "dump.json.gz", "--format", "postmark", cwd=house)
    assert told == {
        "rows": 1, "added": 1, "left_out": 0, "left_out_because": {}, "faults": [], "format": "postmark",
        "list": "suppressions",
    }  # fmt: skip
    assert "about one mail" in refusal("suppress", "import", "suppression_blocks.csv", cwd=house)
    assert "mailchimp" in refusal("suppress", "import", "dump.json.gz", "--format", "outlook", cwd=house)

    contact_file(house / "people.jsonl", [person(name) for name in ("anna", "bo", "carl")])
    lines = records("check", "campaigns/short.toml", "--contacts", "people.jsonl", cwd=house)
    assert [line["verdict"] for line in lines] == ["block", "send", "block"]
    first, *_ = records("suppress", "list", cwd=house)
    assert (first["reason"], first["at"][:19]) == ("unsubscribe", "2026-10-05T07:30:00")


def test_an_unknown_word_holds_commercial_mail_until_it_is_settled(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile
) -> None:
    (house / "list.csv").write_text("anna@firm.example,BOUNCE\nbo@firm.example,WHIM\n")
    done = penstock("suppress", "import", "list.csv", "--format", "ses", "--strict", cwd=house)
    assert done.returncode == 1
    assert done.stderr.startswith("list.csv:2: an unknown word in reason\n")
    contact_file(house / "one.jsonl", [person("erik")])
    (line,) = records("check", "campaigns/short.toml", "--contacts", "one.jsonl", cwd=house)
    assert line["code"] == "IMPORT_UNRESOLVED"
