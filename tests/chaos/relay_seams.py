"""Where a process of a relay is killed, and what may be broken in it to see whether the judge notices."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["AT", "BROKEN", "CLAIM", "SEAM", "Broken", "RelaySeam"]

SEAM, AT = "PENSTOCK_CHAOS_SEAM", "PENSTOCK_CHAOS_AT"
CLAIM, BROKEN = "PENSTOCK_CHAOS_CLAIM", "PENSTOCK_CHAOS_BROKEN"


class RelaySeam(StrEnum):
    """The first is in the listener, the others in the worker; two of them are the mail server's doing."""

    BEFORE_250 = "before 250"
    BEFORE_BEGIN = "before begin"
    AFTER_BEGIN = "after begin"
    IN_DATA = "in DATA"
    AFTER_DOT = "after the dot"
    BEFORE_END = "before end"
    BEFORE_SETTLE = "before settle"


class Broken(StrEnum):
    """Faults that a relay must not have. They show only when a process dies."""

    NOTHING = ""
    ANSWERS_FIRST = "250 before the commit"
    SENDS_AGAIN = "what was begun is sent again"
    SETTLES_FIRST = "done before it is delivered"
