from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.smtp_envelope import Parcel, envelope_commands, parcel_of, stuffed, xtext
from penstock.adapters.smtp_session import Offers
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import Draft, Envelope, Mail, Message
from penstock.model.outcome import Failed

PARCEL = Parcel("a1", "bounce@nordlicht.example", "anna@muster-werk.example", b"Subject: x\r\n\r\nx\r\n", False, False)
END = b"\r\n.\r\n"

wire_text = st.lists(st.sampled_from([b"\r\n", b".", b"..", b"a", b"\r\n.", b"\r\n.\r\n", b"xyz"]), max_size=60).map(
    b"".join
)


def mail(data: bytes, sender: str = "bounce@nordlicht.example", recipient: str = "anna@muster-werk.example") -> Mail:
    return Mail(
        id="a1",
        envelope=Envelope(sender, recipient),
        stream=Stream.PROSPECTING,
        controller="nordlicht",
        campaign=None,
        contact=None,
        kind=RecipientKind.NAMED,
        identity=Identity(b"p", (), (), None, None),
        content=Message(data),
    )


def as_a_server_reads(wire: bytes) -> tuple[bytes, bytes]:
    """The message and what comes after it (RFC 5321 section 4.5.2)."""
    lines: list[bytes] = []
    rest = wire
    while True:
        line, found, rest = rest.partition(b"\r\n")
        assert found
        if line == b".":
            return b"".join(lines), rest
        lines.append(line.removeprefix(b".") + b"\r\n")


@given(wire_text, st.integers(4, 40))
def test_a_server_reads_the_message_that_was_meant_and_nothing_behind_it(data: bytes, chunk: int) -> None:
    pieces = list(stuffed(data, chunk))
    read, rest = as_a_server_reads(b"".join(pieces))
    assert read == (data if data.endswith(b"\r\n") else data + b"\r\n")
    assert rest == b""


@given(wire_text, st.integers(4, 40))
def test_only_the_last_piece_ends_the_message(data: bytes, chunk: int) -> None:
    pieces = list(stuffed(data, chunk))
    assert END not in b"\r\n" + b"".join(pieces[:-1])
    assert all(len(piece) <= 2 * chunk + 5 for piece in pieces)


@pytest.mark.parametrize("data", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n.\nMAIL FROM:<x>\r\n", b"\r"])
def test_a_bare_line_end_goes_to_no_server(data: bytes) -> None:
    assert parcel_of(mail(data)) == Failed("the message has a bare CR or LF", "5.6.0", Code.HEADER_INVALID)


@pytest.mark.parametrize(
    "recipient", ["a@b.example>\r\nDATA", "a b@c.example", "a\x00@b.example", "anna", "\ud800@b.example"]
)
def test_an_address_cannot_smuggle_a_command(recipient: str) -> None:
    seen = parcel_of(mail(b"x\r\n", recipient=recipient))
    assert isinstance(seen, Failed)
    assert seen.code is Code.INVALID_ADDRESS
    assert "anna" not in seen.why


def test_a_sender_cannot_either_but_may_be_empty() -> None:
    assert isinstance(parcel_of(mail(b"x\r\n", sender="a@b.example>\r\n")), Failed)
    parcel = parcel_of(mail(b"x\r\n", sender=""))
    assert isinstance(parcel, Parcel)
    assert envelope_commands(parcel, Offers()) == (b"MAIL FROM:<>\r\n", b"RCPT TO:<anna@muster-werk.example>\r\n")


def test_a_draft_is_no_message() -> None:
    assert parcel_of(replace(mail(b""), content=Draft())) == Failed("not a finished message")


@pytest.mark.parametrize(
    ("data", "recipient", "smtputf8", "eight_bit"),
    [
        (b"Subject: x\r\n\r\nx\r\n", "anna@muster-werk.example", False, False),
        (b"Subject: x\r\n\r\n\xc3\xbc\r\n", "anna@muster-werk.example", False, True),
        (b"Subject: \xc3\xbc\r\n\r\nx\r\n", "anna@muster-werk.example", True, True),
        (b"Subject: x\r\n\r\nx\r\n", "ännä@muster-werk.example", True, False),
    ],
)
def test_what_a_mail_needs_is_seen_in_its_octets(data: bytes, recipient: str, smtputf8: bool, eight_bit: bool) -> None:
    parcel = parcel_of(mail(data, recipient=recipient))
    assert isinstance(parcel, Parcel)
    assert (parcel.smtputf8, parcel.eight_bit) == (smtputf8, eight_bit)


def test_a_server_that_announces_nothing_is_told_nothing_more() -> None:
    assert envelope_commands(PARCEL, Offers()) == (
        b"MAIL FROM:<bounce@nordlicht.example>\r\n",
        b"RCPT TO:<anna@muster-werk.example>\r\n",
    )


def test_all_that_is_announced_is_used() -> None:
    offers = Offers(eight_bit=True, smtputf8=True, dsn=True, sized=True)
    assert envelope_commands(replace(PARCEL, smtputf8=True, eight_bit=True, envid="a+1"), offers) == (
        b"MAIL FROM:<bounce@nordlicht.example> SIZE=17 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2B1\r\n",
        b"RCPT TO:<anna@muster-werk.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;anna@muster-werk.example\r\n",
    )


@given(st.text())
def test_xtext_is_printable_ascii_and_can_be_read_back(text: str) -> None:
    text = text.encode(errors="replace").decode()
    written = xtext(text)
    assert all("!" <= letter <= "~" and letter != "=" for letter in written)
    pieces = written.split("+")
    read = pieces[0].encode() + b"".join(bytes.fromhex(piece[:2]) + piece[2:].encode() for piece in pieces[1:])
    assert read.decode() == text
