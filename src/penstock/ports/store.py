"""What the store promises: suppressions, mails and the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from penstock.model.campaign import Campaign, Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.model.mail import History, Mail
from penstock.model.outcome import Outcome
from penstock.model.standing import Standing
from penstock.model.suppression import Hit, Suppression
from penstock.model.verdict import Decision, Reason, Verdict

__all__ = ["BEGUN_ELSEWHERE", "Ending", "HistoryQuery", "Ledger", "Mails", "SavedMail", "Standings", "Suppressions"]


class Suppressions(Protocol):
    """The lasting "do not mail"."""

    async def hits(self, identities: Sequence[Identity], /) -> Sequence[tuple[Hit, ...]]:
        """All entries that match any key of each identity, whatever their scope."""
        ...

    async def unresolved(self) -> Sequence[str]:
        """Scopes of imported rows that could not be used and that nobody has settled yet."""
        ...


class Standings(Protocol):
    """What people decided about campaigns."""

    async def of(self, ids: Sequence[str], /) -> Sequence[Standing]:
        """One standing per campaign id, in order."""
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
    lost: bool = False
    """There was a ready-made message, and its file is gone or damaged."""
    recipient: str | None = None
    """RCPT TO of a ready-made message."""
    sender: str | None = None
    """MAIL FROM as a client of the relay gave it; None where nobody did."""
    tag: str = ""


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
    dead: Suppression | None = None
    """The entry for a recipient whom the next hop says does not exist; kept in the same transaction."""


BEGUN_ELSEWHERE = Reason(
    "begin", Verdict.BLOCK, Code.DUPLICATE, "another process has begun this mail", rule="one mail per step"
)
"""What `Ledger.begin` answers for a mail that began and has not ended: its ticket must stay."""


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
        """Write the outcomes of begun mails. Idempotent per mail and begin.

        A mail to be tried later gets its ticket in the same transaction, due then, whoever holds it now.
        """
        ...
