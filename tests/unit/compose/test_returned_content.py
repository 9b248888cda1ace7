"""What of a message goes back with a report on it."""

from __future__ import annotations

import pytest

from penstock.compose.returned_content import FULL_BELOW, HEAD_BELOW, returned_content

HEADERS = b"Content-Type: text/rfc822-headers\r\n\r\n"
QUOTED = b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"


@pytest.mark.parametrize(
    "field",
    [b"Bcc: a@b.example", b"bcc : a@b.example,\r\n\tc@d.example", b"Resent-Bcc:", b"X-Penstock-Tag: x\r\n y\r\n z"],
)
def test_what_others_must_not_see_is_taken_out_wherever_it_stands(field: bytes) -> None:
    for head in (b"%s\r\nTo: x\r\n", b"To: x\r\n%s\r\n"):
        assert returned_content(head % field + b"\r\nBody\r\n", full=False) == HEADERS + b"To: x\r\n"


def test_a_field_that_only_looks_like_one_of_ours_stays() -> None:
    head = b"X-Bcc: a\r\nX-Penstockade: b\r\nSubject: a\r\n Bcc: c\r\n"
    assert returned_content(head + b"\r\n", full=False) == HEADERS + head


def test_nothing_left_is_nothing() -> None:
    assert returned_content(b"Bcc: a@b.example\r\n\r\nBody", full=True) == b""
    assert returned_content(b"", full=True) == b""


def test_a_whole_message_stays_as_it_is_but_for_that() -> None:
    message = b"To: x\r\nBcc: y\r\n\r\n.\r\nFrom here on\r\n"
    assert returned_content(message, full=True) == (
        b"Content-Type: message/rfc822\r\n\r\nTo: x\r\n\r\n.\r\nFrom here on\r\n"
    )


def test_a_head_without_an_end_is_cut_at_a_whole_line() -> None:
    line = b"X-Long: " + b"x" * 60 + b"\r\n"
    part = returned_content(line * 1_000, full=True)
    assert part == HEADERS + line * (HEAD_BELOW // len(line))


@pytest.mark.parametrize(("size", "whole"), [(FULL_BELOW - 1, True), (FULL_BELOW, False)])
def test_size_decides(size: int, *, whole: bool) -> None:
    head = b"To: x\r\n\r\n"
    part = returned_content(head + b"\r\n" * ((size - len(head)) // 2) + b"." * ((size - len(head)) % 2), full=True)
    assert part.startswith(b"Content-Type: message/rfc822\r\n") is whole


@pytest.mark.parametrize("body", [b"\xff\r\n", b"a\nb\r\n", b"a\rb\r\n", b"\x00\r\n", b"x" * 999])
def test_a_body_that_is_no_seven_bit_text_does_not_go_back(body: bytes) -> None:
    assert returned_content(b"To: x\r\n\r\n" + body, full=True) == HEADERS + b"To: x\r\n"


@pytest.mark.parametrize(
    ("head", "kind", "encoded"),
    [
        ("To: å\r\n".encode(), b"message/global-headers", b"To: =C3=A5\r\n"),
        (b"To: \xe5\r\n", b"text/rfc822-headers", b"To: =E5\r\n"),
        (b"To: x\x00y\r\n", b"text/rfc822-headers", b"To: x=00y\r\n"),
    ],
)
def test_a_head_that_is_no_seven_bit_text_is_encoded(head: bytes, kind: bytes, encoded: bytes) -> None:
    part = returned_content(head + b"\r\n", full=False)
    assert part == b"Content-Type: " + kind + b"\r\n" + QUOTED + encoded
