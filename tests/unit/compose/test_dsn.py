"""Delivery status notifications against the standard library's parser."""

from __future__ import annotations

import email
import email.policy
import re
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from typing import Any, Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.compose.dsn import Action, DeliveryReport, must_not_answer, write_dsn
from penstock.compose.headers import HeaderFault
from penstock.compose.returned_content import FULL_BELOW

NAME = "mail.nordlicht.example"
MAIL_ID = "0123456789abcdef0123456789abcdef"
ARRIVED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)
ORIGINAL = (
    b"From: Eva <eva@nordlicht.example>\r\n"
    b"To: Anna <anna@maskin.example>\r\n"
    b"Bcc: hidden@nordlicht.example,\r\n other@nordlicht.example\r\n"
    b"X-Penstock-Stream: transactional\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"\r\n"
    b"A secret body.\r\n"
)


def report(action: Action = Action.FAILED, **said: Any) -> DeliveryReport:
    given: dict[str, Any] = {
        "sender": "crm@nordlicht.example",
        "recipient": "anna@maskin.example",
        "arrived": ARRIVED,
        "at": NOW,
        "original": ORIGINAL,
        "returned": "HDRS",
    }
    return DeliveryReport(action=action, **(given | said))


def written(action: Action = Action.FAILED, **said: Any) -> bytes:
    data = write_dsn(report(action, **said), name=NAME, mail_id=MAIL_ID)
    assert isinstance(data, bytes)
    return data


def parsed(data: bytes) -> EmailMessage:
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    assert not [defect for part in message.walk() for defect in part.defects]
    return message


def parts_of(message: EmailMessage) -> list[Any]:
    parts: Any = message.get_payload()
    return list(parts)


def fields(data: bytes) -> tuple[Message, Message]:
    """The status fields for the message and for the recipient, as programs that handle bounces read them."""
    status = parts_of(parsed(data))[1]
    groups = status.get_payload()
    assert len(groups) == 2
    return groups[0], groups[1]


@pytest.mark.parametrize(
    ("action", "status", "subject"),
    [
        (Action.FAILED, "5.0.0", "Undelivered mail"),
        (Action.DELAYED, "4.0.0", "Delayed mail"),
        (Action.RELAYED, "2.0.0", "Relayed mail"),
    ],
)
def test_a_report_says_what_became_of_the_mail(action: Action, status: str, subject: str) -> None:
    message = parsed(written(action))
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    assert message["Subject"].startswith(subject)
    assert [part.get_content_type() for part in parts_of(message)] == [
        "text/plain", "message/delivery-status", "text/rfc822-headers",
    ]  # fmt: skip
    about, recipient = fields(written(action))
    assert about.items() == [
        ("Reporting-MTA", f"dns; {NAME}"),
        ("Arrival-Date", "Mon, 23 Nov 2026 09:00:00 +0000"),
    ]
    assert recipient.items() == [
        ("Final-Recipient", "rfc822; anna@maskin.example"),
        ("Action", action.value),
        ("Status", status),
    ]


def test_its_head_lets_nobody_answer_it() -> None:
    data = written()
    message = parsed(data)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["From"].addresses[0].addr_spec == f"mailer-daemon@{NAME}"
    assert message["To"].addresses[0].addr_spec == "crm@nordlicht.example"
    assert message["Message-ID"] == f"<{MAIL_ID}@{NAME}>"
    assert message["Date"].datetime == NOW
    assert must_not_answer(data)


def test_all_that_is_known_is_said() -> None:
    about, recipient = fields(
        written(
            status="5.1.1",
            reply="550 5.1.1",
            attempted=NOW,
            original_recipient="rfc822;Anna+2BBerg@maskin.example",
            envelope_id="order+2B17",
        )
    )
    assert about["Original-Envelope-Id"] == "order+17"
    assert recipient["Original-Recipient"] == "rfc822; Anna+Berg@maskin.example"
    assert recipient["Status"] == "5.1.1"
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1"
    assert recipient["Last-Attempt-Date"] == "Mon, 23 Nov 2026 13:30:00 +0000"


def test_an_envelope_id_that_is_no_ascii_is_left_out() -> None:
    assert "Original-Envelope-Id" not in fields(written(envelope_id="+C3+A9"))[0]


def test_only_a_waiting_mail_says_until_when_it_is_tried() -> None:
    assert fields(written(Action.DELAYED, retried_until=NOW))[1]["Will-Retry-Until"] is not None
    assert fields(written(Action.FAILED, retried_until=NOW))[1]["Will-Retry-Until"] is None


