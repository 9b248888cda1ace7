"""Calls of Brevo's transactional webhooks: one event in each, or up to 500 where they are batched.

Sources: developers.brevo.com/docs: transactional-webhooks, batch-webhooks, secured-webhooks, retry-mechanism; what live
calls look like (names, angle brackets, which time is UTC) is in django-anymail's tests of its Brevo webhook.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from penstock.adapters.http import json_of
from penstock.errors import ConfigError, InvalidInput
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall
from penstock_brevo.bounce import bounce
from penstock_brevo.payload import MAIL_ID
from penstock_brevo.receipt import receipt_of

__all__ = ["KINDS", "BrevoCodec", "codec"]

KINDS: Mapping[str, EventKind] = {
    "request": EventKind.ACCEPTED,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    # Which of them: penstock_brevo.bounce.
    "hard_bounce": EventKind.BOUNCED_SOFT,
    "soft_bounce": EventKind.BOUNCED_SOFT,
    # Brevo held these back itself: an address on its list, one it finds invalid, a fault of its own.
    "blocked": EventKind.REJECTED,
    "invalid_email": EventKind.REJECTED,
    "error": EventKind.REJECTED,
    # Documented as the one, seen as the other; so are the opt-outs.
    "spam": EventKind.COMPLAINED,
    "complaint": EventKind.COMPLAINED,
    "unsubscribed": EventKind.UNSUBSCRIBED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "opened": EventKind.OPENED,
    "unique_opened": EventKind.OPENED,
    "proxy_open": EventKind.OPENED,
    "unique_proxy_open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
"""Brevo's names of events; any other is unknown."""
_BOUNCES = frozenset({"hard_bounce", "soft_bounce"})
_TIMES = ("ts_epoch", "ts_event", "ts")
"""The best first: of old, ts_event and ts were in the account's time zone."""
_MILLISECONDS = 100_000_000_000
"""Numbers from here on are milliseconds, which `ts_epoch` is and its examples are not."""
_LATEST = 4_102_444_800
"""The year 2100, in seconds."""
_SAME = ("event", "message-id", "email", *_TIMES, "link")
"""What tells an event from all others: it has no id of its own, `id` is the webhook's."""
_NAME = re.compile(r"[a-z]+(?:_[a-z]+){0,4}")
_MAIL_ID_FORM = re.compile(r"[!-?A-~]{1,200}")
_MOST_OF_AN_ADDRESS = 320


def codec(address: WebhookAddress) -> BrevoCodec:
    """Raises ConfigError where a key or topics are set: Brevo signs nothing, and they would prove nothing."""
    if address.secret() or address.topics:
        raise ConfigError(
            "Brevo does not sign its calls: neither a key nor topics prove anything",
            where=f"adapters.{address.name}.webhook",
            mend="leave key and topics out, and give path with login or bearer",
        )
    return BrevoCodec()


class BrevoCodec:
    """Brevo's events. Path and login, which the core asks for, are all that proves a call."""

    signed = False
    needs_path = True
    refused = 403
    """Any 4xx but 429 ends Brevo's attempts."""

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """Nothing in a call is there to be proven. The mark is of the body, which a repetition brings again."""
        return Genuine(f"brevo:{sha256(call.body).hexdigest()}")

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The events. Of a batch those are left out that do not say what happened and when. Raises InvalidInput."""
        if (told := json_of(body)) is None:
            raise InvalidInput("a body that is no event of Brevo")
        items = told if isinstance(told, list) else [told]
        found = [event for item in items if (event := _event(item)) is not None]
        if items and not found:
            raise InvalidInput("a body that is no event of Brevo")
        return found

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """Our id. Brevo has no field that switches its tracking off: that is a setting of the account."""
        return ((MAIL_ID, mail_id),)


def _event(item: object) -> Event | None:
    if not isinstance(item, dict):
        return None
    name, at = item.get("event"), _moment(item)
    if not isinstance(name, str) or at is None:
        return None
    kind, words = bounce(name, item.get("reason")) if name in _BOUNCES else (KINDS.get(name, EventKind.UNKNOWN), {})
    return Event(
        kind,
        _key(item),
        at,
        mail_id=_mail_id(item.get(MAIL_ID)),
        receipt=receipt_of(item.get("message-id")),
        recipient=_address(item.get("email")),
        words={"event": name if _NAME.fullmatch(name) else "?", **words},
    )


def _moment(item: Mapping[str, Any]) -> datetime | None:
    for name in _TIMES:
        value = item.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _LATEST * 1000:
            continue
        seconds = value / 1000 if value >= _MILLISECONDS else value
        if seconds < _LATEST:
            return datetime.fromtimestamp(seconds, UTC)
    return None


def _key(item: Mapping[str, Any]) -> str:
    values = [value if isinstance(value := item.get(name), str | int) else None for name in _SAME]
    return sha256(json.dumps(values).encode()).hexdigest()


def _mail_id(value: object) -> str:
    return value if isinstance(value, str) and _MAIL_ID_FORM.fullmatch(value) else ""


def _address(value: object) -> str:
    fits = isinstance(value, str) and len(value) <= _MOST_OF_AN_ADDRESS and "@" in value and value.isprintable()
    return str(value) if fits else ""
