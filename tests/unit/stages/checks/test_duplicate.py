from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.identity import Identity
from penstock.model.mail import History, Mail
from penstock.model.verdict import Reason, Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, Check, NoOptions, Services
from penstock.stages.checks.duplicate import Duplicate

Make = Callable[..., Mail]
MakeCampaign = Callable[..., Campaign]
MakeServices = Callable[..., Services]

REJECTED = (Reason("address", Verdict.REJECT, Code.INVALID_ADDRESS),)
BLOCKED = (Reason("suppression", Verdict.BLOCK, Code.SUPPRESSED_PERSON),)


def person(name: str, *more: str) -> Identity:
    keys = tuple(key.encode() for key in (name, *more))
    return Identity(keys[0], keys, (), None, None)


async def judged(make_services: MakeServices, mails: list[Mail]) -> list[Verdict]:
    check: Check = Duplicate(NoOptions(), make_services())
    answers = await check.judge(mails)
    assert all(answers)
    for reasons in answers:
        for reason in reasons:
            assert reason.why
            assert reason.code is (None if reason.verdict is Verdict.SEND else Code.DUPLICATE)
    return [strictest(reasons) for reasons in answers]


async def test_a_mail_that_was_sent_before_is_blocked_with_the_date(
    make_mail: Make, make_services: MakeServices, now: datetime
) -> None:
    mail = make_mail(history=History(sent_at=now - timedelta(days=1)))
    ((reason,),) = await Duplicate(NoOptions(), make_services()).judge([mail])
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.DUPLICATE)
    assert reason.why == "This campaign already mailed this person on 2026-11-19."
    assert reason.facts.until is None


async def test_a_twin_under_another_form_is_blocked_and_named(make_mail: Make, make_services: MakeServices) -> None:
    ((reason,),) = await Duplicate(NoOptions(), make_services()).judge([make_mail(history=History(twin="a" * 32))])
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.DUPLICATE)
    assert reason.facts.records == ("a" * 32,)


async def test_the_first_row_of_a_person_wins(make_mail: Make, make_services: MakeServices) -> None:
    rows = [person("anna", "provider"), person("bo"), person("Anna", "provider"), person("anna")]
    mails = [make_mail(n, identity=who) for n, who in enumerate(rows)]
    assert await judged(make_services, mails) == [Verdict.SEND, Verdict.SEND, Verdict.BLOCK, Verdict.BLOCK]


async def test_the_same_mail_twice_is_a_duplicate_even_without_a_campaign(
    make_mail: Make, make_services: MakeServices
) -> None:
    mail = make_mail(campaign=None)
    assert await judged(make_services, [mail, mail]) == [Verdict.SEND, Verdict.BLOCK]


async def test_two_mails_without_a_campaign_to_one_person_are_no_duplicates(
    make_mail: Make, make_services: MakeServices
) -> None:
    mails = [make_mail(n, campaign=None, identity=person("anna")) for n in range(2)]
    assert await judged(make_services, mails) == [Verdict.SEND, Verdict.SEND]


async def test_two_campaigns_may_mail_one_person(
    make_mail: Make, make_campaign: MakeCampaign, make_services: MakeServices
) -> None:
    mails = [make_mail(n, campaign=make_campaign(id=f"c{n}"), identity=person("anna")) for n in range(2)]
    assert await judged(make_services, mails) == [Verdict.SEND, Verdict.SEND]


async def test_a_row_after_a_blocked_one_is_still_a_duplicate(make_mail: Make, make_services: MakeServices) -> None:
    mails = [make_mail(0, identity=person("anna"), reasons=BLOCKED), make_mail(1, identity=person("anna"))]
    assert await judged(make_services, mails) == [Verdict.SEND, Verdict.BLOCK]


async def test_a_rejected_row_stands_in_nobodys_way(make_mail: Make, make_services: MakeServices) -> None:
    anna = person("anna")
    mails = [
        make_mail(0, identity=anna, reasons=REJECTED),
        make_mail(1, identity=anna),
        make_mail(2, identity=anna),
    ]
    assert await judged(make_services, mails) == [Verdict.SEND, Verdict.SEND, Verdict.BLOCK]


def test_only_advertising_is_looked_at() -> None:
    assert Duplicate.streams == COMMERCIAL_STREAMS


@given(rows=st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3), max_size=12))
async def test_exactly_one_mail_goes_to_each_group_of_rows_that_share_a_key(
    make_mail: Make, make_services: MakeServices, rows: list[list[str]]
) -> None:
    verdicts = await judged(make_services, [make_mail(n, identity=person(*row)) for n, row in enumerate(rows)])
    for place, row in enumerate(rows):
        shared = any(set(row) & set(before) for before in rows[:place])
        assert (verdicts[place] is Verdict.BLOCK) == shared


async def test_a_full_batch_keeps_its_order(make_mail: Make, make_services: MakeServices) -> None:
    mails = [make_mail(n) for n in range(250)]
    twice = [*mails, *(replace(mail, id=f"again {mail.id}") for mail in mails)]
    assert await judged(make_services, twice) == [Verdict.SEND] * 250 + [Verdict.BLOCK] * 250
