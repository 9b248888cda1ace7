"""One mail as Django's message, with anymail's attributes on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.message import MIMEPart
from typing import Any

from penstock.adapters.http import MailFields, encoded_words, mail_fields
from penstock.model.codes import Code
from penstock.model.mail import Attachment, Mail
from penstock.model.outcome import Failed

__all__ = ["MAIL_ID", "letter"]

MAIL_ID = "penstock_mail_id"
"""The key under which metadata names the mail, where the ESP takes metadata."""
_REPLACED = frozenset({"message-id", "references", "received"})
"""Made by the ESP, or written below."""
_ONE_MAILBOX = re.compile(r"[^\s,<>]+")


def letter(mail: Mail, attributes: Mapping[str, object]) -> Any | Failed:
    """An `EmailMultiAlternatives` to the one recipient. `attributes` are anymail's, which this backend can express;
    of them `metadata` is filled with the mail's id.

    Failed for advertising and for what no ESP's interface carries.
    """
    if mail.stream.commercial:
        return Failed("this way out takes no advertising")
    if not mail.envelope.sender:
        return Failed("an ESP cannot send with an empty return path")
    fields = mail_fields(mail)
    if fields is None:
        return Failed("an ESP takes no bytes, and these cannot be taken apart without loss")
    if not (fields.recipient.isascii() and fields.sender.isascii()):
        return Failed("this way out takes ASCII addresses only", "5.6.7", Code.SMTPUTF8_UNSUPPORTED)
    if not fields.sender:
        return Failed("the mail names no sender")
    headers = _headers(fields)
    if headers is None:
        return Failed("a header stands there twice, and an ESP takes each once")
    message = _message(fields, headers)
    for name, value in attributes.items():
        setattr(message, name, {MAIL_ID: mail.id} if name == "metadata" else value)
    return message


def _message(fields: MailFields, headers: dict[str, str]) -> Any:
    from django.core.mail import EmailMultiAlternatives  # type: ignore[import-untyped]

    message = EmailMultiAlternatives(
        subject=fields.subject,
        body=fields.text,
        from_email=_mailbox(fields.sender_name, fields.sender),
        to=[fields.recipient],
        reply_to=_reply_to(fields),
        headers=headers,
    )
    if fields.html is not None:
        message.attach_alternative(fields.html, "text/html")
    if fields.calendar is not None:
        message.attach_alternative(fields.calendar, "text/calendar")
    # Django's own `attach` would guess types and decode texts anew.
    message.attachments.extend(map(_file, fields.attachments))
    return message


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>'


def _reply_to(fields: MailFields) -> list[str]:
    name, address = fields.reply_to_name, fields.reply_to
    if not address:
        return []
    if _ONE_MAILBOX.fullmatch(address) and "<" not in name:
        return [_mailbox(name, address)]
    return [f"{name} <{address}>" if name else address]


def _headers(fields: MailFields) -> dict[str, str] | None:
    """By name, with our Message-ID as the last of References; None where a name occurs twice."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    named = {"message-id": "", "references": ""}
    for name, value in fields.headers:
        lowered = name.lower()
        if lowered in seen:
            return None
        seen.add(lowered)
        if lowered in named:
            named[lowered] = value
        if lowered not in _REPLACED:
            found[name] = value if value.isascii() else encoded_words(value)
    if references := f"{named['references']} {named['message-id']}".strip():
        found["References"] = references
    return found


def _file(attachment: Attachment) -> object:
    if not attachment.cid:
        return attachment.name, attachment.data, attachment.type
    part = MIMEPart()
    main, _, sub = attachment.type.partition("/")
    part.set_content(
        attachment.data, maintype=main, subtype=sub, disposition="inline", filename=attachment.name,
        cid=f"<{attachment.cid}>",
    )  # fmt: skip
    return part
