"""Begin, deliver, end, settle: the mails that may go leave in slices, and whatever dies, nothing goes twice.

Decision and start are durable before the first byte goes out, and a mail that began and never ended is never sent again
blindly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from penstock.assembly import Assembler
from penstock.delivery.leases import Leases
from penstock.delivery.retry import in_time
from penstock.delivery.slice_size import SliceSize
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

_log = get_logger("hand_over")


class HandOver:
    """Takes decided mails over. One for all rounds of a worker, which share its slices in flight."""

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
    ) -> None:
        self._queue = queue
        self._ledger = ledger
        self._leases = leases
        self._assembler = assembler
        self._services = services
        self._clock = services.clock
        self._adapters = adapters
        self._report = report
        self._flight = asyncio.Semaphore(IN_FLIGHT)
        self._turn = asyncio.Lock()
        self._sizes = SliceSize()
        self._stop_asked = asyncio.Event()
        self._broken = False

    def start(self, stop: asyncio.Event) -> None:
        """A new run: slices that have not begun are given back once `stop` is set."""
        self._stop_asked, self._broken = stop, False

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
        """Slices per adapter, several in flight; the first Unavailable is raised after all of them are settled."""
        by_adapter: dict[str, list[Work]] = {}
        for item in work:
            by_adapter.setdefault(self._services.way_of(item[1]), []).append(item)
        slices: list[asyncio.Task[None]] = []
        try:
            async with self._turn:  # rounds begin their mails one after the other, in the order of the queue
                for name, items in by_adapter.items():
                    await self._cut(self._adapters[name], items, slices)
        finally:
            results = await asyncio.gather(*slices, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _cut(self, adapter: Adapter, items: Sequence[Work], slices: list[asyncio.Task[None]]) -> None:
        at = 0
        while at < len(items):
            await self._flight.acquire()
            size = min(self._sizes.of(adapter.name), adapter.capabilities.max_batch)
            slices.append(asyncio.create_task(self._slice(adapter, items[at : at + size]), name="penstock-slice"))
            at += size

    async def _slice(self, adapter: Adapter, work: Sequence[Work]) -> None:
        try:
            if self._broken:
                return  # what one slice met, those behind it need not meet again: the leases run out
            if self._stop_asked.is_set():
                now = self._clock.now()
                await self._leases.settle([Settlement(ticket, now) for ticket, _, _ in work])
            else:
                await self._hand_over(adapter, work)
        except BaseException:
            self._broken = True
            raise
        finally:
            self._flight.release()

    async def _hand_over(self, adapter: Adapter, work: Sequence[Work]) -> None:
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
        if not begun:
            return
        closed: Unavailable | None = None
        started = asyncio.get_running_loop().time()
        try:
            outcomes = await _deliver(adapter, [mail for _, mail, _ in begun])
        except AdapterUnavailable as fault:
            closed = fault
            outcomes = [TryLater("adapter unavailable", attempt_used=False)] * len(begun)
        else:
            self._sizes.took(adapter.name, len(begun), asyncio.get_running_loop().time() - started)
        await asyncio.shield(self._finish(adapter.name, begun, outcomes))
        if closed is not None:
            raise closed

    async def _look_again(self, tickets: Sequence[Ticket]) -> None:
        """Our lease or the other's ran out: whoever began them ends them, and only then the ticket may go."""
        now, soon = self._clock.now(), self._clock.machine() + 1.0
        await self._leases.settle([Settlement(ticket, now, not_before=soon) for ticket in tickets])

    async def _finish(self, adapter: str, begun: Sequence[Work], outcomes: Sequence[Outcome]) -> None:
        now = self._clock.now()
        endings, settlements = [], []
        for (ticket, mail, decision), found in zip(begun, outcomes, strict=True):
            outcome, due = in_time(mail, found, now)
            endings.append(Ending(mail, decision, outcome, due, self._dead(adapter, mail, outcome)))
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
