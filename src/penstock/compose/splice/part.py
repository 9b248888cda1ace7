"""One part of a message: what its header fields say of its body, and the parts in it (RFC 2045, RFC 2046, RFC 2183)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from penstock.compose.splice.content_type import ContentType, content_type, without_comments
from penstock.compose.splice.fault import SpliceFault, unreadable
from penstock.compose.splice.header_block import Field, HeaderBlock, header_block

__all__ = ["Part", "Span", "boundary_of", "enclosed_parts", "read_part"]

_WITHOUT_ENCODING = frozenset({"7bit", "8bit", "binary"})

Span = tuple[int, int]
"""Where the octets of a part begin and end."""


class Part(NamedTuple):
    """A part whose body ends at `end`. The fields are None where it has none; `disposition` is without comments."""

    block: HeaderBlock
    end: int
    type: ContentType
    encoding: str
    disposition: str
    type_field: Field | None
    encoding_field: Field | None

    @property
    def attached(self) -> bool:
        """Whether it is a file to the reader.

        One shown inline has a name (RFC 2183 section 2.3), a letter has none.
        """
        disposition = self.disposition
        if not disposition.strip():
            return False
        if disposition.partition(";")[0].strip().lower() != "inline":
            return True
        if ";" not in disposition:
            return False
        read = content_type(f"x/{disposition.strip()}")
        return "filename" in disposition.lower() if read is None else bool(read.values.get("filename"))


def read_part(data: bytes, span: Span) -> Part | SpliceFault:
    """The part that the octets of the span are; a fault where readers would not agree on what it is."""
    block = header_block(data, *span)
    if isinstance(block, SpliceFault):
        return block
    made = block.only("content-type")
    encoded = block.only("content-transfer-encoding")
    placed = block.only("content-disposition")
    if isinstance(made, SpliceFault):
        return made
    if isinstance(encoded, SpliceFault):
        return encoded
    if isinstance(placed, SpliceFault):
        return placed
    kind = ContentType("text/plain", {}) if made is None else content_type(made.value(data))
    disposition = "" if placed is None else without_comments(placed.value(data))
    encoding = "7bit" if encoded is None else without_comments(encoded.value(data))
    if kind is None or disposition is None or encoding is None:
        return unreadable("a header of a part cannot be read in one way only")
    return Part(block, span[1], kind, encoding.strip().lower(), disposition, made, encoded)


def boundary_of(part: Part) -> bytes | SpliceFault:
    """What each delimiter line between the parts of a multipart begins with, its two dashes first."""
    if part.encoding not in _WITHOUT_ENCODING:
        return unreadable("a multipart is encoded as a whole (RFC 2045 section 6.4)")
    try:
        boundary = part.type.values.get("boundary", "").rstrip().encode("latin-1")
    except UnicodeEncodeError:
        boundary = b""
    return b"--" + boundary if boundary else unreadable("a multipart has no boundary")


def enclosed_parts(data: bytes, delimiter: bytes, start: int, end: int) -> Iterator[Span]:
    """The parts between delimiter lines. A line that goes on is no delimiter: one boundary may begin another.

    The CRLF before a delimiter belongs to it: between two delimiters in a row, which have but one, there is no part.
    Without a closing delimiter the last part ends with its multipart.
    """
    part = -1
    place = data.find(delimiter, start, end)
    while place >= 0:
        after = place + len(delimiter)
        if place == start or data.startswith(b"\r\n", place - 2):
            line = data.find(b"\r\n", after, end)
            rest = data[after : end if line < 0 else line].rstrip(b" \t")
            if rest in {b"", b"--"}:
                if 0 <= part <= place - 2:
                    yield part, place - 2
                if rest or line < 0:
                    return
                part = line + 2
        place = data.find(delimiter, after, end)
    if part >= 0:
        yield part, end
