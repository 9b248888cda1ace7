"""A local server that behaves as Amazon SES v2, from its service model (2019-09-27) and developer guide."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from penstock.ports import Clock
from penstock.testing.esp import HTTP_HEADERS, Arrived, Refused
from penstock.testing.esps.ses_account import SesAccount
from penstock.testing.esps.ses_mail import (
    Parts,
    from_raw,
    from_simple,
    from_template,
    mailbox,
    mailboxes,
    tags,
    variables,
)
from penstock.testing.esps.ses_publisher import SesPublisher
from penstock.testing.esps.ses_shapes import SEND, SEND_BULK, Structure, broken
from penstock.testing.esps.ses_signature import Keys
from penstock.testing.esps.ses_topic import uuid_of

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FakeSES", "SesAccount"]

_ONE, _BULK = "/v2/email/outbound-emails", "/v2/email/outbound-bulk-emails"
_SUPPRESSED = "/v2/email/suppression/addresses"
_HEADERS = HTTP_HEADERS | {"x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "x-amz-user-agent"}
_HEADERS |= {"amz-sdk-invocation-id", "amz-sdk-request"}
_TYPES = frozenset({"application/json", "application/x-amz-json-1.1"})
_MOST_RECIPIENTS = 50
_NOT_THERE = 404
_NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""The time of a fake without a clock."""
_TYPED = re.compile(r"([A-Z][A-Za-z]+): (.+)", re.DOTALL)
_WORDS = {
    401: (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    404: (404, "UnknownOperationException", "The requested operation is not known."),
    429: (429, "TooManyRequestsException", "Maximum sending rate exceeded."),
    500: (500, "InternalServiceErrorException", "The service encountered an internal error."),
}
_OF_AN_ENTRY = {
    "NotFoundException": "TEMPLATE_NOT_FOUND",
    "MessageRejected": "MESSAGE_REJECTED",
    "BadRequestException": "INVALID_PARAMETER",
}
"""How the status of a bulk entry names what would be an exception for one mail."""


@dataclass
class FakeSES(SesPublisher):
    """SendEmail (raw, simple, a template in the request), SendBulkEmail, the account, its lists, and SNS calls.

    `key` is the secret access key. `access_key`, `region`: the only ones known; empty: any. `session_token` belongs to
    temporary credentials. With a `clock`, a signature more than five minutes away is refused.

    Opens and clicks count as tracked unless the request overrides both: account and configuration set may switch them
    on, and the request does not see it. A suppressed recipient's mail is accepted and does not arrive.

    `listed` has BOUNCE and COMPLAINT, and for contacts who opted out `LIST` or `LIST.TOPIC`; `erased` the contacts who
    were deleted.
    """

    access_key: str = ""
    region: str = ""
    session_token: str = ""
    clock: Clock | None = None
    _why: str = ""
    """What is wrong with the signature of the request now looked at."""
    _number: int = 0

    async def authorised(self, request: web.Request) -> bool:
        """A signature of version 4 for the service `ses`."""
        keys = Keys(self.key, self.access_key, self.region, self.session_token, self.clock)
        body = await request.read()
        self._why = keys.fault(request, body)
        return not self._why

    def sends(self, request: web.Request) -> bool:
        """SendEmail and SendBulkEmail."""
        return request.method == "POST" and request.path in {_ONE, _BULK}

    def fault(self, status: int, what: str) -> web.Response:
        """A `message`, with the exception's name in a header; `what` may be `Type: message`. No rate headers."""
        if status == 401 and self._why:
            status, what = 403, self._why
        typed = _TYPED.fullmatch(what)
        if typed is None or status in {429, 500}:
            status, kind, message = _WORDS.get(status, (status, "BadRequestException", what))
        else:
            kind, message = typed.groups()
        return self._json({"message": message}, status, {"x-amzn-ErrorType": kind})

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """A MessageId, or with SendBulkEmail one result for each entry."""
        bulk = request.path == _BULK
        asked = await self._asked(request, SEND_BULK if bulk else SEND)
        for name in ("EndpointId", "TenantName"):
            if asked.get(name) is not None:
                raise Refused(f"NotFoundException: There is no such {name}.", 404)
        alone = [asked[name] for name in ("FromEmailAddress", "FeedbackForwardingEmailAddress") if asked.get(name)]
        for each in (*alone, *(asked.get("ReplyToAddresses") or ())):
            mailbox(each)
        if bulk:
            taken, results = self._entries(asked)
            return taken, self._json({"BulkEmailEntryResults": results})
        taken, message_id = self._mail(asked)
        return taken, self._json({"MessageId": message_id})

    async def other(self, request: web.Request) -> web.Response | None:
        """Account, suppression list, contacts, configuration sets, identities."""
        try:
            body = await self._asked(request, None) if request.body_exists else {}
            path = request.raw_path.partition("?")[0]
            query = {name: request.query.getall(name) for name in request.query}
            if query and (request.method, path) != ("GET", _SUPPRESSED):
                raise broken(next(iter(query)), "Member is not described")
            now = self.clock.now() if self.clock else _NOW
            found = self.lists.answer(request.method, path, query, body, now)
            if found is None:
                found = self.account.answer(request.method, path, body)
        except Refused as refusal:
            if refusal.status != _NOT_THERE:  # to ask for what is not there breaks no description
                self.refused.append(refusal.what)
            return self.fault(refusal.status, refusal.what)
        return None if found is None else self._json(found)

    async def _asked(self, request: web.Request, shape: Structure | None) -> dict[str, Any]:
        if unknown := sorted({name.lower() for name in request.headers} - _HEADERS):
            raise broken(unknown[0], "Header is not described")
        if shape is not None and request.query:
            raise broken(next(iter(request.query)), "Member is not described")
        if request.content_type not in _TYPES:
            raise Refused("BadRequestException: The content type must be application/json.", 415)
        try:
            asked = json.loads(await request.read() or b"{}")
        except ValueError:
            raise Refused("SerializationException: The body is no JSON.") from None
        if shape is not None:
            shape.check(asked, "")
        if not isinstance(asked, dict):
            raise Refused("SerializationException: The body is no object.")
        return asked

    def _mail(self, asked: Mapping[str, Any]) -> tuple[list[Arrived], str]:
        parts = self._parts(asked)
        recipients = mailboxes(asked.get("Destination") or {}) or parts.written
        configuration = asked.get("ConfigurationSetName") or parts.orders.get("x-ses-configuration-set")
        self._allowed(asked, parts, recipients, configuration)
        found = tags(asked.get("EmailTags"), header=parts.orders.get("x-ses-message-tags", ""))
        listed = self._listed(asked, parts)
        unwanted = self._unwanted(asked.get("ListManagementOptions"), recipients)
        return self._sent(parts, recipients, found, tracking=listed or _tracks(asked), unwanted=unwanted)

    def _parts(self, asked: Mapping[str, Any]) -> Parts:
        content = {name: value for name, value in asked["Content"].items() if value is not None}
        if len(content) != 1:
            raise Refused("BadRequestException: Content must be exactly one of Simple, Raw and Template.")
        ((kind, value),) = content.items()
        sender, answers = asked.get("FromEmailAddress") or "", asked.get("ReplyToAddresses") or ()
        try:
            match kind:
                case "Raw":
                    parts = from_raw(base64.b64decode(value["Data"]))
                    return parts if parts.reply_to else replace(parts, reply_to=", ".join(answers))
                case "Simple":
                    return from_simple(value, sender, answers)
                case _:
                    return from_template(value, variables(value.get("TemplateData")), sender, answers)
        except (LookupError, UnicodeError):
            raise Refused("BadRequestException: The charset is unknown.") from None

    def _allowed(
        self, asked: Mapping[str, Any], parts: Parts, recipients: Sequence[str], configuration: str | None
    ) -> None:
        senders = [each for each in (asked.get("FromEmailAddress"), parts.sender) if each]
        if not senders:
            raise Refused("BadRequestException: FromEmailAddress is missing.")
        if not 1 <= len(recipients) <= _MOST_RECIPIENTS:
            raise Refused(f"BadRequestException: There must be 1 to {_MOST_RECIPIENTS} recipients.")
        bad = [mailbox(each) for each in recipients if each.startswith("refused@")]
        if bad:
            raise Refused(f"BadRequestException: Illegal address <{bad[0]}>")
        self.account.may_send(configuration, len(recipients))
        # The header's name may be any script once it is decoded: only its address counts.
        named = [each.rpartition("<")[2].rstrip(">") for each in senders]
        named += [] if self.account.production else recipients
        unverified = [each for each in map(mailbox, named) if not self.account.verified(each)]
        if unverified:
            what = "Email address is not verified. The following identities failed the check in region"
            raise Refused(f"MessageRejected: {what} {(self.region or 'eu-central-1').upper()}: {', '.join(unverified)}")

    def _listed(self, asked: Mapping[str, Any], parts: Parts) -> bool:
        """Whether SES would put its own unsubscribe link and List-Unsubscribe in."""
        options = asked.get("ListManagementOptions")
        if options is not None and options["ContactListName"] not in self.account.contact_lists:
            raise Refused("NotFoundException: There is no such contact list.", 404)
        return options is not None or "x-ses-list-management-options" in parts.orders

    def _unwanted(self, options: Mapping[str, str] | None, recipients: Sequence[str]) -> frozenset[str]:
        """Who opted out of the contact list that the request names, or of its topic."""
        if options is None:
            return frozenset()
        name, topic = options["ContactListName"], options.get("TopicName") or ""
        return frozenset(each for each in recipients if self.lists.opted_out(each, name, topic))

    def _sent(
        self,
        parts: Parts,
        recipients: Sequence[str],
        found: Mapping[str, str],
        *,
        tracking: bool,
        unwanted: frozenset[str] = frozenset(),
    ) -> tuple[list[Arrived], str]:
        self._number += 1
        self.account.sent += len(recipients)
        message_id = f"0107019a{self._number:08x}-{uuid_of(f'message {self._number}')}-000000"
        self.tags[message_id] = found
        own = {
            "Message-ID": f"<{message_id}@{self.region or 'eu-central-1'}.amazonses.example>",
            "Date": "Sat, 21 Nov 2026 08:00:00 +0000",
        }
        reasons = self.account.suppressed_reasons
        going = [each for each in recipients if each not in unwanted and not self.lists.suppressed(each, reasons)]
        return [parts.arrived(each, own, _mail_id(found), tracking=tracking) for each in going], message_id

    def _entries(self, asked: Mapping[str, Any]) -> tuple[list[Arrived], list[dict[str, str]]]:
        entries, template = asked["BulkEmailEntries"], asked["DefaultContent"].get("Template")
        count = sum(len(mailboxes(each["Destination"])) for each in entries)
        if template is None or not entries or count > _MOST_RECIPIENTS:
            raise Refused(f"BadRequestException: A template and 1 to {_MOST_RECIPIENTS} destinations are asked for.")
        self.account.may_send(asked.get("ConfigurationSetName"), count)
        taken: list[Arrived] = []
        results: list[dict[str, str]] = []
        for entry in entries:
            try:
                arrived, message_id = self._entry(asked, template, entry)
            except Refused as refusal:
                kind, _, message = refusal.what.partition(": ")
                results.append({"Status": _OF_AN_ENTRY.get(kind, "FAILED"), "Error": message})
            else:
                taken += arrived
                results.append({"Status": "SUCCESS", "MessageId": message_id})
        return taken, results

    def _entry(
        self, asked: Mapping[str, Any], template: Mapping[str, Any], entry: Mapping[str, Any]
    ) -> tuple[list[Arrived], str]:
        replaced = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
        data = {**variables(template.get("TemplateData")), **variables(replaced.get("ReplacementTemplateData"))}
        own = entry.get("ReplacementHeaders") or []
        names = {each["Name"].lower() for each in own}
        kept = [each for each in template.get("Headers") or [] if each["Name"].lower() not in names]
        whole = {**template, "Headers": [*kept, *own]}
        parts = from_template(whole, data, asked.get("FromEmailAddress") or "", asked.get("ReplyToAddresses") or ())
        recipients = mailboxes(entry["Destination"])
        self._allowed(asked, parts, recipients, asked.get("ConfigurationSetName"))
        found = tags(asked.get("DefaultEmailTags"), entry.get("ReplacementTags"))
        return self._sent(parts, recipients, found, tracking=_tracks(asked))

    def _json(self, answer: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
        from aiohttp import web

        request_id = uuid_of(f"request {len(self.requests)}")
        return web.json_response(answer, status=status, headers={"x-amzn-RequestId": request_id, **(headers or {})})


def _tracks(asked: Mapping[str, Any]) -> bool:
    tracking = (asked.get("ConfigurationOverrides") or {}).get("Tracking") or {}
    return any(tracking.get(name) != "DISABLED" for name in ("OpenTrackingEnabled", "ClickTrackingEnabled"))


def _mail_id(found: Mapping[str, str]) -> str:
    """The tag that names the mail: the one called a mail's id, else the only one."""
    named = [value for name, value in found.items() if re.sub(r"[\W_]", "", name.lower()).endswith("mailid")]
    return (named or [*found.values()])[0] if named or len(found) == 1 else ""
