"""The parts of a message that its reader sees first (RFC 2046 section 5, RFC 2387, RFC 2183)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from penstock.compose.splice.content_type import ContentType
from penstock.compose.splice.fault import SpliceFault, unreadable, untouchable
from penstock.compose.splice.header_block import Field, HeaderBlock, header_block
from penstock.compose.splice.part import Part, Span, boundary_of, enclosed_parts, read_part

__all__ = ["Leaf", "first_seen", "leaf_of", "sealed"]

_DEEPEST = 50
_MOST_PARTS = 10_000
_MOST_LEAVES = 100
_TEXTS = frozenset({"text/plain", "text/html"})
_SEALED = frozenset(
    {
        "multipart/signed",
        "multipart/encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "application/pgp",
        "application/pgp-encrypted",
        "message/partial",
    }
)
_FILES = frozenset({"multipart/appledouble", "multipart/byteranges", "multipart/form-data"})
_NOT_LETTERS = frozenset({"multipart/report", "multipart/digest"})
_NOT_SHOWN = frozenset({"text/calendar"})
"""A branch of an alternative that programs act upon, and show beside what they show of the others."""
_NO_PLACE = "one form of it is shown in place of the others and has no place for a notice"


class Leaf(NamedTuple):
    """A text or HTML part whose body ends at `end`. The fields are None where the part has none.

    `delimiters`: what no line of the body may begin with, from the multiparts around it (RFC 2046 section 5.1.1).
    """

    block: HeaderBlock
    end: int
    type: ContentType
    encoding: str
    type_field: Field | None
    encoding_field: Field | None
    delimiters: tuple[bytes, ...] = ()

    @property
    def html(self) -> bool:
        """HTML, not plain text."""
        return self.type.kind == "text/html"


@dataclass(frozen=True, slots=True)
class _Branch:
    """The parts of a multipart: of an alternative every one is looked at, else the first that leads to a leaf.

    `shown`: its parts are shown whatever they are called, as the forms of an alternative and the root of related parts
    are.
    """

    parts: Iterator[Span]
    every: bool
    shown: bool
    delimiters: tuple[bytes, ...]


def first_seen(data: bytes, *, whole: bool = False) -> list[Leaf] | SpliceFault:
    """The leaves that a notice belongs in, in their order; at least one.

    Of `alternative` each branch, of `related` the root, of `mixed` and kinds unknown the first that holds text.
    Attachments, known by their disposition or a file name beside it, and enclosed messages are passed over; a form of
    an alternative is none, whatever its name. A report (RFC 6522) or digest is written for programs and a part of it
    has no place for a notice. At most 50 levels; the walk does not recurse.

    `whole`: an alternative with a form that leads to no leaf is untouchable, an invitation (RFC 6047) left out: a
    program that knows that form shows nothing else.
    """
    leaves: list[Leaf] = []
    branches = [(_Branch(iter([(0, len(data))]), every=False, shown=False, delimiters=()), 0)]
    looked_at = 0
    while branches:
        branch, before = branches[-1]
        done = not branch.every and len(leaves) > before
        span = None if done else next(branch.parts, None)
        if span is None:
            branches.pop()
            if whole and len(leaves) == before and branches and branches[-1][0].every:
                return untouchable(_NO_PLACE)
            continue
        looked_at += 1
        if looked_at > _MOST_PARTS or len(branches) > _DEEPEST:
            return unreadable(f"parts are nested more than {_DEEPEST} levels deep, or there are too many")
        found = _opened(data, span, branch)
        match found:
            case SpliceFault():
                return found
            case Leaf():
                leaves.append(found)
            case _Branch():
                branches.append((found, len(leaves)))
            case _ if whole and branch.every and found not in _NOT_SHOWN:
                return untouchable(_NO_PLACE)
        if len(leaves) > _MOST_LEAVES:
            return unreadable(f"there are more than {_MOST_LEAVES} text parts to choose from")
    return leaves or untouchable("there is no text part that a notice could stand in")


def leaf_of(part: Part, delimiters: tuple[bytes, ...] = ()) -> Leaf:
    """The part as one that can be read and added to."""
    return Leaf(part.block, part.end, part.type, part.encoding, part.type_field, part.encoding_field, delimiters)


def _opened(data: bytes, span: Span, around: _Branch) -> Leaf | _Branch | SpliceFault | str:
    """What one part is: a leaf, a multipart to go into, or nothing for us, of which the kind is told."""
    part = read_part(data, span)
    if isinstance(part, SpliceFault):
        return part
    kind = part.type.kind
    if sealed(part):
        return untouchable("it is signed or encrypted")
    if not around.shown and part.attached:
        return "attachment"
    if kind in _TEXTS:
        return leaf_of(part, around.delimiters)
    if not kind.startswith("multipart/") or kind in _FILES:
        return kind
    return _branch(data, part, around.delimiters)


def sealed(part: Part) -> bool:
    """Whether a part is signed or encrypted, so that another form of it would be another part."""
    kind = part.type
    if kind.kind in _SEALED:
        return True
    # RFC 8551 section 3.2.1: software that does not know S/MIME passes it on as octets under the file's name.
    if kind.kind != "application/octet-stream":
        return False
    return ".p7m" in f"{part.disposition};{kind.values.get('name', '')}".lower()


def _branch(data: bytes, part: Part, around: tuple[bytes, ...]) -> _Branch | SpliceFault:
    kind = part.type.kind
    if kind in _NOT_LETTERS:
        return untouchable("it is a report or a digest, which has no place for a notice")
    delimiter = boundary_of(part)
    if isinstance(delimiter, SpliceFault):
        return delimiter
    parts = enclosed_parts(data, delimiter, part.block.body, part.end)
    first = next(parts, None)
    if first is None:
        return unreadable("the boundary of a multipart does not appear, or there is no part")
    related = kind == "multipart/related"
    if related:
        parts, first = iter(()), _root(data, chain([first], parts), part.type.values.get("start", ""))
    every = kind == "multipart/alternative"
    return _Branch(chain([first], parts), every, every or related, (*around, delimiter))


def _root(data: bytes, parts: Iterator[Span], start: str) -> Span:
    """The part whose Content-ID the parameter `start` names, else the first (RFC 2387 section 3.2)."""
    first = next(parts)
    if start:
        for span in chain([first], parts):
            block = header_block(data, *span)
            field = block.only("content-id") if isinstance(block, HeaderBlock) else None
            if isinstance(field, Field) and field.value(data).strip() == start.strip():
                return span
    return first
