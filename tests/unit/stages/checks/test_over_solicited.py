from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.contact import Contact, Source
from penstock.model.mail import Mail
from penstock.model.verdict import Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, Counts, ListKey, NoOptions
from penstock.stages.checks.over_solicited import OverSolicited
from penstock.testing import some_services

Make = Callable[..., Mail]
Said = list[tuple[Verdict, Code | None]]

SEND: Said = [(Verdict.SEND, None)]
HOLD: Said = [(Verdict.HOLD, Code.OVER_SOLICITED)]
SUPPLIER = ListKey("supplier", "atlas")
CAMPAIGN = ListKey("campaign", "autumn")


class KnownStats:
    """Counts as given; `asked` keeps the keys of each look-up."""

    def __init__(self, counts: dict[ListKey, Counts] | None = None) -> None:
        self._counts = counts or {}
        self.asked: list[list[ListKey]] = []

    async def of(self, keys: Sequence[ListKey], /) -> Sequence[Counts]:
        self.asked.append(list(keys))
        return [self._counts.get(key, Counts()) for key in keys]


def check_of(stats: KnownStats) -> OverSolicited:
    return OverSolicited(NoOptions(), some_services(list_stats=stats))


def of_supplier(number: int = 0, name: str | None = "atlas") -> Contact:
    return Contact(f"p{number}@firm.example", source=Source(supplier=name))


@pytest.fixture(scope="session")
def judge(make_mail: Make) -> Callable[..., Any]:
    async def judged(counts: dict[ListKey, Counts], **mail: Any) -> Said:
        (reasons,) = await check_of(KnownStats(counts)).judge([make_mail(**({"contact": of_supplier()} | mail))])
        assert all(reason.why and reason.rule and reason.facts.fields for reason in reasons)
        return [(reason.verdict, reason.code) for reason in reasons]

    return judged


Judge = Callable[..., Any]


async def test_only_advertising_is_asked() -> None:
    assert OverSolicited.streams == COMMERCIAL_STREAMS


async def test_a_list_that_nothing_was_sent_to_goes(judge: Judge) -> None:
    assert await judge({}) == SEND
    assert await judge({}, contact=None, campaign=None) == SEND


@pytest.mark.parametrize("key", [SUPPLIER, CAMPAIGN])
@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(200, bounced=4), SEND),  # 2 % to the mail
        (Counts(200, bounced=5), HOLD),
        (Counts(199, bounced=199), SEND),  # too few to tell
        (Counts(1000, complained=0), SEND),
        (Counts(1001, complained=1), SEND),
        (Counts(1000, complained=3), HOLD),  # 0.3 % to the mail
        (Counts(1001, complained=3), SEND),
        (Counts(200, complained=1), HOLD),
        (Counts(200, bounced=5, complained=1), HOLD + HOLD),
        (Counts(0, bounced=300), HOLD),  # refused at once, every one
    ],
)
async def test_a_list_that_has_gone_bad_is_held(judge: Judge, key: ListKey, counts: Counts, expected: Said) -> None:
    assert await judge({key: counts}) == expected


@pytest.mark.parametrize(("complained", "warned"), [(0, False), (1, True), (2, True)])
async def test_from_one_complaint_in_a_thousand_on_it_warns(make_mail: Make, complained: int, warned: bool) -> None:
    check = check_of(KnownStats({CAMPAIGN: Counts(1000, complained=complained)}))
    ((reason,),) = await check.judge([make_mail()])
    assert reason.verdict is Verdict.SEND
    assert ("0.3 % would stop it" in reason.why) == warned


async def test_supplier_and_campaign_are_judged_apart(judge: Judge) -> None:
    bad, warned = Counts(1000, bounced=21), Counts(1000, complained=2)
    assert await judge({SUPPLIER: bad, CAMPAIGN: bad}) == HOLD + HOLD
    assert await judge({SUPPLIER: bad, CAMPAIGN: warned}) == HOLD + SEND
    assert await judge({SUPPLIER: bad}, contact=of_supplier(name="other")) == SEND
    assert await judge({SUPPLIER: bad}, contact=of_supplier(name=None)) == SEND


async def test_each_list_is_asked_for_once_in_one_call(make_mail: Make, make_campaign: Callable[..., Campaign]) -> None:
    stats = KnownStats({ListKey("supplier", "beta"): Counts(200, bounced=9)})
    names = ["atlas", "beta", None, "atlas"]
    mails = [make_mail(n, contact=of_supplier(n, name)) for n, name in enumerate(names)]
    mails.append(make_mail(9, contact=of_supplier(9), campaign=make_campaign(id="spring")))
    said = await check_of(stats).judge(mails)
    assert stats.asked == [[SUPPLIER, CAMPAIGN, ListKey("supplier", "beta"), ListKey("campaign", "spring")]]
    assert [strictest(reasons) for reasons in said] == ["send", "hold", "send", "send", "send"]
    assert said[0] is said[2] is said[3] is said[4]


async def test_a_batch_of_any_size_makes_one_call(make_mail: Make) -> None:
    for size in (1, 500):
        stats = KnownStats()
        await check_of(stats).judge([make_mail(n) for n in range(size)])
        assert len(stats.asked) == 1


@given(st.integers(0, 2000), st.integers(0, 2000), st.integers(0, 2000))
async def test_one_more_bounce_or_complaint_never_lets_a_held_list_go(
    make_mail: Make, accepted: int, bounced: int, complained: int
) -> None:
    worse = (
        Counts(accepted, bounced, complained),
        Counts(accepted, bounced + 1, complained),
        Counts(accepted, bounced, complained + 1),
    )
    found = [strictest((await check_of(KnownStats({CAMPAIGN: each})).judge([make_mail()]))[0]) for each in worse]
    assert found[0] is Verdict.SEND or Verdict.SEND not in found
