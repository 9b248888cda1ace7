"""Cells that come again and again are read once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Reader", "remembering"]

Reader = Callable[[Any], Any]

_REMEMBERED = 4096
_LONGEST_REMEMBERED = 64


def remembering(read: Reader) -> Reader:
    """The same reader, for fields whose few values come again and again: a file has far fewer dates than rows."""
    known: dict[str, Any] = {}

    def remembered(value: Any) -> Any:
        if type(value) is not str:
            return read(value)
        try:
            return known[value]
        except KeyError:
            found = read(value)
        if len(value) <= _LONGEST_REMEMBERED:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[value] = found
        return found

    return remembered
