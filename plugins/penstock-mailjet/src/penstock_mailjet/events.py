"""What Mailjet tells of a mail by webhook (Event API): one event in a call, or all of the last second together.

Sources: mailjet/api-documentation (guides, Event API: events, grouping, possible values for errors; SMTP relay, custom
headers); Mailjet's page "Event Tracking API" (repetitions); status codes: RFC 3463, RFC 7505.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from penstock.adapters.http import json_of
from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall
from penstock_mailjet.bounce import bounce

__all__ = ["KINDS", "MailjetCodec", "codec"]

KINDS: Mapping[str, EventKind] = {
    "sent": EventKind.DELIVERED,  # the recipient's server took it
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "bounce": EventKind.BOUNCED_SOFT,  # at least: `penstock_mailjet.bounce` looks closer
    "blocked": EventKind.REJECTED,
    "spam": EventKind.COMPLAINED,
    "unsub": EventKind.UNSUBSCRIBED,
}
"""Mailjet's names of events; any other is unknown."""
_MOST_OCTETS = 16 << 20
"""Of a call. An event has less than 1 KiB and a second some thousands of them."""
_KEY_FIELDS = (
    *("event", "time", "MessageID", "mj_message_id", "email", "CustomID"),
    *("url", "ip", "agent", "source", "error", "mj_list_id"),
)
"""What tells an event from all others, as Mailjet gives it no id; the same in every repetition."""
_NAME = re.compile(r"[a-z_]{1,40}")
_SOURCE = re.compile(r"[A-Za-z0-9_-]{1,40}")
_MAIL = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_DIGITS = re.compile(r"[0-9]{1,25}")
_SECONDS = re.compile(r"[0-9]{9,11}")
_LATEST = 4_102_444_800
"""2100-01-01 in seconds since 1970."""
_MOST_OF_AN_ADDRESS = 320


def codec(address: WebhookAddress) -> MailjetCodec:
    """The codec. Raises ConfigError for a key: nothing would be verified by it."""
    if address.secret():
        where = f"adapters.{address.name}.webhook.key"
        raise ConfigError("Mailjet signs no calls", where=where, mend="set path and login instead of key")
    return MailjetCodec()


class MailjetCodec:
    """Mailjet signs nothing: secret path and login, which the core asks for, prove its calls."""

    signed = False
    needs_path = True
    refused = 403
    """No status but 200 ends Mailjet's attempts."""

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """The mark is the digest of the body. Raises WebhookRejected for one that no call of Mailjet's reaches."""
        if not 0 < len(call.body) <= _MOST_OCTETS:
            raise WebhookRejected("not a call of Mailjet's")
        return Genuine(f"mailjet:{hashlib.sha256(call.body).hexdigest()}")

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The events of the list (version 2) or the one (version 1).

        One without a name or time is left out; InvalidInput where that leaves none of some.
        """
        if (told := json_of(body)) is None:
            raise InvalidInput("the call is no JSON")
        found = told if isinstance(told, list) else [told]
        events = [event for each in found if isinstance(each, dict) and (event := _event(each)) is not None]
        if found and not events:
            raise InvalidInput("the call holds no event that can be read")
        return events

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """What `CustomID`, `TrackOpens` and `TrackClicks` are by SMTP; both switches outrank the account's."""
        return (("X-MJ-CustomID", mail_id), ("X-Mailjet-TrackOpen", "0"), ("X-Mailjet-TrackClick", "0"))


def _event(told: Mapping[str, Any]) -> Event | None:
    name, at = told.get("event"), _moment(told.get("time"))
    if not isinstance(name, str) or not name or at is None:
        return None
    kind = KINDS.get(name, EventKind.UNKNOWN)
    words = {"event": name if _NAME.fullmatch(name) else ""}
    match name:
        case "bounce" | "blocked":
            closer, more = bounce(told)
            kind = closer if name == "bounce" else kind
            words |= more
        case "spam":
            words |= {"source": _fitting(told.get("source"), _SOURCE)}
    return Event(
        kind,
        _key(told),
        at,
        mail_id=_fitting(told.get("CustomID"), _MAIL),
        receipt=_receipt(told),
        recipient=_address(told.get("email")),
        words={word: value for word, value in words.items() if value},
    )


def _key(told: Mapping[str, Any]) -> str:
    stable = [value if isinstance(value := told.get(name), str | int | float) else None for name in _KEY_FIELDS]
    return hashlib.sha256(json.dumps(stable).encode()).hexdigest()


def _receipt(told: Mapping[str, Any]) -> str:
    """`MessageID`, as the answer to our request has it; older events have it as text alone."""
    for name in ("MessageID", "mj_message_id"):
        value = told.get(name)
        written = str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else value
        if receipt := _fitting(written, _DIGITS):
            return receipt
    return ""


def _moment(written: object) -> datetime | None:
    """Seconds since 1970, as a number or in digits."""
    if isinstance(written, str) and _SECONDS.fullmatch(written):
        written = int(written)
    if not isinstance(written, int | float) or isinstance(written, bool) or not 0 < written < _LATEST:
        return None
    return datetime.fromtimestamp(written, UTC)


def _fitting(value: object, form: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and form.fullmatch(value) else ""


def _address(value: object) -> str:
    fits = isinstance(value, str) and len(value) <= _MOST_OF_AN_ADDRESS and "@" in value and value.isprintable()
    return str(value).strip() if fits else ""
