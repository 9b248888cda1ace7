"""What an ESP tells of a mail after it took it, in one closed vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["Event", "EventKind"]


class EventKind(StrEnum):
    """What happened. A provider's word that none of these covers is `unknown`, never a guess."""

    ACCEPTED = "accepted"
    """The ESP took the mail and will try."""
    DEFERRED = "deferred"
    """The recipient's server said "later"; the ESP tries on."""
    DELIVERED = "delivered"
    BOUNCED_HARD = "bounced_hard"
    """The mailbox or domain does not exist: it never will."""
    BOUNCED_SOFT = "bounced_soft"
    """The ESP gave up, but the mailbox may be fine: full, away, time-out."""
    BOUNCED_POLICY = "bounced_policy"
    """The recipient's server does not want this mail or this sender: content, reputation, authentication."""
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    REJECTED = "rejected"
    """The ESP itself dropped the mail: it was never offered to the recipient's server."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `key` is the same for every repetition of it and differs from all other events of that ESP.

    `mail_id` is our id where the ESP brings it back, else empty, and `receipt` the ESP's own id of the mail, as
    `Accepted.receipt` has it. `recipient` is an address and never leaves for ledger or logs. `words` are the
    provider's own names and codes for what happened (never its free text, which may hold addresses).
    """

    kind: EventKind
    key: str
    at: datetime
    mail_id: str = ""
    receipt: str = ""
    recipient: str = field(default="", repr=False)
    words: Mapping[str, str] = field(default_factory=dict)
