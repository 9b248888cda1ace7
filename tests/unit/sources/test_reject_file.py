from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from penstock.errors import StoreUnavailable
from penstock.ports import RowFault
from penstock.sources.reject_file import RejectFile

FAULTS = [
    RowFault(3, "no address", raw=",Anna"),
    RowFault(5, "address: has no @", "anna", "INVALID_ADDRESS", "anna\ud800"),
]


async def test_rejects_appear_whole_when_the_file_is_left(tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    async with RejectFile(path) as rejects:
        await rejects.add(FAULTS[:1])
        await rejects.add(FAULTS[1:])
        assert not path.exists()
        assert rejects.count == 2
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows == [
        {"line": 3, "why": "no address", "code": None, "address": None, "raw": ",Anna"},
        {"line": 5, "why": "address: has no @", "code": "INVALID_ADDRESS", "address": "anna", "raw": "anna?"},
    ]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


async def test_without_a_fault_there_is_no_file(tmp_path: Path) -> None:
    async with RejectFile(tmp_path / "rejects.jsonl") as rejects:
        await rejects.add([])
    assert list(tmp_path.iterdir()) == []


async def test_an_interrupted_run_leaves_nothing_and_keeps_the_file_of_before(tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    path.write_text("before")

    async def interrupted() -> None:
        async with RejectFile(path) as rejects:
            await rejects.add(FAULTS)
            raise KeyError

    with pytest.raises(KeyError):
        await interrupted()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


async def test_a_file_that_cannot_be_put_in_its_place_is_told_and_nothing_lies_about(tmp_path: Path) -> None:
    path = tmp_path / "rejects.jsonl"
    (path / "full").mkdir(parents=True)  # a folder stands where the file should go
    with pytest.raises(StoreUnavailable):
        async with RejectFile(path) as rejects:
            await rejects.add(FAULTS)
    assert list(tmp_path.iterdir()) == [path]
