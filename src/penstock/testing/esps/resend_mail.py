"""One e-mail as Resend describes it (SendEmailRequest): which fields there are, and what each must hold."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from penstock.testing.esp import Arrived, Refused

__all__ = ["address_of", "only", "read_mail", "read_tags"]

_FIELDS = frozenset(
    {"from", "to", "subject", "bcc", "cc", "reply_to", "html", "text", "template", "headers", "scheduled_at"}
    | {"attachments", "tags", "topic_id"}
)
_ATTACHMENT_FIELDS = frozenset({"content", "filename", "path", "content_type", "content_id"})
_OWN_FIELDS = frozenset({"from", "to", "cc", "bcc", "subject", "reply-to"})
"""Headers for which the request has a field: twice in a mail they would break RFC 5322 section 3.6."""
_MOST_RECIPIENTS = 50
_MOST_OCTETS = 40 << 20
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MAILBOX = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^<>"@,;:()\[\]\\]+) ?<([^<>]+)>')
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f]")
_FORM = "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format."


def read_mail(asked: object, *, batch: bool) -> tuple[list[str], Arrived]:
    """The recipients, and the mail as it arrives with any of them. Raises Refused."""
    mail = only(asked, _FIELDS)
    for name in ("from", "to", "subject"):
        if name not in mail:
            raise Refused(f"missing_required_field: Missing `{name}` field.", 422)
    if "template" in mail:
        raise Refused("validation_error: The template does not exist or is not published.", 422)
    if "html" not in mail and "text" not in mail:
        raise Refused("missing_required_field: Missing `html` or `text` field.", 422)
    if batch and (mail.get("attachments") or "scheduled_at" in mail):
        raise Refused("validation_error: `attachments` and `scheduled_at` are not supported in batches.", 422)
    sender, subject = _text(mail, "from"), _text(mail, "subject")
    address_of(sender, "from")
    if not subject or _CONTROL.search(subject):
        raise Refused("validation_error: Invalid `subject` field.", 422)
    _moment(mail)
    _text({"topic_id": "", **mail}, "topic_id")
    html = _text(mail, "html") if "html" in mail else None
    recipients = [each for name in ("to", "cc", "bcc") for each in _recipients(mail, name)]
    replies = _recipients(mail, "reply_to", whole=True)
    arrived = Arrived(
        sender,
        "",
        subject,
        _text({"text": "", **mail}, "text"),
        html,
        _headers(mail.get("headers", {})),
        reply_to=", ".join(replies),
        mail_id=_mail_id(_tags(mail.get("tags", []))),
        attachments=tuple(map(_attachment, _list(mail, "attachments"))),
    )
    if _size(arrived) > _MOST_OCTETS:
        raise Refused("validation_error: The email is larger than 40MB.", 422)
    return recipients, arrived


def read_tags(asked: object) -> dict[str, str]:
    """The tags of a mail, by name. Raises Refused."""
    return _tags(only(asked, _FIELDS).get("tags", []))


def only(asked: object, fields: frozenset[str]) -> Mapping[str, Any]:
    """The object, if it has no other fields. Raises Refused."""
    if not isinstance(asked, dict):
        raise Refused("validation_error: Expected an object.", 422)
    if unknown := sorted(set(asked) - fields):
        raise Refused(f"validation_error: Unknown field `{unknown[0]}`.", 422)
    return asked


def address_of(mailbox: str, field: str) -> str:
    """The bare address of `email@example.com` or `Name <email@example.com>`. Raises Refused."""
    named = _MAILBOX.fullmatch(mailbox)
    address = named[1] if named else mailbox
    if _CONTROL.search(mailbox) or not _ADDRESS.fullmatch(address):
        raise Refused(f"validation_error: Invalid `{field}` field. {_FORM}", 422)
    return address


def _text(mail: Mapping[str, Any], name: str) -> str:
    value = mail[name]
    if not isinstance(value, str):
        raise Refused(f"validation_error: The `{name}` field must be a string.", 422)
    return value


def _list(mail: Mapping[str, Any], name: str) -> list[Any]:
    value = mail.get(name, [])
    if not isinstance(value, list):
        raise Refused(f"validation_error: The `{name}` field must be an array.", 422)
    return value


def _recipients(mail: Mapping[str, Any], name: str, *, whole: bool = False) -> list[str]:
    given = mail.get(name, [])
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, list) or not all(isinstance(each, str) for each in several):
        raise Refused(f"validation_error: The `{name}` field must be a string or an array of strings.", 422)
    if name == "to" and not 1 <= len(several) <= _MOST_RECIPIENTS:
        raise Refused(f"validation_error: The `to` field takes 1 to {_MOST_RECIPIENTS} addresses.", 422)
    addresses = [address_of(each, name) for each in several]
    return several if whole else addresses


def _moment(mail: Mapping[str, Any]) -> None:
    if "scheduled_at" in mail:
        try:
            datetime.fromisoformat(_text(mail, "scheduled_at"))
        except ValueError:
            raise Refused("validation_error: The `scheduled_at` field must be ISO 8601.", 422) from None


def _headers(given: object) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise Refused("validation_error: The `headers` field must be an object of strings.", 422)
    for name, value in given.items():
        if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise Refused("validation_error: Invalid `headers` field.", 422)
        if name.lower() in _OWN_FIELDS or name.lower().startswith("content-"):
            raise Refused(f"validation_error: The header {name} has a field of its own.", 422)
    if len({name.lower() for name in given}) < len(given):
        raise Refused("validation_error: A header stands in `headers` twice.", 422)
    return {name.lower(): value for name, value in given.items()}


def _tags(given: object) -> dict[str, str]:
    if not isinstance(given, list):
        raise Refused("validation_error: The `tags` field must be an array.", 422)
    tags = {}
    for tag in given:
        fields = only(tag, frozenset({"name", "value"}))
        if not all(isinstance(fields.get(key), str) and _TAG.fullmatch(fields[key]) for key in ("name", "value")):
            what = "Tags should only contain ASCII letters, numbers, underscores, or dashes."
            raise Refused(f"validation_error: {what}", 422)
        tags[fields["name"]] = fields["value"]
    return tags


def _mail_id(tags: Mapping[str, str]) -> str:
    """Of the tag whose name speaks of a mail's id, however it is spelled."""
    return next((value for name, value in tags.items() if name.replace("-", "_").endswith("mail_id")), "")


def _attachment(given: object) -> tuple[str, bytes]:
    fields = only(given, _ATTACHMENT_FIELDS)
    if not all(isinstance(value, str) for value in fields.values()):
        raise Refused("invalid_attachment: The fields of an attachment must be strings.", 422)
    if "content" not in fields and "path" not in fields:
        raise Refused("invalid_attachment: Attachment must have either a `content` or `path`.", 422)
    if "filename" not in fields and "path" not in fields:
        raise Refused("invalid_attachment: Attachment must have a `filename`.", 422)
    try:
        return fields.get("filename", ""), b64decode(fields.get("content", ""), validate=True)
    except binascii.Error:
        raise Refused("invalid_attachment: The `content` of an attachment must be Base64.", 422) from None


def _size(mail: Arrived) -> int:
    encoded = sum(len(data) * 4 // 3 for _, data in mail.attachments)
    return len(mail.text.encode()) + len((mail.html or "").encode()) + encoded
