"""What an ESP keeps of people: its own suppression lists, and what it can be asked to erase."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from penstock.model.suppression import SuppressionReason

__all__ = ["ErasureReceipt", "EspErasure", "EspLists", "Listed"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of an ESP's suppression list. `list_name` is the ESP's name of the list."""

    address: str = field(repr=False)
    reason: SuppressionReason
    list_name: str
    at: datetime | None = None


class EspLists(Protocol):
    """The suppression lists of one account. Every call raises AdapterUnavailable where the ESP does not answer as
    documented: what is half read is not taken for the whole.
    """

    pushes_to: str
    """The stream-scoped list that objections are put on, in the ESP's words; empty where it has none. A list that
    would also stop transactional mail is never one.
    """

    def pull(self) -> AsyncIterator[Sequence[Listed]]:
        """Every entry of every list that means "do not mail this person", page by page."""
        ...

    async def push(self, addresses: Sequence[str], /) -> None:
        """Put these on `pushes_to`; what is there already stays. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """What the ESP answered to one request to erase. `reference` is its id of the job, without an address.

    `done` is False where it only promised to do it.
    """

    reference: str
    done: bool


class EspErasure(Protocol):
    """Erasing at the ESP what it keeps of people (GDPR Art. 17, 19, 28(3)(e))."""

    erases: str
    """What is erased and what is not, in one sentence for people."""

    async def erase(self, addresses: Sequence[str], /) -> Sequence[ErasureReceipt]:
        """Ask for it: one receipt per request that the ESP took, at least one for each address.

        Raises AdapterUnavailable; asking again for the same address does no harm.
        """
        ...
