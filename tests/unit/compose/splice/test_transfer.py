"""Contents taken out of their transfer encoding and grafted into."""

from __future__ import annotations

import base64
import binascii
import quopri

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from penstock.compose.splice.edit import joined
from penstock.compose.splice.transfer import content_of, grafted, has_long_line, smallest, written

LINES = st.lists(st.binary(max_size=90).map(lambda line: line.replace(b"\r", b"").replace(b"\n", b"")), max_size=8)
CONTENTS = st.one_of(LINES.map(b"\r\n".join), LINES.map(b"\n".join), st.binary(max_size=400))
GRAFTS = st.sampled_from([b"\r\nnew\r\n", b"new\r\n", b"n\xf6w " + b"x" * 90 + b"\r\n", b"\nnew\n", b"new"])


in_its_own_time = settings(deadline=None)
"""The first example of a run and one on a busy machine take a hundred times as long as the others."""


def quoted(content: bytes, soft: int) -> bytes:
    """Quoted-printable by the standard library, escapes in lines of about `soft` octets."""
    lines = [binascii.b2a_qp(line, istext=False).replace(b"=\n", b"=\r\n") for line in content.split(b"\r\n")]
    if soft:
        lines = [
            b"=\r\n".join([line[i : i + soft] for i in range(0, len(line), soft)]) if b"=" not in line else line
            for line in lines
        ]
    return b"\r\n".join(lines)


def in_base64(content: bytes, width: int) -> bytes:
    whole = base64.b64encode(content)
    return b"\r\n".join(whole[place : place + width] for place in range(0, len(whole), width))


def longest(raw: bytes) -> int:
    return max(map(len, raw.split(b"\r\n")))


@in_its_own_time
@given(CONTENTS, GRAFTS, st.integers(0, 400), st.sampled_from([0, 1, 20]))
@example(b"one\r\ntwo", b"new\r\n", 5, 0)
@example(b"one ", b"\r\nnew\r\n", 4, 0)
def test_quoted_printable_takes_a_graft_anywhere(content: bytes, graft: bytes, at: int, soft: int) -> None:
    raw, place = quoted(content, soft), min(at, len(content))
    data = b"head" + raw + b"tail"
    body = (4, 4 + len(raw))
    assert content_of(data, body, "quoted-printable") == content
    done = joined(data, grafted(data, body, "quoted-printable", content, (place, graft)))
    assert done.startswith(b"head")
    assert done.endswith(b"tail")
    assert quopri.decodestring(done[4:-4]) == content[:place] + graft + content[place:]
    assert longest(done[4:-4]) <= max(longest(raw), 76)


@in_its_own_time
@given(
    CONTENTS,
    GRAFTS,
    st.integers(0, 400),
    st.sampled_from([4, 7, 60, 76, 600]),
    st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]),
)
def test_base64_takes_a_graft_anywhere(content: bytes, graft: bytes, at: int, width: int, end: bytes) -> None:
    raw, place = in_base64(content, width) + end, min(at, len(content))
    data = b"head" + raw + b"tail"
    body = (4, 4 + len(raw))
    assert content_of(data, body, "base64") == content
    done = joined(data, grafted(data, body, "base64", content, (place, graft)))[4:-4]
    assert base64.b64decode(done) == content[:place] + graft + content[place:]
    assert done.endswith(end)
    assert longest(done) <= max(width, 76)


@in_its_own_time
@given(
    CONTENTS, st.sampled_from([b"-" * 100, b"--b\r\n--b", b"x-- --" * 30]), st.integers(0, 400), st.sampled_from([0, 5])
)
def test_no_line_of_a_graft_begins_with_what_is_taboo(content: bytes, graft: bytes, at: int, soft: int) -> None:
    content = content.replace(b"-", b"+")
    raw, place = quoted(content, soft), min(at, len(content))
    edits = grafted(raw, (0, len(raw)), "quoted-printable", content, (place, graft), (b"--", b"--b"))
    done = joined(raw, edits)
    assert b"\n--" not in b"\n" + done
    assert quopri.decodestring(done) == content[:place] + graft + content[place:]
    assert longest(done) <= max(longest(raw), 76)


def test_a_dash_is_written_out_only_where_a_line_would_be_taboo() -> None:
    edits = written((0, 0), "quoted-printable", b"--a\r\n--b\r\n-- \r\n", (b"--b",))
    assert joined(b"", edits) == b"--a\r\n=2D-b\r\n--=20\r\n"


def test_a_full_line_that_goes_on_is_not_broken_before_what_is_taboo() -> None:
    graft = b"a" * 25 + b"--b" + b"a" * 48
    done = joined(b"tail", grafted(b"tail", (0, 4), "quoted-printable", b"tail", (0, graft), (b"--b",)))
    assert b"\n--b" not in done
    assert quopri.decodestring(done) == graft + b"tail"


