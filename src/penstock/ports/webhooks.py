"""What comes back from an ESP by webhook: how a call proves where it comes from, and the events in it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from penstock.errors import ConfigError, WebhookRejected
from penstock.model.event import Event

__all__ = ["Genuine", "Marks", "WebhookAddress", "WebhookCall", "WebhookCodec"]


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One POST as it came in: header names in lower case, the raw octets of the body, and when it came."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Genuine:
    """A call that proved where it comes from.

    `mark` (at most 200 characters) is the same for a repetition of this very call and for nothing else: a second
    call under it is answered and forgotten. `visit` is an address to fetch once after the call was saved, by which
    the ESP asks whether this is the right door; empty otherwise.
    """

    mark: str
    visit: str = ""


Marks = Callable[[str], Sequence[tuple[str, str]]]
"""From a mail id to header fields by which an ESP's events name the mail."""


class WebhookCodec(Protocol):
    """A plugin's answer to what comes back: two functions without side effects.

    It is found under the entry-point group `penstock.webhooks`, by the same name as the adapter, as a callable from
    `WebhookAddress`. Who may call at all (secret path, login, networks) is looked at before by the core.
    """

    signed: bool
    """Whether calls carry a signature. Without one the config must give a secret path and a login."""
    needs_path: bool
    """Whether a secret path must be configured although calls are signed."""
    refused: int
    """The HTTP status that makes this ESP give up on a call which is not genuine, mostly 403."""

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """Prove the call by its raw body and its time. Raises WebhookRejected, without saying why to the caller, and
        Unavailable where it cannot be told at present.
        """
        ...

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The events of a genuine call, in its order; none for a call that tells nothing of a mail.

        Raises InvalidInput for a body that is not what the ESP documents; one event of many that cannot be read is
        left out only if the others can be told apart from it.
        """
        ...

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """Header fields for a mail that is handed to this ESP by SMTP: they make its events name our mail and switch
        its tracking off. Names and values are ASCII. Empty where the ESP has no such fields.
        """
        ...


def _no_secret() -> str:
    return ""


async def _no_fetch(_address: str) -> bytes:
    raise WebhookRejected("nothing can be fetched")


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """`[adapters.NAME.webhook]` as a plugin gets it. It raises ConfigError for what it cannot be made of.

    `secret` reads the key by which calls are verified. `topics` are the allowed senders where an ESP names them (SNS).
    `fetch` gets a small document over https, such as a certificate; it raises WebhookRejected where there is none, and
    AdapterUnavailable where it cannot be reached now: let that through, and the ESP is asked to call again.
    """

    name: str
    secret: Callable[[], str] = _no_secret
    topics: tuple[str, ...] = ()
    fetch: Callable[[str], Awaitable[bytes]] = _no_fetch

    def key(self) -> str:
        """The verification key. Raises ConfigError where none is configured."""
        if found := self.secret():
            return found
        where = f"adapters.{self.name}.webhook.key"
        raise ConfigError("no key is set by which calls are verified", where=where, mend='use "env:NAME"')
