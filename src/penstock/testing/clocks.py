"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["FakeClock"]


class FakeClock:
    """Rule time and machine time move together, only by `advance`."""

    def __init__(self, moment: datetime = datetime(2026, 11, 23, 9, tzinfo=UTC)) -> None:
        self._moment = moment

    def now(self) -> datetime:
        """The moment set."""
        return self._moment

    def machine(self) -> float:
        """The same in seconds since the epoch."""
        return self._moment.timestamp()

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._moment += by