def test_the_line_is_found_from_either_end() -> None:
    content = b"".join(b"line %d =\r\n" % number for number in range(100))
    raw = content.replace(b"=", b"=3D")
    for place in (0, 9, 18, len(content) // 2, len(content) - 9, len(content)):
        (edit,) = grafted(raw, (0, len(raw)), "quoted-printable", content, (place, b"new\r\n"))
        assert edit[1] - edit[0] < 20
        assert quopri.decodestring(joined(raw, [edit])) == content[:place] + b"new\r\n" + content[place:]


def test_lines_before_the_place_stay_as_they_are() -> None:
    content = b"".join(b"<p>line %d</p>\r\n" % number for number in range(100)) + b"</body>"
    for encoding, raw in (("base64", in_base64(content, 60)), ("quoted-printable", quoted(content, 11))):
        edits = grafted(raw, (0, len(raw)), encoding, content, (len(content) - 7, b"new\r\n"))
        assert min(start for start, _, _ in edits) > len(raw) - 140


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        (b"aGk", "base64"),
        (b"aGk=aGk=", "base64"),
        (b"aGk=\r\n-- \r\nfooter", "base64"),
        (b"a*Gk", "base64"),
        (b"aGkh==", "base64"),
        (b"aGkh====", "base64"),
        (b"text", "x-uuencode"),
        (b"text", ""),
    ],
)
def test_what_readers_would_decode_differently_is_not_decoded(raw: bytes, encoding: str) -> None:
    assert content_of(raw, (0, len(raw)), encoding) is None


def test_a_line_that_is_full_of_spaces_before_an_escape_is_not_too_long() -> None:
    content = b"\0" * 21 + b" " * 13 + b"\n"
    raw = joined(b"", written((0, 0), "quoted-printable", content))
    assert longest(raw) <= 76
    assert quopri.decodestring(raw) == content


@in_its_own_time
@given(
    st.lists(st.sampled_from([b" ", b"a" * 20, b"=", b"\n", b"\t", b"\xe4", b"\r\n", b"."]), max_size=60).map(b"".join)
)
def test_what_is_written_keeps_to_76_signs(content: bytes) -> None:
    raw = joined(b"", written((0, 0), "quoted-printable", content))
    assert longest(raw) <= 76
    assert quopri.decodestring(raw) == content


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
def test_a_whole_body_is_written_in_pieces(encoding: str) -> None:
    content = ("Zeile eins – größer. " * 3 + "\r\n").encode() * 3_000 + b"x" * 200_000 + "ö".encode() * 90_000
    done = joined(b"<old>", written((1, 4), encoding, content))
    assert done.startswith(b"<")
    assert done.endswith(b">")
    assert content_of(done, (1, len(done) - 1), encoding) == content
    if encoding in {"quoted-printable", "base64"}:
        assert longest(done) <= 77


@in_its_own_time
@given(st.binary(max_size=300))
def test_the_smaller_encoding_is_chosen(content: bytes) -> None:
    sizes = {each: len(joined(b"", written((0, 0), each, content))) for each in ("quoted-printable", "base64")}
    if b"\0" not in content and b"\r" not in content and b"\n" not in content:
        assert sizes[smallest(content)] <= min(sizes.values()) * 1.2 + 16


@pytest.mark.parametrize(
    ("octets", "long"),
    [
        (b"", False),
        (b"x" * 998, False),
        (b"x" * 999, True),
        (b"x" * 998 + b"\r\n" + b"y" * 998, False),
        (b"x\r\n" * 999, False),
        (b"x\r\n" + b"y" * 999 + b"\r\n", True),
    ],
)
def test_a_line_has_998_octets_at_most(octets: bytes, long: bool) -> None:
    assert has_long_line(octets) is long


@pytest.mark.parametrize(
    ("line", "coded"),
    [
        (b"plain words, and a tab\there", b"plain words, and a tab\there"),
        (b"a" * 76, b"a" * 76),
        (b"a" * 77, b"a" * 75 + b"=\r\naa"),
        (b".", b"=2E"),
        (b"..", b".."),
        (b".a", b".a"),
        (b"a ", b"a=20"),
        (b"\t", b"=09"),
        (b"", b""),
        (b"1=1", b"1=3D1"),
        (b"a\rb", b"a=0Db"),
        (b"a\nb", b"a=0Ab"),
        (b"\xe4", b"=E4"),
        (b"\x7f", b"=7F"),
        (b"\0", b"=00"),
    ],
)
def test_lines_stay_as_they_are_but_for_those_that_must_not(line: bytes, coded: bytes) -> None:
    around = b"words\r\n\r\n"
    for content, whole in (
        (line, coded),
        (line + b"\r\n" + around, coded + b"\r\n" + around),
        (around + line + b"\r\n" + around, around + coded + b"\r\n" + around),
        (around + line, around + coded),
    ):
        assert joined(b"", written((0, 0), "quoted-printable", content)) == whole


def test_what_is_remembered_of_a_line_does_not_hold_for_another_boundary() -> None:
    content = b"--b and \xe4\r\n"
    for taboo, coded in (((), b"--b and =E4\r\n"), ((b"--b",), b"=2D-b and =E4\r\n"), ((b"--c",), b"--b and =E4\r\n")):
        assert joined(b"", written((0, 0), "quoted-printable", content, taboo)) == coded
