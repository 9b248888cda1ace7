"""Webhook calls of Resend: signed by Svix, one event in each.

Sources: the webhooks of resend-openapi 1.5.0; resend.com/docs/webhooks (event types, verifying, retries);
docs.svix.com/receiving/verifying-payloads/how-manual.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.adapters.http import object_of
from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall
from penstock_resend.bounce import bounce
from penstock_resend.moment import moment
from penstock_resend.payload import MAIL_ID_TAG

__all__ = ["KINDS", "ResendCodec", "codec"]

KINDS: Mapping[str, EventKind] = {
    # Of a later time, which we never ask for, and not sent yet: it may be cancelled.
    "email.scheduled": EventKind.UNKNOWN,
    "email.sent": EventKind.ACCEPTED,
    "email.delivery_delayed": EventKind.DEFERRED,
    "email.delivered": EventKind.DELIVERED,
    # Which of them: penstock_resend.bounce.
    "email.bounced": EventKind.BOUNCED_SOFT,
    "email.complained": EventKind.COMPLAINED,
    "email.opened": EventKind.OPENED,
    "email.clicked": EventKind.CLICKED,
    "email.failed": EventKind.REJECTED,
    "email.suppressed": EventKind.REJECTED,
}
"""Resend's names of events; any other is unknown."""
_OF_NO_MAIL = ("contact.", "domain.", "suppression.")
_CONTACT_KEPT = frozenset({"contact.created", "contact.updated"})
_TOLERANCE = 300.0
"""Seconds, either way, as in Svix's own libraries. Every attempt is signed anew with its own time, the one after ten
hours too, so that a genuine call is never older."""
_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,150}")
_SECONDS = re.compile(r"[0-9]{1,12}")
_MOST_OF_SIGNATURES = 2_048
_PREFIX = "whsec_"
_LEAST_OF_A_KEY = 16
_NAME = re.compile(r"[a-z]+(?:[._][a-z]+){0,5}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_CODE = re.compile(r"[A-Za-z_]{1,64}")
_MOST_OF_AN_ADDRESS = 320


def codec(address: WebhookAddress) -> ResendCodec:
    """`key` is the signing secret of the webhook, `whsec_…`. Raises ConfigError for anything else."""
    written = address.key()
    fault = ConfigError("this is no signing secret of Resend (whsec_…)", where=f"adapters.{address.name}.webhook.key")
    if not written.startswith(_PREFIX):
        raise fault
    text = written.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise fault from None
    if len(key) < _LEAST_OF_A_KEY:
        raise fault
    return ResendCodec(key)


class ResendCodec:
    """Svix' symmetric signatures, and Resend's events."""

    signed = True
    needs_path = False
    refused = 403
    """No status ends Svix' attempts."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """The mark is the id of the message, which all attempts share. Raises WebhookRejected."""
        number, at, signatures = (call.headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature"))
        if not (_CALL_ID.fullmatch(number) and _SECONDS.fullmatch(at)):
            raise WebhookRejected("not proven")
        if len(signatures) > _MOST_OF_SIGNATURES or not signatures.isascii():
            raise WebhookRejected("not proven")
        if abs(call.received_at.timestamp() - int(at)) > _TOLERANCE:
            raise WebhookRejected("not proven")
        digest = hmac.new(self._key, f"{number}.{at}.".encode(), hashlib.sha256)
        digest.update(call.body)
        expected = b"v1," + base64.b64encode(digest.digest())
        # One for each secret that is valid now: the old one stays so for a day after it was replaced.
        if not any(hmac.compare_digest(expected, each) for each in signatures.encode().split(b" ")):
            raise WebhookRejected("not proven")
        return Genuine(f"svix:{number}")

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The event; none for what is not about a mail, unless a contact has unsubscribed. Raises InvalidInput."""
        if (told := object_of(body)) is None:
            raise InvalidInput("a body that is no event of Resend")
        name, data, at = told.get("type"), told.get("data"), moment(told.get("created_at"))
        if not isinstance(name, str) or not isinstance(data, dict) or at is None:
            raise InvalidInput("a body that is no event of Resend")
        key = _key(name, told["created_at"], data, body)
        if name.startswith(_OF_NO_MAIL):
            if name not in _CONTACT_KEPT or data.get("unsubscribed") is not True:
                return ()
            recipient = _address(data.get("email"))
            return [Event(EventKind.UNSUBSCRIBED, key, at, recipient=recipient, words={"event": name})]
        kind, words = _kind(name, data)
        return [
            Event(
                kind,
                key,
                at,
                mail_id=_id(_tag(data)),
                receipt=_id(data.get("email_id")),
                recipient=_recipient(data),
                words={"event": name if _NAME.fullmatch(name) else "?", **words},
            )
        ]

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """None: by SMTP Resend takes neither tags nor a switch for tracking."""
        del mail_id
        return ()


def _kind(name: str, data: Mapping[str, Any]) -> tuple[EventKind, dict[str, str]]:
    kind = KINDS.get(name, EventKind.UNKNOWN)
    if name == "email.bounced":
        return bounce(data)
    if name in {"email.failed", "email.suppressed"}:
        why = data.get(name.removeprefix("email."))
        why = why if isinstance(why, dict) else {}
        found = {word: why.get(word) for word in ("type", "reason")}
        return kind, {word: code for word, code in found.items() if isinstance(code, str) and _CODE.fullmatch(code)}
    return kind, {}


def _key(name: str, at: str, data: Mapping[str, Any], body: bytes) -> str:
    """Calls carry no id of the event in the body: it is this name, of this mail or contact, at this time."""
    of = data.get("email_id") or data.get("id")
    stable = json.dumps([name, at, of]).encode() if isinstance(of, str) else body
    return hashlib.sha256(stable).hexdigest()


def _tag(data: Mapping[str, Any]) -> object:
    tags = data.get("tags")
    return tags.get(MAIL_ID_TAG) if isinstance(tags, dict) else None


def _recipient(data: Mapping[str, Any]) -> str:
    """Of several none: the event does not say which of them it is about."""
    people = data.get("to")
    return _address(people[0]) if isinstance(people, list) and len(people) == 1 else ""


def _address(value: object) -> str:
    fits = isinstance(value, str) and len(value) <= _MOST_OF_AN_ADDRESS and "@" in value and value.isprintable()
    return str(value) if fits else ""


def _id(value: object) -> str:
    return value if isinstance(value, str) and _ID.fullmatch(value) else ""
