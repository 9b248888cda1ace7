"""What a way out promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from penstock.model.mail import Mail
from penstock.model.outcome import Outcome

__all__ = ["Adapter", "Capabilities"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can carry."""

    max_batch: int = 50
    raw_message: bool = True
    smtputf8: bool | None = False
    """Takes addresses that are not ASCII (RFC 6531); None: it will be known once the other end was asked."""
    envelope_sender: bool = True
    """Takes MAIL FROM as given, so that bounces can come back to an address that names the mail (VERP)."""
    idempotent: bool = False
    """Delivering the identical mail again has no effect, so that a doubt may simply be tried again."""


class Adapter(Protocol):
    """Hands finished mails on. Never raises for one mail; `AdapterUnavailable` means that none was started."""

    name: str
    capabilities: Capabilities

    async def prepare(self) -> None:
        """Learn what only the other end can tell, such as its extensions; called before mails are judged.

        Cheap when there is nothing to learn or it is known. Raises AdapterUnavailable.
        """
        ...

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order."""
        ...

    async def aclose(self) -> None:
        """Give connections back."""
        ...