def test_people_read_whom_it_was_for_and_why() -> None:
    text = parts_of(parsed(written(code="HARD_BOUNCED", reply="550 5.1.1")))[0].get_content()
    assert "anna@maskin.example" in text
    assert "HARD_BOUNCED" in text
    assert "550 5.1.1" in text
    assert "Reason" not in parts_of(parsed(written()))[0].get_content()


def test_the_class_of_the_status_goes_with_the_action() -> None:
    assert fields(written(status="4.4.7"))[1]["Status"] == "5.4.7"
    assert fields(written(status="no status"))[1]["Status"] == "5.0.0"


def test_what_was_for_us_and_hidden_recipients_do_not_go_back() -> None:
    for returned in ("HDRS", "FULL"):
        data = written(returned=returned)
        assert b"hidden@" not in data
        assert b"other@" not in data
        assert b"X-Penstock" not in data
        assert b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=" in data


@pytest.mark.parametrize(
    ("action", "returned", "content"),
    [
        (Action.FAILED, "FULL", "message/rfc822"),
        (Action.FAILED, "HDRS", "text/rfc822-headers"),
        (Action.FAILED, "", "text/rfc822-headers"),
        (Action.DELAYED, "FULL", "text/rfc822-headers"),
        (Action.RELAYED, "FULL", "text/rfc822-headers"),
    ],
)
def test_the_body_goes_back_only_where_it_was_asked_for_and_failed(
    action: Action, returned: Literal["", "FULL", "HDRS"], content: str
) -> None:
    data = written(action, returned=returned)
    assert parts_of(parsed(data))[2].get_content_type() == content
    assert (b"A secret body." in data) is (content == "message/rfc822")


def test_a_large_message_does_not_go_back_whole() -> None:
    large = ORIGINAL + b"x" * 60 + b"\r\n" + (b"y" * 70 + b"\r\n") * (FULL_BELOW // 72)
    assert parts_of(parsed(written(returned="FULL", original=large)))[2].get_content_type() == "text/rfc822-headers"


def test_a_mail_that_a_campaign_writes_has_nothing_to_go_back() -> None:
    assert len(parts_of(parsed(written(original=b"")))) == 2


def test_an_address_outside_ascii_gives_the_utf8_forms_written_in_ascii() -> None:
    head = "From: Jörg <jörg@bücher.example>\r\nTo: Åsa <åsa@maskin.example>\r\nSubject: Grüße\r\n"
    data = written(
        recipient="åsa@maskin.example",
        original_recipient="utf-8;\\x{E5}sa@maskin.example",
        original=(head + "\r\nGrüße\r\n").encode(),
        returned="FULL",
    )
    assert data.isascii()
    status, content = data.split(f"--=_{MAIL_ID}".encode())[2:4]
    kinds = [part.get_content_type() for part in parts_of(email.message_from_bytes(data, policy=email.policy.default))]
    assert kinds == ["text/plain", "message/global-delivery-status", "message/global"]
    octets = email.message_from_bytes(b"Content-Type: text/plain\r\n" + status.partition(b"delivery-status\r\n")[2])
    payload = octets.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert "Final-Recipient: utf-8; åsa@maskin.example\r\n" in payload.decode()
    assert "Original-Recipient: utf-8; åsa@maskin.example\r\n" in payload.decode()
    assert b"Content-Transfer-Encoding: quoted-printable" in content
    returned = email.message_from_bytes(b"Content-Type: text/plain\r\n" + content.partition(b"global\r\n")[2])
    whole = returned.get_payload(decode=True)
    assert isinstance(whole, bytes)
    assert whole.decode().startswith(head)
    assert (
        "åsa@maskin.example" in parts_of(email.message_from_bytes(data, policy=email.policy.default))[0].get_content()
    )


def test_only_a_client_with_such_an_address_gets_a_head_outside_ascii() -> None:
    head, _, rest = written(sender="jörg@nordlicht.example").partition(b"\r\n\r\n")
    assert "To: jörg@nordlicht.example\r\n".encode() in head + b"\r\n"
    assert rest.isascii()


def test_an_eight_bit_body_does_not_go_back() -> None:
    original = b"From: eva@nordlicht.example\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xc3\xbc\xc3\x9fe\r\n"
    data = written(returned="FULL", original=original)
    assert data.isascii()
    assert parts_of(parsed(data))[2].get_content_type() == "text/rfc822-headers"


def test_a_head_that_is_no_utf8_goes_back_octet_by_octet() -> None:
    part = parts_of(parsed(written(original=b"From: eva@nordlicht.example\r\nSubject: Gr\xfc\xdfe\r\n\r\n.\r\n")))[2]
    assert part.get_content_type() == "text/rfc822-headers"
    assert b"Subject: Gr\xfc\xdfe\r\n" in part.get_payload(decode=True)


def test_a_mark_of_ours_inside_the_message_does_not_end_a_part() -> None:
    original = ORIGINAL + f"--=_{MAIL_ID}--\r\n".encode()
    message = parsed(written(returned="FULL", original=original))
    assert message.get_boundary() == f"=_{MAIL_ID}_"
    assert len(parts_of(message)) == 3


def test_a_repeat_is_the_same_octets() -> None:
    assert written(status="5.1.1") == written(status="5.1.1")


def test_a_sender_that_cannot_be_written_is_a_fault() -> None:
    sent = report(sender="a@b.example>\r\nBcc: <c@d.example")
    assert isinstance(write_dsn(sent, name=NAME, mail_id=MAIL_ID), HeaderFault)


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from("a@.;+2BD0A\\x{}\r\n\t :\x00\u2028é\ud800"), max_size=40),
)


