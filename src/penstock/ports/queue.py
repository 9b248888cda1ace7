"""What the queue and the shared rate limits promise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["Grant", "Queue", "RateQuery", "Rates", "Settlement", "Ticket"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A claim check for one mail, leased until the lease runs out. `fence` must come back with the settlement.

    `since`: when a ready-made message was saved, in seconds of rule time since the epoch; None for a campaign's mail.
    """

    id: int
    mail_id: str
    lane: str
    fence: int
    since: float | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """`due` None: done, the ticket goes; else it comes back at that rule time, not before that machine time."""

    ticket: Ticket
    due: datetime | None = None
    not_before: float = 0.0


class Queue(Protocol):
    """Ready work as claim checks, never bodies. A mail leaves only where the code says done."""

    async def lease(
        self, most: int, seconds: float, among: Sequence[str] | None = None, /, *, way: str | None = None
    ) -> Sequence[Ticket]:
        """Tickets that are due, for `seconds` of machine time; where given, `among` the tickets of these mails only.

        `way`: of this way out only. Whoever waits gets a share: no way out, no controller and no recipient domain takes
        the turns of others.
        """
        ...

    async def lease_expired(
        self, most: int, seconds: float, before: datetime, after: Ticket | None = None, /
    ) -> Sequence[Ticket]:
        """Tickets of ready-made messages saved before that rule time, whatever they wait for; the oldest first."""
        ...

    async def ways(self) -> frozenset[str]:
        """The ways out for which something can be leased now; cheap enough to be asked many times a second."""
        ...

    async def renew(self, tickets: Sequence[Ticket], seconds: float, /) -> int:
        """Hold leased tickets for `seconds` more; how many are still held under their fence."""
        ...

    async def settle(self, settlements: Sequence[Settlement], /) -> None:
        """Finish or give back. A stale fence changes nothing."""
        ...

    async def postpone(self, lane: str, until: float, /) -> int:
        """Nothing that is ready in the lane before that machine time; one statement; the number of tickets moved."""
        ...

    async def mend(self) -> None:
        """Look over some of what is there: mails without a ticket get one, tickets without a use go. A little each."""
        ...

    async def ready_in(self, among: Sequence[str] | None = None, /) -> float | None:
        """Seconds until the next ticket (`among` those of these mails) can be leased, 0.0: now; None: there is none."""
        ...


@dataclass(frozen=True, slots=True)
class RateQuery:
    """Ask for `wanted` grants under `key`, at most as `rates` (such as `"20/30min"`) allow together."""

    key: str
    rates: tuple[str, ...]
    wanted: int


@dataclass(frozen=True, slots=True)
class Grant:
    """`granted` of the wanted may go now; the next one at `ready_at` (machine time, seconds)."""

    granted: int
    ready_at: float


class Rates(Protocol):
    """Shared rate limits (GCRA), by the machine's clock."""

    async def take(self, queries: Sequence[RateQuery], /) -> Sequence[Grant]:
        """Grants for each query, all in one statement."""
        ...
