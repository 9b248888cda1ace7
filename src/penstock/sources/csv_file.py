"""Contacts as CSV (RFC 4180, with comma or semicolon), UTF-8. A bad row never spoils its neighbours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from penstock.errors import InvalidInput
from penstock.ports import ContactRow, RowFault
from penstock.sources.chunk import Rows, in_chunks
from penstock.sources.csv_header import delimiter_of, read_columns
from penstock.sources.csv_record import CsvRecord, csv_records
from penstock.sources.lines import file_lines
from penstock.sources.rows import RowReader

__all__ = ["CsvFile"]


class CsvFile:
    """A `.csv` or `.csv.gz` file as a source of contacts."""

    def __init__(self, path: Path, reader: RowReader) -> None:
        self._path = path
        self._reader = reader

    @property
    def dropped_columns(self) -> Mapping[str, int]:
        """Columns not kept, with the number of rows that had a value there, of the latest reading."""
        return self._reader.dropped

    def chunks(self, size: int) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
        """Rows in file order, blank lines left out; a row's line is the one it starts on.

        Raises InvalidInput for a file without a usable header and when it cannot be read on.
        """
        return in_chunks(self._rows(), size)

    def _rows(self) -> Rows:
        self._reader.dropped.clear()
        lines = file_lines(self._path)
        first = next((line for line in lines if line.data.strip()), None)
        if first is None:
            raise InvalidInput("the file is empty", where=str(self._path), mend="expected a header line")
        records = csv_records(chain([first], lines), delimiter_of(first.data))
        header, row = next(records), next(records, None)
        where = f"{self._path}:{header.line}"
        if header.fault:
            raise InvalidInput(f"the header cannot be read: {header.fault}", where=where)
        columns = read_columns(where, header.cells, row.cells if row else (), self._reader)
        for record in chain([row] if row else [], records):
            yield self._row(columns, record)

    def _row(self, columns: Sequence[str], record: CsvRecord) -> ContactRow | RowFault:
        if record.fault:
            return RowFault(record.line, record.fault, raw=record.raw)
        if len(record.cells) != len(columns):
            why = f"{len(record.cells)} cells where the header has {len(columns)}"
            return RowFault(record.line, why, raw=record.raw)
        return self._reader.read_cells(record.line, zip(columns, record.cells, strict=True), record.raw)
