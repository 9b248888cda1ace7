"""What became of mails and of the people they were for, in the words that other programs are told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

__all__ = ["COLUMNS", "WHOLE_ROW", "OutcomeEvent", "OutcomeKind", "Place", "read_place"]

_ID = re.compile(r"(?P<seq>[0-9]{12,18})-[a-z_]+(?:-(?P<number>[0-9]{4,9}))?")

COLUMNS = (
    "id", "at", "kind", "code", "mail_id", "contact_id", "campaign", "stream", "client", "address", "entry",
)  # fmt: skip
"""The fields of an event as it leaves, in their order."""


WHOLE_ROW = 999_999_999
"""The number of a place behind all events of a row, however many there are."""


class OutcomeKind(StrEnum):
    """What happened. Words may be added; a receiver passes over those it does not know."""

    SENT = "sent"
    """The next hop took the mail."""
    DELIVERED = "delivered"
    """The ESP told that the recipient's server took it."""
    DEFERRED = "deferred"
    """It waits and is tried or judged again by itself."""
    HELD = "held"
    """It waits for a person or for missing data."""
    BLOCKED = "blocked"
    REJECTED = "rejected"
    """The address cannot be mailed at all."""
    FAILED = "failed"
    """It was offered, was not taken, and is not tried again."""
    EXPIRED = "expired"
    """It could not be handed over in time."""
    UNCERTAIN = "uncertain"
    """It may have been sent; nobody knows yet."""
    CANCELLED = "cancelled"
    """A person gave it up, or with its campaign all that had not begun."""
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    OPTED_OUT = "opted_out"
    ERASED = "erased"
    REPLIED = "replied"
    """An answer of the person. Nothing tells of answers in this version."""


class Place(NamedTuple):
    """Where an event stands: the ledger row that tells of it, and its number among the events of that row, from 0."""

    seq: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class OutcomeEvent:
    """One event. `at` is UTC to the second, with a Z.

    `code` is a reason code for what was decided, else a word of its kind (docs/howto/outcomes-to-a-crm.md).
    `campaign`, `stream` and `client` (who handed the mail in) are those of the mail; `entry` is the suppression that
    an opt-out, bounce, complaint or erasure made. `address` is there as long as contact or mail keep it.
    """

    place: Place
    at: str
    kind: OutcomeKind
    code: str | None = None
    mail_id: str | None = None
    contact_id: str | None = None
    campaign: str | None = None
    stream: str | None = None
    client: str | None = None
    address: str | None = field(default=None, repr=False)
    entry: str | None = None

    @property
    def id(self) -> str:
        """Unique and the same for ever; ids sort as text like the events themselves."""
        seq, number = self.place
        return f"{seq:012d}-{self.kind}" if number == 0 else f"{seq:012d}-{self.kind}-{number:04d}"

    def record(self) -> Mapping[str, Any]:
        """The event as JSON or CSV has it, in the order of `COLUMNS`."""
        return {
            "id": self.id,
            "at": self.at,
            "kind": self.kind.value,
            "code": self.code,
            "mail_id": self.mail_id,
            "contact_id": self.contact_id,
            "campaign": self.campaign,
            "stream": self.stream,
            "client": self.client,
            "address": self.address,
            "entry": self.entry,
        }


def read_place(text: str) -> Place | None:
    """The place that an event's id names; None where the text is no such id."""
    found = _ID.fullmatch(text)
    return None if found is None else Place(int(found["seq"]), int(found["number"] or 0))
