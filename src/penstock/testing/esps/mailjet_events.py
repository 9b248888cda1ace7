"""Mailjet's webhook calls: events of the last second in one array (version 2), or one event each (version 1).

Source: mailjet/api-documentation, guide "Event API" (events, grouping, table of errors).
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.model.event import EventKind
from penstock.testing.esp import Happening, PostedCall

__all__ = ["SentMessage", "bodies", "call", "event"]

_CLIENT = {"ip": "192.0.2.44", "geo": "SE", "agent": "Mozilla/5.0 (X11; Linux x86_64)"}
_WORDS: Mapping[EventKind, Mapping[str, object]] = {
    EventKind.DEFERRED: {
        "event": "bounce",
        "blocked": False,
        "hard_bounce": False,
        "error_related_to": "domain",
        "error": "greylisted",
    },
    EventKind.DELIVERED: {"event": "sent", "smtp_reply": "sent (250 2.0.0 OK <{email}> 1763795970 fa5si855896 - mx)"},
    EventKind.BOUNCED_HARD: {
        "event": "bounce",
        "blocked": True,
        "hard_bounce": True,
        "error_related_to": "recipient",
        "error": "user unknown",
    },
    EventKind.BOUNCED_SOFT: {
        "event": "bounce",
        "blocked": False,
        "hard_bounce": False,
        "error_related_to": "recipient",
        "error": "quota exceeded",
    },
    EventKind.BOUNCED_POLICY: {
        "event": "bounce",
        "blocked": False,
        # Final for this mail, and nothing against the mailbox.
        "hard_bounce": True,
        "error_related_to": "spam",
        "error": "policy issue",
    },
    EventKind.COMPLAINED: {"event": "spam", "source": "JMRPP"},
    EventKind.UNSUBSCRIBED: {"event": "unsub", "mj_list_id": 0, **_CLIENT},
    EventKind.OPENED: {"event": "open", **_CLIENT},
    EventKind.CLICKED: {"event": "click", "url": "https://nordlicht.example/offer?for={email}", **_CLIENT},
    EventKind.REJECTED: {"event": "blocked", "error_related_to": "mailjet", "error": "preblocked"},
    EventKind.UNKNOWN: {"event": "typofix", "original_address": "{email}", "new_address": "{email}"},
}
"""What each event says beside what all say. Mailjet does not tell that it accepted a mail. `typofix` is an event of old
accounts: the address was mended before the mail was sent."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What the account knows of a mail that it took."""

    number: int
    uuid: str
    contact: int


def event(happening: Happening, message: SentMessage) -> dict[str, Any] | None:
    """One event; None for what Mailjet does not tell. Events have no id of their own."""
    words = _WORDS.get(happening.kind)
    if words is None:
        return None
    email = happening.arrived.recipient
    told: dict[str, Any] = {
        "event": words["event"],
        "time": int(happening.at.timestamp()),
        "MessageID": message.number,
        "Message_GUID": message.uuid,
        "email": email,
        "mj_campaign_id": 0,
        "mj_contact_id": message.contact,
        "customcampaign": "",
        "CustomID": happening.arrived.mail_id,
        "Payload": "",
    }
    if happening.kind is EventKind.DELIVERED:
        told["mj_message_id"] = str(message.number)
    return told | {n: v.replace("{email}", email) if isinstance(v, str) else v for n, v in words.items()}


def bodies(events: Sequence[Mapping[str, Any]], *, grouped: bool) -> list[bytes]:
    """One body for the events of each second, whatever their types, or for each event."""
    if not grouped:
        return [_octets(each) for each in events]
    seconds: dict[int, list[Mapping[str, Any]]] = {}
    for each in events:
        seconds.setdefault(each["time"], []).append(each)
    return [_octets(together) for together in seconds.values()]


def call(body: bytes, login: str) -> PostedCall:
    """Nothing is signed: user and password of the callback's address go along (RFC 7617)."""
    credentials = b64encode(login.encode()).decode()
    return PostedCall({"content-type": "application/json", "authorization": f"Basic {credentials}"}, body)


def _octets(told: object) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()
