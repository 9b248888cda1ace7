"""One mail as the object that Brevo's `POST /v3/smtp/email` takes.

Sources: developers.brevo.com/reference/send-transac-email and docs/using-sandbox-mode; what its pages leave out (raw
header values, names with punctuation, images in the HTML) is in django-anymail's notes on Brevo.
"""

from __future__ import annotations

import re
from base64 import b64encode
from email.header import Header as EncodedHeader

from penstock.adapters.http import MailFields, mail_fields
from penstock.model.codes import Code
from penstock.model.mail import Header, Mail
from penstock.model.outcome import Failed

__all__ = ["LOST", "MAIL_ID", "payload"]

MAIL_ID = "X-Mailin-custom"
"""The header that carries our mail id; every event brings its value back."""
_REPLACED = frozenset({"message-id", "references", "received"})
"""Made by Brevo, or written below."""
_COMMANDS = frozenset({"idempotencykey", "idempotency-key", "sender.ip", "x-mailin-custom", "x-mailin-tag"}) | {
    "x-sib-sandbox"
}
"""Names that Brevo reads as orders to itself."""
LOST = _COMMANDS | {"cc", "date", "message-id", "received", "return-path", "sender"}
_EXTENSIONS = (
    frozenset({"csv", "doc", "docm", "docx", "ods", "odt", "pdf", "ppt", "pptx", "pub", "rtf", "txt", "xls", "xlsm"})
    | {"css", "ez", "htm", "html", "ics", "mobi", "msg", "pkpass", "shtml", "tar", "xlsx", "xml", "zip"}
    | {"bmp", "cgm", "eps", "gif", "jpeg", "jpg", "png", "tif", "tiff"}
    | {"aif", "aifc", "aiff", "avi", "flac", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "ogg"}
    | {"wav", "wma", "wmv"}
)
"""Brevo knows the type of an attachment by the end of its name, and takes these."""
_ONE_MAILBOX = re.compile(r"[^\s,<>]+")
_MAIL_ID_FORM = re.compile(r"[!-~]{1,200}")
_SPECIALS = frozenset('()<>[]:;@\\,."')


def payload(mail: Mail, *, sandbox: bool) -> dict[str, object] | Failed:
    """The object for one mail, without its idempotency key.

    Failed for what Brevo cannot express: a null return path, text alone, signed or encrypted bytes, a calendar object,
    images in the HTML, header values beyond ASCII, two headers of one name, several addresses for replies.
    """
    if not mail.envelope.sender:
        return Failed("Brevo takes no mail with the null sender")
    fields = mail_fields(mail)
    if fields is None:
        return Failed("the message cannot be taken apart without loss, and Brevo takes no finished one")
    if fault := _unfit(mail, fields):
        return fault
    headers = _headers(fields.headers)
    if isinstance(headers, Failed):
        return headers
    headers[MAIL_ID] = mail.id
    if sandbox:
        headers["X-Sib-Sandbox"] = "drop"
    item: dict[str, object] = {
        "sender": _mailbox(_safe_name(fields.sender_name), fields.sender),
        "to": [{"email": fields.recipient}],
        "subject": fields.subject,
        "headers": headers,
        "htmlContent": fields.html,
    }
    if fields.text:
        item["textContent"] = fields.text
    if fields.reply_to:
        # Brevo sends a name beyond ASCII here as it is, which no receiver needs to read.
        name = fields.reply_to_name if fields.reply_to_name.isascii() else ""
        item["replyTo"] = _mailbox(name, fields.reply_to)
    if fields.attachments:
        item["attachment"] = [
            {"name": each.name, "content": b64encode(each.data).decode("ascii")} for each in fields.attachments
        ]
    return item


def _unfit(mail: Mail, fields: MailFields) -> Failed | None:
    if not (fields.sender.isascii() and fields.recipient.isascii() and fields.reply_to.isascii()):
        return Failed("Brevo takes ASCII addresses only", "5.6.7", Code.SMTPUTF8_UNSUPPORTED)
    if "@" not in fields.sender:
        return Failed("the mail names no sender")
    if not fields.subject:
        return Failed("Brevo takes no mail without a subject")
    if not fields.html:
        # Brevo's description asks for HTML; what it was seen to do with text alone is to send it as HTML alone.
        return Failed("Brevo takes no mail without HTML")
    if fields.calendar is not None:
        return Failed("Brevo cannot carry a calendar object beside text and HTML")
    if fields.reply_to and (not _ONE_MAILBOX.fullmatch(fields.reply_to) or "<" in fields.reply_to_name):
        return Failed("Brevo takes one address for replies")
    if not _MAIL_ID_FORM.fullmatch(mail.id):
        return Failed("the mail's id does not fit into a header")
    return _unfit_files(fields)


def _unfit_files(fields: MailFields) -> Failed | None:
    for each in fields.attachments:
        if each.cid:
            return Failed("Brevo shows no images that come with the mail")
        if not each.data:
            return Failed("Brevo takes no empty attachment")
        if each.name.rpartition(".")[2].lower() not in _EXTENSIONS or "." not in each.name:
            return Failed("Brevo takes no attachment whose name ends like this one's")
    return None


def _headers(headers: tuple[Header, ...]) -> dict[str, str] | Failed:
    """By name, one value each, with our Message-ID as the last of References: Brevo puts an id of its own on top."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    replaced = dict.fromkeys(_REPLACED, "")
    for name, value in headers:
        lowered = name.lower()
        if lowered in _REPLACED:
            replaced[lowered] = value
            continue
        if lowered in _COMMANDS:
            continue
        if lowered in seen:
            return Failed("a header stands there twice, and Brevo takes each once")
        seen.add(lowered)
        plain = _plain(lowered, value)
        if plain is None:
            return Failed("a header value is not ASCII: Brevo would send its bytes unencoded", "5.6.7")
        found[name] = plain
    references = f"{replaced['references']} {replaced['message-id']}".strip()
    if references.isascii() and references:
        found["References"] = references
    return found


def _plain(name: str, value: str) -> str | None:
    """The value where it is ASCII. Brevo decodes encoded words (RFC 2047) and sends raw bytes, so that they are no
    way out; of List-Id the words before the identifier may be left out (RFC 2919 section 3)."""
    if value.isascii():
        return value
    identifier = value[value.rfind("<") :].strip()
    if name == "list-id" and identifier.startswith("<") and identifier.endswith(">") and identifier.isascii():
        return identifier
    return None


def _safe_name(name: str) -> str:
    """A sender's name: Brevo drops one that is not ASCII and has punctuation, unless it comes as encoded words."""
    if name.isascii() or _SPECIALS.isdisjoint(name):
        return name
    return EncodedHeader(name, "utf-8").encode(linesep="")


def _mailbox(name: str, address: str) -> dict[str, str]:
    return {"email": address, "name": name} if name else {"email": address}
