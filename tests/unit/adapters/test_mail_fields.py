"""Messages handed in as octets, as the fields that JSON ESPs take: whole, or not at all."""

from __future__ import annotations

import email.policy
import time
from email.message import EmailMessage, MIMEPart

import pytest

from penstock.adapters.mail_fields import MailFields, mail_fields
from penstock.model.mail import Message
from penstock.testing.samples import a_mail

PNG, PDF = b"\x89PNG", b"%PDF"
PAGE = "<p>Hello</p><img src='cid:logo@x'>"


def fields(message: EmailMessage | bytes) -> MailFields | None:
    data = message if isinstance(message, bytes) else message.as_bytes(policy=email.policy.SMTP)
    return mail_fields(a_mail().with_content(Message(data)))


def letter(text: str | None = "Hello Größe", html: str | None = PAGE) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["Subject"] = '"Eva Berg, Nordlicht" <eva.berg@nordlicht.example>', "Größe"
    if text is not None:
        message.set_content(text)
    if html is not None:
        (message.add_alternative if text is not None else message.set_content)(html, subtype="html")
    return message


def with_image(message: EmailMessage) -> EmailMessage:
    parts = message.get_payload()
    html = parts[1] if isinstance(parts, list) else message
    assert isinstance(html, MIMEPart)
    html.add_related(PNG, "image", "png", cid="<logo@x>", filename="logo.png")
    return message


def test_headers_and_both_texts_are_read() -> None:
    found = fields(letter())
    assert found is not None
    assert (found.sender_name, found.sender) == ("Eva Berg, Nordlicht", "eva.berg@nordlicht.example")
    assert (found.subject, found.text, found.html) == ("Größe", "Hello Größe\n", PAGE + "\n")
    assert (found.attachments, found.calendar) == ((), None)


def test_encoded_names_and_comments_are_read() -> None:
    found = fields(
        b"From: =?utf-8?q?M=C3=BCller=2C_Anna?= <a@firm.example> (Anna)\r\nReply-To: b@firm.example (Bo)\r\n"
        b'X-Note: =?utf-8?q?=C3=A4?=\r\n\r\nHello\r\n'
    )  # fmt: skip
    assert found is not None
    assert (found.sender_name, found.sender, found.reply_to) == ("Müller, Anna", "a@firm.example", "b@firm.example")
    assert found.headers == (("X-Note", "ä"),)


def test_an_image_of_the_html_goes_with_its_number_beside_a_file() -> None:
    message = with_image(letter())
    found = fields(message)
    assert found is not None
    assert [(each.name, each.type, each.data, each.cid) for each in found.attachments] == [
        ("logo.png", "image/png", PNG, "logo@x")
    ]
    message.add_attachment(PDF, maintype="application", subtype="pdf", filename="Größe.pdf")
    found = fields(message)
    assert found is not None
    assert (found.text, found.html) == ("Hello Größe\n", PAGE + "\n")
    assert [(each.name, each.data, each.cid) for each in found.attachments] == [
        ("logo.png", PNG, "logo@x"),
        ("Größe.pdf", PDF, ""),
    ]


def test_an_invitation_beside_the_texts_is_the_calendar() -> None:
    message = letter()
    message.add_alternative("BEGIN:VCALENDAR\nEND:VCALENDAR\n", subtype="calendar", params={"method": "REQUEST"})
    found = fields(message)
    assert found is not None
    assert found.calendar == "BEGIN:VCALENDAR\nEND:VCALENDAR\n"


def test_a_text_that_is_a_file_and_an_enclosed_message_are_attached() -> None:
    message = letter(html=None)
    message.add_attachment("a,b\n", subtype="html", filename="list.html")
    message.add_attachment(letter())
    found = fields(message)
    assert found is not None
    assert (found.html, [(each.name, each.type) for each in found.attachments]) == (
        None,
        [("list.html", "text/html"), ("attachment", "message/rfc822")],
    )
    assert found.attachments[1].data.startswith(b'From: "Eva Berg')


def multipart(kind: str, *parts: bytes) -> bytes:
    head = b"From: a@firm.example\r\nContent-Type: multipart/%s; boundary=b\r\n\r\n" % kind.encode()
    return head + b"".join(b"--b\r\n%s\r\n" % part for part in parts) + b"--b--\r\n"


TEXT = b"Content-Type: text/plain\r\n\r\nHello"
HTML = b"Content-Type: text/html\r\n\r\n<p>Hello</p>"


@pytest.mark.parametrize(
    "data",
    [
        multipart("mixed", TEXT, b"Content-Type: text/plain\r\n\r\nfooter"),
        multipart("alternative", TEXT, b"Content-Type: text/x-amp-html\r\n\r\n<html amp4email>"),
        multipart("alternative", TEXT, HTML, b"Content-Type: application/pdf\r\n\r\n%PDF"),
        multipart("related", HTML, b"Content-Type: image/png\r\nContent-Location: logo.png\r\n\r\nPNG"),
        multipart("signed", TEXT, b"Content-Type: application/pgp-signature\r\n\r\nx"),
        multipart("mixed", TEXT, b"Content-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n\r\nS: x\r\n--c--"),
        multipart("report", TEXT),
        multipart("mixed", TEXT, b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n*"),
        multipart("mixed", b"Content-Type: text/plain; charset=x-none\r\n\r\nHello"),
        multipart("mixed", TEXT, b"no header at all"),
        b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nAAAA",
        b"Content-Type: application/octet-stream; name=smime.p7m\r\n\r\nAAAA",
    ],
)
def test_what_cannot_be_taken_apart_without_loss_is_not(data: bytes) -> None:
    assert fields(data) is None


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: " + b"word word word\r\n " * 24_000 + b"x\r\n",
        b"Content-Type: text/plain; " + b"a=b;\r\n " * 16_000 + b"c=d\r\n",
        b"Content-Disposition: " + b"=?utf-8?q?a?=\r\n " * 14_000 + b"x\r\n",
    ],
)
def test_the_time_it_takes_grows_as_the_head_does(head: bytes) -> None:
    begun = time.process_time()
    fields(b"From: a@firm.example\r\n" + head + b"\r\nHello\r\n")
    assert time.process_time() - begun < 0.5
