"""One mail as Postmark's JSON object (postmarkapp.com/developer: Email API)."""

from __future__ import annotations

import re
from base64 import b64encode

from penstock.adapters.http import MailFields, encoded_words, mail_fields
from penstock.model.mail import Attachment, Header, Mail
from penstock.model.outcome import Failed

__all__ = ["MAIL_ID", "payload"]

MAIL_ID = "penstock_mail_id"
"""The metadata field that carries our mail id; every event brings it back, and recipients do not see it."""
_MOST_OF_A_VALUE = 80
"""Characters of a metadata value."""
_MOST_OF_A_SUBJECT = 2000
_MOST_OF_A_BODY = 5 * 1024 * 1024
_ORDERS = "x-pm-"
"""Header fields that Postmark would read as orders to itself."""
_PLACEHOLDER = re.compile(r"\{\{\{?\s*pm:", re.IGNORECASE)
"""Where Postmark would put a link of its own."""
_SPECIALS = re.compile(r'[()<>\[\]:;@\\,."]')


def payload(mail: Mail, stream: str) -> dict[str, object] | Failed:
    """The object for one mail, in a message stream; nothing in it depends on when it is made.

    Failed for what Postmark cannot express: a null return path, addresses that are not ASCII, a calendar object, no
    body, signed or encrypted bytes, a placeholder that Postmark would fill.
    """
    if not mail.envelope.sender:
        return Failed("Postmark cannot send with an empty return path")
    fields = mail_fields(mail)
    if fields is None:
        return Failed("Postmark takes no bytes, and these cannot be taken apart without loss")
    if fault := _unfit(mail, fields):
        return fault
    item: dict[str, object] = {
        "From": _mailbox(fields.sender_name, fields.sender),
        "To": fields.recipient,
        "Subject": fields.subject,
        "Headers": [{"Name": name, "Value": value} for name, value in _headers(fields.headers)],
        "Metadata": {MAIL_ID: mail.id},
        "MessageStream": stream,
        "TrackOpens": False,
        "TrackLinks": "None",
    }
    if fields.text:
        item["TextBody"] = fields.text
    if fields.html:
        item["HtmlBody"] = fields.html
    if fields.reply_to:
        item["ReplyTo"] = _mailbox(fields.reply_to_name, fields.reply_to)
    if fields.attachments:
        item["Attachments"] = [_file(each) for each in fields.attachments]
    return item


def _unfit(mail: Mail, fields: MailFields) -> Failed | None:
    bodies = [body for body in (fields.text, fields.html) if body]
    if not (fields.recipient.isascii() and fields.sender.isascii()):
        return Failed("Postmark takes ASCII addresses only", "5.6.7")
    if not fields.sender:
        return Failed("the mail names no sender")
    if not bodies:
        return Failed("Postmark takes no mail without a body")
    if fields.calendar is not None:
        return Failed("Postmark cannot carry a calendar object beside text and HTML")
    if len(mail.id) > _MOST_OF_A_VALUE:
        return Failed("the mail's id does not fit into a metadata value")
    if len(fields.subject) > _MOST_OF_A_SUBJECT:
        return Failed("the subject is longer than the 2000 characters that Postmark takes")
    if any(_PLACEHOLDER.search(body) for body in bodies):
        return Failed("a body holds a placeholder that Postmark would fill with a link of its own")
    if any(len(body.encode(errors="replace")) > _MOST_OF_A_BODY for body in bodies):
        return Failed("a body is larger than the 5 MB that Postmark takes", "5.3.4")
    if any(not each.cid.isascii() or " " in each.cid for each in fields.attachments):
        return Failed("an image has a Content-ID that Postmark does not take")
    return None


def _headers(headers: tuple[Header, ...]) -> list[Header]:
    """In order, in ASCII alone as Postmark garbles the rest.

    Message-ID stays ours because X-PM-KeepID asks for it; References begins with it in any case.
    """
    found: list[Header] = []
    named = {"message-id": "", "references": ""}
    for name, value in headers:
        lowered = name.lower()
        if lowered in named:
            named[lowered] = value
        elif lowered != "received" and not lowered.startswith(_ORDERS):
            found.append((name, value if value.isascii() else encoded_words(value)))
    if own := named["message-id"]:
        found += [("Message-ID", own), ("X-PM-KeepID", "true")]
    if references := f"{own} {named['references']}".strip():
        found.append(("References", references))
    return found


def _mailbox(name: str, address: str) -> str:
    if not name:
        return address
    quoted = len(name) > 1 and name[0] == name[-1] == '"'  # a relayed message keeps its own quotes
    if not quoted and _SPECIALS.search(name):
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{address}>"


def _file(attachment: Attachment) -> dict[str, str]:
    file = {
        "Name": attachment.name,
        "Content": b64encode(attachment.data).decode("ascii"),
        "ContentType": attachment.type,
    }
    if attachment.cid:
        file["ContentID"] = f"cid:{attachment.cid}"
    return file
