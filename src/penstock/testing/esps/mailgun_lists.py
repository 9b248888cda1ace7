"""Mailgun's suppression lists of one domain: bounces, unsubscribes, complaints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from penstock.testing.esp import OnList, Refused

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["Suppressions"]

_FIELDS: Mapping[str, frozenset[str]] = {
    "bounces": frozenset({"address", "code", "error", "created_at"}),
    "unsubscribes": frozenset({"address", "tags", "created_at"}),
    "complaints": frozenset({"address", "created_at"}),
}
_TABLES = {"bounces": "bounces", "unsubscribes": "unsubscribers", "complaints": "spam complaints"}
_QUERY = frozenset({"limit", "page", "address", "term"})
_MOST = 1000
_NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_ALL = "*"
_TAGGED = "unsubscribes."


@dataclass
class Suppressions:
    """The lists as `FakeEsp.listed` holds them: `bounces`, `complaints`, `unsubscribes` for all of a domain's mail and
    `unsubscribes.TAG` for mail of one tag. One record of Mailgun's unsubscribes holds all tags of an address.
    """

    listed: list[OnList]
    causes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What was said of a bounce when it was added: code and error by address."""

    async def answer(self, request: web.Request, name: str, address: str | None) -> web.Response | None:
        """Look up, list, add, remove; None for a method that is not described. Raises Refused."""
        from aiohttp import web

        if address is not None:
            return self._one(request.method, name, address)
        match request.method:
            case "GET":
                return web.json_response(self._page(request, name))
            case "DELETE":
                self._remove(name)
                return web.json_response({"message": f"{name.capitalize()} for this domain have been removed"})
            case "POST":
                added = [_record(name, record) for record in await _posted(request)]
                for record in added:
                    self._add(name, record)
                return web.json_response({"message": f"{len(added)} addresses have been added to the {name} table"})
        return None

    def _one(self, method: str, name: str, address: str) -> web.Response | None:
        from aiohttp import web

        if method not in {"GET", "DELETE"}:
            return None
        found = self._records(name).get(address)
        if found is None:
            raise Refused(f"Address not found in {_TABLES[name]} table", 404)
        if method == "GET":
            return web.json_response(found)
        self._remove(name, address)
        return web.json_response({"message": f"{name.capitalize()} event has been removed", "address": address})

    def _page(self, request: web.Request, name: str) -> dict[str, Any]:
        query = request.query
        if unknown := query.keys() - _QUERY:
            raise Refused(f"unknown parameter {min(unknown)}")
        written = query.get("limit", "100")
        limit = int(written) if written.isdecimal() else 0
        if not 1 <= limit <= _MOST:
            raise Refused("limit is not between 1 and 1000")
        records = self._records(name)
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

    def _records(self, name: str) -> dict[str, dict[str, Any]]:
        """As Mailgun shows them, by address."""
        records: dict[str, dict[str, Any]] = {}
        for entry in self.listed:
            if not _belongs(entry, name):
                continue
            shown = records.setdefault(entry.address, {"address": entry.address})
            match name:
                case "bounces":
                    shown["code"], shown["error"] = self.causes.get(entry.address, ("550", ""))
                case "unsubscribes":
                    tag = entry.list_name.removeprefix(_TAGGED) if entry.list_name != name else _ALL
                    shown.setdefault("tags", []).append(tag)
            shown.setdefault("created_at", f"{entry.at.astimezone(UTC):%a, %d %b %Y %H:%M:%S} UTC")
        return records

    def _add(self, name: str, record: Mapping[str, Any]) -> None:
        address: str = record["address"]
        if name == "bounces":
            self.causes[address] = (record["code"], record["error"])
        names = [name]
        if name == "unsubscribes":
            names = [name if tag == _ALL else _TAGGED + tag for tag in record["tags"]]
        there = {each.list_name for each in self.listed if each.address == address}
        self.listed += [OnList(each, address, record["created_at"]) for each in names if each not in there]

    def _remove(self, name: str, address: str | None = None) -> None:
        self.listed[:] = [
            each for each in self.listed if not _belongs(each, name) or address not in {None, each.address}
        ]


def _belongs(entry: OnList, name: str) -> bool:
    tagged = name == "unsubscribes" and entry.list_name.startswith(_TAGGED)
    return entry.list_name == name or tagged


async def _posted(request: web.Request) -> Sequence[Mapping[str, Any]]:
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
    """All fields of a record, with a moment in `created_at`."""
    if unknown := given.keys() - _FIELDS[name]:
        raise Refused(f"unknown parameter {min(unknown)}")
    record = {"code": "550", "error": "", "tags": [_ALL], "created_at": None, **given}
    if isinstance(record["tags"], str):
        record["tags"] = [record["tags"]]
    texts = [record["address"], record["code"], record["error"]]
    if not isinstance(record["tags"], list) or not all(isinstance(text, str) for text in [*texts, *record["tags"]]):
        raise Refused("a field is not of its type")
    # An empty list of tags is in the description's example.
    record["tags"] = record["tags"] or [_ALL]
    record["created_at"] = _moment(record["created_at"])
    return record


def _moment(written: object) -> datetime:
    if written is None or written == "":
        return _NOW
    try:
        found = parsedate_to_datetime(str(written))
    except ValueError as fault:
        raise Refused("created_at is no date of RFC 2822") from fault
    return found if found.tzinfo else found.replace(tzinfo=UTC)
