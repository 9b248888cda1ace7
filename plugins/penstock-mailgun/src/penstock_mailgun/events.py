"""What Mailgun tells of a mail by webhook, and the proof that it was Mailgun who told.

Source: Mailgun's OpenAPI description (Events, Webhooks, 2026-07) and its user manual ("Securing Webhooks", "Event
Structure"); status codes: RFC 3463, RFC 7372, RFC 7505.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from penstock.adapters.http import object_of
from penstock.errors import InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall, WebhookCodec
from penstock_mailgun.deliver import MAIL_ID, receipt_of

__all__ = ["codec"]

_KINDS: Mapping[str, EventKind] = {
    "accepted": EventKind.ACCEPTED,
    "delivered": EventKind.DELIVERED,
    "rejected": EventKind.REJECTED,
    "complained": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "opened": EventKind.OPENED,
    "clicked": EventKind.CLICKED,
    "failed temporary": EventKind.DEFERRED,
}
"""Mailgun's event, with its severity where it has one. "failed permanent" is told apart further by `_REASONS` and by
the status code."""
_REASONS: Mapping[str, EventKind] = {
    "suppress-bounce": EventKind.REJECTED,
    "suppress-complaint": EventKind.REJECTED,
    "suppress-unsubscribe": EventKind.REJECTED,
    "espblock": EventKind.BOUNCED_POLICY,
    "blacklisted": EventKind.BOUNCED_POLICY,
    "spam": EventKind.BOUNCED_POLICY,
    "greylisted": EventKind.BOUNCED_SOFT,
    "old": EventKind.BOUNCED_SOFT,
}
"""Reasons of "failed permanent" that decide by themselves; the others (bounce, delayed-bounce, generic) do not."""
_SUPPRESSED = frozenset({"605", "606", "607"})
"""Mailgun's own codes for mail that it never offered, as the address stands on one of its lists."""
_NO_MAILBOX = frozenset({1, 2, 3, 6, 10})
"""5.1.X that speak of the recipient's address: no such mailbox or domain, no address, moved, null MX (RFC 7505)."""
_BAD_SENDER = frozenset({7, 8})
"""5.1.X that speak of the sender's address."""

_OLDEST = timedelta(hours=24, minutes=10)
"""Mailgun tries again for about 8 hours with the old time and signature; a day leaves room for a door that was shut."""
_MOST_AHEAD = timedelta(minutes=5)
_MOST_OCTETS = 256 << 10
"""A call tells one event, of a few KiB; variables and options of a mail are 16 KB at most."""
_TIME = re.compile(r"[0-9]{10}")
_TOKEN = re.compile(r"[0-9A-Za-z_-]{50}")
"""Of fixed lengths: the signature covers time and token without anything between them."""
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_NAME = re.compile(r"[!-?A-~]{1,200}")
"""An id: printable ASCII without @."""
_STATUS = re.compile(r"(?:[245][0-9]{2}[ -])?([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])")
_LATEST = 32_503_680_000.0
"""The year 3000: what lies beyond counts no seconds."""


class _Mailgun:
    """Calls with a JSON body of `signature` and `event-data`, one event each."""

    signed = True
    needs_path = True
    """The signature covers a time and a token, not the event."""
    refused = 406
    """What Mailgun does not try again; after a 403 it would."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """The token is the mark: the core takes it once, and with one body only."""
        try:
            signature = _asked(call.body)["signature"]
        except (InvalidInput, KeyError):
            raise WebhookRejected("no signature") from None
        if not isinstance(signature, dict):
            raise WebhookRejected("no signature")
        time, token = signature.get("timestamp"), signature.get("token")
        # JSON numbers are taken as well: the manual shows the time with and without quotes.
        time = str(time) if type(time) is int else time
        if not (isinstance(time, str) and _TIME.fullmatch(time) and isinstance(token, str) and _TOKEN.fullmatch(token)):
            raise WebhookRejected("no signature")
        age = call.received_at - datetime.fromtimestamp(int(time), UTC)
        if not -_MOST_AHEAD <= age <= _OLDEST:
            raise WebhookRejected("out of time")
        expected = hmac.new(self._key, f"{time}{token}".encode(), hashlib.sha256).hexdigest()
        # A domain of a subaccount is also signed with the key of the account above it.
        given = (signature.get("signature"), signature.get("parent-signature"))
        same = [
            hmac.compare_digest(expected, each.lower())
            for each in given
            if isinstance(each, str) and _SIGNATURE.fullmatch(each)
        ]
        if not any(same):
            raise WebhookRejected("another signature")
        return Genuine(token)

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The one event of the call."""
        asked = _asked(body)
        data = asked.get("event-data")
        if not isinstance(data, dict):
            raise InvalidInput("the call tells no event")
        return [_event(data, _moment(data.get("timestamp")) or _signed_at(asked))]

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """Mailgun's own header fields (user manual, "Sending via SMTP"); the recipient does not see our variable."""
        return (
            ("X-Mailgun-Variables", json.dumps({MAIL_ID: mail_id})),
            ("X-Mailgun-Suppress-Headers", "X-Mailgun-Variables"),
            ("X-Mailgun-Track", "no"),
            ("X-Mailgun-Track-Clicks", "no"),
            ("X-Mailgun-Track-Opens", "no"),
        )


