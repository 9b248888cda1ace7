"""A way out that is away is left alone for a while, and tried with few mails before it gets its share again."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["TRIAL", "WayPauses"]

TRIAL = 10
"""So many mails try a way out that was away."""

_FIRST = 1.0
_LONGEST = 60.0


class WayPauses:
    """Pauses by way out, in seconds of `timer`, which no change of the wall clock may touch.

    From one second, each twice the one before, to a minute; up to a quarter less by `jitter` (0 to 1), so that
    processes do not come back together.
    """

    def __init__(self, timer: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._timer = timer
        self._jitter = jitter
        self._pauses: dict[str, float] = {}
        self._until: dict[str, float] = {}

    def left(self, way: str) -> float:
        """Seconds until it may be tried; 0.0: now."""
        until = self._until.get(way)
        return 0.0 if until is None else max(until - self._timer(), 0.0)

    def on_trial(self, way: str) -> bool:
        """Whether it was away when it was tried last."""
        return way in self._pauses

    def away(self, way: str) -> None:
        """It could not be reached. What slices in flight together say is said once."""
        if self.left(way) > 0.0:
            return
        pause = min(self._pauses.get(way, _FIRST / 2) * 2, _LONGEST)
        self._pauses[way] = pause
        self._until[way] = self._timer() + pause * (1 - self._jitter() / 4)

    def there(self, way: str) -> None:
        """It took mails, or answered for each of them."""
        self._pauses.pop(way, None)
        self._until.pop(way, None)
