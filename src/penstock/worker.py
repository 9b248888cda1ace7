"""One round of sending: lease, load, judge and edit, begin, deliver, end, settle.

A mail leaves the queue only where the code says so; whatever dies in between, the default is "again". Decision and
start are durable before the first byte goes out, and a mail that began and never ended is never sent again blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from penstock.assembly import Assembler, Loaded
from penstock.delivery.hand_over import HandOver, Report
from penstock.delivery.leases import Leases
from penstock.delivery.portions import portions
from penstock.errors import AdapterUnavailable
from penstock.model.mail import Mail
from penstock.model.verdict import decide
from penstock.observe.log import get_logger
from penstock.pipeline import Pipeline
from penstock.ports import Adapter, Clock, Ledger, Queue, Services, Settlement, Ticket

__all__ = ["BATCH", "ROUNDS", "Report", "Worker", "everything"]

Janitor = Callable[[], Awaitable[None]]
"""Called when nothing can be leased: takes care of mails that a dead process began."""

Among = Callable[[], Sequence[str] | None]
"""The ids of the mails that a drain is about; None: all."""

_SHORTEST_PAUSE = 0.05
_PREPARE_SECONDS = 5.0
BATCH = 250  # tickets per round
ROUNDS = 2  # at once
LEASE_SECONDS = 30.0

_log = get_logger("worker")


def everything() -> None:
    """No restriction."""
    return


class Worker:
    """Drives mails from the queue through pipeline and adapters."""

    def __init__(
        self,
        *,
        queue: Queue,
        ledger: Ledger,
        assembler: Assembler,
        pipeline: Pipeline,
        services: Services,
        adapters: Mapping[str, Adapter],
        janitor: Janitor,
        report: Report = lambda _mail, _decision, _outcome: None,
        lease_seconds: float = LEASE_SECONDS,
        batch: int = BATCH,
    ) -> None:
        self._queue = queue
        self._assembler = assembler
        self._pipeline = pipeline
        self._services = services
        self._clock: Clock = services.clock
        self._adapters = adapters
        self._janitor = janitor
        self._leases = Leases(queue, lease_seconds)
        self._hand_over = HandOver(
            queue=queue,
            ledger=ledger,
            leases=self._leases,
            assembler=assembler,
            services=services,
            adapters=adapters,
            report=report,
        )
        self._batch = batch
        self._stop_asked = asyncio.Event()
        self._among: Among = everything
        self.idle = True
        """Whether nothing could be leased when it was looked at last."""
        self.taken = 0
        """How many tickets were leased so far."""
        self.moved = asyncio.Event()
        """Set whenever `idle` or `taken` changed, and at the end of a drain."""

    async def drain(
        self, *, wait: float, stop: asyncio.Event, fed: asyncio.Event | None = None, among: Among = everything
    ) -> None:
        """Run rounds until nothing can be leased within `wait` seconds, or `stop` is set.

        `fed`, where given, is set once nothing is added to the queue any more; before that an empty queue is no end.
        `among` gives the mails that this drain is about, None for all there are. Raises Unavailable when a dependency
        is away; nothing is lost by it and the same call continues.
        """
        self._stop_asked, self._among = stop, among
        self._hand_over.start(stop)
        await self._prepare()
        async with self._leases.kept():
            rounds: set[asyncio.Task[None]] = set()
            try:
                await self._rounds(rounds, wait, fed)
            finally:
                self.idle = True
                self.moved.set()
                # What has begun ends, whatever came of the others.
                results = await asyncio.gather(*rounds, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _rounds(self, rounds: set[asyncio.Task[None]], wait: float, fed: asyncio.Event | None) -> None:
        """Two rounds at a time: while one waits for disk and next hop, the other is judged and composed."""
        idle, stop = 0.0, self._stop_asked
        while not stop.is_set():
            if len(rounds) < ROUNDS and (tickets := await self._leases.take(self._batch, self._among())):
                rounds.add(asyncio.create_task(self._round(tickets), name="penstock-round"))
                self.taken += len(tickets)
                idle, self.idle = 0.0, False
                self.moved.set()
                continue
            if rounds:
                done, _ = await asyncio.wait(rounds, return_when=asyncio.FIRST_COMPLETED)
                if any(task.exception() for task in done):
                    return
                rounds -= done
                continue
            self.idle = True
            self.moved.set()
            pause = await self._pause(idle, wait, fed)
            if pause is None:
                return
            idle += pause
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)

    async def _pause(self, idle: float, wait: float, fed: asyncio.Event | None) -> float | None:
        """How long to wait for the next ticket; None: none comes in time."""
        if fed is not None and not fed.is_set():
            return _SHORTEST_PAUSE
        await self._janitor()
        ready = await self._queue.ready_in(self._among())
        if ready is None or idle + ready > wait:
            return None
        # Not the whole way: another process may give back or finish what it holds before its lease ends.
        return min(max(ready, _SHORTEST_PAUSE), max(_SHORTEST_PAUSE, idle), 1.0)

    async def round(self) -> int:
        """One batch of what is ready now; the number of tickets leased."""
        async with self._leases.kept():
            tickets = await self._leases.take(self._batch)
            if tickets:
                await self._round(tickets)
        return len(tickets)

    async def _round(self, tickets: Sequence[Ticket]) -> None:
        try:
            await self._work(tickets)
        finally:
            self._leases.forget(tickets)

    async def _prepare(self) -> None:
        """Let the ways out learn what mails are judged by. One that is away will say so when it is to deliver."""
        routed = {*self._services.routes.values(), *(rule.to for rule in self._services.route_rules)}
        await asyncio.gather(*(_prepared(self._adapters[name]) for name in routed & self._adapters.keys()))

    async def _work(self, tickets: Sequence[Ticket]) -> None:
        loaded = await self._assembler.load([ticket.mail_id for ticket in tickets])
        for portion in portions(await self._set_aside(tickets, loaded)):
            await self._walk(portion)

    async def _walk(self, pairs: Sequence[tuple[Ticket, Mail]]) -> None:
        walked = await self._pipeline.run([mail for _, mail in pairs])
        work = [
            (ticket, mail, decide(mail.reasons, mail.variant)) for (ticket, _), mail in zip(pairs, walked, strict=True)
        ]
        await self._hand_over.turn_away([item for item in work if not item[2].may_go])
        await self._hand_over.send([item for item in work if item[2].may_go])

    async def _set_aside(self, tickets: Sequence[Ticket], loaded: Sequence[Loaded | None]) -> list[tuple[Ticket, Mail]]:
        """What can be worked on. Mails that are gone or over lose their ticket; what was begun is the janitor's."""
        back, pairs, stranded = [], [], False
        for ticket, found in zip(tickets, loaded, strict=True):
            if found is None or found.over:
                back.append(Settlement(ticket))
            elif found.begun:
                back.append(Settlement(ticket, self._clock.now()))
                stranded = True
            else:
                pairs.append((ticket, found.mail))
        if back:
            await self._leases.settle(back)
        if stranded:
            await self._janitor()
        return pairs


async def _prepared(adapter: Adapter) -> None:
    try:
        async with asyncio.timeout(_PREPARE_SECONDS):
            await adapter.prepare()
    except (AdapterUnavailable, TimeoutError) as fault:
        _log.warning("adapter_not_prepared", adapter=adapter.name, fault=type(fault).__name__)
