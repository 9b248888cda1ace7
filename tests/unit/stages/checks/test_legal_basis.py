"""The permission to e-mail, each case with the rule it proves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.jurisdictions import SignOff, Table
from penstock.model.campaign import Audience, Basis, Controller, Stream
from penstock.model.contact import (
    Company,
    Consent,
    Contact,
    Function,
    LegalForm,
    Mechanism,
    Published,
    RecipientKind,
    Relationship,
    Source,
)
from penstock.model.verdict import Reason, Verdict, decide
from penstock.ports import Services, Stage
from penstock.stages.checks.legal_basis import LegalBasis, LegalBasisOptions
from penstock.testing import CheckContract, FakeClock, a_campaign, a_contact, a_mail

GO: tuple[str, tuple[str, ...]] = ("send", ())
GENERIC: dict[str, Any] = {"address": "info@firm.example", "recipient_kind": RecipientKind.GENERIC}
PRIVATE: dict[str, Any] = {"recipient_kind": RecipientKind.PRIVATE}


@dataclass(frozen=True, slots=True)
class AgreedSupplier:
    status: str = "approved"
    requires_consent: bool = False


SUPPLIERS = {"plain": AgreedSupplier(), "strict": AgreedSupplier(requires_consent=True)}


@cache
def table() -> Table:
    return Table.load()


def services(sender: str = "SE", rules: Table | None = None) -> Services:
    controller = Controller("nordlicht", "Nordlicht Software AB", "Storgatan 1, Stockholm", sender)
    return cast(
        "Services",
        SimpleNamespace(
            clock=FakeClock(),
            controllers={"nordlicht": controller},
            jurisdictions=rules or table(),
            suppliers=SUPPLIERS,
        ),
    )


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CONSENT = Consent(
    channel="email",
    controller="Nordlicht Software AB",
    purpose="purchasing software",
    given_at=day("2026-10-01"),
    wording="v3",
    mechanism=Mechanism.DOUBLE_OPT_IN,
    evidence="sha256:ab",
)
CUSTOMER = Relationship(day("2026-05-01"), None, True, True, "Nordlicht Software AB")
PUBLISHED = Published("https://firm.example/kontakt", day("2026-11-01"), True, False)


def contact(country: str | None = "FR", form: LegalForm | None = LegalForm.COMPANY, **fields: Any) -> Contact:
    plain = a_contact(country=country, **fields)
    return replace(plain, company=replace(plain.company, legal_form=form))


def judged(
    who: Contact, campaign: dict[str, Any] | None = None, options: dict[str, Any] | None = None, **given: Any
) -> tuple[Reason, ...]:
    check = LegalBasis(LegalBasisOptions(**(options or {})), services(**given))
    return tuple(asyncio.run(check.judge([a_mail(who, a_campaign(**(campaign or {})))]))[0])


def said(reasons: tuple[Reason, ...]) -> tuple[str, tuple[str, ...]]:
    decision = decide(reasons, "first")
    return decision.verdict.value, tuple(code.value for code in decision.codes)


def records(reasons: tuple[Reason, ...]) -> list[str]:
    return [record for reason in reasons for record in reason.facts.records]


class TestLegalBasis(CheckContract):
    def stage(self) -> Stage:
        return LegalBasis(LegalBasisOptions(), services())


@pytest.mark.parametrize(
    ("country", "fields", "answer", "rule"),
    [
        ("FR", {}, GO, "2 FR (a)"),
        ("SE", {}, GO, "2 SE (a)"),
        ("GB", {}, GO, "2 UK (a)"),
        ("UK", {}, GO, "contract 4"),
        ("US", {}, GO, "2 US"),
        ("DE", {}, ("block", ("CONSENT_REQUIRED",)), "2 DE"),
        ("NO", {}, ("block", ("CONSENT_REQUIRED",)), "2 NO (a)"),
        ("NO", GENERIC, GO, "2 NO (b)"),
        ("HR", {}, ("hold", ("NO_LEGAL_BASIS",)), "2 HR (a)"),
        ("HR", GENERIC, GO, "2 HR (b)"),
        ("BE", GENERIC, GO, "2 BE (b)"),
        ("NL", {}, ("block", ("CONSENT_REQUIRED",)), "2 NL"),
        ("NL", {"published": PUBLISHED}, GO, "2 NL"),
        ("SK", {"published": PUBLISHED}, GO, "2 SK"),
        ("CA", {"relationship": Relationship(last_inquiry_at=day("2026-05-23"))}, GO, "2 CA (i)"),
        (
            "CA",
            {"relationship": Relationship(last_inquiry_at=day("2026-05-22"))},
            ("block", ("IMPLIED_CONSENT_EXPIRED",)),
            "0 #38",
        ),
        ("CA", {}, ("block", ("CONSENT_REQUIRED",)), "2 CA"),
        ("FR", {"form": LegalForm.SOLE_TRADER}, ("block", ("CONSENT_REQUIRED",)), "2 SE (c): the sender's law, too"),
        ("GB", {"form": LegalForm.PARTNERSHIP}, ("block", ("CONSENT_REQUIRED",)), "S-014"),
        ("GB", {"form": None}, ("hold", ("LEGAL_FORM_UNKNOWN",)), "0 #30"),
        (None, {}, ("hold", ("COUNTRY_UNKNOWN",)), "S-008"),
        ("BR", {}, ("hold", ("COUNTRY_UNKNOWN",)), "2 **"),
        ("Atlantis", {}, ("hold", ("COUNTRY_UNKNOWN",)), "2 **"),
        (None, {"workplace_country": "FR"}, GO, "2A notes"),
        ("FR", {"workplace_country": "DE"}, ("block", ("CONSENT_REQUIRED",)), "2A notes: the stricter row"),
        ("DE", {"workplace_country": "FR"}, ("block", ("CONSENT_REQUIRED",)), "2A notes: the stricter row"),
        ("FR", {"workplace_country": "BR"}, ("hold", ("COUNTRY_UNKNOWN",)), "0, principle 1"),
        ("DE", {"workplace_country": "BR"}, ("block", ("COUNTRY_UNKNOWN", "CONSENT_REQUIRED")), "0, principle 4"),
        ("FR", {"address": "a.k@firm.de"}, ("hold", ("COUNTRY_UNKNOWN",)), "2A notes: a contradicting ccTLD"),
        ("GB", {"address": "a.k@firm.co.uk"}, GO, "2A notes"),
        ("FR", {"address": "a.k@firm.se", "workplace_country": "SE"}, GO, "2A notes"),
        ("FR", {"address": "a.k@firm.io"}, GO, "2A notes: .io says nothing"),
        ("FR", {"source": Source(supplier="strict")}, ("block", ("CONSENT_REQUIRED",)), "S-097"),
        ("FR", {"source": Source(supplier="strict"), "consents": (CONSENT,)}, GO, "S-097"),
        ("FR", {"source": Source(supplier="plain")}, GO, "S-097"),
        ("FR", PRIVATE, ("block", ("CONSENT_REQUIRED", "NO_LEGAL_BASIS")), "2 FR (c)"),
        ("US", PRIVATE, ("block", ("CONSENT_REQUIRED", "NO_LEGAL_BASIS")), "S-050"),
        ("FR", PRIVATE | {"consents": (CONSENT,)}, GO, "2 FR (c)"),
        ("DE", {"consents": (CONSENT,)}, GO, "2 DE"),
        ("HR", {"consents": (CONSENT,)}, GO, "2 HR (a)"),
        ("GB", {"consents": (CONSENT,), "form": None}, GO, "2 UK"),
        ("BR", {"consents": (CONSENT,)}, ("hold", ("COUNTRY_UNKNOWN",)), "0 #30"),
        ("DE", {"relationship": CUSTOMER}, ("block", ("CONSENT_REQUIRED",)), "the exception is for customer campaigns"),
        ("DE", {"relationship": replace(CUSTOMER, similar_goods=None)}, ("block", ("CONSENT_REQUIRED",)), "UWG § 7(3)"),
        ("PL", {"relationship": CUSTOMER}, ("block", ("CONSENT_REQUIRED",)), "2A PL: no exception"),
    ],
)
def test_the_law_of_each_country_is_kept(
    country: str | None, fields: dict[str, Any], answer: tuple[str, tuple[str, ...]], rule: str
) -> None:
    assert said(judged(contact(country, **fields))) == answer, rule


@pytest.mark.parametrize(
    ("sender", "answer"),
    [
        ("SE", GO),
        ("DE", ("block", ("CONSENT_REQUIRED",))),
        ("HR", ("hold", ("NO_LEGAL_BASIS",))),
        ("BR", ("hold", ("COUNTRY_UNKNOWN",))),
    ],
)
def test_the_senders_own_law_applies_as_well(sender: str, answer: tuple[str, tuple[str, ...]]) -> None:
    """Section 0, principle 5: strictest of three."""
    assert said(judged(contact(), sender=sender)) == answer


def test_a_sender_nobody_knows_holds_the_mail() -> None:
    mail = a_mail(contact(), controller="somebody")
    reasons = asyncio.run(LegalBasis(LegalBasisOptions(), services()).judge([mail]))[0]
    assert said(tuple(reasons)) == ("hold", ("COUNTRY_UNKNOWN",))


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({"channel": "phone"}, ("block", ("CONSENT_CHANNEL",))),
        ({"controller": "Sudlicht Software AB"}, ("block", ("CONSENT_CONTROLLER",))),
        ({"purpose": "newsletter"}, ("block", ("CONSENT_PURPOSE",))),
        ({"evidence": None}, ("block", ("CONSENT_UNPROVEN",))),
        ({"mechanism": Mechanism.PRE_TICKED}, ("block", ("CONSENT_UNPROVEN",))),
        ({"mechanism": Mechanism.SINGLE_OPT_IN}, ("block", ("CONSENT_UNPROVEN",))),
        ({"given_at": None}, ("block", ("CONSENT_UNPROVEN",))),
        ({"given_at": day("2018-05-24")}, ("block", ("CONSENT_UNPROVEN", "CONSENT_EXPIRED"))),
        ({"given_at": day("2024-11-22")}, ("hold", ("CONSENT_EXPIRED",))),
        ({"given_at": day("2026-11-24")}, ("hold", ("CONSENT_EXPIRED",))),
        ({"channel": "phone", "evidence": None}, ("block", ("CONSENT_CHANNEL", "CONSENT_UNPROVEN"))),
        ({"withdrawn_at": day("2026-11-01")}, ("block", ("CONSENT_WITHDRAWN",))),
        ({"withdrawn_at": day("2026-12-01")}, ("block", ("CONSENT_WITHDRAWN",))),
        ({"withdrawn_at": day("2026-11-01"), "purpose": "newsletter"}, ("block", ("CONSENT_PURPOSE",))),
    ],
)
def test_where_consent_is_needed_its_defects_are_named(
    fields: dict[str, Any], answer: tuple[str, tuple[str, ...]]
) -> None:
    """S-091 to S-094; 0 #13, #32 to #36."""
    reasons = judged(contact("DE", consents=(replace(CONSENT, **fields),)))
    assert said(reasons) == answer
    assert all("consent" in reason.why for reason in reasons)
    assert "consent:0" in records(reasons)


