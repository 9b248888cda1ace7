"""Resend's webhook calls: one event each, signed as Svix signs (svix-id, svix-timestamp, svix-signature)."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from penstock.model.event import EventKind
from penstock.testing.esp import Arrived, Happening, PostedCall

__all__ = ["MADE", "call_of", "email_id_of", "new_secret"]

MADE = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""When all mails of the account were created: the fake has no clock."""
_PREFIX = "whsec_"
_TYPES: Mapping[EventKind, str] = {
    EventKind.ACCEPTED: "email.sent",
    EventKind.DEFERRED: "email.delivery_delayed",
    EventKind.DELIVERED: "email.delivered",
    EventKind.BOUNCED_HARD: "email.bounced",
    EventKind.BOUNCED_SOFT: "email.bounced",
    EventKind.BOUNCED_POLICY: "email.bounced",
    EventKind.COMPLAINED: "email.complained",
    EventKind.UNSUBSCRIBED: "contact.updated",
    EventKind.OPENED: "email.opened",
    EventKind.CLICKED: "email.clicked",
    EventKind.REJECTED: "email.failed",
    EventKind.UNKNOWN: "email.scheduled",
}
"""A recipient who stands on the suppression list is told of as `email.suppressed` in place of `email.failed`."""
_BOUNCES: Mapping[EventKind, tuple[str, str, str, str]] = {
    EventKind.BOUNCED_HARD: ("Permanent", "General", "550 5.1.1", "no such user here"),
    EventKind.BOUNCED_SOFT: ("Transient", "MailboxFull", "552 5.2.2", "the mailbox is full"),
    EventKind.BOUNCED_POLICY: ("Transient", "ContentRejected", "550 5.7.1", "rejected as spam"),
}
"""Type, sub-type, and what the recipient's server said."""
_OWN_HEADERS = frozenset({"message-id", "date"})
"""What the service writes itself: no custom headers."""


def new_secret() -> str:
    """The signing secret of a webhook, as the account shows it."""
    return _PREFIX + b64encode(token_bytes(24)).decode()


def call_of(
    happening: Happening, at: datetime, secret: str, *, tags: Mapping[str, str] | None = None, origin: str | None = None
) -> PostedCall:
    """The call that tells of it, made at that moment. A repetition has the same id and body, and its own time.

    `tags` are those that the mail was sent with; without them our id goes along under `penstock_mail_id`. `origin`
    says why the recipient stands on the suppression list, None: it does not.
    """
    body = json.dumps(_told(happening, tags, origin), separators=(",", ":"), ensure_ascii=False).encode()
    call_id = "msg_" + hashlib.sha256(happening.key.encode()).hexdigest()[:27]
    time = str(int(at.timestamp()))
    key = b64decode(secret.removeprefix(_PREFIX))
    signature = hmac.digest(key, b".".join((call_id.encode(), time.encode(), body)), "sha256")
    headers = {
        "content-type": "application/json",
        "user-agent": "Svix-Webhooks/1.62.0",
        "svix-id": call_id,
        "svix-timestamp": time,
        "svix-signature": f"v1,{b64encode(signature).decode()}",
    }
    return PostedCall(headers, body)


def email_id_of(arrived: Arrived) -> str:
    """The id that the answer gave for it; for a mail that was never sent, one of its own."""
    local, _, domain = arrived.headers.get("message-id", "").strip("<>").partition("@")
    if domain == "email.resend.example":
        return local
    return str(uuid5(NAMESPACE_DNS, f"email {arrived.mail_id} to {arrived.recipient}"))


def _told(happening: Happening, tags: Mapping[str, str] | None, origin: str | None) -> dict[str, Any]:
    suppressed = happening.kind is EventKind.REJECTED and origin is not None
    kind = "email.suppressed" if suppressed else _TYPES[happening.kind]
    if happening.kind is EventKind.UNSUBSCRIBED:
        return {"type": kind, "created_at": _time(happening.at), "data": _contact(happening)}
    data = _email(happening.arrived, tags)
    match kind:
        case "email.bounced":
            data["bounce"] = _bounce(happening)
        case "email.clicked":
            data["click"] = {
                "ipAddress": "192.0.2.7",
                "link": "https://mail.nordlicht.example/offer",
                "timestamp": _time(happening.at),
                "userAgent": "Mozilla/5.0",
            }
        case "email.failed":
            data["failed"] = {"reason": "reached_daily_quota"}
        case "email.suppressed":
            data["suppressed"] = {
                "type": "OnAccountSuppressionList",
                "reason": "previous_complaint" if origin == "complaint" else "previous_bounce",
                "message": f"{happening.arrived.recipient} is on the suppression list of the account.",
                "diagnosticCode": [],
            }
    return {"type": kind, "created_at": _time(happening.at), "data": data}


def _email(arrived: Arrived, tags: Mapping[str, str] | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "email_id": email_id_of(arrived),
        "created_at": _time(MADE),
        "from": arrived.sender,
        "to": [arrived.recipient],
        "subject": arrived.subject,
    }
    own = {"penstock_mail_id": arrived.mail_id} if arrived.mail_id else {}
    if labels := dict(own if tags is None else tags):
        data["tags"] = labels
    custom = {name: value for name, value in arrived.headers.items() if name not in _OWN_HEADERS}
    if custom:
        data["headers"] = [{"name": name, "value": value} for name, value in custom.items()]
    return data


def _bounce(happening: Happening) -> dict[str, Any]:
    kind, sub_kind, code, words = _BOUNCES[happening.kind]
    said = f"smtp; {code} <{happening.arrived.recipient}>: {words}"
    return {"type": kind, "subType": sub_kind, "message": f"The server said: {said}", "diagnosticCode": [said]}


def _contact(happening: Happening) -> dict[str, Any]:
    """A contact that no longer wants mail: it names a person, and no mail."""
    address = happening.arrived.recipient
    return {
        "id": str(uuid5(NAMESPACE_DNS, f"contact {address}")),
        "segment_ids": [],
        "created_at": _time(MADE),
        "updated_at": _time(happening.at),
        "email": address,
        "unsubscribed": True,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
