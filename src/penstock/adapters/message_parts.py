"""A ready-made message taken apart: text, HTML and files as they stand in it (RFC 2046, RFC 2183, RFC 2387)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from penstock.compose.handed_in import unfolded
from penstock.compose.splice.all_parts import PlacedPart, all_parts
from penstock.compose.splice.charset import codec_of, in_utf8
from penstock.compose.splice.content_type import content_type, without_comments
from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.header_block import HeaderBlock, header_block
from penstock.compose.splice.part import Part
from penstock.compose.splice.part_tree import sealed
from penstock.compose.splice.transfer import content_of
from penstock.model.mail import Attachment, Header

__all__ = ["MessageParts", "message_headers", "message_parts"]

_FORMS = {"text/plain": "text", "text/html": "html", "text/calendar": "calendar"}
_FRAMES = frozenset({"multipart/mixed", "multipart/alternative", "multipart/related"})
_MAILBOXES = frozenset({"from", "reply-to"})
_PAIR = re.compile(r"\\(.)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(slots=True)
class MessageParts:
    """What a message is made of, nothing left out. An attachment with `cid` is shown by the HTML."""

    text: str = ""
    html: str | None = None
    calendar: str | None = None
    files: list[Attachment] = field(default_factory=list)
    _met: set[str] = field(default_factory=set)

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The files in their order."""
        return tuple(self.files)

    def holds(self, data: bytes, placed: PlacedPart) -> bool:
        """Take one part; False where it has no place beside those that are there."""
        part, kind = placed.part, placed.part.type.kind
        if kind.startswith("multipart/"):
            return kind in _FRAMES
        alternative = placed.within == "multipart/alternative"
        form = _FORMS.get(kind)
        if form is not None and (alternative or not (part.attached or form == "calendar")):
            return form not in self._met and self._says(form, _words(data, part))
        made = None if alternative or sealed(part) else _attachment(data, placed)
        if made is not None:
            self.files.append(made)
        return made is not None

    def _says(self, form: str, words: str | None) -> bool:
        self._met.add(form)
        match form, words:
            case _, None:
                return False
            case "text", str():
                self.text = words
            case "html", _:
                self.html = words
            case _:
                self.calendar = words
        return True


def message_parts(data: bytes) -> MessageParts | None:
    """The parts; None for a message that text, HTML, an invitation and files do not make up, or that is damaged.

    Signed and encrypted messages and reports are such, and those with two texts, or with a file that no name, number or
    place says how to show.
    """
    found = MessageParts()
    for placed in all_parts(data, enclosed=False):
        if isinstance(placed, SpliceFault) or not found.holds(data, placed):
            return None
    return found


def message_headers(data: bytes) -> tuple[Header, ...]:
    """The header fields as they are spelled, each on one line and its encoded words read."""
    block = header_block(data, 0, len(data))
    return tuple(_headers(data, block)) if isinstance(block, HeaderBlock) else ()


def _headers(data: bytes, block: HeaderBlock) -> Iterator[Header]:
    for each in block.fields:
        name = data[each.start : each.start + len(each.name)].decode("ascii")
        yield name, _mailbox(each.value(data)) if each.name in _MAILBOXES else unfolded(each.value(data))


def _mailbox(value: str) -> str:
    """Name and address without comments; quotes are signs of the field, not of the name that people read."""
    value = without_comments(value) or value
    phrase, bracket, rest = value.rpartition("<")
    if not bracket:
        return unfolded(value)
    name = unfolded(phrase)
    if quoted := _QUOTED.fullmatch(name):
        name = _PAIR.sub(r"\1", quoted[1])
    return f"{name} <{unfolded(rest)}".lstrip()


def _words(data: bytes, part: Part) -> str | None:
    octets = content_of(data, (part.block.body, part.end), part.encoding)
    codec = codec_of(part.type.values.get("charset", "us-ascii"))
    pieces = None if octets is None or codec is None else in_utf8(octets, codec)
    return None if pieces is None else b"".join(pieces).decode().replace("\r\n", "\n")


def _attachment(data: bytes, placed: PlacedPart) -> Attachment | None:
    """A file; None for one that cannot be read, and for a part of related ones that the HTML may know by its place."""
    part = placed.part
    octets = content_of(data, (part.block.body, part.end), part.encoding)
    cid = part.block.only("content-id")
    if octets is None or isinstance(cid, SpliceFault):
        return None
    known = "" if cid is None else cid.value(data).strip().strip("<>")
    attached = part.disposition.partition(";")[0].strip().lower() == "attachment"
    if placed.within == "multipart/related" and not known and not attached:
        return None
    read = content_type(f"x/{part.disposition.strip()}") if part.disposition.strip() else None
    name = (read.values.get("filename", "") if read is not None else "") or part.type.values.get("name", "")
    return Attachment(_spelled(name) or "attachment", part.type.kind, octets, known)


def _spelled(name: str) -> str:
    """A file's name; as octets of UTF-8 (RFC 6532) or encoded words it is what many write and the standards forbid."""
    if name.isascii():
        return unfolded(name)
    try:
        return name.encode("latin-1").decode()
    except UnicodeError:
        return name
