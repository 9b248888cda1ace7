from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.safety import Safety
from penstock.model.standing import FRESH, CampaignState, Standing, approval_mark
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, Check, NoOptions, Services
from penstock.stages.checks.schedule import Schedule

Make = Callable[..., Mail]
MakeCampaign = Callable[..., Campaign]
MakeServices = Callable[..., Services]

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


async def judged(make_services: MakeServices, *mails: Mail) -> list[list[Reason]]:
    check: Check = Schedule(NoOptions(), make_services())
    answers = await check.judge(mails)
    assert all(answers)
    return [list(reasons) for reasons in answers]


@pytest.mark.parametrize(
    ("after_now", "verdict"),
    [(-DAY, Verdict.SEND), (timedelta(0), Verdict.SEND), (TICK, Verdict.DEFER), (DAY, Verdict.DEFER)],
)
async def test_a_campaign_waits_for_its_start(
    make_mail: Make,
    make_campaign: MakeCampaign,
    make_services: MakeServices,
    now: datetime,
    after_now: timedelta,
    verdict: Verdict,
) -> None:
    starts = now + after_now
    ((reason,),) = await judged(make_services, make_mail(campaign=make_campaign(starts_at=starts)))
    assert reason.verdict is verdict
    if verdict is Verdict.DEFER:
        assert reason.code is Code.CAMPAIGN_NOT_DUE
        assert reason.facts.until == starts
        assert reason.facts.fields == ("campaign.starts_at",)


@pytest.mark.parametrize(
    ("after_now", "verdict"),
    [(-DAY, Verdict.HOLD), (timedelta(0), Verdict.HOLD), (TICK, Verdict.SEND), (DAY, Verdict.SEND)],
)
async def test_a_campaign_that_is_over_holds_its_mails(
    make_mail: Make,
    make_campaign: MakeCampaign,
    make_services: MakeServices,
    now: datetime,
    after_now: timedelta,
    verdict: Verdict,
) -> None:
    campaign = make_campaign(expires_at=now + after_now)
    ((reason,),) = await judged(make_services, make_mail(campaign=campaign))
    assert reason.verdict is verdict
    assert reason.facts.until is None
    if verdict is Verdict.HOLD:
        assert reason.code is Code.CAMPAIGN_STALE


async def test_a_campaign_without_dates_and_a_mail_without_campaign_pass(
    make_mail: Make, make_services: MakeServices
) -> None:
    answers = await judged(make_services, make_mail(0), make_mail(1, campaign=None))
    assert [[reason.verdict for reason in each] for each in answers] == [[Verdict.SEND], [Verdict.SEND]]
    assert all(reason.why for each in answers for reason in each)


async def test_mails_of_several_campaigns_keep_their_own_answers(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime
) -> None:
    later, over = (
        make_campaign(id="later", starts_at=now + DAY),
        make_campaign(id="over", expires_at=now - DAY),
    )
    campaigns = [later, over, make_campaign(), None, later]
    answers = await judged(make_services, *(make_mail(n, campaign=c) for n, c in enumerate(campaigns)))
    assert [strictest(each) for each in answers] == [
        Verdict.DEFER,
        Verdict.HOLD,
        Verdict.SEND,
        Verdict.SEND,
        Verdict.DEFER,
    ]


def test_only_advertising_has_a_schedule() -> None:
    assert Schedule.streams == COMMERCIAL_STREAMS


@given(start=st.none() | st.integers(-3, 3), end=st.none() | st.integers(-3, 3))
async def test_a_mail_goes_exactly_between_start_and_end(
    make_mail: Make,
    make_campaign: MakeCampaign,
    make_services: MakeServices,
    now: datetime,
    start: int | None,
    end: int | None,
) -> None:
    campaign = make_campaign(
        starts_at=None if start is None else now + start * DAY,
        expires_at=None if end is None else now + end * DAY,
    )
    (reasons,) = await judged(make_services, make_mail(campaign=campaign))
    runs = (start is None or start <= 0) and (end is None or end > 0)
    assert (strictest(reasons) is Verdict.SEND) == runs


@dataclass
class Decided:
    """Standings as given; counts the questions."""

    known: Mapping[str, Standing]
    calls: int = 0

    async def of(self, ids: Sequence[str], /) -> Sequence[Standing]:
        self.calls += 1
        return [self.known.get(each, FRESH) for each in ids]


@pytest.mark.parametrize("state", [CampaignState.PAUSED, CampaignState.CANCELLED])
async def test_what_an_operator_stopped_is_held_whatever_the_dates_say(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime, state: CampaignState
) -> None:
    standings = Decided({"autumn": Standing(state)})
    services = make_services(standings=standings)
    check = Schedule(NoOptions(), services)
    later = make_campaign(starts_at=now + DAY)
    stopped, both, other = await check.judge(
        [make_mail(0), make_mail(1, campaign=later), make_mail(2, campaign=make_campaign(id="winter"))]
    )
    assert [(each.verdict, each.code) for each in stopped] == [(Verdict.HOLD, Code.CAMPAIGN_PAUSED)]
    assert {each.code for each in both} == {Code.CAMPAIGN_PAUSED, Code.CAMPAIGN_NOT_DUE}
    assert strictest(other) is Verdict.SEND
    assert standings.calls == 1


@pytest.mark.parametrize(
    ("started", "begun", "stale"),
    [
        (timedelta(days=7), None, False),
        (timedelta(days=7) + TICK, None, True),
        (timedelta(days=30), timedelta(days=23), False),  # it began 7 days after its start
        (timedelta(days=30), timedelta(days=23) - TICK, True),
        (timedelta(days=30), timedelta(days=31), False),  # begun before the start was put off
        (timedelta(days=30), -DAY, True),  # a clock that was wrong once lets nothing go
    ],
)
async def test_a_schedule_nobody_kept_within_a_week_is_no_longer_what_people_meant(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime,
    started: timedelta, begun: timedelta | None, stale: bool,
) -> None:  # fmt: skip
    standing = Standing(first_begun_at=None if begun is None else now - begun)
    services = make_services(standings=Decided({"autumn": standing}))
    mail = make_mail(campaign=make_campaign(starts_at=now - started))
    ((reason,),) = await Schedule(NoOptions(), services).judge([mail])
    assert (reason.code is Code.CAMPAIGN_STALE) == stale
    assert (reason.verdict is Verdict.HOLD) == stale


@pytest.mark.parametrize("four_eyes", [True, False])
@pytest.mark.parametrize("signed", ["", "this", "another campaign", "another policy"])
async def test_with_four_eyes_only_what_was_signed_off_in_this_very_form_goes(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, four_eyes: bool, signed: str
) -> None:
    campaign = make_campaign(digest="d" * 64)
    marks = {
        "": "",
        "this": approval_mark(campaign, "policy"),
        "another campaign": approval_mark(make_campaign(digest="e" * 64), "policy"),
        "another policy": approval_mark(campaign, "policies"),
    }
    services = make_services(
        standings=Decided({"autumn": Standing(approval=marks[signed], approved_by="A. Lind")}),
        safety=Safety(four_eyes=four_eyes),
        policy_mark="policy",
    )
    ((reason,),) = await Schedule(NoOptions(), services).judge([make_mail(campaign=campaign)])
    assert (reason.verdict is Verdict.SEND) == (signed == "this" or not four_eyes)
    if reason.verdict is not Verdict.SEND:
        assert (reason.verdict, reason.code, reason.rule) == (
            Verdict.HOLD,
            Code.CAMPAIGN_PAUSED,
            "safety.four_eyes",
        )
