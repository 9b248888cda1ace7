"""Advertising on an ESP whose terms ask for consent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.model.campaign import Basis
from penstock.model.codes import Code
from penstock.model.contact import Consent, Mechanism, Relationship
from penstock.model.mail import Mail
from penstock.model.verdict import Verdict
from penstock.ports import Capabilities, Services
from penstock.stages.checks.adapter_terms import AdapterTerms, AdapterTermsOptions
from penstock.testing.samples import a_contact

Make = Callable[..., Mail]
MakeServices = Callable[..., Services]
MakeCampaign = Callable[..., Any]

CONSENT = Consent(
    "email",
    "Nordlicht Software AB",
    "purchasing software",
    datetime(2026, 10, 1, tzinfo=UTC),
    "v3",
    Mechanism.DOUBLE_OPT_IN,
    "sha256:1",
)
BOUGHT = Relationship(last_purchase_at=datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
def answer(make_mail: Make, make_services: MakeServices, make_campaign: MakeCampaign) -> Callable[..., Any]:
    async def answered(permission: Any = "consent", basis: Basis = Basis.LEGITIMATE_INTEREST, **contact: Any) -> Any:
        carried = {"main": Capabilities(permission=permission)}
        services = make_services(capabilities=carried, routes={"default": "main"})
        check = AdapterTerms(AdapterTermsOptions(), services)
        campaign = make_campaign(basis=basis, product="purchasing software")
        ((reason,),) = await check.judge([make_mail(contact=a_contact(**contact), campaign=campaign)])
        return reason.verdict, reason.code

    return answered


async def test_without_consent_or_purchase_nothing_leaves_by_such_an_esp(answer: Callable[..., Any]) -> None:
    blocked = (Verdict.BLOCK, Code.NO_LEGAL_BASIS)
    assert await answer() == blocked
    other = Consent("email", "Other AB", "purchasing software", CONSENT.given_at, "v3", CONSENT.mechanism, "sha256:1")
    assert await answer(consents=(other,)) == blocked
    assert await answer(relationship=Relationship(last_purchase_at=datetime(2030, 1, 1, tzinfo=UTC))) == blocked


async def test_consent_a_purchase_or_another_basis_lets_it_go(answer: Callable[..., Any]) -> None:
    for contact in ({"consents": (CONSENT,)}, {"relationship": BOUGHT}):
        assert await answer(**contact) == (Verdict.SEND, None)
    for basis in (Basis.CONSENT, Basis.CUSTOMER):
        assert await answer(basis=basis) == (Verdict.SEND, None)


async def test_other_ways_out_ask_nothing(answer: Callable[..., Any]) -> None:
    assert await answer(permission="any") == (Verdict.SEND, None)
