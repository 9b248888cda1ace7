"""A ready-made message grows older while it is ready or tried again, not while a rule or a person stops it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.unit.store.conftest import FakeClock, World

from penstock.model.codes import Code
from penstock.model.keyring import Keyring, Secret
from penstock.model.outcome import Uncertain
from penstock.model.verdict import Verdict
from penstock.ports import Ending, Settlement
from penstock.queue.sql import SqlQueue
from penstock.store.placing import HandedIn, NewMail
from penstock.store.sqlite import SqliteStore

KEYS = Keyring(*((Secret(name, name.encode() * 16),) for name in ("pp", "tt", "ll")))
DAY, FIVE = timedelta(days=1), timedelta(days=5)


@dataclass
class Table:
    """A store with its queue, and one campaign mail that a client handed in."""

    store: SqliteStore
    queue: SqlQueue
    world: World
    mail: NewMail

    @property
    def clock(self) -> FakeClock:
        return self.world.clock

    async def stop(self, verdict: Verdict, code: Code, *, until: timedelta | None = None) -> None:
        """Judge it and write down what stands against it, as a worker does."""
        (ticket,) = await self.queue.lease(9, 60)
        due = None if until is None else self.clock.now() + until
        await self.store.ledger.record([(self.world.mail(self.mail), self.world.stop(verdict, code, due))])
        await self.queue.settle([Settlement(ticket, due)])

    async def too_old(self) -> bool:
        """Whether five days are over."""
        tickets = await self.queue.lease_expired(9, 0, self.clock.now() - FIVE)
        return bool(tickets)


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    world = World(KEYS)
    store = await SqliteStore.open("sqlite://:memory:", KEYS, world.clock)
    mail = world.new_mail(content=b"Dear Anna", recipient="anna@maskin.example", handed_in=HandedIn("crm", ""))
    await store.mails.accept([mail])
    yield Table(store, SqlQueue(store.database, world.clock), world, mail)
    await store.aclose()


async def test_what_waits_for_its_way_out_grows_too_old(table: Table) -> None:
    table.clock.pass_time(FIVE - timedelta(seconds=1))
    assert not await table.too_old()
    table.clock.pass_time(timedelta(seconds=1))
    assert await table.too_old()


async def test_what_a_person_releases_waits_anew(table: Table) -> None:
    await table.stop(Verdict.HOLD, Code.CONTACT_UNKNOWN)
    table.clock.pass_time(7 * DAY)
    assert await table.store.mails.release([table.mail.id], "")
    assert len(await table.queue.lease(9, 0)) == 1
    assert not await table.too_old()
    table.clock.pass_time(FIVE)
    assert await table.too_old()


@pytest.mark.parametrize("act", ["resume", "approve"])
async def test_what_goes_on_with_its_campaign_waits_anew(table: Table, act: str) -> None:
    campaign = table.mail.step
    await table.store.standings.pause(campaign)
    await table.stop(Verdict.HOLD, Code.CAMPAIGN_PAUSED)
    table.clock.pass_time(7 * DAY)
    if act == "resume":
        assert await table.store.standings.resume(campaign) == 1
    else:
        assert await table.store.standings.approve(campaign, "mark", "Eva") == 1
    assert len(await table.queue.lease(9, 0)) == 1
    assert not await table.too_old()


async def test_what_turns_out_not_to_have_gone_waits_anew_and_what_a_dead_process_left_does_not(table: Table) -> None:
    mail, go = table.world.mail(table.mail), table.world.go()
    await table.queue.lease(9, 60)
    await table.store.ledger.begin([(mail, go)])
    table.clock.pass_time(FIVE)
    assert await table.store.mails.recover(frozenset({"main"})) == (1, 0)
    assert await table.too_old()
    await table.store.ledger.begin([(mail, go)])
    await table.store.ledger.end([Ending(mail, go, Uncertain("lost"))])
    assert await table.store.mails.resolve(mail.id, sent=False)
    assert not await table.too_old()


async def test_what_a_rule_puts_off_does_not_grow_older_meanwhile(table: Table) -> None:
    table.clock.pass_time(2 * DAY)
    await table.stop(Verdict.DEFER, Code.FREQUENCY_CAP, until=7 * DAY)
    table.clock.pass_time(6 * DAY)
    assert not await table.too_old()
    table.clock.pass_time(DAY)
    assert not await table.too_old()
    (ticket,) = await table.queue.lease(9, 60)
    # Tried, and to be tried again: the two days before count on.
    await table.store.database.write(lambda each: each.execute("UPDATE mails SET state = 'queued'").fetchall())
    await table.queue.settle([Settlement(ticket, table.clock.now() + DAY)])
    table.clock.pass_time(3 * DAY - timedelta(seconds=1))
    assert not await table.too_old()
    table.clock.pass_time(timedelta(seconds=1))
    assert await table.too_old()


async def test_a_lost_ticket_of_what_a_rule_put_off_is_no_older(table: Table) -> None:
    await table.stop(Verdict.DEFER, Code.FREQUENCY_CAP, until=7 * DAY)
    await table.queue.drop([table.mail.id])
    await table.queue.mend()
    table.clock.pass_time(7 * DAY)
    assert len(await table.queue.lease(9, 0)) == 1
    assert not await table.too_old()


async def test_what_is_put_off_does_not_expire_whatever_its_ticket_says(table: Table) -> None:
    until = table.clock.now() + 7 * DAY
    late = "UPDATE mails SET state = 'deferred', until = ?"
    bindings = (int(until.timestamp() * 1e6),)
    await table.store.database.write(lambda each: each.execute(late, bindings).fetchall())
    table.clock.pass_time(6 * DAY)
    assert not await table.too_old()
    table.clock.pass_time(DAY)
    assert await table.too_old()
