"""How far each receiver of outcomes has been told, kept so that a crash repeats a batch and never leaves one out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import apsw

from penstock.model.outcome_event import WHOLE_ROW, Place
from penstock.ports import Clock
from penstock.store.database import Database
from penstock.store.instants import maybe_from_micros, micros

__all__ = ["LEASE_SECONDS", "ReceiverState", "Receivers"]

LEASE_SECONDS = 60.0
"""So long nobody else tells a receiver; a call takes ten seconds at most."""


@dataclass(frozen=True, slots=True)
class ReceiverState:
    """Where one receiver stands. It knows everything up to `after`; of a batch that was begun and not taken yet `upto`
    is the end and `message` the id. `next_at` and `lease_until` are machine time. `fault` says what came of the last
    try, empty when it was taken. `stopped`: it answered that it is gone.
    """

    name: str
    after: Place
    upto: Place | None
    message: str
    tries: int
    next_at: float
    told_at: datetime | None
    failed_at: datetime | None
    fault: str
    stopped: bool
    holder: str
    lease_until: float


class Receivers:
    """The kept states. Whoever tells holds the receiver; what another holds is left alone."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = database.statements("receivers")

    async def open(self, name: str, mark: str, *, history: bool) -> None:
        """Make a receiver known: it is told what happens from now on, with `history` what happened before, too.

        One that is known stays where it is; another `mark` (a digest of its address) lifts a stop.
        """
        row = (name, mark, history, WHOLE_ROW)
        await self._database.write(lambda connection: connection.execute(self._sql["open"], row))

    async def states(self) -> tuple[dict[str, ReceiverState], int]:
        """All receivers by name, and the number of the ledger's last row; one look."""

        def job(connection: apsw.Connection) -> tuple[dict[str, ReceiverState], int]:
            states = [_state(row) for row in connection.execute(self._sql["states"])]
            return {each.name: each for each in states}, connection.execute(self._sql["head"]).get

        return await self._database.read(job)

    async def begin(self, seen: ReceiverState, upto: Place, message: str, holder: str, /) -> str | None:
        """Take hold of the receiver and remember the batch that ends at `upto`, before its first octet leaves.

        Its id: `message`, or that of an earlier try. None when another holds the receiver or it is no longer as
        `seen`. A lease that runs further than any lease does is one of a clock that was set back, and holds nobody.
        """
        now = self._clock.machine()
        until = now + LEASE_SECONDS
        row = (seen.name, holder, until, *seen.after, *upto, message, now, until)

        def job(connection: apsw.Connection) -> str | None:
            found = connection.execute(self._sql["begin"], row).get
            return None if found is None else str(found)

        return await self._database.write(job)

    async def told(self, name: str, holder: str, /, *, called: bool = True) -> bool:
        """The batch that was begun was taken; without `called` there was nothing in it. False: another holds it."""
        row = (name, holder, micros(self._clock.now()), called)
        return await self._change("told", row)

    async def failed(self, name: str, holder: str, fault: str, next_at: float, /, *, stop: bool = False) -> bool:
        """The batch was not taken; it is tried again at `next_at` (machine time), with `stop` never."""
        return await self._change("failed", (name, holder, next_at, fault, micros(self._clock.now()), stop))

    async def release(self, holder: str, /) -> None:
        """Let go of all that this one holds."""
        await self._change("release", (holder,))

    async def resume(self, name: str, /) -> bool:
        """Try again now, also after a stop. False for a receiver that nobody knows."""
        return await self._change("resume", (name,))

    async def _change(self, statement: str, row: Sequence[Any]) -> bool:
        def job(connection: apsw.Connection) -> bool:
            connection.execute(self._sql[statement], tuple(row))
            return connection.changes() > 0

        return await self._database.write(job)


def _state(row: Sequence[Any]) -> ReceiverState:
    (name, after_seq, after_number, upto_seq, upto_number, message, tries, next_at, told_at, failed_at, fault, stopped,
     holder, lease_until) = row  # fmt: skip
    return ReceiverState(
        name=name,
        after=Place(after_seq, after_number),
        upto=None if upto_seq is None else Place(upto_seq, upto_number),
        message=message,
        tries=tries,
        next_at=next_at,
        told_at=maybe_from_micros(told_at),
        failed_at=maybe_from_micros(failed_at),
        fault=fault,
        stopped=bool(stopped),
        holder=holder,
        lease_until=lease_until,
    )
