"""Where the first thing that a reader sees stands in an HTML document (HTML Standard section 13.2.6.4)."""

from __future__ import annotations

import re

from penstock.compose.splice.html_place import RAW, after_comment, after_tag

__all__ = ["html_top"]

_MARK = b"\xef\xbb\xbf"
_SPACE = re.compile(rb"\s*")
_TAG = re.compile(rb"<(/?[a-z][^\s/>]*)", re.IGNORECASE)
_RAW = frozenset(RAW.split(b"|"))
_METADATA = frozenset({b"base", b"basefont", b"bgsound", b"link", b"meta", b"noscript", b"script", b"style", b"title"})
_BEFORE_BODY = _METADATA | {b"/" + name for name in _METADATA} | {b"html", b"head", b"/head"}


def html_top(view: bytes) -> int | None:
    """Behind the tag that begins the body; in a document without one, where its content begins.

    None for a set of frames, which would not be shown any more with a text before them.
    """
    place = top = len(_MARK) if view.startswith(_MARK) else 0
    in_head = False
    while True:
        begin = _SPACE.match(view, place)
        start = place if begin is None else begin.end()
        if in_head:  # a browser takes whatever else stands there for the body; most writers did not mean that
            start = view.find(b"<", start)
        tag = _TAG.match(view, start) if start >= 0 else None
        name = tag[1].lower() if tag is not None else b""
        if name == b"frameset":
            return None
        if tag is None:
            after = _after_declaration(view, start) if start >= 0 else None
        elif in_head or name in _BEFORE_BODY or name == b"body":
            after = after_tag(view, tag.end(), name if name in _RAW else None)
        else:
            return top
        if after is None:
            return top
        if name == b"body":
            return after
        if name in {b"html", b"head", b"/head"} or (view.startswith((b"<!", b"<?"), start) and not in_head):
            top = after
        in_head = (in_head or name == b"head") and name != b"/head"
        place = after


def _after_declaration(view: bytes, place: int) -> int | None:
    """Behind a comment, a document type or an instruction; None at anything else, or where it is never closed."""
    if view.startswith(b"<!--", place):
        return after_comment(view, place + 4)
    if view.startswith((b"<!", b"<?"), place):
        end = view.find(b">", place)
        return end + 1 if end >= 0 else None
    return None
