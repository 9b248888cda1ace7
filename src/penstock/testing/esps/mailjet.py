"""Mailjet as a local server, written from its published guide (mailjet/api-documentation: Send API v3.1, Event API) and
its pages on status codes, rate limits, contacts and their deletion."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_DNS, uuid4, uuid5

from penstock.testing.esp import HTTP_HEADERS, Arrived, FakeEsp, Happening, PostedCall, Refused
from penstock.testing.esps.mailjet_account import MailjetAccount
from penstock.testing.esps.mailjet_contacts import THERE, Answer, MailjetContacts
from penstock.testing.esps.mailjet_events import SentMessage, bodies, call, event
from penstock.testing.esps.mailjet_mail import Flaw, address_of, arrived, flaws, recipients, unknown

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FakeMailjet"]

_SEND = "/v3.1/send"
_ROOT: Mapping[str, type] = {"Messages": list, "SandboxMode": bool, "AdvanceErrorHandling": bool, "Globals": dict}
_MOST_MESSAGES = 50
_NO_JSON = "Malformed JSON, please review the syntax and properties types."
_WORDS = {
    401: ("mj-0015", "API key authentication/authorization failure. The API key is invalid."),
    404: ("", "The requested resource does not exist."),
    405: ("", "The method requested on the resource does not exist."),
    429: ("", "You have reached the maximum number of calls allowed by our API."),
    500: ("", "Internal Server Error"),
}
_UNSENT = 19421777000000000
"""Ids of mails that were never sent begin here."""
_MAILBOX = "mailjet.example"


@dataclass
class FakeMailjet(FakeEsp):
    """Mailjet's Send API v3.1 and what of an account a plugin may need to see.

    `key` is the API key, `secret` its secret. Each message of a request is taken or refused by itself; with one refused
    the status is the one of its error, and the others have gone all the same. Message-ID and Date of arrived mails are
    the service's own, and List-Id is a header that may not be set. Rates have no headers.

    `webhook_key` is the login of the callback's address, as calls are not signed. `grouped`: the callback has version
    2. The names in `listed` are the properties of a contact: IsExcludedFromCampaigns, IsSpamComplaining.
    """

    secret: str = "test-secret"  # noqa: S105 — of nobody
    account: MailjetAccount = field(default_factory=MailjetAccount)
    grouped: bool = True
    _known: dict[str, dict[str, Any]] = field(default_factory=dict)
    _jobs: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.webhook_key = self.webhook_key or f"mailjet:{token_hex(16)}"

    @property
    def contacts(self) -> MailjetContacts:
        """The account's contacts, with what is listed now."""
        return MailjetContacts(self.listed, self.erased, self._known, self._jobs)

    async def authorised(self, request: web.Request) -> bool:
        """Basic authentication: key and secret."""
        wanted = b64encode(f"{self.key}:{self.secret}".encode()).decode()
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "basic" and given == wanted

    def sends(self, request: web.Request) -> bool:
        """The Send API v3.1."""
        return request.method == "POST" and request.path == _SEND

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """Up to 50 messages. Faults of the request as a whole are raised, those of a message stand in the answer."""
        messages, sandbox = _root(await _asked(request))
        taken: list[Arrived] = []
        answers: list[dict[str, Any]] = []
        status = 200
        for message in messages:
            found = self._flaws(message)
            if found:
                status = max(status, found[0].status)
                answers.append({"Status": "error", "Errors": [_error(each) for each in found]})
            else:
                mails, answer = self._accepted(message, sandbox=sandbox)
                taken += mails
                answers.append(answer)
        return taken, _json({"Messages": answers}, status)

    def fault(self, status: int, what: str) -> web.Response:
        """`what` may be `code: message`, as the table of errors lists them."""
        code, message = _WORDS.get(status, ("", what))
        said, separator, rest = what.partition(": ")
        if separator and said.startswith(("mj-", "send-")):
            code, message = said, _NO_JSON if said == "mj-0002" else rest
        answer: dict[str, Any] = {"ErrorIdentifier": str(uuid4())}
        if code:
            answer["ErrorCode"] = code
        return _json({**answer, "StatusCode": status, "ErrorMessage": message}, status)

    async def other(self, request: web.Request) -> web.Response | None:
        """Contacts, senders and messages; they tell errors in the words of v3."""
        if request.path == _SEND:
            return self.fault(405, "")
        try:
            body = await _asked(request) if request.can_read_body else None
            found = self._asked_of(request.method, request.path, dict(request.query), body)
        except Refused as refusal:
            if refusal.status != 404 and refusal.what != THERE:  # which one may ask to find out
                self.refused.append(refusal.what)
            message = _NO_JSON if refusal.what.startswith("mj-0002") else refusal.what
            answer = {"ErrorInfo": "", "ErrorMessage": message, "StatusCode": refusal.status}
            return _json(answer, refusal.status)
        return None if found is None else _json(found[1], found[0])

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """Nothing for what Mailjet does not tell; a call has no time of its own."""
        del at
        told = [event(each, self._message_of(each)) for each in happenings]
        events = [each for each in told if each is not None]
        return [call(body, self.webhook_key) for body in bodies(events, grouped=self.grouped)]

    def _message_of(self, happening: Happening) -> SentMessage:
        """What the answer named; a mail that was never sent gets ids by what happened to it."""
        arrived = happening.arrived
        uuid, _, domain = arrived.headers.get("message-id", "").strip("<>").partition("@")
        for each in self.account.sent if domain == _MAILBOX else ():
            if each["UUID"] == uuid:
                return SentMessage(each["ID"], uuid, each["ContactID"])
        number = int.from_bytes(sha256(happening.key.encode()).digest()[:4])
        return SentMessage(_UNSENT + number, str(uuid5(NAMESPACE_DNS, happening.key)), 0)

    def _asked_of(self, method: str, path: str, query: Mapping[str, str], body: object) -> Answer | None:
        match path.strip("/").split("/"):
            case ["v3", "REST", "contact", *steps]:
                return self.contacts.answer(method, steps, query, body)
            case ["v4", "contacts", wanted] if method == "DELETE":
                return self.contacts.erase(wanted)
        return self.account.answer(method, path, query)

    def _flaws(self, message: Mapping[str, Any]) -> list[Flaw]:
        found = flaws(message)
        if not found and not self.account.may_send(address_of(message)):
            what = f'"{address_of(message)}" is not an authorized sender email address for your account.'
            found = [Flaw("send-0008", what, ("From",), 403)]
        self.refused += [f"{each.code}: {', '.join(each.related)}" for each in found if not each.expected]
        return found

    def _accepted(self, message: Mapping[str, Any], *, sandbox: bool) -> tuple[list[Arrived], dict[str, Any]]:
        """What arrives, and the answer for the message; in the sandbox nothing arrives, and there are no ids."""
        mails: list[Arrived] = []
        answer: dict[str, Any] = {"Status": "success", "CustomID": message.get("CustomID", "")}
        for name, addresses in recipients(message).items():
            told = []
            for address in addresses:
                number, uuid = 0, ""
                if not sandbox:
                    uuid = str(uuid4())
                    own = {"message-id": f"<{uuid}@{_MAILBOX}>", "date": "Fri, 20 Nov 2026 09:00:00 +0000"}
                    mails.append(arrived(message, address, own))
                    number = self.account.remember(uuid, answer["CustomID"], self.contacts.met(address)["ID"])
                href = f"https://api.mailjet.com/v3/REST/message/{number}"
                told.append({"Email": address, "MessageUUID": uuid, "MessageID": number, "MessageHref": href})
            answer[name] = told
        return mails, answer


