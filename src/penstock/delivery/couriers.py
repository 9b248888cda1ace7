"""Sending without end: a courier for each way out, so that none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from penstock.delivery.leases import Leases
from penstock.delivery.way_pauses import TRIAL, WayPauses
from penstock.errors import AdapterUnavailable, Unavailable
from penstock.observe.log import get_logger
from penstock.ports import Queue, Ticket

__all__ = ["Couriers", "rest"]

_LOOK_SECONDS = 0.05
_STORE_SECONDS = 1.0

_log = get_logger("couriers")

Work = Callable[[Sequence[Ticket]], Awaitable[None]]
"""One round: judge, hand over and settle these tickets."""


class Couriers:
    """Leases for each way out by itself, `rounds` of `batch` tickets at a time.

    `prepare` is called with a way out before its first mails and whenever it was away. `now` is rule time.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        leases: Leases,
        pauses: WayPauses,
        work: Work,
        prepare: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
        batch: int,
        rounds: int,
    ) -> None:
        self._queue = queue
        self._leases = leases
        self._pauses = pauses
        self._work = work
        self._prepare = prepare
        self._now = now
        self._batch = batch
        self._rounds = rounds
        self._wake: dict[str, asyncio.Event] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event, grace: float) -> None:
        """Until `stop`; then what is in hand ends within `grace` seconds, or is left to the janitor.

        A store that is away is waited for. Raises what a round raised beyond that.
        """
        try:
            while not stop.is_set() and not any(task.done() for task in self._running.values()):
                try:
                    ways = await self._queue.ways()
                except Unavailable as fault:
                    await self._wait_for_store(stop, fault)
                    continue
                for way in ways:
                    self._call(way, stop)
                await rest(stop, _LOOK_SECONDS)
        finally:
            stop.set()
            running = [*self._running.values()]
            if running:
                _, late = await asyncio.wait(running, timeout=grace)
                for task in late:
                    task.cancel()
                await asyncio.gather(*running, return_exceptions=True)
        for task in running:
            if not task.cancelled() and (raised := task.exception()) is not None:
                raise raised

    def _call(self, way: str, stop: asyncio.Event) -> None:
        if way not in self._running:
            self._wake[way] = asyncio.Event()
            self._running[way] = asyncio.create_task(self._carry(way, stop), name="penstock-courier")
        self._wake[way].set()

    async def _carry(self, way: str, stop: asyncio.Event) -> None:
        """The courier of one way out."""
        rounds: set[asyncio.Task[None]] = set()
        try:
            await self._prepare(way)
            while not stop.is_set():
                if (left := self._pauses.left(way)) > 0.0:
                    await rest(stop, left)
                    await self._prepare(way)
                elif not await self._start(way, rounds, stop):
                    await self._until_something_happens(way, rounds, stop)
                ended = {task for task in rounds if task.done()}
                rounds -= ended
                for task in ended:
                    task.result()
        finally:
            try:
                await asyncio.gather(*rounds)
            finally:
                for task in rounds:
                    task.cancel()
                await asyncio.gather(*rounds, return_exceptions=True)

    async def _start(self, way: str, rounds: set[asyncio.Task[None]], stop: asyncio.Event) -> bool:
        """One more round, if there is room for it and anything to do. A way out that was away gets few mails first."""
        trial = self._pauses.on_trial(way)
        if len(rounds) >= (1 if trial else self._rounds):
            return False
        self._wake[way].clear()
        try:
            tickets = await self._leases.take(min(TRIAL, self._batch) if trial else self._batch, way=way)
        except Unavailable as fault:
            await self._wait_for_store(stop, fault)
            return True
        if tickets:
            rounds.add(asyncio.create_task(self._round(tickets, stop), name="penstock-round"))
        return bool(tickets)

    async def _until_something_happens(self, way: str, rounds: set[asyncio.Task[None]], stop: asyncio.Event) -> None:
        watched = [asyncio.create_task(stop.wait())]
        if len(rounds) < self._rounds and not (rounds and self._pauses.on_trial(way)):
            watched.append(asyncio.create_task(self._wake[way].wait()))
        try:
            await asyncio.wait({*rounds, *watched}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in watched:
                task.cancel()

    async def _round(self, tickets: Sequence[Ticket], stop: asyncio.Event) -> None:
        try:
            await self._work(tickets)
        except AdapterUnavailable as fault:
            _log.warning("way_out_closed", fault=type(fault).__name__)
        except Unavailable as fault:
            await self._wait_for_store(stop, fault)
            await self._return(tickets, stop)
        finally:
            self._leases.forget(tickets)

    async def _return(self, tickets: Sequence[Ticket], stop: asyncio.Event) -> None:
        """As soon as the store answers; what was begun meanwhile is the janitor's, whoever has the ticket."""
        while not stop.is_set():
            try:
                await self._leases.give_back(tickets, self._now())
            except Unavailable as fault:
                await self._wait_for_store(stop, fault)
            else:
                return

    async def _wait_for_store(self, stop: asyncio.Event, fault: Unavailable) -> None:
        _log.warning("couriers_wait", fault=type(fault).__name__)
        await rest(stop, _STORE_SECONDS)


async def rest(stop: asyncio.Event, seconds: float) -> None:
    """So long, or until `stop`."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
