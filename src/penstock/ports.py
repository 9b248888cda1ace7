"""Every seam of the house: what a stage, an adapter, a source, the store and the queue promise each other.

Batch in, batch out: every method takes a sequence and answers one item per input, in the same order. Stages and
adapters say what they find as values; they raise only `penstock.errors.Unavailable` (nothing happened, repeat) or by
a bug.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import ClassVar, Protocol

from penstock.law.taxonomy import Taxonomy
from penstock.model.campaign import Campaign, Controller, Stream
from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.model.mail import History, Mail
from penstock.model.outcome import Outcome
from penstock.model.suppression import Hit
from penstock.model.verdict import Decision, Reason

__all__ = [
    "ALL_STREAMS",
    "COMMERCIAL_STREAMS",
    "Adapter",
    "Capabilities",
    "Check",
    "Clock",
    "ContactRow",
    "Edit",
    "Ending",
    "Grant",
    "HistoryQuery",
    "Ledger",
    "Mails",
    "NoOptions",
    "Phase",
    "Queue",
    "RateQuery",
    "Rates",
    "RowFault",
    "SavedMail",
    "Services",
    "Settlement",
    "Source",
    "Stage",
    "Suppressions",
    "Ticket",
    "Tokens",
]

ALL_STREAMS = frozenset(Stream)
COMMERCIAL_STREAMS = frozenset({Stream.PROSPECTING, Stream.NEWSLETTER, Stream.CUSTOMER})


class Clock(Protocol):
    """Time comes in through here only."""

    def now(self) -> datetime:
        """Rule time, aware UTC: what rules, ledger, Date and due times see. `--now` freezes it."""
        ...

    def machine(self) -> float:
        """Seconds since the epoch by the machine's own clock: leases, rate limits, time-outs."""
        ...


class Phase(IntEnum):
    """Where in the walk a stage stands. Start-up refuses a list that is not sorted by phase."""

    JUDGE = 1  # needs no content
    PACE = 2  # rate limits
    COMPOSE = 3  # draft → letter
    COMPLETE = 4  # notices and headers on the letter
    WRITE = 5  # letter → bytes, once
    VERIFY = 6  # checks of the finished mail
    SIGN = 7  # prepends headers, changes nothing else


@dataclass(frozen=True, slots=True)
class NoOptions:
    """For stages that have nothing to configure."""


class Stage(Protocol):
    """What checks and edits share.

    A stage is a class found through the entry-point group `penstock.stages` and made by `cls(options, services)`, where
    `options` is an instance of `cls.Options` (a frozen dataclass; an unknown key in `[[stage]]` is a ConfigError).
    """

    Options: ClassVar[type]
    name: str
    """Its name in the config, the docs and the metrics."""
    phase: Phase
    streams: frozenset[Stream]
    """It is asked only about mails of these streams."""
    reads: tuple[str, ...]
    """Contact and campaign fields it looks at, for `penstock stages` and `explain`."""
    needs: tuple[str, ...]
    """Attributes of `Services` it uses."""


class Check(Stage, Protocol):
    """Judges; cannot change: mails are frozen."""

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """One non-empty sequence of reasons per mail, in order. Makes a fixed number of store calls per batch."""
        ...


class Edit(Stage, Protocol):
    """Changes content; cannot redirect or drop. Stops a mail only by answering a Reason."""

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The mail with new content, or the reason why it stops; one per mail, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can carry."""

    max_batch: int = 50
    raw_message: bool = True
    smtputf8: bool = False
    idempotent: bool = False
    """Delivering the identical mail again has no effect, so that a doubt may simply be tried again."""


class Adapter(Protocol):
    """Hands finished mails on. Never raises for one mail; `AdapterUnavailable` means that none was started."""

    name: str
    capabilities: Capabilities

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order."""
        ...

    async def aclose(self) -> None:
        """Give connections back."""
        ...


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact as read from line `line` (the first data line of a CSV file is line 2)."""

    line: int
    contact: Contact


@dataclass(frozen=True, slots=True)
class RowFault:
    """A row that cannot be used. `address` as given where one can be made out, `raw` the row for the reject file."""

    line: int
    why: str
    address: str | None = None
    code: str | None = None
    raw: str = ""


class Source(Protocol):
    """Yields contacts in chunks, in constant memory."""

    def chunks(self, size: int) -> AsyncIterator[Sequence[ContactRow | RowFault]]:
        """Rows in file order, at most `size` at once."""
        ...

    @property
    def dropped_columns(self) -> Mapping[str, int]:
        """Columns that are not kept, with the number of rows that had a value there."""
        ...


class Suppressions(Protocol):
    """The lasting "do not mail"."""

    async def hits(self, identities: Sequence[Identity], /) -> Sequence[tuple[Hit, ...]]:
        """All entries that match any key of each identity, whatever their scope."""
        ...

    async def unresolved(self) -> Sequence[str]:
        """Scopes of imported rows that could not be used and that nobody has settled yet."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What a mail needs to know of the past; `since` bounds the touches, `most` their number."""

    mail_id: str
    identity: Identity
    controller: str
    step: str
    since: datetime
    most: int


