"""From a raw row, column name to value, to a contact or to what is wrong with the row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import orjson

from penstock.errors import InvalidInput
from penstock.model.address import AddressFault, parse_address
from penstock.model.codes import Code
from penstock.ports import ContactRow, RowFault
from penstock.sources.cell import LONGEST, Reader, contact_readers
from penstock.sources.contact_builder import contact_builder

__all__ = ["RowReader"]

_ADDRESS = "address"
_OTHERS = "(other columns)"
_MOST_NAMES = 1000
_SHOWN = 320
_RAW = 65_536
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


_Field = tuple[str, Reader]
"""A field of a contact by its dotted name, with what reads a cell of it."""


class _Fields(dict[Any, _Field | None]):
    """The field that each column fills, found out once a column; a file may have no end of names.

    `table` is the column whose value is an object with these columns, None for the columns of the file.
    """

    def __init__(self, find: Callable[[str], _Field | None], table: str | None = None) -> None:
        super().__init__()
        self.table = table
        self._find = find
        self._prefix = "" if table is None else f"{_plain(table)}."

    def __missing__(self, column: Any) -> _Field | None:
        found = self._find(f"{self._prefix}{column}")
        if len(self) < _MOST_NAMES:
            self[column] = found
        return found


class RowReader:
    """Reads rows of one file. Made once per file; not for several threads at a time.

    `mapping` renames columns to contact fields (`{"E-Mail": "address"}`), `countries` turns what people write
    for a country into its alpha-2 code, or None. Raises InvalidInput for a mapping to an unknown field.
    """

    def __init__(self, mapping: Mapping[str, str], countries: Callable[[str], str | None]) -> None:
        readers = {_ADDRESS: _as_given, **contact_readers(countries)}
        self._known_fields = {name: (name, read) for name, read in readers.items()}
        self._tables = {name.rpartition(".")[0] for name in readers} - {""}
        self._renamed = {_plain(column): self._known(field) for column, field in mapping.items()}
        self._contact = contact_builder()
        self._fields = _Fields(self._field)
        self._fields_within: dict[str, _Fields] = {}
        self._doubled = ""  # a field of this row that two columns fill
        self._fault = ""  # what is wrong with the first cell of this row that cannot be read
        self.dropped: Counter[str] = Counter()
        """Columns that are not kept, with the number of rows that had a value there."""

    def field_of(self, column: str) -> str | None:
        """The contact field that a column fills; None for a column that is not kept. Matched without case."""
        field = self._fields[column]
        return None if field is None else field[0]

    def unmet(self, columns: Iterable[str]) -> str | None:
        """The first renamed column that is not among the columns."""
        there = {_plain(column) for column in columns}
        return next((column for column in self._renamed if column not in there), None)

    def read(self, line: int, row: Mapping[str, Any], raw: str | bytes = "") -> ContactRow | RowFault:
        """The contact of a row. Never raises: a RowFault says what is wrong in which field.

        `raw` is the row as it stands, as text or as octets that should be UTF-8.
        """
        return self.read_cells(line, row.items(), raw)

    def read_cells(self, line: int, row: Iterable[tuple[str, Any]], raw: str | bytes = "") -> ContactRow | RowFault:
        """The same of columns and what stands in them; no column stands there twice."""
        cells: dict[str, Any] = {}
        self._doubled = self._fault = ""
        self._fill(cells, row, self._fields)
        address, unusable = _address(cells.get(_ADDRESS))
        why = unusable or (f"two columns mean {self._doubled}" if self._doubled else self._fault)
        if not why:
            cells[_ADDRESS] = address
            return ContactRow(line, self._contact(cells))
        code = Code.INVALID_ADDRESS.value if unusable and address is not None else None
        text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
        return RowFault(line, why, address=address, code=code, raw=text[:_RAW])

    def _field(self, column: str) -> _Field | None:
        name = _plain(column)
        return self._known_fields.get(self._renamed.get(name, name))

    def _known(self, field: str) -> str:
        name = _plain(field)
        if name in self._known_fields:
            return name
        close = get_close_matches(name, [*self._known_fields], n=1)
        mend = f"did you mean '{close[0]}'?" if close else ""
        raise InvalidInput(f"'{field}' is no contact field", where="--map", mend=mend)

    def _fill(self, cells: dict[str, Any], row: Iterable[tuple[str, Any]], fields: _Fields) -> None:
        """Read each cell that is not empty, by its field; None for a blank one."""
        for column, value in row:
            if value is None or value == "":
                continue
            if (field := fields[column]) is None:
                self._fill_from(cells, fields, column, value)
                continue
            name, read = field
            if name in cells:
                self._doubled = name
                continue
            try:
                cells[name] = read(value)
            except ValueError as error:
                cells[name] = None
                self._fault = self._fault or _told(name, str(error))

    def _fill_from(self, cells: dict[str, Any], fields: _Fields, column: str, value: Any) -> None:
        """An object, or a table (`company`) as JSON in a cell, is read key by key; all else is dropped."""
        if fields.table is not None:
            self._drop(f"{fields.table}.{column}")
            return
        is_table = isinstance(value, dict) or _plain(column) in self._tables
        inner = _as_object(value) if is_table else None
        if inner is None:
            self._drop(column)
        else:
            self._fill(cells, inner.items(), self._within(column))

    def _within(self, column: str) -> _Fields:
        if (fields := self._fields_within.get(column)) is None:
            fields = _Fields(self._field, column)
            if len(self._fields_within) < _MOST_NAMES:
                self._fields_within[column] = fields
        return fields

    def _drop(self, column: str) -> None:
        known = column in self.dropped or len(self.dropped) < _MOST_NAMES
        self.dropped[column if known else _OTHERS] += 1


def _as_given(value: Any) -> Any:
    return value


def _told(name: str, what: str) -> str:
    return f"{what} in {name}" if what == "control character" else f"{name}: {what}"


def _address(given: Any) -> tuple[str | None, str]:
    """The exact address and no fault; or the address as it may be shown and why it cannot be used."""
    if given is None or (isinstance(given, str) and not given.strip()):
        return None, "no address"
    if not isinstance(given, str):
        return None, "address: expected text"
    if len(given) > LONGEST:
        return _shown(given[:LONGEST]), f"address: longer than {LONGEST} characters"
    seen = parse_address(given)
    if isinstance(seen, AddressFault):
        return _shown(given), f"address: {seen.why}"
    return str(seen), ""


def _shown(text: str) -> str:
    return _UNPRINTABLE.sub("", text).strip()[:_SHOWN]


def _as_object(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str) and value.lstrip().startswith("{") and len(value) <= LONGEST:
        try:
            value = orjson.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None


def _plain(name: str) -> str:
    return name.strip().lower()
