"""The tickets that a worker holds, and the heart-beat that keeps them its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from penstock.errors import Unavailable
from penstock.observe.log import get_logger
from penstock.ports import Queue, Settlement, Ticket

__all__ = ["Leases"]

_log = get_logger("leases")


class Leases:
    """Whatever a slow next hop takes, nobody else gets the tickets of a living worker. `seconds` of machine time."""

    def __init__(self, queue: Queue, seconds: float) -> None:
        self.seconds = seconds
        self._queue = queue
        self._held: dict[int, Ticket] = {}

    async def take(self, most: int, among: Sequence[str] | None = None, *, way: str | None = None) -> Sequence[Ticket]:
        """Tickets that are due, held from now on; where given, `among` those of these mails, or of one way out only."""
        if way is None:
            return self._hold(await self._queue.lease(most, self.seconds, among))
        return self._hold(await self._queue.lease(most, self.seconds, among, way=way))

    async def take_expired(self, most: int, before: datetime, after: Ticket | None) -> Sequence[Ticket]:
        """Tickets of ready-made messages saved before that; see `Queue.lease_expired`."""
        return self._hold(await self._queue.lease_expired(most, self.seconds, before, after))

    def _hold(self, tickets: Sequence[Ticket]) -> Sequence[Ticket]:
        self._held.update((ticket.id, ticket) for ticket in tickets)
        return tickets

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Finish or give back; held no more, whatever comes of it."""
        for settlement in settlements:
            self._held.pop(settlement.ticket.id, None)
        await self._queue.settle(settlements)

    def forget(self, tickets: Sequence[Ticket]) -> None:
        """What was not settled runs out and comes back."""
        for ticket in tickets:
            self._held.pop(ticket.id, None)

    async def give_back(self, tickets: Sequence[Ticket], due: datetime) -> None:
        """Those that are still held, so that nobody waits for the end of their leases. Raises Unavailable."""
        held = [ticket for ticket in tickets if ticket.id in self._held]
        await self._queue.settle([Settlement(ticket, due) for ticket in held])
        self.forget(held)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """As long as the block runs, all that is held is held on to."""
        beat = asyncio.create_task(self._beat(), name="penstock-leases")
        try:
            yield
        finally:
            beat.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.seconds / 3)
            try:
                await self._queue.renew(list(self._held.values()), self.seconds)
            except Unavailable as fault:
                _log.warning("leases_not_renewed", fault=type(fault).__name__)