@given(text=HOSTILE, original=st.binary(max_size=400), full=st.booleans())
@example(text="rfc822;a+0D+0ABcc: x@y.example", original=b"\r\n\r\n", full=True)
@example(text="550 5.1.1\r\nAction: delivered", original=b"Subject: a\rBcc: b\nX-Penstock-A: c\r\n\r\n.", full=True)
@example(text="utf-8;\\x{110000}\\x{D800}\\x{A}", original=b"From: \xff\r\n", full=False)
@example(text="RFC822;" + "a" * 1_200, original=b"", full=True)
@example(text="RFC822;" + "é" * 600, original=b"A: " + b"x" * 399, full=True)
def test_nothing_that_is_quoted_adds_a_field_or_breaks_a_line(text: str, original: bytes, *, full: bool) -> None:
    data = written(
        recipient=text or "a@b.example",
        status=text,
        reply=text,
        code=text,
        original_recipient=text,
        envelope_id=text,
        original=original,
        returned="FULL" if full else "HDRS",
    )
    assert data.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", data)
    assert b"\x00" not in data
    assert max(map(len, data.split(b"\r\n"))) <= 998
    head = data.partition(b"\r\n\r\n")[0]
    assert [line.partition(b":")[0] for line in re.split(rb"\r\n(?![ \t])", head)] == [
        b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted", b"MIME-Version", b"Content-Type",
    ]  # fmt: skip
    boundary = re.search(rb'boundary="([^"]+)"', head)
    assert boundary is not None
    parts = data.split(b"--" + boundary[1])[1:-1]
    assert 2 <= len(parts) <= 3
    kind, _, status = parts[1].partition(b"\r\n\r\n")
    if b"quoted-printable" in kind:
        status = status.replace(b"=\r\n", b"")
    allowed = {
        b"Original-Envelope-Id", b"Reporting-MTA", b"Arrival-Date", b"Original-Recipient", b"Final-Recipient",
        b"Action", b"Status", b"Diagnostic-Code",
    }  # fmt: skip
    lines = [line for line in status.split(b"\r\n") if line]
    names = [line.partition(b":")[0] for line in lines]
    assert set(names) <= allowed
    assert len(names) == len(set(names))
    assert lines[names.index(b"Action")] == b"Action: failed"


@pytest.mark.parametrize(
    ("head", "silent"),
    [
        (b"Subject: a\r\n", False),
        (b"Auto-Submitted: no\r\n", False),
        (b"Auto-Submitted: auto-generated\r\n", False),
        (b"Auto-Submitted:\r\nSubject: a\r\n", False),
        (b"auto-submitted: Auto-Replied (holiday)\r\n", True),
        (b"Auto-Submitted:\r\n auto-notified; owner-email=x\r\n", True),
        (b"Precedence: first-class\r\n", False),
        (b"Precedence: Bulk\r\n", True),
        (b"Precedence: list\r\n", True),
        (b"Content-Type: multipart/report; report-type=delivery-status\r\n", True),
        (b"Content-Type: multipart/mixed\r\n", False),
    ],
)
def test_what_wants_no_answer_is_known_by_its_head(head: bytes, *, silent: bool) -> None:
    message = b"From: a@b.example\r\n" + head + b"\r\nPrecedence: bulk\r\n"
    assert must_not_answer(message) is silent
