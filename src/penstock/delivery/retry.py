"""When a mail is tried again, and when it is given up (RFC 5321 section 4.5.4.1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from penstock.model.mail import Mail
from penstock.model.outcome import Failed, Outcome, TryLater

__all__ = ["EXPIRY", "in_time", "next_try"]

EXPIRY = timedelta(days=5)
"""How long after its first try a mail may be tried again (at least 4 to 5 days)."""
_PAUSES = (timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4))


def next_try(outcome: TryLater, attempts: int, now: datetime) -> datetime:
    """When to try again: as the next hop asked, else 30 min and longer; at once where our own way out was closed."""
    if not outcome.attempt_used:
        return now
    return now + (outcome.after or _PAUSES[min(attempts, len(_PAUSES) - 1)])


def in_time(mail: Mail, outcome: Outcome, now: datetime) -> tuple[Outcome, datetime | None]:
    """The outcome and the time of the next try; a mail that is too old for another has failed (RFC 3463 X.4.7)."""
    if not isinstance(outcome, TryLater):
        return outcome, None
    due = next_try(outcome, mail.attempts, now)
    if outcome.attempt_used and mail.begun_at is not None and due > mail.begun_at + EXPIRY:
        return Failed(f"given up after {EXPIRY.days} days: {outcome.why}", "5.4.7"), None
    return outcome, due
