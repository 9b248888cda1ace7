"""The head of a message that a program hands in: what it asks of us, and who wrote it (RFC 5322 section 3.6)."""

from __future__ import annotations

import email.errors
import email.header
import email.utils
import re
from dataclasses import dataclass
from functools import lru_cache

from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.header_block import header_block
from penstock.model.address import Address, parse_address

__all__ = ["ASKED", "HandedHead", "advertises", "read_head", "unfolded"]

ASKED = "x-penstock-"
"""Header fields that are said to us; they never leave."""
_ONCE = ("from", "to", "cc", "subject", "date", "message-id", "x-penstock-stream", "x-penstock-campaign")
_MOST_HOPS = 50
_FOLD = re.compile(r"\r\n(?=[ \t])")
_SPOKEN = re.compile(rb"(?i)\b(unsubscribe|newsletter|abmelden|abbestellen|se d\xc3\xa9sabonner|avregistrera)\b")
_REACH = 16 << 10


@dataclass(frozen=True, slots=True)
class HandedHead:
    """`from_` is the one address in From. `asked` are our own fields by what follows `X-Penstock-`, in lower case.

    `bulk`: the message says of itself that it goes to a list.
    """

    from_: str
    asked: dict[str, str]
    bulk: bool


def read_head(data: bytes) -> HandedHead | str:
    """The head, or in one sentence what is wrong with it. Quotes nothing of it."""
    block = header_block(data, 0, len(data))
    if isinstance(block, SpliceFault):
        return block.what
    names = [field.name for field in block.fields]
    if twice := next((name for name in _ONCE if names.count(name) > 1), None):
        return f"the header {twice} is there more than once"
    if names.count("received") > _MOST_HOPS:
        return f"the message went through more than {_MOST_HOPS} servers"
    from_ = next((field.value(data) for field in block.fields if field.name == "from"), None)
    if from_ is None:
        return "the message needs a From"
    address = _only_address(from_)
    if address is None:
        return "the message needs exactly one From address"
    asked = {
        field.name.removeprefix(ASKED): unfolded(field.value(data))
        for field in block.fields
        if field.name.startswith(ASKED)
    }
    bulk = "list-unsubscribe" in names or "list-id" in names or "feedback-id" in names
    return HandedHead(address, asked, bulk)


def advertises(data: bytes) -> bool:
    """Whether the words of a message say that it is advertising; a sign, no proof."""
    return _SPOKEN.search(data, 0, _REACH) is not None


def unfolded(value: str) -> str:
    """A field's value on one line, encoded words read (RFC 2047); what cannot be read stays as it is."""
    flat = _FOLD.sub("", value).strip()
    if "=?" in flat:
        try:
            return str(email.header.make_header(email.header.decode_header(flat)))
        except (email.errors.HeaderParseError, UnicodeError, LookupError, ValueError):
            return flat
    if flat.isascii():
        return flat
    return flat.encode("latin-1").decode("utf-8", "replace")


@lru_cache(maxsize=1_024)
def _only_address(value: str) -> str | None:
    """The exact address of a From; None where there is none, or more than one."""
    found = email.utils.getaddresses([unfolded(value)])
    if len(found) != 1:
        return None
    address = parse_address(found[0][1])
    return str(address) if isinstance(address, Address) else None
