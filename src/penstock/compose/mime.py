"""A letter as bytes (RFC 5322, RFC 2045, RFC 2046), written directly: an EmailMessage costs milliseconds."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from penstock.compose.headers import HeaderFault, field_line
from penstock.compose.quoted_printable import quoted_line
from penstock.model.mail import Header, Letter

__all__ = ["BodyFault", "HeaderFault", "MimeWriter", "serialise"]

_LINE = 76
"""The longest line of an encoded part (RFC 2045 sections 6.7 and 6.8)."""
_BASE64_GROWTH = 4 / 3 * 78 / 76
_SPECIAL = re.compile(r"[^ -<>-~]")
# The part headers are set here and nowhere else.
_OURS = frozenset({"content-type", "content-transfer-encoding"})


@dataclass(frozen=True, slots=True)
class BodyFault:
    """A part that cannot be written."""

    part: str
    what: str


class _Lines(dict[str, str]):
    """Lines in quoted-printable, remembered: most lines of a batch come from the template."""

    def __missing__(self, line: str) -> str:
        if line.startswith("From "):
            # Mailbox files change such a line on the way (RFC 4155), so it is written another way.
            encoded = "=46rom =\r\n" + self[line[5:]]
        elif len(line) <= _LINE and not _SPECIAL.search(line) and line[-1:] != " ":
            encoded = line
        else:
            encoded = quoted_line(line)
        self[line] = encoded
        return encoded


class MimeWriter:
    """Writes letters. Keeps encoded lines for as long as it lives: use one for a batch and drop it."""

    def __init__(self) -> None:
        self._lines = _Lines()
        self._fields: dict[Header, str] = {}

    def serialise(self, letter: Letter, *, boundary: str) -> bytes | HeaderFault | BodyFault:
        """The finished message with CRLF line ends; the same letter and boundary always give the same bytes.

        `multipart/alternative` with text first, or `text/plain` alone when there is no HTML. `boundary` must hold
        `=_`, which no line of a part can: `=` is always encoded. Headers keep their order, ours follow.
        """
        pieces: list[str] = []
        for header in letter.headers:
            line = self._fields.get(header) or _field(header)
            if isinstance(line, HeaderFault):
                return line
            self._fields[header] = line
            pieces.append(line)
        try:
            text = self._part("plain", letter.text)
            if letter.html is None:
                return ("".join(pieces) + text).encode()
            html = self._part("html", letter.html)
        except UnicodeEncodeError:
            return BodyFault("body", "holds half a character (a lone surrogate)")
        pieces.append(
            f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'
            f"--{boundary}\r\n{text}\r\n--{boundary}\r\n{html}\r\n--{boundary}--\r\n"
        )
        return "".join(pieces).encode()

    def _part(self, subtype: str, text: str) -> str:
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        encoding, body = self._body(text)
        kind = f'Content-Type: text/{subtype}; charset="utf-8"'
        return f"{kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"

    def _body(self, text: str) -> tuple[str, str]:
        lines = text.split("\n")
        encoded = list(map(self._lines.__getitem__, lines))
        if encoded == lines:
            return "7bit", "\r\n".join(lines)
        quoted = "\r\n".join(encoded)
        # Base64 makes four octets of three and breaks lines: it cannot win while quoted-printable is below that.
        if len(quoted) > _BASE64_GROWTH * len(text):
            data = text.encode().replace(b"\n", b"\r\n")
            if len(quoted) > _BASE64_GROWTH * len(data):
                return "base64", _base64(data)
        return "quoted-printable", quoted


def _field(header: Header) -> str | HeaderFault:
    name, value = header
    if name.lower() in _OURS:
        return HeaderFault(name, "is set by the writer")
    return field_line(name, value)


def _base64(data: bytes) -> str:
    whole = binascii.b2a_base64(data, newline=False).decode("ascii")
    return "\r\n".join([whole[place : place + _LINE] for place in range(0, len(whole), _LINE)])


def serialise(letter: Letter, *, boundary: str) -> bytes | HeaderFault | BodyFault:
    """Write one letter: see MimeWriter."""
    return MimeWriter().serialise(letter, boundary=boundary)
