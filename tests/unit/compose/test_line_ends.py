"""Bare CR and LF are told from whole line ends."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.compose.line_ends import only_crlf, with_lf

OCTETS = st.one_of(
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x", b"\x85", b"\xe2\x80\xa8", b"\x0b", b"\x1c"])).map(b"".join),
)


@given(OCTETS)
def test_every_cr_and_every_lf_must_belong_to_a_pair(data: bytes) -> None:
    pairs = data.count(b"\r\n")
    assert only_crlf(data) == (data.count(b"\r") == pairs == data.count(b"\n"))


@pytest.mark.parametrize("data", [b"", b"no end", b"a\r\n", b"\r\n\r\n", b"a\r\n\x85\r\n"])
def test_whole_line_ends_are_fine(data: bytes) -> None:
    assert only_crlf(data)


@pytest.mark.parametrize("data", [b"\r", b"\n", b"a\r\nb\n", b"a\r\nb\r", b"\n\r", b"a\r\r\n", b"a\r\n\n"])
def test_one_bare_octet_is_seen_wherever_it_stands(data: bytes) -> None:
    assert not only_crlf(data)


@given(OCTETS)
@example(b"a\r\nb\rc\r\n")
@example(b"a\r\nb\nc\r")
@example(b"\r\r\n\n\r")
def test_only_whole_line_ends_become_lf(data: bytes) -> None:
    assert with_lf(data) == data.replace(b"\r\n", b"\n")
