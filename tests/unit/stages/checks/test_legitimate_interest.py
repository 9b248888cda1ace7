from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from penstock.model.assessment import Lia, LiaOutcome
from penstock.model.campaign import Basis, Campaign
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Services, Stage
from penstock.stages.checks.legitimate_interest import LegitimateInterest
from penstock.testing import CheckContract, some_services
from penstock.testing.samples import an_assessment

Make = Callable[..., Mail]
MakeCampaign = Callable[..., Campaign]
MakeServices = Callable[..., Services]

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
CURRENT = an_assessment()


class TestContract(CheckContract):
    def stage(self) -> Stage:
        return LegitimateInterest(NoOptions(), some_services())


async def judged(make_services: MakeServices, *mails: Mail) -> list[list[Reason]]:
    answers = await LegitimateInterest(NoOptions(), make_services()).judge(mails)
    return [list(reasons) for reasons in answers]


async def test_a_current_assessment_carries_the_claim(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    ((reason,),) = await judged(make_services, make_mail(campaign=make_campaign(lia_document=CURRENT)))
    assert (reason.verdict, reason.code) == (Verdict.SEND, None)
    assert reason.rule is not None
    assert "6(1)(f)" in reason.rule
    assert reason.facts.records == ("lia:purchasing",)
    assert "Lind" not in reason.why


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"impact": ""}, Code.LIA_MISSING, "lia.impact"),
        ({"controller": "sued"}, Code.LIA_MISSING, "lia.controller"),
        ({"outcome": LiaOutcome.REJECTED}, Code.LIA_MISSING, "lia.outcome"),
        ({"reviewed_at": TODAY + DAY}, Code.LIA_MISSING, "lia.reviewed_at"),
        ({"expires_at": TODAY - DAY}, Code.LIA_EXPIRED, "lia.expires_at"),
        ({"reviewed_at": date(2025, 11, 19)}, Code.LIA_EXPIRED, "lia.reviewed_at"),
    ],
)
async def test_an_assessment_that_does_not_carry_blocks(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices,
    changes: dict[str, Any], code: Code, field: str,
) -> None:  # fmt: skip
    campaign = make_campaign(lia_document=replace(CURRENT, **changes))
    ((reason,),) = await judged(make_services, make_mail(campaign=campaign))
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, code)
    assert reason.facts.fields == ("campaign.basis", "campaign.lia", field)
    assert reason.rule


async def test_a_claim_without_any_assessment_is_blocked(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    ((reason,),) = await judged(make_services, make_mail(campaign=make_campaign(lia="lia/none.toml")))
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.LIA_MISSING)


async def test_all_that_stands_against_an_assessment_is_told(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    bad = replace(CURRENT, impact=" ", expires_at=TODAY - DAY)
    (reasons,) = await judged(make_services, make_mail(campaign=make_campaign(lia_document=bad)))
    assert [each.code for each in reasons] == [Code.LIA_MISSING, Code.LIA_EXPIRED]


@pytest.mark.parametrize("basis", [Basis.CONSENT, Basis.CUSTOMER])
@pytest.mark.parametrize("lia", [None, replace(CURRENT, outcome=LiaOutcome.REJECTED)])
async def test_other_bases_need_no_assessment(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, basis: Basis, lia: Lia | None
) -> None:
    ((reason,),) = await judged(make_services, make_mail(campaign=make_campaign(basis=basis, lia_document=lia)))
    assert (reason.verdict, reason.code) == (Verdict.SEND, None)


async def test_advertising_without_a_campaign_has_nothing_to_show(make_mail: Make, make_services: MakeServices) -> None:
    ((reason,),) = await judged(make_services, make_mail(campaign=None))
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.LIA_MISSING)


async def test_mails_of_several_campaigns_keep_their_own_answers(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    good, bare = make_campaign(lia_document=CURRENT), make_campaign(id="bare")
    consent = make_campaign(id="consent", basis=Basis.CONSENT)
    campaigns = [good, bare, None, consent, good, bare]
    answers = await judged(make_services, *(make_mail(n, campaign=each) for n, each in enumerate(campaigns)))
    assert [strictest(each) is Verdict.SEND for each in answers] == [True, False, False, True, True, False]


def test_only_advertising_claims_an_interest() -> None:
    assert LegitimateInterest.streams == COMMERCIAL_STREAMS
