"""How many mails begin together: many where they leave fast, few where a pause or a crash would catch them waiting."""

from __future__ import annotations

__all__ = ["SLICE", "SliceSize"]

SLICE = 50
"""The most: what a crash can leave in doubt, times the slices in flight."""
_FIRST = 10
_SECONDS = 0.5


class SliceSize:
    """For each adapter as many as lately left within half a second, so that a paused campaign stands still soon."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}

    def of(self, adapter: str) -> int:
        """From 1 to `SLICE`."""
        return self._sizes.get(adapter, _FIRST)

    def took(self, adapter: str, mails: int, seconds: float) -> None:
        """Learn from a slice. A small one says little of a large one: more than its double is no news."""
        fitting = SLICE if seconds * SLICE <= mails * _SECONDS else int(mails * _SECONDS / seconds)
        self._sizes[adapter] = max(1, min(fitting, max(2 * mails, self.of(adapter)), SLICE))
