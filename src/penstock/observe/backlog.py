"""What lies in the store and waits, in numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["Backlog", "ReadBacklog"]


@dataclass(frozen=True, slots=True)
class Backlog:
    """Numbers of mails. `oldest_seconds` is how long the longest due of them is due already, 0.0 where none is.

    `held` is by code. `store_seconds` is how long the store took to say so.
    """

    waiting: int
    oldest_seconds: float
    begun: int
    uncertain: int
    held: Mapping[str, int] = field(default_factory=dict)
    store_seconds: float = 0.0


ReadBacklog = Callable[[], Awaitable[Backlog]]
"""Raises Unavailable."""
