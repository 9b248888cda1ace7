"""Entries of the suppression list: a lasting "do not mail" for a person, a domain or a company."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["Hit", "Suppression", "SuppressionKind", "SuppressionReason", "scope_covers"]


class SuppressionKind(StrEnum):
    """Whom an entry protects. A person's keys are those of the address, a domain covers its sub-domains too."""

    PERSON = "person"
    DOMAIN = "domain"
    COMPANY = "company"


class SuppressionReason(StrEnum):
    """Why the entry was made."""

    OBJECTION = "objection"
    UNSUBSCRIBE = "unsubscribe"
    COMPLAINT = "complaint"
    BOUNCE = "bounce"
    PHONE = "phone"
    OTHER = "other"
    ERASURE = "erasure"


@dataclass(frozen=True, slots=True)
class Suppression:
    """One entry. `keys` are keyed hashes; any of them hits.

    `subject` is the plain address, domain or company id while it may be kept, None for entries known by hash only and
    after an erasure. `scope` is `all`, `controller:NAME` or `channel:NAME`.
    """

    kind: SuppressionKind
    keys: tuple[bytes, ...]
    scope: str
    reason: SuppressionReason
    at: datetime
    subject: str | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that matched."""

    entry: str
    kind: SuppressionKind
    scope: str
    reason: SuppressionReason
    at: datetime


def scope_covers(scope: str, *, controller: str, channel: str = "email") -> bool:
    """Whether an entry of that scope binds a mail of this controller id and channel. An unreadable scope binds."""
    kind, _, name = scope.partition(":")
    match kind:
        case "controller":
            return name == controller
        case "channel":
            return name == channel
        case _:
            return True
