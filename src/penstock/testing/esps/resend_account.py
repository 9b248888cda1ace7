"""What of a Resend account can be asked and changed, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from penstock.testing.esp import Arrived, Refused
from penstock.testing.esps.resend_mail import only
from penstock.testing.esps.resend_page import PAGING, page_of

__all__ = ["ResendAccount", "ResendDomain"]

_MADE = "2026-11-21 08:00:00.000000+00"
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
    """`contacts`: addresses. `sent`: id → recipients and mail. `tags`: id → the tags it was sent with."""

    domains: list[ResendDomain] = field(default_factory=_own_domains)
    contacts: set[str] = field(default_factory=set)
    sent: dict[str, tuple[list[str], Arrived]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def domain(self, name: str) -> ResendDomain | None:
        """The verified domain of that name."""
        verified = (domain for domain in self.domains if domain.status == "verified")
        return next((domain for domain in verified if domain.name == name.lower()), None)

    def answer(self, method: str, path: str, query: Mapping[str, str], body: object) -> Answer | None:
        """Status and answer; None where no such path is described. Raises Refused."""
        steps = path.strip("/").split("/")
        if query and (method, steps) != ("GET", ["domains"]):
            raise Refused("validation_error: There are no query parameters.", 422)
        match method, steps:
            case "GET", ["domains"]:
                shown = {each.id: each.shown() for each in self.domains}
                ids, has_more = page_of(list(shown), query, PAGING)
                return 200, {"object": "list", "has_more": has_more, "data": [shown[each] for each in ids]}
            case "GET" | "PATCH", ["domains", domain_id]:
                return 200, self._domain(domain_id, body, patch=method == "PATCH")
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
