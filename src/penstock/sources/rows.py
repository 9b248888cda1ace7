"""From a raw row, column name to value, to a contact or to what is wrong with the row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import orjson
from pydantic import TypeAdapter, ValidationError

from penstock.errors import InvalidInput
from penstock.model.address import AddressFault, parse_address
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.ports import ContactRow, RowFault
from penstock.sources.cell import LONGEST, contact_readers

__all__ = ["RowReader"]

_ADDRESS = "address"
_OTHERS = "(other columns)"
_MOST_NAMES = 1000
_SHOWN = 320
_RAW = 65_536
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class _Fields(dict[Any, str | None]):
    """The field that each column fills, found out once a column; a file may have no end of names."""

    def __init__(self, find: Callable[[str], str | None], prefix: str = "") -> None:
        super().__init__()
        self._find = find
        self._prefix = prefix

    def __missing__(self, column: Any) -> str | None:
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
        self._readers = contact_readers(countries)
        self._places = {name: (*_place(name), read) for name, read in self._readers.items()}
        self._groups = {group for group, _, _ in self._places.values() if group}
        self._renamed = {_plain(column): self._known(field) for column, field in mapping.items()}
        self._validate = TypeAdapter(Contact).validate_python
        self._fields = _Fields(self._field)
        self._fields_within: dict[str, _Fields] = {}
        self.dropped: Counter[str] = Counter()
        """Columns that are not kept, with the number of rows that had a value there."""

    def field_of(self, column: str) -> str | None:
        """The contact field that a column fills; None for a column that is not kept. Matched without case."""
        return self._fields[column]

    def unmet(self, columns: Iterable[str]) -> str | None:
        """The first renamed column that is not among the columns."""
        there = {_plain(column) for column in columns}
        return next((column for column in self._renamed if column not in there), None)

    def read(self, line: int, row: Mapping[str, Any], raw: str = "") -> ContactRow | RowFault:
        """The contact of a row. Never raises: a RowFault says what is wrong in which field."""
        values: dict[str, Any] = {}
        doubled = self._collect(row, values)
        given = values.pop(_ADDRESS, None)
        address, fault = _address(given)
        why = fault or (f"two columns mean {doubled}" if doubled else "")
        if not why:
            try:
                return ContactRow(line, self._contact(str(address), values))
            except ValueError as error:
                why = str(error)
        code = Code.INVALID_ADDRESS.value if fault and address is not None else None
        return RowFault(line, why, address=address, code=code, raw=raw[:_RAW])

    def _field(self, column: str) -> str | None:
        name = _plain(column)
        field = self._renamed.get(name, name)
        return field if field in self._readers or field == _ADDRESS else None

    def _known(self, field: str) -> str:
        name = _plain(field)
        if name in self._readers or name == _ADDRESS:
            return name
        close = get_close_matches(name, [*self._readers, _ADDRESS], n=1)
        mend = f"did you mean '{close[0]}'?" if close else ""
        raise InvalidInput(f"'{field}' is no contact field", where="--map", mend=mend)

    def _collect(self, row: Mapping[str, Any], values: dict[str, Any]) -> str:
        """Sort the cells by field; answers the first field that two columns fill."""
        doubled, fields = "", self._fields
        for column, value in row.items():
            if value is None or value == "":
                continue
            if (field := fields[column]) is None:
                doubled = self._open(column, value, values) or doubled
            elif field in values:
                doubled = field
            else:
                values[field] = value
        return doubled

    def _open(self, column: str, value: Any, values: dict[str, Any]) -> str:
        """An object, or a table (`company`) as JSON in a cell, is read key by key; all else is dropped."""
        is_table = isinstance(value, dict) or _plain(column) in self._groups
        inner = _as_object(value) if is_table else None
        if inner is None:
            self._drop(column)
            return ""
        doubled, fields = "", self._within(column)
        for key, item in inner.items():
            if item is None or item == "":
                continue
            if (field := fields[key]) is None:
                self._drop(f"{column}.{key}")
            elif field in values:
                doubled = field
            else:
                values[field] = item
        return doubled

    def _within(self, column: str) -> _Fields:
        if (fields := self._fields_within.get(column)) is None:
            fields = _Fields(self._field, f"{_plain(column)}.")
            if len(self._fields_within) < _MOST_NAMES:
                self._fields_within[column] = fields
        return fields

    def _drop(self, column: str) -> None:
        known = column in self.dropped or len(self.dropped) < _MOST_NAMES
        self.dropped[column if known else _OTHERS] += 1

    def _contact(self, address: str, values: Mapping[str, Any]) -> Contact:
        record: dict[str, Any] = {_ADDRESS: address}
        places, name = self._places, ""
        try:
            for name, value in values.items():
                group, leaf, read = places[name]
                if (cell := read(value)) is None:
                    continue
                if not group:
                    record[leaf] = cell
                elif (part := record.get(group)) is None:
                    record[group] = {leaf: cell}
                else:
                    part[leaf] = cell
        except ValueError as fault:
            what = str(fault)
            raise ValueError(f"{what} in {name}" if what == "control character" else f"{name}: {what}") from None
        return self._validated(record)

    def _validated(self, record: dict[str, Any]) -> Contact:
        try:
            return self._validate(record)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{place}: {first['msg'].lower()}") from None


def _place(field: str) -> tuple[str, str]:
    """The table a field stands in, empty for none, and its name there."""
    group, _, leaf = field.rpartition(".")
    return group, leaf


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
