from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.contact import Contact, Flag, Source, SourceMethod, Visibility
from penstock.model.mail import Mail
from penstock.model.verdict import Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Services, Stage
from penstock.stages.checks.impact_assessment import ImpactAssessment, ImpactAssessmentOptions
from penstock.testing import CheckContract, some_services

Make = Callable[..., Mail]
MakeCampaign = Callable[..., Campaign]
MakeServices = Callable[..., Services]

LARGE = ImpactAssessmentOptions(contacts_known=10_000)
SCRAPED = Source(SourceMethod.SCRAPED_DIRECTORY)


class TestContract(CheckContract):
    def stage(self) -> Stage:
        return ImpactAssessment(ImpactAssessmentOptions(), some_services())


def contact(**fields: Any) -> Contact:
    return Contact("anna@firm.example", **fields)


async def judged(
    make_services: MakeServices, *mails: Mail, options: ImpactAssessmentOptions | None = None
) -> list[Reason]:
    check = ImpactAssessment(options or ImpactAssessmentOptions(), make_services())
    answers = await check.judge(mails)
    assert all(len(reasons) == 1 for reasons in answers)
    return [reasons[0] for reasons in answers]


@pytest.mark.parametrize(
    "one",
    [
        {},
        {"flags": (Flag.SPECIAL_CATEGORY,)},
        {"flags": (Flag.MINOR,)},
        {"flags": (Flag.RESTRICTED,)},
        {"flags": (Flag.MINOR,), "born": date(2015, 1, 1)},
        {"born": date(2015, 1, 1)},
        {"source": SCRAPED},
        {"source": Source(SourceMethod.INFERRED)},
        {"source": Source(SourceMethod.SUPPLIER, supplier="listen", visibility=Visibility.PUBLIC)},
    ],
)
async def test_one_sign_of_high_risk_alone_goes(
    make_mail: Make, make_services: MakeServices, one: dict[str, Any]
) -> None:
    (reason,) = await judged(make_services, make_mail(contact=contact(**one)))
    assert (reason.verdict, reason.code) == (Verdict.SEND, None)
    assert reason.why
    assert reason.rule


@pytest.mark.parametrize(
    ("two", "fields"),
    [
        ({"flags": (Flag.SPECIAL_CATEGORY, Flag.MINOR)}, ("flags", "born")),
        ({"flags": (Flag.SPECIAL_CATEGORY,), "born": date(2015, 1, 1)}, ("flags", "born")),
        ({"flags": (Flag.SPECIAL_CATEGORY,), "source": SCRAPED}, ("flags", "source.method")),
        ({"flags": (Flag.MINOR,), "source": Source(SourceMethod.INFERRED)}, ("flags", "born", "source.method")),
    ],
)
async def test_two_signs_without_an_impact_assessment_are_held(
    make_mail: Make, make_services: MakeServices, two: dict[str, Any], fields: tuple[str, ...]
) -> None:
    (reason,) = await judged(make_services, make_mail(contact=contact(**two)))
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.DPIA_MISSING)
    assert reason.facts.fields[: len(fields)] == fields
    assert reason.facts.fields[-1] == "campaign.dpia"
    assert reason.rule is not None
    assert "Art. 35" in reason.rule


@pytest.mark.parametrize(
    "source",
    [
        SCRAPED,
        Source(SourceMethod.INFERRED),
        Source(SourceMethod.PUBLIC_PROFILE, supplier="listen"),
        Source(SourceMethod.SUPPLIER, visibility=Visibility.UNKNOWN),
        Source(SourceMethod.OWN_SITE, supplier="listen", visibility=Visibility.LIMITED),
    ],
)
async def test_put_together_data_on_a_large_scale_need_an_impact_assessment(
    make_mail: Make, make_services: MakeServices, source: Source
) -> None:
    mail = make_mail(contact=contact(source=source))
    (reason,) = await judged(make_services, mail, options=LARGE)
    assert reason.code is Code.DPIA_MISSING
    assert "large scale" in reason.why
    assert "combined" in reason.why


