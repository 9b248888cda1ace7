"""SQL kept in files of its own, named by the room that uses it; `-- name: xyz` starts a statement.

A statement with the mark `/*rows*/` before a row in brackets writes many rows in one step: it is there for one row
under its name, and for several under `xyz of 50` and so on; see `penstock.store.row_batches`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

__all__ = ["ROWS_AT_ONCE", "load_named_sql", "rows_name", "split_named_sql"]

ROWS_AT_ONCE = (250, 50, 15, 5)
"""For how many rows there is a statement: the rounds and slices of a worker, and what is left of them."""

_MARK = "-- name:"
_ROWS = "/*rows*/"


def load_named_sql(engine: str, room: str) -> Mapping[str, str]:
    """The statements of `sql/<engine>/queries/<room>.sql` by name.

    Raises KeyError at the first use of a wrong name.
    """
    text = (files(__package__) / "sql" / engine / "queries" / f"{room}.sql").read_text(encoding="utf-8")
    return split_named_sql(text)


def rows_name(name: str, number: int) -> str:
    """The name of the statement that writes so many rows."""
    return name if number == 1 else f"{name} of {number}"


def split_named_sql(text: str) -> Mapping[str, str]:
    """Split at the name marks. Raises ValueError for a name given twice, a statement without one or a row without an
    end.
    """
    head, *parts = ("\n" + text).split("\n" + _MARK)
    if any(line and not line.startswith("--") for line in head.splitlines()):
        raise ValueError("a statement stands before the first name")
    statements: dict[str, str] = {}
    for part in parts:
        name, _, body = part.partition("\n")
        if name.strip() in statements:
            raise ValueError(f"{name.strip()} is named twice")
        statements[name.strip()] = body.strip()
    for name, body in list(statements.items()):
        if _ROWS in body:
            statements.update((rows_name(name, number), _with_rows(body, number)) for number in ROWS_AT_ONCE)
    return MappingProxyType(statements)


def _with_rows(body: str, number: int) -> str:
    before, _, rest = body.partition(_ROWS)
    depth = 0
    for place, letter in enumerate(rest):
        depth += (letter == "(") - (letter == ")")
        if letter == ")" and depth == 0:
            row = "".join(rest[: place + 1].split())
            return f"{before}{','.join([row] * number)}{rest[place + 1 :]}"
    raise ValueError("a row has no end")
