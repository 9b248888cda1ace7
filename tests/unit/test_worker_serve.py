"""A worker that stays: ways out that do not wait for each other, pauses, a graceful stop, expiry."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

import pytest
from tests.unit.test_pipeline import Edits
from tests.unit.test_worker import DATA

from penstock.assembly import Assembler
from penstock.delivery.hand_over import IN_FLIGHT
from penstock.errors import AdapterUnavailable, StoreUnavailable
from penstock.law.mailboxes import Mailboxes
from penstock.model.campaign import Stream
from penstock.model.contact import Contact
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Outcome, TryLater
from penstock.model.verdict import Decision, Reason
from penstock.pipeline import Pipeline
from penstock.ports import Phase, Ticket
from penstock.queue.sql import SqlQueue
from penstock.store.placing import NewMail
from penstock.store.sqlite import SqliteStore
from penstock.testing import FakeClock, MemoryAdapter, a_keyring, memory_store, some_services
from penstock.testing.samples import an_identifier
from penstock.worker import BATCH, ROUNDS, Worker

pytestmark = pytest.mark.alone  # it watches the clock

MAIN, OTHER = Stream.TRANSACTIONAL, Stream.NOTICE
ROUTES = {"default": "main", Stream.NOTICE.value: "other"}


class RunningClock(FakeClock):
    """Both times run, from the same start."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()

    def machine(self) -> float:
        return super().machine() + time.monotonic() - self._began


class Away(MemoryAdapter):
    """A next hop that nobody reaches until `back`."""

    back = False

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        if not self.back:
            self.batches.append(len(mails))
            raise AdapterUnavailable("no way out")
        return await super().deliver(mails)


class Stalls(MemoryAdapter):
    """A next hop that answers nobody until `goes`."""

    def __init__(self, name: str = "main") -> None:
        super().__init__(name)
        self.goes = asyncio.Event()
        self.reached = asyncio.Event()

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        self.reached.set()
        await self.goes.wait()
        return await super().deliver(mails)


class Scene:
    """A store in memory, two ways out, and the worker between them."""

    def __init__(self, store: SqliteStore, clock: FakeClock) -> None:
        self.store, self.clock = store, clock
        self.queue = SqlQueue(store.database, clock)
        self.main, self.other = MemoryAdapter("main"), MemoryAdapter("other")
        self.stop = asyncio.Event()
        self.told: list[tuple[str, Outcome | None]] = []
        self._assembler = Assembler(
            identifier=an_identifier(),
            mailboxes=Mailboxes.load(),
            keyring=a_keyring(),
            mails=store.mails,
            clock=clock,
            cap_span=lambda _campaign: (timedelta(days=90), 5),
            foreign=store.suppressions.foreign_algorithms,
        )

    def worker(self, queue: SqlQueue | None = None) -> Worker:
        services = some_services(
            clock=self.clock, suppressions=self.store.suppressions, rates=self.store.rates, routes=ROUTES
        )

        async def janitor() -> None:
            await self.store.mails.recover(frozenset())

        return Worker(
            queue=queue or self.queue,
            ledger=self.store.ledger,
            assembler=self._assembler,
            pipeline=Pipeline([Edits(lambda mail: mail.with_content(Message(DATA)), phase=Phase.WRITE, name="writes")]),
            services=services,
            adapters={"main": self.main, "other": self.other},
            janitor=janitor,
            report=lambda mail, _decision, outcome: self.told.append((mail.id, outcome)),
            jitter=lambda: 1.0,
        )

    async def put(self, number: int, stream: Stream = MAIN) -> list[str]:
        mails = []
        for each in range(number):
            address = f"person{each}@firm{each}.example"
            mail_id = hashlib.sha256(f"{stream} {each} {len(self.told)} {time.monotonic_ns()}".encode()).hexdigest()[
                :32
            ]
            identity = an_identifier().of(Contact(address))
            lane = f"{'other' if stream is OTHER else 'main'}/firm{each}.example"
            mails.append(
                NewMail(mail_id, None, None, identity, stream, "nordlicht", lane, self.clock.now(), DATA, address)
            )
        await self.store.mails.accept(mails)
        return [mail.id for mail in mails]

    async def state(self, mail_id: str) -> str:
        (saved,) = await self.store.mails.load([mail_id])
        assert saved is not None
        return saved.state

    async def until(self, true: Callable[[], bool], seconds: float = 8.0) -> None:
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110 — what is waited for lies outside of our tasks
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def serving(self, *, grace: float = 5.0, queue: SqlQueue | None = None) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.worker(queue).serve(self.stop, grace=grace))
        try:
            yield task
        finally:
            self.stop.set()
            await task


