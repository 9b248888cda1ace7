"""The commands of RFC 5321 with the parameters of RFC 1870, 3461, 4954, 6152 and 6531, read from their lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from penstock.intake import smtp_reply
from penstock.model.address import AddressFault, parse_address
from penstock.ports import Recipient

__all__ = ["MailFrom", "mail_from", "rcpt_to", "split"]

LONGEST_LINE = 12_288
"""Octets with CRLF; what AUTH may need (RFC 4954 section 4)."""
_LONGEST = 512
_EXTENDED = {"MAIL": 2_048, "RCPT": 2_048, "AUTH": LONGEST_LINE}
"""With room for the parameters and addresses of the extensions."""

_PATH = re.compile(r" *<(?:@[^<>\s:]+:)?([^<>\s:]*)>(?: +(.*))?")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\s]+))?")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+(?:[2-6][0-9A-F]|7[0-9A-E]))+")
"""RFC 3461 section 4; what it stands for is printable, so that no line of a report can be forged by it."""
_ORCPT = re.compile(r"([A-Za-z0-9-]+);(.+)")
_MOST_ORCPT = 500
_MOST_ENVID = 100
_SIZE = re.compile(r"[0-9]{1,20}", re.ASCII)
_BARE: Mapping[bytes, tuple[str, str]] = {
    verb.encode() + b"\r\n": (verb, "") for verb in ("DATA", "QUIT", "RSET", "NOOP")
}
_CONDITIONS = frozenset({"SUCCESS", "FAILURE", "DELAY"})


@dataclass(frozen=True, slots=True)
class MailFrom:
    """MAIL FROM. `sender` is empty for the null reverse-path, `size` 0 where none is given, `envelope_id` xtext."""

    sender: str
    size: int = 0
    utf8: bool = False
    returned: Literal["", "FULL", "HDRS"] = ""
    envelope_id: str = ""


def split(line: bytes) -> tuple[str, str] | bytes:
    """The verb in capitals and what follows it, from a line with its end; or the reply to one that cannot be read.

    Octets outside ASCII are read as UTF-8 behind MAIL and RCPT only, where RFC 6531 allows them.
    """
    if bare := _BARE.get(line):
        return bare
    if line[-2:] != b"\r\n":
        return smtp_reply.UNREADABLE
    try:
        text = line[:-2].decode("ascii" if line.isascii() else "utf-8")
    except UnicodeDecodeError:
        return smtp_reply.UNREADABLE
    verb, _, argument = text.partition(" ")
    verb = verb.upper()
    if not text.isprintable() or not (text.isascii() or verb in {"MAIL", "RCPT"}):
        return smtp_reply.UNREADABLE
    if len(line) > _EXTENDED.get(verb, _LONGEST):
        return smtp_reply.TOO_LONG
    return verb, argument.rstrip(" ")


def mail_from(argument: str) -> MailFrom | bytes:
    """What stands behind MAIL, or the reply that refuses it. A source route is dropped (RFC 5321 appendix C)."""
    found = _PATH.fullmatch(argument, 5)
    if found is None or argument[:5].upper() != "FROM:":
        return smtp_reply.BAD_SENDER
    path, rest = found.groups()
    parameters = _parameters(rest)
    if isinstance(parameters, bytes):
        return parameters
    utf8 = "SMTPUTF8" in parameters
    sender = _address(path, smtp_reply.BAD_SENDER, utf8=utf8) if path else ""
    if isinstance(sender, bytes):
        return sender
    return _mail_parameters(sender, parameters) if parameters else MailFrom(sender)


def rcpt_to(argument: str, *, utf8: bool) -> Recipient | bytes:
    """What stands behind RCPT, or the reply that refuses it. `utf8`: the transaction was begun with SMTPUTF8."""
    found = _PATH.fullmatch(argument, 3)
    if found is None or argument[:3].upper() != "TO:":
        return smtp_reply.BAD_RECIPIENT
    path, rest = found.groups()
    address = _address(path, smtp_reply.BAD_RECIPIENT, utf8=utf8)
    if isinstance(address, bytes):
        return address
    parameters = _parameters(rest)
    if not parameters:
        return Recipient(address)
    return parameters if isinstance(parameters, bytes) else _rcpt_parameters(address, parameters, utf8=utf8)


def _address(path: str, fault: bytes, *, utf8: bool) -> str | bytes:
    if not (utf8 or path.isascii()):
        return smtp_reply.NEEDS_SMTPUTF8
    address = parse_address(path)
    if isinstance(address, AddressFault):
        return fault
    exact = str(address)
    # What is read there from people's hands may be mended; what a program says must be meant.
    if exact != path and address.local != unicodedata.normalize("NFC", path.rpartition("@")[0]):
        return fault
    return exact


def _parameters(rest: str | None) -> Mapping[str, str | None] | bytes:
    """By name in capitals; None where there is no value."""
    if not rest:
        return {}
    named: dict[str, str | None] = {}
    for word in rest.split(" "):
        if not word:
            continue
        found = _PARAMETER.fullmatch(word)
        if found is None or found[1].upper() in named:
            return smtp_reply.BAD_ARGUMENT
        named[found[1].upper()] = found[2]
    return named


def _mail_parameters(sender: str, parameters: Mapping[str, str | None]) -> MailFrom | bytes:
    size, returned, envelope_id = 0, "", ""
    for name, value in parameters.items():
        match name, value:
            case "SIZE", str() if _SIZE.fullmatch(value):
                size = int(value)
            case "RET", str() if value.upper() in {"FULL", "HDRS"}:
                returned = value.upper()
            case "ENVID", str() if len(value) <= _MOST_ENVID and _XTEXT.fullmatch(value):
                envelope_id = value
            case ("BODY", str()) if value.upper() in {"7BIT", "8BITMIME"}:
                pass  # what comes is looked at
            case ("SMTPUTF8", None) | ("AUTH", str()):
                pass  # who another server says has handed it in proves nothing (RFC 4954 section 5)
            case (("SIZE" | "BODY" | "SMTPUTF8" | "RET" | "ENVID" | "AUTH"), _):
                return smtp_reply.BAD_ARGUMENT
            case _:
                return smtp_reply.BAD_PARAMETER
    return MailFrom(sender, size, "SMTPUTF8" in parameters, cast("Literal['', 'FULL', 'HDRS']", returned), envelope_id)


def _rcpt_parameters(address: str, parameters: Mapping[str, str | None], *, utf8: bool) -> Recipient | bytes:
    notify: frozenset[str] = frozenset()
    orcpt = ""
    for name, value in parameters.items():
        match name, value:
            case "NOTIFY", str():
                words = value.upper().split(",")
                notify = frozenset(words)
                if words != ["NEVER"] and not notify <= _CONDITIONS:
                    return smtp_reply.BAD_ARGUMENT
            case "ORCPT", str() if _original(value, utf8=utf8):
                orcpt = value
            case (("NOTIFY" | "ORCPT"), _):
                return smtp_reply.BAD_ARGUMENT
            case _:
                return smtp_reply.BAD_PARAMETER
    return Recipient(address, notify, orcpt)


def _original(value: str, *, utf8: bool) -> bool:
    """Whether it is an ORCPT (RFC 3461 section 4.2; octets outside ASCII by RFC 6533 section 3)."""
    found = _ORCPT.fullmatch(value)
    if found is None or len(value) > _MOST_ORCPT:
        return False
    if not value.isascii():
        return utf8 and found[1].lower() == "utf-8"
    return _XTEXT.fullmatch(found[2]) is not None
