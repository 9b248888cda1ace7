"""What people decide about a campaign binds every process and is on record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.unit.store.conftest import World

from penstock.model.codes import Code
from penstock.model.standing import FRESH, CampaignState
from penstock.model.verdict import Verdict
from penstock.queue.sql import SqlQueue
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
    for new, code in ((paused, Code.CAMPAIGN_PAUSED), (doubtful, Code.UNVERIFIED)):
        await store.ledger.record([(world.mail(new), world.stop(Verdict.HOLD, code))])
    await store.standings.pause("autumn")
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


async def test_an_approval_queues_what_waited_for_it_and_keeps_the_name_out_of_the_ledger(
    store: SqliteStore, world: World
) -> None:
    new = world.new_mail()
    await store.mails.accept([new])
    await store.ledger.record([(world.mail(new), world.stop(Verdict.HOLD, Code.CAMPAIGN_PAUSED))])
    assert await store.standings.approve("autumn", "ab" * 32, "A. Lind") == 1
    (standing,) = await store.standings.of(["autumn"])
    assert (standing.state, standing.approval, standing.approved_by) == (CampaignState.ACTIVE, "ab" * 32, "A. Lind")
    row = (await store.ledger.rows(0, 9))[-1]
    assert row.body["state"] == "approved"
    assert "Lind" not in str(row.body)


async def test_the_first_mail_that_begins_is_remembered(store: SqliteStore, world: World) -> None:
    one, two = world.new_mail(), world.new_mail("bo@elsewhere.example")
    await store.mails.accept([one, two])
    first = world.clock.now()
    await store.ledger.begin([(world.mail(one), world.go())])
    world.clock.pass_time(timedelta(days=1))
    await store.ledger.begin([(world.mail(two, "bo@elsewhere.example"), world.go())])
    assert (await store.standings.of(["autumn"]))[0].first_begun_at == first
