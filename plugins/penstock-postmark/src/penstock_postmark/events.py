"""What Postmark tells of a mail by webhook. Its calls are not signed.

Sources: the webhook pages of postmarkapp.com/developer (overview, Delivery, Bounce, Spam complaint, Open, Click,
Subscription change), the list of bounce types of its Bounce API; status codes: RFC 3463, RFC 7505.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from penstock.adapters.http import object_of
from penstock.errors import InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall, WebhookCodec
from penstock_postmark.payload import MAIL_ID

__all__ = ["codec"]

_KINDS: Mapping[str, EventKind] = {
    "Delivery": EventKind.DELIVERED,
    "Open": EventKind.OPENED,
    "Click": EventKind.CLICKED,
    "SpamComplaint": EventKind.COMPLAINED,
    "SubscriptionChange ManualSuppression Recipient": EventKind.UNSUBSCRIBED,
    "Bounce HardBounce": EventKind.BOUNCED_HARD,
    "Bounce BadEmailAddress": EventKind.BOUNCED_HARD,
    "Bounce SoftBounce": EventKind.BOUNCED_SOFT,
    "Bounce DnsError": EventKind.BOUNCED_SOFT,
    "Bounce Unknown": EventKind.BOUNCED_SOFT,
    "Bounce Blocked": EventKind.BOUNCED_POLICY,
    "Bounce DMARCPolicy": EventKind.BOUNCED_POLICY,
    "Bounce SpamNotification": EventKind.BOUNCED_POLICY,
    "Bounce VirusNotification": EventKind.BOUNCED_POLICY,
    "Bounce Transient": EventKind.DEFERRED,
    "Bounce SpamComplaint": EventKind.COMPLAINED,
    "Bounce Unsubscribe": EventKind.UNSUBSCRIBED,
    "Bounce ManuallyDeactivated": EventKind.REJECTED,
    "Bounce Unconfirmed": EventKind.REJECTED,
    "Bounce SMTPApiError": EventKind.REJECTED,
    "Bounce TemplateRenderingFailed": EventKind.REJECTED,
}
"""RecordType, with the Type of a bounce, or the reason and origin of a suppression. Other bounces (AutoResponder,
AddressChange, Subscribe, OpenRelayTest, ChallengeVerification, InboundError) tell nothing of the mail's fate; a
suppression after a bounce or complaint is told once more by those, and one by the customer is our own."""
_BY_STATUS = frozenset({"Bounce HardBounce", "Bounce SoftBounce", "Bounce Unknown"})
"""What the status code of the recipient's server may correct."""
_TIMES: Mapping[str, str] = {
    "Delivery": "DeliveredAt",
    "Bounce": "BouncedAt",
    "SpamComplaint": "BouncedAt",
    "Open": "ReceivedAt",
    "Click": "ReceivedAt",
    "SubscriptionChange": "ChangedAt",
}
_WORDS: Mapping[str, str] = {
    "RecordType": "record",
    "Type": "type",
    "SuppressionReason": "reason",
    "Origin": "origin",
    "MessageStream": "stream",
}
"""Postmark's fields whose values are names."""
_STABLE = ("RecordType", "MessageID", "Recipient", "Email", "Type", "SuppressSending", "SuppressionReason", "Origin")
"""Fields that tell an event without an id from others, with its time and the link that was clicked."""
_NO_MAILBOX = frozenset({1, 2, 3, 6, 10})
"""5.1.X that speak of the recipient's address: no such mailbox or domain, no address, moved, null MX (RFC 7505)."""
_BAD_SENDER = frozenset({7, 8})
"""5.1.X that speak of the sender's address."""

