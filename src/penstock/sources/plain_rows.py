"""Rows of a CSV or JSONL file with a fixed set of columns, as text: what a suppression file is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import orjson

from penstock.errors import InvalidInput
from penstock.ports import RowFault
from penstock.sources.chunk import in_chunks
from penstock.sources.csv_header import delimiter_of
from penstock.sources.csv_record import csv_records
from penstock.sources.lines import file_lines, refuse_unreadable

__all__ = ["PlainRow", "open_plain_rows"]

_CHUNK = 500
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class PlainRow:
    """One row: column name to stripped text, empty cells left out."""

    line: int
    values: dict[str, str]
    raw: str = ""


PlainRows = Generator[PlainRow | RowFault, None, None]


def open_plain_rows(path: Path, columns: Sequence[str]) -> AsyncIterator[list[PlainRow | RowFault]]:
    """Rows in chunks; other columns are passed over.

    Raises InvalidInput for another ending, a file that cannot be read and a header with none of the columns.
    """
    refuse_unreadable(path)
    name = path.name.lower().removesuffix(".gz")
    if name.endswith(".csv"):
        return in_chunks(_csv(path, columns), _CHUNK)
    if name.endswith(".jsonl"):
        return in_chunks(_jsonl(path, columns), _CHUNK)
    raise InvalidInput("neither CSV nor JSONL", where=str(path), mend="expected .csv, .jsonl, .csv.gz or .jsonl.gz")


def _csv(path: Path, columns: Sequence[str]) -> PlainRows:
    lines = file_lines(path)
    first = next((line for line in lines if line.data.strip()), None)
    if first is None:
        raise InvalidInput("the file is empty", where=str(path), mend="expected a header line")
    records = csv_records(chain([first], lines), delimiter_of(first.data))
    header = [cell.strip().lower() for cell in next(records).cells]
    if not set(header) & set(columns):
        mend = f"expected some of {', '.join(columns)}"
        raise InvalidInput("the header names no known column", where=f"{path}:{first.number}", mend=mend)
    for record in records:
        if record.fault:
            yield RowFault(record.line, record.fault, raw=record.raw)
        elif len(record.cells) != len(header):
            why = f"{len(record.cells)} cells where the header has {len(header)}"
            yield RowFault(record.line, why, raw=record.raw)
        else:
            yield _row(record.line, dict(zip(header, record.cells, strict=True)), columns, record.raw)


def _jsonl(path: Path, columns: Sequence[str]) -> PlainRows:
    for line in file_lines(path):
        if not line.data.strip():
            continue
        raw = line.data.decode("utf-8", "replace")
        try:
            record = orjson.loads(line.data)
        except orjson.JSONDecodeError:
            record = None
        if isinstance(record, dict):
            yield _row(line.number, {str(key).lower(): value for key, value in record.items()}, columns, raw)
        else:
            yield RowFault(line.number, "not a JSON object", raw=raw[:_LONGEST])


def _row(line: int, given: dict[str, Any], columns: Sequence[str], raw: str) -> PlainRow | RowFault:
    values = {}
    for name in columns:
        value = given.get(name)
        text = str(value).strip() if value is not None else ""
        if len(text) > _LONGEST or any(ord(each) < 0x20 for each in text):
            return RowFault(line, f"{name} cannot be read", raw=raw[:_LONGEST])
        if text:
            values[name] = text
    return PlainRow(line, values, raw)
