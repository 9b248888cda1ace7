"""One mail as Resend's JSON object (SendEmailRequest of resend-openapi 1.5.0)."""

from __future__ import annotations

import base64
import re

from penstock.adapters.http import MailFields, encoded_words, mail_fields
from penstock.model.mail import Attachment, Mail
from penstock.model.outcome import Failed

__all__ = ["MAIL_ID_TAG", "SANDBOX_RECIPIENT", "payload"]

MAIL_ID_TAG = "penstock_mail_id"
"""The tag by which events name the mail: Resend replaces the Message-ID."""
SANDBOX_RECIPIENT = "delivered@resend.dev"
"""Resend's own address that plays a recipient: nothing leaves."""
_REPLACED = frozenset({"message-id", "references", "received"})
"""Made by Resend, or written below."""
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')


def payload(mail: Mail, *, domain: str, sandbox: bool, alone: bool) -> dict[str, object] | Failed:
    """The object for one mail; `alone` is it outside of a batch, where alone attachments are taken.

    Failed for what Resend cannot express: a null return path, an address or header that JSON cannot carry, a calendar
    object, signed or encrypted bytes, another domain than the one configured.
    """
    if not mail.envelope.sender:
        return Failed("Resend cannot send with an empty return path")
    fields = mail_fields(mail)
    if fields is None:
        return Failed("Resend takes no bytes, and these cannot be taken apart without loss")
    if fields.attachments and not alone:
        return Failed("no attachments in a batch")
    if fault := _unfit(mail, fields, domain):
        return fault
    headers = _headers(fields)
    if headers is None:
        return Failed("two header fields of one name: Resend takes one of each")
    item: dict[str, object] = {
        "from": _mailbox(fields.sender_name, fields.sender),
        "to": [SANDBOX_RECIPIENT if sandbox else fields.recipient],
        "subject": fields.subject,
        # Left out, Resend would make a text of its own from the HTML.
        "text": fields.text,
        "headers": headers,
        "tags": [{"name": MAIL_ID_TAG, "value": mail.id}],
    }
    if fields.html is not None:
        item["html"] = fields.html
    if fields.reply_to:
        item["reply_to"] = [_mailbox(fields.reply_to_name, fields.reply_to)]
    if fields.attachments:
        item["attachments"] = [_file(each) for each in fields.attachments]
    return item


def _unfit(mail: Mail, fields: MailFields, domain: str) -> Failed | None:
    if fields.calendar is not None:
        return Failed("Resend cannot carry a calendar object beside text and HTML")
    if not (fields.recipient.isascii() and fields.sender.isascii()):
        return Failed("Resend takes ASCII addresses only", "5.6.7")
    if domain and fields.sender.rpartition("@")[2].lower() != domain:
        return Failed("the sender's domain is not the one of this way out")
    if not _TAG.fullmatch(mail.id):
        return Failed("the mail's id does not fit into a tag")
    return None


def _headers(fields: MailFields) -> dict[str, str] | None:
    """Header fields by name, with our Message-ID as the last of References; None where a name occurs twice."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    named = {"message-id": "", "references": ""}
    for name, value in fields.headers:
        lowered = name.lower()
        if lowered in named:
            named[lowered] = value
        if lowered in _REPLACED:
            continue
        if lowered in seen:
            return None
        seen.add(lowered)
        found[name] = value if value.isascii() else encoded_words(value)
    if references := f"{named['references']} {named['message-id']}".strip():
        found["References"] = references
    return found


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    if _SPECIALS.search(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{address}>"


def _file(attachment: Attachment) -> dict[str, str]:
    file = {
        "filename": attachment.name,
        "content": base64.b64encode(attachment.data).decode("ascii"),
        "content_type": attachment.type,
    }
    if attachment.cid:
        file["content_id"] = attachment.cid
    return file
