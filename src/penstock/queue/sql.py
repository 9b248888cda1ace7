"""The queue inside the store: one row per claim check. A lost lease costs time, never a mail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import apsw
import orjson

from penstock.ports import Clock, Settlement, Ticket
from penstock.queue.leasing import Leasing, carried

__all__ = ["Entry", "SqlQueue", "TicketDatabase"]

_T = TypeVar("_T")
_Place = tuple[int, int]
"""How far mending came: the running numbers of a mail and of a ticket."""

_MOVED_AT_ONCE = 2_000
_LOOKED_AT = 5_000
_FAR_SECONDS = 3_600.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TicketDatabase(Protocol):
    """What the queue needs of a database: named SQL, and jobs that run in a transaction."""

    def statements(self, room: str) -> Mapping[str, str]:
        """The named SQL of a room."""
        ...

    async def write(self, job: Callable[[apsw.Connection], _T]) -> _T:
        """Run the job in a durable transaction."""
        ...

    async def read(self, job: Callable[[apsw.Connection], _T]) -> _T:
        """Run a job that only looks."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A ticket as shown to people. `due` in rule time; `leased`: a worker holds it now."""

    id: int
    mail_id: str
    lane: str
    due: datetime
    leased: bool


class SqlQueue:
    """The port Queue. Due times are rule time, leases the machine's; each lease raises the ticket's fence.

    Tickets come in where mails are accepted, in the same transaction. What could be leased at once stays so when a
    clock goes back; it is shared out by way out, controller and urgency, see `penstock.queue.shares`.
    """

    def __init__(self, database: TicketDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = database.statements("queue")
        self._place: _Place = (0, 0)

    async def lease(
        self, most: int, seconds: float, among: Sequence[str] | None = None, /, *, way: str | None = None
    ) -> Sequence[Ticket]:
        """Up to `most` tickets that are due and that nobody holds; urgent ones first, then as they are due.

        `way`: of this way out only. `among`: of these mails only; costs a look-up for each of them, and no shares.
        """

        def job(connection: apsw.Connection) -> list[Ticket]:
            leasing = self._leasing(connection)
            ids = leasing.take(most, way) if among is None else leasing.take_among(most, among)
            return leasing.hold(ids, leasing.machine + seconds)

        return [] if among is not None and not among else await self._database.write(job)

    async def lease_expired(
        self, most: int, seconds: float, before: datetime, after: Ticket | None = None, /
    ) -> Sequence[Ticket]:
        """Tickets of ready-made messages that were saved before that rule time, whatever they wait for.

        The oldest first, those that somebody holds left out; `after`: the last ticket of the call before.
        """

        def job(connection: apsw.Connection) -> list[Ticket]:
            leasing = self._leasing(connection)
            since, last = (after.since or 0.0, after.id) if after is not None else (0.0, 0)
            bindings = (leasing.machine, before.timestamp(), since, last, most, leasing.now * 1e6)
            found = orjson.loads(connection.execute(self._sql["expired"], bindings).get)
            return leasing.hold([id_ for _, id_ in sorted(found)], leasing.machine + seconds)

        return await self._database.write(job)

    async def ways(self) -> frozenset[str]:
        """The ways out for which something can be leased now. Only looks, and at few rows however many wait."""

        def job(connection: apsw.Connection) -> frozenset[str]:
            times = (self._clock.now().timestamp(), self._clock.machine())
            return frozenset(orjson.loads(connection.execute(self._sql["ways"], times).get))

        return await self._database.read(job)

    def _leasing(self, connection: apsw.Connection) -> Leasing:
        return Leasing(connection, self._sql, self._clock.now().timestamp(), self._clock.machine())

    async def renew(self, tickets: Sequence[Ticket], seconds: float, /) -> int:
        """Hold leased tickets for `seconds` more; how many are still held under their fence."""

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["renew"], (held, self._clock.machine() + seconds))
            return connection.changes()

        held = orjson.dumps([(ticket.id, ticket.fence) for ticket in tickets]).decode()
        return await self._database.write(job) if tickets else 0

    async def settle(self, settlements: Sequence[Settlement], /) -> None:
        """Finish or give back. A stale fence changes nothing."""
        done = [(s.ticket.id, s.ticket.fence) for s in settlements if s.due is None]
        back = [
            (s.ticket.id, s.ticket.fence, s.due.timestamp(), s.not_before) for s in settlements if s.due is not None
        ]

        def job(connection: apsw.Connection) -> None:
            if done:
                connection.execute(self._sql["done"], (orjson.dumps(done).decode(),))
            if back:
                times = (self._clock.now().timestamp(), self._clock.machine())
                connection.execute(self._sql["give_back"], (orjson.dumps(back).decode(), *times))

        if settlements:
            await self._database.write(job)

    async def postpone(self, lane: str, until: float, /) -> int:
        """Nothing of what is ready in the lane before that machine time; tickets that somebody holds excepted.

        The number moved: some thousand at most, so that it stays short. More of them are met again, and moved then.
        """

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["postpone"], (lane.partition("/")[0], lane, until, _MOVED_AT_ONCE))
            return connection.changes()

        return await self._database.write(job) if until > self._clock.machine() else 0

    async def ready_in(self, among: Sequence[str] | None = None, /) -> float | None:
        """Seconds until the next ticket can be leased, 0.0 when one can now; None where there is none.

        `among`: of these mails only.
        """

        def job(connection: apsw.Connection) -> float | None:
            times = (self._clock.now().timestamp(), self._clock.machine())
            if among is not None:
                left: float | None = connection.execute(
                    self._sql["ready_in_among"], (*times, apsw.carray(tuple(among)))
                ).get
                return left if left is None else max(left, 0.0)
            if connection.execute(self._sql["ready_now"]).get:
                return 0.0
            seconds: float | None = connection.execute(self._sql["ready_in"], times).get
            return seconds if seconds is None else max(seconds, 0.0)

        return None if among is not None and not among else await self._database.read(job)

    async def depth(self) -> int:
        """How many tickets there are, held ones included."""
        return int(await self._database.read(lambda connection: connection.execute(self._sql["depth"]).get))

    async def entries(self, after: int, limit: int, lane: str | None = None) -> Sequence[Entry]:
        """The next tickets by id; `after` is 0 at first. `lane`: of this one only."""

        def job(connection: apsw.Connection) -> list[Entry]:
            rows = connection.execute(self._sql["page"], (self._clock.machine(), after, limit, lane))
            return [Entry(id_, mail_id, lane, _moment(due), bool(leased)) for id_, mail_id, lane, due, leased in rows]

        return await self._database.read(job)

    async def retry(self, mail_ids: Sequence[str], /) -> int:
        """Make the tickets of these mails due now, held ones excepted; the number changed."""
        if not mail_ids:
            return 0

        def job(connection: apsw.Connection) -> int:
            bindings = (apsw.carray(tuple(mail_ids)), self._clock.now().timestamp(), self._clock.machine())
            connection.execute(self._sql["retry"], bindings)
            return connection.changes()

        return await self._database.write(job)

    async def drop(self, mail_ids: Sequence[str], /) -> int:
        """Take the tickets of these mails away, whoever holds them; the number that went.

        The mails keep their state.
        """
        if not mail_ids:
            return 0

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["drop"], (apsw.carray(tuple(mail_ids)),))
            return connection.changes()

        return await self._database.write(job)

    async def mend(self) -> None:
        """Look at the next some thousand mails and tickets.

        A mail that waits without a ticket gets one, a ticket whose mail is gone or over goes: that does not come of us,
        but of a store put back from a copy, or of a hand in it. A lease that reaches far beyond any, as after a clock
        that was ahead, ends now; so does so long a wait for our own pace, which is asked again then.
        """
        machine, place = self._clock.machine(), self._place
        lost, useless, self._place = await self._database.read(
            lambda connection: self._amiss(connection, place, machine)
        )

        def job(connection: apsw.Connection) -> None:
            connection.execute(self._sql["find"], (carried(lost), self._clock.now().timestamp()))
            connection.execute(self._sql["clear"], (carried(useless), machine))
            connection.execute(self._sql["too_far"], (machine, _FAR_SECONDS, _MOVED_AT_ONCE))

        await self._database.write(job)

    def _amiss(self, connection: apsw.Connection, place: _Place, machine: float) -> tuple[list[int], list[int], _Place]:
        mails = connection.execute(self._sql["mail_window"], (place[0], _LOOKED_AT)).get
        tickets = connection.execute(self._sql["ticket_window"], (place[1], _LOOKED_AT)).get
        lost, useless = [], []
        if mails is not None:
            lost = orjson.loads(connection.execute(self._sql["lost"], (place[0], mails)).get)
        if tickets is not None:
            useless = orjson.loads(connection.execute(self._sql["useless"], (place[1], tickets, machine)).get)
        return lost, useless, (mails or 0, tickets or 0)


def _moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
