"""Begin, deliver, end, settle: the mails that may go leave in slices, and whatever dies, nothing goes twice.

Decision and start are durable before the first byte goes out, and a mail that began and never ended is never sent again
blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta

from penstock.assembly import Assembler
from penstock.delivery.leases import Leases
from penstock.delivery.line import Line
from penstock.delivery.retry import EXPIRY, expired, in_time, last_try
from penstock.delivery.slice_size import SLICE, SliceSize
from penstock.delivery.way_pauses import WayPauses
from penstock.errors import AdapterUnavailable, Unavailable
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Failed, Outcome, TryLater, Uncertain
from penstock.model.suppression import Suppression
from penstock.model.verdict import Decision, Reason, Verdict, decide
from penstock.observe.log import get_logger
from penstock.ports import BEGUN_ELSEWHERE, Adapter, Ending, Ledger, Queue, Services, Settlement, Ticket

__all__ = ["IN_FLIGHT", "HandOver", "Report", "Work"]

Report = Callable[[Mail, Decision, Outcome | None], None]
"""Called once per mail when a round is over with it, after the store knows."""

Work = tuple[Ticket, Mail, Decision]

IN_FLIGHT = 4
"""Slices on their way by one way out; one that stalls holds no slot of another."""

_CLOSED = timedelta(seconds=1)
"""What a worker without end could not even start, it does not look at again at once."""

_log = get_logger("hand_over")


class HandOver:
    """Takes decided mails over. One for all rounds of a worker, which share its slices in flight to each way out.

    `waits` is how long a ready-made message may wait since it was saved.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        ledger: Ledger,
        leases: Leases,
        assembler: Assembler,
        services: Services,
        adapters: Mapping[str, Adapter],
        report: Report,
        waits: timedelta = EXPIRY,
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._leases = leases
        self._assembler = assembler
        self._services = services
        self._clock = services.clock
        self._adapters = adapters
        self._report = report
        self._waits = waits
        self._lines: dict[str, Line] = {}
        self._sizes = SliceSize()
        self._stop_asked = asyncio.Event()
        self._broken = False
        self._closed: dict[str, AdapterUnavailable] = {}
        self._pauses: WayPauses | None = None

    def start(self, stop: asyncio.Event, pauses: WayPauses | None = None) -> None:
        """A new run: what has not begun is given back once `stop` is set.

        A way out that is away stays closed for the run; with `pauses`, for runs without end, as long as these say.
        """
        self._stop_asked, self._broken, self._pauses = stop, False, pauses
        self._closed.clear()

    async def turn_away(self, work: Sequence[Work]) -> None:
        """Record and settle what may not go now. Our own pace is no decision and is not recorded."""
        paced = [item for item in work if item[2].paced]
        judged = [item for item in work if not item[2].paced]
        if judged:
            await self._ledger.record([(mail, decision) for _, mail, decision in judged])
            await self._leases.settle([Settlement(ticket, decision.until) for ticket, _, decision in judged])
            for _, mail, decision in judged:
                self._report(mail, decision, None)
        if paced:
            await self._wait_for_pace(paced)

    async def _wait_for_pace(self, paced: Sequence[Work]) -> None:
        lanes: dict[str, float] = {}
        settlements = []
        for ticket, _, decision in paced:
            until = max(r.facts.until.timestamp() for r in decision.reasons if r.pace and r.facts.until)
            lanes[ticket.lane] = max(until, lanes.get(ticket.lane, 0.0))
            settlements.append(Settlement(ticket, self._clock.now(), not_before=until))
        await self._leases.settle(settlements)
        for lane, until in lanes.items():
            await self._queue.postpone(lane, until)

    async def send(self, work: Sequence[Work]) -> None:
        """Slices per adapter, several in flight; the first Unavailable is raised after all of them are settled.

        Adapters do not wait for each other.
        """
        by_adapter: dict[str, list[Work]] = {}
        for item in work:
            by_adapter.setdefault(self._services.way_of(item[1]), []).append(item)
        async with asyncio.TaskGroup() as lines:
            running = [lines.create_task(self._send_by(name, items)) for name, items in by_adapter.items()]
        for task in running:
            if (fault := task.result()) is not None:
                raise fault

    async def _send_by(self, way: str, work: Sequence[Work]) -> BaseException | None:
        """By one way out; the first fault is answered, so that it ends nothing of the others."""
        line = self._lines.setdefault(way, Line(IN_FLIGHT))
        slices: list[asyncio.Task[None]] = []
        try:
            async with line.turn:  # rounds begin their mails one after the other, in the order of the queue
                await self._cut(way, line, work, slices)
        except Exception as fault:  # noqa: BLE001 — raised by `send`, after the others
            return fault
        finally:
            results = await asyncio.gather(*slices, return_exceptions=True)
        return next((result for result in results if isinstance(result, BaseException)), None)

    async def _cut(self, way: str, line: Line, work: Sequence[Work], slices: list[asyncio.Task[None]]) -> None:
        at, adapter = 0, self._adapters[way]
        while at < len(work):
            if self._is_closed(way) or not await line.slot(self._stop_asked):
                await self._give_back(way, work[at:])
                return
            size = min(self._sizes.of(adapter.name), adapter.capabilities.max_batch)
            slices.append(asyncio.create_task(self._slice(way, line, work[at : at + size]), name="penstock-slice"))
            at += size

    def _is_closed(self, way: str) -> bool:
        return way in self._closed if self._pauses is None else self._pauses.left(way) > 0.0

    async def _give_back(self, way: str, work: Sequence[Work]) -> None:
        """What has not begun. Where the way out is closed, for as long as that: its lane may name another.

        Raises what closed it for this run.
        """
        left = 0.0 if self._pauses is None else self._pauses.left(way)
        now, then = self._clock.now(), self._clock.machine() + left if left else 0.0
        await self._leases.settle([Settlement(ticket, now, not_before=then) for ticket, _, _ in work])
        if way in self._closed:
            raise self._closed[way]

    async def _slice(self, way: str, line: Line, work: Sequence[Work]) -> None:
        try:
            if self._broken:
                return  # what one slice met, those behind it need not meet again: the leases run out
            if self._stop_asked.is_set() or self._is_closed(way):
                await self._give_back(way, work)
            else:
                await self._hand_over(way, work)
        except AdapterUnavailable:
            raise
        except BaseException:
            self._broken = self._pauses is None
            raise
        finally:
            line.free()

    async def _begin(self, work: Sequence[Work]) -> list[Work]:
        """Those that began; what `begin` overruled is turned away."""
        answers = await self._ledger.begin([(mail, decision) for _, mail, decision in work])
        stopped, elsewhere, begun = [], [], []
        for item, reason in zip(work, answers, strict=True):
            if reason is None:
                begun.append(item)
            elif reason == BEGUN_ELSEWHERE:
                elsewhere.append(item[0])
            else:
                stopped.append(_overruled(item, reason))
        if elsewhere:
            await self._look_again(elsewhere)
        if stopped:
            await self.turn_away(stopped)
        return begun

    async def _hand_over(self, way: str, work: Sequence[Work]) -> None:
        begun, adapter = await self._begin(work), self._adapters[way]
        if not begun:
            return
        closed: Unavailable | None = None
        started = asyncio.get_running_loop().time()
        try:
            outcomes = await _deliver(adapter, [mail for _, mail, _ in begun])
        except AdapterUnavailable as fault:
            closed = fault
            outcomes = [TryLater("adapter unavailable", attempt_used=False)] * len(begun)
            if self._pauses is None:
                self._closed[way] = fault
        else:
            self._sizes.took(adapter.name, len(begun), asyncio.get_running_loop().time() - started)
        self._learn(way, outcomes)
        await asyncio.shield(self._finish(way, begun, outcomes))
        if closed is not None:
            raise closed

    def _learn(self, way: str, outcomes: Sequence[Outcome]) -> None:
        """A way out of which no mail could even start is away, whether it raised or answered so."""
        if self._pauses is None:
            return
        if all(isinstance(outcome, TryLater) and not outcome.attempt_used for outcome in outcomes):
            self._pauses.away(way)
        else:
            self._pauses.there(way)

    async def give_up(self, work: Sequence[Work]) -> None:
        """Begin and end, with nothing in between: mails that waited too long have failed (RFC 3463 X.4.7)."""
        for at in range(0, len(work), SLICE):
            if begun := await self._begin(work[at : at + SLICE]):
                outcomes = [expired(mail, self._waits) for _, mail, _ in begun]
                await asyncio.shield(self._finish(self._services.way_of(begun[0][1]), begun, outcomes))

    async def _look_again(self, tickets: Sequence[Ticket]) -> None:
        """Our lease or the other's ran out: whoever began them ends them, and only then the ticket may go."""
        now, soon = self._clock.now(), self._clock.machine() + 1.0
        await self._leases.settle([Settlement(ticket, now, not_before=soon) for ticket in tickets])

    async def _finish(self, way: str, begun: Sequence[Work], outcomes: Sequence[Outcome]) -> None:
        now, adapter = self._clock.now(), self._adapters[way]
        closed = timedelta(0) if self._pauses is None else _CLOSED
        endings, settlements = [], []
        for (ticket, mail, decision), found in zip(begun, outcomes, strict=True):
            last = last_try(ticket.since, self._waits)
            outcome, due = in_time(mail, found, now, adapter.capabilities.retry, closed, last)
            endings.append(Ending(mail, decision, outcome, due, self._dead(adapter.name, mail, outcome)))
            settlements.append(Settlement(ticket, due))
        await self._write_down(endings, settlements)
        for ending in endings:
            self._report(ending.mail, ending.decision, ending.outcome)

    def _dead(self, adapter: str, mail: Mail, outcome: Outcome) -> Suppression | None:
        """The lasting entry for a recipient who does not exist (a hard bounce at once, RFC 3463 class 5.1)."""
        if isinstance(outcome, Failed) and outcome.code is Code.HARD_BOUNCED:
            return self._assembler.dead_address(mail, adapter)
        return None

    async def _write_down(self, endings: Sequence[Ending], settlements: Sequence[Settlement]) -> None:
        """End and settle; while the store is away again and again, as long as a lease lasts or until the stop.

        Raises Unavailable after that: the mails stay begun, for the janitor.
        """
        loop, pause = asyncio.get_running_loop(), 0.1
        until = loop.time() + self._leases.seconds
        while True:
            last = self._stop_asked.is_set() or loop.time() >= until
            try:
                # Handed to the store one behind the other, so that they share a commit.
                await asyncio.gather(self._ledger.end(endings), self._leases.settle(settlements))
            except Unavailable as fault:
                if last:
                    raise
                _log.info("outcomes_wait", mails=len(endings), fault=type(fault).__name__)
            else:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop_asked.wait(), pause)
            pause = min(pause * 2, 2.0)


async def _deliver(adapter: Adapter, mails: Sequence[Mail]) -> Sequence[Outcome]:
    """The adapter's outcomes; a bug or a wrong count leaves the whole slice in doubt."""
    try:
        outcomes = await adapter.deliver(mails)
    except AdapterUnavailable:
        raise
    except Exception as fault:  # noqa: BLE001 — whatever a plugin raises, its mails may have been sent
        _log.error("adapter_failed", adapter=adapter.name, fault=type(fault).__name__)
        return [Uncertain(f"adapter raised {type(fault).__name__}")] * len(mails)
    if len(outcomes) != len(mails):
        _log.error("adapter_miscounted", adapter=adapter.name, asked=len(mails), answered=len(outcomes))
        return [Uncertain("adapter answered the wrong number of outcomes")] * len(mails)
    return outcomes


def _overruled(work: Work, reason: Reason) -> Work:
    """What `begin` found in the hand-over transaction joins the reasons."""
    ticket, mail, _ = work
    mail = mail.with_reasons((*mail.reasons, reason))
    decision = decide(mail.reasons, mail.variant)
    assert decision.verdict is not Verdict.SEND
    return ticket, mail, decision
