"""Jobs, transactions that share a commit, and what happens when the disk says no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import apsw
import pytest

from penstock.errors import StoreUnavailable
from penstock.store.connections import connect_reader, connect_writer, make_durable
from penstock.store.database import Database, Job


def insert(value: int) -> Job[int]:
    def job(connection: apsw.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (value,))
        return value

    return job


def count(connection: apsw.Connection) -> int:
    return cast("int", connection.execute("SELECT count(*) FROM t").get)


class Opened:
    """A database with one table, and the commits its writer made."""

    def __init__(self, path: Path) -> None:
        self.writer = connect_writer(path)
        make_durable(self.writer, lambda: 0.5)
        self.writer.execute("CREATE TABLE t (v INTEGER UNIQUE)")
        self.commits = 0
        self.writer.set_commit_hook(self._committed)
        self.database = Database(self.writer, connect_reader(path), jitter=lambda: 0.5)

    def _committed(self) -> bool:
        self.commits += 1
        return False


@pytest.fixture
async def opened(path: Path) -> AsyncIterator[Opened]:
    opened = Opened(path)
    yield opened
    await opened.database.aclose()


async def test_two_writes_that_wait_together_share_one_commit(opened: Opened) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: apsw.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    first = asyncio.create_task(opened.database.write(slow))
    await started.wait()
    both = asyncio.gather(*(opened.database.write(insert(value)) for value in (1, 2)))
    await asyncio.sleep(0.05)  # the first group's 5 ms are over
    release.set()
    assert await both == [1, 2]
    await first
    assert opened.commits <= 2
    assert await opened.database.read(count) == 2


async def test_five_hundred_concurrent_writes_take_few_commits(opened: Opened) -> None:
    await asyncio.gather(*(opened.database.write(insert(value)) for value in range(500)))
    assert await opened.database.read(count) == 500
    assert opened.commits <= 60


async def test_a_failing_job_takes_back_its_own_changes_only(opened: Opened) -> None:
    def fail(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO t VALUES (99)")
        raise LookupError("bug")

    answers = await asyncio.gather(
        opened.database.write(insert(1)),
        opened.database.write(fail),
        opened.database.write(insert(1)),
        opened.database.write(insert(2)),
        return_exceptions=True,
    )
    assert answers[0] == 1
    assert isinstance(answers[1], LookupError)
    assert isinstance(answers[2], apsw.ConstraintError)
    assert answers[3] == 2
    assert await opened.database.read(count) == 2


async def test_a_read_sees_what_was_written_before_it(opened: Opened) -> None:
    for value in range(20):
        await opened.database.write(insert(value))
        assert await opened.database.read(count) == value + 1


async def test_a_reader_cannot_write(opened: Opened) -> None:
    with pytest.raises(StoreUnavailable):
        await opened.database.read(insert(1))
    assert await opened.database.read(count) == 0


async def test_a_cancelled_job_that_has_not_begun_does_not_run(opened: Opened) -> None:
    started, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(connection: apsw.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result()

    first = asyncio.create_task(opened.database.write(slow))
    await started.wait()
    second = asyncio.create_task(opened.database.write(insert(7)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    release.set()
    await first
    assert await opened.database.read(count) == 0


async def test_a_full_disk_is_unavailable_and_leaves_nothing_half_written(opened: Opened) -> None:
    def many(connection: apsw.Connection) -> None:
        connection.executemany("INSERT INTO t VALUES (?)", ((value,) for value in range(100_000)))

    await opened.database.write(insert(-1))
    await opened.database.write(lambda connection: connection.pragma("max_page_count", 20))
    with pytest.raises(StoreUnavailable, match=r"the disk is full.*free space") as caught:
        await opened.database.write(many)
    assert "run the same command again" in caught.value.mend
    assert await opened.database.read(count) == 1
    await opened.database.write(lambda connection: connection.pragma("max_page_count", 100_000))
    await opened.database.write(many)
    assert await opened.database.read(count) == 100_001


async def test_a_lock_held_by_another_process_is_waited_for_and_then_unavailable(path: Path) -> None:
    naps = 0

    def jitter() -> float:
        nonlocal naps
        naps += 1
        return 0.5

    writer = connect_writer(path)
    make_durable(writer, lambda: 0.5)
    writer.execute("CREATE TABLE t (v)")
    database = Database(writer, connect_reader(path), jitter=jitter, patience=0.1)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another process"):
        await database.write(insert(1))
    assert naps > 2
    other.execute("ROLLBACK")
    assert await database.write(insert(1)) == 1
    other.close()
    await database.aclose()


async def test_all_who_wait_behind_a_lock_are_told_after_one_patience(path: Path) -> None:
    naps: list[float] = []

    def jitter() -> float:
        naps.append(0.0)
        return 0.5

    writer = connect_writer(path)
    make_durable(writer, lambda: 0.5)
    database = Database(writer, connect_reader(path), jitter=jitter, patience=0.2)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    alone = await asyncio.gather(database.write(count), return_exceptions=True)
    once = len(naps)
    many = await asyncio.gather(*(database.write(count) for _ in range(9)), return_exceptions=True)
    assert all(isinstance(fault, StoreUnavailable) for fault in (*alone, *many))
    assert len(naps) == 2 * once
    other.close()
    await database.aclose()


async def test_a_lock_that_goes_away_is_only_a_delay(opened: Opened, path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(opened.database.write(insert(1)))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other.execute("ROLLBACK")
    other.close()
    assert await waiting == 1


async def test_a_closed_database_is_unavailable_and_what_waited_is_done(path: Path) -> None:
    opened = Opened(path)
    writes = [asyncio.create_task(opened.database.write(insert(value))) for value in range(10)]
    await asyncio.sleep(0)
    await opened.database.aclose()
    assert await asyncio.gather(*writes) == list(range(10))
    with pytest.raises(StoreUnavailable, match="closed"):
        await opened.database.write(insert(11))
    with pytest.raises(StoreUnavailable, match="closed"):
        await opened.database.read(count)
    await opened.database.aclose()
    assert not path.with_name(path.name + "-wal").exists()
