"""A letter as bytes (RFC 5322, RFC 2045, RFC 2046), written directly: an EmailMessage costs milliseconds."""

from __future__ import annotations

import binascii
import re

from penstock.compose.headers import HeaderFault, field_line
from penstock.compose.mime_files import BodyFault, EncodedFiles
from penstock.compose.quoted_printable import quoted_line
from penstock.model.mail import Attachment, Header, Letter

__all__ = ["BodyFault", "HeaderFault", "MimeWriter", "serialise"]

_LINE = 76
"""The longest line of an encoded part (RFC 2045 sections 6.7 and 6.8)."""
_BASE64_GROWTH = 4 / 3 * 78 / 76
_SPECIAL = re.compile(r"[^ -<>-~]")
_METHOD = re.compile(r"^METHOD:([A-Za-z-]{1,32})\r?$", re.MULTILINE)
# The part headers are set here and nowhere else.
_OURS = frozenset({"content-type", "content-transfer-encoding"})

Entity = list[bytes]
"""Header fields, empty line and body of a part, in pieces, without a line end at the end."""


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
    """Writes letters. Keeps encoded lines for as long as it lives: use one for a batch and drop it.

    `files` keeps encoded files, and may live longer.
    """

    def __init__(self, files: EncodedFiles | None = None) -> None:
        self._files = files or EncodedFiles()
        self._lines = _Lines()
        self._fields: dict[Header, str] = {}

    def serialise(self, letter: Letter, *, boundary: str) -> bytes | HeaderFault | BodyFault:
        """The finished message with CRLF line ends; the same letter and boundary always give the same bytes.

        `multipart/alternative` with text first, or `text/plain` alone when there is no HTML; with images, attachments
        or a calendar object what `_composed` says. `boundary` must hold `=_`, which no line of a part can begin with:
        `=` is always encoded. Headers keep their order, ours follow.
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
            if letter.attachments or letter.calendar is not None:
                return self._composed(pieces, text, letter, boundary)
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

    def _composed(self, pieces: list[str], text: str, letter: Letter, boundary: str) -> bytes | BodyFault:
        """`mixed(alternative(text, related(html, images), calendar), attachments)`, with only the levels needed.

        The images stand beside the HTML that shows them and nowhere else (RFC 2387): who reads the text gets no loose
        pictures, and HTML and calendar object are direct alternatives of the text (RFC 2046 section 5.1.4, RFC 6047).
        """
        shown = [file for file in letter.attachments if file.cid and letter.html is not None]
        loose = [file for file in letter.attachments if not file.cid or letter.html is None]
        # Without HTML no image has a place, so that it goes as a file; one level is always needed.
        levels = bool(shown) + bool(loose) + (letter.html is not None or letter.calendar is not None)

        def named(level: str) -> str:
            # Of one length, so that none of them begins with another (RFC 2046 section 5.1.2).
            return boundary if levels == 1 else boundary + level

        beside = self._encoded(shown)
        if isinstance(beside, BodyFault):
            return beside
        behind = self._encoded(loose)
        if isinstance(behind, BodyFault):
            return behind
        alternatives: list[Entity] = [[text.encode()]]
        if letter.html is not None:
            html: Entity = [self._part("html", letter.html).encode()]
            alternatives.append(
                _multipart('related; type="text/html"', named("r"), [html, *beside]) if beside else html
            )
        if letter.calendar is not None:
            method = _METHOD.search(letter.calendar)
            if method is None:
                return BodyFault("calendar", "has no line METHOD:…, which says what the reader's program does with it")
            calendar = self._part("calendar", letter.calendar, f"; method={method[1].upper()}")
            alternatives.append([calendar.encode()])
        content = alternatives[0] if len(alternatives) == 1 else _multipart("alternative", named("a"), alternatives)
        if behind:
            content = _multipart("mixed", named("m"), [content, *behind])
        return b"".join(["".join(pieces).encode(), *content, b"\r\n"])

    def _encoded(self, files: list[Attachment]) -> list[Entity] | BodyFault:
        parts: list[Entity] = []
        for file in files:
            part = self._files.part(file)
            if isinstance(part, BodyFault):
                return part
            parts.append([part])
        return parts

    def _part(self, subtype: str, text: str, more: str = "") -> str:
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        encoding, body = self._body(text)
        kind = f'Content-Type: text/{subtype}; charset="utf-8"{more}'
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


def _multipart(subtype: str, boundary: str, entities: list[Entity]) -> Entity:
    between = f"\r\n--{boundary}\r\n".encode()
    pieces = [f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n--{boundary}\r\n'.encode()]
    for place, entity in enumerate(entities):
        if place:
            pieces.append(between)
        pieces += entity
    pieces.append(f"\r\n--{boundary}--".encode())
    return pieces


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
