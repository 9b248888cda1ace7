"""The header fields of a message or of one of its parts, as positions in the octets (RFC 5322 section 2.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from penstock.compose.splice.fault import SpliceFault, unreadable

__all__ = ["Field", "HeaderBlock", "header_block"]

_NAME = re.compile(rb"([!-9;-~]+):")
_WHOLE = re.compile(rb"([!-9;-~]+):[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n")
_PLAIN = re.compile(rb"(?:[!-9;-~]+:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n)+")
_MOST_OCTETS = 1 << 16
_FOLD = (b" ", b"\t")
_SMALL = 1 << 18
_KEPT = 64
_MOST_FIELDS = 2_000


class Field(NamedTuple):
    """One field: `name` in lower case; its octets without the final CRLF."""

    name: str
    start: int
    end: int

    def value(self, data: bytes) -> str:
        """What stands after the colon, folded as it is, one character per octet."""
        return data[self.start + len(self.name) + 1 : self.end].decode("latin-1")


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """Fields in their order. `end` is where a further one would stand, `body` where the body begins.

    `closed`: the last field has its CRLF. `separated`: an empty line follows; in a part without a body that line may
    belong to the boundary (RFC 2046 section 5.1.1).
    """

    start: int
    fields: tuple[Field, ...]
    end: int
    body: int
    closed: bool
    separated: bool

    def only(self, name: str) -> Field | SpliceFault | None:
        """The field of that name; a second one is a fault, since readers differ in which they believe."""
        found = [field for field in self.fields if field.name == name]
        if len(found) > 1:
            return unreadable(f"the header {name} is there more than once in one part")
        return found[0] if found else None


def header_block(data: bytes, start: int, end: int) -> HeaderBlock | SpliceFault:
    """The block that the octets from `start` to `end` begin with. A line that is no field is a fault."""
    # One message is looked at by several stages, one after the other; a large one is not held on to.
    return _kept(data, start, end) if len(data) <= _SMALL else _read(data, start, end)


def _read(data: bytes, start: int, end: int) -> HeaderBlock | SpliceFault:
    if data.startswith(b"\r\n", start, end):
        return HeaderBlock(start, (), start, start + 2, closed=True, separated=True)
    gap = data.find(b"\r\n\r\n", start, end)
    last = end if gap < 0 else gap + 2
    if data.find(b"\0", start, last) >= 0:
        return unreadable("a header holds a NUL octet")
    fields = _plain_fields(data, start, last)
    if fields is not None:
        return HeaderBlock(start, fields, last, end if gap < 0 else gap + 4, closed=True, separated=gap >= 0)
    return _one_by_one(data, start, end, gap)


def _plain_fields(data: bytes, start: int, last: int) -> tuple[Field, ...] | None:
    """The fields of a block that is as it mostly is; None for any other."""
    if last - start > _MOST_OCTETS or _PLAIN.fullmatch(data, start, last) is None:
        return None
    fields = tuple(
        [Field(_lower(found[1]), found.start(), found.end() - 2) for found in _WHOLE.finditer(data, start, last)]
    )
    return fields if len(fields) <= _MOST_FIELDS else None


def _one_by_one(data: bytes, start: int, end: int, gap: int) -> HeaderBlock | SpliceFault:
    last = end if gap < 0 else gap + 2
    fields: list[Field] = []
    place, stop = start, 0
    while place < last:
        name = _NAME.match(data, place, last)
        if name is None:
            return unreadable("a header line is no header, or no empty line ends the headers")
        if len(fields) == _MOST_FIELDS:
            return unreadable(f"there are more than {_MOST_FIELDS} headers")
        stop = data.find(b"\r\n", name.end(), last)
        while stop >= 0 and stop + 2 < last and data[stop + 2 : stop + 3] in _FOLD:
            stop = data.find(b"\r\n", stop + 2, last)
        fields.append(Field(_lower(name[1]), place, last if stop < 0 else stop))
        place = last if stop < 0 else stop + 2
    return HeaderBlock(start, tuple(fields), last, end if gap < 0 else gap + 4, stop >= 0, gap >= 0)


@lru_cache(maxsize=1_024)
def _lower(name: bytes) -> str:
    return name.decode("ascii").lower()


_kept = lru_cache(maxsize=_KEPT)(_read)