@pytest.mark.parametrize("country", ["FR", "US", "NL"])
def test_a_campaign_that_rests_on_consent_needs_one_everywhere(country: str) -> None:
    at = {"basis": Basis.CONSENT}
    assert said(judged(contact(country, published=PUBLISHED), at)) == ("block", ("CONSENT_REQUIRED",))
    good = judged(contact(country, consents=(CONSENT,)), at)
    assert said(good) == GO
    assert good[0].why == "A proven consent of 2026-10-01 (double opt-in) covers it."


def test_where_no_consent_is_needed_a_faulty_one_does_not_matter() -> None:
    assert said(judged(contact("FR", consents=(replace(CONSENT, evidence=None),)))) == GO


@pytest.mark.parametrize("country", ["FR", "US", "SE", "DE"])
@pytest.mark.parametrize("basis", Basis)
def test_no_basis_takes_the_place_of_a_withdrawn_consent(country: str, basis: Basis) -> None:
    """0 #13; GDPR Art. 7(3)."""
    who = contact(country, consents=(replace(CONSENT, withdrawn_at=day("2026-11-01")),), relationship=CUSTOMER)
    verdict, codes = said(judged(who, {"basis": basis}))
    assert (verdict, codes[0]) == ("block", "CONSENT_WITHDRAWN")


