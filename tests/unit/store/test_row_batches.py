"""Many rows take few steps, however many they are."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.store.named_sql import split_named_sql
from penstock.store.row_batches import numbers, read_array, write_rows

SQL = split_named_sql("""
-- name: put
INSERT INTO t (a, b) VALUES /*rows*/ (?, ?)

-- name: all
SELECT json_group_array(json_array(a, b)) FROM t

-- name: some
SELECT json_group_array(a) FROM carray(?) CROSS JOIN t ON t.a = carray.value
""")


@pytest.fixture
def connection() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")
    return connection


@given(st.integers(0, 700))
def test_every_row_is_written_once_in_few_statements(number: int) -> None:
    connection, statements = apsw.Connection(":memory:"), list[str]()
    connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b)")

    def note(_cursor: apsw.Cursor, statement: str, _bindings: object) -> bool:
        statements.append(statement)
        return True

    connection.exec_trace = note
    rows = [[each, f"text {each}"] for each in range(number)]
    write_rows(connection, SQL, "put", rows)
    assert len(statements) <= number // 250 + 13
    assert read_array(connection, SQL["all"], ()) == rows


def test_numbers_are_an_array_and_none_an_empty_one(connection: apsw.Connection) -> None:
    write_rows(connection, SQL, "put", [(each, None) for each in (-(2**63), 1, 2**63 - 1)])
    assert read_array(connection, SQL["some"], (numbers([2**63 - 1, 7, -(2**63)]),)) == [2**63 - 1, -(2**63)]
    assert read_array(connection, SQL["some"], (numbers([]),)) == []
