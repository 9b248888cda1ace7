"""What a source of contacts promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock.model.contact import Contact

__all__ = ["ContactRow", "RowFault", "Source"]


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact as read from line `line` (the first data line of a CSV file is line 2)."""

    line: int
    contact: Contact


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that cannot be used. `address` as given where one can be made out, `raw` the row for the reject file."""

    line: int
    why: str
    address: str | None = None
    code: str | None = None
    raw: str = ""


class Source(Protocol):
    """Yields contacts in chunks, in constant memory."""

    def chunks(self, size: int) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
        """Rows in file order, at most `size` at once."""
        ...

    @property
    def dropped_columns(self) -> Mapping[str, int]:
        """Columns that are not kept, with the number of rows that had a value there."""
        ...
