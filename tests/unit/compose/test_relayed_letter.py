"""What is read of a relayed message, and whether HTML could stand in it."""

from __future__ import annotations

import pytest

from penstock.compose.message_words import leaf_words
from penstock.compose.relayed_letter import may_show_html
from penstock.compose.splice.part_tree import first_seen

MULTIPART = b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n\r\nHello\r\n'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"From: a\r\n\r\n<p>Hello</p>\r\n", False),
        (b"Content-Type: text/plain; name=a.html\r\n\r\nHello\r\n", False),
        (b"Content-Type: TEXT/(c)Plain\r\n\r\nHello\r\n", False),
        (b"Content-Type: text/html\r\n\r\nHello\r\n", True),
        (b"Content-Type: text/\r\n HTML\r\n\r\nHello\r\n", True),
        (MULTIPART + b"--b--\r\n", True),
        (MULTIPART + b"--b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n--b--\r\n", True),
        (b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nHello\r\n", True),
        (b"no header\r\n\r\nHello\r\n", True),
        (b"", False),
    ],
)
def test_only_one_plain_text_has_no_place_for_html(data: bytes, expected: bool) -> None:
    assert may_show_html(data) == expected


@pytest.mark.parametrize(
    "charset", ["us-ascii", "utf-8", "iso-8859-1", "windows-1252", "iso-2022-jp", "shift_jis", "utf-16"]
)
@pytest.mark.parametrize("octets", [b"a\r\nb\rc\nd\r\n", b"\xe2\x82\r\n\xff\r\n\x81\r\n", b"\x1b$B\r\n\x1b(B\r\n"])
def test_line_ends_are_the_same_whenever_they_are_told(charset: str, octets: bytes) -> None:
    data = f"Content-Type: text/plain; charset={charset}\r\n\r\n".encode() + octets
    leaves = first_seen(data)
    assert isinstance(leaves, list)
    words = leaf_words(data, leaves[0])
    if isinstance(words, str) and charset != "utf-16":
        assert words == octets.decode(charset, "replace").replace("\r\n", "\n")
