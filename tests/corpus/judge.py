"""Says what a splicer did wrong to a mail, from the promise alone: the stored original, the answer, what was added."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import Message

from tests.corpus.decoding import codec_of, lines_of, octets_of, text_of
from tests.corpus.notices import Notice
from tests.corpus.page import fragment_pattern, marks_in, seen_marks
from tests.corpus.tree import Entity, Kind, Piece, bare_ends, fields_of, name_of, pieces_of, value_of

__all__ = ["Expected", "findings", "refusal_findings"]

_LONGEST = 998
_LONGEST_ENCODED = 76
_ENCODING_FIELDS = frozenset({"content-type", "content-transfer-encoding"})
_FREE_PARAMS = frozenset({"charset"})
_STALE = frozenset({"content-md5"})
"""RFC 1864: says the digest of the body as it was."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the manifest says of a file. `already`: leaves that hold the notice before."""

    name: str
    rfc: str
    what: str
    expect: str
    leaves: tuple[str, ...]
    already: tuple[str, ...] = ()
    shown: bool = True
    notice: str = ""
    some: bool = False
    """At least one of the leaves has to have the notice: which one is open."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """One piece before and after, with the header that governs a body."""

    before: Piece
    after: Piece
    entities: tuple[Entity, Entity]


def refusal_findings(expected: Expected, code: str) -> list[str]:
    """`refused` in the manifest is any code, `either` any answer."""
    if expected.expect in {"either", "refused", code}:
        return []
    return [f"refused with {code}, wanted {expected.expect}"]


def findings(expected: Expected, original: bytes, result: bytes, notice: Notice) -> list[str]:
    """Everything that is wrong with a mail that was spliced; empty for a good one."""
    if expected.expect not in {"spliced", "either"}:
        return [f"spliced, wanted {expected.expect}"]
    if bare_ends(original):
        original = re.sub(rb"\r\n|\r|\n", b"\r\n", original)
    before, after = pieces_of(original), pieces_of(result)
    found = list(_line_findings(before, result, after))
    if [(piece.kind, piece.path) for piece in before] != [(piece.kind, piece.path) for piece in after]:
        return [*found, f"parts were {_shape(before)}, are {_shape(after)}"]
    pairs = list(_pairs(before, after))
    leaves = frozenset(expected.leaves)
    if expected.some:
        changed = {
            each.before.path for each in pairs if each.before.data != each.after.data and each.before.path in leaves
        }
        leaves = frozenset(changed) or leaves
    for pair in pairs:
        found += _piece_findings(expected, leaves, pair, notice)
    found += _boundary_findings(before, after)
    return [*found, *_second_opinion(original, result)]


def _shape(pieces: Sequence[Piece]) -> str:
    paths = [piece.path or "-" for piece in pieces if piece.kind is Kind.HEADER]
    return " ".join(paths if len(paths) < 12 else [*paths[:11], f"… {len(paths)}"])


def _pairs(before: Sequence[Piece], after: Sequence[Piece]) -> Iterator[_Pair]:
    old = new = Entity("", {}, "7bit", "", "")
    for was, now in zip(before, after, strict=True):
        if was.kind is Kind.HEADER:
            assert was.entity is not None
            assert now.entity is not None
            old, new = was.entity, now.entity
        yield _Pair(was, now, (old, new))


def _line_findings(before: Sequence[Piece], result: bytes, after: Sequence[Piece]) -> Iterator[str]:
    if bare_ends(result):
        yield "a CR or LF stands alone"
    old = Counter(line for piece in before for line in piece.data.split(b"\r\n") if len(line) > _LONGEST)
    for piece in after:
        for line in piece.data.split(b"\r\n"):
            if len(line) > _LONGEST and old[line] == 0:
                yield f"a line of {len(line)} octets in {piece.kind} {piece.path}"


def _piece_findings(expected: Expected, leaves: frozenset[str], pair: _Pair, notice: Notice) -> Iterator[str]:
    was, now = pair.before, pair.after
    edited = was.path in leaves
    match was.kind:
        case Kind.GLUE:
            if now.data not in {was.data, b"\r\n" + was.data if was.data.startswith(b"--") else was.data}:
                yield f"what stands between the parts changed: {was.data[:60]!r} became {now.data[:60]!r}"
        case Kind.HEADER:
            root = not was.enclosing
            yield from _header_findings(was, now, root, edited, notice if root else None)
        case Kind.BODY if edited:
            yield from _leaf_findings(expected, pair, notice)
        case Kind.BODY if was.data != now.data:
            yield f"body {was.path} changed, it was none to touch"


def _header_findings(was: Piece, now: Piece, root: bool, edited: bool, notice: Notice | None) -> Iterator[str]:
    old, new = fields_of(was.data), fields_of(now.data)
    free = (_ENCODING_FIELDS | _STALE if edited else set()) | ({"mime-version"} if root else set())
    if notice is not None:
        yield from _added_findings(new, notice)
        replaced = {name.lower() for name, _ in notice.headers}
        old = [each for each in old if not notice.drops(name_of(each)) and name_of(each) not in replaced]
        new = [each for each in new if name_of(each) not in replaced]
        gone = "dkim-signature"
        old = [each for each in old if name_of(each) != gone]
    kept = [each for each in old if name_of(each) not in free]
    found = [each for each in new if name_of(each) not in free]
    if kept != found:
        odd = [each[:70] for each in kept + found if kept.count(each) != found.count(each)] or [b"their order"]
        yield f"fields of {was.path or 'the mail'} changed: {odd[:3]}"
    if root and [each for each in old if name_of(each) == "mime-version"] not in (
        [],
        [each for each in new if name_of(each) == "mime-version"],
    ):
        yield "MIME-Version changed"
    if edited:
        yield from _content_findings(was, now)
    if not now.data.endswith(b"\r\n\r\n") and was.data.endswith(b"\r\n\r\n"):
        yield f"the blank line below the header of {was.path} is gone"


def _content_findings(was: Piece, now: Piece) -> Iterator[str]:
    assert was.entity is not None
    assert now.entity is not None
    for name in sorted(_ENCODING_FIELDS):
        times = [name_of(each) for each in fields_of(now.data)].count(name)
        if times > max(1, [name_of(each) for each in fields_of(was.data)].count(name)):
            yield f"{name} stands {times} times in {was.path}"
    old = {name: text for name, text in was.entity.params.items() if name not in _FREE_PARAMS}
    new = {name: text for name, text in now.entity.params.items() if name not in _FREE_PARAMS}
    if (was.entity.type, old) != (now.entity.type, new):
        yield f"the type of {was.path} changed: {was.entity.type} {old} became {now.entity.type} {new}"


def _added_findings(new: Sequence[bytes], notice: Notice) -> Iterator[str]:
    for name, value in notice.headers:
        there = [value_of(each) for each in new if name_of(each) == name.lower()]
        if [" ".join(each.split()) for each in there] != [value]:
            yield f"{name} stands {len(there)} times or says something else"
    for each in new:
        if name_of(each) == "dkim-signature" or notice.drops(name_of(each)):
            yield f"{name_of(each)} is still there"


def _leaf_findings(expected: Expected, pair: _Pair, notice: Notice) -> Iterator[str]:
    (old, new), path = pair.entities, pair.before.path
    yield from _declared_findings(pair)
    was, now = text_of(old, pair.before.data), text_of(new, pair.after.data)
    if was is None or now is None:
        octets = octets_of(old, pair.before.data), octets_of(new, pair.after.data)
        if octets[0] is None or octets[1] is None or codec_of(old) != codec_of(new):
            yield f"{path} was recoded, though it cannot be read with certainty, or cannot be read any more"
            return
        was, now = octets[0].decode("latin-1"), octets[1].decode("latin-1")
        notice = _as_octets(notice, codec_of(old) or "us-ascii")
    if path in expected.already:
        if was.strip() != now.strip():
            yield f"{path} had the notice and changed"
    elif old.type == "text/html":
        yield from _html_findings(path, was, now, notice, expected.shown)
    else:
        yield from _text_findings(path, lines_of(old, was), lines_of(new, now), notice)


def _as_octets(notice: Notice, codec: str) -> Notice:
    """The notice as it looks where only octets can be compared."""
    text = notice.text.encode(codec, "replace").decode("latin-1")
    return replace(notice, text=text, html=notice.html.encode(codec, "xmlcharrefreplace").decode("latin-1"))


def _text_findings(path: str, was: list[str], now: list[str], notice: Notice) -> Iterator[str]:
    while was and not was[-1]:
        was.pop()
    if now[: len(was)] != was:
        place = next((n for n, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), len(now))
        line = "".join(now[place : place + 1])
        yield f"text {path} differs in line {place + 1}: {was[place][:60]!r} became {line[:60]!r}"
        return
    rest = "\n".join(now[len(was) :]).strip()
    if not notice.says(rest):
        yield f"text {path} ends with {rest[:80]!r} and not with the notice"


def _html_findings(path: str, was: str, now: str, notice: Notice, shown: bool) -> Iterator[str]:
    places = list(fragment_pattern(notice.html).finditer(now))
    if len(places) != 1:
        yield f"the notice stands {len(places)} times in html {path}"
        return
    left, right = now[: places[0].start()].rstrip(), now[places[0].end() :].lstrip()
    seam = was[len(left) : len(was) - len(right)]
    if not was.startswith(left) or not was.endswith(right) or len(left) + len(right) > len(was) or seam.strip():
        yield f"html {path} changed outside the notice"
    marks = Counter(seen_marks(now))
    if shown and (missing := Counter(marks_in(notice.html)) - (marks - Counter(seen_marks(was)))):
        yield f"a browser does not show {sorted(missing)} in html {path}"


def _declared_findings(pair: _Pair) -> Iterator[str]:
    new, data, path = pair.entities[1], pair.after.data, pair.before.path
    if new.encoding not in {"8bit", "binary"} and not data.isascii() and pair.before.data.isascii():
        yield f"8-bit octets in {path}, which is declared {new.encoding}"
    bodies = (pair.before.data, pair.after.data)
    long = [any(len(line) > _LONGEST_ENCODED for line in each.split(b"\r\n")) for each in bodies]
    if new.encoding == "quoted-printable" and long == [False, True]:
        yield f"a quoted-printable line over 76 octets in {path}"


def _boundary_findings(before: Sequence[Piece], after: Sequence[Piece]) -> Iterator[str]:
    """RFC 2046 5.1: no line of a part begins with a delimiter; RFC 2045 6.4: 7bit multiparts hold 7bit parts."""
    around = {piece.entity.boundary for piece in after if piece.entity is not None and piece.entity.boundary}
    delimiters = tuple(b"--" + each.encode("utf-8", "surrogateescape") for each in around)
    for was, now in zip(before, after, strict=True):
        if now.kind is Kind.BODY and was.data != now.data and delimiters:
            old = {line for line in was.data.split(b"\r\n") if line.startswith(delimiters)}
            if {line for line in now.data.split(b"\r\n") if line.startswith(delimiters)} - old:
                yield f"a line of {now.path} begins with a delimiter"
    whole = [b"".join(piece.data for piece in each if piece.kind is Kind.BODY) for each in (before, after)]
    root = after[0].entity
    if root is not None and root.boundary and root.encoding == "7bit" and whole[0].isascii() and not whole[1].isascii():
        yield "8-bit octets inside a multipart that is 7bit"


@dataclass(frozen=True, slots=True)
class _Opinion:
    """What the standard library sees. None: it cannot parse that deep."""

    types: list[str] = field(default_factory=list)
    defects: Counter[str] = field(default_factory=Counter)


def _opinion(data: bytes) -> _Opinion | None:
    try:
        mail = message_from_bytes(data, policy=policy.compat32)
        parts: list[Message] = list(mail.walk())
    except RecursionError:
        return None
    for part in parts:
        if part.get_content_maintype() == "text":
            part.get_payload(decode=True)
    defects = Counter(type(defect).__name__ for part in parts for defect in part.defects)
    return _Opinion([part.get_content_type() for part in parts], defects)


def _second_opinion(original: bytes, result: bytes) -> Iterator[str]:
    was, now = _opinion(original), _opinion(result)
    if was is None or now is None:
        return
    odd = [n for n, each in enumerate(was.types) if not re.fullmatch(r"[\w.+-]+/[\w.+-]+", each)]
    if len(was.types) != len(now.types) or any(
        pair[0] != pair[1] for n, pair in enumerate(zip(was.types, now.types, strict=True)) if n not in odd
    ):
        yield f"the standard library sees {now.types[:8]} instead of {was.types[:8]}"
    if more := now.defects - was.defects:
        yield f"the standard library sees new defects: {sorted(more)}"
