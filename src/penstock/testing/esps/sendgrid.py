"""A local server that behaves as SendGrid's v3 interface, from its published description (OpenAPI, 2026-01)."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from penstock.ports import Clock
from penstock.testing.esp import HTTP_HEADERS, Arrived, FakeEsp, Happening, PostedCall, Refused
from penstock.testing.esps.sendgrid_events import SendGridSigner, bodies, event
from penstock.testing.esps.sendgrid_fields import SEND, broken
from penstock.testing.esps.sendgrid_lists import SendGridLists

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FakeSendGrid"]

_WORDS = {
    401: "authorization required",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    413: "content too large",
    429: "too many requests",
    500: "internal server error",
}
_FIELD = re.compile(r"([\w.-]+): (.+)", re.DOTALL)
_MOST_OCTETS = 30 << 20
_MOST_RECIPIENTS = 1000
_AHEAD = 72 * 3600
_BYPASSES = ("bypass_spam_management", "bypass_bounce_management", "bypass_unsubscribe_management")


@dataclass
class FakeSendGrid(FakeEsp):
    """Takes POST /v3/mail/send, /v3/mail/batch, the suppression lists and the erasure of recipients.

    A fault in one personalization refuses the whole request, as with SendGrid: there is no partial success. Beyond
    the schema it asks for what SendGrid's prose asks: a subject and content where there is no template (it knows
    none), text before HTML, each address once in a personalization, 1000 recipients, 30 MB.

    `clock` decides how far ahead `send_at` lies, and lets X-RateLimit-Reset name the moment; without one it counts
    seconds. `compression`: gzip is switched on for the account.

    `listed` has the names `bounces`, `blocks`, `invalid_emails`, `spam_reports`, `unsubscribes` (suppressed everywhere)
    and `group-7` for suppression group 7. Calls are signed with a key pair of this fake's own, whose public half is
    `webhook_key`. `argument` is the custom argument by which events name a mail that was not sent through this fake.
    """

    clock: Clock | None = None
    compression: bool = False
    argument: str = "penstock_mail_id"
    lists: SendGridLists = field(init=False, repr=False)
    batches: set[str] = field(default_factory=set)
    messages: dict[tuple[str, str], tuple[str, Mapping[str, str]]] = field(default_factory=dict)
    """Recipient and our id of what was taken → X-Message-Id and custom arguments."""

    def __post_init__(self) -> None:
        self.lists = SendGridLists(self.listed, self.erased)
        self._signer = SendGridSigner.new()
        self.webhook_key = self.webhook_key or self._signer.public_key

    async def authorised(self, request: web.Request) -> bool:
        """A bearer token."""
        return request.headers.get("Authorization") == f"Bearer {self.key}"

    def sends(self, request: web.Request) -> bool:
        """The one path that takes mail."""
        return request.path == "/v3/mail/send" and request.method == "POST"

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """All in one call, up to 768 KB of them."""
        events = [event(each, *self._message(each.arrived)) for each in happenings]
        return [self._signer.call(body, at) for body in bodies(events)]

    async def other(self, request: web.Request) -> web.Response | None:
        """Batches and lists."""
        match request.method, request.path.removeprefix("/v3/mail/").split("/"):
            case _, ["send"]:
                return self.fault(405, "")
            case "POST", ["batch"]:
                self.batches.add(made := self._id("batch"))
                return _json({"batch_id": made}, 201)
            case "GET", ["batch", known]:
                return _json({"batch_id": known}) if known in self.batches else self.fault(400, "invalid batch id")
        try:
            _look_at_headers(request, HTTP_HEADERS | {"on-behalf-of"})
            return await self.lists.answer(request)
        except Refused as refusal:
            self.refused.append(refusal.what)
            return self.fault(refusal.status, refusal.what)

    def fault(self, status: int, what: str) -> web.Response:
        """`{"errors": [{"message", "field"}]}`."""
        told = _FIELD.fullmatch(what) if status == 400 else None
        where, message = (told[1], told[2]) if told else (None, _WORDS.get(status, what))
        headers = {}
        if status == 429:
            reset = 7 + (int(self.clock.now().timestamp()) if self.clock else 0)
            headers = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        return _json({"errors": [{"message": message, "field": where}]}, status, headers)

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """202 without a body; 200 in sandbox mode, where nothing is sent."""
        from aiohttp import web

        body = await self._body(request)
        SEND(body, "")
        _look_together(body)
        self._look_at_times(body)
        identity = {"X-Message-Id": self._id("message")}
        if _switched(body, "mail_settings", "sandbox_mode"):
            return [], web.Response(status=200, headers=identity)
        everyone = _switched(body, "mail_settings", "bypass_list_management")
        group = body.get("asm", {}).get("group_id")
        taken = []
        for each, arguments in _arrivals(body):
            self.messages[each.recipient, each.mail_id] = identity["X-Message-Id"], arguments
            if everyone or not self.lists.stops(each.recipient, group):
                taken.append(each)
        return taken, web.Response(status=202, headers=identity)

    def _message(self, mail: Arrived) -> tuple[str, Mapping[str, str]]:
        """X-Message-Id and custom arguments, made up for a mail that came another way."""
        if known := self.messages.get((mail.recipient, mail.mail_id)):
            return known
        made = hashlib.sha256(f"{mail.recipient} {mail.mail_id}".encode()).digest()
        return _short(made), {self.argument: mail.mail_id} if mail.mail_id else {}

    async def _body(self, request: web.Request) -> dict[str, Any]:
        _look_at_headers(request, HTTP_HEADERS | {"content-encoding"})
        if request.query:
            raise broken(next(iter(request.query)), "There is no such parameter.")
        if request.headers.get("Content-Encoding") and not self.compression:
            raise Refused("Compression is not enabled for this account.")
        if request.content_type != "application/json":
            raise Refused("Content-Type should be application/json.")
        data = await request.read()
        if len(data) > _MOST_OCTETS:
            raise Refused("content too large", 413)
        try:
            body = json.loads(data)
        except ValueError:
            raise Refused("Bad Request") from None
        if not isinstance(body, dict):
            raise Refused("Bad Request")
        return body

    def _look_at_times(self, body: Mapping[str, Any]) -> None:
        if "batch_id" in body and body["batch_id"] not in self.batches:
            raise broken("batch_id", "invalid batch id")
        for each in (body, *body["personalizations"]):
            if self.clock and each.get("send_at", 0) > self.clock.now().timestamp() + _AHEAD:
                raise broken("send_at", "A send cannot be scheduled more than 72 hours in advance.")

    def _id(self, purpose: str) -> str:
        return _short(hashlib.sha256(f"{purpose} {len(self.requests)}".encode()).digest())


def _short(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def _look_at_headers(request: web.Request, known: frozenset[str]) -> None:
    for name in request.headers:
        if name.lower() not in known:
            raise broken(name.lower(), "This header is not described.")


def _look_together(body: Mapping[str, Any]) -> None:
    """What the description says of several fields at once."""
    if "template_id" in body:
        raise broken("template_id", "There is no such template.")
    if not body.get("content"):
        raise broken("content", "The content parameter is required.")
    if "reply_to" in body and "reply_to_list" in body:
        raise broken("reply_to_list", "Use either reply_to or reply_to_list.")
    if _switched(body, "mail_settings", "bypass_list_management") and any(
        _switched(body, "mail_settings", other) for other in _BYPASSES
    ):
        raise broken("mail_settings.bypass_list_management", "Cannot be combined with other bypass filters.")
    kinds = [each["type"] for each in body["content"]]
    first = [kind for kind in ("text/plain", "text/html") if kind in kinds]
    if kinds[: len(first)] != first:
        raise broken("content", "text/plain and text/html must come first, in this order.")
    _look_at_recipients(body)


def _look_at_recipients(body: Mapping[str, Any]) -> None:
    whole = 0
    for number, each in enumerate(body["personalizations"]):
        where = f"personalizations.{number}"
        addresses = [one["email"].lower() for key in ("to", "cc", "bcc") for one in each.get(key, [])]
        whole += len(addresses)
        if len(set(addresses)) < len(addresses):
            raise broken(where, "Each email address must be unique between to, cc, and bcc.")
        if "subject" not in body and "subject" not in each:
            raise broken("subject", "The subject is required.")
        if "dynamic_template_data" in each:
            raise broken(f"{where}.dynamic_template_data", "Needs a dynamic template.")
    if whole > _MOST_RECIPIENTS:
        raise broken("personalizations", "There may be at most 1000 recipients.")


def _arrivals(body: Mapping[str, Any]) -> Iterator[tuple[Arrived, Mapping[str, str]]]:
    """Each mail and its custom arguments."""
    parts = {each["type"]: each["value"] for each in body["content"]}
    files = tuple((each["filename"], base64.b64decode(each["content"])) for each in body.get("attachments", []))
    replies = [body["reply_to"]] if "reply_to" in body else body.get("reply_to_list", [])
    for each in body["personalizations"]:
        headers = {**body.get("headers", {}), **each.get("headers", {})}
        whole = body.get("custom_args", {})
        arguments = {**({"": whole} if isinstance(whole, str) else whole), **each.get("custom_args", {})}
        for one in (*each["to"], *each.get("cc", []), *each.get("bcc", [])):
            mail = Arrived(
                sender=_mailbox(each.get("from", body["from"])),
                recipient=one["email"],
                subject=_filled(each.get("subject") or body["subject"], each),
                text=_filled(parts.get("text/plain", ""), each),
                html=_filled(parts["text/html"], each) if "text/html" in parts else None,
                headers={name.lower(): value for name, value in headers.items()},
                reply_to=_filled(", ".join(map(_mailbox, replies)), each),
                mail_id=_mail_id(arguments),
                attachments=files,
                tracking=_tracks(body),
            )
            yield mail, arguments


def _mail_id(arguments: Mapping[str, str]) -> str:
    """The argument that names the mail, whatever it is called: the only one, else the one called a mail's id."""
    named = [value for name, value in arguments.items() if re.sub(r"[\W_]", "", name.lower()).endswith("mailid")]
    return str((named or [*arguments.values()])[0]) if named or len(arguments) == 1 else ""


def _tracks(body: Mapping[str, Any]) -> bool:
    """Nothing in the description says that any of these is off by itself: the account's settings decide.

    A suppression group brings SendGrid's own unsubscribe links.
    """
    settings = body.get("tracking_settings", {})
    names = ("click_tracking", "open_tracking", "subscription_tracking", "ganalytics")
    off = all(settings.get(name, {}).get("enable") is False for name in names)
    return not off or bool(settings["click_tracking"].get("enable_text")) or "asm" in body


def _filled(text: str, personalization: Mapping[str, Any]) -> str:
    for tag, value in personalization.get("substitutions", {}).items():
        text = text.replace(tag, value)
    return text


def _mailbox(mailbox: Mapping[str, str]) -> str:
    name = mailbox.get("name", "")
    return f"{name} <{mailbox['email']}>" if name else mailbox["email"]


def _switched(body: Mapping[str, Any], group: str, name: str) -> bool:
    return body.get(group, {}).get(name, {}).get("enable") is True


def _json(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    from aiohttp import web

    return web.json_response(value, status=status, headers=headers)
