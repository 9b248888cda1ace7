"""Brevo as a local server, written from its published client library (getbrevo/brevo-python, 2026) and the pages on
batches, idempotency, sandbox mode, rate limits, errors and webhooks of developers.brevo.com."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from penstock.ports import Clock
from penstock.testing.esp import HTTP_HEADERS, Arrived, FakeEsp, Happening, PostedCall, Refused
from penstock.testing.esps.brevo_account import BrevoAccount
from penstock.testing.esps.brevo_events import bodies, call, event
from penstock.testing.esps.brevo_fields import invalid
from penstock.testing.esps.brevo_lists import BrevoLists
from penstock.testing.esps.brevo_mail import Sending, read_sending

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FakeBrevo"]

_HEADERS = (HTTP_HEADERS - {"authorization"}) | {"api-key"}
_REMEMBERED = timedelta(minutes=30).total_seconds()
_REFUSED = "refused"
_WORDS = {
    400: ("invalid_parameter", "Invalid request"),
    401: ("unauthorized", "Key not found"),
    402: ("not_enough_credits", "Insufficient credits"),
    403: ("permission_denied", "Permission denied"),
    404: ("document_not_found", "The requested endpoint does not exist"),
    405: ("method_not_allowed", "Method not allowed"),
    406: ("not_acceptable", "Not acceptable"),
    429: ("too_many_requests", "Too many requests"),
    500: ("internal_error", "Internal server error"),
}
_RATE = {"x-sib-ratelimit-limit": "1000", "x-sib-ratelimit-remaining": "999", "x-sib-ratelimit-reset": "1"}
_SENT_AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@dataclass
class FakeBrevo(FakeEsp):
    """Brevo's interface for sending, and what of the account a plugin needs to see.

    A request is taken whole or refused whole. Message-ID and Date of arrived mails are Brevo's own. Opens and clicks
    are tracked unless Brevo's support has switched that off for the account (`tracks`): no request does it, and no
    path tells. A mail that comes without List-Unsubscribe gets Brevo's, which counts as tracking too. `clock` ends
    the 30 minutes in which an idempotency key is remembered; without one they never end. `webhook_key` is the
    `user:password` of the address that calls go to; `batched`: several events in a call, as a webhook can be set to.
    Names of lists are the codes of `reason`, for transactional mail, and `emailBlacklisted`, for campaigns.
    """

    tracks: bool = True
    account: BrevoAccount = field(default_factory=BrevoAccount)
    clock: Clock | None = None
    webhook_key: str = field(default_factory=lambda: f"brevo:{secrets.token_hex(16)}")
    batched: bool = False
    lists: BrevoLists = field(init=False)
    _keys: dict[str, float] = field(default_factory=dict)
    """Idempotency key → when it was used."""

    def __post_init__(self) -> None:
        self.lists = BrevoLists(self, lambda: self.clock.now() if self.clock else _SENT_AT)

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """One for each event, or one for 500; nothing in them tells when they were made."""
        del at
        told = [event(each) for each in happenings]
        return [call(body, self.webhook_key) for body in bodies(told, batched=self.batched)]

    async def authorised(self, request: web.Request) -> bool:
        """The header api-key."""
        return request.headers.get("api-key") == self.key

    def sends(self, request: web.Request) -> bool:
        """The one path that takes mail."""
        return request.method == "POST" and request.path == "/v3/smtp/email"

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """201 with the message's id, or one for each version; 202 where it is to be sent later."""
        _look_at(request)
        sending = read_sending(await _asked(request))
        self._look_at_account(sending)
        now = self.clock.machine() if self.clock else 0.0
        if sending.key and now - self._keys.get(sending.key, -_REMEMBERED) < _REMEMBERED:
            raise Refused("duplicate_parameter: idempotencyKey was used already")
        ids, taken = [], []
        for number, mails in enumerate(sending.mails):
            ids.append(self._id(number))
            if not sending.sandbox:
                taken += self._sent(ids[-1], mails)
        if sending.key:
            self._keys[sending.key] = now
        answer: dict[str, Any] = {"messageIds": ids} if sending.versions else {"messageId": ids[0]}
        if sending.batch:
            answer["batchId"] = sending.batch
        return taken, _json(answer, 202 if sending.scheduled else 201)

    def fault(self, status: int, what: str) -> web.Response:
        """`{"code", "message"}`; `what` may be `code: message`."""
        code, message = _WORDS.get(status, _WORDS[400])
        said, _, rest = what.partition(": ")
        if rest and said.replace("_", "").isalpha():
            code, message = said, rest
        waits = {**_RATE, "x-sib-ratelimit-remaining": "0", "x-sib-ratelimit-reset": "7"}
        return _json({"code": code, "message": message}, status, waits if status == 429 else _RATE)

    async def other(self, request: web.Request) -> web.Response | None:
        """Account, senders, blocked contacts and domains, logs, contacts. What is not there is no breach."""
        if request.path == "/v3/smtp/email":
            return self.fault(405, "")
        _, version, *parts = request.path.split("/")
        if version != "v3":
            return None
        try:
            _look_at(request, query=True)
            body = await _asked(request) if request.can_read_body else None
            asked = request.method, parts, dict(request.query), body
            found = self.account.answer(*asked) or self.lists.answer(*asked)
        except Refused as refusal:
            if refusal.status != 404:
                self.refused.append(refusal.what)
            return self.fault(refusal.status, refusal.what)
        return None if found is None else _json(found[1], found[0])

    def _look_at_account(self, sending: Sending) -> None:
        mails = [mail for version in sending.mails for mail in version]
        for mail in mails:
            if mail.recipient.startswith(f"{_REFUSED}@"):
                raise invalid("email is not valid in to")
        if not self.account.relay:
            raise Refused("permission_denied: Your SMTP account is not yet activated", 403)
        if len(mails) > self.account.credits:
            raise Refused("not_enough_credits: You do not have enough credits", 402)

    def _sent(self, message_id: str, mails: Sequence[Arrived]) -> list[Arrived]:
        """Those that go out: blocked recipients are accepted and get nothing."""
        self.lists.sent(message_id, [mail.recipient for mail in mails])
        sender = mails[0].sender.rpartition("<")[2].rstrip(">")
        own = {"message-id": message_id, "date": format_datetime(_SENT_AT)}
        return [
            replace(mail, headers={**mail.headers, **own}, tracking=self.tracks or mail.tracking)
            for mail in mails
            if not (self.account.stops(mail.recipient) or self.lists.stops(mail.recipient, sender))
        ]

    def _id(self, number: int) -> str:
        return f"<202611210800.{len(self.requests)}{number:04}@smtp-relay.brevo.example>"


def _look_at(request: web.Request, *, query: bool = False) -> None:
    for name in request.headers:
        if name.lower() not in _HEADERS:
            raise invalid(f"the header {name} is not described")
    if request.query and not query:
        raise invalid("there are no query parameters")


async def _asked(request: web.Request) -> Any:
    if request.content_type != "application/json":
        raise invalid("content-type should be application/json")
    try:
        return json.loads(await request.read())
    except ValueError:
        raise Refused("bad_request: Input must be a valid JSON object") from None


def _json(answer: Mapping[str, Any] | None, status: int, headers: Mapping[str, str] = _RATE) -> web.Response:
    from aiohttp import web

    if answer is None:
        return web.Response(status=status, headers=headers)
    return web.json_response(answer, status=status, headers=headers)
