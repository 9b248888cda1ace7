"""The suppression lists of the fake SendGrid: groups, bounces and their like (OpenAPI, suppressions v3), and the
erasure of recipients (OpenAPI, recipients' data erasure v3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from penstock.testing.esp import OnList, Refused
from penstock.testing.esps.sendgrid_fields import Flag, Many, Table, Text, broken

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["GLOBAL", "KINDS", "SendGridLists", "group_list"]

KINDS: Mapping[str, Mapping[str, str]] = {
    "bounces": {"reason": "550 5.1.1 user unknown", "status": "5.1.1"},
    "blocks": {"reason": "connection refused", "status": "4.0.0"},
    "invalid_emails": {"reason": "Mail domain mentioned in email address is unknown"},
    "spam_reports": {"ip": "192.0.2.7"},
    "unsubscribes": {},
}
"""The lists under /v3/suppression, with what an entry says beside `created` and `email`."""
GLOBAL = "unsubscribes"
"""The list of those who are suppressed everywhere."""
_NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
_ADDRESSES = Table({"recipient_emails": Many(Text(email=True))}, ("recipient_emails",))
_REMOVAL = Table({"delete_all": Flag(), "emails": Many(Text())})
_ERASURE = Table({"email_addresses": Many(Text(email=True), 1, 5000)}, ("email_addresses",))
_MOST_TO_ERASE = 256 << 10
_PAGE = 500
_RANGE = frozenset({"limit", "offset", "start_time", "end_time", "email"})


def group_list(number: int) -> str:
    """The name in `FakeEsp.listed` of a suppression group: `group-7`."""
    return f"group-{number}"


@dataclass
class SendGridLists:
    """The lists in `listed`: those of KINDS, and a `group-N` for each number of `groups`."""

    listed: list[OnList]
    erased: list[str]
    groups: set[int] = field(default_factory=lambda: {7})
    jobs: int = 0

    def stops(self, address: str, group: int | None) -> bool:
        """Whether mail to the address would be dropped; blocks stop nothing."""
        stopping = {*KINDS, group_list(group or 0)} - {"blocks"}
        return any(each.address == address and each.list_name in stopping for each in self.listed)

    async def answer(self, request: web.Request) -> web.Response | None:
        """The answer to a request about lists; None for a path or method that is not described. Raises Refused."""
        path = request.path.removeprefix("/v3/").split("/")
        if path[0] == "suppression" and len(path) in {2, 3} and path[1] in KINDS:
            return await self._of_kind(request, path[1], path[2:])
        _no_parameters(request)
        match request.method, path:
            case "GET", ["asm", "groups"]:
                return _json([self._group(number) for number in sorted(self.groups)])
            case "GET", ["asm", "groups", number] if number.isdigit() and int(number) in self.groups:
                return _json(self._group(int(number)))
            case _, ["asm", "groups", number, "suppressions", *one] if number.isdigit():
                return await self._of_group(request, int(number), one)
            case _, ["asm", "suppressions", "global", *one]:
                return await self._global(request, one)
            case "GET", ["asm", "suppressions"]:
                return _json([*self._in_groups()])
            case "GET", ["asm", "suppressions", address]:
                return _json({"suppressions": [*self._about(address)]})
            case "POST", ["recipients", "erasejob"]:
                return await self._erase(request)
        return None

    async def _of_group(self, request: web.Request, number: int, one: list[str]) -> web.Response | None:
        """Who is added to a group that does not exist is suppressed everywhere: so SendGrid describes it."""
        name = group_list(number)
        match request.method, one:
            case "POST", []:
                name = name if number in self.groups else GLOBAL
                return _json({"recipient_emails": await self._added(request, name)}, 201)
            case "GET", [] if number in self.groups:
                return _json([each.address for each in self._on(name)])
            case "POST", ["search"] if number in self.groups:
                wanted = (await _body(request, _ADDRESSES))["recipient_emails"]
                return _json([each.address for each in self._on(name) if each.address in wanted])
            case "DELETE", [address] if number in self.groups:
                return self._removed(name, address)
        return None

    async def _global(self, request: web.Request, one: list[str]) -> web.Response | None:
        match request.method, one:
            case "POST", []:
                return _json({"recipient_emails": await self._added(request, GLOBAL)}, 201)
            case "GET", [address]:
                return _json({"recipient_email": address} if self._on(GLOBAL, address) else {})
            case "DELETE", [address]:
                return self._removed(GLOBAL, address)
        return None

    async def _of_kind(self, request: web.Request, kind: str, one: list[str]) -> web.Response | None:
        if request.method == "GET" and not one:
            first, most = _page(request.query)
            entries = [each for each in self._on(kind) if _asked_for(each, request.query)]
            return _json([_entry(each) for each in entries[first : first + most]])
        _no_parameters(request)
        match request.method, one:
            case "GET", [address] if kind != GLOBAL:
                return _json([_entry(each) for each in self._on(kind, address)])
            case "DELETE", [address] if kind != GLOBAL:
                return self._removed(kind, address)
            case "DELETE", [] if kind != GLOBAL:
                body = await _body(request, _REMOVAL)
                if body.get("delete_all") and "emails" in body:
                    raise broken("emails", "Use either emails or delete_all.")
                self._remove(kind, None if body.get("delete_all") else body.get("emails", []))
                return _nothing()
        return None

    async def _erase(self, request: web.Request) -> web.Response:
        """Accepted, done later; at most 5,000 addresses in 256 KB. An address given twice counts once."""
        if len(await request.read()) > _MOST_TO_ERASE:
            raise broken("email_addresses", "The payload is larger than 256Kb.")
        body = await _body(request, _ERASURE)
        self.erased += [each for each in dict.fromkeys(body["email_addresses"]) if each not in self.erased]
        self.jobs += 1
        return _json({"job_id": f"12a975bd-c742-4713-8f47-{self.jobs:012x}"}, 202)

    def _on(self, name: str, address: str | None = None) -> list[OnList]:
        return [each for each in self.listed if each.list_name == name and address in {None, each.address}]

    def _group(self, number: int) -> dict[str, object]:
        about = {"name": f"Group {number}", "description": "A group", "is_default": False}
        return {"id": number, **about, "unsubscribes": len(self._on(group_list(number)))}

    def _in_groups(self) -> Iterator[dict[str, object]]:
        numbers = {group_list(number): number for number in self.groups}
        for each in self.listed:
            if (number := numbers.get(each.list_name)) is not None:
                group = {"group_id": number, "group_name": f"Group {number}"}
                yield {"email": each.address, **group, "created_at": int(each.at.timestamp())}

    def _about(self, address: str) -> Iterator[dict[str, object]]:
        for number in sorted(self.groups):
            group = {name: value for name, value in self._group(number).items() if name != "unsubscribes"}
            yield {**group, "suppressed": bool(self._on(group_list(number), address))}

    async def _added(self, request: web.Request, name: str) -> list[str]:
        new: list[str] = (await _body(request, _ADDRESSES))["recipient_emails"]
        known = {each.address for each in self._on(name)}
        self.listed += [OnList(name, each, _NOW) for each in dict.fromkeys(new) if each not in known]
        return new

    def _remove(self, name: str, addresses: Collection[str] | None) -> None:
        self.listed[:] = [
            each
            for each in self.listed
            if each.list_name != name or (addresses is not None and each.address not in addresses)
        ]

    def _removed(self, name: str, address: str) -> web.Response | None:
        if not self._on(name, address):
            return None
        self._remove(name, [address])
        return _nothing()


def _entry(entry: OnList) -> dict[str, object]:
    return {"created": int(entry.at.timestamp()), "email": entry.address, **KINDS[entry.list_name]}


def _no_parameters(request: web.Request) -> None:
    if request.query:
        raise broken(next(iter(request.query)), "There is no such parameter.")


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    for name, value in query.items():
        if name not in _RANGE:
            raise broken(name, "There is no such parameter.")
        if name != "email" and not (value.isascii() and value.isdigit()):
            raise broken(name, "Invalid type. Expected: integer, given: string.")
    most = int(query.get("limit", _PAGE))
    if not 1 <= most <= _PAGE:
        raise broken("limit", f"The limit must be at least 1 and at most {_PAGE}.")
    return int(query.get("offset", 0)), most


def _asked_for(entry: OnList, query: Mapping[str, str]) -> bool:
    """Within the times, both inclusive, and of an address that starts as asked; % stands for anything."""
    begin = ".*".join(map(re.escape, query.get("email", "").split("%")))
    made = int(entry.at.timestamp())
    within = int(query.get("start_time", 0)) <= made <= int(query.get("end_time", made))
    return within and re.match(begin, entry.address) is not None


async def _body(request: web.Request, rule: Table) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise Refused("Content-Type should be application/json.")
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise Refused("Bad Request") from None
    rule(body, "")
    assert isinstance(body, dict)
    return body


def _nothing() -> web.Response:
    from aiohttp import web

    return web.Response(status=204)


def _json(value: object, status: int = 200) -> web.Response:
    from aiohttp import web

    return web.json_response(value, status=status)
