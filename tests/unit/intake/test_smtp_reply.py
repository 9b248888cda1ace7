"""Replies say what the protocol needs and what this client may hear, and nothing else."""

from __future__ import annotations

import re

import pytest

from penstock.intake import smtp_reply
from penstock.model.campaign import Stream
from penstock.ports import Client, Refusal, RefusalKind

OPEN = Client("crm", frozenset({Stream.PROSPECTING}))
BLAND = Client("crm", frozenset({Stream.PROSPECTING}), detail="bland")


@pytest.mark.parametrize(
    ("kind", "reply", "bland"),
    [
        (RefusalKind.INVALID, b"550 5.6.0 it cannot be (X)\r\n", b"550 5.7.1 not accepted\r\n"),
        (RefusalKind.FORBIDDEN, b"550 5.7.1 it cannot be (X)\r\n", b"550 5.7.1 not accepted\r\n"),
        (RefusalKind.BLOCKED, b"550 5.7.1 it cannot be (X)\r\n", b"550 5.7.1 not accepted\r\n"),
        (RefusalKind.LATER, b"451 4.3.0 it cannot be (X)\r\n", b"451 4.3.0 try again later\r\n"),
    ],
)
def test_a_refusal_tells_a_client_what_it_may_hear(kind: RefusalKind, reply: bytes, bland: bytes) -> None:
    refusal = Refusal(kind, "it cannot be", "X")
    assert smtp_reply.refused(refusal, OPEN) == reply
    assert smtp_reply.refused(refusal, BLAND) == bland


def test_a_reason_never_becomes_a_second_line() -> None:
    reply = smtp_reply.refused(Refusal(RefusalKind.INVALID, "a\r\n250 ok ü" + "x" * 900), OPEN)
    assert reply.startswith(b"550 5.6.0 a??250 ok ?xx")
    assert reply.count(b"\r\n") == 1
    assert len(reply) <= 512


def test_every_fixed_reply_is_one_short_line_with_a_code_and_a_status_of_its_class() -> None:
    fixed = [value for value in vars(smtp_reply).values() if isinstance(value, bytes)]
    assert len(fixed) > 40
    for reply in fixed:
        assert re.fullmatch(rb"(354 .+|334 \S*|220 2\.0\.0 .+|([245])\d\d \2\.\d\.\d{1,2} [ -~]{2,60})\r\n", reply), (
            reply
        )


def test_an_offer_names_what_can_be_begun_now() -> None:
    reply = smtp_reply.offers("mx.example", 1000, tls=True, login=False)
    assert reply.decode().splitlines() == [
        "250-mx.example", "250-PIPELINING", "250-SIZE 1000", "250-8BITMIME", "250-SMTPUTF8", "250-ENHANCEDSTATUSCODES",
        "250-DSN", "250-STARTTLS", "250 HELP",
    ]  # fmt: skip
    assert b"250-AUTH PLAIN LOGIN\r\n" in smtp_reply.offers("mx.example", 1000, tls=False, login=True)