@dataclass(frozen=True, slots=True)
class SavedMail:
    """A mail as saved: the original, never edited."""

    id: str
    campaign: Campaign | None
    contact: Contact | None
    contact_id: str | None
    stream: Stream
    controller: str
    state: str
    begun_at: datetime | None
    attempts: int
    waived: frozenset[str] = frozenset()
    content: bytes | None = None
    """The original bytes of a ready-made message, None for a campaign's draft."""
    recipient: str | None = None
    """RCPT TO of a ready-made message."""


class Mails(Protocol):
    """Saved mails and what became of them."""

    async def load(self, ids: Sequence[str], /) -> Sequence[SavedMail | None]:
        """The saved originals; None for an id that is not known."""
        ...

    async def history(self, queries: Sequence[HistoryQuery], /) -> Sequence[History]:
        """Touches, notices and twins."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """How a begun mail ended. `due` is the time of the next try, for try-later only."""

    mail: Mail
    decision: Decision
    outcome: Outcome
    due: datetime | None = None


class Ledger(Protocol):
    """The append-only record. Each call is one durable transaction."""

    async def record(self, decided: Sequence[tuple[Mail, Decision]], /) -> None:
        """Decisions that stop or postpone a mail."""
        ...

    async def begin(self, decided: Sequence[tuple[Mail, Decision]], /) -> Sequence[Reason | None]:
        """Write decision and start before the first byte goes out.

        None: go. A reason: this mail must not start now, because an opt-out, a cap, a cancellation or another process
        came in between; its state is left to the caller's `record`.
        """
        ...

    async def end(self, endings: Sequence[Ending], /) -> None:
        """Write the outcomes of begun mails. Idempotent per mail and begin."""
        ...


@dataclass(frozen=True, slots=True)
class Ticket:
    """A claim check for one mail, leased until the lease runs out. `fence` must come back with the settlement."""

    id: int
    mail_id: str
    lane: str
    fence: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """`due` None: done, the ticket goes; else it comes back at that rule time, not before that machine time."""

    ticket: Ticket
    due: datetime | None = None
    not_before: float = 0.0


class Queue(Protocol):
    """Ready work as claim checks, never bodies. A mail leaves only where the code says done."""

    async def lease(self, most: int, seconds: float, /) -> Sequence[Ticket]:
        """Tickets that are due, for `seconds` of machine time."""
        ...

    async def settle(self, settlements: Sequence[Settlement], /) -> None:
        """Finish or give back. A stale fence changes nothing."""
        ...

    async def postpone(self, lane: str, until: float, /) -> int:
        """Nothing of the lane before that machine time; one statement; the number of tickets moved."""
        ...

    async def ready_in(self) -> float | None:
        """Seconds until the next ticket can be leased, 0.0 when one can now; None for an empty queue."""
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


class Tokens(Protocol):
    """Signs what opt-out and preference links carry."""

    def sign(self, purpose: str, mail_id: str) -> str:
        """A URL-safe token bound to the purpose; holds no personal data; does not expire."""
        ...

    def read(self, token: str) -> tuple[str, str] | None:
        """(purpose, mail id) of a genuine token, else None."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What stages may use. A stage names what it needs in `needs`."""

    clock: Clock
    suppressions: Suppressions
    rates: Rates
    tokens: Tokens
    taxonomy: Taxonomy
    controllers: Mapping[str, Controller]
    templates: Path
    """The folder of shipped templates: notices/, letters/, pages/."""
    base_url: str = ""
    """Public web address of the opt-out pages, https, without a slash at the end."""
    reply_domain: str = ""
    """Where replies and mailto opt-outs are read; empty: none is promised."""
    fallback_language: str | None = None
    routes: Mapping[str, str] = field(default_factory=dict)
    """Stream name, or `default`, to adapter name."""
    capabilities: Mapping[str, Capabilities] = field(default_factory=dict)
    """By adapter name."""
    adapter_rates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By adapter name."""

    def adapter_for(self, stream: Stream) -> str:
        """The adapter that mails of this stream leave by."""
        return self.routes.get(stream, self.routes.get("default", ""))
