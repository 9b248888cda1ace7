"""Resend's suppression list, which stands in the fake's `listed` with the origin of an entry as its list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from penstock.testing.esp import OnList, Refused
from penstock.testing.esps.resend_mail import address_of, only
from penstock.testing.esps.resend_page import PAGING, page_of

__all__ = ["ORIGINS", "ResendSuppressions"]

ORIGINS = ("bounce", "complaint", "manual")
_NEW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""When entries are made by request: the fake has no clock."""
_MOST_AT_ONCE = 100
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ResendSuppressions:
    """One entry per address: where an address is listed twice, the first entry counts."""

    listed: list[OnList]

    @property
    def _entries(self) -> list[OnList]:
        """Topics that somebody opted out of are no suppressions."""
        return [each for each in self.listed if each.list_name in ORIGINS]

    def origin(self, address: str) -> str | None:
        """Why mail to it is taken and not sent on; None where nothing stops it."""
        entry = next((each for each in self._entries if each.address.lower() == address.lower()), None)
        return None if entry is None else entry.list_name

    def answer(self, method: str, path: str, query: Mapping[str, str], body: object) -> Answer | None:
        """Status and answer; None where no such path is described. Raises Refused."""
        steps = path.strip("/").split("/")
        if query and (method, steps) != ("GET", ["suppressions"]):
            raise Refused("validation_error: There are no query parameters.", 422)
        match method, steps:
            case "GET", ["suppressions"]:
                return 200, self._page(query)
            case "POST", ["suppressions"]:
                asked = only(body, frozenset({"email"}))
                return 201, self._add(_addresses([asked.get("email")]))[0]
            case "POST", ["suppressions", "batch", "add"]:
                several = _addresses(only(body, frozenset({"emails"})).get("emails"))
                return 201, {"data": self._add(several)}
            case "POST", ["suppressions", "batch", "remove"]:
                wanted = self._named(body)
                return 200, {"data": [self._remove(each) for each in wanted]}
            case "GET", ["suppressions", wanted]:
                return 200, {"object": "suppression", **_shown(self._known(wanted))}
            case "DELETE", ["suppressions", wanted]:
                return 200, self._remove(self._known(wanted))
        return None

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        origin = query.get("origin")
        if origin is not None and origin not in ORIGINS:
            raise Refused("validation_error: Invalid `origin`.", 422)
        entries = {_id(each.address): each for each in reversed(self._entries)}
        chosen = {key: each for key, each in reversed(entries.items()) if origin in {None, each.list_name}}
        keys, has_more = page_of(list(chosen), query, PAGING | {"origin"})
        return {"object": "list", "has_more": has_more, "data": [_shown(chosen[key]) for key in keys]}

    def _add(self, addresses: list[str]) -> list[dict[str, str]]:
        there = {each.address.lower() for each in self._entries}
        for address in addresses:
            if address not in there:
                self.listed.append(OnList("manual", address, _NEW))
                there.add(address)
        return [{"object": "suppression", "id": _id(each)} for each in addresses]

    def _remove(self, entry: OnList) -> dict[str, Any]:
        gone = entry.address.lower()
        self.listed[:] = [each for each in self.listed if each.list_name not in ORIGINS or each.address.lower() != gone]
        return {"object": "suppression", "id": _id(entry.address), "deleted": True}

    def _known(self, wanted: str) -> OnList:
        for each in self._entries:
            if wanted.lower() in {each.address.lower(), _id(each.address)}:
                return each
        raise Refused("not_found: Suppression not found", 404)

    def _named(self, body: object) -> list[OnList]:
        asked = only(body, frozenset({"emails", "ids"}))
        if len(asked) != 1:
            raise Refused("validation_error: Provide either `emails` or `ids`, but not both.", 422)
        (wanted,) = asked.values()
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MOST_AT_ONCE:
            raise Refused(f"validation_error: 1 to {_MOST_AT_ONCE} are expected.", 422)
        return [self._known(str(each)) for each in wanted]


def _shown(entry: OnList) -> dict[str, Any]:
    cause = None if entry.list_name == "manual" else str(uuid5(NAMESPACE_DNS, f"cause of {entry.address}"))
    return {
        "id": _id(entry.address),
        "email": entry.address,
        "origin": entry.list_name,
        "source_id": cause,
        "created_at": f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + "+00",
    }


def _id(address: str) -> str:
    """The same for the same address."""
    return str(uuid5(NAMESPACE_DNS, f"suppression of {address.lower()}"))


def _addresses(given: object) -> list[str]:
    if not isinstance(given, list) or not 1 <= len(given) <= _MOST_AT_ONCE:
        raise Refused(f"validation_error: 1 to {_MOST_AT_ONCE} addresses are expected.", 422)
    if not all(isinstance(each, str) for each in given):
        raise Refused("missing_required_field: Missing `email` field.", 422)
    return [address_of(each, "email").lower() for each in given]
