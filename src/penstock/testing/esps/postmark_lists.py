"""What Postmark keeps of people: the suppressions of each message stream, in the fake's `listed`, and the removals of
data that it was asked for, in `erased`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from penstock.testing.esp import OnList, Refused
from penstock.testing.esps.postmark_account import PostmarkAccount
from penstock.testing.esps.postmark_mail import address_of, fields_of, wrong

__all__ = ["PostmarkLists"]

_ORIGINS: Mapping[str, str] = {"HardBounce": "Recipient", "SpamComplaint": "Recipient", "ManualSuppression": "Customer"}
"""Why an address is suppressed, and who wanted it, unless the list's name says so."""
_MANUAL = "ManualSuppression"
_COMPLAINT = "SpamComplaint"
_MOST_AT_ONCE = 50
_FILTERS = frozenset({"SuppressionReason", "Origin", "todate", "fromdate", "EmailAddress"})
_EASTERN = timezone(timedelta(hours=-5))
_NOW = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
"""When entries are made by request: the fake has no clock."""


@dataclass(frozen=True, slots=True)
class _Suppression:
    entry: OnList
    reason: str
    origin: str

    def shown(self) -> dict[str, Any]:
        at = self.entry.at.astimezone(_EASTERN).isoformat(timespec="seconds")
        address = self.entry.address
        return {"EmailAddress": address, "SuppressionReason": self.reason, "Origin": self.origin, "CreatedAt": at}


@dataclass(frozen=True, slots=True)
class PostmarkLists:
    """A list is named `STREAM.REASON`, or `STREAM.REASON.ORIGIN` where the origin is not the usual one: what a
    recipient unsubscribed from is `broadcast.ManualSuppression.Recipient`. Of an address listed twice for one stream
    the first entry counts.
    """

    account: PostmarkAccount
    listed: list[OnList]
    erased: list[str]

    def stops(self, stream: str, address: str) -> bool:
        """Whether the address gets no mail of that stream."""
        return any(
            each.address.lower() == address.lower() and each.list_name.partition(".")[0] == stream
            for each in self.listed
        )

    def answer(self, method: str, path: str, query: Mapping[str, str], body: object) -> dict[str, Any] | None:
        """What is answered; None where no such path is described. Raises Refused."""
        steps = path.strip("/").split("/")
        if unknown := sorted(set(query) - (_FILTERS if steps[-1] == "dump" else set())):
            raise wrong(403, f"There is no parameter {unknown[0]}.")
        match method, steps:
            case "GET", ["message-streams", name, "suppressions", "dump"]:
                return self._dump(self._known(name), query)
            case "POST", ["message-streams", name, "suppressions"]:
                return self._added(self._known(name), _addresses(body))
            case "POST", ["message-streams", name, "suppressions", "delete"]:
                return self._deleted(self._known(name), _addresses(body))
            case "POST", ["data-removals"]:
                return self._removal(body)
            case "GET", ["data-removals", number] if number.isdigit():
                return self._removed(int(number))
        return None

    def _known(self, name: str) -> str:
        return self.account.known(name).id

    def _of(self, stream: str) -> dict[str, _Suppression]:
        found: dict[str, _Suppression] = {}
        for each in self.listed:
            of, _, rest = each.list_name.partition(".")
            reason, _, origin = rest.partition(".")
            if of == stream:
                suppression = _Suppression(each, reason, origin or _ORIGINS[reason])
                found.setdefault(each.address.lower(), suppression)
        return found

    def _dump(self, stream: str, query: Mapping[str, str]) -> dict[str, Any]:
        """All at once: there are no pages."""
        reason, origin = query.get("SuppressionReason"), query.get("Origin")
        address = query.get("EmailAddress", "").lower()
        first, last = query.get("fromdate", ""), query.get("todate", "9999")
        found = [
            shown
            for each, suppression in self._of(stream).items()
            if (reason is None or reason.lower() == suppression.reason.lower())
            and (origin is None or origin.lower() == suppression.origin.lower())
            and address in {"", each}
            and first <= (shown := suppression.shown())["CreatedAt"][:10] <= last
        ]
        return {"Suppressions": found}

    def _added(self, stream: str, addresses: list[str]) -> dict[str, Any]:
        there = self._of(stream).keys() | set()
        answers: list[dict[str, Any]] = []
        for address in addresses:
            try:
                bare = address_of(address).lower()
            except Refused:
                answers.append(_told(address, "Failed", "An invalid email address was provided."))
                continue
            if bare not in there:
                self.listed.append(OnList(f"{stream}.{_MANUAL}", bare, _NOW))
                there.add(bare)
            answers.append(_told(address, "Suppressed"))
        return {"Suppressions": answers}

    def _deleted(self, stream: str, addresses: list[str]) -> dict[str, Any]:
        there = self._of(stream)
        answers = []
        for address in addresses:
            found = there.get(address.lower())
            if found is not None and found.reason == _COMPLAINT:
                what = "You do not have the required authority to change this suppression."
                answers.append(_told(address, "Failed", what))
                continue
            self.listed[:] = [
                each
                for each in self.listed
                if each.address.lower() != address.lower() or each.list_name.partition(".")[0] != stream
            ]
            answers.append(_told(address, "Deleted"))
        return {"Suppressions": answers}

    def _removal(self, body: object) -> dict[str, Any]:
        kinds = {"RequestedBy": str, "RequestedFor": str, "NotifyWhenCompleted": bool}
        asked = fields_of(body, kinds, "The request")
        if set(asked) != set(kinds):
            raise wrong(403, "RequestedBy, RequestedFor and NotifyWhenCompleted are needed.")
        address_of(asked["RequestedBy"])
        self.erased.append(address_of(asked["RequestedFor"]))
        return {"ID": len(self.erased), "Status": "Pending"}

    def _removed(self, number: int) -> dict[str, Any]:
        """Each is done when it is asked about."""
        if not 1 <= number <= len(self.erased):
            raise wrong(1301, "There is no such request.", 404)
        return {"ID": number, "Status": "Done"}


def _addresses(body: object) -> list[str]:
    entries = fields_of(body, {"Suppressions": list}, "The request").get("Suppressions", [])
    if not 1 <= len(entries) <= _MOST_AT_ONCE:
        raise wrong(403, f"1 to {_MOST_AT_ONCE} addresses are expected.")
    return [str(fields_of(each, {"EmailAddress": str}, "A suppression").get("EmailAddress", "")) for each in entries]


def _told(address: str, status: str, why: str | None = None) -> dict[str, Any]:
    return {"EmailAddress": address, "Status": status, "Message": why}
