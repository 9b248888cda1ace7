"""Quoted-printable lines against the standard library's encoder."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.compose.quoted_printable import quoted_line

LINES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), min_size=1, max_size=300),
    st.lists(
        st.sampled_from(["a", "b c", "=", "é", "€", ".", " ", "\t", "x" * 35, "\x01"]), min_size=1, max_size=90
    ).map("".join),
).filter(lambda line: line != ".")


@given(LINES)
@example("x" * 75 + "=")
@example("x" * 73 + "=")
@example("x" * 72 + "=")
@example("x" * 74 + "éa")
@example("x" * 76)
@example("x" * 77)
@example("x" * 75 + ".")
@example("é" * 40)
def test_a_line_is_written_as_the_standard_library_does(line: str) -> None:
    expected = binascii.b2a_qp(line.encode(), istext=True).replace(b"\n", b"\r\n")
    assert quoted_line(line).encode() == expected


@given(LINES)
def test_no_piece_is_longer_than_76_and_it_reads_back(line: str) -> None:
    written = quoted_line(line)
    assert max(map(len, written.split("\r\n"))) <= 76
    assert binascii.a2b_qp(written.encode()).decode() == line


@given(
    st.lists(
        st.sampled_from([" ", "a" * 20, "=", "\t", "ä", "abc\x01\x02\x03\x04\x05\x06\x07\x0b\x0c", "."]), min_size=2
    )
    .map("".join)
    .filter(lambda line: line != ".")
)
@example("\0" * 21 + " " * 13 + "\0")
@example("\0" * 21 + " " * 12 + "\t ")
def test_spaces_before_an_escape_make_no_line_too_long(line: str) -> None:
    written = quoted_line(line)
    assert max(map(len, written.split("\r\n"))) <= 76
    assert binascii.a2b_qp(written.encode()).decode() == line


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        quoted_line("x\ud800")
