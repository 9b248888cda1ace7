"""Contacts as JSON lines: one object per line, UTF-8."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import orjson

from penstock.ports import ContactRow, RowFault
from penstock.sources.chunk import Rows, in_chunks
from penstock.sources.lines import LONGEST_LINE, Line, file_lines
from penstock.sources.rows import RowReader

__all__ = ["JsonlFile"]


class JsonlFile:
    """A `.jsonl` or `.jsonl.gz` file as a source of contacts."""

    def __init__(self, path: Path, reader: RowReader) -> None:
        self._path = path
        self._reader = reader

    @property
    def dropped_columns(self) -> Mapping[str, int]:
        """Keys not kept, with the number of rows that had a value there, of the latest reading."""
        return self._reader.dropped

    def chunks(self, size: int) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
        """Rows in file order, blank lines left out. Raises InvalidInput when the file cannot be read on."""
        return in_chunks(self._rows(), size)

    def _rows(self) -> Rows:
        self._reader.dropped.clear()
        for line in file_lines(self._path):
            if line.data and not line.data.isspace():
                yield self._row(line)

    def _row(self, line: Line) -> ContactRow | RowFault:
        if line.cut:
            return _fault(line, f"longer than {LONGEST_LINE} octets")
        try:
            record = orjson.loads(line.data)
        except orjson.JSONDecodeError as fault:
            return _fault(line, f"not JSON (column {fault.colno})")
        if not isinstance(record, dict):
            return _fault(line, "not a JSON object")
        return self._reader.read(line.number, record, line.data)


def _fault(line: Line, why: str) -> RowFault:
    return RowFault(line.number, why, raw=line.data.decode("utf-8", "replace"))
