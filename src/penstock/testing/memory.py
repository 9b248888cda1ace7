"""A real store and queue that live in memory: the SQLite engine itself, so that tests see its true behaviour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from penstock.model.keyring import Keyring
from penstock.ports import Clock, Queue
from penstock.queue.sql import SqlQueue
from penstock.store.sqlite import SqliteStore
from penstock.testing.clocks import FakeClock
from penstock.testing.samples import a_keyring

__all__ = ["memory_queue", "memory_store"]


@asynccontextmanager
async def memory_store(clock: Clock | None = None, keyring: Keyring | None = None) -> AsyncIterator[SqliteStore]:
    """An empty store that is gone when the block ends."""
    store = await SqliteStore.open("sqlite://:memory:", keyring or a_keyring(), clock or FakeClock())
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def memory_queue(clock: Clock | None = None) -> AsyncIterator[Queue]:
    """The queue of an empty store in memory."""
    chosen = clock or FakeClock()
    async with memory_store(chosen) as store:
        yield SqlQueue(store.database, chosen)
