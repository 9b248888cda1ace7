"""Resend as a local server, written from its published description (resend-openapi 1.5.0) and its pages on errors,
rate limits, idempotency keys and batch validation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from penstock.testing.esp import Arrived, FakeEsp, Happening, PostedCall, Refused
from penstock.testing.esps.resend_account import ResendAccount, ResendDomain
from penstock.testing.esps.resend_calls import call_of, email_id_of, new_secret
from penstock.testing.esps.resend_contacts import ResendContacts
from penstock.testing.esps.resend_lists import ResendSuppressions
from penstock.testing.esps.resend_mail import address_of, read_mail, read_tags

if TYPE_CHECKING:
    from datetime import datetime

    from aiohttp import web

__all__ = ["FakeResend", "ResendDomain"]

_MOST_IN_A_BATCH = 100
_MOST_OF_A_KEY = 256
_HEADERS = frozenset(
    {"host", "authorization", "content-type", "content-length", "accept", "accept-encoding", "user-agent"}
    | {"connection", "idempotency-key"}
)
_REFUSED = "refused"
_NOT_THERE = 404
_WORDS = {
    400: ("validation_error", "We found an error with one or more fields in the request."),
    401: ("missing_api_key", "Missing API key in the authorization header."),
    403: ("invalid_api_key", "API key is invalid."),
    404: ("not_found", "The requested endpoint does not exist."),
    405: ("method_not_allowed", "Method is not allowed for the requested path."),
    415: ("validation_error", "The content type must be application/json."),
    429: ("rate_limit_exceeded", "Too many requests. Please limit the number of requests per second."),
    500: ("internal_server_error", "An unexpected error occurred."),
}
_RATE = {"ratelimit-limit": "5", "ratelimit-remaining": "4", "ratelimit-reset": "1"}


@dataclass
class FakeResend(FakeEsp):
    """Resend's interface for sending, what of the account a plugin needs to see, and its webhook calls.

    The lists of `listed` are the origins of a suppression (bounce, complaint, manual), each of which stops all mail,
    and ids of topics that contacts opted out of, which stop none that does not name the topic.

    Message-ID and Date of arrived mails are the service's own. Tracking is a setting of the sender's domain: turn it on
    in `account.domains`. `sending_only` is a key that may do nothing but send. `busy` are idempotency keys of requests
    that are still under way.
    """

    webhook_key: str = field(default_factory=new_secret)
    account: ResendAccount = field(default_factory=ResendAccount)
    sending_only: bool = False
    busy: set[str] = field(default_factory=set)
    _answers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Idempotency key → what was asked and what was answered."""

    async def authorised(self, request: web.Request) -> bool:
        """Bearer and the key."""
        return request.headers.get("Authorization", "") == f"Bearer {self.key}"

    def sends(self, request: web.Request) -> bool:
        """One mail, or a batch."""
        return request.method == "POST" and request.path in {"/emails", "/emails/batch"}

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """A repeat under the same idempotency key takes nothing and gets the first answer again."""
        batch = request.path == "/emails/batch"
        permissive = self._permissive(request, batch=batch)
        asked, whole = await _asked(request)
        key = request.headers.get("Idempotency-Key")
        if key is not None and (before := self._before(key, f"{request.path} {whole}")) is not None:
            return (), _json(json.loads(before))
        taken, answer = self._batch(asked, permissive=permissive) if batch else self._single(asked)
        if key is not None:
            self._answers[key] = f"{request.path} {whole}", json.dumps(answer)
        return taken, _json(answer)

    def fault(self, status: int, what: str) -> web.Response:
        """`what` may be `name: message`, as the page on errors lists them."""
        name, message = _WORDS.get(status, _WORDS[400])
        said, _, rest = what.partition(": ")
        if rest and said.replace("_", "").isalpha():
            name, message = said, rest
        waits = {"retry-after": "7", **_RATE, "ratelimit-remaining": "0", "ratelimit-reset": "7"}
        answer = {"statusCode": status, "name": name, "message": message}
        return _json(answer, status, waits if status == 429 else None)

    async def other(self, request: web.Request) -> web.Response | None:
        """Domains, suppressions, contacts and single mails. What is not there breaks no description."""
        if self.sending_only:
            return self.fault(401, "restricted_api_key: This API key is restricted to only send emails.")
        if request.path in {"/emails", "/emails/batch"}:
            return self.fault(405, "")
        if request.method == "GET" and request.path.startswith("/emails/"):
            return self._email(request.path.removeprefix("/emails/"))
        body = (await _asked(request))[0] if request.can_read_body else None
        asked = request.method, request.path, dict(request.query), body
        try:
            if request.path.startswith("/suppressions"):
                found = self._suppressions.answer(*asked)
            elif request.path.startswith("/contacts"):
                found = ResendContacts(self.account.contacts, self.listed, self.erased).answer(*asked)
            else:
                found = self.account.answer(*asked)
        except Refused as refusal:
            if refusal.status != _NOT_THERE:
                self.refused.append(refusal.what)
            return self.fault(refusal.status, refusal.what)
        return None if found is None else _json(found[1], found[0])

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """One call for each: Resend groups nothing."""
        return [
            call_of(
                each,
                at,
                self.webhook_key,
                tags=self.account.tags.get(email_id_of(each.arrived)),
                origin=self._suppressions.origin(each.arrived.recipient),
            )
            for each in happenings
        ]

    @property
    def _suppressions(self) -> ResendSuppressions:
        return ResendSuppressions(self.listed)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """A wrong key is 403 with Resend, a missing one 401; so is a request without User-Agent."""
        given = request.headers.get("Authorization")
        if given is not None and given != f"Bearer {self.key}":
            self.requests.append((request.method, request.path))
            return self.fault(403, "invalid_api_key: API key is invalid.")
        if not request.headers.get("User-Agent"):
            self.requests.append((request.method, request.path))
            return self.fault(403, "validation_error: A User-Agent is required.")
        return await super()._serve(request)

    def _permissive(self, request: web.Request, *, batch: bool) -> bool:
        known = _HEADERS | {"x-batch-validation"} if batch else _HEADERS
        if unknown := sorted({name.lower() for name in request.headers} - known):
            raise Refused(f"validation_error: Unknown header {unknown[0]}.", 400)
        if request.query:
            raise Refused("validation_error: There are no query parameters.", 400)
        mode = request.headers.get("x-batch-validation", "strict")
        if mode not in {"strict", "permissive"}:
            raise Refused("validation_error: x-batch-validation must be strict or permissive.", 400)
        return mode == "permissive"

    def _before(self, key: str, asked: str) -> str | None:
        if not 1 <= len(key) <= _MOST_OF_A_KEY:
            raise Refused("invalid_idempotency_key: The key must be between 1-256 chars.", 400)
        if key in self.busy:
            what = "Same idempotency key used while original request is still in progress."
            raise Refused(f"concurrent_idempotent_requests: {what}", 409)
        if key not in self._answers:
            return None
        was, answer = self._answers[key]
        if was != asked:
            what = "Same idempotency key used with a different request payload."
            raise Refused(f"invalid_idempotent_request: {what}", 409)
        return answer

    def _single(self, asked: object) -> tuple[list[Arrived], dict[str, Any]]:
        mail_id, taken = self._accepted(asked, batch=False)
        return taken, {"id": mail_id}

    def _batch(self, asked: object, *, permissive: bool) -> tuple[list[Arrived], dict[str, Any]]:
        if not isinstance(asked, list) or not 1 <= len(asked) <= _MOST_IN_A_BATCH:
            raise Refused(f"validation_error: A batch holds 1 to {_MOST_IN_A_BATCH} emails.", 422)
        ids: list[dict[str, str]] = []
        errors: list[dict[str, Any]] = []
        taken: list[Arrived] = []
        for index, each in enumerate(asked):
            try:
                mail_id, arrived = self._accepted(each, batch=True)
            except Refused as refusal:
                if not permissive:
                    raise
                if _REFUSED not in refusal.args:
                    self.refused.append(refusal.what)
                errors.append({"index": index, "message": refusal.what.partition(": ")[2]})
            else:
                ids.append({"id": mail_id})
                taken += arrived
        return taken, {"data": ids, "errors": errors} if permissive else {"data": ids}

    def _accepted(self, asked: object, *, batch: bool) -> tuple[str, list[Arrived]]:
        """A new id and what arrives: suppressed recipients are accepted and get nothing."""
        recipients, mail = read_mail(asked, batch=batch)
        domain = self.account.domain(address_of(mail.sender, "from").rpartition("@")[2])
        if domain is None:
            raise Refused("validation_error: The domain is not verified. Please, add and verify your domain.", 403)
        for recipient in recipients:
            if recipient.startswith(f"{_REFUSED}@"):
                refusal = Refused("validation_error: Invalid `to` field.", 422)
                refusal.args = (*refusal.args, _REFUSED)
                raise refusal
        mail_id = str(uuid4())
        own = {"message-id": f"<{mail_id}@email.resend.example>", "date": "Sat, 21 Nov 2026 08:00:00 +0000"}
        mail = replace(mail, headers={**mail.headers, **own}, tracking=domain.tracks)
        self.account.sent[mail_id] = (recipients, mail)
        self.account.tags[mail_id] = read_tags(asked)
        reached = [each for each in recipients if self._suppressions.origin(each) is None]
        return mail_id, [replace(mail, recipient=each) for each in reached]

    def _email(self, mail_id: str) -> web.Response:
        if mail_id not in self.account.sent:
            return self.fault(404, "not_found: Email not found.")
        recipients, mail = self.account.sent[mail_id]
        suppressed = all(self._suppressions.origin(each) is not None for each in recipients)
        found: dict[str, Any] = {
            "object": "email",
            "id": mail_id,
            "message_id": mail.headers["message-id"],
            "to": recipients,
            "from": mail.sender,
            "created_at": "2026-11-21 08:00:00.000000+00",
            "subject": mail.subject,
            "text": mail.text,
            "last_event": "suppressed" if suppressed else "delivered",
        }
        return _json(found if mail.html is None else {**found, "html": mail.html})


async def _asked(request: web.Request) -> tuple[Any, str]:
    """The body as read, and in one form whatever the order of its fields was. Raises Refused."""
    if request.content_type != "application/json":
        raise Refused("validation_error: The content type must be application/json.", 415)
    try:
        asked = json.loads(await request.read())
    except ValueError:
        raise Refused("validation_error: The body is no JSON.", 400) from None
    return asked, json.dumps(asked, sort_keys=True)


def _json(answer: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    from aiohttp import web

    return web.json_response(answer, status=status, headers=headers or _RATE)
