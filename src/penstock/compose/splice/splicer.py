"""Adding headers and notices to a ready-made message, octet by octet (RFC 5322, RFC 2045 to 2049)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from penstock.compose.headers import field_line
from penstock.compose.line_ends import only_crlf
from penstock.compose.splice.edit import Edit, joined
from penstock.compose.splice.fault import SpliceFault, failed, unreadable
from penstock.compose.splice.header_block import HeaderBlock, header_block
from penstock.compose.splice.leaf_edit import leaf_edits
from penstock.compose.splice.part_tree import first_seen
from penstock.model.mail import Header

__all__ = ["Additions", "SpliceFault", "splice"]

_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_HARMLESS = bytes(octet for octet in range(256) if octet not in {*range(9), *range(0x0B, 0x20), 0x7F, 0xC2})
"""Octets of UTF-8 that no such sign is made of."""
_STRUCTURE = frozenset({"content-type", "content-transfer-encoding"})
_LINES = 256
_line = lru_cache(maxsize=_LINES)(field_line)  # all but one of the fields that are added are those of the last mail
_SIGNATURE = "dkim-signature"
"""RFC 6376: what it signs is no longer what it was. An ARC set (RFC 8617) stays: it says what once was true, and a
chain with a set missing could not be judged at all."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What a message is to have.

    `headers` go into the header block; one of the same name that is there already is replaced. `drop`: names in lower
    case, a `*` at the end makes a prefix; the fields that say how the body is made are never dropped. `text` for text
    parts: paragraphs with LF line ends below a line of dashes. `html` for HTML parts: elements marked `data-penstock`.
    `label_text` is a short paragraph, `label_html` a fragment that stands above everything else in the same parts.
    `whole`: a message with a form that none of this could stand in is untouchable (see `part_tree.first_seen`).
    """

    headers: tuple[Header, ...] = ()
    drop: frozenset[str] = frozenset()
    text: str = ""
    html: str = ""
    label_text: str = ""
    label_html: str = ""
    whole: bool = False


def splice(data: bytes, additions: Additions) -> bytes | SpliceFault:
    """The message with all additions; the very same octets when it has them already.

    Only the header block and the leaves that a reader sees first change: see `part_tree.first_seen`. Of two forms of a
    text each gets the blocks. Fields DKIM-Signature are taken out as soon as anything changes. Signed and encrypted
    messages can be given headers, but no notice. Linear in the size of the message.
    """
    if additions.label_text or additions.label_html:
        label = Additions(text=additions.label_text, html=additions.label_html, whole=additions.whole)
        labelled = _spliced(data, label, on_top=True)
        if isinstance(labelled, SpliceFault):
            return labelled
        data = labelled
    return _spliced(data, additions, on_top=False)


def _spliced(data: bytes, additions: Additions, *, on_top: bool) -> bytes | SpliceFault:
    lines = _header_lines(additions)
    if isinstance(lines, SpliceFault):
        return lines
    if not (_writable(additions.text) and _writable(additions.html)):
        return failed("a notice holds a control character or half a character")
    if not data:
        return unreadable("there is not one octet")
    if not only_crlf(data):
        return unreadable("a line does not end with CR LF")
    root = header_block(data, 0, len(data))
    if isinstance(root, SpliceFault):
        return root
    if not root.closed and root.fields:
        return unreadable("the message ends within a header")
    edits = _header_edits(data, root, additions.drop, lines) if lines or additions.drop else []
    if additions.text or additions.html:
        versioned = "mime-version" in root.names or "mime-version" in lines
        more = _notice_edits(data, additions, on_top=on_top, versioned=versioned)
        if isinstance(more, SpliceFault):
            return more
        edits += more
    if not edits:
        return data
    if _SIGNATURE in root.names:
        edits += [(field.start, field.end + 2, b"") for field in root.fields if field.name == _SIGNATURE]
    return joined(data, edits)


def _writable(text: str) -> bool:
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return False
    # Most texts are told to be harmless in a third of the time.
    return not octets.translate(None, _HARMLESS) or _UNWRITABLE.search(text) is None


def _header_lines(additions: Additions) -> dict[str, bytes] | SpliceFault:
    """The fields to be there by lower-case name, those of one name together."""
    lines: dict[str, bytes] = {}
    for name, value in additions.headers:
        line = _line(name, value)
        if not isinstance(line, str):
            return unreadable(f"the header {line.header} {line.what}")
        key = name.lower()
        if key in _STRUCTURE:
            return unreadable(f"the header {key} cannot be given to a message that has a body")
        lines[key] = lines.get(key, b"") + line.encode()
    return lines


def _header_edits(data: bytes, root: HeaderBlock, drop: frozenset[str], lines: dict[str, bytes]) -> list[Edit]:
    """The first field of a name is replaced where it stands, others of it go; what is new comes last."""
    if not drop and lines.keys().isdisjoint(root.names):
        return [(root.end, root.end, b"".join(lines.values()))]
    exact = {name for name in drop if not name.endswith("*")} - _STRUCTURE
    prefixes = tuple(name[:-1] for name in drop if name.endswith("*"))
    edits: list[Edit] = []
    met: set[str] = set()
    for field in root.fields:
        end = field.end + 2
        if field.name in lines:
            new = b"" if field.name in met else lines[field.name]
            met.add(field.name)
        elif field.name in exact or (field.name.startswith(prefixes) and field.name not in _STRUCTURE):
            new = b""
        else:
            continue
        edits.append((field.start, end, new))
    edits = _real(data, edits)
    new = b"".join([line for name, line in lines.items() if name not in met])
    return [*edits, (root.end, root.end, new)] if new else edits


def _real(data: bytes, edits: list[Edit]) -> list[Edit]:
    """Without those that change nothing."""
    return [(start, end, new) for start, end, new in edits if data[start:end] != new]


def _notice_edits(data: bytes, additions: Additions, *, on_top: bool, versioned: bool) -> list[Edit] | SpliceFault:
    leaves = first_seen(data, whole=additions.whole)
    if isinstance(leaves, SpliceFault):
        return leaves
    edits: list[Edit] = []
    for leaf in leaves:
        block = additions.html if leaf.html else additions.text
        if block:
            root = leaf.block.start == 0
            made = leaf_edits(data, leaf, block, on_top=on_top, versioned=versioned or not root)
            if isinstance(made, SpliceFault):
                return made
            edits += made
    return edits
