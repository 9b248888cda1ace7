"""The first line of a CSV file: which delimiter, which columns, and is there an address among them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from penstock.errors import InvalidInput
from penstock.sources.rows import RowReader

__all__ = ["delimiter_of", "read_columns"]

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_MOST_SHOWN = 30
_LONGEST_SHOWN = 40


def delimiter_of(header: bytes) -> str:
    """Comma or semicolon: whichever makes more columns of the header line."""
    text = header.decode("utf-8", "replace").replace("\0", "").replace("\r", "")
    try:
        comma, semicolon = (len(next(csv.reader([text], delimiter=mark), [])) for mark in ",;")
    except csv.Error:
        return ","
    return ";" if semicolon > comma else ","


def read_columns(where: str, cells: Sequence[str], first_row: Sequence[str], reader: RowReader) -> tuple[str, ...]:
    """The column names; unnamed columns are called by their place.

    Raises InvalidInput for a column that stands there twice, two columns for one field, and a header without
    an address; then the most likely column is proposed, by its name or by what the first row holds there.
    """
    columns = tuple(cell.strip() or f"column {place}" for place, cell in enumerate(cells, start=1))
    if any("@" in column for column in columns):
        raise InvalidInput("the first line holds data", where=where, mend="begin the file with a header line")
    seen: dict[str, str] = {}
    for column in columns:
        field = reader.field_of(column) or column.lower()
        if field in seen:
            what = f"the columns '{_shown(seen[field])}' and '{_shown(column)}' both mean {_shown(field)}"
            raise InvalidInput(what, where=where, mend="rename or map one of them")
        seen[field] = column
    if missing := reader.unmet(columns):
        raise InvalidInput(f"there is no column '{_shown(missing)}'", where="--map", mend=_listed(columns))
    if "address" not in seen:
        likely = _likely(columns, first_row)
        mend = f'is it --map "{_shown(likely)}=address"?' if likely else 'name it: --map "COLUMN=address"'
        raise InvalidInput(f"no address column; {_listed(columns)}", where=where, mend=mend)
    return columns


def _likely(columns: Sequence[str], first_row: Sequence[str]) -> str:
    named = [column for column in columns if "mail" in column.lower()]
    held = [column for column, cell in zip(columns, first_row, strict=False) if "@" in cell]
    both = [column for column in named if column in held]
    return next(iter(both or held or named), "")


def _listed(columns: Sequence[str]) -> str:
    more = ", …" if len(columns) > _MOST_SHOWN else ""
    return f"the columns are {', '.join(map(_shown, columns[:_MOST_SHOWN]))}{more}"


def _shown(column: str) -> str:
    return _UNPRINTABLE.sub("", column)[:_LONGEST_SHOWN]
