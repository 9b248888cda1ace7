"""RFC 2047 encoded-words: text outside ASCII in header fields."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

__all__ = ["encoded_words"]

_WORD = 75
"""The longest encoded-word allowed (RFC 2047 section 2)."""
_FRAME = 12
"""What stands around a payload."""
_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
"""The octets that a phrase may hold as they are (RFC 2047 section 5, rule 3)."""
_ESCAPES = tuple((bytes((octet,)), f"={octet:02X}".encode()) for octet in range(256))
_CONTINUED = frozenset({"=8", "=9", "=A", "=B"})
"""How octets begin that belong to the character before (RFC 3629 section 3)."""


def encoded_words(text: str, room: int) -> list[str]:
    """The words for a text, each of at most 75 characters; the first fits in `room`. No character is split.

    Q or B is chosen by size. Words are joined by folding white space, which readers drop between them. Raises
    UnicodeEncodeError for half a character (a lone surrogate).
    """
    data = text.encode()
    quoted = _quoted(data)
    first = max(min(room, _WORD) - _FRAME, 0)
    if len(quoted) <= (len(data) + 2) // 3 * 4:
        return [f"=?utf-8?q?{payload}?=" if payload else "" for payload in _cut_quoted(quoted, first)]
    return [f"=?utf-8?b?{payload}?=" if payload else "" for payload in _cut_base64(text, first)]


def _quoted(data: bytes) -> str:
    """Q: an octet at a time would cost several times what the few different ones do that must be written otherwise."""
    odd = set(data.translate(None, _SAFE))
    if 0x3D in odd:  # before any `=` of ours is in
        data = data.replace(*_ESCAPES[0x3D])
    for octet in odd - {0x3D, 0x20}:
        data = data.replace(*_ESCAPES[octet])
    return data.replace(b" ", b"_").decode("ascii")


def _cut_quoted(quoted: str, room: int) -> Iterator[str]:
    """Payloads of whole characters: the first fits in `room` and is empty when none does."""
    place, end = 0, len(quoted)
    while end - place > room:
        cut = place + room
        if quoted[max(cut - 1, place) : cut] == "=":
            cut -= 1
        elif quoted[max(cut - 2, place) : cut - 1] == "=":
            cut -= 2
        while quoted[cut : cut + 2] in _CONTINUED and cut > place:
            cut -= 3
        yield quoted[place:cut]
        place, room = cut, _WORD - _FRAME
    if place < end:
        yield quoted[place:]


def _cut_base64(text: str, room: int) -> Iterator[str]:
    """Likewise."""
    start = octets = 0
    for place, character in enumerate(text):
        more = len(character.encode())
        if (octets + more + 2) // 3 * 4 > room:
            yield _base64(text[start:place])
            start, octets, room = place, 0, _WORD - _FRAME
        octets += more
    if start < len(text):
        yield _base64(text[start:])


def _base64(text: str) -> str:
    return binascii.b2a_base64(text.encode(), newline=False).decode("ascii")
