"""What makes finished letters look alike, so that one judgement stands for all of them."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["appearance"]

_LOOKS = re.compile(
    r"^/?[a-z][a-z0-9]*|\s(?:style|class|id|hidden|bgcolor|color|text|open|lang|media|width|height|data-penstock)\b"
    r"(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ATTRIBUTE = re.compile(r"\[\s*([^\s\]=~|^$*]+)")
_TOLD = frozenset({"class", "id", "style", "lang", "hidden", "width", "height", "bgcolor", "color"})
_OF_PROGRAMS = ("data-ogs", "x-apple-", "owa")
"""Attributes that mail programs add, and no letter has."""
_TAGS = 4_096
_SHEETS = 64


def appearance(html: str) -> int:
    """A number for the elements of a letter and their styles: equal for letters that look alike.

    Most tags of a letter were in the one before, and what a tag looks like is told once. Where a stylesheet chooses by
    other attributes than those that are told here, every tag counts as a whole.
    """
    looks: list[object] = []
    raw = whole = False
    pieces = html.split("<")[1:]
    for piece in pieces:
        if raw and piece[:6].lower() != "/style":
            looks.append(piece)  # a sign of CSS, not of a tag
            whole = whole or _chooses_freely(piece)
            continue
        tag, _, rest = piece.partition(">")
        # A quote that is open at the end: the sign may stand within a value, and what follows belongs to the tag.
        looks.append(piece if tag.count('"') % 2 or tag.count("'") % 2 else _looks(tag))
        raw = tag[:5].lower() == "style"
        if raw:
            looks.append(rest)
            whole = whole or _chooses_freely(rest)
    if whole:
        looks += [piece.partition(">")[0] for piece in pieces]
    if "<!--" in html:
        looks += _COMMENT.findall(html)
    return hash(tuple(looks))


@lru_cache(maxsize=_TAGS)
def _looks(tag: str) -> tuple[str, ...]:
    return tuple(_LOOKS.findall(tag))


@lru_cache(maxsize=_SHEETS)
def _chooses_freely(css: str) -> bool:
    """Whether a selector asks for an attribute that letters of one appearance may differ by."""
    names = [name.strip("\"'").lower() for name in _ATTRIBUTE.findall(css)]
    return any(name not in _TOLD and not name.startswith(_OF_PROGRAMS) for name in names)
