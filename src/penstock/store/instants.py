"""How times are kept: microseconds since the epoch in tables, ISO 8601 text in the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["from_micros", "iso", "maybe_from_micros", "maybe_iso", "maybe_micros", "micros"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970-01-01T00:00Z of an aware time."""
    return (moment - _EPOCH) // _TICK


def maybe_micros(moment: datetime | None) -> int | None:
    """The same, None for None."""
    return None if moment is None else (moment - _EPOCH) // _TICK


def from_micros(count: int) -> datetime:
    """The aware UTC time of `micros`."""
    return _EPOCH + timedelta(microseconds=count)


def maybe_from_micros(count: int | None) -> datetime | None:
    """The same, None for None."""
    return None if count is None else _EPOCH + timedelta(microseconds=count)


def iso(moment: datetime) -> str:
    """One spelling per moment, so that equal rows are equal octets and text sorts like time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def maybe_iso(moment: datetime | None) -> str | None:
    """The same, None for None."""
    return None if moment is None else iso(moment)
