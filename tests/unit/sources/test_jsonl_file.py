from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.ports import ContactRow, RowFault
from penstock.sources.contact_file import open_source


def countries(text: str) -> str | None:
    return text.upper() if len(text) == 2 else None


async def rows_of(path: Path) -> list[ContactRow | RowFault]:
    return [row async for chunk in open_source(path, {}, countries).chunks(3) for row in chunk]


@pytest.mark.parametrize("name", ["c.jsonl", "c.jsonl.gz"])
async def test_objects_are_read_and_bad_lines_named(tmp_path: Path, name: str) -> None:
    data = (
        b'\xef\xbb\xbf{"address": "a@x.example", "company": {"employees": 5}, "phone": "1"}\n'
        b'{"address": "b@x.example",}\r\n'
        b"\n"
        b'["c@x.example"]\n'
        b'{"address": "caf\xe9@x.example"}\n'
        b'{"address": "d@x.example", "given_name": "a\\u0000b"}\n'
        b'{"given_name": "Eve"}\n'
        b'{"address": "f@x.example"}'
    )
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    found = await rows_of(tmp_path / name)
    shown = [(row.line, row.contact.address if isinstance(row, ContactRow) else row.why) for row in found]
    assert shown[0] == (1, "a@x.example")
    assert shown[1][0] == 2
    assert shown[1][1].startswith("not JSON (column ")
    assert shown[2] == (4, "not a JSON object")
    assert shown[3][1].startswith("not JSON")
    assert shown[4:] == [(6, "control character in given_name"), (7, "no address"), (8, "f@x.example")]
    assert isinstance(found[1], RowFault)
    assert found[1].raw == '{"address": "b@x.example",}'


async def test_a_line_of_ten_megabytes_is_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"address": "' + b"x" * 10_000_000 + b'"}\n{"address": "a@x.example"}\n')
    first, second = await rows_of(path)
    assert isinstance(first, RowFault)
    assert first.why == "longer than 1048576 octets"
    assert isinstance(second, ContactRow)
    assert second.line == 2


async def test_deep_nesting_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"flags": ' + b"[" * 5000 + b"]" * 5000 + b"}\n")
    (row,) = await rows_of(path)
    assert isinstance(row, RowFault)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=30), max_size=6))
async def test_no_octets_raise(lines: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "c.jsonl"
        path.write_bytes(b"\n".join([*lines, b'{"address": "z@x.example"}']))
        found = await rows_of(path)
    assert isinstance(found[-1], ContactRow)
