"""What a leaf holds once its transfer encoding is taken off."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from penstock.compose.splice.charset import codec_of, in_utf8, searchable
from penstock.compose.splice.edit import joined
from penstock.compose.splice.fault import SpliceFault, failed
from penstock.compose.splice.part_tree import Leaf
from penstock.compose.splice.transfer import content_of

__all__ = ["NO_TEXT", "LeafContent", "leaf_content"]

_NOT_ASCII = re.compile(rb"\x1b(?:\$|\([^BJ])[^\x1b]*(\x1b\([BJ])?")
"""A run of another set in ISO-2022-JP, up to the return to ASCII (RFC 1468)."""
_REACH = _BEGINNING = 64
_LINE_ENDS = {b"", b"\r", b"\n"}
NO_TEXT = "a text part is no text in its character set"


@dataclass(frozen=True, slots=True)
class LeafContent:
    """The body as octets, in a character set that `codec` is Python's name of.

    `view` has an octet for each octet, each sign of ASCII where it means itself. `recoded`: the octets are UTF-8, made
    of those that the body encodes.
    """

    octets: bytes
    codec: str
    view: bytes
    recoded: bool = False

    def ascii_only(self) -> bool:
        """Whether the octets are the same text in UTF-8."""
        return self.view is self.octets and self.octets.isascii()

    def encoded(self, text: str) -> bytes | None:
        """The text in this character set; None when the set cannot hold it."""
        try:
            return text.encode(self.codec)
        except UnicodeEncodeError:
            return None

    def with_text(self, place: int, text: str) -> list[bytes | memoryview] | None:
        """The octets in pieces, with a text before that place, all in UTF-8 where the set cannot hold the text.

        None when they would have to be UTF-8 and are no text in this set.
        """
        octets, new = memoryview(self.octets), self.encoded(text)
        if new is not None:
            return [octets[:place], new, octets[place:]]
        head, tail = in_utf8(octets[:place], self.codec), in_utf8(octets[place:], self.codec)
        return None if head is None or tail is None else [*head, text.encode(), *tail]

    def holds(self, text: str) -> bool:
        """Whether that text occurs."""
        octets = self.encoded(text)
        # A long text is sought by its beginning first: that takes a tenth of the time where it is not there.
        return octets is not None and octets[:_BEGINNING] in self.octets and octets in self.octets

    def begins(self, place: int, text: str) -> bool:
        """Whether that text is what stands at that place but for white space, and its line ends with it or a tag."""
        octets = self.encoded(text)
        if octets is None:
            return False
        there = self.octets[place : place + len(octets) + _REACH].lstrip()
        return there.startswith(octets) and (octets.endswith(b">") or there[len(octets) :][:1] in _LINE_ENDS)

    def without(self, spans: list[tuple[int, int]]) -> LeafContent:
        """The same less those ranges, to look for something in the rest."""
        return replace(self, octets=_cut(self.octets, spans), view=_cut(self.view, spans))


def leaf_content(data: bytes, leaf: Leaf) -> LeafContent | SpliceFault:
    """Read a body. Its text is decoded only where it must be: most need not be valid to be added to.

    A set in which a place cannot be told from the octets (UTF-16, UTF-7, EBCDIC …) is turned into UTF-8.
    """
    octets = content_of(data, (leaf.block.body, leaf.end), leaf.encoding)
    if octets is None:
        return failed("the transfer encoding of a text part is unknown or damaged")
    codec = codec_of(leaf.type.values.get("charset", "us-ascii"))
    if codec is None:
        return failed("the character set of a text part is unknown")
    if searchable(codec):
        return LeafContent(octets, codec, octets)
    if codec.startswith("iso2022_jp"):
        view = _NOT_ASCII.sub(_blank, octets)
        if len(view) == len(octets):
            return LeafContent(octets, codec, view)
    text = in_utf8(octets, codec)
    if text is None:
        return failed(NO_TEXT)
    octets = b"".join(text)
    return LeafContent(octets, "utf_8", octets, recoded=True)


def _cut(octets: bytes, spans: list[tuple[int, int]]) -> bytes:
    return joined(octets, [(start, end, b"") for start, end in spans])


def _blank(run: re.Match[bytes]) -> bytes:
    """Question marks; one less where ASCII is never returned to, which shows in the length."""
    return b"?" * (len(run[0]) - (run[1] is None))
