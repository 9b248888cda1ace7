from __future__ import annotations

import apsw
import apsw.ext
import pytest

from penstock.store.named_sql import ROWS_AT_ONCE, load_named_sql, rows_name, split_named_sql
from penstock.store.sqlite import SqliteStore

ROOMS = (
    "campaigns",
    "contacts",
    "identities",
    "ledger",
    "mails",
    "meta",
    "queue",
    "rates",
    "snapshots",
    "suppressions",
)


def test_a_name_mark_starts_a_statement() -> None:
    text = "-- what this is\n\n-- name: one\nSELECT 1\n\n-- name: two\nSELECT\n  2\n"
    assert split_named_sql(text) == {"one": "SELECT 1", "two": "SELECT\n  2"}


def test_a_statement_with_marked_rows_is_there_for_several_numbers_of_rows() -> None:
    statements = split_named_sql(
        "-- name: put\nINSERT INTO t VALUES /*rows*/ (?, max(?, 1)) ON CONFLICT (a) DO NOTHING"
    )
    assert statements.keys() == {"put", *(rows_name("put", number) for number in ROWS_AT_ONCE)}
    assert statements[rows_name("put", 5)] == (
        f"INSERT INTO t VALUES {','.join(['(?,max(?,1))'] * 5)} ON CONFLICT (a) DO NOTHING"
    )


def test_a_marked_row_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="no end"):
        split_named_sql("-- name: put\nINSERT INTO t VALUES /*rows*/ (?, (?)")


@pytest.mark.parametrize("text", ["SELECT 1\n-- name: a\nSELECT 2", "-- name: a\nSELECT 1\n-- name: a\nSELECT 2"])
def test_a_statement_without_a_name_or_with_a_used_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        split_named_sql(text)


@pytest.mark.parametrize("room", ROOMS)
async def test_every_shipped_statement_fits_the_tables(room: str, store: SqliteStore) -> None:
    statements = load_named_sql("sqlite", room)
    assert statements

    def explain(connection: apsw.Connection) -> None:
        for statement in statements.values():
            apsw.ext.query_info(connection, statement)

    await store.database.write(explain)
