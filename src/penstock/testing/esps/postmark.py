"""Postmark as a local server, written from its public documentation (postmarkapp.com/developer: overview, email,
message streams, suppressions, server, data removal and webhooks)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from penstock.model.event import EventKind
from penstock.testing.esp import HTTP_HEADERS, Arrived, FakeEsp, Happening, PostedCall, Refused
from penstock.testing.esps.postmark_account import PostmarkAccount, PostmarkStream
from penstock.testing.esps.postmark_calls import SentMessage, call_of, unsent
from penstock.testing.esps.postmark_lists import PostmarkLists
from penstock.testing.esps.postmark_mail import MOST_OCTETS, PostmarkMessage, read_message, wrong

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FakePostmark", "PostmarkAccount", "PostmarkStream"]

_TEST_TOKEN = "POSTMARK_API_TEST"  # noqa: S105 — it is published: whoever uses it sends nothing
_SERVER, _ACCOUNT = "x-postmark-server-token", "x-postmark-account-token"
_HEADERS = (HTTP_HEADERS - {"authorization"}) | {_SERVER}
_MOST_IN_A_BATCH = 500
_MOST_OF_A_BATCH = 50 << 20
_SENT_AT = "2026-11-21T08:00:00.0000000-05:00"
_NUMBERED = re.compile(r"(\d+): (.+)", re.DOTALL)
_WORDS = {
    401: (10, "No Account or Server API tokens were supplied in the HTTP headers, or they are not known."),
    404: (404, "The requested resource does not exist."),
    405: (405, "The method is not allowed."),
    413: (413, "The payload is too large."),
    415: (409, "The content type must be application/json."),
    429: (429, "Too many requests."),
    500: (500, "Internal server error."),
}
_TROUBLES = {
    405: "Not allowed to send: the account ran out of credits.",
    412: "While your account is pending approval, all recipients must share the From address's domain.",
    413: "The account may not send.",
}
_INACTIVE = "Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."


@dataclass
class FakePostmark(FakeEsp):
    """Takes POST /email and /email/batch. `key` is the server's token, `account_key` the account's.

    The answers to a batch are 200 with an error for each message that is refused. Recipients on a stream's suppression
    list are inactive, and so are those called `refused`: a message to nobody else is refused (406), one to others too
    goes to these. `domains` are those with a confirmed signature. `trouble`: 405, 412 or 413 for every message.

    Lists are named `STREAM.REASON` or `STREAM.REASON.ORIGIN`: `outbound.HardBounce`, `outbound.SpamComplaint`,
    `broadcast.ManualSuppression` (what requests add) and `broadcast.ManualSuppression.Recipient` (who unsubscribed).

    Calls are not signed, so there is no `webhook_key`: a login stands in the address that `post` gets. Of mails that
    the fake took itself their own tag and metadata come back, of others our id as metadata called `variable`.

    Message-ID is Postmark's own but where X-PM-KeepID asks for ours. Opens and links count as tracked unless the
    request switches both off; the server's setting or a stream that unsubscribes by itself counts in any case.
    """

    account_key: str = "test-account-key"
    account: PostmarkAccount = field(default_factory=PostmarkAccount)
    domains: set[str] = field(default_factory=lambda: {"nordlicht.example"})
    trouble: int = 0
    variable: str = "penstock_mail_id"
    _known: dict[tuple[str, str], SentMessage] = field(default_factory=dict)
    _number: int = 0

    @property
    def lists(self) -> PostmarkLists:
        """`listed` and `erased`, as Postmark speaks of them."""
        return PostmarkLists(self.account, self.listed, self.erased)

    async def authorised(self, request: web.Request) -> bool:
        """The token of the server, or of the account where a path is about that."""
        name, key = (_ACCOUNT, self.account_key) if _for_the_account(request) else (_SERVER, self.key)
        given = request.headers.get(name, "").lower()
        return given == key.lower() or (name == _SERVER and given == _TEST_TOKEN.lower())

    def sends(self, request: web.Request) -> bool:
        """One message, or a batch."""
        return request.method == "POST" and request.path in {"/email", "/email/batch"}

    def fault(self, status: int, what: str) -> web.Response:
        """`{"ErrorCode", "Message"}`; `what` may be `code: message`. No rate headers are described."""
        numbered = _NUMBERED.fullmatch(what)
        code, message = (int(numbered[1]), numbered[2]) if numbered else _WORDS.get(status, (300, what))
        return _json({"ErrorCode": code, "Message": message}, status)

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """An object for a message, a list for a batch."""
        _look_at(request, _HEADERS)
        asked = await _asked(request)
        batch = request.path == "/email/batch"
        if not batch:
            taken, answer = self._message(asked)
            return self._unless_tested(request, taken), _json(answer)
        if not isinstance(asked, list):
            raise wrong(402, "A batch is a list of messages.")
        if len(asked) > _MOST_IN_A_BATCH:
            raise wrong(410, f"A batch holds at most {_MOST_IN_A_BATCH} messages.")
        every: list[Arrived] = []
        answers: list[dict[str, Any]] = []
        for each in asked:
            try:
                taken, answer = self._message(each)
            except Refused as refusal:
                if not refusal.what.startswith("406: "):
                    self.refused.append(refusal.what)
                code, _, message = refusal.what.partition(": ")
                answers.append({"ErrorCode": int(code), "Message": message})
            else:
                every += taken
                answers.append(answer)
        return self._unless_tested(request, every), _json(answers)

    async def other(self, request: web.Request) -> web.Response | None:
        """Server, streams, suppressions and the removal of data; templates, of which it knows none."""
        try:
            _look_at(request, _HEADERS | {_ACCOUNT} if _for_the_account(request) else _HEADERS)
            if request.path in {"/email", "/email/batch"}:
                return self.fault(405, "")
            body = await _asked(request) if request.body_exists else None
            if request.path in {"/email/withTemplate", "/email/batchWithTemplates"} and request.method == "POST":
                raise wrong(1101, "The template does not exist.")
            owner = self.lists if _about_people(request) else self.account
            found = owner.answer(request.method, request.path, request.query, body)
        except Refused as refusal:
            self.refused.append(refusal.what)
            return self.fault(refusal.status, refusal.what)
        return None if found is None else _json(found)

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """One event in each, repeated unchanged; none for ACCEPTED, of which Postmark tells nothing."""
        del at
        told = [each for each in happenings if each.kind is not EventKind.ACCEPTED]
        return [call_of(each, self._sent_as(each.arrived)) for each in told]

    def _sent_as(self, arrived: Arrived) -> SentMessage:
        known = self._known.get((arrived.headers.get("message-id", ""), arrived.recipient))
        return known or unsent(arrived, self.variable)

    def _message(self, asked: object) -> tuple[list[Arrived], dict[str, Any]]:
        message = read_message(asked)
        stream = self._allowed(message)
        inactive = [each for each in message.recipients if self._is_inactive(each, stream)]
        named = f"{', '.join(inactive)}. {_INACTIVE}"
        if len(inactive) == len(message.recipients):
            what = "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses:"
            raise wrong(406, f"{what} {named}")
        self._number += 1
        digest = hashlib.sha256(f"message {self._number}".encode()).hexdigest()
        message_id = "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
        told = f"OK, but will not deliver to the following inactive addresses: {named}" if inactive else "OK"
        answer = {
            **message.written,
            "SubmittedAt": _SENT_AT,
            "MessageID": message_id,
            "ErrorCode": 0,
            "Message": told,
        }
        return self._sent(message, stream, message_id, inactive), answer

    def _allowed(self, message: PostmarkMessage) -> PostmarkStream:
        if self.trouble:
            raise wrong(self.trouble, _TROUBLES[self.trouble])
        if message.sender.rpartition("@")[2].lower() not in self.domains:
            raise wrong(400, "The 'From' address you supplied is not a Sender Signature on your account.")
        stream = self.account.stream(message.stream)
        if stream is None or stream.kind == "Inbound":
            raise wrong(1235, "The stream provided does not exist on this server.")
        return stream

    def _sent(
        self, message: PostmarkMessage, stream: PostmarkStream, message_id: str, inactive: Sequence[str]
    ) -> list[Arrived]:
        headers = {"date": "Sat, 21 Nov 2026 13:00:00 +0000", **message.arrived.headers}
        if not (message.keeps_id and "message-id" in headers):
            headers["message-id"] = f"<{message_id}@mtasv.example>"
        tracking = message.arrived.tracking or self.account.tracks or stream.unsubscribe == "Postmark"
        mail = replace(message.arrived, headers=headers, tracking=tracking)
        sent = SentMessage(message_id, stream.id, message.tag, message.metadata)
        mails = [replace(mail, recipient=each) for each in message.recipients if each not in inactive]
        self._known |= {(headers["message-id"], each.recipient): sent for each in mails}
        return mails

    def _is_inactive(self, recipient: str, stream: PostmarkStream) -> bool:
        return self.lists.stops(stream.id, recipient) or recipient.lower().startswith("refused@")

    def _unless_tested(self, request: web.Request, taken: Sequence[Arrived]) -> Sequence[Arrived]:
        """With the token for tests all is looked at and nothing sent."""
        tested = request.headers[_SERVER].lower() == _TEST_TOKEN.lower() != self.key.lower()
        return () if tested else taken


def _for_the_account(request: web.Request) -> bool:
    return request.path.startswith("/data-removals")


def _about_people(request: web.Request) -> bool:
    return _for_the_account(request) or "suppressions" in request.path.split("/")


def _look_at(request: web.Request, known: frozenset[str]) -> None:
    if unknown := sorted({name.lower() for name in request.headers} - known):
        raise wrong(403, f"The header {unknown[0]} is not described.")
    if request.query and request.method == "POST":
        raise wrong(403, "There are no parameters.")
    sent = request.content_type if request.body_exists else "application/json"
    if "application/json" not in request.headers.get("Accept", "") or sent != "application/json":
        raise wrong(409, "Accept and Content-Type must be application/json.")


async def _asked(request: web.Request) -> Any:
    data = await request.read()
    # In JSON a message is larger than it is; the limit is generous by so much.
    if len(data) > (_MOST_OF_A_BATCH if request.path == "/email/batch" else 2 * MOST_OCTETS):
        raise Refused("too large", 413)
    try:
        return json.loads(data)
    except ValueError:
        raise wrong(402, "The JSON data you provided is syntactically incorrect.") from None


def _json(answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    from aiohttp import web

    return web.json_response(answer, status=status, headers=headers)
