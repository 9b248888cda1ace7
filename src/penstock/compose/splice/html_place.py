"""Where the blocks go in an HTML document (HTML Standard section 13.2.5: how tags and comments are told apart)."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["RAW", "after_comment", "after_tag", "comments", "html_place"]

_REACH = 512
_END = re.compile(rb"</body\s*>\s*(?:</html\s*>\s*)?\Z", re.IGNORECASE)
_ANY_END = re.compile(rb"</(?:body|html)(?=[\s/>])", re.IGNORECASE)
RAW = rb"script|style|textarea|title|xmp|iframe|noembed|noframes|plaintext"
_RAW_START = re.compile(rb"<(" + RAW + rb")(?=[\s/>])", re.IGNORECASE)
_TOKEN = re.compile(
    rb"<(?:(?P<comment>!--)|/(?P<end>body|html)(?=[\s/>])|(?P<raw>" + RAW + rb")(?=[\s/>])|/?[a-z])", re.IGNORECASE
)
_ATTRIBUTES = re.compile(rb"[^>=]*(?:=(?:\s*\"[^\"]*\"|\s*'[^']*'|(?!\s*[\"']))[^>=]*)*")
"""Up to the end of a tag, or to a quote that is never closed."""
_COMMENT_END = re.compile(rb"--!?>")


def html_place(view: bytes) -> int:
    """Before the last `</body>`, else before the last `</html>`, else at the end.

    Never inside a comment, a script, a style, an attribute or whatever else is not shown: an end tag in one of these
    is none, and before one that is never closed is the last place there is.
    """
    tail = max(len(view) - _REACH, 0)
    found = _END.search(view, tail)
    if found is not None and _plain_before(view, found.start()):
        return found.start()
    if found is None and _ANY_END.search(view) is None and _plain_before(view, len(view)):
        return len(view)
    return _walked(view)


def _plain_before(view: bytes, place: int) -> bool:
    """Whether it is easily seen that no tag, comment or raw text is open at a place with no more than ends behind."""
    comment = view.rfind(b"<!--", 0, place)
    if comment >= 0 and view.find(b"-->", comment, place) < 0:
        return False
    if view.rfind(b"<", 0, place) > view.rfind(b">", 0, place):
        return False
    for quote in (b'="', b"='"):
        value = view.rfind(quote, 0, place)
        if value >= 0 and view.find(quote[1:], value + 2, place) < 0:
            return False
    last = None
    for each in _RAW_START.finditer(view, 0, place):
        last = each
    return last is None or _after_raw(view, last.end(), last[1]) is not None


def comments(view: bytes) -> list[tuple[int, int]]:
    """Start and end of each comment; the last one may never be closed."""
    if b"<!--" not in view:
        return []
    spans = [(token.start(), after) for token, after in _tokens(view) if token["comment"]]
    return [(start, len(view) if after is None else after) for start, after in spans]


def _walked(view: bytes) -> int:
    ends: dict[bytes, int] = {}
    for token, after in _tokens(view):
        if after is None:
            return ends.get(b"body", ends.get(b"html", token.start()))
        if token["end"]:
            ends[token["end"].lower()] = token.start()
    return ends.get(b"body", ends.get(b"html", len(view)))


def _tokens(view: bytes) -> Iterator[tuple[re.Match[bytes], int | None]]:
    """From tag to tag, as a browser reads, and where each ends; None for one that is never closed, the last."""
    place: int | None = 0
    while place is not None and (token := _TOKEN.search(view, place)) is not None:
        place = after_comment(view, token.end()) if token["comment"] else after_tag(view, token.end(), token["raw"])
        yield token, place


def after_comment(view: bytes, place: int) -> int | None:
    """Behind the comment whose text begins at `place`; None when it is never closed."""
    if view.startswith((b">", b"->"), place):  # an empty comment, wrongly closed
        return view.index(b">", place) + 1
    found = _COMMENT_END.search(view, place)
    return None if found is None else found.end()


def after_tag(view: bytes, place: int, raw: bytes | None) -> int | None:
    """Behind a tag from whose name on it is read, and behind the content of an element of raw text of that name."""
    found = _ATTRIBUTES.match(view, place)
    end = place if found is None else found.end()
    if not view.startswith(b">", end):
        return None
    return end + 1 if raw is None else _after_raw(view, end + 1, raw)


def _after_raw(view: bytes, place: int, name: bytes) -> int | None:
    """The closing tag of raw text, read as the next token; `plaintext` has none."""
    if name.lower() == b"plaintext":
        return None
    found = re.compile(b"</" + name + rb"(?=[\s/>])", re.IGNORECASE).search(view, place)
    return None if found is None else found.start()
