"""Dates and times as they come in files: an ISO date or date-time, always kept as an aware UTC time."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

__all__ = ["Moment", "as_moment"]


def as_moment(value: Any) -> datetime:
    """Read an ISO 8601 date (its midnight, UTC) or date-time (UTC where no offset is given).

    Raises ValueError for anything else, numbers included.
    """
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip())
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise ValueError("expected an ISO date or date-time")
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the date lies outside the calendar") from None


Moment = Annotated[datetime, BeforeValidator(as_moment)]