def test_a_consent_given_after_the_withdrawal_counts() -> None:
    old = replace(CONSENT, given_at=day("2026-01-01"), withdrawn_at=day("2026-02-01"))
    reasons = judged(contact("DE", consents=(old, CONSENT)))
    assert said(reasons) == GO
    assert "consent:1" in records(reasons)


def test_a_withdrawal_for_another_purpose_leaves_this_one_alone() -> None:
    other = replace(CONSENT, purpose="newsletter", withdrawn_at=day("2026-11-01"))
    assert said(judged(contact("FR", consents=(other,)))) == GO


MISSING = {
    "last_purchase_at": "no purchase is on record",
    "similar_goods": "similar goods",
    "notice_at_collection": "no opt-out was offered",
    "purchased_from": "from this sender",
}


@pytest.mark.parametrize("country", ["DE", "FR", "SE"])
@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("campaign", [{"basis": Basis.CUSTOMER}, {"stream": Stream.CUSTOMER}])
def test_a_mail_to_customers_needs_every_condition_of_the_exception(
    country: str, missing: str, campaign: dict[str, Any]
) -> None:
    """0 #37."""
    assert said(judged(contact(country, relationship=CUSTOMER), campaign)) == GO
    reasons = judged(contact(country, relationship=replace(CUSTOMER, **{missing: None})), campaign)
    assert said(reasons) == ("block", ("SOFT_OPTIN_FAILED",))
    assert reasons[0].facts.fields == (f"relationship.{missing}",)
    assert MISSING[missing] in reasons[0].why


