"""The suppression lists of the fake SendGrid: groups, bounces and their like (OpenAPI, suppressions v3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from penstock.testing.esp import Refused
from penstock.testing.esps.sendgrid_fields import Flag, Many, Table, Text, broken

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["KINDS", "SendGridLists"]

KINDS: Mapping[str, Mapping[str, str]] = {
    "bounces": {"reason": "550 5.1.1 user unknown", "status": "5.1.1"},
    "blocks": {"reason": "connection refused", "status": "4.0.0"},
    "invalid_emails": {"reason": "Mail domain mentioned in email address is unknown"},
    "spam_reports": {"ip": "192.0.2.7"},
    "unsubscribes": {},
}
"""The lists under /v3/suppression, with what an entry says beside `created` and `email`."""
_CREATED = 1_780_000_000
_ADDRESSES = Table({"recipient_emails": Many(Text(email=True))}, ("recipient_emails",))
_REMOVAL = Table({"delete_all": Flag(), "emails": Many(Text())})
_PAGE = 500


@dataclass
class SendGridLists:
    """Addresses in order of entry; `groups` by number of the suppression group."""

    lists: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    groups: dict[int, list[str]] = field(default_factory=lambda: {7: []})
    erased: list[str] = field(default_factory=list)

    def stops(self, address: str, group: int | None) -> bool:
        """Whether mail to the address would be dropped; blocks stop nothing."""
        stopping = [each for kind, each in self.lists.items() if kind != "blocks"]
        return any(address in each for each in (*stopping, self.groups.get(group or 0, [])))

    async def answer(self, request: web.Request) -> web.Response | None:
        """The answer to a request about lists; None for a path or method that is not described. Raises Refused."""
        match request.path.removeprefix("/v3/").split("/"):
            case ["asm", "groups"] if request.method == "GET":
                return _json([self._group(number) for number in self.groups])
            case ["asm", "groups", number, "suppressions", *one] if number.isdigit():
                return await self._of_group(request, int(number), one)
            case ["asm", "suppressions", "global", *one]:
                return await self._global(request, one)
            case ["suppression", kind, *one] if kind in KINDS and len(one) < 2:
                return await self._of_kind(request, kind, one)
            case ["recipients", "erasejob"] if request.method == "POST":
                return await self._erase(request)
        return None

    async def _of_group(self, request: web.Request, number: int, one: list[str]) -> web.Response | None:
        group = self.groups.get(number)
        if group is None:
            return None
        match request.method, one:
            case "GET", []:
                return _json(group)
            case "POST", []:
                return _json({"recipient_emails": await _added(request, group)}, 201)
            case "DELETE", [address]:
                return _removed(group, address)
        return None

    async def _global(self, request: web.Request, one: list[str]) -> web.Response | None:
        everywhere = self.lists["unsubscribes"]
        match request.method, one:
            case "POST", []:
                return _json({"recipient_emails": await _added(request, everywhere)}, 201)
            case "GET", [address]:
                return _json({"recipient_email": address} if address in everywhere else {})
            case "DELETE", [address]:
                return _removed(everywhere, address)
        return None

    async def _of_kind(self, request: web.Request, kind: str, one: list[str]) -> web.Response | None:
        addresses = self.lists[kind]
        match request.method, one:
            case "GET", []:
                first, most = _page(request.query)
                return _json([_entry(kind, each) for each in addresses[first : first + most]])
            case "GET", [address] if kind != "unsubscribes":
                return _json([_entry(kind, each) for each in addresses if each == address])
            case "DELETE", [address] if kind != "unsubscribes":
                return _removed(addresses, address)
            case "DELETE", [] if kind != "unsubscribes":
                body = await _body(request, _REMOVAL)
                gone = addresses if body.get("delete_all") else body.get("emails", [])
                self.lists[kind] = [each for each in addresses if each not in gone]
                return _nothing()
        return None

    async def _erase(self, request: web.Request) -> web.Response:
        """SendGrid's page on the deletion of recipients' data: at most 5,000 addresses; accepted, done later."""
        body = await _body(request, Table({"email_addresses": Many(Text(email=True), 1, 5000)}, ("email_addresses",)))
        self.erased += body["email_addresses"]
        return _json({"job_id": f"erase-{len(self.erased)}"}, 202)

    def _group(self, number: int) -> dict[str, object]:
        about = {"name": f"Group {number}", "description": "A group", "is_default": False}
        return {"id": number, **about, "unsubscribes": len(self.groups[number])}


def _entry(kind: str, address: str) -> dict[str, object]:
    return {"created": _CREATED, "email": address, **KINDS[kind]}


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    for name, value in query.items():
        if name not in {"limit", "offset", "start_time", "end_time", "email"}:
            raise broken(name, "There is no such parameter.")
        if name != "email" and not value.isdigit():
            raise broken(name, "Invalid type. Expected: integer, given: string.")
    most = int(query.get("limit", _PAGE))
    if not 1 <= most <= _PAGE:
        raise broken("limit", f"The limit must be at least 1 and at most {_PAGE}.")
    return int(query.get("offset", 0)), most


async def _added(request: web.Request, addresses: list[str]) -> list[str]:
    body = await _body(request, _ADDRESSES)
    new: list[str] = body["recipient_emails"]
    addresses += [each for each in new if each not in addresses]
    return new


async def _body(request: web.Request, rule: Table) -> dict[str, Any]:
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Refused("Bad Request") from None
    rule(body, "")
    assert isinstance(body, dict)
    return body


def _removed(addresses: list[str], address: str) -> web.Response | None:
    if address not in addresses:
        return None
    addresses.remove(address)
    return _nothing()


def _nothing() -> web.Response:
    from aiohttp import web

    return web.Response(status=204)


def _json(value: object, status: int = 200) -> web.Response:
    from aiohttp import web

    return web.json_response(value, status=status)
