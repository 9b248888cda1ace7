"""What is wrong with messages that programs hand in finished, told in a short time."""

from __future__ import annotations

import time

import pytest

from penstock.compose.finished import header_findings, header_names, ready_made_findings
from penstock.model.codes import Code

HEAD = b"From: a@firm.example\r\nDate: Sun, 22 Nov 2026 07:00:00 +0000\r\n"
SIGNED = b"Content-Type: multipart/signed; boundary=b; protocol=application/pgp-signature\r\n"


def fields(data: bytes) -> set[str]:
    return {field for code, field, _ in ready_made_findings(data) if code is Code.PLACEHOLDER_LEFT}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"Subject: a\r\n\r\nHello\r\n", set()),
        (b"Subject: Hello {{ name }}\r\n\r\nHello\r\n", {"Subject"}),
        (b"Subject: =?utf-8?q?Hello_=7B=7B_name_=7D=7D?=\r\n\r\nHello\r\n", {"Subject"}),
        (b"\r\nHello {% if a %}\r\n", {"plain"}),
        (b"Content-Transfer-Encoding: base64\r\n\r\ne3sgbmFtZSB9fQ==\r\n", {"plain"}),
        (b"Content-Type: text/html\r\n\r\n<style>@media a{b{c:d}}</style>\r\n", set()),
        (b"Content-Type: text/html; charset=utf-16\r\n\r\n\0{\0{\0a\0}\0}", {"html"}),
        (SIGNED + b"\r\n--b\r\n\r\nHello {{ name }}\r\n--b--\r\n", {"plain"}),
        (SIGNED + b"\r\n--b\r\nContent-Disposition: attachment\r\n\r\n{{ name }}\r\n--b--\r\n", set()),
        (SIGNED + b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: a\r\n\r\n{{ a }}\r\n--b--\r\n", set()),
    ],
)
def test_template_marks_are_found_in_what_people_read(data: bytes, expected: set[str]) -> None:
    assert fields(HEAD + data) == expected


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: " + b"word word word\r\n " * 24_000 + b"x\r\n",
        b"Subject: " + b"=?utf-8?q?a?= =?utf-8?q?b?=\r\n " * 8_000 + b"x\r\n",
        b"Content-Type: text/plain; " + b"a=b;\r\n " * 16_000 + b"c=d\r\n",
        b"Content-Type: text/plain; " + b"(" * 90_000 + b"\r\n",
        b"Content-Disposition: " + b"=?utf-8?q?a?=\r\n " * 14_000 + b"x\r\n",
    ],
)
def test_the_time_it_takes_grows_as_the_head_does(head: bytes) -> None:
    begun = time.process_time()
    list(ready_made_findings(HEAD + head + b"\r\nHello\r\n"))
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"From: a\r\nTO: b\r\n folded: c\r\nto:d\r\n\r\nX: y\r\n", ["from", "to", "to"]),
        (b"From: a\r\nno field\r\n\r\nbody", ["from", "no field"]),
        (b"From: a\r\n: b\r\n\r\nbody", ["from", ""]),
        (b"From: a\r\nTo: b\r\n", []),
        (b"\r\nFrom: a\r\n\r\n", ["from"]),
        (b"", []),
    ],
)
def test_names_are_told_of_a_sound_head_and_of_any_other(data: bytes, expected: list[str]) -> None:
    assert header_names(data) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["date", "from", "to", "subject", "message-id", "mime-version"], set()),
        (["received", "received", "date", "from", "to", "subject", "message-id", "mime-version"], set()),
        (["date", "from", "to", "subject", "message-id"], {"mime-version"}),
        (["date", "from", "from", "to", "subject", "message-id", "mime-version"], {"from"}),
        (["date", "from", "to", "subject", "message-id", "mime-version", "reply-to", "reply-to"], {"reply-to"}),
    ],
)
def test_fields_that_lack_or_are_there_twice_are_found(names: list[str], expected: set[str]) -> None:
    assert {field for _, field, _ in header_findings(names, b"", commercial=True)} == expected
