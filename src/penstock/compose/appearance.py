"""What makes finished letters look alike, so that one judgement stands for all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
    pieces = html.split("<")[1:]
    tags = [piece.partition(">")[0] for piece in pieces]
    looks: list[object] = [*map(_looks, tags)]
    if None in looks:
        looks = _with_styles(pieces, tags, looks)
        looks += _COMMENT.findall(html)
    return hash(tuple(looks))


@lru_cache(maxsize=_TAGS)
def _looks(tag: str) -> int | None:
    """A number for what a tag looks like; None for one that says more than it shows: see `_with_styles`."""
    if tag[:5].lower() == "style" or tag.startswith("!--") or _open_quote(tag):
        return None
    return hash(tuple(_LOOKS.findall(tag)))


def _open_quote(tag: str) -> bool:
    return bool(tag.count('"') % 2 or tag.count("'") % 2)


def _with_styles(pieces: Sequence[str], tags: Sequence[str], told: Sequence[object]) -> list[object]:
    """The looks with what stands in stylesheets, and behind a quote that is open at the end of a tag."""
    looks: list[object] = []
    raw = whole = False
    for piece, tag, look in zip(pieces, tags, told, strict=True):
        if raw and piece[:6].lower() != "/style":
            looks.append(piece)  # a sign of CSS, not of a tag
            whole = whole or _chooses_freely(piece)
            continue
        raw = False
        if look is not None:
            looks.append(look)
            continue
        # An open quote: the sign may stand within a value, and what follows belongs to the tag.
        looks.append(piece if _open_quote(tag) else tuple(_LOOKS.findall(tag)))
        raw = tag[:5].lower() == "style"
        if raw:
            rest = piece[len(tag) + 1 :]
            looks.append(rest)
            whole = whole or _chooses_freely(rest)
    return [*looks, *tags] if whole else looks


@lru_cache(maxsize=_SHEETS)
def _chooses_freely(css: str) -> bool:
    """Whether a selector asks for an attribute that letters of one appearance may differ by."""
    names = [name.strip("\"'").lower() for name in _ATTRIBUTE.findall(css)]
    return any(name not in _TOLD and not name.startswith(_OF_PROGRAMS) for name in names)
