"""What people decide about a campaign binds every process and is on record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.unit.store.conftest import World

from penstock.model.codes import Code
from penstock.model.outcome import TryLater
from penstock.model.safety import Safety
from penstock.model.standing import FRESH, CampaignState
from penstock.model.verdict import Verdict
from penstock.ports import Ending, Settlement
from penstock.queue.sql import SqlQueue
from penstock.store.house_rules import HouseRules
from penstock.store.sqlite import SqliteStore


async def test_a_pause_is_durable_seen_by_other_processes_and_told_to_the_ledger(
    path: Path, file_store: SqliteStore, world: World
) -> None:
    assert await file_store.standings.of(["autumn"]) == [FRESH]
    assert await file_store.standings.resume("autumn") is None
    assert await file_store.standings.pause("autumn")
    assert not await file_store.standings.pause("autumn")
    other = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock)
    states = [standing.state for standing in await other.standings.of(["other", "autumn"])]
    assert states == [CampaignState.ACTIVE, CampaignState.PAUSED]
    await other.aclose()
    (row,) = await file_store.ledger.rows(0, 9)
    assert (row.kind, row.body["step"], row.body["state"]) == ("campaign", "autumn", "paused")


async def test_resuming_queues_what_only_the_pause_held(store: SqliteStore, world: World) -> None:
    queue = SqlQueue(store.database, world.clock)
    paused, doubtful = world.new_mail(), world.new_mail("bo@elsewhere.example")
    await store.mails.accept([paused, doubtful])
    await store.standings.pause("autumn")
    for new, code in ((paused, Code.CAMPAIGN_PAUSED), (doubtful, Code.UNVERIFIED)):
        await store.ledger.record([(world.mail(new), world.stop(Verdict.HOLD, code))])
    await queue.drop([paused.id, doubtful.id])
    assert await store.standings.resume("autumn") == 1
    assert [ticket.mail_id for ticket in await queue.lease(9, 30.0)] == [paused.id]
    assert (await store.standings.counts(["autumn"]))[0] == {"queued": 1, "held": 1}


async def test_cancelling_gives_up_what_waits_and_cannot_be_taken_back(store: SqliteStore, world: World) -> None:
    queue = SqlQueue(store.database, world.clock)
    waiting, gone = world.new_mail(), world.new_mail("bo@elsewhere.example")
    await store.mails.accept([waiting, gone])
    await store.ledger.begin([(world.mail(gone), world.go())])
    assert await store.standings.cancel("autumn") == 1
    assert await store.standings.cancel("autumn") is None
    assert await store.standings.resume("autumn") is None
    assert not await store.standings.pause("autumn")
    assert [ticket.mail_id for ticket in await queue.lease(9, 30.0)] == [gone.id]  # what began ends as it would
    assert (await store.standings.counts(["autumn", "never"])) == [{"cancelled": 1, "begun": 1}, {}]


async def test_a_campaign_resumed_while_its_mails_were_judged_does_not_leave_them_held(
    store: SqliteStore, world: World
) -> None:
    new, queue = world.new_mail(), SqlQueue(store.database, world.clock)
    await store.mails.accept([new])
    (ticket,) = await queue.lease(1, 30.0)
    await store.standings.pause("autumn")
    await store.standings.resume("autumn")
    await store.ledger.record([(world.mail(new), world.stop(Verdict.HOLD, Code.CAMPAIGN_PAUSED))])
    await queue.settle([Settlement(ticket)])
    assert [each.mail_id for each in await queue.lease(1, 30.0)] == [new.id]


async def test_a_cancelled_campaigns_mail_that_is_to_be_tried_later_is_given_up(
    store: SqliteStore, world: World
) -> None:
    new, queue = world.new_mail(), SqlQueue(store.database, world.clock)
    await store.mails.accept([new])
    (ticket,) = await queue.lease(1, 30.0)
    await store.ledger.begin([(world.mail(new), world.go())])
    await store.standings.cancel("autumn")
    due = world.clock.now() + timedelta(hours=1)
    await store.ledger.end([Ending(world.mail(new), world.go(), TryLater("busy"), due)])
    await queue.settle([Settlement(ticket)])
    assert (await store.standings.counts(["autumn"]))[0] == {"cancelled": 1}
    assert await queue.depth() == 0


async def test_an_approval_queues_what_waited_for_it_and_keeps_the_name_out_of_the_ledger(world: World) -> None:
    rules = HouseRules(policy_mark="policy", safety=Safety(four_eyes=True))
    store = await SqliteStore.open("sqlite://:memory:", world.keyring, world.clock, rules=rules)
    new = world.new_mail()
    await store.mails.accept([new])
    await store.ledger.record([(world.mail(new), world.stop(Verdict.HOLD, Code.CAMPAIGN_PAUSED))])
    assert await store.standings.approve("autumn", "ab" * 32, "A. Lind") == 1
    (standing,) = await store.standings.of(["autumn"])
    assert (standing.state, standing.approval, standing.approved_by) == (CampaignState.ACTIVE, "ab" * 32, "A. Lind")
    row = (await store.ledger.rows(0, 9))[-1]
    assert row.body["state"] == "approved"
    assert "Lind" not in str(row.body)
    await store.aclose()


async def test_the_first_mail_that_begins_is_remembered(store: SqliteStore, world: World) -> None:
    one, two = world.new_mail(), world.new_mail("bo@elsewhere.example")
    await store.mails.accept([one, two])
    first = world.clock.now()
    await store.ledger.begin([(world.mail(one), world.go())])
    world.clock.pass_time(timedelta(days=1))
    await store.ledger.begin([(world.mail(two, "bo@elsewhere.example"), world.go())])
    assert (await store.standings.of(["autumn"]))[0].first_begun_at == first
