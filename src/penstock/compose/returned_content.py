"""What of a message goes back with a report on it (RFC 6522 section 3; RFC 6533 section 4)."""

from __future__ import annotations

import binascii
import re

from penstock.compose.line_ends import only_crlf

__all__ = ["FULL_BELOW", "HEAD_BELOW", "returned_content"]

FULL_BELOW = 65_536
"""Octets below which a whole message goes back where that was asked for."""
HEAD_BELOW = 32_768
"""Octets of a header section that go back at most."""
_LONGEST_LINE = 998
_LINE_END = re.compile(rb"\r\n|\r|\n")
_OURS = re.compile(rb"(?im)^(?:x-penstock-[!-9;-~]*|(?:resent-)?bcc)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*")
_TOO_LONG = re.compile(rb"[^\n]{%d}" % (_LONGEST_LINE + 1))
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def returned_content(original: bytes, *, full: bool) -> bytes:
    """The third part of a report: its header fields, empty line and content, ASCII with CRLF line ends.

    `full`: the message, else its header section alone. A whole message goes back only below FULL_BELOW octets, and only
    as it is: what is not ASCII cannot be written as message/rfc822 in seven bits (RFC 2046 section 5.2.1), and gives
    its header section, unless UTF-8 in that (RFC 6532) makes it a message/global, which may be encoded. Fields that
    were for us (X-Penstock-…) and Bcc are taken out. Empty where nothing is left.
    """
    head, blank, body = original.partition(b"\r\n\r\n")
    head = _OURS.sub(b"", _LINE_END.sub(b"\r\n", _cut(head)).rstrip(b"\r\n") + b"\r\n")
    if head in {b"", b"\r\n"}:
        return b""
    if full and blank and len(original) < FULL_BELOW and only_crlf(body):
        whole = head + b"\r\n" + body
        if _seven_bit(whole):
            return b"Content-Type: message/rfc822\r\n\r\n" + whole
        if _utf8(head):
            return _encoded(b"message/global", whole)
    if _seven_bit(head):
        return b"Content-Type: text/rfc822-headers\r\n\r\n" + head
    return _encoded(b"message/global-headers" if _utf8(head) else b"text/rfc822-headers", head)


def _cut(head: bytes) -> bytes:
    """At a whole line."""
    return head if len(head) <= HEAD_BELOW else head[:HEAD_BELOW].rpartition(b"\n")[0]


def _seven_bit(data: bytes) -> bool:
    return data.isascii() and not _CONTROL.search(data) and not _TOO_LONG.search(data)


def _utf8(head: bytes) -> bool:
    if head.isascii():
        return False
    try:
        head.decode()
    except UnicodeDecodeError:
        return False
    return True


def _encoded(kind: bytes, data: bytes) -> bytes:
    # Line by line: across line ends the library fills some lines with one octet too many.
    lines = [binascii.b2a_qp(line).replace(b"\n", b"\r\n") for line in data.split(b"\r\n")]
    head = b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head + b"\r\n".join(lines)
