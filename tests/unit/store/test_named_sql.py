from __future__ import annotations

import apsw
import apsw.ext
import pytest

from penstock.store.named_sql import load_named_sql, split_named_sql
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
