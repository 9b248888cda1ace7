"""The blocked contacts of the fake Brevo, its contacts, and what can be erased there.

Sources: getbrevo/brevo-python (2026) and developers.brevo.com: get-transac-blocked-contacts, delete-hardbounces,
get-contacts, create-contact, update-contact, delete-contact, delete-an-smtp-transactional-log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from penstock.testing.esp import FakeEsp, OnList, Refused
from penstock.testing.esps.brevo_fields import Answer, address_of, date_of, invalid, number_of, only, only_query

__all__ = ["BLACKLISTED", "REASONS", "BrevoLists"]

REASONS: Mapping[str, str] = {
    "unsubscribedViaMA": "Unsubscribed via automation",
    "unsubscribedViaEmail": "Unsubscribed via email",
    "adminBlocked": "Blocked by admin",
    "unsubscribedViaApi": "Unsubscribed via API",
    "hardBounce": "Hard bounced",
    "contactFlaggedAsSpam": "Flagged as spam",
}
"""Why a contact gets no more transactional mail: the names of lists in `listed`."""
BLACKLISTED = "emailBlacklisted"
"""The list of those who get no campaigns; it does not hold transactional mail back."""
_BLOCKED_QUERY = frozenset({"startDate", "endDate", "limit", "offset", "senders", "sort"})
_CONTACTS_QUERY = frozenset({"limit", "offset", "sort"})
_FIELDS = frozenset({"attributes", BLACKLISTED, "extId", "listIds", "smsBlacklisted", "smtpBlacklistSender"})
_MADE = "2026-11-20T08:00:00.000Z"
_MOST_BLOCKED, _MOST_CONTACTS = 100, 1000
"""Entries of a page."""


@dataclass
class BrevoLists:
    """Works on `listed` and `erased` of the fake. `bound`: address → senders from whom alone it gets no mail.

    `contacts`: address → id. `log`: message id → recipients.
    """

    fake: FakeEsp
    now: Callable[[], datetime]
    bound: dict[str, tuple[str, ...]] = field(default_factory=dict)
    contacts: dict[str, int] = field(default_factory=dict)
    log: dict[str, list[str]] = field(default_factory=dict)

    def stops(self, address: str, sender: str) -> bool:
        """Whether mail from the sender to the address is taken and not sent on."""
        held = any(each.list_name in REASONS and each.address.lower() == address.lower() for each in self.fake.listed)
        return held and sender.lower() in self.bound.get(address.lower(), (sender.lower(),))

    def sent(self, message_id: str, recipients: list[str]) -> None:
        """Log a message; its recipients are contacts from now on."""
        self.log[message_id] = [each.lower() for each in recipients]
        for each in self.log[message_id]:
            self._met(each)

    def answer(self, method: str, parts: list[str], query: Mapping[str, str], body: object) -> Answer | None:
        """Status and answer; None where no such path is described. Raises Refused."""
        match method, parts:
            case "GET", ["smtp", "blockedContacts"]:
                return 200, self._blocked(query)
            case "DELETE", ["smtp", "blockedContacts", address]:
                return self._unblock(address)
            case "POST", ["smtp", "deleteHardbounces"]:
                return self._forgive(body)
            case "DELETE", ["smtp", "log", identifier]:
                return self._unlog(identifier, query)
            case "GET", ["contacts"]:
                return 200, self._all_contacts(query)
            case "POST", ["contacts"]:
                return self._make(body)
            case "GET" | "PUT" | "DELETE", ["contacts", identifier]:
                return self._one(method, identifier, query, body)
        return None

    def _blocked(self, query: Mapping[str, str]) -> dict[str, Any]:
        only_query(query, _BLOCKED_QUERY)
        if ("startDate" in query) != ("endDate" in query):
            raise Refused("missing_parameter: startDate and endDate go together")
        since, until = (date_of(query.get(name)) for name in ("startDate", "endDate"))
        senders = query["senders"].lower().split(",") if "senders" in query else None
        found = [
            {
                "email": each.address,
                "senderEmail": sender,
                "reason": {"code": each.list_name, "message": REASONS[each.list_name]},
                "blockedAt": _written(each.at),
            }
            for each in self.fake.listed
            if each.list_name in REASONS and _within(each.at, since, until)
            for sender in self.bound.get(each.address.lower(), ("",))
            if senders is None or sender in senders
        ]
        return {"count": len(found), "contacts": _page(found, query, _MOST_BLOCKED)}

    def _unblock(self, identifier: str) -> Answer:
        address = address_of(identifier, "path").lower()
        if not self._take_off(address, frozenset(REASONS)):
            raise Refused("document_not_found: Contact not found in the blocklist", 404)
        self.bound.pop(address, None)
        return 204, None

    def _forgive(self, body: object) -> Answer:
        asked = only(body, frozenset({"contactEmail", "startDate", "endDate"}))
        since, until = (date_of(asked.get(name)) for name in ("startDate", "endDate"))
        wanted = address_of(asked["contactEmail"], "contactEmail").lower() if "contactEmail" in asked else None
        self.fake.listed[:] = [
            each
            for each in self.fake.listed
            if each.list_name != "hardBounce"
            or wanted not in {None, each.address.lower()}
            or not _within(each.at, since, until)
        ]
        return 204, None

    def _unlog(self, identifier: str, query: Mapping[str, str]) -> Answer:
        """Of a message, or of all messages to an address."""
        only_query(query, frozenset({"from_date", "to_date"}))
        for name in ("from_date", "to_date"):
            date_of(query.get(name))
        if identifier.startswith("<") and identifier.endswith(">") and "@" in identifier:
            found = [each for each in self.log if each == identifier]
        else:
            address = self._asked_to_erase(identifier)
            found = [each for each, recipients in self.log.items() if address in recipients]
        if not found:
            raise Refused("document_not_found: No log found", 404)
        for each in found:
            del self.log[each]
        return 204, None

    def _all_contacts(self, query: Mapping[str, str]) -> dict[str, Any]:
        only_query(query, _CONTACTS_QUERY)
        found = [self._shown(each) for each in self._known()]
        return {"count": len(found), "contacts": _page(found, query, _MOST_CONTACTS)}

    def _make(self, body: object) -> Answer:
        asked = only(body, _FIELDS | {"email", "updateEnabled"})
        address = address_of(asked.get("email"), "email").lower()
        update = _flag(asked, "updateEnabled")
        if "smtpBlacklistSender" in asked and not update:
            raise invalid("smtpBlacklistSender is only available if updateEnabled is true")
        known = address in self._known()
        if known and not update:
            raise Refused("duplicate_parameter: Contact already exist")
        number = self._met(address)
        self._change(address, asked)
        return (204, None) if known else (201, {"id": number})

    def _one(self, method: str, identifier: str, query: Mapping[str, str], body: object) -> Answer:
        only_query(query, frozenset({"identifierType"}))
        kind = query.get("identifierType", "email_id" if "@" in identifier else "contact_id")
        match kind:
            case "email_id":
                address = address_of(identifier, "path").lower()
            case "contact_id":
                address = next((each for each in self._known() if str(self._met(each)) == identifier), "")
            case _:
                raise invalid("identifierType should be email_id or contact_id")
        if method == "DELETE" and address:
            self._asked_to_erase(address)
        if address not in self._known():
            raise Refused("document_not_found: Contact does not exist", 404)
        if method == "GET":
            return 200, self._shown(address)
        if method == "PUT":
            self._change(address, only(body, _FIELDS | {"unlinkListIds"}))
            return 204, None
        self.contacts.pop(address, None)
        self._take_off(address, frozenset({BLACKLISTED}))
        return 204, None

    def _change(self, address: str, asked: Mapping[str, Any]) -> None:
        senders = asked.get("smtpBlacklistSender", [])
        if not isinstance(senders, list):
            raise invalid("smtpBlacklistSender should be an array")
        bound = tuple(address_of(each, "smtpBlacklistSender").lower() for each in senders)
        if BLACKLISTED in asked and _flag(asked, BLACKLISTED):
            self._put_on(address, BLACKLISTED)
        elif BLACKLISTED in asked:
            self._take_off(address, frozenset({BLACKLISTED}))
        if bound:
            self._put_on(address, "unsubscribedViaApi")
            self.bound[address] = tuple(dict.fromkeys((*self.bound.get(address, ()), *bound)))

    def _known(self) -> list[str]:
        """All contacts: those met, and who stands on the list for campaigns."""
        blacklisted = [each.address.lower() for each in self.fake.listed if each.list_name == BLACKLISTED]
        return list(dict.fromkeys((*self.contacts, *blacklisted)))

    def _met(self, address: str) -> int:
        return self.contacts.setdefault(address, len(self.contacts) + 1)

    def _shown(self, address: str) -> dict[str, Any]:
        blacklisted = any(
            each.list_name == BLACKLISTED and each.address.lower() == address for each in self.fake.listed
        )
        return {
            "id": self._met(address),
            "email": address,
            BLACKLISTED: blacklisted,
            "smsBlacklisted": False,
            "createdAt": _MADE,
            "modifiedAt": _MADE,
            "listIds": [],
            "attributes": {},
        }

    def _put_on(self, address: str, name: str) -> None:
        if not any(each.list_name == name and each.address.lower() == address for each in self.fake.listed):
            self.fake.listed.append(OnList(name, address, self.now()))

    def _take_off(self, address: str, names: frozenset[str]) -> bool:
        kept = [each for each in self.fake.listed if each.list_name not in names or each.address.lower() != address]
        found = len(kept) < len(self.fake.listed)
        self.fake.listed[:] = kept
        return found

    def _asked_to_erase(self, identifier: str) -> str:
        address = address_of(identifier, "path").lower()
        if address not in self.fake.erased:
            self.fake.erased.append(address)
        return address


def _page(found: list[dict[str, Any]], query: Mapping[str, str], most: int) -> list[dict[str, Any]]:
    limit, offset = number_of(query, "limit", "50"), number_of(query, "offset", "0")
    if limit > most:
        raise Refused("out_of_range: limit exceeds max value")
    if query.get("sort", "desc") not in {"asc", "desc"}:
        raise invalid("sort should be asc or desc")
    ordered = found if query.get("sort") == "asc" else found[::-1]
    return ordered[offset : offset + limit]


def _within(at: datetime, since: date | None, until: date | None) -> bool:
    return (since or date.min) <= at.astimezone(UTC).date() <= (until or date.max)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"


def _flag(asked: Mapping[str, Any], name: str) -> bool:
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise invalid(f"{name} should be a boolean")
    return value