async def _asked(request: web.Request) -> object:
    if unnamed := sorted({name.lower() for name in request.headers} - HTTP_HEADERS):
        raise Refused(f"mj-0002: header {unnamed[0]} is not described")
    if request.content_type != "application/json":
        raise Refused("mj-0002: the content type is not application/json")
    try:
        return json.loads(await request.read())
    except ValueError:
        raise Refused("mj-0002: no JSON") from None


def _root(asked: object) -> tuple[list[Mapping[str, Any]], bool]:
    """The messages, completed by what holds for all of them, and whether the sandbox is meant. Raises Refused."""
    if not isinstance(asked, dict):
        raise Refused("mj-0002: no object")
    for name, value in asked.items():
        if name not in _ROOT or not isinstance(value, _ROOT[name]):
            raise Refused(f"mj-0002: {name} is not described, or not so")
    messages = asked.get("Messages")
    if messages is None:
        raise Refused('mj-0003: Missing mandatory property "Messages".')
    if not messages:
        raise Refused("mj-0007: At least one message must be provided.")
    if len(messages) > _MOST_MESSAGES:
        raise Refused(f"mj-0008: More than {_MOST_MESSAGES} messages.")
    whole: list[Mapping[str, Any]] = []
    for at, each in enumerate(messages):
        if not isinstance(each, dict):
            raise Refused(f"mj-0002: Messages[{at}] is no object")
        message = {name: value for name, value in {**asked.get("Globals", {}), **each}.items() if value is not None}
        if name := unknown(message):
            raise Refused(f"mj-0002: Messages[{at}].{name} is not described")
        whole.append(message)
    return whole, bool(asked.get("SandboxMode"))


def _error(flaw: Flaw) -> dict[str, Any]:
    return {
        "ErrorIdentifier": str(uuid4()),
        "ErrorCode": flaw.code,
        "StatusCode": flaw.status,
        "ErrorMessage": flaw.message,
        "ErrorRelatedTo": list(flaw.related),
    }


def _json(answer: Mapping[str, Any], status: int) -> web.Response:
    from aiohttp import web

    return web.json_response(answer, status=status)
