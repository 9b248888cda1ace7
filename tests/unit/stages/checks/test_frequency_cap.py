from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigError
from penstock.model.campaign import Campaign, Caps
from penstock.model.codes import Code
from penstock.model.contact import RecipientKind
from penstock.model.identity import Identity
from penstock.model.mail import History, Mail, Touch
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, Check, Services
from penstock.stages.checks.frequency_cap import FrequencyCap, FrequencyCapOptions, window_needs

Make = Callable[..., Mail]
MakeCampaign = Callable[..., Campaign]
MakeServices = Callable[..., Services]

DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
NO_OPTIONS = FrequencyCapOptions()
BLOCKED = (Reason("suppression", Verdict.BLOCK, Code.SUPPRESSED_PERSON),)


def touches(now: datetime, *ago: timedelta) -> tuple[Touch, ...]:
    return tuple(Touch(f"earlier {n}", now - each) for n, each in enumerate(sorted(ago)))


def worker(number: int, firm: str | None = "firm", organisation: str | None = None) -> Identity:
    name = b"person %d" % number
    unit = None if firm is None else firm.encode()
    return Identity(name, (name,), (), unit, None if organisation is None else organisation.encode())


async def judged(
    make_services: MakeServices, mails: list[Mail], options: FrequencyCapOptions = NO_OPTIONS
) -> list[list[Reason]]:
    check: Check = FrequencyCap(options, make_services())
    answers = await check.judge(mails)
    assert all(answers)
    return [list(reasons) for reasons in answers]


@pytest.mark.parametrize(
    ("ago", "deferred"),
    [(timedelta(0), True), (6 * DAY, True), (7 * DAY - TICK, True), (7 * DAY, False), (8 * DAY, False)],
)
async def test_one_mail_a_week_is_free_again_exactly_a_week_later(
    make_mail: Make,
    make_campaign: MakeCampaign,
    make_services: MakeServices,
    now: datetime,
    ago: timedelta,
    deferred: bool,
) -> None:
    mail = make_mail(campaign=make_campaign(caps=Caps(person=("1/7d",))), history=History(person=touches(now, ago)))
    ((reason,),) = await judged(make_services, [mail])
    assert reason.verdict is (Verdict.DEFER if deferred else Verdict.SEND)
    if deferred:
        assert reason.code is Code.FREQUENCY_CAP
        assert reason.facts.until == now - ago + 7 * DAY
        assert reason.rule == "campaign caps, person 1/7d"


async def test_the_wait_is_for_the_touch_that_must_leave_the_window(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime
) -> None:
    history = History(person=touches(now, 1 * DAY, 20 * DAY, 50 * DAY, 80 * DAY))
    mail = make_mail(campaign=make_campaign(caps=Caps(person=("3/90d",))), history=history)
    ((reason,),) = await judged(make_services, [mail])
    assert reason.facts.until == now - 50 * DAY + 90 * DAY


async def test_every_cap_that_is_exceeded_has_its_own_reason(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime
) -> None:
    history = History(person=touches(now, DAY), company=touches(now, DAY, 2 * DAY))
    campaign = make_campaign(caps=Caps(person=("1/7d", "3/90d"), company=("2/30d",)))
    (reasons,) = await judged(make_services, [make_mail(campaign=campaign, history=history)])
    assert [reason.facts.until for reason in reasons] == [now + 6 * DAY, now + 28 * DAY]


async def test_the_eleventh_colleague_under_ten_a_month_is_deferred(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime
) -> None:
    campaign = make_campaign(caps=Caps(company=("10/30d",)))
    answers = await judged(make_services, [make_mail(n, campaign=campaign, identity=worker(n)) for n in range(12)])
    assert [strictest(each) for each in answers] == [Verdict.SEND] * 10 + [Verdict.DEFER] * 2
    assert answers[10][0].facts.until == now + 30 * DAY


async def test_earlier_mails_of_the_batch_and_of_the_past_add_up(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime
) -> None:
    campaign = make_campaign(caps=Caps(company=("3/30d",)))
    past = History(company=touches(now, 10 * DAY, 40 * DAY))
    mails = [make_mail(n, campaign=campaign, identity=worker(n), history=past) for n in range(3)]
    answers = await judged(make_services, mails)
    assert [strictest(each) for each in answers] == [Verdict.SEND, Verdict.SEND, Verdict.DEFER]
    assert answers[2][0].facts.until == now - 10 * DAY + 30 * DAY
    assert answers[2][0].facts.records == ("batch:2",)


async def test_what_rests_on_the_past_alone_names_no_mail_of_the_batch(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime
) -> None:
    mail = make_mail(campaign=make_campaign(caps=Caps(person=("1/7d",))), history=History(person=touches(now, DAY)))
    ((reason,),) = await judged(make_services, [mail])
    assert reason.facts.records == ()


