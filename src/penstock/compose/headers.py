"""Header fields as they go over the wire (RFC 5322 section 2.2, RFC 2047, RFC 6532)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from penstock.compose.encoded_words import encoded_words

__all__ = ["HeaderFault", "field_line", "split_mailbox", "unwritable"]

_NAME = re.compile(r"[!-9;-~]{1,60}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LINE = 78
_HARD_LINE = 998
_QUOTED_ROOM = 60
_MAILBOXES = frozenset({"from", "to", "reply-to", "sender", "list-id"})
"""Fields of the form `phrase <token>`."""
_TEXTS = frozenset({"subject", "comments"})
"""Fields in which free text may stand; any other is ASCII by its grammar."""
_NAMES = _MAILBOXES | _TEXTS | {"date", "message-id", "list-unsubscribe"}
"""Names that need no look at how they are spelled."""
_NO_ADDRESS = re.compile(r"[\s<>,;:\\\"()]")
_WORDS = re.compile(r" +[^ ]+")
_LINE_ENDS = frozenset("\u2028\u2029")


@dataclass(frozen=True, slots=True)
class HeaderFault:
    """A header that is never written. `what` does not quote the value."""

    header: str
    what: str


def split_mailbox(value: str) -> tuple[str, str]:
    """(display name, address) of `Name <address>`: the name is what stands before the last `<`."""
    if not value.endswith(">") or "<" not in value:
        return "", value.strip(" ")
    name, _, address = value[:-1].rpartition("<")
    return name.strip(" "), address.strip(" ")


def field_line(name: str, value: str) -> str | HeaderFault:
    """One header field with its folding and final CRLF.

    Lines are kept to 78 characters where white space allows, never beyond 998. Unfolding gives the value.
    """
    lowered = name.lower()
    if lowered not in _NAMES and not _NAME.fullmatch(name):
        return HeaderFault(name[:60] if name.isprintable() else "?", "is no header name")
    if fault := unwritable(value):
        return HeaderFault(name, fault)
    try:
        if lowered in _MAILBOXES:
            line = _mailbox(name, value, angled=lowered == "list-id")
            return HeaderFault(name, "is not one address") if line is None else _checked(name, line)
        if value.isascii() and "=?" not in value and value == value.strip(" ") and value:
            return _checked(name, _folded(name, value))
        if lowered in _TEXTS or lowered.startswith("x-"):
            return _checked(name, _encoded(name, value))
    except UnicodeEncodeError:
        return HeaderFault(name, "holds half a character (a lone surrogate)")
    return HeaderFault(name, "must be plain ASCII and not empty")


def unwritable(value: str) -> str | None:
    """Why a value cannot stand in a header field: control characters and line ends; half characters are not told."""
    if value.isprintable():
        return None
    for character in value:
        if character < " " or "\x7f" <= character <= "\x9f" or character in _LINE_ENDS:
            return "holds a line break or another control character"
    return None


def _folded(name: str, value: str) -> str:
    if len(name) + 2 + len(value) <= _LINE:
        return f"{name}: {value}\r\n"
    lines, line = [], f"{name}:"
    # Every space stays: a line break goes before it, and no line is left with spaces alone.
    for word in _WORDS.findall(" " + value):
        if len(line) + len(word) > _LINE and len(line) > len(name) + 1:
            lines.append(line)
            line = word
        else:
            line += word
    lines.append(line)
    if max(map(len, lines)) > _HARD_LINE and name.lower() in _TEXTS:
        return _encoded(name, value)
    return "\r\n".join(lines) + "\r\n"


def _encoded(name: str, value: str) -> str:
    return f"{name}: " + "\r\n ".join(encoded_words(value, 76 - len(name) - 2)) + "\r\n" if value else f"{name}: \r\n"


def _mailbox(name: str, value: str, *, angled: bool) -> str | None:
    display, address = split_mailbox(value)
    _, _, domain = address.rpartition("@")
    if not address or not domain.isascii() or _NO_ADDRESS.search(address):
        return None
    address = f"<{address}>" if display or angled else address
    if not display:
        return f"{name}: {address}\r\n"
    phrase = _phrase(name, display)
    last = phrase.rpartition("\r\n")[2] if "\r\n" in phrase else f"{name}: {phrase}"
    gap = " " if len(last) + 1 + len(address) <= _LINE else "\r\n "
    return f"{name}: {phrase}{gap}{address}\r\n"


def _phrase(name: str, display: str) -> str:
    plain = display.isascii() and "=?" not in display and len(display) <= _QUOTED_ROOM and "  " not in display
    if not plain:
        return "\r\n ".join(encoded_words(display, 76 - len(name) - 2))
    if _ATOMS.fullmatch(display):
        return display
    return '"' + display.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _checked(name: str, line: str) -> str | HeaderFault:
    if len(line) > _LINE and any(len(part.encode()) > _HARD_LINE for part in line.split("\r\n")):
        return HeaderFault(name, f"has a line longer than {_HARD_LINE} octets")
    return line