_MOST_OCTETS = 4 << 20
"""A call tells one event, of a few KiB, unless a bounce is told with its content, which the docs advise against."""
_MOST_OF_DETAILS = 4_000
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_MAIL_ID = re.compile(r"[!-?A-~]{1,80}")
"""Printable ASCII without @."""
_NOBODY = "00000000-0000-0000-0000-000000000000"
_STATUS = re.compile(r"(?<![0-9.])[245][0-9]{2}[ -]#?([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
"""A reply code and then an enhanced one, as servers write them: digits with dots alone may be an IP address."""


class _Postmark:
    """Calls with a JSON body of one event each."""

    signed = False
    needs_path = True
    refused = 403
    """Postmark gives up then."""

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """The core has looked at path and login, and there is no more proof. A repetition has the same body."""
        if len(call.body) > _MOST_OCTETS:
            raise WebhookRejected("too large")
        return Genuine(hashlib.sha256(call.body).hexdigest())

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The one event of the call."""
        if len(body) > _MOST_OCTETS:
            raise InvalidInput("the call is too large")
        told = object_of(body)
        if told is None or not _matched(_WORD, told.get("RecordType")):
            raise InvalidInput("the call tells no event")
        return [_event(told)]

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """Postmark's header fields for mail by SMTP; it takes them out before the mail goes on."""
        return (
            (f"X-PM-Metadata-{MAIL_ID}", mail_id),
            ("X-PM-TrackOpens", "false"),
            ("X-PM-TrackLinks", "None"),
        )


def codec(address: WebhookAddress) -> WebhookCodec:
    """Reads Postmark's webhooks; there is no key to verify them by."""
    del address
    return _Postmark()


def _event(told: Mapping[str, object]) -> Event:
    words = {name: value for field, name in _WORDS.items() if (value := _matched(_WORD, told.get(field)))}
    at = _time(told, words["record"])
    if status := _status(told.get("Details")):
        words["status"] = ".".join(map(str, status))
    metadata = told.get("Metadata")
    receipt = _matched(_ID, told.get("MessageID"))
    return Event(
        kind=_kind(told, words, status),
        key=_key(told, words["record"], at),
        at=at,
        mail_id=_matched(_MAIL_ID, metadata.get(MAIL_ID)) if isinstance(metadata, dict) else "",
        receipt="" if receipt == _NOBODY else receipt,
        recipient=_recipient(told),
        words=words,
    )


def _kind(told: Mapping[str, object], words: Mapping[str, str], status: tuple[int, int, int] | None) -> EventKind:
    record = words["record"]
    match record:
        case "Bounce":
            record = f"Bounce {words.get('type', '')}"
        case "SubscriptionChange" if told.get("SuppressSending") is True:
            record = f"SubscriptionChange {words.get('reason', '')} {words.get('origin', '')}"
    kind = _KINDS.get(record, EventKind.UNKNOWN)
    return kind if status is None or record not in _BY_STATUS else _corrected(kind, status)


def _corrected(kind: EventKind, status: tuple[int, int, int]) -> EventKind:
    """What a status code (RFC 3463) leaves of Postmark's own judgement. In doubt a bounce is soft."""
    match status:
        case 5, 7, _:
            return EventKind.BOUNCED_POLICY
        case 5, 1, detail if detail in _BAD_SENDER:
            return EventKind.BOUNCED_POLICY
        case 5, 1, detail if detail in _NO_MAILBOX or detail == 0:
            return kind
        case (5, 2, 1) | (5, 0, 0):
            return kind
    return EventKind.BOUNCED_SOFT


def _status(details: object) -> tuple[int, int, int] | None:
    found = _STATUS.search(details[:_MOST_OF_DETAILS]) if isinstance(details, str) else None
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def _key(told: Mapping[str, object], record: str, at: datetime) -> str:
    """Bounces and complaints have an id; the others are told apart by what they say."""
    number = told.get("ID")
    if type(number) is int and 0 < number < 1 << 64:
        return f"{record}.{number}"
    link = told.get("OriginalLink")
    named = [value if isinstance(value := told.get(name), str | bool) else None for name in _STABLE]
    stable = json.dumps([*named, at.isoformat(), link if isinstance(link, str) else None])
    return f"{record}.{hashlib.sha256(stable.encode()).hexdigest()}"


def _recipient(told: Mapping[str, object]) -> str:
    for name in ("Recipient", "Email"):
        found = told.get(name)
        if isinstance(found, str) and found.isprintable() and len(found) <= 320:
            return found
    return ""


def _time(told: Mapping[str, object], record: str) -> datetime:
    """ISO 8601, mostly in UTC with seven digits of a second. Raises InvalidInput."""
    names = (_TIMES[record],) if record in _TIMES else tuple(dict.fromkeys(_TIMES.values()))
    for name in names:
        text = told.get(name)
        try:
            moment = datetime.fromisoformat(text) if isinstance(text, str) and len(text) <= 40 else None
        except ValueError:
            continue
        if moment is not None and 2000 <= moment.year < 3000:
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    raise InvalidInput("the event has no time")


def _matched(pattern: re.Pattern[str], value: object) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""
