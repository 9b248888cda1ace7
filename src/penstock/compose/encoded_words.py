"""RFC 2047 encoded-words: text outside ASCII in header fields."""

from __future__ import annotations

import binascii

__all__ = ["encoded_words"]

_PREFIX = {"q": "=?utf-8?q?", "b": "=?utf-8?b?"}
_WORD = 75
"""The longest encoded-word allowed (RFC 2047 section 2)."""
# The octets that a phrase may hold as they are (RFC 2047 section 5, rule 3).
_SAFE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = tuple(chr(octet) if octet in _SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in range(256))


def encoded_words(text: str, room: int) -> list[str]:
    """The words for a text, each of at most 75 characters; the first fits in `room`. No character is split.

    Q or B is chosen by size. Words are joined by folding white space, which readers drop between them. Raises
    UnicodeEncodeError for half a character (a lone surrogate).
    """
    data = text.encode()
    quoted = [_Q[octet] for octet in data]
    kind = "q" if sum(map(len, quoted)) <= (len(data) + 2) // 3 * 4 else "b"
    payload = "".join(quoted) if kind == "q" else _encoded(data, kind)
    if len(payload) + 12 <= min(room, _WORD):
        return [f"{_PREFIX[kind]}{payload}?="]
    words: list[str] = []
    left = min(room, _WORD)
    rest = text
    while rest:
        taken = _fitting(rest, kind, max(left - 12, 0))
        if taken:
            words.append(f"{_PREFIX[kind]}{_encoded(rest[:taken].encode(), kind)}?=")
            rest = rest[taken:]
        elif not words:
            words.append("")
        left = _WORD
    return words


def _encoded(data: bytes, kind: str) -> str:
    if kind == "q":
        return "".join(_Q[octet] for octet in data)
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def _fitting(text: str, kind: str, room: int) -> int:
    """How many whole characters of the text fit into so many characters of payload."""
    octets, used = 0, 0
    for place, character in enumerate(text):
        data = character.encode()
        octets += len(data)
        used = used + sum(len(_Q[octet]) for octet in data) if kind == "q" else (octets + 2) // 3 * 4
        if used > room:
            return place
    return len(text)
