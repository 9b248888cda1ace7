"""Lines longer than RFC 5321 section 4.5.3.1.6 allows, encoded anew where they stand in a text part."""

from __future__ import annotations

from penstock.compose.splice.edit import Edit, joined
from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.part_tree import Leaf, first_seen
from penstock.compose.splice.transfer import IDENTITY, has_long_line, smallest, written

__all__ = ["has_long_line", "shortened"]


def shortened(data: bytes) -> bytes | None:
    """The message with each text part that has too long a line in quoted-printable or base64, which no reader sees.

    None where that mends it not: a header field or an attachment is too long, or the message is signed or unreadable.
    """
    leaves = first_seen(data)
    if isinstance(leaves, SpliceFault):
        return None
    edits = [edit for leaf in leaves for edit in _edits(data, leaf)]
    mended = joined(data, edits)
    return None if has_long_line(mended) else mended


def _edits(data: bytes, leaf: Leaf) -> list[Edit]:
    body = data[leaf.block.body : leaf.end]
    if leaf.encoding not in IDENTITY or not has_long_line(body):
        return []
    last = b"\r\n" if leaf.end == len(data) and body.endswith(b"\r\n") else b""
    body = body.removesuffix(last)
    encoding = smallest(body)
    line = f"Content-Transfer-Encoding: {encoding}".encode()
    edits: list[Edit] = [(leaf.block.end, leaf.block.end, _version(leaf))]
    if leaf.encoding_field is not None:
        edits.append((leaf.encoding_field.start, leaf.encoding_field.end, line))
    else:
        edits.append((leaf.block.end, leaf.block.end, line + b"\r\n"))
    span = leaf.block.body, leaf.end - len(last)
    return edits + written(span, encoding, body, leaf.delimiters)


def _version(leaf: Leaf) -> bytes:
    """What makes the encoding of a whole message count (RFC 2045 section 4)."""
    said = leaf.block.start > 0 or any(field.name == "mime-version" for field in leaf.block.fields)
    return b"" if said else b"MIME-Version: 1.0\r\n"
