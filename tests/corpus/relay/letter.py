"""How the letters of the golden corpus are written: octet by octet, so that nothing depends on a writer's version."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FROM", "Case", "Fields", "encoded", "letter", "multipart", "part"]

FROM = '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
Fields = Mapping[str, str | bytes | None]


@dataclass(frozen=True)
class Case:
    """One message and whom it is handed in for, in the order To, Cc, Bcc. With `order` it is said in JSON, and `data`
    is that mail as the JSON door writes it.

    `contact`: fields of the contact record under this name; None: nobody knows the recipient. `suppressed`: words of
    `penstock suppress add` beside the address. `times`: how often it is handed in.
    """

    name: str
    data: bytes
    to: tuple[str, ...]
    contact: Mapping[str, Any] | None = None
    suppressed: tuple[str, ...] = ()
    times: int = 1
    order: Mapping[str, Any] = field(default_factory=dict)


def letter(fields: Fields, body: str | bytes = "Your order left our house today.\r\n") -> bytes:
    """The header fields, over those that each mail has (None: it has not), and the body. Text is UTF-8."""
    usual: dict[str, str | bytes | None] = {
        "From": FROM,
        "To": "bo@kund.example",
        "Subject": "Your order",
        "Date": "Mon, 23 Nov 2026 08:59:00 +0100",
        "Message-ID": "<golden@crm.example>",
        "MIME-Version": "1.0",
        "X-Penstock-Stream": "transactional",
    }
    lines = [_octets(name) + b": " + _octets(value) for name, value in {**usual, **fields}.items() if value is not None]
    return b"\r\n".join([*lines, b"", _octets(body)])


def multipart(boundary: str, *parts: bytes, end: bool = True) -> bytes:
    """Parts between their boundaries (RFC 2046)."""
    between = f"--{boundary}\r\n".encode()
    last = f"--{boundary}--\r\n".encode() if end else b""
    return b"".join(between + each + b"\r\n" for each in parts) + last


def part(kind: str, body: str | bytes, **fields: str) -> bytes:
    """One part; `Content_ID="…"` is the field Content-ID."""
    said = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"Content-Type: {kind}\r\n{said}\r\n".encode() + _octets(body)


def encoded(data: bytes) -> str:
    """Base64 in lines of 76 (RFC 2045)."""
    return base64.encodebytes(data).decode().replace("\n", "\r\n")


def _octets(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
