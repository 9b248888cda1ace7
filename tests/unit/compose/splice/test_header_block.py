"""Where the fields of a message stand."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.compose.splice.fault import SpliceFault
from penstock.compose.splice.header_block import HeaderBlock, _one_by_one, _plain_fields, header_block
from penstock.model.codes import Code


def block_of(data: bytes) -> HeaderBlock:
    block = header_block(data, 0, len(data))
    assert isinstance(block, HeaderBlock)
    return block


def test_folded_lines_belong_to_their_field() -> None:
    data = b"Subject: one\r\n two\r\n\tthree\r\nFrom: a@b.example\r\n\r\nbody"
    block = block_of(data)
    assert [(field.name, field.value(data)) for field in block.fields] == [
        ("subject", " one\r\n two\r\n\tthree"),
        ("from", " a@b.example"),
    ]
    assert data[block.body :] == b"body"
    assert data[block.end :] == b"\r\nbody"
    assert block.closed
    assert block.separated


def test_a_message_may_begin_with_its_body() -> None:
    block = block_of(b"\r\nbody")
    assert block.fields == ()
    assert (block.end, block.body) == (0, 2)


def test_a_block_without_an_empty_line_ends_with_its_range() -> None:
    data = b"From: a@b.example\r\nSubject: s\r\n"
    block = block_of(data)
    assert (len(block.fields), block.body, block.separated, block.closed) == (2, len(data), False, True)


def test_the_last_field_may_lack_its_line_end() -> None:
    block = block_of(b"Content-Type: text/html")
    assert not block.closed
    assert block.fields[0].end == 23


def test_a_block_within_a_range_does_not_look_beyond_it() -> None:
    data = b"xxA: 1\r\n\r\nB: 2\r\n\r\n"
    block = header_block(data, 2, 8)
    assert isinstance(block, HeaderBlock)
    assert [field.name for field in block.fields] == ["a"]
    assert not block.separated


@pytest.mark.parametrize(
    "data",
    [
        b"From eva Mon Nov 20 2026\r\nSubject: s\r\n\r\n",
        b"no field\r\n\r\n",
        b" folded: first\r\n\r\n",
        b"Subject : s\r\n\r\n",
        b"Subject: s\r\n: no name\r\n\r\n",
        b"Subject: s\0\r\n\r\n",
        b"Sub\xe4ject: s\r\n\r\n",
        b"a: b\r\n" * 2_001 + b"\r\n",
    ],
)
def test_what_readers_would_read_differently_is_a_fault(data: bytes) -> None:
    fault = header_block(data, 0, len(data))
    assert isinstance(fault, SpliceFault)
    assert fault.code is Code.HEADER_INVALID


def test_octets_beyond_ascii_in_a_value_are_kept_one_by_one() -> None:
    data = "Subject: Größe\r\n\r\n".encode()
    assert block_of(data).fields[0].value(data).encode("latin-1") == " Größe".encode()


def test_a_name_that_is_there_twice_is_a_fault_only_where_one_is_asked_for() -> None:
    block = block_of(b"Received: a\r\nReceived: b\r\nFrom: c\r\n\r\n")
    assert isinstance(block.only("received"), SpliceFault)
    assert block.only("subject") is None
    assert block.only("from") is block.fields[2]


PIECES = [b"a: b", b"From:", b":", b" ", b"\t", b"\r\n", b"\r\n ", b"\n", b"\r", b"\xe4", b"x" * 80 + b":", b"X-Y: z"]


@given(st.lists(st.sampled_from(PIECES), max_size=9).map(b"".join))
@example(b"a: b\r\n c: d\r\ne: f\r\n")
@example(b"a: b\nc: d\r\n")
def test_a_plain_block_is_read_as_one_field_after_the_other_is(head: bytes) -> None:
    plain = _plain_fields(head)
    assert plain in {None, _one_by_one(head)}


@pytest.mark.parametrize(
    ("head", "plain"),
    [
        (b"a: b\r\n\tc\r\nd:e\r\n", True),
        (b"a: b\r\nd", False),
        (b"a: b\r\nd\r\n", False),
        (b" a: b\r\n", False),
        (b"x" * 80 + b": b\r\n", False),
        (b"a: b\r\n" * 10_000, False),
    ],
)
def test_only_a_block_without_any_doubt_is_plain(head: bytes, plain: bool) -> None:
    assert (_plain_fields(head) is not None) == plain


def test_blocks_of_the_same_octets_at_other_places_have_places_of_their_own() -> None:
    data = b"A: 1\r\nB: 2\r\n\r\n"
    for before in (b"", b"x", b"xyz"):
        block = header_block(before + data, len(before), len(before) + len(data))
        assert isinstance(block, HeaderBlock)
        assert [(before + data)[field.start : field.end] for field in block.fields] == [b"A: 1", b"B: 2"]
        assert block.names == ("a", "b")
