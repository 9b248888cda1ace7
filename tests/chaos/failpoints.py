"""Ledger and queue of a worker that dies at a chosen call, and a journal of what it had in hand.

The product knows nothing of this: the worker takes ledger and queue by its constructor.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from penstock.model.mail import Mail
from penstock.model.verdict import Decision, Reason
from penstock.ports import Ending, Ledger, Queue, Settlement, Ticket
from penstock.wiring import House
from penstock.worker import BATCH, Report, Worker

__all__ = ["Failpoint", "InHand", "Journal", "Seam", "WatchedHouse", "in_hand"]


class Seam(StrEnum):
    """Where a process is killed."""

    BEFORE_BEGIN = "before begin"
    AFTER_BEGIN = "after begin"
    IN_DATA = "in DATA"
    AFTER_DOT = "after the dot"
    BEFORE_END = "before end"
    BEFORE_SETTLE = "before settle"
    RANDOM = "random moment"


class Failpoint:
    """Kills its own process at the `at`-th call of that seam, unless another process took `claim` before."""

    def __init__(self, seam: Seam | None, at: int, claim: Path) -> None:
        self._seam = seam
        self._left = at
        self._claim = claim

    def reach(self, seam: Seam) -> None:
        """This seam is passed; perhaps not."""
        if self.is_due(seam):
            self.kill()

    def is_due(self, seam: Seam) -> bool:
        """Count a call of that seam; whether it is the one."""
        if seam is not self._seam:
            return False
        self._left -= 1
        return self._left == 0

    def kill(self) -> None:
        """The end, unless another process came first."""
        with suppress(FileExistsError):
            os.close(os.open(self._claim, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)


class Journal:
    """What was called and what came back, a line each, handed to the operating system before the process goes on."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self._noted: dict[str, set[str]] = defaultdict(set)
        self._changed = asyncio.Event()

    def note(self, what: str, mails: Sequence[Mail]) -> None:
        """One line."""
        self._noted[what].update(mail.id for mail in mails)
        self._changed.set()
        os.write(self._handle, json.dumps([what, [mail.id for mail in mails]]).encode() + b"\n")

    def has(self, what: str, ids: set[str]) -> bool:
        """Whether that was noted of all of them."""
        return ids <= self._noted[what]

    async def until(self, what: str, ids: set[str]) -> None:
        """Return when it is."""
        while not self.has(what, ids):
            self._changed.clear()
            await self._changed.wait()


@dataclass(frozen=True, slots=True)
class InHand:
    """What a killed process left open: `surely` began durably and was never told to end; `perhaps` may have begun."""

    surely: frozenset[str]
    perhaps: frozenset[str]


def in_hand(path: Path) -> InHand:
    """Read a journal; a process that never came to a first line left nothing."""
    ids: dict[str, set[str]] = {what: set() for what in ("begin", "refused", "begun", "end", "ended")}
    for line in path.read_text().splitlines() if path.exists() else ():
        what, mails = json.loads(line)
        ids[what].update(mails)
    return InHand(frozenset(ids["begun"] - ids["end"]), frozenset(ids["begin"] - ids["refused"] - ids["ended"]))


class _WatchedLedger:
    """The port Ledger."""

    def __init__(self, inner: Ledger, failpoint: Failpoint, journal: Journal) -> None:
        self._inner = inner
        self._failpoint = failpoint
        self._journal = journal

    async def record(self, decided: Sequence[tuple[Mail, Decision]], /) -> None:
        await self._inner.record(decided)

    async def begin(self, decided: Sequence[tuple[Mail, Decision]], /) -> Sequence[Reason | None]:
        self._failpoint.reach(Seam.BEFORE_BEGIN)
        mails = [mail for mail, _ in decided]
        self._journal.note("begin", mails)
        answers = await self._inner.begin(decided)
        both = list(zip(mails, answers, strict=True))
        self._journal.note("begun", [mail for mail, reason in both if reason is None])
        self._journal.note("refused", [mail for mail, reason in both if reason is not None])
        self._failpoint.reach(Seam.AFTER_BEGIN)
        return answers

    async def end(self, endings: Sequence[Ending], /) -> None:
        self._failpoint.reach(Seam.BEFORE_END)
        mails = [ending.mail for ending in endings]
        self._journal.note("end", mails)
        await self._inner.end(endings)
        self._journal.note("ended", mails)


class _WatchedQueue:
    """The port Queue. It may die before it settles what ended; not before that is durable, as both run at once."""

    def __init__(self, inner: Queue, failpoint: Failpoint, journal: Journal) -> None:
        self._inner = inner
        self._failpoint = failpoint
        self._journal = journal

    async def lease(
        self, most: int, seconds: float, among: Sequence[str] | None = None, /, *, way: str | None = None
    ) -> Sequence[Ticket]:
        return await self._inner.lease(most, seconds, among, way=way)

    async def lease_expired(
        self, most: int, seconds: float, before: datetime, after: Ticket | None = None, /
    ) -> Sequence[Ticket]:
        return await self._inner.lease_expired(most, seconds, before, after)

    async def ways(self) -> frozenset[str]:
        return await self._inner.ways()

    async def mend(self) -> None:
        await self._inner.mend()

    async def renew(self, tickets: Sequence[Ticket], seconds: float, /) -> int:
        return await self._inner.renew(tickets, seconds)

    async def settle(self, settlements: Sequence[Settlement], /) -> None:
        ids = {settlement.ticket.mail_id for settlement in settlements}
        if self._journal.has("end", ids) and self._failpoint.is_due(Seam.BEFORE_SETTLE):
            await self._journal.until("ended", ids)
            self._failpoint.kill()
        await self._inner.settle(settlements)

    async def postpone(self, lane: str, until: float, /) -> int:
        return await self._inner.postpone(lane, until)

    async def ready_in(self, among: Sequence[str] | None = None, /) -> float | None:
        return await self._inner.ready_in(among)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedHouse(House):
    """A house whose workers are watched; all else is as it was."""

    failpoint: Failpoint
    journal: Journal
    most: int
    """Tickets a round, so that two workers can share a small campaign."""

    @classmethod
    def around(cls, house: House, failpoint: Failpoint, journal: Journal, most: int) -> WatchedHouse:
        """The same house, watched."""
        parts: Mapping[str, Any] = {part.name: getattr(house, part.name) for part in fields(House)}
        return cls(**parts, failpoint=failpoint, journal=journal, most=most)

    def worker(self, report: Report = lambda _mail, _decision, _outcome: None, *, batch: int = BATCH) -> Worker:
        """As the house makes it, on the watched ledger and queue."""
        return Worker(
            queue=_WatchedQueue(self.queue, self.failpoint, self.journal),
            ledger=_WatchedLedger(self.store.ledger, self.failpoint, self.journal),
            assembler=self.assembler,
            pipeline=self.pipeline(),
            services=self.services,
            adapters=self.adapters,
            janitor=self.give_up_stranded,
            report=report,
            batch=min(batch, self.most),
        )
