"""How long who failed to log in has to wait: the longer, the oftener."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

__all__ = ["LoginFailures"]

_FREE = 3
"""So many failures are typing errors."""
_FORGOTTEN_SECONDS = 900.0


class LoginFailures:
    """Counts failures by key (a caller, a name). Keeps at most `entries` keys; who failed longest ago goes first.

    `first` is the delay in seconds after the failures that are free; each one more doubles it, up to `most`. Fifteen
    minutes after the last failure all is forgotten.
    """

    def __init__(self, *, first: float, most: float, entries: int = 4096) -> None:
        self._first = first
        self._most = most
        self._entries = entries
        self._found: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def delay(self, keys: Iterable[bytes], now: float, pending: int = 0) -> float:
        """Seconds to wait before the next try; `pending` tries of the same caller count as if they had failed."""
        worst = max(self._count(key, now) for key in keys) + pending
        if worst < _FREE or not self._first:
            return 0.0
        return min(self._most, self._first * 2.0 ** min(worst - _FREE, 32))

    def note(self, keys: Iterable[bytes], now: float) -> None:
        """One more failure of these."""
        for key in keys:
            self._found[key] = (self._count(key, now) + 1, now)
            self._found.move_to_end(key)
        while len(self._found) > self._entries:
            self._found.popitem(last=False)

    def _count(self, key: bytes, now: float) -> int:
        count, at = self._found.get(key, (0, now))
        return count if now - at < _FORGOTTEN_SECONDS else 0
