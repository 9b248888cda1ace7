"""The words of a ready-made message, read in time that grows as its length does (RFC 2045, RFC 2047)."""

from __future__ import annotations

from penstock.compose.handed_in import unfolded
from penstock.compose.line_ends import with_lf
from penstock.compose.splice.all_parts import all_parts
from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.header_block import header_block
from penstock.compose.splice.leaf_content import leaf_content
from penstock.compose.splice.part_tree import Leaf, leaf_of

__all__ = ["leaf_words", "message_words"]

_PARTS = {"text/plain": "plain", "text/html": "html"}
_OCTET_BY_OCTET = frozenset({"ascii", "utf_8", "iso8859_1", "latin_1", "cp1252"})
"""Sets in which the line ends can be found before anything is decoded, also among octets that are no text."""


def leaf_words(data: bytes, leaf: Leaf) -> str | SpliceFault:
    """The text of a part, with LF line ends; signs that its character set does not have become U+FFFD."""
    content = leaf_content(data, leaf)
    if isinstance(content, SpliceFault):
        return content
    if content.codec in _OCTET_BY_OCTET:
        return with_lf(content.octets).decode(content.codec, "replace")
    return content.octets.decode(content.codec, "replace").replace("\r\n", "\n")


def message_words(data: bytes) -> dict[str, str]:
    """`Subject`, and the first text part (`plain`) and HTML part (`html`) that are no files, where they can be read.

    Signed parts count; enclosed messages do not. What stands behind a part whose structure is in doubt is not read.
    """
    block = header_block(data, 0, len(data))
    if isinstance(block, SpliceFault):
        return {}
    subject = next((field for field in block.fields if field.name == "subject"), None)
    found = {} if subject is None else {"Subject": unfolded(subject.value(data))}
    for each in all_parts(data, enclosed=False):
        if isinstance(each, SpliceFault):
            break
        name = _PARTS.get(each.part.type.kind)
        if name is None or name in found or each.part.attached:
            continue
        words = leaf_words(data, leaf_of(each.part))
        if not isinstance(words, SpliceFault):
            found[name] = words
    return found