async def test_what_does_not_go_does_not_count(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    campaign = make_campaign(caps=Caps(company=("1/30d",)))
    mails = [
        make_mail(0, campaign=campaign, identity=worker(0), reasons=BLOCKED),
        make_mail(1, campaign=campaign, identity=worker(1)),
        make_mail(2, campaign=campaign, identity=worker(2)),
    ]
    assert [strictest(each) for each in await judged(make_services, mails)] == [
        Verdict.SEND,
        Verdict.SEND,
        Verdict.DEFER,
    ]


async def test_a_company_is_known_by_its_domain_or_by_its_id_and_counts_once(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    campaign = make_campaign(caps=Caps(company=("2/30d",)))
    who = [worker(0, "a", "id"), worker(1, "a", "id"), worker(2, "b", "id"), worker(3, "a"), worker(4, "c")]
    mails = [make_mail(n, campaign=campaign, identity=identity) for n, identity in enumerate(who)]
    assert [strictest(each) for each in await judged(make_services, mails)] == [
        Verdict.SEND,
        Verdict.SEND,
        Verdict.DEFER,
        Verdict.DEFER,
        Verdict.SEND,
    ]


async def test_persons_without_a_company_share_no_company_cap(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    campaign = make_campaign(caps=Caps(company=("1/30d",)))
    mails = [make_mail(n, campaign=campaign, identity=worker(n, None)) for n in range(3)]
    assert [strictest(each) for each in await judged(make_services, mails)] == [Verdict.SEND] * 3


async def test_a_generic_mailbox_is_capped_like_a_person(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices, now: datetime
) -> None:
    mail = make_mail(
        campaign=make_campaign(caps=Caps(person=("1/7d",))),
        kind=RecipientKind.GENERIC,
        history=History(person=touches(now, DAY)),
    )
    assert [strictest(each) for each in await judged(make_services, [mail])] == [Verdict.DEFER]


async def test_the_house_caps_bind_every_campaign_and_mail_without_one(
    make_mail: Make, make_services: MakeServices, now: datetime
) -> None:
    history = History(person=touches(now, DAY))
    mails = [make_mail(0, history=history), make_mail(1, campaign=None, history=history)]
    answers = await judged(make_services, mails, FrequencyCapOptions(person=("1/7d",)))
    assert [strictest(each) for each in answers] == [Verdict.DEFER, Verdict.DEFER]


async def test_a_mail_does_not_count_against_itself(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    mail = make_mail(campaign=make_campaign(caps=Caps(person=("1/7d",))))
    assert [strictest(each) for each in await judged(make_services, [mail, mail])] == [Verdict.SEND] * 2


async def test_caps_of_a_campaign_that_cannot_be_read_hold_its_mails(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    mail = make_mail(campaign=make_campaign(caps=Caps(person=("often",))))
    ((reason,),) = await judged(make_services, [mail])
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.FREQUENCY_CAP)


def test_options_that_cannot_be_read_stop_the_start(make_services: MakeServices) -> None:
    with pytest.raises(ConfigError, match="frequency_cap"):
        FrequencyCap(FrequencyCapOptions(person=("often",)), make_services())


def test_the_loader_learns_the_longest_window_and_the_largest_count(make_campaign: MakeCampaign) -> None:
    campaign = make_campaign(caps=Caps(person=("1/7d", "3/90d"), company=("5/30d",)))
    assert window_needs(campaign, NO_OPTIONS) == (90 * DAY, 5)
    assert window_needs(campaign, FrequencyCapOptions(company=("9/52w",))) == (364 * DAY, 9)
    assert window_needs(None, NO_OPTIONS) == (timedelta(0), 0)


def test_only_advertising_is_capped() -> None:
    assert FrequencyCap.streams == COMMERCIAL_STREAMS


@given(
    ago=st.lists(st.integers(0, 40), max_size=8),
    count=st.integers(1, 5),
    days=st.integers(1, 30),
)
async def test_at_the_named_moment_there_is_room_and_just_before_there_is_none(
    make_mail: Make,
    make_campaign: MakeCampaign,
    make_services: MakeServices,
    now: datetime,
    ago: list[int],
    count: int,
    days: int,
) -> None:
    past = touches(now, *(each * DAY for each in ago))
    mail = make_mail(campaign=make_campaign(caps=Caps(company=(f"{count}/{days}d",))), history=History(company=past))
    ((reason,),) = await judged(make_services, [mail])

    def inside(at: datetime) -> int:
        return sum(at - touch.at < days * DAY for touch in past)

    assert (reason.verdict is Verdict.DEFER) == (inside(now) >= count)
    if (until := reason.facts.until) is not None:
        assert inside(until) < count <= inside(until - TICK)


@given(ago=st.lists(st.integers(0, 40), max_size=5), more=st.integers(0, 40))
async def test_one_more_touch_never_lets_a_deferred_mail_go_earlier(
    make_mail: Make,
    make_campaign: MakeCampaign,
    make_services: MakeServices,
    now: datetime,
    ago: list[int],
    more: int,
) -> None:
    campaign = make_campaign(caps=Caps(person=("2/14d",)))
    untils = []
    for days in (ago, [*ago, more]):
        past = History(person=touches(now, *(each * DAY for each in days)))
        ((reason,),) = await judged(make_services, [make_mail(campaign=campaign, history=past)])
        untils.append(reason.facts.until or now)
    assert untils[1] >= untils[0]
