"""One round of sending: lease, load, judge and edit, begin, deliver, end, settle.

A mail leaves the queue only where the code says so; whatever dies in between, the default is "again". Decision and
start are durable before the first byte goes out, and a mail that began and never ended is never sent again blindly.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from penstock.assembly import Assembler, Loaded
from penstock.delivery.couriers import Couriers, rest
from penstock.delivery.hand_over import HandOver, Report
from penstock.delivery.leases import Leases
from penstock.delivery.portions import portions
from penstock.delivery.retry import EXPIRY, last_try
from penstock.delivery.way_pauses import WayPauses
from penstock.errors import AdapterUnavailable, Unavailable
from penstock.model.mail import Mail
from penstock.model.verdict import Reason, Verdict, decide
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
_LOOKS_A_MINUTE = 6
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
        waits: timedelta = EXPIRY,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._queue = queue
        self._assembler, self._pipeline, self._services = assembler, pipeline, services
        self._clock: Clock = services.clock
        self._adapters, self._janitor = adapters, janitor
        self._leases = Leases(queue, lease_seconds)
        self._hand_over = HandOver(
            queue=queue,
            ledger=ledger,
            leases=self._leases,
            assembler=assembler,
            services=services,
            adapters=adapters,
            report=report,
            waits=waits,
        )
        self._batch, self._waits, self._jitter = batch, waits, jitter
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

    async def serve(self, stop: asyncio.Event, *, grace: float = 30.0) -> None:
        """Send until `stop` is set, as processes do that stay; new mails are seen within a tenth of a second.

        A way out that is away is tried again after a pause that grows to a minute, and holds nothing up; a store that
        is away is waited for. After `stop` what has begun ends within `grace` seconds, or is left to the janitor; the
        rest is given back at once.
        """
        pauses = WayPauses(asyncio.get_running_loop().time, self._jitter)
        halt, self._among = asyncio.Event(), everything
        self._stop_asked = halt
        self._hand_over.start(halt, pauses)
        couriers = Couriers(
            queue=self._queue,
            leases=self._leases,
            pauses=pauses,
            work=self._work,
            prepare=self._prepare_way,
            now=self._clock.now,
            batch=self._batch,
            rounds=ROUNDS,
        )
        async with self._leases.kept():
            passing = asyncio.create_task(_pass_on(stop, halt), name="penstock-stop")
            tending = asyncio.create_task(self._tend(halt), name="penstock-janitor")
            try:
                await couriers.run(halt, grace)
            finally:
                halt.set()
                passing.cancel()
                await asyncio.wait([tending], timeout=grace)
                tending.cancel()
                results = await asyncio.gather(tending, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _tend(self, stop: asyncio.Event) -> None:
        """What a dead process began every few seconds; every minute mails that grew too old, and lost tickets."""
        number = 0
        while not stop.is_set():
            try:
                await self._janitor()
                if number % _LOOKS_A_MINUTE == 0:
                    await self._queue.mend()
                    await self._expire(stop)
            except Unavailable as fault:
                _log.warning("janitor_waits", fault=type(fault).__name__)
            number += 1
            await rest(stop, 60 / _LOOKS_A_MINUTE)

    async def _expire(self, stop: asyncio.Event) -> None:
        """Ready-made messages that waited too long fail, also those whose way out is away."""
        before, after = self._clock.now() - self._waits, None
        while not stop.is_set() and (tickets := await self._leases.take_expired(self._batch, before, after)):
            after = tickets[-1]
            await self._round(tickets)

    async def _prepare_way(self, way: str) -> None:
        if way in self._adapters:
            await _prepared(self._adapters[way])

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
        pairs = await self._set_aside(tickets, loaded)
        if old := [pair for pair in pairs if self._too_old(pair[0])]:
            reason = Reason("expiry", Verdict.SEND, why="It waited too long.")
            await self._hand_over.give_up([(ticket, mail, decide((reason,), mail.variant)) for ticket, mail in old])
            pairs = [pair for pair in pairs if not self._too_old(pair[0])]
        if lost := [(ticket, mail, decide(mail.reasons, mail.variant)) for ticket, mail in pairs if mail.reasons]:
            await self._hand_over.turn_away(lost)
            pairs = [pair for pair in pairs if not pair[1].reasons]
        for portion in portions(pairs):
            if self._stop_asked.is_set():
                await self._leases.settle([Settlement(ticket, self._clock.now()) for ticket, _ in portion])
            else:
                await self._walk(portion)

    def _too_old(self, ticket: Ticket) -> bool:
        last = last_try(ticket.since, self._waits)
        return last is not None and last <= self._clock.now()

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


async def _pass_on(first: asyncio.Event, second: asyncio.Event) -> None:
    await first.wait()
    second.set()


async def _prepared(adapter: Adapter) -> None:
    try:
        async with asyncio.timeout(_PREPARE_SECONDS):
            await adapter.prepare()
    except (AdapterUnavailable, TimeoutError) as fault:
        _log.warning("adapter_not_prepared", adapter=adapter.name, fault=type(fault).__name__)
