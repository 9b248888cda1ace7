"""Nobody's mails starve behind those of another: shares by way out, controller, urgency and recipient domain."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Stream
from penstock.model.identity import Identity
from penstock.ports import Settlement, Ticket
from penstock.queue.shares import CREDIT, URGENT, Flow, fair_shares
from penstock.queue.sql import SqlQueue
from penstock.store.placing import NewMail
from penstock.store.sqlite import SqliteStore
from penstock.testing import FakeClock, memory_store

START = FakeClock().now()


def new(
    number: int,
    *,
    way: str = "main",
    domain: str = "",
    controller: str = "nordlicht",
    stream: Stream = Stream.PROSPECTING,
    recipient: str | None = None,
) -> NewMail:
    name = hashlib.sha256(f"{number} {way} {controller} {stream}".encode()).hexdigest()[:32]
    person = hashlib.sha256(name.encode()).digest()
    lane = f"{way}/{domain or f'firm{number}.example'}"
    identity = Identity(person, (person,), (), None, None)
    content = None if recipient is None else b"Subject: x\r\n\r\nx\r\n"
    return NewMail(name, None, None, identity, stream, controller, lane, START, content=content, recipient=recipient)


@asynccontextmanager
async def waiting(*mails: NewMail) -> AsyncIterator[tuple[SqlQueue, SqliteStore, FakeClock]]:
    clock = FakeClock()
    async with memory_store(clock) as store:
        await store.mails.accept(mails)
        yield SqlQueue(store.database, clock), store, clock


def ways(tickets: Sequence[Ticket]) -> Counter[str]:
    return Counter(ticket.lane.partition("/")[0] for ticket in tickets)


def domains(tickets: Sequence[Ticket]) -> Counter[str]:
    return Counter(ticket.lane.partition("/")[2] for ticket in tickets)


async def test_a_way_out_with_thousands_of_mails_leaves_half_to_another() -> None:
    many = [new(number, way="slow") for number in range(2_000)]
    async with waiting(*many, *(new(number, way="main") for number in range(50))) as (queue, _, _):
        assert ways(await queue.lease(60, 60)) == {"slow": 30, "main": 30}
        assert ways(await queue.lease(60, 60)) == {"slow": 40, "main": 20}


async def test_tickets_of_one_way_out_can_be_had_alone() -> None:
    async with waiting(new(1, way="slow"), new(2, way="main")) as (queue, _, _):
        assert ways(await queue.lease(9, 60, way="main")) == {"main": 1}
        assert await queue.lease(9, 60, way="main") == []
        assert await queue.ways() == {"slow"}


async def test_a_large_controller_does_not_keep_a_small_one_waiting() -> None:
    many = [new(number, controller="large") for number in range(1_000)]
    async with waiting(*many, *(new(number, controller="small", domain="s.example") for number in range(20))) as (
        q,
        *_,
    ):
        first = await q.lease(40, 60)
        assert domains(first)["s.example"] >= 19
        assert len(first) == 40


async def test_transactional_mail_goes_ahead_and_advertising_is_not_starved() -> None:
    mails = [new(number) for number in range(400)]
    mails += [new(number, stream=Stream.TRANSACTIONAL, domain="t.example") for number in range(400)]
    async with waiting(*mails) as (queue, _, _):
        lanes = [ticket.lane for ticket in await queue.lease(170, 60)]
        assert lanes[0] == "main/t.example"
        assert lanes.count("main/t.example") == 160
        assert "main/t.example" not in lanes[160:]


async def test_a_domain_with_thousands_of_mails_takes_half_while_others_wait() -> None:
    slow = [new(number, domain="slow.example") for number in range(1_000)]
    async with waiting(*slow, *(new(number) for number in range(2_000, 2_150))) as (queue, _, _):
        taken = [domains(await queue.lease(100, 60)) for _ in range(4)]
        assert [each["slow.example"] for each in taken] == [50, 50, 50, 100]
        assert [each.total() for each in taken] == [100] * 4
        assert len(taken[0] + taken[1] + taken[2]) == 151


async def test_a_small_domain_behind_a_large_one_gets_more_than_one_place() -> None:
    slow = [new(number, domain="slow.example") for number in range(300)]
    async with waiting(*slow, *(new(1_000 + number, domain="quick.example") for number in range(30))) as (queue, _, _):
        assert domains(await queue.lease(40, 60))["quick.example"] >= 10


async def test_a_flow_that_was_idle_gets_no_more_than_a_little_credit() -> None:
    mails = [new(number, controller="busy") for number in range(1_000)]
    async with waiting(*mails) as (queue, store, _):
        for _ in range(3):
            await queue.lease(200, 60)
        await store.mails.accept([new(number, controller="late", domain="late.example") for number in range(300)])
        got = [domains(await queue.lease(100, 60))["late.example"] for _ in range(3)]
        assert got[0] <= 50 + CREDIT
        assert got[1:] == [50, 50]


async def test_a_lane_that_waits_for_our_pace_is_not_looked_at() -> None:
    slow = [new(number, domain="slow.example") for number in range(3_000)]
    async with waiting(*slow, new(5_000)) as (queue, _, clock):
        until = clock.machine() + 60
        moved = [await queue.postpone("main/slow.example", until) for _ in range(3)]
        assert moved == [2_000, 1_000, 0]
        assert domains(await queue.lease(9, 60)) == {"firm5000.example": 1}
        clock.advance(timedelta(seconds=61))
        assert domains(await queue.lease(400, 60))["slow.example"] >= 399


async def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    async with waiting(new(1), new(2), new(3)) as (queue, _, clock):
        (given_back, dead) = await queue.lease(2, 30)
        clock.advance(timedelta(days=-1))
        await queue.settle([Settlement(given_back, clock.now())])
        assert {ticket.id for ticket in await queue.lease(9, 30)} == {1, 3}
        await queue.mend()
        assert [ticket.id for ticket in await queue.lease(9, 30)] == [dead.id]


async def test_a_clock_that_leaps_ahead_makes_ready_what_waited_and_still_shares() -> None:
    async with waiting(*(new(number) for number in range(40))) as (queue, store, clock):
        tickets = await queue.lease(40, 30)
        await queue.settle([Settlement(ticket, START + timedelta(hours=2)) for ticket in tickets])
        assert await queue.lease(9, 30) == []
        clock.advance(timedelta(days=1))
        await store.mails.accept([new(number, controller="other", domain="o.example") for number in range(100, 200)])
        assert domains(await queue.lease(50, 30))["o.example"] == CREDIT + 9


async def test_tickets_made_elsewhere_find_their_flow_and_those_of_no_mail_go() -> None:
    async with waiting(new(1), new(2, stream=Stream.NOTICE, recipient="a@b.example")) as (queue, store, _):

        def spoil(connection: object) -> None:
            connection.execute("UPDATE tickets SET flow = 0, ready = 0")  # type: ignore[attr-defined]
            connection.execute("INSERT INTO tickets (id, lane, due, fence) VALUES (99, 'main/x', 0, 1)")  # type: ignore[attr-defined]

        await store.database.write(spoil)
        assert [ticket.id for ticket in await queue.lease(9, 60)] == [2, 1]
        assert await queue.depth() == 2


async def test_mending_gives_back_lost_tickets_and_takes_useless_ones() -> None:
    async with waiting(*(new(number) for number in range(4))) as (queue, store, _):

        def spoil(connection: object) -> None:
            connection.execute("DELETE FROM tickets WHERE id = 1")  # type: ignore[attr-defined]
            connection.execute("UPDATE mails SET state = 'accepted' WHERE seq = 2")  # type: ignore[attr-defined]

        await store.database.write(spoil)
        await queue.mend()
        assert sorted(ticket.id for ticket in await queue.lease(9, 60)) == [1, 3, 4]
        assert await queue.depth() == 3


async def test_ready_made_messages_that_are_too_old_come_out_whatever_they_wait_for() -> None:
    notices = [new(number, stream=Stream.NOTICE, recipient=f"p{number}@firm.example") for number in range(5)]
    async with waiting(*notices, new(50)) as (queue, _, clock):
        held, later = await queue.lease(2, 1e6)
        await queue.settle([Settlement(later, START + timedelta(days=30))])
        clock.advance(timedelta(days=5))
        assert await queue.lease_expired(9, 60, START - timedelta(seconds=1)) == []
        first = await queue.lease_expired(3, 60, START)
        rest = await queue.lease_expired(3, 60, START, first[-1])
        assert {ticket.id for ticket in (*first, *rest)} == {2, 3, 4, 5}
        assert held.since == START.timestamp()


FLOWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.booleans(), st.floats(0, 500), st.integers(0, 400)), min_size=1, max_size=8
)


@given(FLOWS, st.integers(1, 300))
def test_any_mix_is_served_in_full_and_each_within_its_share(
    mix: list[tuple[str, bool, float, int]], most: int
) -> None:
    flows = [Flow(number, way, urgent, turn) for number, (way, urgent, turn, _) in enumerate(mix)]
    waiting = {number: each[3] for number, each in enumerate(mix)}
    clocks = {way: max(flow.turn for flow in flows if flow.way == way) for way in {flow.way for flow in flows}}
    shares = fair_shares(flows, waiting, most, clocks)
    assert sum(number for number, _ in shares.values()) == min(most, sum(waiting.values()))
    assert all(0 < number <= waiting[id_] for id_, (number, _) in shares.items())
    per_way = Counter(dict.fromkeys(clocks, 0))
    for id_, (number, _) in shares.items():
        per_way[flows[id_].way] += number
    open_ways = [w for w in clocks if per_way[w] < sum(waiting[f.id] for f in flows if f.way == w)]
    if open_ways:
        assert max(per_way.values()) - min(per_way[way] for way in open_ways) <= 1


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3)), min_size=2, max_size=6), st.integers(1, 40))
def test_who_always_has_mails_lags_behind_its_share_by_no_more_than_the_credit(
    mix: list[tuple[bool, int]], most: int
) -> None:
    turns = dict.fromkeys(range(len(mix)), 0.0)
    served: Counter[int] = Counter()
    for round_ in range(60):
        ready = [
            Flow(n, "w", urgent, turns[n]) for n, (urgent, every) in enumerate(mix) if round_ % every == 0 or n == 0
        ]
        shares = fair_shares(ready, {flow.id: 1_000 for flow in ready}, most, {"w": max(turns.values())})
        for id_, (number, turn) in shares.items():
            turns[id_], served[id_] = turn, served[id_] + number
    steady = [n for n, (_, every) in enumerate(mix) if every == 1 or n == 0]
    weights = {n: URGENT if mix[n][0] else 1 for n in steady}
    normal = [served[n] / weights[n] for n in steady]
    assert max(normal) - min(normal) <= CREDIT + 1
