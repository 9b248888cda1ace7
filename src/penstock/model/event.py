"""What an ESP tells of a mail after it took it, in one closed vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["Event", "EventKind", "graver", "was_read", "was_sent"]


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


_GRAVITY = {kind: place for place, kind in enumerate((
    EventKind.UNKNOWN, EventKind.ACCEPTED, EventKind.DEFERRED, EventKind.REJECTED, EventKind.DELIVERED,
    EventKind.OPENED, EventKind.CLICKED, EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY, EventKind.BOUNCED_HARD,
    EventKind.UNSUBSCRIBED, EventKind.COMPLAINED,
))}  # fmt: skip
_UNREAD = frozenset({EventKind.REJECTED, EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY, EventKind.BOUNCED_HARD})


def graver(one: EventKind | None, other: EventKind | None) -> EventKind | None:
    """Of two events of one mail the one that says what became of it. Events come in any order.

    A rejection tells nothing once the mail was seen further on.
    """
    if one is None or other is None:
        return one or other
    return max(one, other, key=_GRAVITY.__getitem__)


def was_sent(fate: EventKind | None) -> bool | None:
    """Whether the ESP handed the mail on or will; None where nothing is known. `fate` is the gravest event."""
    return None if fate in {None, EventKind.UNKNOWN} else fate is not EventKind.REJECTED


def was_read(fate: EventKind | None) -> bool:
    """Whether the person may have seen the mail, so that a notice in it was given (GDPR Art. 14)."""
    return fate not in _UNREAD


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
