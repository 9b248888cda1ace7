"""The lists of the fake Amazon SES: the account's suppression list, and who opted out of a contact list or its topics.

Entries stand in `FakeEsp.listed`: BOUNCE and COMPLAINT are the suppression list, `LIST` is a contact who wants nothing
of that contact list (UnsubscribeAll), `LIST.TOPIC` one who does not want that topic.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from penstock.testing.esp import OnList, Refused
from penstock.testing.esps.ses_mail import mailbox
from penstock.testing.esps.ses_shapes import CREATE_CONTACT, LIST_CONTACTS, PUT_SUPPRESSED, UPDATE_CONTACT, broken

__all__ = ["SUPPRESSED", "SesLists"]

SUPPRESSED = frozenset({"BOUNCE", "COMPLAINT"})
_MOST_ON_A_PAGE = 1000
_QUERY = frozenset({"Reason", "StartDate", "EndDate", "NextToken", "PageSize", "TenantName"})
_NOT_SUPPRESSED = "NotFoundException: Email address {} does not exist on your suppression list."
_NO_LIST = "NotFoundException: List with name: {} doesn't exist."
_NO_CONTACT = "NotFoundException: Contact: {} doesn't exist."
_NO_TOPIC = "NotFoundException: Topic: {} doesn't exist in the contact list."

Query = Mapping[str, Sequence[str]]


@dataclass(slots=True)
class SesLists:
    """Answers about `listed`, changing it. `topics`: contact list → topic → its default, OPT_IN or OPT_OUT.

    `contacts` are those who opted out of nothing: (contact list, address); `erased` gets who is deleted.
    """

    listed: list[OnList]
    topics: Mapping[str, Mapping[str, str]]
    contacts: set[tuple[str, str]]
    erased: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, query: Query, body: object, at: datetime) -> dict[str, Any] | None:
        """The answer to a request made at that moment; None where the path is no list's. Raises Refused."""
        parts = [unquote(part) for part in path.removeprefix("/v2/email/").split("/")]
        match parts:
            case ["suppression", "addresses", *address] if len(address) < 2:
                return self._suppression(method, [each.lower() for each in address], query, body, at)
            case ["contact-lists", name] if method == "GET":
                return {"ContactListName": name, "Topics": self._topics(name), **_since(at, "Created")}
            case ["contact-lists", name, "contacts", *rest] if len(rest) < 2:
                return self._contacts(method, name, rest, body, at)
        return None

    def suppressed(self, address: str, reasons: Sequence[str]) -> bool:
        """Whether the address stands on the suppression list for one of these reasons."""
        return any(each.address.lower() == address.lower() and each.list_name in reasons for each in self.listed)

    def opted_out(self, address: str, name: str, topic: str) -> bool:
        """Whether a contact does not want that topic (or, without one, the contact list)."""
        known = {each.list_name for each in self.listed if each.address.lower() == address.lower()}
        if name in known:
            return True
        return f"{name}.{topic}" in known

    def _suppression(
        self, method: str, address: Sequence[str], query: Query, body: object, at: datetime
    ) -> dict[str, Any] | None:
        match method, address:
            case "PUT", []:
                PUT_SUPPRESSED.check(body, "")
                assert isinstance(body, dict)
                _no_tenant(body.get("TenantName"))
                one = mailbox(body["EmailAddress"]).lower()
                self._remove(one, SUPPRESSED)
                self.listed.append(OnList(body["Reason"], one, at))
                return {}
            case "GET", []:
                return self._destinations(query)
            case (("GET" | "DELETE"), [one]):
                found = [each for each in self.listed if each.list_name in SUPPRESSED and each.address.lower() == one]
                if not found:
                    raise Refused(_NOT_SUPPRESSED.format(one), 404)
                if method == "DELETE":
                    self._remove(one, SUPPRESSED)
                    return {}
                return {"SuppressedDestination": _destination(found[-1])}
        return None

    def _destinations(self, query: Query) -> dict[str, Any]:
        for name in query:
            if name not in _QUERY:
                raise broken(name, "Member is not described")
        _no_tenant(next(iter(query.get("TenantName", ())), None))
        reasons = frozenset(query.get("Reason", ())) or SUPPRESSED
        if not reasons <= SUPPRESSED:
            raise broken("reasons", "Member must satisfy enum value set: BOUNCE, COMPLAINT")
        size = next(iter(query.get("PageSize", ())), str(_MOST_ON_A_PAGE))
        since, until = (_moment(query, name) for name in ("StartDate", "EndDate"))
        found = [
            _destination(each)
            for each in self.listed
            if each.list_name in reasons and (since or each.at) <= each.at <= (until or each.at)
        ]
        token = next(iter(query.get("NextToken", ())), None)
        return _page("SuppressedDestinationSummaries", found, int(size) if size.isdigit() else 0, token)

    def _contacts(
        self, method: str, name: str, rest: Sequence[str], body: object, at: datetime
    ) -> dict[str, Any] | None:
        self._topics(name)
        match method, rest:
            case "POST", []:
                CREATE_CONTACT.check(body, "")
                assert isinstance(body, dict)
                address = mailbox(body["EmailAddress"]).lower()
                if self._knows(name, address):
                    raise Refused("AlreadyExistsException: Contact already exists.")
                self._write(name, address, body, at)
                return {}
            case "POST", ["list"]:
                return self._contact_page(name, body)
            case "GET", [address]:
                return {"ContactListName": name, **self._contact(name, self._there(name, address))}
            case "PUT", [address]:
                UPDATE_CONTACT.check(body, "")
                assert isinstance(body, dict)
                self._write(name, self._there(name, address), body, at)
                return {}
            case "DELETE", [address]:
                self._forget(name, self._there(name, address))
                self.erased.append(address)
                return {}
        return None

    def _contact_page(self, name: str, body: object) -> dict[str, Any]:
        LIST_CONTACTS.check(body, "")
        assert isinstance(body, dict)
        asked = body.get("Filter") or {}
        topic = (asked.get("TopicFilter") or {}).get("TopicName", "")
        if topic and topic not in self.topics[name]:
            raise Refused(_NO_TOPIC.format(topic), 404)
        there = [each.address.lower() for each in self.listed if each.list_name.partition(".")[0] == name]
        there += sorted(address for known, address in self.contacts if known == name)
        unique = list(dict.fromkeys(there))
        if status := asked.get("FilteredStatus"):
            by_default = (asked.get("TopicFilter") or {}).get("UseDefaultIfPreferenceUnavailable") is True
            unasked = by_default and self.topics[name].get(topic) == "OPT_OUT"
            names = {name, f"{name}.{topic}"}
            out = {each.address.lower() for each in self.listed if each.list_name in names}
            unique = [each for each in unique if (each in out or unasked) == (status == "OPT_OUT")]
        # Whole contacts are shown for one page only: an account may have many.
        page = _page("Contacts", unique, body.get("PageSize", _MOST_ON_A_PAGE), body.get("NextToken"))
        return {**page, "Contacts": [self._contact(name, each) for each in page["Contacts"]]}

    def _contact(self, name: str, address: str) -> dict[str, Any]:
        rows = [each for each in self.listed if each.address.lower() == address]
        own = {each.list_name for each in rows}
        updated = [each.at for each in rows if each.list_name.partition(".")[0] == name]
        contact = {
            "EmailAddress": address,
            "TopicPreferences": [_preference(each, "OPT_OUT") for each in self.topics[name] if f"{name}.{each}" in own],
            "TopicDefaultPreferences": [_preference(each, status) for each, status in self.topics[name].items()],
            "UnsubscribeAll": name in own,
        }
        return {**contact, "LastUpdatedTimestamp": max(updated).timestamp()} if updated else contact

    def _write(self, name: str, address: str, body: Mapping[str, Any], at: datetime) -> None:
        """What is not named any more is gone: an update brings all preferences (UpdateContact)."""
        preferences = {each["TopicName"]: each["SubscriptionStatus"] for each in body.get("TopicPreferences") or ()}
        if unknown := preferences.keys() - self.topics[name].keys():
            raise Refused(_NO_TOPIC.format(min(unknown)), 404)
        self._forget(name, address)
        out = [f"{name}.{topic}" for topic, status in preferences.items() if status == "OPT_OUT"]
        out += [name] if body.get("UnsubscribeAll") else []
        self.listed += [OnList(each, address, at) for each in out]
        if not out:
            self.contacts.add((name, address))

    def _forget(self, name: str, address: str) -> None:
        self._remove(address, {name, *(f"{name}.{topic}" for topic in self.topics[name])})
        self.contacts.discard((name, address))

    def _remove(self, address: str, names: frozenset[str] | set[str]) -> None:
        # In place: whoever holds the list sees it change.
        self.listed[:] = [e for e in self.listed if e.address.lower() != address or e.list_name not in names]

    def _knows(self, name: str, address: str) -> bool:
        rows = {each.list_name.partition(".")[0] for each in self.listed if each.address.lower() == address}
        return name in rows or (name, address) in self.contacts

    def _there(self, name: str, address: str) -> str:
        if not self._knows(name, address.lower()):
            raise Refused(_NO_CONTACT.format(address), 404)
        return address.lower()

    def _topics(self, name: str) -> list[dict[str, str]]:
        if name not in self.topics:
            raise Refused(_NO_LIST.format(name), 404)
        return [
            {"TopicName": each, "DisplayName": each.title(), "DefaultSubscriptionStatus": status}
            for each, status in self.topics[name].items()
        ]


