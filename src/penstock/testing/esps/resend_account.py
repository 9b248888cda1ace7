"""What of a Resend account can be asked and changed: domains, suppressions, contacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from penstock.testing.esp import Arrived, Refused
from penstock.testing.esps.resend_mail import address_of, only

__all__ = ["ResendAccount", "ResendDomain"]

_MADE = "2026-11-21 08:00:00.000000+00"
_ORIGINS = frozenset({"bounce", "complaint", "manual"})
_PAGING = frozenset({"limit", "after", "before"})
_MOST_AT_ONCE = 100
_DOMAIN_WORDS = frozenset({"open_tracking", "click_tracking", "tls", "capabilities", "tracking_subdomain"})
Answer = tuple[int, dict[str, Any]]


@dataclass
class ResendDomain:
    """A verified domain. Tracking is off as long as nobody turns it on."""

    name: str
    open_tracking: bool = False
    click_tracking: bool = False
    status: str = "verified"

    @property
    def id(self) -> str:
        """The same for the same name."""
        return str(uuid5(NAMESPACE_DNS, self.name))

    @property
    def tracks(self) -> bool:
        """Whether mails from this domain are changed so that opens or clicks are seen."""
        return self.open_tracking or self.click_tracking

    def shown(self) -> dict[str, Any]:
        """As it stands in answers."""
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "created_at": _MADE,
            "region": "eu-west-1",
            "open_tracking": self.open_tracking,
            "click_tracking": self.click_tracking,
            "capabilities": {"sending": "enabled", "receiving": "disabled"},
        }


def _own_domains() -> list[ResendDomain]:
    return [ResendDomain("nordlicht.example")]


@dataclass
class ResendAccount:
    """`suppressed`: address → origin. `contacts`: addresses. `sent`: id → recipients and mail."""

    domains: list[ResendDomain] = field(default_factory=_own_domains)
    suppressed: dict[str, str] = field(default_factory=dict)
    contacts: set[str] = field(default_factory=set)
    sent: dict[str, tuple[list[str], Arrived]] = field(default_factory=dict)

    def domain(self, name: str) -> ResendDomain | None:
        """The verified domain of that name."""
        verified = (domain for domain in self.domains if domain.status == "verified")
        return next((domain for domain in verified if domain.name == name.lower()), None)

    def suppresses(self, address: str) -> bool:
        """Whether mail to it is taken and not sent on."""
        return address.lower() in self.suppressed

    def answer(self, method: str, path: str, query: Mapping[str, str], body: object) -> Answer | None:
        """Status and answer; None where no such path is described. Raises Refused."""
        match method, path.strip("/").split("/"):
            case "GET", ["domains"]:
                return 200, _page([each.shown() for each in self.domains], query, _PAGING)
            case "GET" | "PATCH", ["domains", domain_id]:
                return 200, self._domain(domain_id, body, patch=method == "PATCH")
            case "GET", ["suppressions"]:
                return 200, self._suppressions(query)
            case "POST", ["suppressions"]:
                (address,) = self._addresses([only(body, frozenset({"email"})).get("email")])
                return 201, self._add(address)
            case "POST", ["suppressions", "batch", "add"]:
                several = self._addresses(only(body, frozenset({"emails"})).get("emails"))
                return 201, {"data": [self._add(each) for each in several]}
            case "POST", ["suppressions", "batch", "remove"]:
                return 200, {"data": [self._remove(each) for each in self._named(body)]}
            case "GET", ["suppressions", wanted]:
                return 200, {"object": "suppression", **self._shown(self._known(wanted))}
            case "DELETE", ["suppressions", wanted]:
                return 200, self._remove(self._known(wanted))
            case "DELETE", ["contacts", wanted]:
                return 200, self._forget(wanted)
        return None

    def _domain(self, domain_id: str, body: object, *, patch: bool) -> dict[str, Any]:
        domain = next((each for each in self.domains if each.id == domain_id), None)
        if domain is None:
            raise Refused("not_found: Domain not found", 404)
        if not patch:
            return {"object": "domain", **domain.shown(), "records": []}
        asked = only(body, _DOMAIN_WORDS)
        for name in ("open_tracking", "click_tracking"):
            if name in asked and not isinstance(asked[name], bool):
                raise Refused(f"validation_error: `{name}` must be a boolean.", 422)
        domain.open_tracking = asked.get("open_tracking", domain.open_tracking)
        domain.click_tracking = asked.get("click_tracking", domain.click_tracking)
        return {"object": "domain", "id": domain.id}

    def _suppressions(self, query: Mapping[str, str]) -> dict[str, Any]:
        origin = query.get("origin")
        if origin is not None and origin not in _ORIGINS:
            raise Refused("validation_error: Invalid `origin`.", 422)
        shown = [self._shown(each) for each, was in self.suppressed.items() if origin in {None, was}]
        return _page(shown, query, _PAGING | {"origin"})

    def _add(self, address: str) -> dict[str, str]:
        self.suppressed.setdefault(address, "manual")
        return {"object": "suppression", "id": _id(address)}

    def _remove(self, address: str) -> dict[str, Any]:
        del self.suppressed[address]
        return {"object": "suppression", "id": _id(address), "deleted": True}

    def _shown(self, address: str) -> dict[str, Any]:
        origin = self.suppressed[address]
        cause = None if origin == "manual" else _id(f"cause of {address}")
        return {"id": _id(address), "email": address, "origin": origin, "source_id": cause, "created_at": _MADE}

    def _known(self, wanted: str) -> str:
        for address in self.suppressed:
            if wanted.lower() in {address, _id(address)}:
                return address
        raise Refused("not_found: Suppression not found", 404)

    def _addresses(self, given: object) -> list[str]:
        if not isinstance(given, list) or not 1 <= len(given) <= _MOST_AT_ONCE:
            raise Refused(f"validation_error: 1 to {_MOST_AT_ONCE} addresses are expected.", 422)
        if not all(isinstance(each, str) for each in given):
            raise Refused("missing_required_field: Missing `email` field.", 422)
        return [address_of(each, "email").lower() for each in given]

    def _named(self, body: object) -> list[str]:
        asked = only(body, frozenset({"emails", "ids"}))
        if len(asked) != 1:
            raise Refused("validation_error: Provide either `emails` or `ids`, but not both.", 422)
        (wanted,) = asked.values()
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= _MOST_AT_ONCE:
            raise Refused(f"validation_error: 1 to {_MOST_AT_ONCE} are expected.", 422)
        return [self._known(str(each)) for each in wanted]

    def _forget(self, wanted: str) -> dict[str, Any]:
        found = next((each for each in self.contacts if wanted.lower() in {each, _id(f"contact {each}")}), None)
        if found is None:
            raise Refused("not_found: Contact not found", 404)
        self.contacts.remove(found)
        return {"object": "contact", "id": _id(f"contact {found}"), "deleted": True}


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))


def _page(found: list[dict[str, Any]], query: Mapping[str, str], known: frozenset[str]) -> dict[str, Any]:
    if unknown := sorted(set(query) - known):
        raise Refused(f"validation_error: Unknown parameter `{unknown[0]}`.", 422)
    limit = query.get("limit", "20")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit) <= _MOST_AT_ONCE:
        raise Refused("validation_error: `limit` must be 1 to 100.", 422)
    if "after" in query and "before" in query:
        raise Refused("validation_error: `after` and `before` exclude each other.", 422)
    ids = [each["id"] for each in found]
    cursor = query.get("after", query.get("before"))
    if cursor is not None and cursor not in ids:
        raise Refused("validation_error: The cursor is unknown.", 422)
    size = int(limit)
    if "before" in query:
        end = ids.index(query["before"])
        start = max(0, end - size)
        return {"object": "list", "has_more": start > 0, "data": found[start:end]}
    start = ids.index(query["after"]) + 1 if "after" in query else 0
    return {"object": "list", "has_more": start + size < len(found), "data": found[start : start + size]}
