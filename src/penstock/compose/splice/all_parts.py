"""Every part of a message, also those that its reader does not see first (RFC 2046 section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from penstock.compose.splice.content_type import ContentType
from penstock.compose.splice.fault import SpliceFault, unreadable
from penstock.compose.splice.part import Part, Span, boundary_of, enclosed_parts, read_part

__all__ = ["PlacedPart", "all_parts"]

_DEEPEST = 50
_MOST_PARTS = 10_000
_MESSAGE = ContentType("message/rfc822", {}, "message/rfc822")


@dataclass(frozen=True, slots=True)
class PlacedPart:
    """A part and the kind of the multipart it stands in: empty for the message, and for what a message encloses."""

    part: Part
    within: str


def all_parts(data: bytes, *, enclosed: bool) -> Iterator[PlacedPart | SpliceFault]:
    """The message, then each part of it in their order, multiparts and what stands in them; a fault ends it.

    `enclosed`: the parts of a message in the message, too. Signed parts are gone into, encrypted ones are leaves.
    """
    pending: list[tuple[Iterator[Span], str]] = [(iter([(0, len(data))]), "")]
    looked_at = 0
    while pending:
        spans, within = pending[-1]
        span = next(spans, None)
        if span is None:
            pending.pop()
            continue
        looked_at += 1
        part = read_part(data, span)
        if isinstance(part, SpliceFault):
            yield part
            return
        if within == "multipart/digest" and part.type_field is None:
            part = part._replace(type=_MESSAGE)  # RFC 2046 section 5.1.5
        yield PlacedPart(part, within)
        inner = _inner(data, part, enclosed=enclosed)
        if isinstance(inner, SpliceFault):
            yield inner
            return
        if inner is not None:
            pending.append(inner)
        if looked_at > _MOST_PARTS or len(pending) > _DEEPEST:
            yield unreadable(f"parts are nested more than {_DEEPEST} levels deep, or there are too many")
            return


def _inner(data: bytes, part: Part, *, enclosed: bool) -> tuple[Iterator[Span], str] | SpliceFault | None:
    kind = part.type.kind
    if kind.startswith("multipart/"):
        delimiter = boundary_of(part)
        if isinstance(delimiter, SpliceFault):
            return delimiter
        return enclosed_parts(data, delimiter, part.block.body, part.end), kind
    if enclosed and kind == "message/rfc822" and part.encoding in {"7bit", "8bit", "binary"}:
        return iter([(part.block.body, part.end)]), ""
    return None
