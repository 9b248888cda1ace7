"""What is known of lists: national registers, suppliers of addresses, and how earlier mails to a list fared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from penstock.model.contact import SourceMethod

__all__ = ["Counts", "ListKey", "ListStats", "NoLists", "Registers", "Supplier"]


class Registers(Protocol):
    """National opt-out registers as fetched (Directive 2000/31/EC Art. 7(2))."""

    async def listed(self, register: str, addresses: Sequence[str], /) -> Sequence[bool | None]:
        """Whether each address stands in the register, by itself or by its domain; one answer each, in order.

        None: nobody can say, because there is no copy of the register, or it is too old to prove an absence.
        """
        ...


class Supplier(Protocol):
    """What is known of somebody who sells or lends addresses. `status` is approved, probation or banned."""

    @property
    def status(self) -> str:
        """Whether its data may be used."""
        ...

    @property
    def contract(self) -> str:
        """The contract's number, empty without one."""
        ...

    @property
    def method(self) -> SourceMethod | None:
        """How it finds addresses, as far as it told."""
        ...

    @property
    def requires_consent(self) -> bool:
        """Whether its terms ask for the consent of the people, whatever the law says."""
        ...

    @property
    def last_refresh(self) -> date | None:
        """When its data were last brought up to date."""
        ...


@dataclass(frozen=True, slots=True)
class ListKey:
    """A list whose mails are counted: a supplier's records or a campaign's."""

    kind: Literal["supplier", "campaign"]
    name: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Mails the next hop took, those of them (or refused at once) whose address was found dead, complaints of them."""

    accepted: int = 0
    bounced: int = 0
    complained: int = 0


class ListStats(Protocol):
    """What became of earlier mails, by list."""

    async def of(self, keys: Sequence[ListKey], /) -> Sequence[Counts]:
        """The counts for each key, in order; zeros for one that nothing was sent to."""
        ...


class NoLists:
    """Nothing was fetched and nothing was sent yet."""

    async def listed(self, register: str, addresses: Sequence[str], /) -> Sequence[bool | None]:
        """Nobody can say."""
        del register
        return [None] * len(addresses)

    async def of(self, keys: Sequence[ListKey], /) -> Sequence[Counts]:
        """Zeros."""
        return [Counts()] * len(keys)
