"""Whether the store takes what is written is tried, and not too often."""

from __future__ import annotations

import pytest

from penstock.errors import StoreUnavailable
from penstock.store.sqlite import SqliteStore
from penstock.store.write_trial import WriteTrial


async def value(store: SqliteStore) -> str:
    statement = "SELECT value FROM meta WHERE name = 'trial:write'"
    return str(await store.database.read(lambda connection: connection.execute(statement).get))


async def test_it_writes_something_else_each_second_and_nothing_in_between(store: SqliteStore) -> None:
    seconds = [0.0]
    trial = WriteTrial(store.database, lambda: seconds[0])
    await trial.run()
    first = await value(store)
    await trial.run()
    assert await value(store) == first
    seconds[0] = 1.5
    await trial.run()
    assert await value(store) not in {first, "None"}


class FullStore:
    """Takes nothing while it is full."""

    full = True
    asked = 0

    def statements(self, _room: str) -> dict[str, str]:
        return {}

    async def write(self, _job: object) -> None:
        self.asked += 1
        if self.full:
            raise StoreUnavailable("the disk is full", where="store")


async def test_what_cannot_be_written_is_told_until_it_can() -> None:
    seconds, full = [0.0], FullStore()
    trial = WriteTrial(full, lambda: seconds[0])  # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match="the disk is full"):
            await trial.run()
    assert full.asked == 1
    full.full = False
    seconds[0] = 1.5
    await trial.run()
    assert full.asked == 2
