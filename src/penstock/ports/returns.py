"""What is kept of all that comes back from ESPs: calls as they came, events of our mails, counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from penstock.model.event import Event, EventKind
from penstock.model.suppression import Suppression

__all__ = ["Kept", "NobodySilent", "PastEvent", "ReturnCount", "Returns", "SavedCall", "Silence", "Silences", "Told"]


class Kept(StrEnum):
    """What saving a call came to."""

    NEW = "new"
    KNOWN = "known"
    """The same call was saved before."""
    OTHER = "other"
    """Another call was saved under this mark: one of the two is forged."""


@dataclass(frozen=True, slots=True)
class SavedCall:
    """A call that nobody has read yet."""

    seq: int
    adapter: str
    at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """An event with what is known of the recipient it names.

    `keys` are the keys of that address, empty where the event names none. `entry` is the suppression that the event
    makes, should the mail be ours and go to that person; None for events that make none.
    """

    event: Event
    keys: frozenset[bytes]
    entry: Suppression | None


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event of one mail, as kept."""

    kind: EventKind
    at: datetime
    adapter: str
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReturnCount:
    """How often something came from an adapter, and when last."""

    adapter: str
    what: str
    number: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """An ESP that told nothing of mails it should have told of. `probed`: mail went to it within the last hour."""

    since: datetime
    probed: bool


class Silences(Protocol):
    """Knows of which mails an ESP should have told."""

    async def silence(self, adapter: str, hours: float, /) -> Silence | None:
        """Whether a mail was handed over more than `hours` ago and nothing at all was told since."""
        ...


class NobodySilent:
    """Every ESP tells, as far as anybody knows."""

    async def silence(self, adapter: str, hours: float, /) -> Silence | None:
        """None."""
        del adapter, hours
        return None


class Returns(Protocol):
    """Kept durably before anything is answered. Counts are shared by all processes."""

    async def save(self, adapter: str, mark: str, body: bytes, /) -> Kept:
        """Keep a genuine call as it came."""
        ...

    async def unread(self, limit: int, adapters: Sequence[str], /) -> Sequence[SavedCall]:
        """The oldest calls of these adapters that nobody has read yet."""
        ...

    async def take_in(self, call: SavedCall, told: Sequence[Told], /) -> Mapping[str, int]:
        """Apply the events of a call, each once whatever the order; answers how many were `taken`, `repeated`,
        `not_ours` (no mail of ours) or `other_person` (the mail went to somebody else).
        """
        ...

    async def unreadable(self, call: SavedCall, /) -> None:
        """Set a call aside that is not what its ESP documents."""
        ...

    async def count(self, adapter: str, what: str, /) -> None:
        """Count something that was not kept, such as a refused call."""
        ...

    async def counts(self) -> Sequence[ReturnCount]:
        """All counts."""
        ...

    async def silence(self, adapter: str, hours: float, /) -> Silence | None:
        """Whether a mail was handed over more than `hours` ago and nothing at all was told since."""
        ...
