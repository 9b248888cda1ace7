from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.taxonomy import Taxonomy
from penstock.model.campaign import Audience, Campaign, Range
from penstock.model.codes import Code
from penstock.model.contact import Company, Contact, Function, RecipientKind, Seniority
from penstock.model.mail import Mail
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, Check, NoOptions, Services
from penstock.stages.checks.relevance import Relevance

Make = Callable[..., Mail]
MakeCampaign = Callable[..., Campaign]
MakeServices = Callable[..., Services]

BUYER = Contact(
    "anna@muster-werk.example",
    country="FR",
    language="fr",
    title="Responsable achats",
    seniority=Seniority.HEAD,
    company=Company(industry="C28.1", activity="machinery", employees=120, region="FR-IDF"),
)
EVERYTHING = Audience(
    countries=("FR", "SE"),
    industries=("C28", "J"),
    functions=(Function.PURCHASING,),
    seniority=(Seniority.HEAD, Seniority.MANAGER),
    employees=Range(50, 500),
    regions=("FR", "SE-AB"),
)


@dataclass(frozen=True, slots=True)
class ReadTitle:
    function: Function


@dataclass(slots=True)
class Titles:
    """A taxonomy of two titles that counts how often it is asked."""

    asked: list[str] = field(default_factory=list)

    def function_of(self, title: str, language: str | None = None) -> ReadTitle | None:
        self.asked.append(title)
        known = {"Responsable achats": Function.PURCHASING, "Personalchefin": Function.HR}
        return ReadTitle(known[title]) if title in known else None


@pytest.fixture(scope="session")
def judged(make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices) -> Callable[..., Any]:
    async def judge(contact: Contact, audience: Audience, **mail: Any) -> list[Reason]:
        check: Check = Relevance(NoOptions(), make_services(taxonomy=cast("Taxonomy", Titles())))
        (reasons,) = await check.judge([make_mail(contact=contact, campaign=make_campaign(audience=audience), **mail)])
        assert reasons
        return list(reasons)

    return judge


def said(reasons: list[Reason]) -> list[tuple[Verdict, Code | None]]:
    return [(reason.verdict, reason.code) for reason in reasons]


SEND, HOLD, BLOCK = (
    (Verdict.SEND, None),
    (Verdict.HOLD, Code.NOT_RELEVANT),
    (Verdict.BLOCK, Code.NOT_RELEVANT),
)


async def test_one_sentence_sums_up_why_the_person_is_the_right_one(judged: Any) -> None:
    (reason,) = await judged(BUYER, EVERYTHING)
    assert said([reason]) == [SEND]
    assert reason.why == (
        "Works in purchasing (title “Responsable achats”), position head, machinery (C28.1), 120 employees, "
        "region FR-IDF, country FR."
    )
    assert reason.rule == "CPCE L.34-5; campaign audience"
    assert "title" in reason.facts.fields
    assert "campaign.audience" in reason.facts.fields


async def test_a_campaign_that_asks_nothing_lets_anybody_pass(judged: Any) -> None:
    assert said(await judged(Contact("p@firm.example"), Audience())) == [SEND]
    assert said(await judged(Contact("p@firm.example"), Audience(employees=Range()))) == [SEND]


@pytest.mark.parametrize(
    ("change", "audience"),
    [
        ({"country": "DE"}, Audience(countries=("FR",))),
        ({"workplace_country": "DE"}, Audience(countries=("FR",))),
        ({"title": "Personalchefin"}, Audience(functions=(Function.PURCHASING,))),
        ({"function": Function.IT}, Audience(functions=(Function.PURCHASING,))),
        ({"seniority": Seniority.ASSISTANT}, Audience(seniority=(Seniority.HEAD,))),
        ({"company": Company(industry="A01")}, Audience(industries=("C28",))),
        ({"company": Company(employees=49)}, Audience(employees=Range(50, 500))),
        ({"company": Company(employees=501)}, Audience(employees=Range(50, 500))),
        ({"company": Company(region="FR-ARA")}, Audience(regions=("FR-IDF",))),
        ({"company": Company(region="FRA")}, Audience(regions=("FR",))),
    ],
)
async def test_a_mismatch_blocks_even_where_unknowns_pass(
    judged: Any, change: dict[str, Any], audience: Audience
) -> None:
    reasons = await judged(replace(BUYER, **change), replace(audience, unknown="pass"))
    assert said(reasons) == [BLOCK]
    assert reasons[0].facts.until is None
    assert reasons[0].why.endswith(".")


