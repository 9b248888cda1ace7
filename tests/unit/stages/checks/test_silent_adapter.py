"""Advertising waits while the ESP behind its way out tells nothing of mail that it was given."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Reason, Verdict, decide
from penstock.pipeline import Pipeline
from penstock.ports import NoOptions, Silence
from penstock.stages.checks.silent_adapter import SilentAdapter
from penstock.testing import FakeClock, a_contact, a_mail, some_services
from penstock.testing.fakes import FakeReturns

SINCE = datetime(2026, 11, 21, 7, 5, tzinfo=UTC)
NOT_PROBED, PROBED = Silence(SINCE, probed=False), Silence(SINCE, probed=True)
SEND, DEFER = Verdict.SEND, Verdict.DEFER


def mails(number: int, **fields: Any) -> list[Mail]:
    return [a_mail(a_contact(f"person{n}@firm{n}.example"), **fields) for n in range(number)]


class World:
    """The check with what it looks at."""

    def __init__(self, way: str = "main", doors: str = "main", hours: int = 24, **silent: Silence) -> None:
        self.clock = FakeClock()
        self.returns = FakeReturns()
        self.returns.silent |= silent
        self.check = SilentAdapter(
            NoOptions(),
            some_services(
                clock=self.clock,
                returns=self.returns,
                routes={"default": way, "newsletter": "main"},
                doors=frozenset(doors.split()),
                silent_after_hours=hours,
            ),
        )

    async def verdicts(self, number: int) -> list[Verdict]:
        return [decide(tuple(said), "first").verdict for said in await self.check.judge(mails(number))]

    async def said(self) -> tuple[Reason, ...]:
        (said,) = await self.check.judge(mails(1))
        return tuple(said)


async def test_as_long_as_the_esp_tells_mail_goes() -> None:
    world = World()
    assert await world.verdicts(3) == [SEND] * 3
    assert world.returns.asked == 1


async def test_while_it_is_silent_mail_waits_a_quarter_of_an_hour() -> None:
    world = World(main=PROBED)
    assert await world.verdicts(3) == [DEFER] * 3
    (reason,) = await world.said()
    assert (reason.code, reason.pace) == (Code.RATE_BACKOFF, False)
    assert reason.facts.until == world.clock.now() + timedelta(minutes=15)
    assert reason.facts.records == ("adapter:main",)
    assert reason.why == (
        "The ESP behind the adapter main has told nothing since 2026-11-21 07:05 UTC of mail it was given; "
        "see penstock doctor."
    )


async def test_one_mail_goes_as_a_probe_where_none_went_lately() -> None:
    world = World(main=NOT_PROBED)
    assert await world.verdicts(3) == [SEND, DEFER, DEFER]
    assert await world.verdicts(2) == [DEFER, DEFER], "the probe is on its way, although the store knows nothing of it"
    world.clock.advance(timedelta(minutes=1))
    assert await world.verdicts(2) == [SEND, DEFER], "it came to nothing"


async def test_a_probe_says_that_it_is_one() -> None:
    (reason,) = await World(main=NOT_PROBED).said()
    assert "07:05 UTC of mail it was given; this mail goes to see" in reason.why


async def test_a_mail_that_may_not_go_is_no_probe() -> None:
    world = World(main=NOT_PROBED)
    blocked = Reason("suppression", Verdict.BLOCK, Code.SUPPRESSED_PERSON, "objected")
    first, second, third = mails(3)
    said = await world.check.judge([first.with_reasons((blocked,)), second, third])
    assert [reasons[0].verdict for reasons in said] == [DEFER, SEND, DEFER]
    assert world.check.hears


async def test_of_two_batches_at_once_one_probe_goes() -> None:
    class Slow(FakeReturns):
        async def silence(self, adapter: str, hours: float, /) -> Silence | None:
            await asyncio.sleep(0)
            return await super().silence(adapter, hours)

    world = World()
    slow = Slow()
    slow.silent["main"] = NOT_PROBED
    services = some_services(returns=slow, doors=frozenset({"main"}), silent_after_hours=24)
    world.check = SilentAdapter(NoOptions(), services)
    both = await asyncio.gather(world.verdicts(2), world.verdicts(2))
    assert sorted(map(sorted, both)) == [[DEFER, DEFER], [DEFER, SEND]]
    assert slow.asked == 1


async def test_the_store_is_asked_once_a_minute() -> None:
    world = World(main=PROBED)
    assert await world.verdicts(1) == [DEFER]
    world.returns.silent.clear()
    world.clock.advance(timedelta(seconds=59))
    assert await world.verdicts(500) == [DEFER] * 500
    assert world.returns.asked == 1
    world.clock.advance(timedelta(seconds=1))
    assert await world.verdicts(500) == [SEND] * 500
    assert world.returns.asked == 2
    world.clock.advance(-timedelta(hours=1))
    assert await world.verdicts(1) == [SEND]
    assert world.returns.asked == 3, "a clock that was put back does not keep an old answer"


async def test_with_no_hours_or_no_door_nobody_is_asked() -> None:
    for world in (World(hours=0, main=PROBED), World(doors="", main=PROBED), World(doors="other", main=PROBED)):
        assert await world.verdicts(2) == [SEND, SEND]
        assert world.returns.asked == 0


async def test_where_nobody_is_watched_the_check_needs_no_reasons_of_others() -> None:
    assert not World(hours=0).check.hears
    assert not World(doors="").check.hears


async def test_mail_without_a_way_out_is_for_others_to_judge() -> None:
    assert await World(way="", main=PROBED).verdicts(1) == [SEND]


async def test_mail_of_no_commercial_stream_is_not_asked_about() -> None:
    world = World(main=PROBED)
    walked = await Pipeline([world.check]).run([*mails(1, stream=Stream.TRANSACTIONAL), *mails(1)])
    assert [len(mail.reasons) for mail in walked] == [0, 1]


async def test_a_route_carries_mail_as_long_as_one_of_its_adapters_tells() -> None:
    for silence in (PROBED, NOT_PROBED):
        world = World("failover(a b)", "a b", a=silence)
        (reason,) = await world.said()
        assert reason.verdict is SEND
        assert "adapter a has told nothing" in reason.why
        assert "its route has another way out" in reason.why
        assert world.returns.asked == 2
    assert await World("weighted(a=3 b=1)", "a", a=PROBED).verdicts(1) == [SEND], "nobody watches b"


async def test_a_route_whose_adapters_are_all_silent_waits() -> None:
    way = "failover(a roundrobin(b c))"
    world = World(way, "a b c", a=PROBED, b=PROBED, c=PROBED)
    said = await world.said()
    assert [(each.verdict, each.facts.records) for each in said] == [
        (DEFER, ("adapter:a",)),
        (DEFER, ("adapter:b",)),
        (DEFER, ("adapter:c",)),
    ]
    assert await World(way, "a b c", a=NOT_PROBED, b=PROBED, c=NOT_PROBED).verdicts(1) == [DEFER]
    assert await World(way, "a b c", a=NOT_PROBED, b=NOT_PROBED, c=NOT_PROBED).verdicts(2) == [SEND, DEFER]


async def test_routes_that_share_an_adapter_share_its_probe() -> None:
    world = World("failover(main b)", "main b", main=NOT_PROBED, b=NOT_PROBED)
    several, letter = *mails(1), *mails(1, stream=Stream.NEWSLETTER)
    assert [said[0].verdict for said in await world.check.judge([several, letter])] == [SEND, DEFER]
    assert world.returns.asked == 2
