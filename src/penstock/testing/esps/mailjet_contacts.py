"""Mailjet's contacts: their exclusion from campaigns, jobs over many of them, and their deletion.

Sources: mailjet/api-documentation, guides "Exclusion List", "Manage Contacts in bulk", "Filtering resources" and "GDPR
Delete Contacts"; the reference of `/contact`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any

from penstock.testing.esp import OnList, Refused

__all__ = ["COMPLAINING", "EXCLUDED", "MADE", "THERE", "Answer", "MailjetContacts", "page", "refuse_others"]

EXCLUDED = "IsExcludedFromCampaigns"
COMPLAINING = "IsSpamComplaining"
"""The lists that a contact may be on are what its properties say."""
THERE = "There is an already existing contact with this Email."
MADE = "2026-11-20T09:00:00Z"
_NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
"""When contacts are changed: the fake has no clock."""
_FIELDS: Mapping[str, type] = {"Email": str, "Name": str, EXCLUDED: bool}
_MANY_FIELDS: Mapping[str, type] = {**_FIELDS, "Properties": dict}
_FILTERS = frozenset({"Limit", "Offset", "Sort", "countOnly", EXCLUDED})
_ORDERS = {"ID": "ID", "Email": "Email"}
_MOST_AT_ONCE = 1000
_FIRST_ID = 21339837
_FIRST_JOB = 54321
_ERASED = "@domain.invalid"
Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class MailjetContacts:
    """`listed` says who is on which list, `erased` which addresses were deleted. Who is listed is a contact.

    Exclusion stops campaigns only: the Send API does not ask for it.
    """

    listed: list[OnList]
    erased: list[str]
    known: dict[str, dict[str, Any]]
    """ID, address and name, by address in lower case."""
    jobs: list[int]
    """How many contacts each job had."""

    def met(self, address: str, name: str = "") -> dict[str, Any]:
        """The contact; who is written to becomes one."""
        contact = {"ID": _FIRST_ID + len(self.known), "Email": address, "Name": name}
        return self.known.setdefault(address.lower(), contact)

    def answer(self, method: str, steps: Sequence[str], query: Mapping[str, str], body: object) -> Answer | None:
        """Status and answer to what follows `/v3/REST/contact`; None where that is not described. Raises Refused."""
        for entry in self.listed:
            self.met(entry.address)
        if steps or method != "GET":
            refuse_others(query, frozenset())
        match method, steps:
            case "GET", []:
                return 200, self._found(query)
            case "POST", []:
                return 201, page([self._shown(self._made(_fields(body, _FIELDS)))])
            case "POST", ["managemanycontacts"]:
                return 201, page([{"JobID": self._many(body)}])
            case "GET", ["managemanycontacts", number]:
                return 200, page([self._job(number)])
            case "GET", [wanted]:
                return 200, page([self._shown(self._one(wanted))])
            case "PUT", [wanted]:
                return 200, page([self._shown(self._changed(self._one(wanted), _fields(body, _FIELDS)))])
        return None

    def erase(self, wanted: str) -> Answer:
        """Anonymise the contact with that id. What was set for it stays with what is left. Raises Refused."""
        contact = self._one(wanted, by_id=True)
        address = str(contact["Email"])
        if not address.endswith(_ERASED):
            digest = sha1(address.lower().encode(), usedforsecurity=False).hexdigest()
            contact |= {"Email": f"\\xae{digest[:38]}{_ERASED}", "Name": "Anonymized"}
            self.known[contact["Email"]] = self.known.pop(address.lower())
            self.listed[:] = [
                OnList(each.list_name, contact["Email"], each.at) if each.address.lower() == address.lower() else each
                for each in self.listed
            ]
            self.erased.append(address)
        return 200, page([self._shown(contact)])

    def _made(self, given: Mapping[str, Any]) -> dict[str, Any]:
        address = given.get("Email", "")
        if "@" not in address:
            raise Refused("Email is mandatory.")
        if address.lower() in self.known:
            raise Refused(THERE)
        return self._changed(self.met(address), given)

    def _changed(self, contact: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        address = contact["Email"]
        if given.get("Email", address).lower() != address.lower():
            raise Refused("Email cannot be changed.")
        contact["Name"] = given.get("Name", contact["Name"])
        there = EXCLUDED in self._on_lists().get(address.lower(), {})
        if given.get(EXCLUDED) is True and not there:
            self.listed.append(OnList(EXCLUDED, address, _NOW))
        if given.get(EXCLUDED) is False and there:
            self.listed[:] = [
                each for each in self.listed if (each.list_name, each.address.lower()) != (EXCLUDED, address.lower())
            ]
        return contact

    def _many(self, body: object) -> int:
        """A job, which is done at once."""
        if not isinstance(body, dict) or not set(body) <= {"Contacts", "ContactsLists"}:
            raise Refused("Malformed JSON.")
        if body.get("ContactsLists"):
            raise Refused("There is no such list.")
        contacts = body.get("Contacts")
        if not isinstance(contacts, list) or not contacts:
            raise Refused("Contacts is mandatory.")
        several = [_fields(each, _MANY_FIELDS) for each in contacts]
        if any("@" not in each.get("Email", "") for each in several):
            raise Refused("Email is mandatory.")
        for each in several:
            self._changed(self.met(each["Email"]), each)
        self.jobs.append(len(several))
        return _FIRST_JOB + len(self.jobs) - 1

    def _job(self, number: str) -> dict[str, Any]:
        at = int(number) - _FIRST_JOB if number.isascii() and number.isdigit() else -1
        if not 0 <= at < len(self.jobs):
            raise Refused("Object not found", 404)
        times = {"JobStart": MADE, "JobEnd": MADE}
        return {"Status": "Completed", **times, "Count": self.jobs[at], "Error": "", "ErrorFile": ""}

    def _one(self, wanted: str, *, by_id: bool = False) -> dict[str, Any]:
        for address, contact in self.known.items():
            if str(contact["ID"]) == wanted or (not by_id and address == wanted.lower()):
                return contact
        raise Refused("Object not found", 404)

    def _on_lists(self) -> dict[str, dict[str, OnList]]:
        found: dict[str, dict[str, OnList]] = {}
        for each in self.listed:
            found.setdefault(each.address.lower(), {})[each.list_name] = each
        return found

    def _found(self, query: Mapping[str, str]) -> dict[str, Any]:
        refuse_others(query, _FILTERS)
        limit, offset = (_number(query.get(name, default)) for name, default in (("Limit", "10"), ("Offset", "0")))
        excluded = query.get(EXCLUDED, "").lower()
        order, _, way = query.get("Sort", "ID").replace(" ", "+").partition("+")
        if limit > _MOST_AT_ONCE or excluded not in {"", "true", "false"} or order not in _ORDERS:
            raise Refused("Invalid filter.")
        lists = self._on_lists()
        contacts = sorted(self.known.values(), key=lambda each: each[order], reverse=way.upper() == "DESC")
        found = [
            each
            for each in contacts
            if not excluded or (EXCLUDED in lists.get(each["Email"].lower(), {})) == (excluded == "true")
        ]
        if query.get("countOnly", "0").lower() in {"1", "true"}:
            return {"Count": len(found), "Data": [], "Total": len(found)}
        chosen = found[offset:][: limit or _MOST_AT_ONCE]
        return page([self._shown(each, lists) for each in chosen])

    def _shown(self, contact: Mapping[str, Any], lists: Mapping[str, Any] | None = None) -> dict[str, Any]:
        on = (self._on_lists() if lists is None else lists).get(contact["Email"].lower(), {})
        return {
            "CreatedAt": MADE,
            "DeliveredCount": 0,
            "Email": contact["Email"],
            "ExclusionFromCampaignsUpdatedAt": _time(on[EXCLUDED].at) if EXCLUDED in on else "",
            "ID": contact["ID"],
            EXCLUDED: EXCLUDED in on,
            "IsOptInPending": False,
            COMPLAINING: COMPLAINING in on,
            "LastActivityAt": "",
            "LastUpdateAt": "",
            "Name": contact["Name"],
            "UnsubscribedAt": "",
            "UnsubscribedBy": "",
        }


def page(data: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer of v3."""
    return {"Count": len(data), "Data": data, "Total": len(data)}


def refuse_others(query: Mapping[str, str], names: frozenset[str]) -> None:
    """Raises Refused for a filter that is none of these."""
    for name in query:
        if name not in names:
            raise Refused(f'Invalid filter: "{name}"')


def _fields(body: object, known: Mapping[str, type]) -> dict[str, Any]:
    """The fields of a contact; Mailjet takes "true" for true. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused("Malformed JSON.")
    words = {"true": True, "false": False}
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name not in known:
            raise Refused(f'Invalid key name: "{name}"')
        meant = words.get(value, value) if isinstance(value, str) and name == EXCLUDED else value
        if not isinstance(meant, known[name]):
            raise Refused(f'Invalid value: "{name}"')
        found[name] = meant
    return found


def _number(written: str) -> int:
    if not (written.isascii() and written.isdigit()):
        raise Refused("Invalid filter.")
    return int(written)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
