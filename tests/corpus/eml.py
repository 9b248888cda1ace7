"""Mails put together octet by octet: nothing here escapes, folds or corrects what a case asks for."""

from __future__ import annotations

import base64
import quopri
from dataclasses import dataclass

__all__ = [
    "EITHER",
    "FIELDS",
    "GERMAN",
    "INVALID",
    "PAGE",
    "PDF",
    "REFUSED",
    "SPLICED",
    "TEXT",
    "UNTOUCHABLE",
    "Case",
    "alternative",
    "attached",
    "b64",
    "case",
    "html",
    "leaf",
    "mail",
    "multi",
    "octets",
    "plain",
    "qp",
]

SPLICED = "spliced"
EITHER = "either"
REFUSED = "refused"
UNTOUCHABLE = "MESSAGE_UNTOUCHABLE"
INVALID = "HEADER_INVALID"

FIELDS = (
    "From: Eva Berg <eva.berg@nordlicht.example>",
    "To: Anna Huber <anna.huber@muster-werk.example>",
    "Subject: An offer for your purchasing",
    "Date: Mon, 23 Nov 2026 10:00:00 +0100",
    "Message-ID: <4711.20261123@nordlicht.example>",
    "MIME-Version: 1.0",
)
TEXT = "Hello Anna,\n\nhere is the offer we spoke about.\n\nKind regards\nEva Berg\n"
GERMAN = "Guten Tag Frau Müller,\n\nanbei das Angebot für 20 Stück, gültig bis März.\n\nViele Grüße\nEva Berg\n"
PAGE = (
    "<!DOCTYPE html>\n<html><head><title>Offer</title></head>\n<body>\n<p>Hello Anna,</p>\n"
    "<p>here is the offer we spoke about.</p>\n</body></html>\n"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One mail and what is to become of it. `notice`: the only notice it makes sense with."""

    name: str
    rfc: str
    what: str
    expect: str
    leaves: tuple[str, ...]
    data: bytes
    already: tuple[str, ...] = ()
    shown: bool = True
    notice: str = ""
    some: bool = False


def case(
    name: str,
    rfc: str,
    what: str,
    expect: str,
    leaves: str,
    data: bytes,
    *,
    already: str = "",
    shown: bool = True,
    notice: str = "",
    some: bool = False,
) -> Case:
    """`leaves` and `already` are paths apart by spaces; `rfc` is a number with its section."""
    return Case(name, rfc, what, expect, tuple(leaves.split()), data, tuple(already.split()), shown, notice, some)


def octets(text: str | bytes, charset: str = "utf-8") -> bytes:
    """Text with CR LF as line ends; octets as they are."""
    return text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode(charset)


def qp(text: str | bytes, charset: str = "utf-8") -> bytes:
    """Quoted-printable by RFC 2045 6.7."""
    data = octets(text, charset).replace(b"\r\n", b"\n")
    return quopri.encodestring(data).replace(b"\n", b"\r\n")


def b64(text: str | bytes, charset: str = "utf-8", width: int = 76) -> bytes:
    """Base64 by RFC 2045 6.8, in lines of any width."""
    data = base64.b64encode(octets(text, charset))
    return b"".join(data[at : at + width] + b"\r\n" for at in range(0, len(data), width))


def leaf(kind: str | None, body: str | bytes, encoding: str | None = None, *fields: str) -> bytes:
    """An entity: Content-Type, Content-Transfer-Encoding, more fields, blank line, body."""
    lines = [] if kind is None else [f"Content-Type: {kind}"]
    lines += [] if encoding is None else [f"Content-Transfer-Encoding: {encoding}"]
    return b"".join(octets(f"{line}\n") for line in (*lines, *fields)) + b"\r\n" + octets(body)


def plain(body: str | bytes = TEXT, encoding: str | None = None) -> bytes:
    """A part of plain text."""
    return leaf("text/plain; charset=utf-8", body, encoding)


def html(body: str | bytes = PAGE, encoding: str | None = None) -> bytes:
    """A part of HTML."""
    return leaf("text/html; charset=utf-8", body, encoding)


def attached(kind: str, body: str | bytes, name: str, encoding: str | None = None, how: str = "attachment") -> bytes:
    """An attachment with its file name."""
    return leaf(kind, body, encoding, f'Content-Disposition: {how}; filename="{name}"')


PDF = attached("application/pdf", b64(b"%PDF-1.4\n" + bytes(range(256)) * 2), "offer.pdf", "base64")


def multi(
    subtype: str,
    *parts: bytes,
    boundary: str = "=_b1",
    written: str | None = None,
    params: str = "",
    before: str = "",
    after: str = "",
    close: bool = True,
) -> bytes:
    """A multipart. `written`: how the boundary parameter is spelt, quoted by default; parts lie between delimiters."""
    parameter = f'boundary="{boundary}"' if written is None else written
    mark = b"--" + boundary.encode()
    data = octets(f"Content-Type: multipart/{subtype}; {parameter}{params}\n\n") + octets(before)
    data += b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts)
    return data + (mark + b"--\r\n" + octets(after) if close else b"")


def alternative(*parts: bytes, boundary: str = "=_alt") -> bytes:
    """Text and HTML, or other parts that say the same."""
    return multi("alternative", *(parts or (plain(), html())), boundary=boundary)


def mail(entity: bytes, *fields: str | bytes, without: str = "") -> bytes:
    """A whole mail: the usual fields (but those `without` names), more fields, then the entity with its own."""
    usual = [each for each in FIELDS if each.partition(":")[0] not in without.split()]
    lines = [octets(f"{each}\n") if isinstance(each, str) else each + b"\r\n" for each in (*usual, *fields)]
    return b"".join(lines) + entity
