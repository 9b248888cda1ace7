"""The parts of a message that its reader sees first (RFC 2046 section 5, RFC 2387, RFC 2183)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from penstock.compose.splice.content_type import ContentType, content_type, without_comments
from penstock.compose.splice.fault import SpliceFault, unreadable, untouchable
from penstock.compose.splice.header_block import Field, HeaderBlock, header_block

__all__ = ["Leaf", "first_seen"]

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
_WITHOUT_ENCODING = frozenset({"7bit", "8bit", "binary"})

_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Leaf:
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
    """The parts of a multipart: of an alternative every one is looked at, else the first that leads to a leaf."""

    parts: Iterator[_Span]
    every: bool
    delimiters: tuple[bytes, ...]


def first_seen(data: bytes) -> list[Leaf] | SpliceFault:
    """The leaves that a notice belongs in, in their order; at least one.

    Of `alternative` each branch, of `related` the root, of `mixed` and kinds unknown the first that holds text.
    Attachments, known by their disposition or a file name beside it, and enclosed messages are passed over. A report
    (RFC 6522) or digest is written for programs and a part of it has no place for a notice. At most 50 levels; the
    walk does not recurse.
    """
    leaves: list[Leaf] = []
    branches = [(_Branch(iter([(0, len(data))]), every=False, delimiters=()), 0)]
    looked_at = 0
    while branches:
        branch, before = branches[-1]
        done = not branch.every and len(leaves) > before
        span = None if done else next(branch.parts, None)
        if span is None:
            branches.pop()
            continue
        looked_at += 1
        if looked_at > _MOST_PARTS or len(branches) > _DEEPEST:
            return unreadable(f"parts are nested more than {_DEEPEST} levels deep, or there are too many")
        found = _opened(data, span, branch.delimiters)
        match found:
            case SpliceFault():
                return found
            case Leaf():
                leaves.append(found)
            case _Branch():
                branches.append((found, len(leaves)))
        if len(leaves) > _MOST_LEAVES:
            return unreadable(f"there are more than {_MOST_LEAVES} text parts to choose from")
    return leaves or untouchable("there is no text part that a notice could stand in")


def _opened(data: bytes, span: _Span, around: tuple[bytes, ...]) -> Leaf | _Branch | SpliceFault | None:
    """What one part is: a leaf, a multipart to go into, or nothing for us."""
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
    encoding = encoding.strip().lower()
    if _sealed(kind, disposition):
        return untouchable("it is signed or encrypted")
    if _attached(disposition):
        return None
    if kind.kind in _TEXTS:
        return Leaf(block, span[1], kind, encoding, made, encoded, around)
    if not kind.kind.startswith("multipart/") or kind.kind in _FILES:
        return None
    if encoding not in _WITHOUT_ENCODING:
        return unreadable("a multipart is encoded as a whole (RFC 2045 section 6.4)")
    return _branch(data, block, span[1], kind, around)


def _attached(disposition: str) -> bool:
    """Whether it is a file to the reader: one shown inline has a name (RFC 2183 section 2.3), a letter has none."""
    if not disposition.strip():
        return False
    if disposition.partition(";")[0].strip().lower() != "inline":
        return True
    if ";" not in disposition:
        return False
    read = content_type(f"x/{disposition.strip()}")
    return "filename" in disposition.lower() if read is None else bool(read.values.get("filename"))


def _sealed(kind: ContentType, place: str) -> bool:
    if kind.kind in _SEALED:
        return True
    # RFC 8551 section 3.2.1: software that does not know S/MIME passes it on as octets under the file's name.
    names = f"{place};{kind.values.get('name', '')}".lower()
    return kind.kind == "application/octet-stream" and ".p7m" in names


def _branch(
    data: bytes, block: HeaderBlock, end: int, kind: ContentType, around: tuple[bytes, ...]
) -> _Branch | SpliceFault:
    if kind.kind in _NOT_LETTERS:
        return untouchable("it is a report or a digest, which has no place for a notice")
    try:
        boundary = kind.values.get("boundary", "").rstrip().encode("latin-1")
    except UnicodeEncodeError:
        boundary = b""
    if not boundary:
        return unreadable("a multipart has no boundary")
    delimiter = b"--" + boundary
    parts = _parts(data, delimiter, block.body, end)
    first = next(parts, None)
    if first is None:
        return unreadable("the boundary of a multipart does not appear, or there is no part")
    if kind.kind == "multipart/related":
        parts, first = iter(()), _root(data, chain([first], parts), kind.values.get("start", ""))
    every = kind.kind == "multipart/alternative"
    return _Branch(chain([first], parts), every, (*around, delimiter))


def _root(data: bytes, parts: Iterator[_Span], start: str) -> _Span:
    """The part whose Content-ID the parameter `start` names, else the first (RFC 2387 section 3.2)."""
    first = next(parts)
    if start:
        for span in chain([first], parts):
            block = header_block(data, *span)
            field = block.only("content-id") if isinstance(block, HeaderBlock) else None
            if isinstance(field, Field) and field.value(data).strip() == start.strip():
                return span
    return first


def _parts(data: bytes, delimiter: bytes, start: int, end: int) -> Iterator[_Span]:
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
