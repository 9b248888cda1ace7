"""Relaxed canonicalisation: RFC 6376 section 3.4, the way round against the short cut."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.compose.relaxed import relaxed, relaxed_body

HEAD = b"From: a@b.example\r\n\r\n"
LINES = st.lists(
    st.one_of(
        st.sampled_from([b"", b" ", b"\t", b"  \t ", b"a b", b"a  b", b"a\tb", b" a", b"a ", b".", b"<p>x</p>"]),
        st.binary(max_size=30).map(lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"")),
    ),
    max_size=12,
)


def by_the_letter(body: bytes) -> bytes:
    """RFC 6376 section 3.4.4, word by word, line by line."""
    lines = [re.sub(rb"[\t ]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


@given(LINES, st.booleans())
@example([b"a b", b"c"], True)
@example([], True)
@example([b"", b""], True)
@example([b" "], False)
def test_the_body_is_as_the_rfc_says_and_the_short_cut_changes_nothing(lines: list[bytes], closed: bool) -> None:
    body = b"\r\n".join(lines) + (b"\r\n" if closed and lines else b"")
    assert relaxed_body(body) == by_the_letter(body)
    assert relaxed(HEAD + body).body_hash == hashlib.sha256(by_the_letter(body)).digest()


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # the RFC's own example (3.4.5)
        (b"", b""),
        (b"\r\n", b""),
        (b"\r\n \r\n\t\r\n", b""),
        (b"x", b"x\r\n"),
        (b"x \t", b"x\r\n"),
        (b"\r\nx\r\n", b"\r\nx\r\n"),
        (b" " * 100_001 + b"x" + b"\t" * 7 + b"\r\n", b" x\r\n"),
    ],
)
def test_bodies_in_relaxed_form(body: bytes, canonical: bytes) -> None:
    assert relaxed_body(body) == canonical
    assert relaxed(HEAD + body).body_hash == hashlib.sha256(canonical).digest()


def test_the_fields_are_unfolded_collapsed_and_in_lower_case() -> None:
    data = b"A: X\r\nB : Y\t\r\n\tZ  \r\nSUBJECT:\r\n  one\r\n \t two\r\n\r\nbody\r\n"
    seen = relaxed(data)
    assert seen.names == (b"a", b"b", b"subject")
    assert seen.fields == (b"a:X", b"b:Y Z", b"subject:one two")


@pytest.mark.parametrize("data", [b"From: x\r\n", b"From: x", b"From: x\r\n\r\n"])
def test_a_message_without_a_body_has_an_empty_one(data: bytes) -> None:
    seen = relaxed(data)
    assert seen.fields == (b"from:x",)
    assert seen.body_hash == hashlib.sha256(b"").digest()


def test_a_line_that_is_no_field_is_passed_over() -> None:
    assert relaxed(b"From: x\r\nno field\r\n: nameless\r\nTo: y\r\n\r\n").names == (b"from", b"to")


def test_octets_beyond_ascii_stay_as_they_are() -> None:
    assert relaxed("Subject: Größe  \r\n\r\n".encode()).fields == ("subject:Größe".encode(),)
