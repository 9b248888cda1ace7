"""What waits in the store, in numbers."""

from __future__ import annotations

from datetime import UTC, datetime

import apsw

from penstock.store.backlog_reader import BacklogReader
from penstock.store.sqlite import SqliteStore


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 11, 23, 9, tzinfo=UTC)

    def machine(self) -> float:
        return self.now().timestamp()


async def test_an_empty_store_has_nothing_waiting(store: SqliteStore) -> None:
    found = await BacklogReader(store.database, Clock(), lambda: 0.0).read()
    assert (found.waiting, found.oldest_seconds, found.begun, found.uncertain, found.held) == (0, 0.0, 0, 0, {})


async def test_it_asks_the_store_once_a_second(store: SqliteStore) -> None:
    seconds = [0.0]
    reader = BacklogReader(store.database, Clock(), lambda: seconds[0])
    assert (await reader.read()).waiting == 0

    def add(connection: apsw.Connection) -> None:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(tickets)") if row[3] and row[4] is None]
        due = Clock().now().timestamp() - 90
        given = {"id": 1, "lane": "main/kund.example", "due": due}
        values = [given.get(name, 1) for name in columns]
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO tickets ({', '.join(columns)}) VALUES ({marks})", values)

    await store.database.write(add)
    assert (await reader.read()).waiting == 0
    seconds[0] = 1.0
    found = await reader.read()
    assert (found.waiting, found.oldest_seconds) == (1, 90.0)
