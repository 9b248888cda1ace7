"""One mail as an element of `Messages` of Mailjet's Send API v3.1."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from email.utils import getaddresses
from typing import Any

from penstock.adapters.http import MailFields, encoded_words, json_octets, mail_fields
from penstock.model.mail import Attachment, Mail
from penstock.model.outcome import Failed

__all__ = ["FORBIDDEN", "payload"]

FORBIDDEN = frozenset(
    {
        "authentication-results",
        "bcc",
        "cc",
        "date",
        "delivered-to",
        "dkim-signature",
        "domainkey-status",
        "from",
        "list-id",
        "message-id",
        "received",
        "received-spf",
        "reply-to",
        "return-path",
        "sender",
        "subject",
        "to",
        "user-agent",
        "x-csa-complaints",
        "x-feedback-id",
        "x-mailer",
    }
)
"""Lower-case names that Mailjet refuses among the headers; so are those that begin as `_ORDERS` do."""
_ORDERS = ("x-mj-", "x-mailjet-")
_LISTS = "@lists.mailjet.com"
"""Addresses there are contact lists of the account: one mail to such a recipient goes to everybody on the list."""
_MOST_ITEMS = 50
"""Header fields of a mail, and attachments of it (mj-0008)."""
_MOST_OF_A_SUBJECT = 255
_MOST_OF_FILES = 15_000_000
_OFF = "disabled"


def payload(mail: Mail) -> bytes | Failed:
    """The JSON object for one mail; Failed for what Mailjet cannot express or would do something else with."""
    if not mail.envelope.sender:
        return Failed("Mailjet cannot send with an empty return path")
    fields = mail_fields(mail)
    if fields is None:
        return Failed("Mailjet takes no bytes, and these cannot be taken apart without loss")
    if fault := _address_fault(fields) or _content_fault(fields) or _files_fault(fields.attachments):
        return fault
    headers = _headers(fields)
    if isinstance(headers, Failed):
        return headers
    item = {**_people(fields), **_content(fields), "Headers": headers, "CustomID": mail.id}
    try:
        return json_octets(item)
    except UnicodeError:
        return Failed("the mail holds half a character (a lone surrogate)")


def _people(fields: MailFields) -> dict[str, Any]:
    reply_to = {"ReplyTo": _mailbox(fields.reply_to_name, fields.reply_to)} if fields.reply_to else {}
    return {"From": _mailbox(fields.sender_name, fields.sender), "To": [{"Email": fields.recipient}], **reply_to}


def _content(fields: MailFields) -> dict[str, Any]:
    """Tracking may only be named beside an HTML part; without one nothing could be tracked."""
    found: dict[str, Any] = {"Subject": fields.subject, "TextPart": fields.text, "HTMLPart": fields.html}
    found = {name: value for name, value in found.items() if value}
    if fields.html:
        found |= {"TrackOpens": _OFF, "TrackClicks": _OFF}
    files = {
        "Attachments": [_file(each) for each in fields.attachments if not each.cid],
        "InlinedAttachments": [_file(each) | {"ContentID": each.cid} for each in fields.attachments if each.cid],
    }
    return found | {name: several for name, several in files.items() if several}


def _address_fault(fields: MailFields) -> Failed | None:
    if not fields.sender:
        return Failed("the mail names no sender")
    if not (fields.recipient.isascii() and fields.sender.isascii()):
        return Failed("addresses that are not ASCII are not handed to Mailjet", "5.6.7")
    if fields.recipient.lower().endswith(_LISTS):
        return Failed("the recipient is a contact list of Mailjet's, not a person", "5.1.3")
    replies = getaddresses([f"{fields.reply_to_name} <{fields.reply_to}>" if fields.reply_to_name else fields.reply_to])
    if sum("@" in address for _, address in replies) > 1:
        return Failed("several Reply-To addresses: Mailjet takes one")
    return None


def _content_fault(fields: MailFields) -> Failed | None:
    if not (fields.text or fields.html):
        return Failed("Mailjet takes no mail without a text")
    if len(fields.subject) > _MOST_OF_A_SUBJECT:
        return Failed(f"a subject of more than the {_MOST_OF_A_SUBJECT} characters that Mailjet takes")
    if fields.calendar is not None:
        return Failed("Mailjet cannot carry a calendar object beside text and HTML")
    return None


def _files_fault(files: Sequence[Attachment]) -> Failed | None:
    if len(files) > _MOST_ITEMS:
        return Failed(f"more than the {_MOST_ITEMS} attachments that Mailjet takes")
    if not all(each.data and each.name and each.type for each in files):
        return Failed("an attachment without content, name or type: Mailjet takes none")
    if sum(len(each.data) for each in files) > _MOST_OF_FILES:
        return Failed("attachments of more than the 15 MB that Mailjet takes", "5.3.4")
    return None


def _headers(fields: MailFields) -> dict[str, str] | Failed:
    """Header fields by name, with our Message-ID as the last of References, as Mailjet makes its own."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    named = {"message-id": "", "references": ""}
    for name, value in fields.headers:
        lowered = name.lower()
        if lowered in named:
            named[lowered] = value
        if lowered in FORBIDDEN or lowered == "references" or lowered.startswith(_ORDERS):
            continue
        if lowered in seen:
            return Failed("two header fields of one name: Mailjet takes one of each")
        seen.add(lowered)
        found[name] = value if value.isascii() else encoded_words(value)
    if references := f"{named['references']} {named['message-id']}".strip():
        found["References"] = references
    if len(found) > _MOST_ITEMS:
        return Failed(f"more than the {_MOST_ITEMS} header fields that Mailjet takes")
    return found


def _mailbox(name: str, address: str) -> dict[str, str]:
    return {"Email": address, "Name": name} if name else {"Email": address}


def _file(attachment: Attachment) -> dict[str, str]:
    return {
        "ContentType": attachment.type,
        "Filename": attachment.name,
        "Base64Content": b64encode(attachment.data).decode("ascii"),
    }
