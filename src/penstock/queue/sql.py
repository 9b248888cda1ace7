"""The queue inside the store: one row per claim check. A lost lease costs time, never a mail."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

import apsw
import orjson

from penstock.ports import Clock, Settlement, Ticket

__all__ = ["Entry", "SqlQueue", "TicketDatabase"]

_T = TypeVar("_T")
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

    Tickets come in where mails are accepted, in the same transaction.
    """

    def __init__(self, database: TicketDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = database.statements("queue")

    async def lease(self, most: int, seconds: float, among: Sequence[str] | None = None, /) -> Sequence[Ticket]:
        """Up to `most` tickets that are due and that nobody holds, the longest due first.

        `among`: of these mails only; costs a look-up for each of them.
        """

        def job(connection: apsw.Connection) -> list[Ticket]:
            machine = self._clock.machine()
            bindings: tuple[object, ...] = (self._clock.now().timestamp(), machine, most)
            name = "ready"
            if among is not None:
                name, bindings = "ready_among", (*bindings, apsw.carray(tuple(among)))
            # As one row of JSON: each row takes a step, and each step gives the interpreter away.
            ready = sorted(orjson.loads(connection.execute(self._sql[name], bindings).get))
            if ready:
                ids = array("q", (id_ for _, id_, *_ in ready))
                connection.execute(self._sql["lease"], (apsw.carray(ids), machine + seconds))
            return [Ticket(id_, mail_id, lane, fence + 1) for _, id_, mail_id, lane, fence in ready]

        return [] if among is not None and not among else await self._database.write(job)

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
                connection.execute(self._sql["give_back"], (orjson.dumps(back).decode(),))

        if settlements:
            await self._database.write(job)

    async def postpone(self, lane: str, until: float, /) -> int:
        """Nothing of the lane before that machine time, tickets that somebody holds excepted.

        The number moved.
        """

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["postpone"], (lane, until, self._clock.machine()))
            return connection.changes()

        return await self._database.write(job)

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
            if connection.execute(self._sql["ready_now"], times).get:
                return 0.0
            seconds: float | None = connection.execute(self._sql["ready_in"], times).get
            return seconds

        return None if among is not None and not among else await self._database.read(job)

    async def depth(self) -> int:
        """How many tickets there are, held ones included."""
        return int(await self._database.read(lambda connection: connection.execute(self._sql["depth"]).get))

    async def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """The next tickets by id; `after` is 0 at first."""

        def job(connection: apsw.Connection) -> list[Entry]:
            rows = connection.execute(self._sql["page"], (self._clock.machine(), after, limit))
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


def _moment(seconds: float) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)
