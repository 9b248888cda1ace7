"""The header block of a relayed message as it leaves (RFC 5321 section 4.4, RFC 5322 section 3.6)."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.compose.handed_in import ASKED
from penstock.compose.headers import HeaderFault, field_line
from penstock.compose.splice.edit import Edit, joined
from penstock.compose.splice.fault import SpliceFault, unreadable
from penstock.compose.splice.header_block import Field, header_block

__all__ = ["RelayedHead", "finished_head"]

_GONE = frozenset({"bcc", "return-path"})
_GONE_FROM_ADVERTISING = _GONE | {"cc"}


@dataclass(frozen=True, slots=True)
class RelayedHead:
    """What a relayed message is given: Date and Message-ID where it has none, and a trace field above all.

    `to` is the one recipient of advertising: a To that names others is replaced, and Cc goes. Empty: both stay.
    """

    date: str
    message_id: str
    received: str
    to: str = ""


def finished_head(data: bytes, own: RelayedHead) -> bytes | SpliceFault:
    """The message under its finished header block.

    Signatures of others stay: none of the fields that are changed here is one that a sound signature covers.
    """
    block = header_block(data, 0, len(data))
    if isinstance(block, SpliceFault):
        return block
    names = block.names
    gone = _GONE_FROM_ADVERTISING if own.to else _GONE
    edits: list[Edit] = [
        (field.start, field.end + 2, b"")
        for name, field in zip(names, block.fields, strict=True)
        if name in gone or name.startswith(ASKED)
    ]
    missing = [("Date", own.date)] if "date" not in names else []
    if "message-id" not in names:
        missing.append(("Message-ID", own.message_id))
    if own.to:
        to = block.fields[names.index("to")] if "to" in names else None
        if to is None:
            missing.append(("To", own.to))
        elif not _names_alone(data, to, own.to):
            edits.append((to.start, to.end + 2, f"To: {own.to}\r\n".encode()))
    if not block.closed and block.fields:
        return unreadable("the message ends within a header")
    lines = [field_line(name, value) for name, value in (("Received", own.received), *missing)]
    if fault := next((line for line in lines if isinstance(line, HeaderFault)), None):
        return unreadable(f"the header {fault.header} {fault.what}")
    above = "".join(line for line in lines if isinstance(line, str))
    return joined(data, [(0, 0, above.encode()), *edits])


def _names_alone(data: bytes, field: Field, address: str) -> bool:
    """Whether a To is this one address, with or without a plain name; another spelling is written anew."""
    if not data.startswith(b"To: ", field.start):
        return False
    value = field.value(data).strip()
    if value == address:
        return True
    name, bracket, rest = value.rpartition("<")
    return bool(bracket) and rest == f"{address}>" and not set(name) & set(",:;<>@()\\") and "\r" not in name
