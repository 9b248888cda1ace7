"""The blocks that a letter has woven into its own HTML, and places in HTML where something may be put."""

from __future__ import annotations

import html as markup
import re

__all__ = ["body_end", "body_start", "woven_blocks"]

_MARK = ' data-penstock="'
# What is never closed reaches to the end: so browsers read it, and so no search starts over and over.
_COMMENT = r"<!--.*?(?:-->|\Z)"
_PIECE = re.compile(
    _COMMENT + r"|<(?P<opaque>style|script|title)\b.*?(?:</(?P=opaque)\s*>|\Z)|</(?P<end>[a-z][a-z0-9:-]*)[^<>]*>"
    r"|<(?P<start>[a-z][a-z0-9:-]*)[^<>]*>|(?P<text>[^<]+)|<",
    re.IGNORECASE | re.DOTALL,
)
_TAG = re.compile(r"<(?P<name>[A-Za-z][A-Za-z0-9:-]*)\s[^<>]*>")
_BLOCK = re.compile(r"\w+")
_START = re.compile(_COMMENT + r"|(?P<body><body\b[^<>]*>)", re.IGNORECASE | re.DOTALL)
_HEAD = re.compile(_COMMENT + r"|(?P<head></head\s*>)", re.IGNORECASE | re.DOTALL)
_ROOT = re.compile(r"<html\b[^<>]*>", re.IGNORECASE)
_MOST_MARKS, _NEAR = 64, 16_384
"""How many marks are looked at and how far behind each; beyond it a block counts as not woven in, and is added."""
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_BLANK = " \t\r\n\f\v\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


def woven_blocks(html: str) -> frozenset[str]:
    """The names of the blocks that are marked `data-penstock="…"` and say something.

    Empty elements and comments do not count, nor marks spelled in another way.
    """
    # Looked for from the end: that takes a third of the time where there is none.
    if html.rfind("data-penstock") < 0:
        return frozenset()
    found: set[str] = set()
    place = html.find(_MARK)
    for _ in range(_MOST_MARKS):
        if place < 0:
            break
        block, tag = _BLOCK.match(html, place + len(_MARK)), _TAG.match(html, max(html.rfind("<", 0, place), 0))
        if block and tag and tag.end() > place and _comment_around(html, place) < 0 and _says(html, tag):
            found.add(block[0])
        place = html.find(_MARK, place + 1)
    return frozenset(found)


def _says(html: str, tag: re.Match[str]) -> bool:
    """Whether the element that starts with the tag holds a word."""
    if tag["name"].lower() in _VOID:
        return False
    depth = 1
    for piece in _PIECE.finditer(html, tag.end(), tag.end() + _NEAR):
        if piece["text"] is not None and markup.unescape(piece["text"]).strip(_BLANK):
            return True
        if piece["end"] is not None:
            depth -= 1
        elif piece["start"] is not None and piece["start"].lower() not in _VOID:
            depth += 1
        if depth == 0:
            return False
    return False


def body_start(html: str) -> int:
    """Where the first words of the letter may be put: behind `<body>`, comments left alone."""
    for pattern, name in ((_START, "body"), (_HEAD, "head")):
        for found in pattern.finditer(html):
            if found[name] is not None:
                return found.end()
    root = _ROOT.search(html)
    return root.end() if root is not None else 0


def body_end(html: str) -> int:
    """Where the last words of the letter may be put: before the last `</body>`, else `</html>`; never in a comment."""
    place = html.rfind("</body")
    if place < 0:
        lowered = html.lower()
        place = next((found for tag in ("</body", "</html") if (found := lowered.rfind(tag)) >= 0), len(html))
    opened = _comment_around(html, place)
    return opened if opened >= 0 else place


def _comment_around(html: str, place: int) -> int:
    """Where the comment starts that the place lies in; -1 where it lies in none."""
    opened = html.rfind("<!--", 0, place)
    return opened if opened >= 0 and html.find("-->", opened, place) < 0 else -1