@pytest.mark.parametrize(
    ("country", "sender", "relationship", "answer"),
    [
        ("HU", "SE", CUSTOMER, ("block", ("CONSENT_REQUIRED",))),
        ("US", "US", Relationship(), GO),
        ("CA", "US", Relationship(last_purchase_at=day("2024-11-23")), GO),
        ("CA", "US", Relationship(last_purchase_at=day("2024-11-22")), ("block", ("IMPLIED_CONSENT_EXPIRED",))),
        ("IE", "IE", replace(CUSTOMER, last_purchase_at=day("2025-11-23")), GO),
        ("IE", "IE", replace(CUSTOMER, last_purchase_at=day("2025-11-22")), ("block", ("SOFT_OPTIN_FAILED",))),
    ],
)
def test_countries_know_the_exception_for_customers_each_in_its_way(
    country: str, sender: str, relationship: Relationship, answer: tuple[str, tuple[str, ...]]
) -> None:
    who = contact(country, relationship=relationship)
    assert said(judged(who, {"basis": Basis.CUSTOMER}, sender=sender)) == answer


def test_a_proven_consent_stands_in_for_the_exception() -> None:
    reasons = judged(contact("DE", consents=(CONSENT,)), {"basis": Basis.CUSTOMER})
    assert said(reasons) == GO
    assert "basis:consent" in records(reasons)


def test_in_canada_a_run_out_window_and_a_faulty_consent_are_both_named() -> None:
    past = Relationship(last_purchase_at=day("2024-11-22"))
    reasons = judged(contact("CA", relationship=past, consents=(replace(CONSENT, evidence=None),)))
    assert said(reasons) == ("block", ("CONSENT_UNPROVEN", "IMPLIED_CONSENT_EXPIRED"))


@pytest.mark.parametrize("country", ["FR", "FI", "IE"])
def test_where_the_law_asks_for_the_profession_a_campaign_without_functions_is_held(country: str) -> None:
    """S-047."""
    at = {"audience": Audience(industries=("C28",))}
    reasons = judged(contact(country), at)
    assert said(reasons) == ("hold", ("NOT_RELEVANT",))
    assert "names no function" in reasons[0].why
    assert said(judged(contact(country, **GENERIC), at)) == GO


@pytest.mark.parametrize(
    "fields",
    [{"purpose": ""}, {"purpose": "Marketing"}, {"purpose": "marketing, advertising"}, {"product": " "}, {"owner": ""}],
)
def test_a_campaign_says_what_for_what_and_who(fields: dict[str, Any]) -> None:
    """S-020."""
    reasons = judged(contact(consents=(CONSENT,)), fields)
    assert said(reasons) == ("block", ("NO_LEGAL_BASIS",))
    assert reasons[0].facts.fields == (f"campaign.{next(iter(fields))}",)


