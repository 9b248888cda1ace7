"""Files as parts of a message: encoded once, for every mail that carries them."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from penstock.compose.enclosing import file_name_fault, type_fault
from penstock.compose.parameters import ascii_name, parameter
from penstock.model.mail import Attachment

__all__ = ["BodyFault", "EncodedFiles"]

_AT_HAND = 64 * 1024 * 1024
_LINE_OCTETS = 57  # 76 characters in base64 (RFC 2045 section 6.8)
_CONTENT_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,128}")


@dataclass(frozen=True, slots=True)
class BodyFault:
    """A part that cannot be written. `what` does not quote it."""

    part: str
    what: str


class EncodedFiles:
    """Files in base64 with their part headers. Keeps at most 64 MiB of octets; what was longest in goes first."""

    def __init__(self, most: int = _AT_HAND) -> None:
        self._most = most
        self._kept: dict[Attachment, bytes] = {}
        self._octets = 0
        self.encoded = 0
        """How many times a file was encoded."""

    def part(self, file: Attachment) -> bytes | BodyFault:
        """The part's headers, an empty line and the base64 lines, with no line end at the end."""
        found = self._kept.get(file)
        if found is not None:
            return found
        if fault := _fault(file):
            return BodyFault("attachment", fault)
        self.encoded += 1
        made = _headers(file) + _base64(file.data)
        while self._kept and self._octets + len(made) > self._most:
            self._octets -= len(self._kept.pop(next(iter(self._kept))))
        if len(made) <= self._most:
            self._kept[file] = made
            self._octets += len(made)
        return made


def _fault(file: Attachment) -> str | None:
    if fault := file_name_fault(file.name) or type_fault(file.name, file.type):
        return fault
    return "has an id that cannot stand in a cid: address" if file.cid and not _CONTENT_ID.fullmatch(file.cid) else None


def _headers(file: Attachment) -> bytes:
    # No field says a name in two ways, as HTTP does (RFC 6266): readers of mail take that for a defect. Programs that
    # do not know RFC 2231 look for the name in Content-Type, and so the plain form stands there.
    kind = file.type + ("; charset=utf-8" if file.type.startswith("text/") and _is_utf8(file.data) else "")
    where = "inline" if file.cid else "attachment"
    lines = [
        f"Content-Type: {kind}{parameter('name', ascii_name(file.name))}",
        "Content-Transfer-Encoding: base64",
        *([f"Content-ID: <{file.cid}>"] if file.cid else ()),
        f"Content-Disposition: {where}{parameter('filename', file.name)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _base64(data: bytes) -> bytes:
    """Lines of 76 characters, with CRLF between them."""
    lines = [data[place : place + _LINE_OCTETS] for place in range(0, len(data), _LINE_OCTETS)]
    return b"\r\n".join([binascii.b2a_base64(line, newline=False) for line in lines])
