"""Failover and shares: nothing that may have left goes a second way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Literal

import pytest

from penstock.adapters.several import Failover, Weighted
from penstock.errors import AdapterUnavailable
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import Capabilities
from penstock.testing.samples import a_contact, a_mail

OK, PLAIN = Accepted(), Capabilities()
AWAY = AdapterUnavailable("away")


@dataclass
class Way:
    """Answers every mail the same; an exception is raised instead."""

    name: str
    answer: Outcome | AdapterUnavailable = OK
    capabilities: Capabilities = PLAIN
    got: list[str] = field(default_factory=list)

    async def prepare(self) -> None:
        if isinstance(self.answer, AdapterUnavailable):
            raise self.answer

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        if isinstance(self.answer, AdapterUnavailable):
            raise self.answer
        self.got += [mail.id for mail in mails]
        return [self.answer] * len(mails)

    async def aclose(self) -> None:
        raise AssertionError("each adapter is closed by its owner")


def mails(number: int) -> list[Mail]:
    return [a_mail(a_contact(f"person{n}@firm{n}.example")) for n in range(number)]


async def test_the_next_takes_what_the_first_could_not_start() -> None:
    unstarted = TryLater("closed", attempt_used=False)
    for first in (Way("a", AWAY), Way("a", unstarted)):
        second = Way("b")
        assert await Failover("f", [first, second]).deliver(mails(3)) == [Accepted()] * 3
        assert len(second.got) == 3


@pytest.mark.parametrize(
    "answer", [Accepted(), Failed("no such user"), Uncertain("no answer"), TryLater("mailbox full")], ids=str
)
async def test_what_was_offered_never_goes_a_second_way(answer: Outcome) -> None:
    second = Way("b")
    assert await Failover("f", [Way("a", answer), second]).deliver(mails(3)) == [answer] * 3
    assert second.got == []


async def test_where_nobody_is_there_nothing_was_started() -> None:
    ways = [Way("a", AWAY), Way("b", AdapterUnavailable("away, too"))]
    for several in (Failover("f", ways), Weighted("w", [(way, 1) for way in ways])):
        with pytest.raises(AdapterUnavailable, match="away"):
            await several.deliver(mails(5))
        with pytest.raises(AdapterUnavailable, match="away"):
            await several.prepare()
    await Failover("f", [ways[0], Way("c")]).prepare()


async def test_an_unstarted_answer_outlives_a_next_that_is_away() -> None:
    later = TryLater("wait", attempt_used=False)
    assert await Failover("f", [Way("a", later), Way("b", AWAY)]).deliver(mails(2)) == [later] * 2


async def test_shares_follow_the_weights_and_a_mail_keeps_its_turn() -> None:
    first, second = Way("a"), Way("b")
    weighted = Weighted("w", [(first, 3), (second, 1)])
    many = mails(400)
    assert await weighted.deliver(many) == [Accepted()] * 400
    shares = Counter({"a": len(first.got), "b": len(second.got)})
    assert 260 <= shares["a"] <= 340
    before = set(first.got)
    first.got.clear()
    await weighted.deliver(many[::-1])
    assert set(first.got) == before


async def test_a_share_whose_adapter_is_away_goes_to_the_others() -> None:
    second = Way("b")
    assert await Weighted("w", [(Way("a", AWAY), 1), (second, 1)]).deliver(mails(20)) == [Accepted()] * 20
    assert len(second.got) == 20


def test_several_can_carry_what_all_can() -> None:
    ways = [
        Way("a", capabilities=Capabilities(max_batch=50, smtputf8=True, dkim="esp", permission="consent")),
        Way("b", capabilities=Capabilities(max_batch=9, smtputf8=None, raw_message=False, lost_headers=frozenset("x"))),
    ]
    found = Failover("f", ways).capabilities
    assert (found.max_batch, found.smtputf8, found.raw_message) == (9, None, False)
    assert (found.dkim, found.permission, found.lost_headers) == ("ours", "consent", frozenset("x"))


@pytest.mark.parametrize(
    ("profiles", "signed"),
    [
        (("ours", "esp", "off"), "ours"),
        (("ours", "off", "off"), "ours"),
        (("esp", "off", "off"), "esp"),
        (("off", "off", "off"), "off"),
    ],
)
def test_who_signs_for_several_does_not_hang_on_their_order(
    profiles: tuple[Literal["ours", "esp", "off"], ...], signed: str
) -> None:
    for order in permutations(profiles):
        ways = [Way(f"w{place}", capabilities=Capabilities(dkim=each)) for place, each in enumerate(order)]
        assert Failover("f", ways).capabilities.dkim == signed