def codec(address: WebhookAddress) -> WebhookCodec:
    """Reads Mailgun's webhooks. Raises ConfigError where no webhook signing key is configured."""
    return _Mailgun(address.key())


def _asked(body: bytes) -> dict[str, object]:
    if len(body) > _MOST_OCTETS:
        raise InvalidInput("the call is too large")
    if (asked := object_of(body)) is None:
        raise InvalidInput("the call is no JSON object")
    return asked


def _event(data: Mapping[str, object], at: datetime) -> Event:
    receipt = _receipt(data)
    mail_id = _named(_inner(data, "user-variables").get(MAIL_ID))
    recipient = data.get("recipient")
    recipient = recipient if isinstance(recipient, str) and recipient.isprintable() and len(recipient) <= 320 else ""
    words = _words(data)
    identity = _named(data.get("id"))
    if not identity:
        stable = json.dumps([words, at.isoformat(), receipt, mail_id, recipient])
        identity = hashlib.sha256(stable.encode()).hexdigest()
    # Mailgun promises that an id is unique within a day, no longer.
    return Event(_kind(words), f"{identity}.{at:%Y%m%d}", at, mail_id, receipt, recipient, words)


def _kind(words: Mapping[str, str]) -> EventKind:
    event = words.get("event", "")
    if event == "failed":
        event = f"failed {words.get('severity', '')}"
    if event != "failed permanent":
        return _KINDS.get(event, EventKind.UNKNOWN)
    by_reason = _REASONS.get(words.get("reason", ""))
    if by_reason is EventKind.REJECTED or words.get("code") in _SUPPRESSED:
        return EventKind.REJECTED
    if by_reason is not None:
        return by_reason
    by_status = _of_status(words.get("status", ""))
    if by_status is not None:
        # Where Mailgun itself does not think it is for ever, it is not.
        doubted = by_status is EventKind.BOUNCED_HARD and words.get("bounce-type") == "soft"
        return EventKind.BOUNCED_SOFT if doubted else by_status
    sure = words.get("bounce-type") == "hard" and words.get("reason") == "bounce"
    return EventKind.BOUNCED_HARD if sure else EventKind.BOUNCED_SOFT


def _of_status(status: str) -> EventKind | None:
    """What an enhanced status code says of a mail that was given up (RFC 3463); None where it leaves that open."""
    if not status:
        return None
    match tuple(map(int, status.split("."))):
        case 5, 7, _:
            return EventKind.BOUNCED_POLICY
        case 5, 1, detail if detail in _BAD_SENDER:
            return EventKind.BOUNCED_POLICY
        case 5, 1, detail:
            return EventKind.BOUNCED_HARD if detail in _NO_MAILBOX else None
        case 5, 2, 1:
            return EventKind.BOUNCED_HARD
    return EventKind.BOUNCED_SOFT


def _words(data: Mapping[str, object]) -> dict[str, str]:
    """Names and codes only; `reason` of an event "rejected" and all messages are free text and stay behind."""
    status = _inner(data, "delivery-status")
    words = {
        name: value
        for name, value in (
            ("event", data.get("event")),
            ("severity", data.get("severity")),
            ("reason", data.get("reason")),
            ("bounce-type", status.get("bounce-type")),
        )
        if isinstance(value, str) and _WORD.fullmatch(value)
    }
    code = status.get("code")
    if type(code) is int and 100 <= code <= 999:
        words["code"] = str(code)
    for text in (status.get("enhanced-code"), status.get("message")):
        if isinstance(text, str) and (found := _STATUS.match(text)):
            words["status"] = ".".join(str(int(part)) for part in found.groups())
            break
    return words


def _receipt(data: Mapping[str, object]) -> str:
    """As `Accepted.receipt` has it."""
    headers = _inner(data, "message").get("headers")
    identity = headers.get("message-id") if isinstance(headers, dict) else None
    return _named(receipt_of(identity)) if isinstance(identity, str) else ""


def _signed_at(asked: Mapping[str, object]) -> datetime:
    """When the call was made first: the time of an event that has none. Raises InvalidInput."""
    time = _inner(asked, "signature").get("timestamp")
    if not isinstance(time, str) or not _TIME.fullmatch(time):
        raise InvalidInput("the event has no time")
    return datetime.fromtimestamp(int(time), UTC)


def _moment(seconds: object) -> datetime | None:
    """Seconds since 1970, with a fraction."""
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 < seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _inner(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _named(value: object) -> str:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else ""
