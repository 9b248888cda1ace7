"""One line of a part in quoted-printable (RFC 2045 section 6.7)."""

from __future__ import annotations

import binascii

__all__ = ["quoted_line"]

_LINE = 76
_LITERAL = bytes(range(0x20, 0x7F)).replace(b"=", b"")
_ESCAPES = tuple((bytes((octet,)), f"={octet:02X}".encode()) for octet in range(256))
_FEW = 8


def quoted_line(line: str) -> str:
    """As `binascii.b2a_qp` writes it, with soft breaks of `=` CRLF. Raises UnicodeEncodeError for half a character.

    `line` holds no line end and is neither empty nor a lone dot. Where few different octets need an escape, each of
    them is replaced in one go, and the line is cut in slices, which costs less than a walk over its octets.
    """
    data = line.encode()
    odd = set(data.translate(None, _LITERAL))
    if len(odd) > _FEW or 0x09 in odd or line[-1] == " ":
        # Octets before a line end are the one thing that makes the library fill a line with 77, and there is none.
        return binascii.b2a_qp(data, istext=True).decode("ascii").replace("\n", "\r\n")
    if 0x3D in odd:  # before any `=` of ours is in
        data = data.replace(*_ESCAPES[0x3D])
    for octet in odd - {0x3D}:
        data = data.replace(*_ESCAPES[octet])
    return "=\r\n".join(_cut(data.decode("ascii")))


def _cut(escaped: str) -> list[str]:
    """Pieces of at most 75 characters before a soft break, with no escape cut; the last may end with a 76th one."""
    place, pieces = 0, []
    last = len(escaped) - (_LINE - 1 if escaped[-3:-2] == "=" else _LINE)
    while place < last:
        cut = place + _LINE - 1
        if escaped[cut - 1] == "=":
            cut -= 1
        elif escaped[cut - 2] == "=":
            cut -= 2
        pieces.append(escaped[place:cut])
        place = cut
    pieces.append(escaped[place:])
    return pieces
