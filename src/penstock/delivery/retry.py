"""When a mail is tried again, and when it is given up (RFC 5321 section 4.5.4.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from penstock.model.mail import Mail
from penstock.model.outcome import Failed, Outcome, TryLater

__all__ = ["EXPIRY", "Schedule", "expired", "in_time", "last_try", "next_try"]

EXPIRY = timedelta(days=5)
"""How long after its first try a mail may be tried again (at least 4 to 5 days)."""

Schedule = Literal["smtp", "esp"]

_MINUTE = timedelta(minutes=1)
_PAUSES: dict[Schedule, tuple[timedelta, ...]] = {
    "smtp": (30 * _MINUTE, 60 * _MINUTE, 120 * _MINUTE, 240 * _MINUTE),
    "esp": (1 * _MINUTE, 5 * _MINUTE, 15 * _MINUTE, 60 * _MINUTE),
}
"""Mail servers greylist and queue; an ESP that is busy has its own queue behind it, and is free again soon."""


def next_try(
    outcome: TryLater,
    attempts: int,
    now: datetime,
    schedule: Schedule = "smtp",
    closed: timedelta = timedelta(0),
) -> datetime:
    """When to try again: as the next hop asked, else longer each time; after `closed` where our way out was closed."""
    if not outcome.attempt_used:
        return now + closed
    pauses = _PAUSES[schedule]
    return now + (outcome.after or pauses[min(attempts, len(pauses) - 1)])


def in_time(
    mail: Mail,
    outcome: Outcome,
    now: datetime,
    schedule: Schedule = "smtp",
    closed: timedelta = timedelta(0),
    last: datetime | None = None,
) -> tuple[Outcome, datetime | None]:
    """The outcome and the time of the next try; a mail that is too old for another has failed (RFC 3463 X.4.7).

    `last`: after that it may not be tried, whenever it was tried first.
    """
    if not isinstance(outcome, TryLater):
        return outcome, None
    due = next_try(outcome, mail.attempts, now, schedule, closed)
    if not outcome.attempt_used:
        return outcome, due
    if mail.begun_at is not None and due > mail.begun_at + EXPIRY:
        return Failed(f"given up after {EXPIRY.days} days: {outcome.why}", "5.4.7"), None
    if last is not None and due > last:
        return Failed(f"given up, it is too old to be tried again: {outcome.why}", "5.4.7"), None
    return outcome, due


def expired(mail: Mail, waited: timedelta) -> Failed:
    """What became of a mail that waited too long; no server has refused it for good where none was ever asked."""
    hours = int(waited.total_seconds() // 3600)
    return Failed(f"given up, it waited longer than {hours} hours", "5.4.7" if mail.attempts else "4.4.7")


def last_try(since: float | None, waits: timedelta) -> datetime | None:
    """When a ready-made message saved then (seconds since the epoch) may be tried for the last time."""
    return None if since is None else datetime.fromtimestamp(since, UTC) + waits
