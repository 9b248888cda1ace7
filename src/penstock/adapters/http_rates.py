"""What an ESP's headers say about our pace (RFC 9110 section 10.2.3 and the usual rate-limit fields)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["asked_pause"]

_LONGEST = timedelta(days=1)
_EPOCH_LIKE = 1_000_000_000.0
_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining", "x-sib-ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "ratelimit-reset", "x-sib-ratelimit-reset")


def asked_pause(headers: Mapping[str, str], now: datetime, *, refused: bool) -> timedelta | None:
    """How long the ESP wants us to wait; None where it asks nothing.

    Retry-After counts whenever it is there; the reset of a limit only after a refusal, or when nothing remains of it.
    """
    if (asked := _retry_after(headers.get("retry-after", ""), now)) is not None:
        return asked
    remaining = next((headers[name] for name in _REMAINING if name in headers), None)
    if refused or (remaining is not None and _number(remaining) == 0.0):
        reset = next((_number(headers[name]) for name in _RESET if name in headers), None)
        if reset is not None:
            # Some count seconds, some name the moment since 1970.
            return _bounded(reset - now.timestamp() if reset > _EPOCH_LIKE else reset)
    return None


def _retry_after(value: str, now: datetime) -> timedelta | None:
    if not value:
        return None
    if (seconds := _number(value)) is not None:
        return _bounded(seconds)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return _bounded((moment - now).total_seconds())


def _number(text: str) -> float | None:
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number if 0.0 <= number < float("inf") else None


def _bounded(seconds: float) -> timedelta:
    return min(max(timedelta(seconds=seconds), timedelta(0)), _LONGEST)
