"""`penstock doctor`: one line for each thing that must be right."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Contents = Callable[[Path], dict[str, bytes]]
Edited = Callable[..., Path]


def states(lines: list[dict[str, Any]]) -> dict[str, str]:
    assert all(line.keys() == {"what", "state", "says"} and line["says"] for line in lines)
    return {line["what"]: line["state"] for line in lines}


def test_a_sound_house_is_ok_throughout_and_left_as_it_was(
    penstock: Run, records: Records, sample: Path, contents: Contents
) -> None:
    """But for the table of law, which no lawyer has signed off yet, a key to sign with, and a real public address."""
    before = contents(sample)
    found = states(records("doctor", "--strict", cwd=sample))
    assert found.keys() >= {"config", "clock", "templates", "law", "dkim", "store", "keys", "ledger", "stages", "route"}
    assert {what for what, state in found.items() if state != "ok"} == {"law", "dkim", "pages"}
    after = contents(sample)
    assert {file: after[file] for file in before} == before
    people = penstock("doctor", cwd=sample)
    assert len(people.stdout.splitlines()) == len(found)


def test_the_table_of_law_is_told_with_its_age_and_sign_offs(penstock: Run, records: Records, house: Path) -> None:
    def law(now: str) -> tuple[str, str]:
        (line,) = (line for line in records("doctor", cwd=house, now=now) if line["what"] == "law")
        return line["state"], line["says"]

    assert "0 of 35 countries" in law("2026-11-23T09:00:00Z")[1]
    assert penstock("policy", "signoff", "--by", "M. Ostrander", "--at", "2026-11-20", cwd=house).returncode == 0
    state, says = law("2026-12-23T09:00:00Z")
    assert state == "ok"
    assert "table 2026-11, one month old; 35 of 35 countries" in says
    state, says = law("2027-12-23T09:00:00Z")
    assert state == "warn"
    assert "13 months old" in says


def test_each_register_is_told_with_its_age(records: Records, demo: Path) -> None:
    def register(now: str) -> tuple[str, str]:
        (line,) = (line for line in records("doctor", cwd=demo, now=now) if line["what"] == "register")
        return line["state"], line["says"]

    assert register("2026-11-23T09:00:00Z") == ("ok", "ECG: 2 entries, fetched 8 days ago")
    state, says = register("2026-12-23T09:00:00Z")
    assert state == "warn"
    assert "38 days ago" in says
    assert register("2026-11-14T09:00:00Z")[0] == "warn"


def test_an_empty_folder_is_no_failure_but_says_what_is_missing(records: Records, tmp_path: Path) -> None:
    found = states(records("doctor", "--strict", cwd=tmp_path))
    assert found["config"] == "warn"
    assert found["store"] == "warn"
    assert list(tmp_path.iterdir()) == []


def test_each_fault_has_its_line_and_the_others_are_still_looked_at(
    records: Records, house: Path, edited: Edited
) -> None:
    edited(house / "config.toml", ("[web]", "[wbe]"))
    lines = records("doctor", "--strict", cwd=house, code=1)
    assert states(lines)["config"] == "fail"
    assert states(lines)["templates"] == "ok"
    assert any("wbe" in line["says"] and "'web'" in line["says"] for line in lines)


def test_lost_keys_and_a_changed_ledger_are_failures(records: Records, demo: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(demo, tmp_path / "copy", ignore=shutil.ignore_patterns("outbox"))
    (copy / "keys").rename(copy / "elsewhere")
    lines = records("doctor", "--strict", cwd=copy, code=1)
    assert "fail" in states(lines).values()
    assert any("keys" in line["says"] for line in lines if line["state"] == "fail")
    (copy / "elsewhere").rename(copy / "keys")
    with closing(sqlite3.connect(copy / "penstock.db")) as store, store:
        store.execute("DROP TRIGGER ledger_loses_no_row")
        store.execute("DELETE FROM ledger WHERE seq = 5")
    assert states(records("doctor", "--strict", cwd=copy, code=1))["ledger"] == "fail"
