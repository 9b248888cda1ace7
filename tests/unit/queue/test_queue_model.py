"""Any sequence of leases, settlements, pauses, clock leaps and stops: no ticket is lost, none is leased twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.unit.queue.test_fairness import new

from penstock.model.campaign import Stream
from penstock.ports import Settlement, Ticket
from penstock.queue.sql import SqlQueue
from penstock.store.sqlite import SqliteStore
from penstock.testing import FakeClock, a_keyring

T = TypeVar("T")
LEASE = 30.0


class QueueModel(RuleBasedStateMachine):
    """Beside the queue: which mails must be in it, and who holds what until when by the machine's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = FakeClock()
        self.store = self.run(SqliteStore.open("sqlite://:memory:", a_keyring(), self.clock))
        self.queue = SqlQueue(self.store.database, self.clock)
        self.number = 0
        self.inside: set[str] = set()
        self.held: dict[str, tuple[Ticket, float]] = {}

    def run(self, job: Awaitable[T]) -> T:
        return self.loop.run_until_complete(job)

    def teardown(self) -> None:
        self.run(self.store.aclose())
        self.loop.close()

    @rule(
        count=st.integers(1, 12),
        way=st.sampled_from(["main", "slow"]),
        controller=st.sampled_from(["large", "small"]),
        stream=st.sampled_from([Stream.PROSPECTING, Stream.NOTICE]),
        domain=st.sampled_from(["", "a.example"]),
    )
    def put(self, count: int, way: str, controller: str, stream: Stream, domain: str) -> None:
        mails = []
        for _ in range(count):
            self.number += 1
            mails.append(new(self.number, way=way, controller=controller, stream=stream, domain=domain))
        self.run(self.store.mails.accept(mails))
        self.inside |= {mail.id for mail in mails}

    @rule(most=st.integers(1, 20), way=st.sampled_from([None, "main", "slow"]))
    def lease(self, most: int, way: str | None) -> None:
        tickets = self.run(self.queue.lease(most, LEASE, way=way))
        assert len({ticket.mail_id for ticket in tickets}) == len(tickets) <= most
        for ticket in tickets:
            assert ticket.mail_id in self.inside
            assert self.held.get(ticket.mail_id, (ticket, 0.0))[1] <= self.clock.machine()
            self.held[ticket.mail_id] = (ticket, self.clock.machine() + LEASE)

    @rule(done=st.booleans(), minutes=st.integers(-5, 5), wait=st.sampled_from([0.0, 40.0]), data=st.data())
    def settle(self, done: bool, minutes: int, wait: float, data: st.DataObject) -> None:
        if not self.held:
            return
        ticket, _ = self.held.pop(data.draw(st.sampled_from(sorted(self.held))))
        due = None if done else self.clock.now() + timedelta(minutes=minutes)
        self.run(self.queue.settle([Settlement(ticket, due, self.clock.machine() + wait if wait else 0.0)]))
        if done:
            self.inside.discard(ticket.mail_id)
            over = "UPDATE mails SET state = 'accepted' WHERE id = unhex(?)"
            self.run(self.store.database.write(lambda each: each.execute(over, (ticket.mail_id,)).fetchall()))

    @rule()
    def renew(self) -> None:
        held = {name: each for name, each in self.held.items() if each[1] > self.clock.machine()}
        assert self.run(self.queue.renew([ticket for ticket, _ in held.values()], LEASE)) == len(held)
        until = self.clock.machine() + LEASE
        self.held |= {name: (ticket, until) for name, (ticket, _) in held.items()}

    @rule(seconds=st.sampled_from([1, 31, 400]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule(lane=st.sampled_from(["main/a.example", "slow/a.example"]))
    def postpone(self, lane: str) -> None:
        self.run(self.queue.postpone(lane, self.clock.machine() + 60))

    @rule()
    def look(self) -> None:
        seconds, ways = self.run(self.queue.ready_in()), self.run(self.queue.ways())
        assert (seconds is None) == (not self.inside)
        assert bool(ways) == (seconds == 0.0)

    @rule()
    def mend(self) -> None:
        self.run(self.queue.mend())

    @invariant()
    def nothing_is_lost(self) -> None:
        assert {each.mail_id for each in self.run(self.queue.entries(0, 10_000))} == self.inside

    @rule()
    def all_comes_in_the_end(self) -> None:
        self.clock.advance(timedelta(days=1))
        found: set[str] = set()
        while tickets := self.run(self.queue.lease(7, LEASE)):
            found |= {ticket.mail_id for ticket in tickets}
            self.held |= {ticket.mail_id: (ticket, self.clock.machine() + LEASE) for ticket in tickets}
        assert found == self.inside


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
