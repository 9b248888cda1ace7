"""Contacts that a program hands in as rows of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from penstock.ports import ContactRow, RowFault
from penstock.sources.rows import RowReader

__all__ = ["GivenContacts"]


class GivenContacts:
    """Mappings with the fields of a contact file (nested or dotted) as a source; lines count from 1."""

    def __init__(self, rows: Iterable[Mapping[str, Any]], reader: RowReader) -> None:
        self._rows = rows
        self._reader = reader

    @property
    def dropped_columns(self) -> Mapping[str, int]:
        """Keys that are not kept, with the number of rows that had a value there."""
        return self._reader.dropped

    async def chunks(self, size: int) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
        """Rows in the order given."""
        numbered = enumerate(iter(self._rows), 1)
        while chunk := [self._reader.read(line, row) for line, row in islice(numbered, size)]:
            yield chunk
