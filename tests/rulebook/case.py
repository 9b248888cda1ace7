"""One case of the rulebook: who is to be written to, by what campaign, and what the law and the contract answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

MOMENT = "2026-11-23T09:00:00Z"
TODAY = date(2026, 11, 23)
CONTROLLER = "Nordlicht Software AB"
PURPOSE = "offer of purchasing software to purchasing heads in machinery"

Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`verdict` and `code` may name several answers apart by `|`; `codes` must all be among the decision's.

    Changes are given by dotted keys; the value None is null in a contact and "left out" in TOML files. In contact
    values, suppressions and register entries `{n}` stands for the number of the case: no two cases share a company.
    `doubt` says why the documents leave the case open; the stricter reading is expected then.
    """

    name: str
    rule: str
    verdict: str
    code: str
    codes: tuple[str, ...]
    contact: Changes = field(default_factory=dict)
    campaign: Changes = field(default_factory=dict)
    lia: Changes = field(default_factory=dict)
    config: Changes = field(default_factory=dict)
    before: tuple[Changes, ...] = ()
    suppressed: tuple[str, ...] = ()
    registered: tuple[tuple[str, str], ...] = ()
    now: str = MOMENT
    variant: str = ""
    doubt: str = ""

    @property
    def open(self) -> bool:
        """Whether the documents leave it to the lead."""
        return bool(self.doubt)


def case(rule: str, name: str, expected: str, contact: Changes | None = None, **rest: Any) -> Case:
    """`expected`: verdict, then the headline code or several by `|`, then `+CODE` for what must be among the codes.

    Without a code the headline must be null, `*` leaves it free.
    """
    verdict, *words = expected.split()
    headline = next((word for word in words if not word.startswith("+")), "")
    return Case(
        name, rule, verdict, headline, tuple(word[1:] for word in words if word.startswith("+")), contact or {}, **rest
    )


def consent(**changes: Any) -> dict[str, Any]:
    """A consent without a defect, for the base campaign."""
    return {
        "channel": "email",
        "controller": CONTROLLER,
        "purpose": PURPOSE,
        "given_at": "2026-10-01",
        "wording": "v3",
        "mechanism": "double_opt_in",
        "evidence": "sha256:" + "5e" * 32,
        "withdrawn_at": None,
    } | changes


def consents(*each: Mapping[str, Any]) -> dict[str, Any]:
    """The contact field with these consents; with none given, one without a defect."""
    return {"consents": list(each) or [consent()]}


GENERIC: Changes = {
    "address": "info@muster-werk-{n}.example",
    **dict.fromkeys(("given_name", "family_name", "title", "function", "seniority")),
}
SOLE: Changes = {"recipient_kind": "sole_trader", "company.legal_form": "sole_trader"}
DE_NAMED: Changes = {"country": "DE"}
PUBLISHED: Changes = {
    "published.url": "https://muster-werk-{n}.example/kontakt",
    "published.seen_at": "2026-11-10",
    "published.for_offers": True,
    "published.no_advertising": False,
}
CUSTOMER: Changes = {
    "source.method": "customer",
    "relationship.last_purchase_at": "2026-09-01",
    "relationship.similar_goods": True,
    "relationship.notice_at_collection": True,
    "relationship.purchased_from": CONTROLLER,
}
"""A customer who meets all four conditions of the existing-customer exception."""

SELLERS = {
    "DE": "Rhein Software GmbH",
    "FR": "Seine Logiciels SA",
    "IE": "Liffey Software Ltd",
    "SK": "Tatra Softver s.r.o.",
    "US": "Hudson Software Inc.",
    "CA": "Maple Software Inc.",
    "AT": "Donau Software GmbH",
}
"""Controllers by the country of their seat; the base campaign's sits in Sweden."""


def by_seller(country: str) -> dict[str, Any]:
    """What makes the campaign that of the controller who sits in `country`."""
    name = SELLERS[country]
    return {
        "campaign": {"campaign.controller": name, "message.from": f'"{name}" <eva.berg@nordlicht.example>'},
        "lia": {"lia.controller": name},
    }


def on(day: str, contact: Changes, **rest: Any) -> dict[str, Any]:
    """The base case moved to another day: campaign running since yesterday, assessment and address fresh."""
    at = date.fromisoformat(day)
    start = datetime(at.year, at.month, at.day, 8, tzinfo=UTC) - timedelta(days=1)
    fresh = (at - timedelta(days=5)).isoformat()
    return {
        "now": f"{day}T09:00:00Z",
        "contact": {"verified_at": fresh, "source.collected_at": fresh, **contact},
        "campaign": {"campaign.starts_at": start, "campaign.expires_at": start + timedelta(days=30)},
        "lia": {"lia.reviewed_at": at - timedelta(days=90), "lia.expires_at": at + timedelta(days=90)},
        **rest,
    }
