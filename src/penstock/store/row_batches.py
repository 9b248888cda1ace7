"""Many rows in few steps.

Each step of a statement gives the interpreter to the other threads, and while one of them works hard it takes
milliseconds to get it back. So rows are written some hundred at a time, and read as one row of JSON.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import apsw
import orjson

from penstock.store.named_sql import ROWS_AT_ONCE, rows_name

__all__ = ["numbers", "read_array", "write_rows"]


def write_rows(connection: apsw.Connection, sql: Mapping[str, str], name: str, rows: Sequence[Sequence[Any]]) -> None:
    """Run a statement that is marked `/*rows*/` for all rows."""
    at = 0
    for size in (*ROWS_AT_ONCE, 1):
        while len(rows) - at >= size:
            part = rows[at : at + size]
            connection.execute(sql[rows_name(name, size)], tuple(chain.from_iterable(part)))
            at += size


def read_array(connection: apsw.Connection, statement: str, bindings: tuple[Any, ...]) -> list[Any]:
    """The rows that a statement answers as one JSON array."""
    found: list[Any] = orjson.loads(connection.execute(statement, bindings).get)
    return found


def numbers(values: Iterable[int]) -> apsw.CArrayBinding | None:
    """Numbers of 64 bits for `carray`; None, which is an empty one, where there are none."""
    found = array("q", values)
    return apsw.carray(found) if found else None
