"""The webhook calls of the fake Brevo. Nothing in them is signed; user and password stand in the address.

Sources: developers.brevo.com, "Transactional webhooks", "Batched webhooks" and "Secure webhook calls"; what
django-anymail saw in live calls (ids in angle brackets, reasons).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from penstock.model.event import EventKind
from penstock.testing.esp import Happening, PostedCall

__all__ = ["bodies", "call", "event"]

_OF_A_BATCH = 500
_WEBHOOK_ID = 26_224
"""The same in all events that one webhook tells of."""
_AGENT = {"user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "device_used": "DESKTOP"}
_WORDS: Mapping[EventKind, Mapping[str, str]] = {
    EventKind.ACCEPTED: {"event": "request"},
    EventKind.DEFERRED: {"event": "deferred", "reason": "451 4.7.1 <{email}>: greylisted, try again later"},
    EventKind.DELIVERED: {"event": "delivered"},
    EventKind.BOUNCED_HARD: {
        "event": "hard_bounce",
        "reason": " RecipientError: 550 5.1.1 <{email}>: Recipient address rejected: User unknown",
    },
    EventKind.BOUNCED_SOFT: {"event": "soft_bounce", "reason": "552 5.2.2 <{email}>: mailbox is full"},
    EventKind.BOUNCED_POLICY: {
        "event": "hard_bounce",
        "reason": "550 5.7.1 mail to <{email}> from 192.0.2.7 refused, see https://block.example/",
    },
    EventKind.COMPLAINED: {"event": "spam"},
    EventKind.UNSUBSCRIBED: {"event": "unsubscribed", **_AGENT},
    EventKind.OPENED: {"event": "unique_opened", **_AGENT},
    EventKind.CLICKED: {"event": "click", "link": "https://nordlicht.example/offer?for={email}", **_AGENT},
    EventKind.REJECTED: {"event": "blocked", "reason": "blocked : due to blacklist user"},
    EventKind.UNKNOWN: {"event": "list_addition"},
}
"""What each event says beside what all say. Reasons quote the address, as other servers do. The last one belongs to
webhooks for campaigns and names no mail there: for transactional mail Brevo has none that means nothing."""


def event(happening: Happening) -> dict[str, object]:
    """One event. Brevo gives it no id of its own."""
    arrived, seconds = happening.arrived, int(happening.at.timestamp())
    own = {name: value.replace("{email}", arrived.recipient) for name, value in _WORDS[happening.kind].items()}
    told: dict[str, object] = {
        **own,
        "email": arrived.recipient,
        "id": _WEBHOOK_ID,
        "date": _central_european(happening.at).strftime("%Y-%m-%d %H:%M:%S"),
        "ts": seconds,
        "message-id": arrived.headers.get("message-id") or f"<{_number(happening.key)}@smtp-relay.brevo.example>",
        "ts_event": seconds,
        "subject": arrived.subject,
        "sending_ip": "192.0.2.25",
        "ts_epoch": seconds * 1_000 + happening.at.microsecond // 1_000,
        "mirror_link": f"https://app-smtp.brevo.example/log/preview/{_number(happening.key)}",
        "contact_id": 8,
    }
    custom = arrived.headers.get("x-mailin-custom", arrived.mail_id)
    return {**told, "X-Mailin-custom": custom} if custom else told


def bodies(events: Sequence[Mapping[str, object]], *, batched: bool) -> Iterator[bytes]:
    """The bodies of the calls that tell of these: one event in each, or a batch."""
    if not batched:
        yield from map(_written, events)
        return
    for at in range(0, len(events), _OF_A_BATCH):
        yield _written(events[at : at + _OF_A_BATCH])


def call(body: bytes, login: str) -> PostedCall:
    """The call with that body, to an address with `user:password` in it."""
    credentials = base64.b64encode(login.encode()).decode("ascii")
    return PostedCall({"content-type": "application/json", "authorization": f"Basic {credentials}"}, body)


def _written(told: object) -> bytes:
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()


def _number(key: str) -> str:
    digest = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6])
    return f"202611210800.{digest}"


def _central_european(at: datetime) -> datetime:
    """In CET or CEST, which changes at 01:00 UTC on the last Sundays of March and October (directive 2000/84/EC)."""
    moment = at.astimezone(UTC)
    start, end = (_last_sunday(moment.year, month) for month in (3, 10))
    return moment + timedelta(hours=2 if start <= moment < end else 1)


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() + 1) % 7)
