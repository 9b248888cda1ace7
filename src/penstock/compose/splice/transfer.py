"""Transfer encodings: the content of a body, and new octets put into it (RFC 2045 section 6)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from functools import lru_cache

from penstock.compose.splice.edit import Edit

__all__ = ["IDENTITY", "content_of", "grafted", "has_long_line", "smallest", "written"]

IDENTITY = frozenset({"7bit", "8bit", "binary"})
_LINE = 76
_LONGEST_LINE = 998
"""Octets without CRLF (RFC 5322 section 2.1.1)."""
_CHUNK = 57 * 256
"""Octets encoded at a time, so that a large part never stands in memory line by line; whole lines of base64."""
_QUOTED = re.compile(rb"(?:=[0-9A-F]{2}|[^=]){1,25}")
_SPACE = b" \t\r\n"
_ASCII = bytes(range(128))

_PLAIN = re.compile(rb"(?:(?!\.\r)[\t -<>-~]{0,76}+(?<![ \t])\r\n)*+")
"""Lines that are what they would be in quoted-printable; a dot alone is none of them."""
_KEPT_LINES, _KEPT_OCTETS = 2_048, 2_048
Taboo = tuple[bytes, ...]
"""How no line may begin."""
_Span = tuple[int, int]
_Cut = tuple[int, int, bytes, bytes]
"""A line from start to end with its CRLF, and its content before and behind a place."""


def content_of(data: bytes, body: _Span, encoding: str) -> bytes | None:
    """The octets that a body stands for; None when it is damaged, or the encoding is unknown."""
    start, end = body
    if encoding in IDENTITY:
        return data[start:end]
    if encoding == "quoted-printable":
        return binascii.a2b_qp(memoryview(data)[start:end])
    if encoding != "base64":
        return None
    signs = data[start:end].translate(None, _SPACE)
    try:
        octets = binascii.a2b_base64(signs, strict_mode=True)
    except binascii.Error:
        return None
    # The library lets signs of padding pass behind a group that is full.
    return octets if len(signs) == (len(octets) + 2) // 3 * 4 else None


def grafted(
    data: bytes, body: _Span, encoding: str, content: bytes, graft: tuple[int, bytes], taboo: Taboo = ()
) -> list[Edit]:
    """The edits that put a graft into the content before its place. What stands before it stays as it is.

    No line that is encoded anew begins with anything in `taboo`, all of which begin with two dashes.
    """
    place, new = graft
    if encoding == "base64":
        return _in_base64(data, body, content, place, new)
    if encoding == "quoted-printable":
        after = len(content) - place
        line = _line_before(data, body, place) if place < after else _line_behind(data, body, after)
        return [_in_quoted(data, body, line, new, taboo)]
    return [(body[0] + place, body[0] + place, new)]


def written(body: _Span, encoding: str, content: bytes, taboo: Taboo = ()) -> list[Edit]:
    """The edits that make `content`, in that encoding, the whole body; `taboo` as for a graft."""
    if encoding == "base64":
        return _replaced(body, _base64(content))
    return _replaced(body, _quoted(content, taboo) if encoding == "quoted-printable" else iter([content]))


def smallest(content: bytes) -> str:
    """Quoted-printable or base64, whichever takes fewer octets; base64 for octets that are no text."""
    if b"\0" in content:
        return "base64"
    try:
        content.decode("ascii")
        special = 0
    except UnicodeDecodeError as first:
        special = len(content[first.start :].translate(None, _ASCII))
    special += content.count(b"=")
    return "quoted-printable" if special * 2 < len(content) * 0.37 else "base64"


def has_long_line(octets: bytes) -> bool:
    """Whether a line is longer than 998 octets."""
    place, end = 0, len(octets)
    while end - place > _LONGEST_LINE:
        found = octets.rfind(b"\r\n", place, place + _LONGEST_LINE + 2)
        if found < 0:
            return True
        place = found + 2
    return False


def _replaced(span: _Span, pieces: Iterator[bytes]) -> list[Edit]:
    """The pieces in the place of a span, not joined: that is done once for the whole message."""
    edits: list[Edit] = [(*span, b"")]
    edits += [(span[1], span[1], piece) for piece in pieces]
    return edits


def _line_start(data: bytes, start: int, end: int) -> int:
    """Where the line begins that ends at `end`, its CRLF included."""
    found = data.rfind(b"\r\n", start, max(end - 2, start))
    return start if found < 0 else found + 2


def _line_before(data: bytes, body: _Span, before: int) -> _Cut:
    """Look from the start for the line that begins with no more than `before` octets of the content above it."""
    start = body[0]
    while True:
        found = data.find(b"\r\n", start, body[1])
        end = body[1] if found < 0 else found + 2
        octets = binascii.a2b_qp(data[start:end])
        if len(octets) > before or end == body[1]:
            return start, end, octets[:before], octets[before:]
        before -= len(octets)
        start = end


def _line_behind(data: bytes, body: _Span, after: int) -> _Cut:
    """Look from the end for the line in which `after` octets of the content are left."""
    end = body[1]
    while True:
        start = _line_start(data, body[0], end)
        octets = binascii.a2b_qp(data[start:end])
        if len(octets) >= after or start == body[0]:
            break
        after -= len(octets)
        end = start
    return start, end, octets[: len(octets) - after], octets[len(octets) - after :]


def _in_quoted(data: bytes, body: _Span, line: _Cut, graft: bytes, taboo: Taboo) -> Edit:
    """Only the line that the place is in changes."""
    start, end, head, tail = line
    last = end == body[1]
    if not head:
        return start, start, _quoted_whole(graft, taboo, last=start == body[1])
    if not tail and data.endswith(b"\r\n", start, end) and not data.endswith(b"=\r\n", start, end):
        return end, end, _quoted_whole(graft, taboo, last=last)
    return start, end, _quoted_whole(head + graft + tail, taboo, last=last)


def _quoted_whole(content: bytes, taboo: Taboo, *, last: bool) -> bytes:
    """With a soft break where the next line goes on with this one."""
    coded = b"".join(_quoted(content, taboo))
    return coded if last or content.endswith(b"\r\n") else _broken(coded, taboo)


def _quoted(content: bytes, taboo: Taboo) -> Iterator[bytes]:
    """Quoted-printable with CRLF for each CRLF of the content; any other CR or LF is escaped."""
    place = 0
    while place < len(content):
        end = place + _CHUNK
        if end < len(content):
            found = content.rfind(b"\r\n", place, end)
            end = end if found < 0 else found + 2
        chunk = content[place:end]
        place = end
        coded = _lines(chunk, taboo)
        yield coded if chunk.endswith(b"\r\n") or place >= len(content) else _broken(coded, taboo)


def _lines(content: bytes, taboo: Taboo) -> bytes:
    """The lines in quoted-printable: most are that already, and are told to be so many at a time."""
    coded: list[bytes] = []
    place, free = 0, not any(each in content for each in taboo)
    while place < len(content):
        plain = _PLAIN.match(content, place) if free else None
        if plain is not None and plain.end() > place:
            coded.append(plain[0])
            place = plain.end()
        found = content.find(b"\r\n", place)
        if found < 0:
            coded.append(_quoted_line(content[place:], taboo))
            break
        coded += (_quoted_line(content[place:found], taboo), b"\r\n")
        place = found + 2
    return b"".join(coded)


def _quoted_line(line: bytes, taboo: Taboo) -> bytes:
    # The lines of a notice are the same in most mails, the boundaries around them are not.
    coded = _kept_line(line) if len(line) <= _KEPT_OCTETS else _coded_line(line)
    if taboo and b"--" in coded and any(piece.startswith(taboo) for piece in coded.split(b"\r\n")):
        return b"=\r\n".join(_undashed(coded.replace(b"=\r\n", b"")))
    return coded


def _coded_line(line: bytes) -> bytes:
    pieces = binascii.b2a_qp(line, istext=False).split(b"=\n")
    # A line feed behind the 76th octet makes the library overlook that the line is full.
    if len(pieces) > 1 and max(map(len, pieces)) >= _LINE:
        pieces = _QUOTED.findall(b"".join(pieces))
    return b"=\r\n".join(pieces)


def _undashed(coded: bytes) -> list[bytes]:
    """Pieces of a line, none of which begins with a dash."""
    return [b"=2D" + piece[1:] if piece.startswith(b"-") else piece for piece in _QUOTED.findall(coded)]


def _broken(coded: bytes, taboo: Taboo) -> bytes:
    """With a soft break at the end, for which the last line needs room."""
    above, line_end, last = coded.rpartition(b"\r\n")
    if len(last) >= _LINE:
        pieces = _QUOTED.findall(last)
        last = b"=\r\n".join(_undashed(last) if any(piece.startswith(taboo) for piece in pieces) else pieces)
    return b"".join((above, line_end, last, b"=\r\n"))


def _in_base64(data: bytes, body: _Span, content: bytes, place: int, graft: bytes) -> list[Edit]:
    """Lines of whole groups of four before `place` stay; the rest is written anew."""
    end = body[1]
    while end > body[0] and data[end - 1] in _SPACE:
        end -= 1
    start = end
    signs = (len(content) + 2) // 3 * 4
    while start > body[0] and (start == end or signs % 4 or signs // 4 * 3 > place):
        before = _line_start(data, body[0], start)
        signs -= len(data[before:start].translate(None, _SPACE))
        start = before
    octets = memoryview(content)
    return _replaced((start, end), _base64(b"".join((octets[signs // 4 * 3 : place], graft, octets[place:]))))


def _base64(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), _CHUNK):
        whole = binascii.b2a_base64(content[start : start + _CHUNK], newline=False)
        if start:
            yield b"\r\n"
        yield b"\r\n".join([whole[place : place + _LINE] for place in range(0, len(whole), _LINE)])


_kept_line = lru_cache(maxsize=_KEPT_LINES)(_coded_line)
