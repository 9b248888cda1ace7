"""What a reader sees of a leaf: transfer encoding, charset and format=flowed taken away, by the RFCs."""

from __future__ import annotations

import binascii
import codecs
import re

from tests.corpus.tree import Entity

__all__ = ["codec_of", "lines_of", "octets_of", "text_of"]

_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem"}
_LOOSE = {"8-bit": "8bit", "7-bit": "7bit", "utf-8": "8bit", "quoted-printable;": "quoted-printable"}
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]")
_TRAILING = re.compile(rb"[ \t]+(?=\r\n|$)")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_SPOKEN = {"macintosh": "mac-roman", "utf8": "utf-8", "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8"}


def octets_of(entity: Entity, body: bytes) -> bytes | None:
    """The body without its transfer encoding (RFC 2045 6); None for an encoding that has no such octets."""
    encoding = entity.encoding.strip('"; ')
    match _LOOSE.get(encoding, encoding):
        case "7bit" | "8bit" | "binary":
            return body
        case "quoted-printable":
            unbroken = re.sub(rb"=(\r\n|$)", b"", _TRAILING.sub(b"", body))
            return _HEX.sub(lambda found: bytes([int(found[1], 16)]), unbroken)
        case "base64":
            return _base64(body)
        case _:
            return None


def _base64(body: bytes) -> bytes | None:
    """RFC 2045 6.8: octets outside the alphabet are skipped; padding ends the data and may be missing."""
    data, _, _ = _NOT_BASE64.sub(b"", body).partition(b"=")
    if len(data) % 4 == 1:
        return None
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def codec_of(entity: Entity) -> str | None:
    """The Python name of the charset, None where nobody knows it."""
    label = entity.params.get("charset", "us-ascii").strip().lower()
    try:
        name = codecs.lookup(_SPOKEN.get(label, label)).name
        "".encode(name)
    except (LookupError, ValueError):
        return None
    return None if name in _NO_CHARSETS else name


def text_of(entity: Entity, body: bytes) -> str | None:
    """The text, None where transfer encoding or charset do not give one without a doubt."""
    octets, codec = octets_of(entity, body), codec_of(entity)
    if octets is None or codec is None:
        return None
    try:
        return octets.decode(_with_order(codec, octets))
    except (UnicodeDecodeError, LookupError):
        return None


def _with_order(codec: str, octets: bytes) -> str:
    """RFC 2781 4.3: without a mark the octets are big-endian, whatever this machine is."""
    marks = {"utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE), "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)}
    return f"{codec}-be" if codec in marks and not octets.startswith(marks[codec]) else codec


def lines_of(entity: Entity, text: str) -> list[str]:
    """Lines as a reader sees them; paragraphs of format=flowed are joined (RFC 3676 4)."""
    lines = re.split(r"\r\n|\r|\n", text)
    if entity.type != "text/plain" or entity.params.get("format", "").lower() != "flowed":
        return [line.rstrip() for line in lines]
    return [line.rstrip() for line in _unflowed(lines, entity.params.get("delsp", "").lower() == "yes")]


def _unflowed(lines: list[str], delsp: bool) -> list[str]:
    joined: list[str] = []
    open_depth = -1
    for line in lines:
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        flowed = content.endswith(" ") and content != "-- "
        if depth == open_depth and content != "-- ":
            joined[-1] += content
        else:
            joined.append(">" * depth + (" " if depth else "") + content)
        if flowed and delsp:
            joined[-1] = joined[-1][:-1]
        open_depth = depth if flowed else -1
    return joined
