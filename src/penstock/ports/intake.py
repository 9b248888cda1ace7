"""What the relay's doors promise: who hands in, what is handed in, and the one place that takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Protocol

from penstock.model.campaign import Stream

__all__ = [
    "Acceptance",
    "Client",
    "Doorkeeper",
    "Receipt",
    "Recipient",
    "Refusal",
    "RefusalKind",
    "Submission",
    "Taken",
]


@dataclass(frozen=True, slots=True)
class Client:
    """Who hands in: a credential of the config, or a network that may relay without one (`name` is empty then).

    `controllers` are ids, empty for all. `campaign` is what advertising belongs to that names no campaign itself.
    `verdicts`: asked for at once, a mail that must not go is refused where it is handed in. `dsn`: when its senders are
    told of what did not arrive (RFC 3461): when they asked, always, never.
    """

    name: str
    streams: frozenset[Stream]
    controllers: frozenset[str] = frozenset()
    unknown_contact: Literal["hold", "refuse"] = "hold"
    detail: Literal["code", "bland"] = "code"
    verdicts: Literal["later", "at_once"] = "later"
    campaign: str = ""
    dsn: Literal["asked", "always", "never"] = "asked"


class Doorkeeper(Protocol):
    """Knows the clients."""

    async def login(self, name: str, secret: str, caller: str, /) -> Client | None:
        """The client of these credentials; None for wrong ones, without saying what is wrong with them.

        `caller` is the address that the connection comes from; whoever fails often from there waits longer and longer.
        Raises Unavailable.
        """
        ...

    async def bearer(self, key: str, caller: str, /) -> Client | None:
        """The client of an API key, `NAME.SECRET`; as `login`."""
        ...

    def neighbour(self, caller: str, /) -> Client | None:
        """The client that this address is without a login (`[relay] networks`); None where it needs one."""
        ...


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO as given. `notify` and `orcpt` as in RFC 3461 (NEVER, SUCCESS, FAILURE, DELAY; empty: not said)."""

    address: str
    notify: frozenset[str] = frozenset()
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """One message as handed in, for one or more recipients.

    `sender` is MAIL FROM (empty: the null reverse-path), `data` the message (RFC 5322) with CRLF line ends, header
    fields `X-Penstock-…` included. What is said here wins over those fields: `stream`, `campaign` (id), `controller`
    (id or legal name), `tag`; empty: not said. `contact` are fields of a contact file that the client brings for a
    single recipient. With empty `data` the campaign's own letter is written to the contact. `key` is what makes a
    repeat the same submission (Idempotency-Key), `request` the SHA-256 of all that was handed in under it. Of the
    submissions of one call that say `together` all are taken or none.
    """

    client: Client
    sender: str
    recipients: tuple[Recipient, ...]
    data: bytes = field(repr=False)
    stream: str = ""
    campaign: str = ""
    controller: str = ""
    tag: str = ""
    contact: Mapping[str, Any] | None = None
    envelope_id: str = ""
    returned: Literal["", "FULL", "HDRS"] = ""
    key: str = ""
    request: bytes = b""
    together: bool = False


class RefusalKind(StrEnum):
    """How a door words a refusal: SMTP reply and HTTP status hang on it."""

    INVALID = "invalid"  # 550 5.6.0 · 400/422: it cannot be read, or something is missing
    FORBIDDEN = "forbidden"  # 550 5.7.1 · 403: this client may not send that
    BLOCKED = "blocked"  # 550 5.7.1 · 422: a verdict stands against it; `code` says which
    CONFLICT = "conflict"  # · 409: the same key, another body
    LATER = "later"  # 451 4.3.0 · 503: nothing was saved, it may be handed in again


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing was taken. `code` is ours (contract section 3) or empty; `why` one sentence that quotes nothing.

    A client with `detail = "bland"` is told neither.
    """

    kind: RefusalKind
    why: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail that is durably saved. `repeated`: it was there before, and is the same."""

    mail_id: str
    address: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """All mails of one submission, in the order of its recipients. `repeated`: an earlier one under the same key."""

    taken: tuple[Taken, ...]
    stream: Stream
    repeated: bool = False


class Acceptance(Protocol):
    """The one place where mails come in. It may be asked outside of any task; where it needs one, it makes one."""

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        """Saved with their tickets in one transaction when this answers; one answer per submission, in order.

        A refusal means that nothing of that submission was saved. What hangs `together` is saved in one transaction; of
        it only a mail that its campaign sent before is left out alone (DUPLICATE). Does not raise for a store that is
        away: LATER.
        """
        ...

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        """Decision lines (contract section 3), one for each recipient; nothing is saved. Raises Unavailable."""
        ...

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        """What can be said of a recipient before there is a message: an unusable address; for a client that wants
        verdicts at once, a dead one.
        """
        ...

    async def look_up(self, client: Client, mail_id: str, /) -> Mapping[str, Any] | None:
        """State, decision and outcome of one mail that this client handed in; None for any other.

        Raises Unavailable.
        """
        ...
