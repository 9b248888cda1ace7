"""Postmark's webhook calls: one event in each, not signed.

Sources: postmarkapp.com/developer/webhooks (overview, bounce, delivery, spam complaint, open tracking, click and
subscription change) and "Bounce types" of the Bounce API.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from penstock.model.event import EventKind
from penstock.testing.esp import Arrived, Happening, PostedCall

__all__ = ["SentMessage", "call_of", "unsent"]

_SERVER = 123456
_BOUNCES: Mapping[EventKind, tuple[str, int, str, str, str]] = {
    EventKind.BOUNCED_HARD: (
        "HardBounce",
        1,
        "Hard bounce",
        "The server was unable to deliver your message (ex: unknown user, mailbox not found).",
        "smtp;550 5.1.1 <{email}>: the email account that you tried to reach does not exist.",
    ),
    EventKind.BOUNCED_SOFT: (
        "SoftBounce",
        4096,
        "Soft bounce",
        "Unable to temporarily deliver message (i.e. mailbox full, account disabled, exceeds quota).",
        "smtp;552 5.2.2 <{email}>: the mailbox is full.",
    ),
    EventKind.BOUNCED_POLICY: (
        "Blocked",
        100006,
        "ISP block",
        "Blocked from this ISP due to content or blacklisting.",
        "smtp;550 5.7.1 mail to <{email}> from 192.0.2.7 is refused.",
    ),
    EventKind.DEFERRED: (
        "Transient",
        2,
        "Message delayed",
        "The server could not temporarily deliver your message (ex: Message is delayed due to network troubles).",
        "smtp;451 4.4.1 <{email}>: try again later.",
    ),
    EventKind.REJECTED: (
        "SMTPApiError",
        100007,
        "SMTP API error",
        "An error occurred while accepting an email through the SMTP API.",
        "The message to {email} could not be processed.",
    ),
    EventKind.UNKNOWN: (
        "AutoResponder",
        64,
        "Auto responder",
        'Automatic email responder (ex: "Out of Office" or "On Vacation").',
        "{email} is out of the office.",
    ),
}
"""Type, its code, its name, its description and what the recipient's server said. SMTP API errors come only where the
server's EnableSmtpApiErrorHooks is on."""
_COMPLAINT = (
    "SpamComplaint",
    100001,
    "Spam complaint",
    "The subscriber explicitly marked this message as spam.",
    "A complaint of {email}.",
)
_SUPPRESSED_BY = frozenset({EventKind.BOUNCED_HARD, EventKind.COMPLAINED})
_BROWSER: Mapping[str, Any] = {
    "UserAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "OS": {"Name": "Linux", "Family": "Linux", "Company": "Canonical"},
    "Client": {"Name": "Firefox 145.0", "Family": "Firefox", "Company": "Mozilla Foundation"},
    "Geo": {
        "IP": "192.0.2.44",
        "City": "Paris",
        "Country": "France",
        "CountryISOCode": "FR",
        "Region": "Ile-de-France",
        "RegionISOCode": "IDF",
        "Zip": "75001",
        "Coords": "48.8534,2.3488",
    },
}


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What of a message comes back with its events."""

    message_id: str
    stream: str = "outbound"
    tag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


def unsent(arrived: Arrived, variable: str) -> SentMessage:
    """That of a mail which the fake did not take itself: our id stands in the metadata's field `variable`."""
    message_id = str(uuid5(NAMESPACE_URL, f"message {arrived.mail_id} to {arrived.recipient}"))
    return SentMessage(message_id, metadata={variable: arrived.mail_id} if arrived.mail_id else {})


def call_of(happening: Happening, sent: SentMessage) -> PostedCall:
    """The call that tells of it; not for ACCEPTED, of which Postmark tells nothing. A repetition is the same in every
    octet and header.
    """
    trace = uuid5(NAMESPACE_URL, f"trace {happening.kind} {happening.key}")
    headers = {"content-type": "application/json", "user-agent": "Postmark", "x-pm-webhook-trace-id": str(trace)}
    return PostedCall(headers, json.dumps(_told(happening, sent), ensure_ascii=False).encode())


def _told(happening: Happening, sent: SentMessage) -> dict[str, Any]:
    recipient, at = parseaddr(happening.arrived.recipient)[1], _time(happening.at)
    common = {
        "MessageID": sent.message_id,
        "MessageStream": sent.stream,
        "Tag": sent.tag,
        "Metadata": {**sent.metadata},
    }
    match happening.kind:
        case EventKind.DELIVERED:
            said = f"smtp;250 2.0.0 OK <{recipient}>"
            own = {"ServerID": _SERVER, "Recipient": recipient, "DeliveredAt": at, "Details": said}
            return {"RecordType": "Delivery", **common, **own}
        case EventKind.COMPLAINED:
            return {"RecordType": "SpamComplaint", **common, **_bounce(happening, recipient, _COMPLAINT)}
        case EventKind.UNSUBSCRIBED:
            return {
                "RecordType": "SubscriptionChange",
                **common,
                "ServerID": _SERVER,
                "ChangedAt": at,
                "Recipient": recipient,
                "Origin": "Recipient",
                "SuppressSending": True,
                "SuppressionReason": "ManualSuppression",
            }
        case EventKind.OPENED:
            own = {"FirstOpen": True, "Platform": "Desktop", "ReadSeconds": 5, "ReceivedAt": at}
            return {"RecordType": "Open", **common, "Recipient": recipient, **own, **_BROWSER}
        case EventKind.CLICKED:
            link = f"https://nordlicht.example/offer?for={recipient}"
            own = {"ClickLocation": "HTML", "OriginalLink": link, "Platform": "Desktop", "ReceivedAt": at}
            return {"RecordType": "Click", **common, "Recipient": recipient, **own, **_BROWSER}
    return {"RecordType": "Bounce", **common, **_bounce(happening, recipient, _BOUNCES[happening.kind])}


def _bounce(happening: Happening, email: str, said: tuple[str, int, str, str, str]) -> dict[str, Any]:
    kind, code, name, description, details = said
    return {
        "ID": _number(happening),
        "Type": kind,
        "TypeCode": code,
        "Name": name,
        "ServerID": _SERVER,
        "Description": description,
        "Details": details.format(email=email),
        "Email": email,
        "From": parseaddr(happening.arrived.sender)[1],
        "BouncedAt": _time(happening.at),
        "DumpAvailable": happening.kind is not EventKind.REJECTED,
        "Inactive": happening.kind in _SUPPRESSED_BY,
        "CanActivate": happening.kind is EventKind.BOUNCED_HARD,
        "Subject": happening.arrived.subject,
    }


def _number(happening: Happening) -> int:
    """Up to 63 bits, as Postmark's are."""
    digest = hashlib.sha256(f"bounce {happening.kind} {happening.key}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 1


def _time(at: datetime) -> str:
    """ISO 8601 with seven digits of a second."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