@pytest.mark.parametrize(
    "source",
    [
        Source(SourceMethod.PUBLIC_PROFILE, visibility=Visibility.PUBLIC),
        Source(SourceMethod.SUPPLIER, supplier="listen"),
        Source(SourceMethod.OWN_SITE, visibility=Visibility.PUBLIC),
        Source(),
    ],
)
async def test_one_source_alone_combines_nothing(make_mail: Make, make_services: MakeServices, source: Source) -> None:
    (reason,) = await judged(make_services, make_mail(contact=contact(source=source)), options=LARGE)
    assert reason.verdict is Verdict.SEND


@pytest.mark.parametrize(
    ("born", "vulnerable"),
    [
        (date(2008, 11, 19), False),
        (date(2008, 11, 20), False),  # eighteen today
        (date(2008, 11, 21), True),
        (date(2030, 1, 1), True),  # not born yet: the date is wrong, the caution right
    ],
)
async def test_persons_under_age_are_vulnerable(
    make_mail: Make, make_services: MakeServices, born: date, vulnerable: bool
) -> None:
    mail = make_mail(contact=contact(born=born, flags=(Flag.SPECIAL_CATEGORY,)))
    (reason,) = await judged(make_services, mail)
    assert (reason.code is Code.DPIA_MISSING) == vulnerable


@pytest.mark.parametrize(("known", "large"), [(0, False), (9_999, False), (10_000, True), (50_000, True)])
async def test_a_large_scale_begins_at_the_configured_number(
    make_mail: Make, make_services: MakeServices, known: int, large: bool
) -> None:
    options = ImpactAssessmentOptions(contacts_known=known)
    (reason,) = await judged(make_services, make_mail(contact=contact(source=SCRAPED)), options=options)
    assert (reason.code is Code.DPIA_MISSING) == large


async def test_two_signs_of_the_house_hold_every_mail(make_mail: Make, make_services: MakeServices) -> None:
    options = ImpactAssessmentOptions(scoring=True, new_technology=True)
    reasons = await judged(make_services, make_mail(0), make_mail(1, contact=contact(source=SCRAPED)), options=options)
    assert [reason.code for reason in reasons] == [Code.DPIA_MISSING] * 2
    assert "evaluation" in reasons[0].why


async def test_an_impact_assessment_covers_everything(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    risky = contact(flags=(Flag.SPECIAL_CATEGORY, Flag.MINOR), source=SCRAPED)
    shown = make_mail(0, contact=risky, campaign=make_campaign(dpia_document="dpia.pdf"))
    covered, other, bare = await judged(
        make_services, shown, make_mail(1, contact=risky), make_mail(2, contact=risky, campaign=None), options=LARGE
    )
    assert covered.verdict is Verdict.SEND
    assert [other.code, bare.code] == [Code.DPIA_MISSING] * 2


async def test_without_a_contact_record_nobody_knows_the_risk(make_mail: Make, make_services: MakeServices) -> None:
    (reason,) = await judged(make_services, make_mail(contact=None))
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.CONTACT_UNKNOWN)


async def test_many_plain_mails_share_one_answer(make_mail: Make, make_services: MakeServices) -> None:
    reasons = await judged(make_services, *(make_mail(n) for n in range(50)))
    assert len({id(reason) for reason in reasons}) == 1


def test_only_advertising_is_weighed() -> None:
    assert ImpactAssessment.streams == COMMERCIAL_STREAMS


@given(
    flags=st.lists(st.sampled_from(Flag), unique=True).map(tuple),
    young=st.booleans(),
    method=st.none() | st.sampled_from(SourceMethod),
    house=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
async def test_a_mail_is_held_exactly_from_two_signs_on(
    make_mail: Make, make_services: MakeServices,
    flags: tuple[Flag, ...], young: bool, method: SourceMethod | None, house: tuple[bool, bool, bool],
) -> None:  # fmt: skip
    large, new, scoring = house
    options = ImpactAssessmentOptions(contacts_known=10_000 * large, new_technology=new, scoring=scoring)
    who = contact(flags=flags, born=date(2020, 1, 1) if young else None, source=Source(method))
    (reason,) = await judged(make_services, make_mail(contact=who), options=options)
    combined = method in {SourceMethod.INFERRED, SourceMethod.SCRAPED_DIRECTORY}
    signs = sum([Flag.SPECIAL_CATEGORY in flags, young or Flag.MINOR in flags, combined, *house])
    assert (reason.verdict is Verdict.HOLD) == (signs >= 2)