@pytest.mark.parametrize(
    ("change", "audience"),
    [
        ({"country": None}, Audience(countries=("FR",))),
        ({"country": "GB", "title": None}, Audience(functions=(Function.PURCHASING,))),
        ({"country": "GB", "title": "Grand Vizier"}, Audience(functions=(Function.PURCHASING,))),
        ({"seniority": None}, Audience(seniority=(Seniority.HEAD,))),
        ({"company": Company()}, Audience(industries=("C28",))),
        ({"company": Company(industry="C")}, Audience(industries=("C28",))),
        ({"company": Company()}, Audience(employees=Range(50, 500))),
        ({"company": Company()}, Audience(regions=("FR",))),
        ({"company": Company(region="FR")}, Audience(regions=("FR-IDF",))),
    ],
)
async def test_an_unknown_holds_or_passes_as_the_campaign_says(
    judged: Any, change: dict[str, Any], audience: Audience
) -> None:
    contact = replace(BUYER, **change)
    assert said(await judged(contact, audience)) == [HOLD]
    assert said(await judged(contact, replace(audience, unknown="pass"))) == [SEND]


@pytest.mark.parametrize("country", [{"country": "FR"}, {"country": "GB", "workplace_country": "FI"}])
async def test_an_unknown_profession_never_passes_where_the_law_asks_for_it(
    judged: Any, country: dict[str, Any]
) -> None:
    """S-047, S-048: France, Finland, Ireland and others; whatever the campaign lets pass."""
    audience = Audience(functions=(Function.PURCHASING,), seniority=(Seniority.HEAD,), unknown="pass")
    contact = replace(BUYER, title=None, seniority=None, **country)
    assert said(await judged(contact, audience)) == [HOLD, SEND]
    assert said(await judged(contact, audience, kind=RecipientKind.GENERIC))[0] == SEND


@pytest.mark.parametrize("employees", [50, 51, 499, 500])
async def test_the_range_of_employees_includes_its_ends(judged: Any, employees: int) -> None:
    contact = replace(BUYER, company=Company(employees=employees))
    assert said(await judged(contact, Audience(employees=Range(50, 500)))) == [SEND]


async def test_an_open_range_asks_for_the_other_end_only(judged: Any) -> None:
    tiny, huge = (replace(BUYER, company=Company(employees=number)) for number in (0, 10**6))
    assert said(await judged(huge, Audience(employees=Range(min=50)))) == [SEND]
    assert said(await judged(tiny, Audience(employees=Range(max=50)))) == [SEND]
    assert said(await judged(tiny, Audience(employees=Range(min=50)))) == [BLOCK]


@pytest.mark.parametrize(("industry", "wanted"), [("C28.1", "C"), ("C28.1", "C28"), ("C28.1", "C28.1"), ("C28", "C")])
async def test_an_industry_matches_by_prefix(judged: Any, industry: str, wanted: str) -> None:
    contact = replace(BUYER, company=Company(industry=industry))
    assert said(await judged(contact, Audience(industries=(wanted,)))) == [SEND]


async def test_each_mismatching_dimension_has_its_reason_beside_what_fits(judged: Any) -> None:
    contact = replace(
        BUYER, country="DE", seniority=Seniority.ASSISTANT, company=replace(BUYER.company, employees=None)
    )
    reasons = await judged(contact, EVERYTHING)
    assert said(reasons) == [BLOCK, HOLD, BLOCK, SEND]
    assert [reason.facts.fields[0] for reason in reasons[:3]] == ["seniority", "company.employees", "country"]
    assert strictest(reasons) is Verdict.BLOCK


async def test_a_title_that_contradicts_the_stated_function_holds_whatever_passes(judged: Any) -> None:
    contact = replace(BUYER, function=Function.PURCHASING, title="Personalchefin")
    (reason,) = await judged(contact, Audience(functions=(Function.PURCHASING,), unknown="pass"))
    assert said([reason]) == [HOLD]
    assert reason.why == "The record states purchasing, but the title “Personalchefin” means HR."
    (reason,) = await judged(replace(contact, title="Grand Vizier"), Audience(functions=(Function.PURCHASING,)))
    assert reason.why == "Works in purchasing."


@pytest.mark.parametrize("code", ["machines", "C28.7", "C99"])
async def test_a_code_that_nace_does_not_have_never_passes(judged: Any, code: str) -> None:
    contact = replace(BUYER, company=Company(industry=code))
    assert said(await judged(contact, Audience(industries=("C28",), unknown="pass"))) == [HOLD]


