"""The events of the fake SendGrid, and how its calls are signed.

Sources: the Event Webhook Reference and "Getting Started with the Event Webhook Security Features" of SendGrid's
documentation; webhooks v3 (OpenAPI, 2026-01).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from penstock.model.event import EventKind
from penstock.testing.esp import Happening, PostedCall

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

__all__ = ["SendGridSigner", "bodies", "event"]

_MOST_OCTETS = 768 << 10
"""Of one call: events are collected until there are as many."""
_AGENT = {"ip": "192.0.2.44", "useragent": "Mozilla/5.0 (X11; Linux x86_64)"}
_MX = {"ip": "192.0.2.25", "tls": 1}
_WORDS: Mapping[EventKind, Mapping[str, object]] = {
    EventKind.ACCEPTED: {"event": "processed"},
    EventKind.DEFERRED: {
        "event": "deferred",
        "response": "451 4.7.1 <{email}>: greylisted, try again later",
        "attempt": "3",
        "tls": 1,
    },
    EventKind.DELIVERED: {"event": "delivered", "response": "250 2.0.0 OK <{email}>", **_MX},
    EventKind.BOUNCED_HARD: {
        "event": "bounce",
        "type": "bounce",
        "bounce_classification": "Invalid Address",
        "reason": "550 5.1.1 <{email}>: Recipient address rejected: User unknown",
        "status": "5.1.1",
        **_MX,
    },
    EventKind.BOUNCED_SOFT: {
        "event": "bounce",
        "type": "blocked",
        "bounce_classification": "Mailbox Unavailable",
        "reason": "552 5.2.2 <{email}>: mailbox is full",
        "status": "5.2.2",
        **_MX,
    },
    EventKind.BOUNCED_POLICY: {
        "event": "bounce",
        "type": "blocked",
        "bounce_classification": "Reputation",
        "reason": "550 5.7.1 mail to <{email}> from 192.0.2.7 refused, see https://block.example/",
        "status": "5.7.1",
        **_MX,
    },
    EventKind.COMPLAINED: {"event": "spamreport"},
    EventKind.UNSUBSCRIBED: {"event": "unsubscribe", **_AGENT},
    EventKind.OPENED: {"event": "open", "sg_machine_open": False, "sg_content_type": "html", **_AGENT},
    EventKind.CLICKED: {
        "event": "click",
        "url": "https://nordlicht.example/offer?for={email}",
        "url_offset": {"index": 0, "type": "html"},
        **_AGENT,
    },
    EventKind.REJECTED: {"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"},
    EventKind.UNKNOWN: {"event": "group_resubscribe", "asm_group_id": 7, **_AGENT},
}
"""What each event says beside what all say. Texts of other servers quote the address, as they do."""
_WITHOUT_SMTP_ID = frozenset({EventKind.COMPLAINED, EventKind.UNSUBSCRIBED, EventKind.OPENED, EventKind.CLICKED})


def event(happening: Happening, message: str, arguments: Mapping[str, str]) -> dict[str, object]:
    """One event: `message` is the X-Message-Id of the answer to the sender, `arguments` its custom arguments."""
    email = happening.arrived.recipient
    own = {
        name: value.replace("{email}", email) if isinstance(value, str) else value
        for name, value in _WORDS[happening.kind].items()
    }
    told: dict[str, object] = {
        "email": email,
        "timestamp": int(happening.at.timestamp()),
        "sg_event_id": base64.urlsafe_b64encode(_digest(f"event {happening.key}")).decode(),
        "sg_message_id": f"{message}.recvd-6c4f9d7b5-x2x7p-1-6742F0A1-1F.0",
        **own,
        **arguments,
    }
    return told if happening.kind in _WITHOUT_SMTP_ID else {**told, "smtp-id": f"<{message}@geopod-ismtpd-1>"}


def bodies(events: Sequence[Mapping[str, object]]) -> Iterator[bytes]:
    """The bodies of the calls that tell of these: arrays with a line for each event, and a line break at the end."""
    lines: list[bytes] = []
    size = 0
    for each in events:
        line = json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode()
        if lines and size + len(line) > _MOST_OCTETS:
            yield _body(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 3
    if lines:
        yield _body(lines)


@dataclass
class SendGridSigner:
    """A key pair as SendGrid makes one for each webhook: ECDSA on P-256 with SHA-256."""

    key: EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> SendGridSigner:
        """With a key of its own."""
        from cryptography.hazmat.primitives.asymmetric import ec

        return cls(ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> str:
        """As SendGrid shows it: the DER of the public key in base64."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        shown = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(shown).decode()

    def call(self, body: bytes, at: datetime) -> PostedCall:
        """The call with that body: time and body are signed together."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        seconds = str(int(at.timestamp()))
        signature = self.key.sign(seconds.encode() + body, ec.ECDSA(hashes.SHA256()))
        headers = {
            "content-type": "application/json;charset=utf-8",
            "user-agent": "SendGrid Event API",
            "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
            "x-twilio-email-event-webhook-timestamp": seconds,
        }
        return PostedCall(headers, body)


def _body(lines: Sequence[bytes]) -> bytes:
    return b"[" + b",\r\n".join(lines) + b"]\r\n"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()[:16]
