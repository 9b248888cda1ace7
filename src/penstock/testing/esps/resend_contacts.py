"""Resend's contacts and the topics they opted out of, which stand in the fake's `listed` under the topic's id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from penstock.testing.esp import OnList, Refused
from penstock.testing.esps.resend_mail import address_of, only
from penstock.testing.esps.resend_page import PAGING, page_of

__all__ = ["ResendContacts"]

_NEW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
"""When entries are made by request: the fake has no clock."""
_MADE = "2026-11-21 08:00:00.000+00"
_FIELDS = frozenset(
    {"email", "first_name", "last_name", "unsubscribed", "properties", "segments", "topics", "audience_id"}
)
_CHOICES = frozenset({"opt_in", "opt_out"})
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ResendContacts:
    """`people` are addresses; `erased` gets each that is to be removed, also where there is no such contact."""

    people: set[str]
    listed: list[OnList]
    erased: list[str]

    def answer(self, method: str, path: str, query: Mapping[str, str], body: object) -> Answer | None:
        """Status and answer; None where no such path is described. Raises Refused."""
        steps = path.strip("/").split("/")
        if query and (method, steps) != ("GET", ["contacts"]):
            raise Refused("validation_error: There are no query parameters.", 422)
        match method, steps:
            case "GET", ["contacts"]:
                return 200, self._page(query)
            case "POST", ["contacts"]:
                return 201, self._add(only(body, _FIELDS))
            case "PATCH", ["contacts", wanted, "topics"]:
                topics = _topics(only(body, frozenset({"topics"})).get("topics"))
                address = self._known(wanted)
                self._choose(address, topics)
                return 200, {"object": "contact_topics", "contact_id": _id(address), "topics": topics}
            case "DELETE", ["contacts", wanted]:
                return 200, self._forget(wanted)
        return None

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        shown = {_id(each): each for each in sorted(self.people)}
        ids, has_more = page_of(list(shown), query, PAGING)
        data = [{"id": id_, "email": shown[id_], "created_at": _MADE, "unsubscribed": False} for id_ in ids]
        return {"object": "list", "has_more": has_more, "data": data}

    def _add(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        email = asked.get("email")
        if not isinstance(email, str):
            raise Refused("missing_required_field: Missing `email` field.", 422)
        address = address_of(email, "email").lower()
        topics = _topics(asked.get("topics", []))
        self.people.add(address)
        self._choose(address, topics)
        return {"object": "contact", "id": _id(address)}

    def _choose(self, address: str, topics: list[dict[str, str]]) -> None:
        for each in topics:
            there = (each["id"], address)
            self.listed[:] = [entry for entry in self.listed if (entry.list_name, entry.address) != there]
            if each["subscription"] == "opt_out":
                self.listed.append(OnList(each["id"], address, _NEW))

    def _known(self, wanted: str) -> str:
        for each in self.people:
            if wanted.lower() in {each, _id(each)}:
                return each
        raise Refused("not_found: Contact not found", 404)

    def _forget(self, wanted: str) -> dict[str, Any]:
        try:
            found = self._known(wanted)
        except Refused:
            if "@" in wanted:
                self.erased.append(wanted)
            raise
        self.erased.append(found)
        self.people.remove(found)
        return {"object": "contact", "id": _id(found), "deleted": True}


def _topics(given: object) -> list[dict[str, str]]:
    if not isinstance(given, list):
        raise Refused("validation_error: `topics` must be an array.", 422)
    for each in given:
        chosen = only(each, frozenset({"id", "subscription"}))
        if not isinstance(chosen.get("id"), str) or chosen.get("subscription") not in _CHOICES:
            raise Refused("validation_error: a topic has an `id` and a `subscription`.", 422)
    return given


def _id(address: str) -> str:
    return str(uuid5(NAMESPACE_DNS, f"contact {address}"))
