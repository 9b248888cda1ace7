"""What Brevo describes as a request to send (POST /v3/smtp/email), and the mails that come of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from penstock.testing.esp import Arrived
from penstock.testing.esps.brevo_fields import (
    MAILBOX_FIELDS,
    arriving,
    attachments,
    custom_headers,
    idempotency_key,
    invalid,
    mail_id,
    mailbox,
    mailboxes,
    missing,
    only,
    tags_of,
    text_of,
)

__all__ = ["Sending", "read_sending"]

_FIELDS = frozenset(
    {"sender", "to", "bcc", "cc", "htmlContent", "textContent", "subject", "replyTo", "attachment", "headers"}
    | {"templateId", "params", "messageVersions", "tags", "scheduledAt", "batchId"}
)
_VERSION_FIELDS = frozenset({"to", "bcc", "cc", "htmlContent", "textContent", "subject", "replyTo", "params"})
_MOST_VERSIONS = 1000
_MOST_OF_A_VERSION = 99
_MOST_RECIPIENTS = 2000
_MOST_OCTETS = 20 << 20
_MOST_PARAMS = 100 << 10
_MOST_PARAMS_TOGETHER = 1000 << 10
_CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Sending:
    """A request that is as described. `mails` has one entry for each version: the mail of each recipient."""

    mails: tuple[tuple[Arrived, ...], ...]
    versions: bool
    """Whether `messageVersions` was used, which the answer shows."""
    key: str = ""
    """The idempotency key."""
    sandbox: bool = False
    scheduled: bool = False
    batch: str = ""


def read_sending(asked: object) -> Sending:
    """The request, read. Raises Refused."""
    body = only(asked, _FIELDS)
    if "templateId" in body:
        raise invalid("templateId is not valid")  # this account has no templates
    headers = custom_headers(body.get("headers", {}))
    common = Arrived(
        sender=_sender(body),
        recipient="",
        subject="",
        text="",
        html=None,
        headers=arriving(headers),
        mail_id=mail_id(headers, tags_of(body)),
        attachments=attachments(body),
        tracking="list-unsubscribe" not in headers,
    )
    versions = _versions(body)
    mails = tuple(_mails(common, {**body, **version}, bare="messageVersions" not in body) for version in versions)
    if sum(map(len, mails)) > _MOST_RECIPIENTS:
        raise invalid(f"the total number of recipients must not exceed {_MOST_RECIPIENTS}")
    if max(_size(of_version[0]) for of_version in mails) > _MOST_OCTETS:
        raise invalid("the email is larger than 20 MB")
    return Sending(
        mails,
        "messageVersions" in body,
        idempotency_key(headers),
        headers.get("x-sib-sandbox") == "drop",
        _scheduled(body),
        _batch(body),
    )


def _versions(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    given = body.get("messageVersions", [{}])
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_VERSIONS:
        raise invalid(f"messageVersions should hold 1 to {_MOST_VERSIONS} versions")
    versions = [only(each, _VERSION_FIELDS, "messageVersions") for each in given]
    together = 0
    for each in (body, *versions) if "messageVersions" in body else (body,):
        params = each.get("params", {})
        if not isinstance(params, dict):
            raise invalid("params should be an object")
        together += (size := len(json.dumps(params).encode()))
        if size > _MOST_PARAMS:
            raise invalid("params must not exceed 100 KB")
    if together > _MOST_PARAMS_TOGETHER:
        raise invalid("cumulative params must not exceed 1000 KB")
    for each in versions:
        if "messageVersions" in body and "to" not in each:
            raise missing("to in messageVersions")
        if {"htmlContent", "textContent"} & set(each) and not {"htmlContent", "textContent"} & set(body):
            raise invalid("content can be customized only if it is among the global parameters")
    return versions


def _mails(common: Arrived, asked: Mapping[str, Any], *, bare: bool) -> tuple[Arrived, ...]:
    """The mail of each recipient of one version, whose own parameters go before the global ones."""
    if "to" not in asked:
        raise missing("to")
    recipients = [each[0] for name in ("to", "cc", "bcc") for each in mailboxes(asked, name)]
    if not bare and len(recipients) > _MOST_OF_A_VERSION:
        raise invalid(f"a message version has at most {_MOST_OF_A_VERSION} recipients")
    subject, html, text = (text_of(asked, name) for name in ("subject", "htmlContent", "textContent"))
    if not subject:
        raise missing("subject")
    if _CONTROL.search(subject):
        raise invalid("subject is not valid")
    if not html:
        raise missing("htmlContent")
    params = asked.get("params", {})
    mail = replace(
        common,
        subject=_filled(subject, params),
        text=_filled(text, params),
        html=_filled(html, params),
        reply_to=_reply_to(asked),
    )
    return tuple(replace(mail, recipient=each) for each in recipients)


def _sender(body: Mapping[str, Any]) -> str:
    if "sender" not in body:
        raise missing("sender")
    sender = only(body["sender"], MAILBOX_FIELDS | {"id"}, "sender")
    if "id" in sender:
        raise invalid("sender id is not valid")  # this account has no dedicated addresses
    address, name = mailbox(sender, "sender")
    return f"{name} <{address}>" if name else address


def _reply_to(asked: Mapping[str, Any]) -> str:
    if "replyTo" not in asked:
        return ""
    address, name = mailbox(only(asked["replyTo"], MAILBOX_FIELDS, "replyTo"), "replyTo")
    return f"{name} <{address}>" if name else address


def _scheduled(body: Mapping[str, Any]) -> bool:
    if "scheduledAt" not in body:
        return False
    try:
        return bool(datetime.fromisoformat(text_of(body, "scheduledAt")))
    except ValueError:
        raise invalid("scheduledAt is not valid") from None


def _batch(body: Mapping[str, Any]) -> str:
    batch = text_of(body, "batchId")
    try:
        if "batchId" in body and UUID(batch).version == 4:
            return batch
    except ValueError:
        pass
    if "batchId" in body:
        raise invalid("batchId should be a UUIDv4")
    return ""


def _filled(text: str, params: Mapping[str, Any]) -> str:
    for name, value in params.items():
        pieces = re.split(r"\{\{ ?params\." + re.escape(name) + r" ?\}\}", text)
        text = str(value).join(pieces)
    return text


def _size(mail: Arrived) -> int:
    encoded = sum(len(data) * 4 // 3 for _, data in mail.attachments)
    return sum(len(part.encode("utf-8", "replace")) for part in (mail.text, mail.html or "")) + encoded
