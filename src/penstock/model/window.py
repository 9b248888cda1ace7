"""A rolling window such as `"5/30d"`: so many in so long.

Caps and rates are written in it (contract section 3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

__all__ = ["Window", "parse_window"]

_FORM = re.compile(
    r"\s*(?P<count>[1-9][0-9]{0,8})\s*/\s*(?P<many>[1-9][0-9]{0,5})?\s*(?P<unit>s|min|h|d|w)\s*", re.ASCII
)
_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `count` within any span of `period`."""

    count: int
    period: timedelta


def parse_window(text: str) -> Window:
    """Read `COUNT/[N]UNIT`; units are s, min, h, d and w, a missing N is 1.

    Raises ValueError for anything else and for a period of more than ten years.
    """
    seen = _FORM.fullmatch(text)
    if seen is None:
        raise ValueError("expected a number per time, such as 5/30d, 20/30min or 100/s")
    period = int(seen["many"] or 1) * _UNITS[seen["unit"]]
    if period > _LONGEST:
        raise ValueError("the period is longer than ten years")
    return Window(int(seen["count"]), period)
