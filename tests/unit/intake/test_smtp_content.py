"""The message behind DATA: one reading, however it is cut, and only CRLF "." CRLF ends it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.intake import smtp_reply
from penstock.intake.smtp_content import Content
from penstock.intake.smtp_door import SmtpCounters

END = b"\r\n.\r\n"
SMUGGLED = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n.\n",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\r\n.\n",
]


def read(chunks: Sequence[bytes], limit: int = 10_000, room: int = 10_000) -> tuple[bool, bytes, bytes, bytes]:
    """Whether it ended, what it is, the reply that refuses it, what is left behind it."""
    counters = SmtpCounters()
    content, rest = Content(limit, counters, room), b""
    for chunk in chunks:
        rest = rest + chunk if content.complete else content.feed(chunk)
    fault, data = content.fault, content.take()
    content.drop()
    assert counters.held_octets == 0
    return content.complete, data, fault, rest


def cut(octets: bytes, places: Sequence[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(octets) + 1) for place in places), len(octets)]
    return [octets[start:end] for start, end in pairwise(bounds)]


awkward = st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"a", b"\0", b"\r\n.", END]), max_size=30).map(
    b"".join
)


@given(awkward, st.lists(st.integers(min_value=0), max_size=12))
def test_any_cut_of_the_input_gives_the_same(octets: bytes, places: Sequence[int]) -> None:
    for limit in (10_000, 10):
        assert read(cut(octets, places), limit) == read([octets], limit)


@given(awkward)
def test_it_ends_where_the_first_end_mark_stands_and_nowhere_else(octets: bytes) -> None:
    complete, data, fault, rest = read([octets])
    end = (b"\r\n" + octets).find(END)
    assert complete is (end >= 0)
    if complete:
        raw = octets[:end]
        assert rest == octets[end + 3 :]
        bare = b"\r" in raw.replace(b"\r\n", b"") or b"\n" in raw.replace(b"\r\n", b"")
        assert bool(fault) is (bare or b"\0" in raw)
        if not fault:
            assert data == b"".join(line.removeprefix(b".") for line in raw.splitlines(keepends=True))


@pytest.mark.parametrize("mark", SMUGGLED)
def test_no_sequence_of_the_published_kind_ends_a_message(mark: bytes) -> None:
    octets = b"From: a@b.example\r\n\r\nhello" + mark + b"MAIL FROM:<x@y.example>"
    for number in range(len(octets) + 1):
        complete, _, _, _ = read([octets[:number], octets[number:]])
        assert not complete
    complete, data, fault, rest = read([octets + END + b"QUIT\r\n"])
    assert (complete, data, fault, rest) == (True, b"", smtp_reply.MALFORMED, b"QUIT\r\n")


def test_dots_of_transparency_go_and_all_others_stay() -> None:
    raw = b"..first\r\n..\r\n.x\r\na.b\r\n...\r\nlast.\r\n.\r\n"
    assert read([raw]) == (True, b".first\r\n.\r\nx\r\na.b\r\n..\r\nlast.\r\n", b"", b"")


def test_a_lone_dot_is_an_empty_message() -> None:
    assert read([b".\r\nQUIT\r\n"]) == (True, b"", b"", b"QUIT\r\n")


def test_what_is_larger_than_the_limit_is_let_go_by_without_being_kept() -> None:
    counters = SmtpCounters()
    content = Content(1_000, counters, 10_000)
    for _ in range(100):
        assert content.feed(b"x" * 98 + b"\r\n") == b""
        assert counters.held_octets <= 1_000
    assert content.feed(b".\r\nNOOP\r\n") == b"NOOP\r\n"
    assert content.fault == smtp_reply.TOO_LARGE
    assert content.complete


def test_the_limit_counts_octets_without_transparency_dots() -> None:
    assert read([b"..\r\n" * 10 + b".\r\n"], limit=30)[2] == b""
    assert read([b"..\r\n" * 10 + b".\r\n"], limit=29)[2] == smtp_reply.TOO_LARGE


def test_a_message_that_all_together_have_no_room_for_is_refused_for_now() -> None:
    counters = SmtpCounters()
    first, second = Content(1_000, counters, 150), Content(1_000, counters, 150)
    first.feed(b"x" * 98 + b"\r\n")
    second.feed(b"x" * 98 + b"\r\n")
    assert second.fault == smtp_reply.NO_ROOM
    assert first.fault == b""
    first.drop()
    assert counters.held_octets == 0


def test_a_message_counts_until_it_has_its_answer() -> None:
    counters = SmtpCounters()
    content = Content(1_000, counters, 1_000)
    content.feed(b"abc\r\n.\r\n")
    assert content.take() == b"abc\r\n"
    assert counters.held_octets == 5
    content.drop()
    content.drop()
    assert counters.held_octets == 0


def test_a_message_that_comes_octet_by_octet_stays_few_objects() -> None:
    content = Content(300_000, SmtpCounters(), 300_000)
    for _ in range(200_000):
        content.feed(b"x")
    assert len(content._pieces) < 10
    assert content.take() == b"x" * 200_000
