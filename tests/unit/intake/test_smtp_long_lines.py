"""Lines that are too long are encoded where a text part holds them."""

from __future__ import annotations

from email import message_from_bytes
from email.message import Message

import pytest

from penstock.intake.smtp_long_lines import has_long_line, shortened

LONG = b"<p>" + b"Gr\xc3\xbc\xc3\x9fe aus Berlin und Lyon " * 200 + b"</p>"


def parts(data: bytes) -> list[Message]:
    return [part for part in message_from_bytes(data).walk() if not part.is_multipart()]


@pytest.mark.parametrize("head", [b"", b"Content-Transfer-Encoding: 8bit\r\n", b"MIME-Version: 1.0\r\n"])
@pytest.mark.parametrize("line", [LONG, b"\xff\xfe" * 900])
def test_a_long_line_of_a_plain_message_is_encoded_and_reads_the_same(head: bytes, line: bytes) -> None:
    data = b"Subject: x\r\n" + head + b"\r\nbefore\r\n" + line + b"\r\nafter\r\n"
    mended = shortened(data)
    assert mended is not None
    assert not has_long_line(mended)
    message = message_from_bytes(mended)
    assert len(message.get_all("MIME-Version", [])) == 1
    assert message.get_payload(decode=True).removesuffix(b"\r\n") == b"before\r\n" + line + b"\r\nafter"  # type: ignore[union-attr]


def test_only_the_part_that_needs_it_changes() -> None:
    data = (
        b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nshort\r\n"
        b"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + LONG + b"\r\n--b--\r\n"
    )
    mended = shortened(data)
    assert mended is not None
    assert mended.startswith(data[: data.index(b"<p>") - 2])
    plain, html = parts(mended)
    assert plain["Content-Transfer-Encoding"] is None
    assert html["Content-Transfer-Encoding"] == "quoted-printable"
    assert html.get_payload(decode=True) == LONG


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: " + b"x" * 1_000 + b"\r\n\r\nbody\r\n",
        b"Content-Transfer-Encoding: base64\r\n\r\n" + b"QUFB" * 300 + b"\r\n",
        b'Content-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\n\r\n' + LONG + b"\r\n--b--\r\n",
        b"no header\r\n" + LONG + b"\r\n",
    ],
)
def test_what_cannot_be_mended_without_harm_is_left_to_be_refused(data: bytes) -> None:
    assert shortened(data) is None


def test_a_line_of_998_octets_is_not_long() -> None:
    assert not has_long_line(b"x" * 998 + b"\r\n" + b"y" * 998)
    assert has_long_line(b"x" * 999 + b"\r\n")