def test_without_campaign_or_contact_nothing_goes() -> None:
    check = LegalBasis(LegalBasisOptions(), services())
    mail = a_mail()
    mails = [replace(mail, campaign=None), replace(mail, contact=None), replace(mail, campaign=None, contact=None)]
    answers = [said(tuple(reasons)) for reasons in asyncio.run(check.judge(mails))]
    assert answers == [
        ("block", ("NO_LEGAL_BASIS",)),
        ("hold", ("CONTACT_UNKNOWN",)),
        ("block", ("NO_LEGAL_BASIS", "CONTACT_UNKNOWN")),
    ]


def test_rows_that_nobody_signed_off_hold_where_that_is_asked_for() -> None:
    signed = Table("2026-11", table().rows, {"*": [SignOff("A. Lind", date(2026, 11, 1), "2026-11")]})
    strict = {"require_signoff": True}
    assert said(judged(contact(), options=strict)) == ("hold", ("NO_LEGAL_BASIS",))
    assert said(judged(contact(consents=(CONSENT,)), options=strict)) == ("hold", ("NO_LEGAL_BASIS",))
    assert said(judged(contact(), options=strict, rules=signed)) == GO


@pytest.mark.parametrize(("months", "answer"), [(1, ("hold", ("CONSENT_EXPIRED",))), (2, GO)])
def test_how_long_a_consent_lasts_is_an_option(months: int, answer: tuple[str, tuple[str, ...]]) -> None:
    reasons = judged(contact("DE", consents=(CONSENT,)), options={"consent_after_months": months})
    assert said(reasons) == answer


@pytest.mark.parametrize(
    ("fields", "campaign", "why", "rule", "relied_on"),
    [
        (
            {"country": "FR"},
            {},
            "France allows mail to this profession until refusal (opt-out).",
            "FR CPCE art. L.34-5",
            ["basis:legitimate_interest", "jurisdiction:FR", "jurisdiction:SE"],
        ),
        (
            {"country": "GB"},
            {},
            "The United Kingdom allows mail to companies and public bodies until refusal (opt-out).",
            "GB PECR 2003",
            ["basis:legitimate_interest", "jurisdiction:GB", "jurisdiction:SE"],
        ),
        (
            {"country": "DE", "consents": (CONSENT,)},
            {},
            "A proven consent of 2026-10-01 (double opt-in) covers it.",
            "GDPR Art. 6(1)(a), 7(1); DE UWG § 7(2)",
            ["basis:legitimate_interest", "consent:0", "jurisdiction:DE", "jurisdiction:SE"],
        ),
        (
            {"country": "DE", "relationship": CUSTOMER},
            {"basis": Basis.CUSTOMER},
            "The recipient is a customer of this sender, and the offer is for similar goods (opt-out).",
            "Directive 2002/58/EC Art. 13(2); DE UWG § 7(2)",
            ["basis:customer", "jurisdiction:DE", "jurisdiction:SE"],
        ),
        (
            {"country": "SE", "recipient_kind": RecipientKind.PRIVATE, "consents": (CONSENT,)},
            {},
            "A proven consent of 2026-10-01 (double opt-in) covers it.",
            "GDPR Art. 6(1)(a), 7(1); Directive 2002/58/EC Art. 13(1)",
            ["basis:consent", "consent:0", "jurisdiction:SE"],
        ),
    ],
)
def test_a_mail_that_goes_says_why_by_which_rule_and_on_what_it_relies(
    fields: dict[str, Any], campaign: dict[str, Any], why: str, rule: str, relied_on: list[str]
) -> None:
    (reason,) = judged(contact(**fields), campaign)
    assert (reason.verdict, reason.code, reason.why) == (Verdict.SEND, None, why)
    assert (reason.rule or "").startswith(rule)
    assert records((reason,)) == relied_on


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"country": "DE"}, "Germany asks for prior consent, and no consent is on record."),
        (
            {"country": "NL"},
            (
                "The Netherlands asks for prior consent unless the holder of the address published it for offers, "
                "and no consent is on record."
            ),
        ),
        (
            {"country": "DE", "consents": (replace(CONSENT, mechanism=Mechanism.SINGLE_OPT_IN),)},
            (
                "Germany asks for prior consent, and the consent of 2026-10-01 is on record as single opt-in, which "
                "does not prove it there."
            ),
        ),
        ({"address": "a.k@firm.de"}, "The address belongs to Germany, the record says France."),
    ],
)
def test_a_mail_that_stays_says_why_in_plain_words(fields: dict[str, Any], why: str) -> None:
    assert judged(contact(**fields))[0].why == why


