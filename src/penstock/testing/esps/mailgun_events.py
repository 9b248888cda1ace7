"""The calls by which Mailgun tells of mails: one event in each, signed over a time and a token."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from penstock.model.event import EventKind
from penstock.testing.esp import Arrived, Happening, PostedCall

__all__ = ["event_data", "signed_call"]

_FAILED: Mapping[EventKind, tuple[str, str, dict[str, Any]]] = {
    EventKind.DEFERRED: (
        "temporary",
        "generic",
        {
            "code": 451,
            "enhanced-code": "4.7.1",
            "message": "4.7.1 Greylisted, please try again in 300 seconds",
            "retry-seconds": 600,
        },
    ),
    EventKind.BOUNCED_HARD: (
        "permanent",
        "bounce",
        {
            "code": 550,
            "bounce-type": "hard",
            "enhanced-code": "5.1.1",
            "message": "5.1.1 The email account that you tried to reach does not exist",
        },
    ),
    EventKind.BOUNCED_SOFT: (
        "permanent",
        "bounce",
        {
            "code": 552,
            "bounce-type": "soft",
            "enhanced-code": "5.2.2",
            "message": "5.2.2 The email account that you tried to reach is over quota",
        },
    ),
    EventKind.BOUNCED_POLICY: (
        "permanent",
        "bounce",
        {
            "code": 550,
            "enhanced-code": "5.7.1",
            "message": "5.7.1 Our system has detected that this message is likely unsolicited mail",
        },
    ),
    EventKind.REJECTED: (
        "permanent",
        "suppress-bounce",
        {"code": 605, "message": "", "description": "Not delivering to previously bounced address"},
    ),
}
"""Severity, reason and what differs in the delivery status. The last is Mailgun's own doing: no server was asked."""
_PLAIN = {
    EventKind.ACCEPTED: "accepted",
    EventKind.DELIVERED: "delivered",
    EventKind.COMPLAINED: "complained",
    EventKind.UNSUBSCRIBED: "unsubscribed",
    EventKind.OPENED: "opened",
    EventKind.CLICKED: "clicked",
    EventKind.UNKNOWN: "stored",
}
_BY_THE_PERSON = frozenset({EventKind.UNSUBSCRIBED, EventKind.OPENED, EventKind.CLICKED})
_LEVELS = {EventKind.DEFERRED: "warn", EventKind.COMPLAINED: "warn"}
_DELIVERED = {
    "code": 250,
    "message": "OK",
    "tls": True,
    "utf8": True,
    "certificate-verified": True,
    "mx-host": "mx.firm.example",
}
_BROWSER = {
    "client-info": {
        "client-type": "browser",
        "client-os": "Linux",
        "device-type": "desktop",
        "client-name": "Firefox",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "bot": "",
    },
    "geolocation": {"country": "FR", "region": "IDF", "city": "Paris"},
    "ip": "192.0.2.44",
}


def signed_call(happening: Happening, at: datetime, key: str, *, domain: str, variable: str) -> PostedCall:
    """One POST; the token is new for each. `variable` names the custom variable with our id."""
    stamp, token = str(int(at.timestamp())), secrets.token_hex(25)
    signature = hmac.new(key.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
    told = {
        "signature": {"token": token, "timestamp": stamp, "signature": signature},
        "event-data": event_data(happening, domain=domain, variable=variable),
    }
    return PostedCall({"content-type": "application/json"}, json.dumps(told).encode())


def event_data(happening: Happening, *, domain: str, variable: str) -> dict[str, Any]:
    """The event as its own JSON: the same id for the same happening."""
    kind, arrived = happening.kind, happening.arrived
    recipient = parseaddr(arrived.recipient)[1]
    return {
        "id": _id(happening.key),
        "event": _PLAIN.get(kind, "failed"),
        "timestamp": happening.at.timestamp(),
        "log-level": _LEVELS.get(kind, "error" if kind in _FAILED else "info"),
        "account": {"id": "5c6f0a3c1f2e4b7d8a9b0c1d"},
        "domain": {"name": domain},
        "recipient": recipient,
        "recipient-domain": recipient.rpartition("@")[2],
        "tags": [],
        "user-variables": {variable: arrived.mail_id} if arrived.mail_id else {},
        "message": _message(arrived, kind, domain),
        **(_BROWSER if kind in _BY_THE_PERSON else _journey(arrived, kind, domain)),
        **({"url": "https://nordlicht.example/offer"} if kind is EventKind.CLICKED else {}),
        **_failure(kind),
    }


def _message(arrived: Arrived, kind: EventKind, domain: str) -> dict[str, Any]:
    """What the person did is told of the Message-ID alone; the id stands without its brackets."""
    made = f"20261120090000.{hashlib.sha256(arrived.mail_id.encode()).hexdigest()[:16]}@{domain}"
    message_id = arrived.headers.get("message-id", "").strip("<> ") or made
    if kind in _BY_THE_PERSON:
        return {"headers": {"message-id": message_id}}
    headers = {
        "to": arrived.recipient,
        "message-id": message_id,
        "from": arrived.sender,
        "subject": arrived.subject,
    }
    whole = {"headers": headers, "attachments": [], "size": len(arrived.text) + 500}
    return {**whole, "recipients": [arrived.recipient]} if kind is EventKind.UNKNOWN else whole


def _journey(arrived: Arrived, kind: EventKind, domain: str) -> dict[str, Any]:
    flags = {"is-routed": False, "is-authenticated": True, "is-system-test": False, "is-test-mode": False}
    if kind is EventKind.COMPLAINED:
        return {"flags": {"is-test-mode": False}}
    envelope = {
        "sender": f"bounce+0a1b2c@{domain}",
        "transport": "smtp",
        "targets": parseaddr(arrived.recipient)[1],
    }
    place = f"https://storage-europe-west1.api.mailgun.net/v3/domains/{domain}/messages/AwABBa"
    found: dict[str, Any] = {"flags": flags, "storage": {"url": place, "key": "AwABBa"}}
    match kind:
        case EventKind.UNKNOWN:
            return found
        case EventKind.ACCEPTED:
            return {**found, "envelope": envelope, "method": "HTTP"}
        case EventKind.DELIVERED:
            found["delivery-status"] = {"attempt-no": 1, "description": "", "session-seconds": 0.44, **_DELIVERED}
            envelope["sending-ip"] = "192.0.2.9"
    return {**found, "envelope": envelope}


def _failure(kind: EventKind) -> dict[str, Any]:
    if kind not in _FAILED:
        return {}
    severity, reason, status = _FAILED[kind]
    usual = {"attempt-no": 1, "description": "", "session-seconds": 0.0 if status["code"] == 605 else 1.95}
    return {"severity": severity, "reason": reason, "delivery-status": {**usual, **status}}


def _id(key: str) -> str:
    """22 characters, as Mailgun's ids are."""
    return urlsafe_b64encode(hashlib.sha256(key.encode()).digest()[:16]).decode().rstrip("=")
