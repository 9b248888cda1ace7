"""What of a Brevo account itself can be asked and changed: the account, senders, blocked domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.testing.esp import Refused
from penstock.testing.esps.brevo_fields import Answer, invalid, only, only_query

__all__ = ["BrevoAccount"]


@dataclass
class BrevoAccount:
    """`relay`: whether transactional mail is switched on."""

    email: str = "ops@nordlicht.example"
    senders: list[str] = field(default_factory=lambda: ["eva.berg@nordlicht.example"])
    relay: bool = True
    credits: int = 10_000
    blocked_domains: list[str] = field(default_factory=list)

    def stops(self, address: str) -> bool:
        """Whether mail to the address is taken and not sent on."""
        return address.lower().rpartition("@")[2] in self.blocked_domains

    def answer(self, method: str, parts: list[str], query: Mapping[str, str], body: object) -> Answer | None:
        """Status and answer; None where no such path is described. Raises Refused."""
        match method, parts:
            case "GET", ["account"]:
                only_query(query, frozenset())
                return 200, self._account()
            case "GET", ["senders"]:
                only_query(query, frozenset({"ip", "domain"}))
                return 200, {"senders": [self._sender(at, each) for at, each in enumerate(self.senders, 1)]}
            case _, ["smtp", "blockedDomains", *one]:
                only_query(query, frozenset())
                return self._domains(method, one, body)
        return None

    def _account(self) -> dict[str, Any]:
        return {
            "email": self.email,
            "firstName": "Eva",
            "lastName": "Berg",
            "companyName": "Nordlicht Software AB",
            "address": {"street": "Hamngatan 1", "city": "Malmö", "zipCode": "21122", "country": "Sweden"},
            "plan": [{"type": "payAsYouGo", "credits": self.credits, "creditsType": "sendLimit"}],
            "relay": {
                "enabled": self.relay,
                "data": {"userName": self.email, "relay": "smtp-relay.brevo.example", "port": 587},
            },
            "marketingAutomation": {"enabled": False},
        }

    def _sender(self, number: int, address: str) -> dict[str, Any]:
        return {"id": number, "name": "Eva Berg", "email": address, "active": True, "ips": []}

    def _domains(self, method: str, one: list[str], body: object) -> Answer | None:
        match method, one:
            case "GET", []:
                return 200, {"domains": list(self.blocked_domains)}
            case "POST", []:
                domain = only(body, frozenset({"domain"})).get("domain")
                if not isinstance(domain, str) or "." not in domain or "@" in domain:
                    raise invalid("domain is not valid")
                self.blocked_domains.append(domain.lower())
                return 201, None
            case "DELETE", [domain]:
                if domain.lower() not in self.blocked_domains:
                    raise Refused("document_not_found: Domain not found", 404)
                self.blocked_domains.remove(domain.lower())
                return 204, None
        return None
