"""`penstock retention run` and the one message that asks whether to go on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], Mapping[str, bytes]]

OLD = {"source": {"method": "own_site", "reference": "https://maskin.example/team", "collected_at": "2023-11-01",
                  "collected_by": "e.berg", "visibility": "public", "why": "head of purchasing in machinery"},
       "verified_at": "2026-10-30", "notice_given_at": "2023-11-02"}  # fmt: skip
AFTER = "2026-12-23T09:00:00Z"


def asking(house: Path, name: str) -> str:
    """A campaign that asks whether to go on."""
    text = (house / "campaigns" / "purchasing.toml").read_text(encoding="utf-8")
    text = text.replace('id = "purchasing-2026"', f'id = "{name}"\nreconfirm = true')
    (house / "campaigns" / f"{name}.toml").write_text(text, encoding="utf-8")
    return f"campaigns/{name}.toml"


def codes(records: Records, house: Path, campaign: str) -> list[str | None]:
    """What a campaign says of anna, bo and cia."""
    lines = records("send", campaign, "--contacts", "stale.jsonl", cwd=house)
    return [line["code"] for line in sorted(lines, key=lambda line: str(line["address"]))]


def states(records: Records, house: Path, now: str) -> list[tuple[str, bool]]:
    lines = records("retention", "run", "--dry-run", cwd=house, now=now)
    return sorted((line["state"], line["asked"] is not None) for line in lines)


def test_a_stale_person_is_asked_once_and_then_deleted(
    penstock: Run, records: Records, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox
) -> None:
    people = [person("anna") | OLD, person("bo") | OLD, person("cia")]
    contact_file(house / "stale.jsonl", people)
    assert penstock("contacts", "import", "stale.jsonl", cwd=house).returncode == 0
    assert penstock("suppress", "add", people[1]["address"], "--reason", "objection", cwd=house).returncode == 0

    assert codes(records, house, "campaigns/purchasing.toml") == ["STALE", "SUPPRESSED_PERSON", None]
    first, second = asking(house, "ask-1"), asking(house, "ask-2")
    assert codes(records, house, first)[:2] == [None, "SUPPRESSED_PERSON"]
    assert codes(records, house, second)[:2] == ["DUPLICATE", "SUPPRESSED_PERSON"]
    assert len(outbox(house)) == 2

    assert states(records, house, "2026-11-23T09:00:00Z") == [("delete", False), ("reconfirm", True)]
    assert states(records, house, AFTER) == [("delete", False), ("delete", True)]
    done = penstock("retention", "run", cwd=house, now=AFTER)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith("2 contacts deleted")
    assert "anna" not in penstock("contacts", "list", cwd=house).stdout
    assert "cia" in penstock("contacts", "list", cwd=house).stdout
    assert penstock("suppress", "check", people[1]["address"], cwd=house).stdout.startswith("suppressed")
    assert penstock("ledger", "verify", cwd=house).returncode == 0
    for file in house.glob("penstock.db*"):
        assert b"anna.berg@" not in file.read_bytes()
