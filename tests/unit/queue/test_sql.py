"""The queue in the store: due times by the rules' clock, leases by the machine's."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from penstock.model.campaign import Stream
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring, Secret
from penstock.ports import Settlement
from penstock.queue.sql import SqlQueue
from penstock.store.placing import NewMail
from penstock.store.sqlite import SqliteStore

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
KEYS = Keyring(*((Secret(name, name.encode() * 16),) for name in ("pp", "tt", "ll")))


@dataclass
class TwoClocks:
    """Rule time may stand still while the machine's runs."""

    rule: datetime = START
    seconds: float = START.timestamp()

    def now(self) -> datetime:
        return self.rule

    def machine(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> TwoClocks:
    return TwoClocks()


@pytest.fixture
async def store(clock: TwoClocks) -> AsyncIterator[SqliteStore]:
    store = await SqliteStore.open("sqlite://:memory:", KEYS, clock)
    yield store
    await store.aclose()


@pytest.fixture
def queue(store: SqliteStore, clock: TwoClocks) -> SqlQueue:
    return SqlQueue(store.database, clock)


def new(mail_id: str, lane: str = "main/a.example", due: datetime = START) -> NewMail:
    person = hashlib.sha256(mail_id.encode()).digest()
    identity = Identity(person, (person,), (), None, None)
    return NewMail(mail_id, None, None, identity, Stream.NOTICE, "nordlicht", lane, due)


async def test_tickets_come_out_by_their_due_time(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    late, early = START - timedelta(minutes=1), START - timedelta(minutes=9)
    await store.mails.accept([new("bb", due=late), new("aa", due=early), new("ee", due=START + timedelta(seconds=1))])
    assert [ticket.mail_id for ticket in await queue.lease(9, 60)] == ["aa", "bb"]
    clock.rule += timedelta(seconds=1)
    assert [ticket.mail_id for ticket in await queue.lease(9, 60)] == ["ee"]
    assert await queue.lease(9, 60) == []


async def test_no_more_are_leased_than_asked_for(store: SqliteStore, queue: SqlQueue) -> None:
    await store.mails.accept([new(f"{number:02x}") for number in range(5)])
    assert [len(await queue.lease(2, 60)) for _ in range(4)] == [2, 2, 1, 0]


async def test_tickets_of_named_mails_only(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    later = START + timedelta(seconds=90)
    await store.mails.accept([new("aa"), new("bb"), new("cc", due=later)])
    assert [ticket.mail_id for ticket in await queue.lease(9, 60, ["bb", "cc", "dd"])] == ["bb"]
    assert await queue.ready_in(["cc"]) == 90
    assert await queue.ready_in(["bb"]) == 60
    assert await queue.ready_in(["dd"]) is await queue.ready_in([]) is None
    assert await queue.lease(9, 60, []) == []
    clock.rule = later
    assert await queue.ready_in(["cc"]) == 0.0


async def test_a_lease_that_ran_out_comes_back_with_another_fence(
    store: SqliteStore, queue: SqlQueue, clock: TwoClocks
) -> None:
    await store.mails.accept([new("aa")])
    (first,) = await queue.lease(1, 60)
    clock.seconds += 59.9
    assert await queue.lease(1, 60) == []
    clock.seconds += 0.1
    (second,) = await queue.lease(1, 60)
    assert (second.id, second.fence) == (first.id, first.fence + 1)


async def test_a_stale_fence_changes_nothing(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    await store.mails.accept([new("aa")])
    (stale,) = await queue.lease(1, 60)
    clock.seconds += 60
    (current,) = await queue.lease(1, 60)
    await queue.settle([Settlement(stale)])
    await queue.settle([Settlement(stale, START)])
    assert await queue.renew([stale], 600) == 0
    assert await queue.depth() == 1
    assert await queue.lease(1, 60) == []
    await queue.settle([Settlement(current)])
    assert await queue.depth() == 0


async def test_a_claim_on_an_earlier_ticket_of_the_same_mail_changes_nothing(
    store: SqliteStore, queue: SqlQueue
) -> None:
    await store.mails.accept([new("aa")])
    (earlier,) = await queue.lease(1, 60)
    assert await queue.drop(["aa"]) == 1
    await store.database.write(lambda connection: connection.execute("UPDATE mails SET state = 'held'"))
    await store.mails.accept([new("aa")])
    (current,) = await queue.lease(1, 60)
    await queue.settle([Settlement(earlier)])
    assert await queue.renew([earlier], 60) == 0
    assert await queue.renew([current], 60) == 1


async def test_many_are_settled_each_in_its_way(store: SqliteStore, queue: SqlQueue) -> None:
    await store.mails.accept([new(f"{number:04x}") for number in range(600)])
    tickets = await queue.lease(600, 60)
    assert [ticket.mail_id for ticket in tickets] == [f"{number:04x}" for number in range(600)]
    await queue.settle([Settlement(ticket, START if ticket.id % 3 else None) for ticket in tickets])
    assert await queue.depth() == 400
    assert [ticket.id % 3 for ticket in await queue.lease(9, 60)] == [1, 2, 1, 2, 1, 2, 1, 2, 1]


async def test_a_late_settlement_counts_while_nobody_else_took_the_ticket(
    store: SqliteStore, queue: SqlQueue, clock: TwoClocks
) -> None:
    await store.mails.accept([new("aa")])
    (ticket,) = await queue.lease(1, 60)
    clock.seconds += 600
    await queue.settle([Settlement(ticket)])
    assert await queue.depth() == 0


async def test_a_ticket_given_back_is_due_when_said(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    await store.mails.accept([new("aa")])
    (ticket,) = await queue.lease(1, 60)
    await queue.settle([Settlement(ticket, START + timedelta(minutes=30))])
    assert await queue.lease(1, 60) == []
    assert await queue.ready_in() == 1800
    clock.rule += timedelta(minutes=30)
    assert len(await queue.lease(1, 60)) == 1


async def test_a_ticket_is_not_leased_before_the_machine_time_given(
    store: SqliteStore, queue: SqlQueue, clock: TwoClocks
) -> None:
    await store.mails.accept([new("aa")])
    (ticket,) = await queue.lease(1, 60)
    await queue.settle([Settlement(ticket, START, not_before=clock.seconds + 90)])
    assert not (await queue.entries(0, 9))[0].leased
    assert await queue.ready_in() == pytest.approx(90)
    clock.seconds += 89
    assert await queue.lease(1, 60) == []
    clock.seconds += 1
    assert len(await queue.lease(1, 60)) == 1


async def test_a_renewed_lease_holds_longer(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    await store.mails.accept([new("aa")])
    tickets = await queue.lease(1, 60)
    clock.seconds += 50
    assert await queue.renew(tickets, 60) == 1
    clock.seconds += 50
    assert await queue.lease(1, 60) == []


async def test_a_lane_waits_as_a_whole_but_for_what_is_in_work(
    store: SqliteStore, queue: SqlQueue, clock: TwoClocks
) -> None:
    await store.mails.accept([new("aa"), new("bb"), new("cc"), new("dd", lane="main/b.example")])
    (held,) = await queue.lease(1, 60)
    until = clock.seconds + 30
    assert await queue.postpone("main/a.example", until) == 2
    assert await queue.postpone("main/a.example", until - 10) == 0
    assert [ticket.mail_id for ticket in await queue.lease(9, 60)] == ["dd"]
    assert await queue.ready_in() == pytest.approx(30)
    await queue.settle([Settlement(held)])
    clock.seconds += 30
    assert [ticket.mail_id for ticket in await queue.lease(9, 60)] == ["bb", "cc"]


async def test_when_the_next_ticket_can_be_had_is_known(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    assert await queue.ready_in() is None
    await store.mails.accept([new("aa", due=START + timedelta(hours=1)), new("bb")])
    assert await queue.ready_in() == 0.0
    await queue.lease(1, 60)
    assert await queue.ready_in() == pytest.approx(60)
    clock.seconds += 60
    assert await queue.ready_in() == 0.0


async def test_people_see_retry_and_drop_tickets(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    tomorrow = START + timedelta(days=1)
    await store.mails.accept([new("aa"), new("bb", due=tomorrow), new("cc", due=tomorrow)])
    (held,) = await queue.lease(1, 60)
    first, second = await queue.entries(0, 2), await queue.entries(2, 2)
    assert [(each.mail_id, each.leased) for each in (*first, *second)] == [("aa", True), ("bb", False), ("cc", False)]
    assert (second[0].lane, second[0].due) == ("main/a.example", tomorrow)
    assert await queue.retry(["aa", "bb", "unknown"]) == 1
    assert [ticket.mail_id for ticket in await queue.lease(9, 60)] == ["bb"]
    assert await queue.drop(["aa", "cc"]) == 2
    await queue.settle([Settlement(held, START)])
    assert [each.mail_id for each in await queue.entries(0, 9)] == ["bb"]
    assert await queue.retry([]) == await queue.drop([]) == 0


async def test_a_retry_ends_a_wait_for_our_pace(store: SqliteStore, queue: SqlQueue, clock: TwoClocks) -> None:
    await store.mails.accept([new("aa")])
    await queue.postpone("main/a.example", clock.seconds + 600)
    assert await queue.retry(["aa"]) == 1
    assert len(await queue.lease(1, 60)) == 1


async def test_nothing_settled_is_nothing_done(queue: SqlQueue) -> None:
    await queue.settle([])
    assert await queue.renew([], 60) == 0


async def test_what_waits_for_our_pace_does_not_wait_longer_when_the_clock_is_set_back(
    store: SqliteStore, queue: SqlQueue, clock: TwoClocks
) -> None:
    await store.mails.accept([new("aa"), new("bb")])
    first, _ = await queue.lease(2, 60)
    await queue.settle([Settlement(first, clock.now(), not_before=clock.machine() + 30)])
    clock.seconds -= 86400
    await queue.mend()
    assert {ticket.mail_id for ticket in await queue.lease(9, 60)} == {"aa", "bb"}
