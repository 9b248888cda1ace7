"""The head of a message that a program hands in: what it asks of us, and who wrote it (RFC 5322 section 3.6)."""

from __future__ import annotations

import email.errors
import email.header
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.header_block import Field, header_block
from penstock.compose.splice.leaf_content import leaf_content
from penstock.compose.splice.part_tree import first_seen
from penstock.model.address import Address, parse_address
from penstock.model.routing import from_address

__all__ = ["ASKED", "HandedHead", "advertises", "read_head", "unfolded"]

ASKED = "x-penstock-"
"""Header fields that are said to us; they never leave."""
_ONCE = ("from", "sender", "to", "cc", "subject", "date", "message-id")
_MOST_HOPS = 50
_MOST_OCTETS = 256 << 10
_LONGEST = 4 << 10
"""Octets of a field that is read: From, Sender and ours. Reading words of any length would keep others waiting."""
_FOLD = re.compile(r"\r\n(?=[ \t])")
_MAILBOX = re.compile(
    r'\s*(?:(?:"(?:[^"\\]|\\.)*"|\([^()\\<>]*\)|[^<>"@,:;()\\])*<\s*([^<>\s"(),:;\\]+)\s*>|([^<>\s"(),:;\\]+))\s*(?:\([^()\\]*\)\s*)?'
)
"""One mailbox that is read in one way only: no group, no route, no word after the address but one comment."""
_CHARSETS = re.compile(r"=\?(?!(?:utf-8|us-ascii|iso-8859-15?|windows-1252)[?*])", re.IGNORECASE)
_SPOKEN = re.compile(rb"(?i)\b(unsubscribe|newsletter|abmelden|abbestellen|se d\xc3\xa9sabonner|avregistrera)\b")
_REACH = 16 << 10
_LISTS = frozenset({"list-unsubscribe", "list-id", "feedback-id"})


@dataclass(frozen=True, slots=True)
class HandedHead:
    """`from_` is the one address in From, `sender` that in Sender, empty without one.

    `asked` are our own fields by what follows `X-Penstock-`, in lower case. `bulk`: the message says of itself that it
    goes to a list.
    """

    from_: str
    asked: dict[str, str]
    bulk: bool
    sender: str = ""


def read_head(data: bytes) -> HandedHead | str:
    """The head, or in one sentence what is wrong with it. Quotes nothing of it."""
    gap = data.find(b"\r\n\r\n", 0, _MOST_OCTETS)
    if len(data) > _MOST_OCTETS and gap < 0:
        return f"the header section is larger than {_MOST_OCTETS >> 10} KiB"
    head = data if gap < 0 else data[: gap + 4]  # what is kept of it for the next look is not the whole message
    block = header_block(head, 0, len(head))
    if isinstance(block, SpliceFault):
        return block.what
    fields = {field.name: field for field in block.fields}
    if len(fields) < len(block.fields) and (fault := _too_often([field.name for field in block.fields])):
        return fault
    asked = _asked(head, fields)
    if isinstance(asked, str):
        return asked
    from_, sender = _mailbox(head, fields.get("from")), _mailbox(head, fields.get("sender"))
    if not from_:
        return "the message needs a From with exactly one address"
    if sender is None:
        return "the header sender is not exactly one address"
    if _exact(from_address(head)) != from_:
        return "readers would not agree on the address in From"
    return HandedHead(from_, asked, not _LISTS.isdisjoint(fields), sender)


def advertises(data: bytes) -> bool:
    """Whether the first words of a message say that it is advertising; a sign, no proof."""
    if _SPOKEN.search(data, 0, _REACH) is not None:
        return True
    leaves = first_seen(data)
    if isinstance(leaves, SpliceFault):
        return False
    leaf = leaves[0]
    if leaf.encoding != "base64" or leaf.end - leaf.block.body > _REACH * 4:
        return False
    content = leaf_content(data, leaf)
    return not isinstance(content, SpliceFault) and _SPOKEN.search(content.octets, 0, _REACH) is not None


def unfolded(value: str) -> str:
    """A field's value on one line, encoded words read (RFC 2047).

    What is too long, or in a character set that hardly anybody writes, stays as it is.
    """
    flat = (_FOLD.sub("", value) if "\n" in value else value).strip()
    if "=?" in flat and len(flat) <= _LONGEST and _CHARSETS.search(flat) is None:
        try:
            return str(email.header.make_header(email.header.decode_header(flat)))
        except (email.errors.HeaderParseError, UnicodeError, LookupError, ValueError):
            return flat
    return flat if flat.isascii() else flat.encode("latin-1").decode("utf-8", "replace")


def _too_often(names: Sequence[str]) -> str:
    """What is there more often than it may be; empty where nothing is."""
    for name in (*_ONCE, *(each for each in names if each.startswith(ASKED))):
        if names.count(name) > 1:
            return f"the header {name} is there more than once"
    if names.count("received") > _MOST_HOPS:
        return f"the message went through more than {_MOST_HOPS} servers"
    return ""


def _asked(data: bytes, fields: Mapping[str, Field]) -> dict[str, str] | str:
    """Our own fields, or what is wrong with one."""
    asked = {}
    for name, field in fields.items():
        if name.startswith(ASKED):
            value = _value(field.value(data)) if field.end - field.start <= _LONGEST else "\n"
            if not value.isprintable():
                return f"the header {name[:60]} cannot be read"
            asked[name.removeprefix(ASKED)] = value
    return asked


_value = lru_cache(maxsize=256)(unfolded)


def _mailbox(data: bytes, field: Field | None) -> str | None:
    """The exact address of a field; empty where there is no field, None where it is not exactly one."""
    if field is None:
        return ""
    return _only_address(field.value(data)) if field.end - field.start <= _LONGEST else None


@lru_cache(maxsize=1_024)
def _only_address(value: str) -> str | None:
    # As it is written: what encoded words say is for people, and no address (RFC 2047 section 5).
    found = _MAILBOX.fullmatch(_FOLD.sub("", value).encode("latin-1").decode("utf-8", "replace"))
    return _exact(found[1] or found[2]) if found is not None else None


def _exact(address: str) -> str | None:
    parsed = parse_address(address)
    return str(parsed) if isinstance(parsed, Address) else None
