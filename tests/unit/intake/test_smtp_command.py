"""Command lines: what is read, and which reply refuses the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.intake import smtp_reply
from penstock.intake.smtp_command import MailFrom, mail_from, rcpt_to, split
from penstock.ports import Recipient


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (b"NOOP\r\n", ("NOOP", "")),
        (b"noop \r\n", ("NOOP", "")),
        (b"Mail FROM:<a@b.example> SIZE=1\r\n", ("MAIL", "FROM:<a@b.example> SIZE=1")),
        ("RCPT TO:<jürgen@b.example>\r\n".encode(), ("RCPT", "TO:<jürgen@b.example>")),
        (b"\r\n", ("", "")),
        (b"NOOP\n", smtp_reply.UNREADABLE),
        (b"NO\0OP\r\n", smtp_reply.UNREADABLE),
        (b"NOOP\rQUIT\r\n", smtp_reply.UNREADABLE),
        ("NOOP ü\r\n".encode(), smtp_reply.UNREADABLE),
        (b"RCPT TO:<j\xfcrgen@b.example>\r\n", smtp_reply.UNREADABLE),
        (b"NOOP " + b"x" * 505 + b"\r\n", ("NOOP", "x" * 505)),
        (b"NOOP " + b"x" * 506 + b"\r\n", smtp_reply.TOO_LONG),
        (b"AUTH " + b"x" * 12_281 + b"\r\n", ("AUTH", "x" * 12_281)),
        (b"AUTH " + b"x" * 12_282 + b"\r\n", smtp_reply.TOO_LONG),
        (b"MAIL " + b"x" * 2_042 + b"\r\n", smtp_reply.TOO_LONG),
    ],
)
def test_a_line_is_a_verb_and_what_follows_or_gets_its_reply(line: bytes, read: object) -> None:
    assert split(line) == read


@given(st.binary(max_size=600))
def test_no_octets_whatever_upset_the_reading_of_a_line(octets: bytes) -> None:
    found = split(octets + b"\r\n")
    if isinstance(found, bytes):
        assert found in {smtp_reply.UNREADABLE, smtp_reply.TOO_LONG}
    else:
        verb, argument = found
        for answer in (mail_from(argument), rcpt_to(argument, utf8=True)):
            assert not isinstance(answer, bytes) or answer[:1] == b"5"
        assert verb == verb.upper()


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ("FROM:<>", MailFrom("")),
        ("from: <eva@Nordlicht.example>", MailFrom("eva@nordlicht.example")),
        ("FROM:<@a.example,@b.example:eva@nordlicht.example>", MailFrom("eva@nordlicht.example")),
        ("FROM:<e@n.example> SIZE=1000 BODY=8BITMIME RET=hdrs ENVID=a+2Bb AUTH=<>",
         MailFrom("e@n.example", 1000, returned="HDRS", envelope_id="a+2Bb")),
        ("FROM:<jürgen@n.example> smtputf8", MailFrom("jürgen@n.example", utf8=True)),
        ("FROM:<jürgen@n.example>", smtp_reply.NEEDS_SMTPUTF8),
        ("FROM:eva@nordlicht.example", smtp_reply.BAD_SENDER),
        ("FROM:<eva>", smtp_reply.BAD_SENDER),
        ("FROM:<mailto:eva@nordlicht.example>", smtp_reply.BAD_SENDER),
        ("FROM:<e\u200bva@nordlicht.example> SMTPUTF8", smtp_reply.BAD_SENDER),
        ("FROM:<eva@nordlicht.example", smtp_reply.BAD_SENDER),
        ("FRM:<eva@nordlicht.example>", smtp_reply.BAD_SENDER),
        ("", smtp_reply.BAD_SENDER),
        ("FROM:<e@n.example>SIZE=1", smtp_reply.BAD_SENDER),
        ("FROM:<e@n.example> SIZE=", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> SIZE=x", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> SIZE=-1", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> SIZE=1 size=2", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> BODY=BINARYMIME", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> SMTPUTF8=yes", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> RET=SOME", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> ENVID=a+0D+0Ab", smtp_reply.BAD_ARGUMENT),
        (f"FROM:<e@n.example> ENVID={'x' * 101}", smtp_reply.BAD_ARGUMENT),
        ("FROM:<e@n.example> HOLDFOR=3", smtp_reply.BAD_PARAMETER),
    ],
)  # fmt: skip
def test_mail_takes_the_parameters_of_its_extensions_and_no_others(argument: str, read: object) -> None:
    assert mail_from(argument) == read


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ("TO:<Anna@Kunde.example>", Recipient("Anna@kunde.example")),
        ("TO:<@hop.example:anna@kunde.example>", Recipient("anna@kunde.example")),
        ("TO:<a@k.example> NOTIFY=failure,DELAY ORCPT=rfc822;a+2Bb@k.example",
         Recipient("a@k.example", frozenset({"FAILURE", "DELAY"}), "rfc822;a+2Bb@k.example")),
        ("TO:<a@k.example> NOTIFY=NEVER", Recipient("a@k.example", frozenset({"NEVER"}))),
        ("TO:<jürgen@kunde.example>", Recipient("jürgen@kunde.example")),
        ("TO:<a@k.example> ORCPT=utf-8;jürgen@k.example",
         Recipient("a@k.example", orcpt="utf-8;jürgen@k.example")),
        ("TO:<postmaster>", smtp_reply.BAD_RECIPIENT),
        ("TO:<>", smtp_reply.BAD_RECIPIENT),
        ("TO:<root@[192.0.2.1]>", smtp_reply.BAD_RECIPIENT),
        ("TO:<a b@k.example>", smtp_reply.BAD_RECIPIENT),
        ("TO:<a@k.example> NOTIFY=NEVER,DELAY", smtp_reply.BAD_ARGUMENT),
        ("TO:<a@k.example> NOTIFY", smtp_reply.BAD_ARGUMENT),
        ("TO:<a@k.example> NOTIFY=SOON", smtp_reply.BAD_ARGUMENT),
        ("TO:<a@k.example> ORCPT=a@k.example", smtp_reply.BAD_ARGUMENT),
        ("TO:<a@k.example> ORCPT=rfc822;ü@k.example", smtp_reply.BAD_ARGUMENT),
        ("TO:<a@k.example> ORCPT=rfc822;a+0Ab@k.example", smtp_reply.BAD_ARGUMENT),
        ("TO:<a@k.example> SIZE=3", smtp_reply.BAD_PARAMETER),
    ],
)  # fmt: skip
def test_rcpt_takes_the_parameters_of_rfc_3461_and_no_others(argument: str, read: object) -> None:
    assert rcpt_to(argument, utf8=True) == read


def test_a_recipient_outside_ascii_needs_a_transaction_with_smtputf8() -> None:
    assert rcpt_to("TO:<jürgen@kunde.example>", utf8=False) == smtp_reply.NEEDS_SMTPUTF8