@asynccontextmanager
async def scene(clock: FakeClock | None = None) -> AsyncIterator[Scene]:
    clock = clock or FakeClock()
    async with memory_store(clock) as store:
        yield Scene(store, clock)


def _has_delivered(table: Scene, number: int) -> bool:
    return len(table.main.delivered) == number


async def test_new_mails_are_seen_within_a_tenth_of_a_second() -> None:
    async with scene() as table, table.serving():
        await asyncio.sleep(0.2)
        for number in range(1, 4):
            started = time.monotonic()
            await table.put(1)
            await table.until(partial(_has_delivered, table, number))
            assert time.monotonic() - started < 0.2  # with the sending itself, on a busy machine


async def test_a_way_out_that_is_away_keeps_its_mails_and_holds_nobody_up() -> None:
    async with scene(RunningClock()) as table:
        away = table.main = Away("main")
        waiting = await table.put(600)
        async with table.serving():
            await table.until(lambda: bool(away.batches))
            await table.put(40, OTHER)
            await table.until(lambda: len(table.other.delivered) == 40)
            assert sum(away.batches) <= 2 * IN_FLIGHT * 10
            assert {await table.state(each) for each in waiting} <= {"queued", "begun"}
            away.back = True
            table.clock.advance(timedelta(seconds=2))
            await table.until(lambda: len(away.delivered) == 600)
        assert len({mail.id for mail in away.delivered}) == 600


async def test_a_way_out_that_was_away_is_tried_with_few_mails_first() -> None:
    async with scene(RunningClock()) as table:
        away = table.main = Away("main")
        await table.put(300)
        async with table.serving():
            await table.until(lambda: bool(away.batches))
            await asyncio.sleep(0.3)
            before = len(away.batches)
            await table.until(lambda: len(away.batches) > before)
            assert away.batches[before:] == [10]


async def test_a_next_hop_that_stalls_holds_no_round_and_no_slot_of_another() -> None:
    async with scene() as table:
        stalls = table.main = Stalls()
        await table.put(BATCH * ROUNDS + 100)
        async with table.serving():
            await stalls.reached.wait()
            await table.put(200, OTHER)
            await table.until(lambda: len(table.other.delivered) == 200)
            assert stalls.delivered == []
            stalls.goes.set()
            await table.until(lambda: len(stalls.delivered) == BATCH * ROUNDS + 100)


async def test_a_stop_gives_back_at_once_what_has_not_begun_and_waits_for_the_rest() -> None:
    async with scene() as table:
        stalls = table.main = Stalls()
        ids = await table.put(400)
        async with table.serving() as task:
            await stalls.reached.wait()
            await asyncio.sleep(0.2)
            table.stop.set()
            await asyncio.sleep(0.2)
            assert not task.done()
            free = await table.queue.lease(400, 30.0)
            assert len(free) == 400 - IN_FLIGHT * 10
            stalls.goes.set()
            await asyncio.wait_for(task, 2)
        assert len(stalls.delivered) == IN_FLIGHT * 10
        states = [await table.state(each) for each in ids]
        assert states.count("accepted") == IN_FLIGHT * 10
        assert states.count("queued") == 400 - IN_FLIGHT * 10


async def test_a_stop_leaves_to_the_janitor_what_does_not_end_in_time() -> None:
    async with scene() as table:
        stalls = table.main = Stalls()
        (mail_id,) = await table.put(1)
        async with table.serving(grace=0.1) as task:
            await stalls.reached.wait()
            table.stop.set()
            await asyncio.wait_for(task, 2)
        assert await table.state(mail_id) == "begun"
        table.clock.advance(timedelta(minutes=1))
        await table.store.mails.recover(frozenset())
        assert await table.state(mail_id) == "uncertain"


