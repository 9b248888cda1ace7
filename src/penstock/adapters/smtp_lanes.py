"""Mails that wait, spread over a bounded number of sessions."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from penstock.adapters.breaker import Breaker
from penstock.adapters.smtp_envelope import Parcel, envelope_commands
from penstock.adapters.smtp_login import LoginRefused
from penstock.adapters.smtp_opening import Opener
from penstock.adapters.smtp_pool import IdleSessions
from penstock.adapters.smtp_session import Offers, Session
from penstock.adapters.smtp_transaction import Answered, Broken, Conversation, Timeouts, Turn
from penstock.errors import AdapterUnavailable
from penstock.model.outcome import Failed, Outcome, TryLater, Uncertain
from penstock.observe.log import get_logger
from penstock.ports import Clock

__all__ = ["ACCOUNT_PAUSE", "Again", "Ended", "Job", "Lanes", "Limits"]

ACCOUNT_PAUSE = 900.0
"""Seconds without a try after our account was refused: somebody has to look first."""
_MOST_REPEATS = 3
_NARROW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """`sessions` at once; each for at most `mails`; one that has nothing to do stays open for `idle` seconds."""

    sessions: int = 10
    mails: int = 1_000
    idle: float = 60.0


class Job:
    """A parcel and the promise of an answer: its outcome, or AdapterUnavailable when it was not even offered."""

    __slots__ = ("answer", "parcel", "repeats")

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel
        self.repeats = 0
        self.answer: asyncio.Future[Outcome | AdapterUnavailable] = asyncio.get_running_loop().create_future()

    def settle(self, answer: Outcome | AdapterUnavailable) -> None:
        """Answer, unless nobody waits any more."""
        if not self.answer.done():
            self.answer.set_result(answer)


@dataclass(frozen=True, slots=True)
class Again:
    """Certainly not sent, and the session is to blame: to be offered on another; `otherwise` once that was often."""

    otherwise: Outcome


Ended = Callable[[Parcel, Answered | Broken, bool], Outcome | Again]
"""What the end of a transaction means; the flag says that the session had been used before this mail."""


class Lanes:
    """Each lane is a task that holds one session and takes mails until none is left.

    As long as no session could be opened, only one lane tries. `opened` is told what a server offers.
    """

    def __init__(
        self,
        opener: Opener,
        breaker: Breaker,
        clock: Clock,
        *,
        name: str,
        timeouts: Timeouts,
        limits: Limits,
        ended: Ended,
        opened: Callable[[Offers], None],
    ) -> None:
        self._name = name
        self._opener = opener
        self._breaker = breaker
        self._clock = clock
        self._timeouts = timeouts
        self._limits = limits
        self._ended = ended
        self._opened = opened
        self._idle = IdleSessions(limits.idle)
        self._queue: deque[Job] = deque()
        self._lanes: set[asyncio.Task[None]] = set()
        self._starting = 0
        self._serving = 0
        self._proven = False
        self._pipelining = True
        self._width = limits.sessions
        self._narrow_until = 0.0
        self._fault: AdapterUnavailable | None = None
        self._closed = False
        self._log = get_logger("adapters.smtp")

    def put(self, jobs: Iterable[Job]) -> None:
        """Take these on. Each gets its answer, whatever happens."""
        self._queue.extend(jobs)
        if not self._lanes:
            self._fault = None
        self._start()

    async def greet(self) -> None:
        """Open a session, hear what is offered, and keep it for the first mail. Raises AdapterUnavailable."""
        session = await self._opener.open()
        self._proven = True
        self._opened(session.offers)
        self._idle.give(session)

    async def aclose(self) -> None:
        """Stop what runs, answer what waits, close all sessions."""
        self._closed = True
        while self._lanes:
            for lane in self._lanes:
                lane.cancel()
            await asyncio.wait(self._lanes)
        await self._idle.aclose()

    def _start(self) -> None:
        """As many lanes as there is work and room for."""
        if self._clock.machine() >= self._narrow_until:
            self._width = self._limits.sessions
        width = self._width if self._proven else 1
        for _ in range(min(len(self._queue) - self._starting, width - len(self._lanes))):
            self._starting += 1
            lane = asyncio.get_running_loop().create_task(self._run())
            self._lanes.add(lane)
            lane.add_done_callback(self._finished)

    def _finished(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        if not lane.cancelled() and (fault := lane.exception()) is not None:
            self._log.error("smtp_lane_failed", adapter=self._name, fault=type(fault).__name__)
        if self._lanes:
            return
        self._proven = self._proven and self._fault is None
        if self._queue and self._fault is None and not (self._closed or self._breaker.open):
            self._start()  # put in after the lane had looked for the last time
            return
        why = self._fault or AdapterUnavailable(self._breaker.why or "the adapter was closed")
        while self._queue:
            self._queue.popleft().settle(why)

    async def _run(self) -> None:
        starting = True
        try:
            while self._queue and not self._breaker.open:
                session = self._idle.take()
                used = session is not None
                if session is None:
                    session = await self._opener.open()
                    self._proven, self._fault = True, None
                    self._opened(session.offers)
                if starting:
                    starting = False
                    self._starting -= 1
                    self._start()
                self._serving += 1
                try:
                    await self._serve(session, used=used)
                finally:
                    self._serving -= 1
        except AdapterUnavailable as fault:
            self._not_opened(fault)
        finally:
            if starting:
                self._starting -= 1

    def _not_opened(self, fault: AdapterUnavailable) -> None:
        """Where other sessions are fine the server only wants fewer of them."""
        others = self._serving + len(self._idle)
        if isinstance(fault, LoginRefused):
            self._breaker.trip(fault.what, ACCOUNT_PAUSE)
            self._fault = fault
        elif others:
            self._width = min(self._width, others)
            self._narrow_until = self._clock.machine() + _NARROW_SECONDS
        else:
            self._fault = fault
        self._log.warning("smtp_not_opened", adapter=self._name, why=fault.what, where=fault.where, others=others)

    async def _serve(self, session: Session, *, used: bool) -> None:
        """Send mails over this session until there are no more or it ends."""
        talk: Conversation[Job] = Conversation(session, self._timeouts, pipelining=self._pipelining)
        follow = self._follower(session)
        turn = follow()
        try:
            while turn is not None:
                ended = await talk.send(turn, follow)
                self._settle(session, turn.job, ended, used=used)
                used, turn = True, None
                if self._breaker.open:
                    session.abort()  # not even the mail that was announced goes on
                if not session.closing:
                    turn = talk.following or follow()
        except BaseException:
            session.abort()
            if turn is not None:
                turn.job.settle(_interrupted(in_doubt=talk.in_doubt))
            raise
        finally:
            if talk.following is not None:
                self._queue.appendleft(talk.following.job)
            if session.carried < self._limits.mails:
                self._idle.give(session)
            else:
                self._idle.retire(session)

    def _follower(self, session: Session) -> Callable[[], Turn[Job] | None]:
        most = self._limits.mails

        def follow() -> Turn[Job] | None:
            while self._queue and session.carried < most and not self._breaker.open:
                job = self._queue.popleft()
                if job.answer.done():
                    continue
                commands = envelope_commands(job.parcel, session.offers)
                if not isinstance(commands, Failed):
                    session.carried += 1
                    return Turn(job, job.parcel, *commands)
                job.settle(commands)
            return None

        return follow

    def _settle(self, session: Session, job: Job, ended: Answered | Broken, *, used: bool) -> None:
        if isinstance(ended, Broken) and ended.lost_commands and self._pipelining:
            self._pipelining = False
            self._log.warning("smtp_pipelining_given_up", adapter=self._name, why=ended.why)
        outcome = self._ended(job.parcel, ended, used)
        if not isinstance(outcome, Again):
            job.settle(outcome)
            return
        session.abort()
        if job.repeats >= _MOST_REPEATS:
            job.settle(outcome.otherwise)
        else:
            job.repeats += 1
            self._queue.appendleft(job)


def _interrupted(*, in_doubt: bool) -> Outcome:
    if in_doubt:
        return Uncertain("interrupted while the server's answer to the message was awaited")
    return TryLater("interrupted before the message was sent", attempt_used=False)
