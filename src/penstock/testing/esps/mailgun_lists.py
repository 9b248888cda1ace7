"""Mailgun's suppression lists of one domain: bounces, unsubscribes, complaints."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from penstock.testing.esp import Refused

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["Suppressions"]

_KEPT: dict[str, dict[str, Any]] = {
    "bounces": {"code": "550", "error": ""},
    "unsubscribes": {"tags": ["*"]},
    "complaints": {},
}
"""What a record holds besides its address and time, as it is where the request leaves it out."""
_TABLES = {"bounces": "bounces", "unsubscribes": "unsubscribers", "complaints": "spam complaints"}
_QUERY = frozenset({"limit", "page", "address", "term"})
_MOST = 1000
_NOW = "Fri, 20 Nov 2026 09:00:00 UTC"


@dataclass
class Suppressions:
    """`records` by list and address."""

    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {name: {} for name in _KEPT})

    async def answer(self, request: web.Request, name: str, address: str | None) -> web.Response | None:
        """Look up, list, add, remove; None for a method that is not described. Raises Refused."""
        from aiohttp import web

        records = self.records[name]
        if address is not None and request.method in {"GET", "DELETE"}:
            if address not in records:
                raise Refused(f"Address not found in {_TABLES[name]} table", 404)
            if request.method == "GET":
                return web.json_response(records[address])
            del records[address]
            return web.json_response({"message": f"{name.capitalize()} event has been removed", "address": address})
        if address is not None:
            return None
        match request.method:
            case "GET":
                return web.json_response(self._page(request, name))
            case "DELETE":
                records.clear()
                return web.json_response({"message": f"{name.capitalize()} for this domain have been removed"})
            case "POST":
                added = await _posted(request)
                for record in added:
                    records[record["address"]] = _record(name, record)
                return web.json_response({"message": f"{len(added)} addresses have been added to the {name} table"})
        return None

    def _page(self, request: web.Request, name: str) -> dict[str, Any]:
        query = request.query
        if unknown := query.keys() - _QUERY:
            raise Refused(f"unknown parameter {min(unknown)}")
        written = query.get("limit", "100")
        limit = int(written) if written.isdecimal() else 0
        if not 1 <= limit <= _MOST:
            raise Refused("limit is not between 1 and 1000")
        records = self.records[name]
        known = [key for key in sorted(records) if key.startswith(query.get("term", ""))]
        pivot, page = query.get("address", ""), query.get("page", "")
        match page:
            case "":
                shown = known[:limit]
            case "next":
                shown = [key for key in known if key > pivot][:limit]
            case "previous":
                shown = [key for key in known if key < pivot][-limit:]
            case "last":
                shown = known[-limit:]
            case _:
                raise Refused("page is none of next, previous, last")
        url = request.url.with_query(None)
        first, last = (shown[0], shown[-1]) if shown else (pivot, pivot)

        def link(**where: str) -> str:
            return f"{url}?{urlencode({**where, 'limit': limit})}"

        paging = {
            "first": link(),
            "last": link(page="last"),
            "next": link(page="next", address=last),
            "previous": link(page="previous", address=first),
        }
        return {"items": [records[key] for key in shown], "paging": paging}


async def _posted(request: web.Request) -> list[Mapping[str, Any]]:
    """Up to 1000 records as JSON, or one as a form."""
    if request.content_type != "application/json":
        return [_whole(dict(await request.post()))]
    try:
        records = json.loads(await request.read())
    except ValueError as fault:
        raise Refused("the request is no JSON") from fault
    if not isinstance(records, list):
        raise Refused("the request is no list")
    if len(records) > _MOST:
        raise Refused("Batch size should be less than 1000")
    return [_whole(record) for record in records]


def _whole(record: Any) -> Mapping[str, Any]:
    if not isinstance(record, dict) or "@" not in str(record.get("address", "")):
        raise Refused("address is missing or no address")
    return record


def _record(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    kept = _KEPT[name]
    if unknown := given.keys() - kept.keys() - {"address", "created_at"}:
        raise Refused(f"unknown parameter {min(unknown)}")
    own = {key: given.get(key, value) for key, value in kept.items()}
    if "tags" in own and isinstance(own["tags"], str):
        own["tags"] = [own["tags"]]
    return {"address": given["address"], **own, "created_at": given.get("created_at", _NOW)}
