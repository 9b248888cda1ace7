"""What SendGrid's Event Webhook tells: calls are proved by their signature, their words become our events.

Source: the pages "Event Webhook Reference", "Getting Started with the Event Webhook Security Features" and "SMTP
Filters" of SendGrid, and the published description webhooks_v3.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from penstock.adapters.http import json_of
from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall
from penstock_sendgrid.bounces import bounce, classification, status
from penstock_sendgrid.deliver import MAIL_ID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

__all__ = ["EventWebhook", "codec"]

_KINDS: Mapping[str, EventKind] = {
    "processed": EventKind.ACCEPTED,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "bounce": EventKind.BOUNCED_SOFT,  # at least: `bounces.bounce` looks closer
    "dropped": EventKind.REJECTED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
}
"""`event` → what happened. All else is unknown, `group_resubscribe` too: nobody is taken off our list by an ESP."""
_DROPPED: Mapping[str, str] = {
    "bounced address": "bounced address",
    "invalid": "invalid",
    "invalid smtpapi header": "invalid smtpapi header",
    "recipient list over package quota": "over quota",
    "spam content": "spam content",
    "spam content (if spam checker app is enabled)": "spam content",
    "spam reporting address": "spam reporting address",
    "unsubscribed address": "unsubscribed address",
}
"""Why SendGrid dropped a mail, in lower case → our word; other texts are not kept."""
_TYPES = frozenset({"bounce", "blocked", "expired"})

_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_FUTURE = timedelta(minutes=5)
_PAST = timedelta(hours=24, minutes=30)
"""SendGrid repeats a call for 24 hours and does not say that it signs anew: the old time must do, with some slack.
What was taken already is known by its mark and its events by their keys."""
_SECONDS = re.compile(r"[0-9]{9,11}")
_MOST_SIGNATURE = 200
_EVENT = re.compile(r"[a-z_]{1,40}")
_EVENT_ID = re.compile(r"[A-Za-z0-9+/=_.-]{1,180}")
_MAIL = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_RECEIPT = re.compile(r"[A-Za-z0-9._-]{1,200}")
_HANDLED = re.compile(r"\.(?:filter|recvd)")
_LATEST = 4_102_444_800
"""2100-01-01 in seconds since 1970."""
_FILTERS = ("clicktrack", "opentrack", "subscriptiontrack", "ganalytics", "footer", "template")
"""What would count opens or clicks, or add to the mail: off, as in our requests."""


def codec(address: WebhookAddress) -> EventWebhook:
    """The codec for calls signed by this key pair: the key is the public one, as SendGrid shows it (base64, or PEM).

    Raises ConfigError for a key that is none.
    """
    return EventWebhook(_public_key(address.key(), f"adapters.{address.name}.webhook.key"))


class EventWebhook:
    """The signed Event Webhook: one call carries many events, also of mails that others sent with this account."""

    signed = True
    needs_path = False
    refused = 403

    def __init__(self, key: EllipticCurvePublicKey) -> None:
        self._key = key

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """ECDSA over P-256 and SHA-256 of the time and the raw body. The mark is that digest, since anybody can
        write another valid signature of the same call.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from cryptography.hazmat.primitives.hashes import SHA256

        signature, written = call.headers.get(_SIGNATURE, ""), call.headers.get(_TIMESTAMP, "")
        if not _SECONDS.fullmatch(written) or not signature.isascii() or len(signature) > _MOST_SIGNATURE:
            raise WebhookRejected("the call is not signed")
        age = call.received_at - datetime.fromtimestamp(int(written), UTC)
        if not -_FUTURE <= age <= _PAST:
            raise WebhookRejected("the call is not of this time")
        digest = hashlib.sha256(written.encode())
        digest.update(call.body)
        try:
            der = b64decode(signature, validate=True)
            self._key.verify(der, digest.digest(), ec.ECDSA(utils.Prehashed(SHA256())))
        except (ValueError, InvalidSignature):
            raise WebhookRejected("the call is not signed by the configured key") from None
        return Genuine(digest.hexdigest())

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The events of the list. One without name or time is left out; InvalidInput where that leaves none of some."""
        found = json_of(body)
        if not isinstance(found, list):
            raise InvalidInput("the call is no list of events")
        events = [event for each in found if isinstance(each, dict) and (event := _event(each)) is not None]
        if found and not events:
            raise InvalidInput("the call holds no event that can be read")
        return events

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """X-SMTPAPI, with blanks where a long line may be folded."""
        off = {name: {"settings": {"enable": 0}} for name in _FILTERS}
        return (("X-SMTPAPI", json.dumps({"unique_args": {MAIL_ID: mail_id}, "filters": off})),)


def _public_key(written: str, where: str) -> EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    lines = [line.strip() for line in written.splitlines()]
    try:
        der = b64decode("".join(line for line in lines if not line.startswith("-----")), validate=True)
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigError(
            "this is no verification key", where=where, mend="copy it from Settings, Mail Settings, Event Webhooks"
        )
    return key


def _event(told: Mapping[str, object]) -> Event | None:
    name, at = told.get("event"), _moment(told.get("timestamp"))
    if not isinstance(name, str) or not name or at is None:
        return None
    kind = _KINDS.get(name, EventKind.UNKNOWN)
    words = {"event": name if _EVENT.fullmatch(name) else ""}
    match name:
        case "bounce":
            group, kind_of = classification(told.get("bounce_classification")), _known(told.get("type"), _TYPES)
            code = status(told.get("status"), told.get("reason"))
            kind = bounce(code, group, kind_of)
            words |= {"type": kind_of, "classification": group, "status": code}
        case "deferred":
            words |= {"status": status(told.get("status"), told.get("response"))}
        case "dropped":
            reason = told.get("reason")
            words |= {"reason": _DROPPED.get(reason.strip().lower(), "") if isinstance(reason, str) else ""}
    return Event(
        kind,
        _key(told),
        at,
        mail_id=_mail_id(told),
        receipt=_receipt(told.get("sg_message_id")),
        recipient=_address(told.get("email")),
        words={word: value for word, value in words.items() if value},
    )


def _moment(written: object) -> datetime | None:
    """Seconds since 1970, as a number or in digits."""
    if isinstance(written, str) and _SECONDS.fullmatch(written):
        written = int(written)
    if not isinstance(written, int | float) or isinstance(written, bool) or not 0 < written < _LATEST:
        return None
    return datetime.fromtimestamp(written, UTC)


def _known(written: object, words: frozenset[str]) -> str:
    return written if isinstance(written, str) and written in words else ""


def _key(told: Mapping[str, object]) -> str:
    """SendGrid's id of the event; where there is none (a mail dropped early), a digest of what does not change."""
    own = told.get("sg_event_id")
    if isinstance(own, str) and _EVENT_ID.fullmatch(own):
        return own
    names = ("event", "timestamp", "email", "sg_message_id", "smtp-id", "url", "asm_group_id", MAIL_ID)
    stable = json.dumps([value if isinstance(value := told.get(name), str | int) else None for name in names])
    return "of-" + hashlib.sha256(stable.encode()).hexdigest()


def _mail_id(told: Mapping[str, object]) -> str:
    """Custom arguments stand beside the other fields; in some calls they stand in `unique_args`."""
    inner = told.get("unique_args")
    for place in (told, inner if isinstance(inner, dict) else {}):
        found = place.get(MAIL_ID)
        if isinstance(found, str) and _MAIL.fullmatch(found):
            return found
    return ""


def _receipt(written: object) -> str:
    """`sg_message_id` is the X-Message-Id of the answer to our request, a dot, and who handled it."""
    if not isinstance(written, str) or written.startswith(("filter", "recvd")):
        return ""
    handled = _HANDLED.search(written)
    receipt = written[: handled.start()] if handled else written.partition(".")[0]
    return receipt if _RECEIPT.fullmatch(receipt) else ""


def _address(written: object) -> str:
    """As it stands there, if it may be an address at all."""
    if isinstance(written, str) and "@" in written and written.isprintable() and len(written) <= 320:
        return written.strip()
    return ""