async def test_a_mismatch_says_how_the_function_was_derived(judged: Any) -> None:
    (reason,) = await judged(replace(BUYER, title="Personalchefin"), Audience(functions=(Function.PURCHASING,)))
    assert reason.why == "The person works in HR (title “Personalchefin”); the offer is for purchasing."


async def test_a_generic_mailbox_has_no_function_and_no_seniority(judged: Any) -> None:
    contact = Contact("info@firm.example", company=Company(industry="A01"))
    audience = Audience(functions=(Function.HR,), seniority=(Seniority.HEAD,))
    assert said(await judged(contact, audience, kind=RecipientKind.GENERIC)) == [SEND]
    asked = replace(audience, industries=("C28",))
    assert said(await judged(contact, asked, kind=RecipientKind.GENERIC)) == [BLOCK]


async def test_seat_and_place_of_work_must_both_be_wanted(judged: Any) -> None:
    audience = Audience(countries=("FR", "SE"))
    both = replace(BUYER, country="SE", workplace_country="FR")
    (reason,) = await judged(both, audience)
    assert said([reason]) == [SEND]
    assert reason.why == "Country FR and SE."
    assert said(await judged(replace(both, country="DE"), audience)) == [BLOCK]
    assert said(await judged(replace(both, workplace_country="DE"), audience)) == [BLOCK]
    assert said(await judged(replace(both, country=None), audience)) == [SEND]


@pytest.mark.parametrize(("country", "wanted"), [("GB", "UK"), ("UK", "GB"), ("se", "SE"), ("SE", "Sweden")])
async def test_a_country_is_known_under_all_its_names(judged: Any, country: str, wanted: str) -> None:
    assert said(await judged(replace(BUYER, country=country), Audience(countries=(wanted,)))) == [SEND]


async def test_missing_campaign_or_contact_is_never_relevant(make_mail: Make, make_services: MakeServices) -> None:
    check = Relevance(NoOptions(), make_services())
    answers = await check.judge([make_mail(campaign=None), make_mail(contact=None)])
    assert [said(list(each)) for each in answers] == [[HOLD], [(Verdict.HOLD, Code.CONTACT_UNKNOWN)]]


def test_only_advertising_must_be_relevant() -> None:
    assert Relevance.streams == COMMERCIAL_STREAMS


async def test_a_title_is_read_once_however_many_contacts_have_it(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    titles = Titles()
    check = Relevance(NoOptions(), make_services(taxonomy=cast("Taxonomy", titles)))
    campaign = make_campaign(audience=EVERYTHING)
    contacts = [BUYER if n % 2 else replace(BUYER, title="Personalchefin") for n in range(500)]
    answers = await check.judge([make_mail(n, contact=c, campaign=campaign) for n, c in enumerate(contacts)])
    assert [strictest(each) is Verdict.SEND for each in answers] == [n % 2 == 1 for n in range(500)]
    assert sorted(titles.asked) == ["Personalchefin", "Responsable achats"]


@given(
    country=st.sampled_from([None, "FR", "DE"]),
    function=st.sampled_from([None, Function.PURCHASING, Function.HR]),
    seniority=st.sampled_from([None, Seniority.HEAD, Seniority.ASSISTANT]),
    industry=st.sampled_from([None, "C28.1", "A01", "?"]),
    employees=st.none() | st.integers(0, 1000),
    region=st.sampled_from([None, "FR-IDF", "DE-BE"]),
    unknown=st.sampled_from(["hold", "pass"]),
)
async def test_no_mail_goes_with_a_mismatch_and_none_with_an_unknown_unless_told(
    judged: Any,
    unknown: Any,
    country: Any,
    function: Any,
    seniority: Any,
    industry: Any,
    employees: Any,
    region: Any,
) -> None:
    company = Company(industry=industry, employees=employees, region=region)
    contact = Contact("p@firm.example", country=country, function=function, seniority=seniority, company=company)
    reasons = await judged(contact, replace(EVERYTHING, unknown=unknown))
    values = [country, function, seniority, industry, employees, region]
    wrong = {"DE", Function.HR, Seniority.ASSISTANT, "A01", "DE-BE"}
    mismatch = any(value in wrong for value in values) or not 50 <= (employees if employees is not None else 50) <= 500
    missing = any(value in (None, "?") for value in values)
    unclear = industry == "?"
    held = unclear or (missing and (unknown == "hold" or (function is None and country == "FR")))
    expected = Verdict.BLOCK if mismatch else Verdict.HOLD if held else Verdict.SEND
    assert strictest(reasons) is expected
