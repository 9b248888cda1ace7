"""A change to one range of a message's octets."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

__all__ = ["Edit", "joined"]

Edit = tuple[int, int, bytes]
"""Start and end of the octets that go, and what takes their place."""


def joined(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The octets with all edits done, copied once. Edits do not overlap; those at one place keep their order."""
    source = memoryview(data)
    pieces: list[bytes | memoryview] = []
    place = 0
    for start, end, new in sorted(edits, key=itemgetter(0)):
        pieces += (source[place:start], new)
        place = end
    pieces.append(source[place:])
    return b"".join(pieces)