def _preference(topic: str, status: str) -> dict[str, str]:
    return {"TopicName": topic, "SubscriptionStatus": status}


def _destination(entry: OnList) -> dict[str, Any]:
    return {"EmailAddress": entry.address, "Reason": entry.list_name, "LastUpdateTime": entry.at.timestamp()}


def _since(at: datetime, what: str) -> dict[str, float]:
    return {f"{what}Timestamp": at.timestamp()}


def _no_tenant(name: object) -> None:
    if name is not None:
        raise Refused("NotFoundException: There is no such TenantName.", 404)


def _page(name: str, found: Sequence[object], size: object, token: str | None) -> dict[str, Any]:
    """A page of at most `size`, with a token while there are more."""
    if type(size) is not int or not 1 <= size <= _MOST_ON_A_PAGE:
        raise broken("pageSize", f"Member must be between 1 and {_MOST_ON_A_PAGE}")
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except (binascii.Error, ValueError):
        what = "InvalidNextTokenException: The specified request includes an invalid or expired token."
        raise Refused(what) from None
    after = start + size
    page: dict[str, Any] = {name: found[start:after]}
    return {**page, "NextToken": base64.b64encode(str(after).encode()).decode()} if after < len(found) else page


def _moment(query: Query, name: str) -> datetime | None:
    written = next(iter(query.get(name, ())), None)
    if written is None:
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise Refused(f"SerializationException: {name} is no time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