def test_mails_that_are_alike_share_their_reasons() -> None:
    check = LegalBasis(LegalBasisOptions(), services())
    campaign = a_campaign()
    first, second, other = asyncio.run(
        check.judge(
            [a_mail(contact(address=f"p{n}@firm{n}.example"), campaign) for n in range(2)]
            + [a_mail(contact("DE"), campaign)]
        )
    )
    assert first is second
    assert first is not other


def changed(fields: dict[str, Any]) -> Consent:
    return replace(CONSENT, **fields)


def evidence() -> st.SearchStrategy[Contact]:
    changes = st.fixed_dictionaries(
        {},
        optional={
            "channel": st.sampled_from([None, "phone"]),
            "purpose": st.sampled_from([None, "newsletter"]),
            "given_at": st.sampled_from([None, day("2024-11-22"), day("2026-11-24"), day("2026-11-10")]),
            "mechanism": st.none() | st.sampled_from(Mechanism),
            "withdrawn_at": st.sampled_from([None, day("2026-10-20"), day("2026-12-01")]),
        },
    )
    consents = st.lists(changes.map(changed), max_size=3).map(tuple)
    moments = st.sampled_from([None, day("2024-11-22"), day("2025-11-22"), day("2026-11-01"), day("2026-12-01")])
    truth = st.none() | st.booleans()
    names = st.sampled_from([None, "nordlicht", "Sudlicht"])
    return st.builds(
        contact,
        st.sampled_from([None, "BR", *table().countries]),
        st.none() | st.sampled_from(LegalForm),
        workplace_country=st.sampled_from([None, None, "FR", "DE"]),
        recipient_kind=st.none() | st.sampled_from(RecipientKind),
        consents=consents,
        relationship=st.builds(Relationship, moments, moments, truth, truth, names),
        published=st.builds(Published, st.sampled_from([None, "https://firm.example"]), moments, truth, truth),
        source=st.sampled_from([Source(), Source(supplier="strict")]),
        last_contact_from_person_at=moments,
    )


CAMPAIGNS = st.fixed_dictionaries(
    {
        "basis": st.sampled_from(Basis),
        "stream": st.sampled_from([Stream.PROSPECTING, Stream.CUSTOMER]),
        "audience": st.sampled_from([Audience(), Audience(functions=(Function.PURCHASING,))]),
        "product_for": st.sampled_from(["companies", "both"]),
    }
)


@given(evidence(), CAMPAIGNS, st.sampled_from(["SE", "DE", "US"]), st.data())
def test_removing_evidence_never_lets_a_mail_go(
    who: Contact, at: dict[str, Any], sender: str, data: st.DataObject
) -> None:
    """Section 0, principle 1. A withdrawal is evidence against, and a second country a further law: they stay."""
    before = said(judged(who, at, sender=sender))[0]
    names = data.draw(st.sets(st.sampled_from(["consents", "form", "relationship", "published", "used"])))
    kept = tuple(each for each in who.consents if each.withdrawn_at is not None)
    less = replace(
        who,
        consents=kept if "consents" in names else who.consents,
        relationship=Relationship() if "relationship" in names else who.relationship,
        published=Published() if "published" in names else who.published,
        last_contact_from_person_at=None if "used" in names else who.last_contact_from_person_at,
    )
    if "form" in names and who.company.legal_form is not None:
        less = replace(less, company=Company(legal_form=None))
    after = judged(less, at, sender=sender)
    if before != "send":
        assert said(after)[0] != "send"
    assert len([record for record in records(after) if record.startswith("basis:")]) == 1
    assert all(reason.why and reason.rule for reason in after)


@given(evidence(), CAMPAIGNS)
def test_a_mail_that_goes_rests_on_evidence_of_today(who: Contact, at: dict[str, Any]) -> None:
    reasons = judged(who, at)
    if said(reasons)[0] == "send":
        assert who.country is not None or who.workplace_country is not None
        relied_on = [int(record.partition(":")[2]) for record in records(reasons) if record.startswith("consent:")]
        assert all(who.consents[place].withdrawn_at is None for place in relied_on)
        assert all(who.consents[place].mechanism is not Mechanism.PRE_TICKED for place in relied_on)
