"""The blocks as they stand in a text or HTML part: line ends, empty lines, format=flowed (RFC 3676)."""

from __future__ import annotations

import re

from penstock.compose.splice.html_place import html_place
from penstock.compose.splice.html_top import html_top

__all__ = ["MARK", "Graft", "carries", "graft_for", "lines_of", "top_graft_for"]

MARK = b"data-penstock"
"""What every element of a block is marked by."""
_REACH = 512
_MARK = b"\xef\xbb\xbf"
_STUFFED = (" ", ">", "From ")
"""How a line begins that would mean something else (RFC 3676 section 4.4)."""
_BLOCK = re.compile(rb"data-penstock\s*=\s*[\"']?([a-z_-]+)")
_LINK = re.compile(rb"href=\"([^\"]+)\"")

Graft = tuple[int, str]
"""Where the blocks go, and what goes there."""


def lines_of(view: bytes, block: str, *, flowed: bool) -> str:
    """The blocks with the line ends of the part, CRLF unless it has LF alone, and without those around them.

    In a flowed part no line ends with a space, which would join it to the next, and none begins as a quote.
    """
    lines = block.strip("\n").split("\n")
    if flowed:
        lines = [line.rstrip(" ") for line in lines]
        lines = [f" {line}" if line.startswith(_STUFFED) else line for line in lines]
    return _line_end(view).join(lines)


def graft_for(view: bytes, lines: str, *, html: bool, flowed: bool) -> Graft:
    """Place and text, with the line ends around it: `view` is the part, with ASCII where ASCII means itself."""
    line_end = _line_end(view)
    if html:
        place = html_place(view)
        begins = place == 0 or view[place - 1 : place] == b"\n"
        return place, f"{'' if begins else line_end}{lines}{line_end}"
    last = view[-_REACH:].rstrip(b"\r\n")
    there = view[-_REACH:].count(b"\n", len(last))
    return len(view), f"{line_end * (_line_ends_after(last, flowed=flowed) - there)}{lines}{line_end}"


def top_graft_for(view: bytes, lines: str, *, html: bool) -> Graft | None:
    """The same for a label: above all, in a text with an empty line below it. None where HTML has no such place."""
    line_end = _line_end(view)
    place = html_top(view) if html else len(_MARK) if view.startswith(_MARK) else 0
    if place is None:
        return None
    begins = place == 0 or not html or view[place - 1 : place] == b"\n"
    return place, f"{'' if begins else line_end}{lines}{line_end * (1 if html else 2)}"


def carries(view: bytes, block: bytes) -> bool:
    """Whether an HTML part has all blocks of `block` by their marks, and all their links.

    Marks alone are no proof: a mail that quotes an earlier one has that one's blocks, with links of its own.
    """
    if MARK not in view:
        return False
    names = set(_BLOCK.findall(block))
    return bool(names) and names.issubset(_BLOCK.findall(view)) and all(link in view for link in _LINK.findall(block))


def _line_end(view: bytes) -> str:
    return "\n" if b"\r\n" not in view and b"\n" in view else "\r\n"


def _line_ends_after(last: bytes, *, flowed: bool) -> int:
    """How many line ends make an empty line after that last line."""
    if not last:
        return 0
    line = last.rpartition(b"\n")[2].lstrip(b">")
    # A line that flows takes the first line end behind it for itself; the mark of a signature does not flow.
    return 3 if flowed and line.endswith(b" ") and line not in {b"-- ", b" -- "} else 2
