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
    before = contents(sample)
    found = states(records("doctor", "--strict", cwd=sample))
    assert found.keys() >= {"config", "clock", "templates", "store", "keys", "ledger", "stages", "route"}
    assert set(found.values()) == {"ok"}
    after = contents(sample)
    assert {file: after[file] for file in before} == before
    people = penstock("doctor", cwd=sample)
    assert len(people.stdout.splitlines()) == len(found)


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