async def test_a_message_that_waited_too_long_fails_though_its_way_out_is_away() -> None:
    async with scene() as table:
        away = table.main = Away("main")
        old = await table.put(300)
        table.clock.advance(timedelta(hours=121))
        (young,) = await table.put(1)
        async with table.serving():
            await table.until(lambda: len(table.told) >= 300)
            await asyncio.sleep(0.1)
        assert {await table.state(each) for each in old} == {"failed"}
        assert await table.state(young) == "queued"
        failed = [outcome for mail_id, outcome in table.told if mail_id == old[7]]
        assert "120 hours" in repr(failed[-1])
        assert "4.4.7" in repr(failed[-1])
        assert away.delivered == []


async def test_what_would_be_tried_again_too_late_fails_at_once() -> None:
    async with scene() as table:
        table.main = MemoryAdapter("main", answer=lambda _mail: TryLater("450 4.2.1 away"))
        (mail_id,) = await table.put(1)
        table.clock.advance(timedelta(hours=119, minutes=45))
        async with table.serving():
            await table.until(lambda: bool(table.told))
        assert await table.state(mail_id) == "failed"
        assert "450 4.2.1 away" in repr(table.told[-1][1])


async def test_a_store_that_is_away_is_waited_for() -> None:
    class Forgets(SqlQueue):
        away = 3

        async def lease(
            self, most: int, seconds: float, among: Sequence[str] | None = None, /, *, way: str | None = None
        ) -> Sequence[Ticket]:
            self.away -= 1
            if self.away >= 0:
                raise StoreUnavailable("away")
            return await super().lease(most, seconds, among, way=way)

    async with scene() as table:
        queue = Forgets(table.store.database, table.clock)
        queue.away = 1
        await table.put(2)
        async with table.serving(queue=queue):
            await table.until(lambda: len(table.main.delivered) == 2)
        assert queue.away < 0


async def test_what_was_in_hand_when_the_store_went_away_goes_as_soon_as_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scene(RunningClock()) as table:
        begin, faults = table.store.ledger.begin, [StoreUnavailable("away"), StoreUnavailable("away")]

        async def begins(decided: Sequence[tuple[Mail, Decision]], /) -> Sequence[Reason | None]:
            if faults:
                raise faults.pop()
            return await begin(decided)

        monkeypatch.setattr(table.store.ledger, "begin", begins)
        await table.put(2)
        async with table.serving():
            await table.until(lambda: len(table.main.delivered) == 2)  # leases last for half a minute
        assert not faults


async def test_a_fault_of_our_own_ends_the_worker_and_is_told() -> None:
    class Breaks(SqlQueue):
        async def lease(
            self, most: int, seconds: float, among: Sequence[str] | None = None, /, *, way: str | None = None
        ) -> Sequence[Ticket]:
            raise ZeroDivisionError

    async with scene() as table:
        await table.put(1)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(table.worker(Breaks(table.store.database, table.clock)).serve(table.stop), 5)
        assert not table.stop.is_set()


async def test_mails_that_answer_each_that_nothing_started_close_the_way_out_as_well() -> None:
    asked: list[str] = []

    def closed(mail: Mail) -> Outcome:
        asked.append(mail.id)
        return TryLater("left alone for a while", attempt_used=False)

    async with scene(RunningClock()) as table:
        table.main = MemoryAdapter("main", answer=closed)
        await table.put(500)
        async with table.serving():
            await table.until(lambda: bool(asked))
            await asyncio.sleep(0.4)
            assert len(asked) <= 2 * IN_FLIGHT * 10


async def test_a_janitor_takes_what_a_dead_worker_began() -> None:
    async with scene() as table:
        stalls = table.main = Stalls()
        (mail_id,) = await table.put(1)
        async with table.serving(grace=0.0):
            await stalls.reached.wait()
        assert await table.state(mail_id) == "begun"
        table.clock.advance(timedelta(minutes=1))
        table.stop, table.main = asyncio.Event(), MemoryAdapter("main", answer=lambda _mail: Accepted("ok"))
        async with table.serving():
            await asyncio.sleep(0.3)
        assert await table.state(mail_id) == "uncertain"
        assert table.main.delivered == []
