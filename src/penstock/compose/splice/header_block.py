"""The header fields of a message or of one of its parts, as positions in the octets (RFC 5322 section 2.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

from penstock.compose.splice.fault import SpliceFault, unreadable

__all__ = ["Field", "HeaderBlock", "header_block"]

_NAME = re.compile(rb"[!-9;-~]+")
_FOLD = (b" ", b"\t")
_MOST_OCTETS = 1 << 16
_LONGEST_NAME = 80
_KEPT_OCTETS, _KEPT = 1 << 13, 256
_MOST_FIELDS = 2_000


class Field(NamedTuple):
    """One field: `name` in lower case; its octets without the final CRLF."""

    name: str
    start: int
    end: int

    def value(self, data: bytes) -> str:
        """What stands after the colon, folded as it is, one character per octet."""
        return data[self.start + len(self.name) + 1 : self.end].decode("latin-1")


class HeaderBlock(NamedTuple):
    """Fields in their order, and their names. `end` is where a further one would stand, `body` where the body begins.

    `closed`: the last field has its CRLF. `separated`: an empty line follows; in a part without a body that line may
    belong to the boundary (RFC 2046 section 5.1.1).
    """

    start: int
    fields: tuple[Field, ...]
    names: tuple[str, ...]
    end: int
    body: int
    closed: bool
    separated: bool

    def only(self, name: str) -> Field | SpliceFault | None:
        """The field of that name; a second one is a fault, since readers differ in which they believe."""
        if name not in self.names:
            return None
        if self.names.count(name) > 1:
            return unreadable(f"the header {name} is there more than once in one part")
        return self.fields[self.names.index(name)]


def header_block(data: bytes, start: int, end: int) -> HeaderBlock | SpliceFault:
    """The block that the octets from `start` to `end` begin with. A line that is no field is a fault."""
    if data.startswith(b"\r\n", start, end):
        return HeaderBlock(start, (), (), start, start + 2, closed=True, separated=True)
    gap = data.find(b"\r\n\r\n", start, end)
    last = end if gap < 0 else gap + 2
    head = data[start:last]
    # One message is looked at by several stages, and parts of many have the same few fields; long ones are not kept.
    read = _kept(head) if len(head) <= _KEPT_OCTETS else _read(head)
    if isinstance(read, SpliceFault):
        return read
    fields, names, closed = read
    if start:
        fields = tuple(map(_field, [(name, first + start, last + start) for name, first, last in fields]))
    return HeaderBlock(start, fields, names, last, end if gap < 0 else gap + 4, closed, gap >= 0)


def _read(head: bytes) -> _Read | SpliceFault:
    """The fields of a block whose octets these are."""
    if b"\0" in head:
        return unreadable("a header holds a NUL octet")
    return _plain_fields(head) or _one_by_one(head)


def _plain_fields(head: bytes) -> _Read | None:
    """The fields of a block that is as it mostly is; None for any other."""
    if len(head) > _MOST_OCTETS or not head.endswith(b"\r\n"):
        return None
    fields: list[tuple[str, int, int]] = []
    names: list[str] = []
    place = 0
    # A fold is written over with octets that no header holds, so that what is left between line ends are fields.
    for field in head[:-2].replace(b"\r\n ", b"\0\0\0").replace(b"\r\n\t", b"\0\0\0").split(b"\r\n"):
        colon, end = field.find(b":"), place + len(field)
        name = _lower(field[:colon]) if 0 < colon < _LONGEST_NAME else None
        if name is None:
            return None
        names.append(name)
        fields.append((name, place, end))
        place = end + 2
    return (tuple(map(_field, fields)), tuple(names), True) if len(fields) <= _MOST_FIELDS else None


def _one_by_one(head: bytes) -> _Read | SpliceFault:
    fields: list[Field] = []
    place, stop, last = 0, 0, len(head)
    while place < last:
        name = _NAME.match(head, place)
        if name is None or not head.startswith(b":", name.end()):
            return unreadable("a header line is no header, or no empty line ends the headers")
        if len(fields) == _MOST_FIELDS:
            return unreadable(f"there are more than {_MOST_FIELDS} headers")
        stop = head.find(b"\r\n", name.end())
        while stop >= 0 and stop + 2 < last and head[stop + 2 : stop + 3] in _FOLD:
            stop = head.find(b"\r\n", stop + 2)
        fields.append(Field(name[0].decode("ascii").lower(), place, last if stop < 0 else stop))
        place = last if stop < 0 else stop + 2
    return tuple(fields), tuple([field.name for field in fields]), stop >= 0


@lru_cache(maxsize=1_024)
def _lower(name: bytes) -> str | None:
    """The name in lower case; None where it is no name."""
    return name.decode("ascii").lower() if _NAME.fullmatch(name) else None


# In half the time of its own.
_field: Callable[[tuple[str, int, int]], Field] = partial(tuple.__new__, Field)
_Read = tuple[tuple[Field, ...], tuple[str, ...], bool]
"""Fields as they stand in a block that begins at 0; their names; whether the last one has its CRLF."""
_kept = lru_cache(maxsize=_KEPT)(_read)
