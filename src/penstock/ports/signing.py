"""What is known of the domains that may stand in From, and who signs for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

__all__ = ["NoSenders", "SenderDomain", "Senders", "Signer"]


class Signer(Protocol):
    """Signs finished mail for one domain (RFC 6376)."""

    @property
    def domain(self) -> str:
        """The domain that answers for what is signed (`d=`), in A-labels."""
        ...

    def signature(self, data: bytes, at: datetime, headers: frozenset[str] | None = None, /) -> bytes:
        """The DKIM-Signature fields, with their CRLF, to put before the message; the same input gives the same octets.

        `data` is a whole message with CRLF line ends. Of `headers` (lower-case names; None: all that are worth it)
        those that are signed are taken. May be called from several threads at once. Raises ValueError for a message
        without From.
        """
        ...


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """What the config says of a domain that may stand in From; all domains are A-labels.

    `return_path` is the domain that stands in MAIL FROM, empty: that of From. `adapters` name the ways out that its
    mail may take, empty: any.
    """

    domain: str
    return_path: str = ""
    adapters: tuple[str, ...] = ()


class Senders(Protocol):
    """The domains that may stand in From, with their keys."""

    def load(self) -> None:
        """Read every key. Raises ConfigError for one that cannot be used."""
        ...

    def any(self) -> bool:
        """Whether the config names any; without one every From is taken and nothing is known of it."""
        ...

    def of(self, domain: str, /) -> SenderDomain | None:
        """Who answers for a From of this domain: the same domain, or the closest above it."""
        ...

    def signer(self, domain: str, at: datetime, /) -> Signer | None:
        """Who signs at that time what has this domain in From; None: nobody. Raises ConfigError like `load`."""
        ...

    def same_organisation(self, one: str, other: str, /) -> bool:
        """Whether two domains are aligned in relaxed mode: one organisational domain (RFC 9989, alignment)."""
        ...


class NoSenders:
    """Nothing is known and nothing is signed."""

    def load(self) -> None:
        """There is no key."""

    def any(self) -> bool:
        """None."""
        return False

    def of(self, domain: str, /) -> SenderDomain | None:
        """Nobody."""
        del domain
        return None

    def signer(self, domain: str, at: datetime, /) -> Signer | None:
        """Nobody."""
        del domain, at
        return None

    def same_organisation(self, one: str, other: str, /) -> bool:
        """Only what is the same domain."""
        return one == other
