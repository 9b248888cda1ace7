"""Mailgun, as its published description has it (OpenAPI 3.0.0 of the Mailgun API)."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from penstock.testing.esp import HTTP_HEADERS, Arrived, FakeEsp, Happening, PostedCall, Refused
from penstock.testing.esps.mailgun_events import signed_call
from penstock.testing.esps.mailgun_fields import FIELDS, MIME_FIELDS, checked
from penstock.testing.esps.mailgun_lists import Suppressions
from penstock.testing.esps.mailgun_mail import arrived_from_fields, arrived_from_mime

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FakeMailgun"]

_SEND = re.compile(r"/v3/([^/]+)/(messages|messages\.mime)")
_TRACKING = re.compile(r"/v3/domains/([^/]+)/tracking(?:/(click|open|unsubscribe))?")
_LIST = re.compile(r"/v3/([^/]+)/(bounces|unsubscribes|complaints)(?:/([^/]+))?")
_WRONG_PLACES = frozenset({"/", "/v3", "/v3/", "/v4", "/v4/"})
_REQUEST_OCTETS = int(52.4 * 1024 * 1024)


def _signing_key() -> str:
    return f"key-{secrets.token_hex(16)}"


def _settings() -> dict[str, dict[str, Any]]:
    return {
        "open": {"active": False, "place_at_the_top": False},
        "click": {"active": False},
        "unsubscribe": {"active": False, "html_footer": "", "text_footer": ""},
    }


@dataclass
class FakeMailgun(FakeEsp):
    """Takes fields and finished messages. `domain` is the only one it knows; empty: it knows any.

    `tracking` are the domain's settings. Opens and clicks count as tracked unless the request switches them off: a
    domain's setting may change between two mails. `webhook_key` is the account's HTTP webhook signing key; `variable`
    is the custom variable that brings our id back. `listed` has the lists `bounces`, `complaints`, `unsubscribes` (all
    mail of the domain) and `unsubscribes.TAG` (mail of that tag).
    """

    domain: str = ""
    tracking: dict[str, dict[str, Any]] = field(default_factory=_settings)
    webhook_key: str = field(default_factory=_signing_key)
    variable: str = "penstock-mail-id"
    _causes: dict[str, tuple[str, str]] = field(default_factory=dict)
    _number: int = 0
    _sending: bool = True
    """Whether the request now looked at is one to send: a refused key is told in other words elsewhere."""

    async def authorised(self, request: web.Request) -> bool:
        """Basic authentication as the user `api`."""
        wanted = base64.b64encode(f"api:{self.key}".encode()).decode()
        self._sending = self.sends(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "basic" and given == wanted

    def sends(self, request: web.Request) -> bool:
        """Both ways to send."""
        return request.method == "POST" and _SEND.fullmatch(request.path) is not None

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """One message to at most 1000 recipients. With `o:testmode` nobody gets it."""
        from aiohttp import web

        match = _SEND.fullmatch(request.path)
        assert match is not None
        self._plain(request)
        self._known(match[1])
        whole = match[2] == "messages.mime"
        sent = await checked(request, MIME_FIELDS if whole else FIELDS, whole=whole)
        self._number += 1
        message_id = f"<20261120090000.{self._number:016x}@{match[1]}>"
        footers = bool(self.tracking["unsubscribe"]["active"])
        mails = (arrived_from_mime if whole else arrived_from_fields)(sent, message_id, footers=footers)
        # The Message-ID of the message handed in stays; else it is made.
        kept = mails[0].headers["message-id"]
        answer = web.json_response({"id": kept, "message": "Queued. Thank you."})
        return ([] if sent.one("o:testmode") == "yes" else mails), answer

    def fault(self, status: int, what: str) -> web.Response:
        """An object with `message`; a refused key is the string `Forbidden`. No rate headers are described."""
        from aiohttp import web

        match status:
            case 401 if self._sending:
                return web.json_response("Forbidden", status=401)
            case 401:
                what = "Invalid private key"
            case 429:
                limit = "account-requests-per-sec limit exceeded, try again after 7 seconds"
                what = f"Domain {self.domain or 'nordlicht.example'} is not allowed to send: {limit}"
            case 500:
                what = "Internal Server Error"
        return web.json_response({"message": what}, status=status)

    async def other(self, request: web.Request) -> web.Response | None:
        """Tracking settings and the suppression lists of the domain."""
        from aiohttp import web

        if request.path in _WRONG_PLACES:
            return web.Response(text="Mailgun Magnificent API")
        try:
            if match := _TRACKING.fullmatch(request.path):
                self._known(match[1])
                return await self._settings_answer(request, match[2])
            if match := _LIST.fullmatch(request.path):
                self._known(match[1])
                return await Suppressions(self.listed, self._causes).answer(request, match[2], match[3])
        except Refused as refusal:
            self.refused.append(refusal.what)
            return self.fault(refusal.status, refusal.what)
        return None

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """One event in each call."""
        domain = self.domain or "nordlicht.example"
        return [signed_call(each, at, self.webhook_key, domain=domain, variable=self.variable) for each in happenings]

    async def _settings_answer(self, request: web.Request, part: str | None) -> web.Response | None:
        from aiohttp import web

        if request.method == "GET" and part is None:
            scheme = {"web_scheme": "https"}
            return web.json_response({"tracking": {**self.tracking, **scheme}})
        if request.method != "PUT" or part is None:
            return None
        setting = self.tracking[part]
        for name, value in (await request.post()).items():
            if name not in setting or not isinstance(value, str):
                raise Refused(f"unknown parameter {name}")
            if name in {"active", "place_at_the_top"}:
                words = {"true": True, "false": False} | ({"htmlonly": True} if part == "click" else {})
                if value not in words:
                    raise Refused(f"{name} is not a boolean")
                setting[name] = words[value]
            else:
                setting[name] = value
        return web.json_response({"message": "Domain tracking settings have been updated", part: setting})

    def _known(self, domain: str) -> None:
        if self.domain not in {"", domain}:
            raise Refused("Domain not found: " + domain, 404)

    def _plain(self, request: web.Request) -> None:
        """No header and no query parameter is described for sending but those of HTTP itself."""
        if unknown := {name.lower() for name in request.headers} - HTTP_HEADERS:
            raise Refused(f"unknown header {min(unknown)}")
        if request.query_string:
            raise Refused("sending takes no query parameters")
        if (request.content_length or 0) > _REQUEST_OCTETS:
            raise Refused("Request Entity Too Large", 413)
