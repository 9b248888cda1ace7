"""A finished mail as the fields that JSON ESPs take instead of its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from email.header import Header as EncodedHeader

from penstock.adapters.message_parts import message_headers, message_parts
from penstock.compose.headers import split_mailbox
from penstock.model.mail import Attachment, Header, Letter, Mail, Message

__all__ = ["MailFields", "encoded_words", "mail_fields"]

_OWN_FIELDS = frozenset(
    {
        "from",
        "to",
        "cc",
        "bcc",
        "subject",
        "reply-to",
        "date",
        "mime-version",
        "sender",
        "return-path",
        "dkim-signature",
    }
)
"""Headers that have a field of their own, or that the ESP makes."""


@dataclass(frozen=True, slots=True)
class MailFields:
    """Text is what people read, not encoded. `headers` are those without a field of their own; Message-ID is one."""

    sender_name: str
    sender: str
    recipient: str
    reply_to_name: str
    reply_to: str
    subject: str
    text: str
    html: str | None
    headers: tuple[Header, ...]
    attachments: tuple[Attachment, ...]
    calendar: str | None = None


def mail_fields(mail: Mail) -> MailFields | None:
    """The verified fields of a finished mail; None where bytes handed in cannot be taken apart without loss."""
    content = mail.content
    if isinstance(content, Message) and content.letter is None:
        return _of_message(mail, content.data)
    letter = content.letter if isinstance(content, Message) else content
    return _of_letter(mail, letter) if isinstance(letter, Letter) else None


def encoded_words(value: str) -> str:
    """A header's value as RFC 2047 words, for ESPs that take ASCII alone; a last `<token>` stays, as in List-Id."""
    phrase, angle, token = value.rpartition(" <")
    if not angle or not token.isascii():
        phrase, token = value, ""
    words = EncodedHeader(phrase, "utf-8").encode(linesep="")
    return f"{words} <{token}" if token else words


def _of_letter(mail: Mail, letter: Letter) -> MailFields:
    return _fields(mail, letter.headers, letter.text, letter.html, letter.attachments, letter.calendar)


def _of_message(mail: Mail, data: bytes) -> MailFields | None:
    parts = message_parts(data)
    if parts is None:
        return None
    return _fields(mail, message_headers(data), parts.text, parts.html, parts.attachments, parts.calendar)


def _fields(
    mail: Mail,
    headers: tuple[Header, ...],
    text: str,
    html: str | None,
    attachments: tuple[Attachment, ...],
    calendar: str | None,
) -> MailFields:
    named = {name.lower(): value for name, value in headers}
    sender_name, sender = split_mailbox(named.get("from", ""))
    reply_name, reply = split_mailbox(named.get("reply-to", "")) if "reply-to" in named else ("", "")
    rest = tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _OWN_FIELDS and not name.lower().startswith("content-")
    )
    return MailFields(
        sender_name,
        sender,
        mail.envelope.recipient,
        reply_name,
        reply,
        named.get("subject", ""),
        text,
        html,
        rest,
        attachments,
        calendar,
    )
