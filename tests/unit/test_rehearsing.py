"""Test mails to oneself: what they are, and what they leave as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import AdapterUnavailable, InvalidInput
from penstock.gate import Gate
from penstock.model.codes import Code
from penstock.model.mail import Message
from penstock.model.outcome import Accepted, Failed
from penstock.ports import Capabilities
from penstock.rehearsing import Rehearsed, rehearse
from penstock.testing import MemoryAdapter

Row = dict[str, Any]
Person = Callable[..., Row]
Open = Callable[..., AbstractAsyncContextManager[Gate]]

ME = "me@nordlicht.example"


async def rehearsed(gate: Gate, campaign: Path, rows: list[Row], adapter: MemoryAdapter, **how: Any) -> list[Rehearsed]:
    """As `send --test-to`, with that way out; ids count up from 1."""
    ids: Iterator[str] = iter(f"{n:032x}" for n in range(1, 100))
    house = replace(gate.house, adapters={"main": adapter})
    to = how.pop("to", ME)
    return await rehearse(house, gate.campaign(campaign), gate.source(rows), to, new_id=lambda: next(ids), **how)


async def test_a_test_is_a_mail_of_its_own_to_another_mailbox(campaign: Path, opened: Open, person: Person) -> None:
    sender = '[{domain = "nordlicht.example", return_path = "bounce.nordlicht.example"}]'
    adapter = MemoryAdapter()
    async with opened(SENDER=sender) as gate:
        (done,) = await rehearsed(gate, campaign, [person("anna")], adapter)
        (mail,) = adapter.delivered
        tokens = gate.house.services.tokens
        assert tokens.read(mail.envelope.sender.partition("@")[0].removeprefix("b+")) == ("bounce", mail.id)
    assert isinstance(done.outcome, Accepted)
    assert (done.address, done.decision.verdict, done.why) == ("anna.berg@anna-maskin.example", "send", "")
    assert (mail.id, mail.envelope.recipient, mail.variant) == (f"{1:032x}", ME, "first")
    assert isinstance(mail.content, Message)
    assert mail.content.letter is not None
    assert mail.content.letter.header("Subject") == "[TEST] Anna Maskin AB: purchasing without spreadsheets"


async def test_nothing_is_used_up_and_nothing_but_a_count_is_kept(campaign: Path, opened: Open, person: Person) -> None:
    rows = [person("anna"), person("bo")]
    async with opened(ADAPTERS__MAIN__RATE='["2/1d"]', SAFETY__DAILY_CEILING="2") as gate:
        for _ in range(3):
            assert len(await rehearsed(gate, campaign, rows, MemoryAdapter(), limit=2)) == 2
        assert await gate.house.queue.depth() == 0
        assert await gate.house.store.contacts.page("", 9) == []
        kept = await gate.house.store.ledger.rows(0, 99)
        assert [row.kind for row in kept] == ["test"] * 3
        assert not [row for row in kept if "@" in str(row.body)]
        report = await gate.send(campaign, rows, wait=0)
        assert report.outcomes == {"accepted": 2}


async def test_what_the_real_mail_would_meet_is_told_and_the_test_is_made_all_the_same(
    campaign: Path, opened: Open, person: Person
) -> None:
    async with opened() as gate:
        await gate.send(campaign, [person("anna")], wait=0)
        done = await rehearsed(
            gate, campaign, [person("anna"), person("bo", born="2020-01-01")], adapter := MemoryAdapter(), limit=2
        )
    assert [each.decision.code for each in done] == [
        Code.MINOR if "bo" in each.address else Code.DUPLICATE for each in done
    ]
    assert [mail.variant for mail in adapter.delivered] == ["regular", "first"]


async def test_many_tests_go_in_the_batches_of_the_way_out(campaign: Path, opened: Open, person: Person) -> None:
    adapter = MemoryAdapter(capabilities=Capabilities(max_batch=2), answer=lambda mail: Failed(mail.id[-1]))
    async with opened() as gate:
        done = await rehearsed(gate, campaign, [person(f"p{n}") for n in range(7)], adapter, limit=5)
    assert adapter.batches == [2, 2, 1]
    assert [each.outcome for each in done] == [Failed(str(n)) for n in range(1, 6)]


async def test_one_contact_may_be_chosen_by_any_form_of_the_address(
    campaign: Path, opened: Open, person: Person
) -> None:
    rows = [person("anna"), {"address": "broken"}, person("bo")]
    async with opened() as gate:
        (done,) = await rehearsed(gate, campaign, rows, MemoryAdapter(), as_address="BO.berg+x@Bo-Maskin.example")
    assert done.address == "bo.berg@bo-maskin.example"


async def test_the_brakes_bind_tests_too(campaign: Path, opened: Open, person: Person) -> None:
    rows = [person("anna")]
    async with opened(SAFETY__REDIRECT_ALL_TO="trial@nordlicht.example") as gate:
        await rehearsed(gate, campaign, rows, adapter := MemoryAdapter())
        assert [mail.envelope.recipient for mail in adapter.delivered] == ["trial@nordlicht.example"]
    async with opened(SAFETY__ALLOW_RECIPIENTS='["maskin.example"]') as gate:
        with pytest.raises(InvalidInput, match="allow_recipients"):
            await rehearsed(gate, campaign, rows, adapter := MemoryAdapter())
        assert adapter.delivered == []


@pytest.mark.parametrize(
    ("how", "what"),
    [
        ({"limit": 0}, "there is no contact"),
        ({"as_address": "nobody@maskin.example"}, "no contact has this address"),
        ({"as_address": "nobody"}, "--as: not an address"),
        ({"to": "me"}, "--test-to: not an address"),
    ],
)
async def test_what_cannot_be_tested_is_refused(
    campaign: Path, opened: Open, person: Person, how: dict[str, Any], what: str
) -> None:
    async with opened() as gate:
        with pytest.raises(InvalidInput, match=what):
            await rehearsed(gate, campaign, [person("anna")], adapter := MemoryAdapter(), **how)
        assert adapter.batches == []


async def test_a_way_out_that_is_away_is_told_and_nothing_is_kept(campaign: Path, opened: Open, person: Person) -> None:
    class Away(MemoryAdapter):
        async def deliver(self, mails: Any, /) -> Any:
            raise AdapterUnavailable("no way out")

    async with opened() as gate:
        with pytest.raises(AdapterUnavailable):
            await rehearsed(gate, campaign, [person("anna")], Away())
        assert await gate.house.store.ledger.rows(0, 9) == []
