"""Time comes in through here only."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """Time comes in through here only."""

    def now(self) -> datetime:
        """Rule time, aware UTC: what rules, ledger, Date and due times see. `--now` freezes it."""
        ...

    def machine(self) -> float:
        """Seconds since the epoch by the machine's own clock: leases, rate limits, time-outs."""
        ...
