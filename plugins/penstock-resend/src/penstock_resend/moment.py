"""Times as Resend writes them: RFC 3339 in events, `2023-10-06 23:47:56.678+00` in answers."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["moment"]

_LONGEST = 40


def moment(text: object) -> datetime | None:
    """The time in UTC, which is meant where no zone is named; None for what is no time."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
