"""A way out that keeps failing is left alone for a while."""

from __future__ import annotations

from penstock.ports import Clock

__all__ = ["Breaker"]


class Breaker:
    """Opens after `most` bad ends in a row, or at once by `trip`; closes by itself, by the machine's clock.

    After the pause one more bad end opens it again, until something goes well.
    """

    def __init__(self, clock: Clock, *, most: int = 3, pause: float = 60.0) -> None:
        self._clock = clock
        self._most = most
        self._pause = pause
        self._row = 0
        self._until = 0.0
        self.why = ""

    @property
    def open(self) -> bool:
        """Nothing may start now; `why` says the reason."""
        return self._until > 0.0 and self._clock.machine() < self._until

    def good(self) -> None:
        """Something went well."""
        self._row = 0

    def bad(self, why: str) -> None:
        """One more bad end."""
        self._row += 1
        if self._row >= self._most:
            self.trip(why, self._pause)

    def trip(self, why: str, pause: float) -> None:
        """Open for that many seconds."""
        self._until = max(self._until, self._clock.machine() + pause)
        self.why = why
