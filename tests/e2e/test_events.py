"""`penstock events`: outcomes for a CRM."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl")
COLUMNS = ["id", "at", "kind", "code", "mail_id", "contact_id", "campaign", "stream", "client", "address", "entry"]


@pytest.fixture
def sent(penstock: Run, house: Path, person: Person, contact_file: ContactFile) -> Path:
    """Anna was mailed and objected an hour later, Bo is held, Carl blocked."""
    people = [person("anna"), person("bo", company={"employees": None}), person("carl", born="2015-01-01")]
    contact_file(house / "people.jsonl", people)
    assert penstock(*SEND, cwd=house).returncode == 0
    add = ("suppress", "add", "anna.berg@anna-maskin.example", "--reason", "objection")
    assert penstock(*add, cwd=house, now="2026-11-23T10:00:00Z").returncode == 0
    return house


def test_outcomes_are_exported_as_jsonl_and_csv_from_any_point(
    sent: Path, penstock: Run, records: Records, refusal: Refusal
) -> None:
    events = records("events", "export", cwd=sent)
    assert [list(event) for event in events] == [COLUMNS] * len(events)
    found = {(event["kind"], event["code"], event["address"]) for event in events}
    assert found == {
        ("sent", None, "anna.berg@anna-maskin.example"),
        ("held", "NOT_RELEVANT", "bo.berg@bo-maskin.example"),
        ("blocked", "MINOR", "carl.berg@carl-maskin.example"),
        ("opted_out", "objection", "anna.berg@anna-maskin.example"),
    }
    ids = [event["id"] for event in events]
    assert ids == sorted(set(ids))
    assert all(event["contact_id"] for event in events)

    plain = penstock("events", "export", cwd=sent)
    assert [json.loads(line) for line in plain.stdout.splitlines()] == events
    table = penstock("events", "export", "--format", "csv", cwd=sent)
    rows = [*csv.DictReader(io.StringIO(table.stdout))]
    assert rows == [{name: value or "" for name, value in event.items()} for event in events]

    assert records("events", "export", "--since", "2026-11-23T10:00:00Z", cwd=sent) == events[-1:]
    assert records("events", "export", "--since", "2026-11-23T11:00+01:00", cwd=sent) == events[-1:]
    assert records("events", "export", "--since", ids[1], cwd=sent) == events[2:]
    kinds = records("events", "export", "--kind", "sent", "--kind", "held", cwd=sent)
    assert {event["kind"] for event in kinds} == {"sent", "held"}
    for format_ in ("jsonl", "csv"):
        nothing = penstock("events", "export", "--since", ids[-1], "--format", format_, cwd=sent)
        assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "")

    out = sent / "events.csv"
    assert penstock("events", "export", "--format", "csv", "--out", out, cwd=sent).returncode == 0
    assert (out.read_text(), out.stat().st_mode & 0o777) == (table.stdout, 0o600)

    assert "ISO 8601" in refusal("events", "export", "--since", "yesterday", cwd=sent)
    assert "--json" in refusal("events", "export", "--format", "csv", "--json", cwd=sent)
    assert "--kind" in refusal("events", "export", "--kind", "sold", cwd=sent)


def test_without_a_store_there_is_nothing_to_tell(penstock: Run, tmp_path: Path) -> None:
    done = penstock("events", "export", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_receivers_are_shown_and_their_key_is_not(
    house: Path, penstock: Run, records: Records, refusal: Refusal
) -> None:
    config = house / "config.toml"
    plain = config.read_text()
    added = '[[outcomes]]\nname = "crm"\nurl = "https://crm.example/hook"\nkey = "a very secret key"\n'
    config.write_text(f"{plain}\n{added}")
    (receiver,) = records("events", "receivers", cwd=house)
    assert (receiver["name"], receiver["state"], receiver["tries"]) == ("crm", "new", 0)
    findings = [each for each in records("doctor", cwd=house) if each["what"] == "outcomes"]
    assert [each["state"] for each in findings] == ["warn"]
    shown = penstock("events", "receivers", cwd=house).stdout + json.dumps(findings)
    assert "crm" in shown
    assert "very secret" not in shown
    assert "nobody" in refusal("events", "resume", "crm", cwd=house)

    config.write_text(f"{plain}\n{added}{added}")
    assert "same name" in refusal("events", "receivers", cwd=house)
    config.write_text(f"{plain}\n{added.replace('https', 'http')}")
    assert "https://" in refusal("events", "receivers", cwd=house)
    config.write_text(f"{plain}\n{added.replace('https://', 'https://eva:word@')}")
    line = refusal("events", "receivers", cwd=house)
    assert "login" in line
    assert "word@" not in line
