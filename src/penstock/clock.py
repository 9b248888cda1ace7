"""The clocks that programs run on."""

from __future__ import annotations

import time
from datetime import UTC, datetime

__all__ = ["FrozenClock", "ShiftedClock", "SystemClock"]


class SystemClock:
    """The machine's clock for everything."""

    def now(self) -> datetime:
        """The present, aware UTC."""
        return datetime.now(UTC)

    def machine(self) -> float:
        """Seconds since the epoch."""
        return time.time()


class FrozenClock(SystemClock):
    """Rule time stands still at `moment` (`--now`); leases and rate limits run on."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment.astimezone(UTC)

    def now(self) -> datetime:
        """Always the same moment."""
        return self._moment


class ShiftedClock(SystemClock):
    """Rule time starts at `moment` and runs on, for processes that stay (`--now` with `relay` and `worker`)."""

    def __init__(self, moment: datetime) -> None:
        self._ahead = moment.astimezone(UTC) - datetime.now(UTC)

    def now(self) -> datetime:
        """The present as seen from there."""
        return datetime.now(UTC) + self._ahead
