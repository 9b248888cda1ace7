"""The edits that put a block into one leaf."""

from __future__ import annotations

import re

from penstock.compose.splice.edit import Edit
from penstock.compose.splice.fault import SpliceFault, failed, untouchable
from penstock.compose.splice.html_place import comments
from penstock.compose.splice.leaf_content import NO_TEXT, LeafContent, leaf_content
from penstock.compose.splice.leaf_text import MARK, Graft, carries, graft_for, lines_of, top_graft_for
from penstock.compose.splice.part_tree import Leaf
from penstock.compose.splice.transfer import IDENTITY, grafted, has_long_line, smallest, written

__all__ = ["leaf_edits"]

_ARMOUR = b"-----BEGIN PGP "
_PGP_LINE = re.compile(rb"^[ \t]*-----BEGIN PGP (?:SIGNED )?MESSAGE", re.MULTILINE)
_PGP = re.compile(rb"-----BEGIN PGP (?:SIGNED )?MESSAGE")
"""RFC 9580 sections 6.2.1 and 7; behind a quote mark it signs nothing."""


def leaf_edits(data: bytes, leaf: Leaf, block: str, *, on_top: bool, versioned: bool) -> list[Edit] | SpliceFault:
    """The edits of a leaf; none when the block is in it already. `versioned`: nothing lacks MIME-Version.

    A block goes to the end, a label `on_top`. The part keeps its encoding and character set where these can hold the
    block, and no line of it is taken for the end of the part; else it is encoded, and becomes UTF-8.
    """
    content = leaf_content(data, leaf)
    if isinstance(content, SpliceFault):
        return content
    if _ARMOUR in content.view and (_PGP if leaf.html else _PGP_LINE).search(content.view):
        return untouchable("it is signed or encrypted (OpenPGP)")
    found = _found(content, leaf, block, on_top=on_top)
    if found is None or isinstance(found, SpliceFault):
        return found or []
    place, graft = found
    new, charset = content.encoded(graft), "utf-8" if content.recoded else None
    if new is None:
        charset, new = "utf-8", graft.encode() if content.ascii_only() else None
    if new is not None and not content.recoded and _suits(new, leaf, content.octets[place : place + _longest(leaf)]):
        encoding, span = leaf.encoding, (leaf.block.body, leaf.end)
        body = grafted(data, span, encoding, content.octets, (place, new), leaf.delimiters)
    else:
        pieces = content.with_text(place, graft)
        if pieces is None:
            return failed(NO_TEXT)
        del content  # else a large part would be in memory once more than it need be
        body, encoding = _rewritten(leaf, pieces)
    return [*_field_edits(leaf, charset, encoding, versioned=versioned), *body, *_last_line(data, leaf, body, encoding)]


def _found(content: LeafContent, leaf: Leaf, block: str, *, on_top: bool) -> Graft | SpliceFault | None:
    """Where a block goes and as what; None when it is there already."""
    flowed = not leaf.html and leaf.type.values.get("format", "").lower() == "flowed"
    lines = lines_of(content.view, block, flowed=flowed)
    if not on_top:
        there = _present(content, lines, html=leaf.html)
        return None if there else graft_for(content.view, lines, html=leaf.html, flowed=flowed)
    top = top_graft_for(content.view, lines, html=leaf.html)
    if top is None:
        return untouchable("it is a set of frames, which has no place for a label")
    return None if content.begins(top[0], lines) else top


def _present(content: LeafContent, lines: str, *, html: bool) -> bool:
    """Whether a part has the blocks; those in a comment of HTML nobody sees."""
    if not html:
        return content.holds(lines)
    if MARK not in content.view and not content.holds(lines):
        return False
    block = lines.encode("ascii", "replace")
    if not (content.holds(lines) or carries(content.view, block)):
        return False
    if spans := comments(content.view):
        content = content.without(spans)
    return not spans or content.holds(lines) or carries(content.view, block)


def _rewritten(leaf: Leaf, pieces: list[bytes | memoryview]) -> tuple[list[Edit], str]:
    """The whole body anew, and its transfer encoding: the one it had where that will do. Takes the pieces away."""
    whole = b"".join(pieces)
    pieces.clear()
    encoding = leaf.encoding if _suits(whole, leaf) else smallest(whole)
    return written((leaf.block.body, leaf.end), encoding, whole, leaf.delimiters), encoding


def _last_line(data: bytes, leaf: Leaf, body: list[Edit], encoding: str) -> list[Edit]:
    """What ends the last line of the message where the body does not."""
    _, end, new = body[-1]
    if not end == leaf.end == len(data) or new.endswith(b"\r\n"):
        return []
    return [(end, end, b"=\r\n" if encoding == "quoted-printable" else b"\r\n")]


def _longest(leaf: Leaf) -> int:
    return max(map(len, leaf.delimiters), default=0)


def _suits(octets: bytes, leaf: Leaf, behind: bytes = b"") -> bool:
    """Whether the body as it is encoded can hold the octets (RFC 2045 sections 2.7 and 2.8; 998 octets in a line).

    `behind`: what follows them, which may come to stand at the beginning of a line.
    """
    if leaf.encoding not in IDENTITY:
        return True
    if (leaf.encoding == "7bit" and not octets.isascii()) or b"\0" in octets or has_long_line(octets):
        return False
    text = b"".join((b"\n", octets, behind)) if leaf.delimiters else b""
    return not any(b"\n" + delimiter in text for delimiter in leaf.delimiters)


def _field_edits(leaf: Leaf, charset: str | None, encoding: str, *, versioned: bool) -> list[Edit]:
    """Fields of the part that say what it is now, and the empty line below them where there was none."""
    block = leaf.block
    # A digest of the body that was (RFC 1864).
    edits: list[Edit] = [
        (field.start, min(field.end + 2, block.end), b"") for field in block.fields if field.name == "content-md5"
    ]
    lines: list[bytes] = []
    for field, line in (
        (leaf.type_field, _type_line(leaf, charset) if charset else b""),
        (leaf.encoding_field, f"Content-Transfer-Encoding: {encoding}".encode() if encoding != leaf.encoding else b""),
    ):
        if line and field is not None:
            edits.append((field.start, field.end, line))
        elif line:
            lines.append(line + b"\r\n")
    if not versioned and (lines or edits):
        lines.insert(0, b"MIME-Version: 1.0\r\n")
    lines = [b"" if block.closed else b"\r\n", *lines, b"" if block.separated else b"\r\n"]
    return [*edits, (block.end, block.end, b"".join(lines))]


def _type_line(leaf: Leaf, charset: str) -> bytes:
    """The Content-Type with another character set, its other parameters as they stand."""
    others = [written for name, written in leaf.type.written if name.partition("*")[0] != "charset"]
    first = f'Content-Type: {leaf.type.spelled}; charset="{charset}"'
    return ";\r\n ".join([first, *others]).encode("latin-1")
