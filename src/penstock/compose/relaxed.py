"""Relaxed canonicalisation: what of a message a signature speaks of (RFC 6376 section 3.4)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

__all__ = ["Relaxed", "relaxed", "relaxed_body"]

_BREAK = b"\r\n"
# Beginning with two plain characters it is searched for as fast as text; `[\t ]+` would stop at every single space.
_RUN = re.compile(rb"  +")


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A message as a signer sees it.

    `fields` are the header fields in relaxed form (RFC 6376 section 3.4.2) without their CRLF, in their order, `names`
    the lower-case name of each. `body_hash` is the SHA-256 of the body in relaxed form (section 3.4.4).
    """

    names: tuple[bytes, ...]
    fields: tuple[bytes, ...]
    body_hash: bytes


def relaxed(data: bytes) -> Relaxed:
    """Read a message with CRLF line ends. A line of the header that is no field is passed over."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        head, start = data, len(data)
    else:
        head, start = data[:end], end + 4
    head = _collapsed(head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" "))
    names, fields = [], []
    for line in head.split(_BREAK):
        name, colon, value = line.partition(b":")
        if colon and name:
            name = name.rstrip(b" ").lower()
            names.append(name)
            fields.append(name + colon + value.strip(b" "))
    return Relaxed(tuple(names), tuple(fields), _body_hash(data, start))


def relaxed_body(body: bytes) -> bytes:
    """The body with runs of white space as one space, none before a line end, and no empty lines at its end."""
    if not body.endswith(_BREAK):
        body += _BREAK
    body = _collapsed(body)
    if body.rfind(b" \r\n") >= 0:
        body = body.replace(b" \r\n", _BREAK)
    end = len(body)
    while body.endswith(_BREAK, 0, end):
        end -= 2
    return body[: end + 2] if end else b""


def _body_hash(data: bytes, start: int) -> bytes:
    # What our own writer makes of most letters is in relaxed form already: then it is hashed where it stands.
    # Looking from the end takes half as long.
    if (
        data.endswith(_BREAK)
        and not data.endswith(b"\r\n\r\n")
        and data.find(b"\t", start) < 0
        and data.rfind(b" \r\n", start) < 0
        and data.rfind(b"  ", start) < 0
    ):
        return hashlib.sha256(memoryview(data)[start:]).digest()
    return hashlib.sha256(relaxed_body(data[start:])).digest()


def _collapsed(octets: bytes) -> bytes:
    """Every run of spaces and tabs as one space."""
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    return _RUN.sub(b" ", octets) if octets.rfind(b"  ") >= 0 else octets
