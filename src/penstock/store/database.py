"""One open database: a thread that writes, a thread that reads, and transactions that share their fsync."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import apsw

from penstock.errors import StoreUnavailable
from penstock.store.connections import PATIENCE_SECONDS, begin_immediate
from penstock.store.faults import unavailable
from penstock.store.named_sql import load_named_sql

__all__ = ["Database", "Job"]

_T = TypeVar("_T")
Job = Callable[[apsw.Connection], _T]

_GROUP_JOBS = 64
_GROUP_SECONDS = 0.005


@dataclass(slots=True)
class _Order:
    """A job on its way through a thread, with what came of it."""

    job: Job[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    fault: BaseException | None = None


class _Thread:
    """A thread with one connection and a line of orders.

    `work` takes the first order and may take more of the line.
    """

    def __init__(self, name: str, connection: apsw.Connection, work: Callable[[_Order, _Thread], None]) -> None:
        self.connection = connection
        self.line: SimpleQueue[_Order | None] = SimpleQueue()
        self.closed = False
        self._work = work
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def ask(self, job: Job[_T]) -> _T:
        if self.closed:
            raise StoreUnavailable("the store is closed", where="store")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self.line.put(_Order(job, loop, future))
        return cast("_T", await future)

    def _run(self) -> None:
        while (order := self.line.get()) is not None:
            self._work(order, self)
        self.connection.close()

    async def aclose(self) -> None:
        if not self.closed:
            self.closed = True
            self.line.put(None)
        await asyncio.to_thread(self._thread.join)


class Database:
    """Jobs are plain functions of the connection; they run in a thread and must not touch the event loop.

    Writing: what waits (at most 64 jobs or 5 ms of work) shares one `BEGIN IMMEDIATE … COMMIT`; each job
    but the first stands in a savepoint of its own, so that a failing job takes back its own changes only. A job's
    answer is given after the commit is on disk. Reading: one consistent snapshot per job. With `reader` None (a
    database in memory) the writing connection serves both; with `writer` None nothing can be written.
    """

    def __init__(
        self,
        writer: apsw.Connection | None,
        reader: apsw.Connection | None,
        *,
        engine: str = "sqlite",
        timer: Callable[[], float] = time.perf_counter,
        jitter: Callable[[], float] = random.random,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._timer = timer
        self._jitter = jitter
        self._patience = patience
        self._engine = engine
        self._sql: dict[str, Mapping[str, str]] = {}
        self._writer = None if writer is None else _Thread("store-writer", writer, self._write_group)
        self._reader = None if reader is None else _Thread("store-reader", reader, _read_one)

    @property
    def writable(self) -> bool:
        """False when the store was opened to look at only."""
        return self._writer is not None

    def statements(self, room: str) -> Mapping[str, str]:
        """The named SQL of a room."""
        if room not in self._sql:
            self._sql[room] = load_named_sql(self._engine, room)
        return self._sql[room]

    async def write(self, job: Job[_T]) -> _T:
        """Run the job in a transaction and answer when it is durable.

        Raises StoreUnavailable when disk, rights or locks forbid it (nothing happened), else what the job
        raised.
        """
        if self._writer is None:
            raise StoreUnavailable("the store was opened for looking only", where="store")
        return await self._writer.ask(job)

    async def read(self, job: Job[_T]) -> _T:
        """Run a job that only looks. Raises as `write` does."""
        thread = self._reader or self._writer
        if thread is None:
            raise StoreUnavailable("the store is closed", where="store")
        return await thread.ask(job)

    async def aclose(self) -> None:
        """Finish what waits, then close; the writer goes last, so that it can tidy the log away."""
        for thread in (self._reader, self._writer):
            if thread is not None:
                await thread.aclose()

    def _write_group(self, first: _Order, thread: _Thread) -> None:
        connection, group, stop = thread.connection, [first], self._timer() + _GROUP_SECONDS
        try:
            begin_immediate(connection, self._jitter, self._patience)
            if _opens(first, connection):
                while len(group) < _GROUP_JOBS and self._timer() < stop and (order := _next_of(thread.line)):
                    group.append(order)
                    _in_savepoint(order, connection)
                connection.execute("COMMIT")
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is handed to those who wait
            _roll_back(connection)
            if isinstance(fault, apsw.BusyError):
                # They waited behind the first: one patience is for all, or the fourth would wait four times as long.
                while (waiting := _next_of(thread.line)) is not None:
                    group.append(waiting)
            for order in group:
                order.fault = unavailable(fault) or fault
        _answer(group)


def _next_of(line: SimpleQueue[_Order | None]) -> _Order | None:
    try:
        order = line.get_nowait()
    except Empty:
        return None
    if order is None:
        line.put(None)  # the end: this group first
    return order


def _opens(order: _Order, connection: apsw.Connection) -> bool:
    """Run the first job of a transaction. It needs no savepoint: False when it failed and all was taken back."""
    if order.future.cancelled():
        return True
    try:
        order.result = order.job(connection)
    except Exception as fault:  # noqa: BLE001 - handed to the one who waits
        order.fault = unavailable(fault) or fault
        _roll_back(connection)
        return False
    return True


def _in_savepoint(order: _Order, connection: apsw.Connection) -> None:
    """Run one job. Raises only when the whole transaction is lost."""
    if order.future.cancelled():
        return
    connection.execute("SAVEPOINT job")
    try:
        order.result = order.job(connection)
        connection.execute("RELEASE job")
    except Exception as fault:
        # A full disk or a failing one can end the transaction of the whole group.
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        order.fault = unavailable(fault) or fault


def _read_one(order: _Order, thread: _Thread) -> None:
    connection = thread.connection
    try:
        connection.execute("BEGIN")
        order.result = order.job(connection)
    except Exception as fault:  # noqa: BLE001 - handed to the one who waits
        order.fault = unavailable(fault) or fault
    _roll_back(connection)
    _answer([order])


def _roll_back(connection: apsw.Connection) -> None:
    if connection.in_transaction:
        with suppress(apsw.Error):  # a failing disk: SQLite takes the transaction back when it opens the file again
            connection.execute("ROLLBACK")


def _answer(group: list[_Order]) -> None:
    """Wake those who wait. All orders of a database come from one event loop.

    When it is gone, nobody waits.
    """

    def hand_over() -> None:
        for order in group:
            if order.future.done():
                continue
            if order.fault is None:
                order.future.set_result(order.result)
            else:
                order.future.set_exception(order.fault)

    with suppress(RuntimeError):  # a closed loop
        group[0].loop.call_soon_threadsafe(hand_over)
