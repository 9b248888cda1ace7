"""One round of the worker, against the real store in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from tests.unit.test_pipeline import Edits, Judges

from penstock.assembly import Assembler, new_mail
from penstock.delivery.retry import in_time, next_try
from penstock.errors import AdapterUnavailable, StoreUnavailable
from penstock.law.mailboxes import Mailboxes
from penstock.model.campaign import Campaign, Enclosure
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason
from penstock.model.verdict import Decision, Facts, Reason, Verdict
from penstock.pipeline import Pipeline
from penstock.ports import Capabilities, NoOptions, Phase, Settlement, Stage
from penstock.queue.sql import SqlQueue
from penstock.stages.edits.compose import Compose
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.stages.edits.write import Write
from penstock.store.sqlite import SqliteStore
from penstock.testing import FakeClock, MemoryAdapter, a_campaign, a_contact, a_keyring, memory_store, some_services
from penstock.testing.samples import a_mail, an_identifier
from penstock.worker import BATCH, ROUNDS, Worker

DATA = b"From: a@sender.example\r\nTo: b@firm.example\r\nSubject: x\r\n\r\nHello\r\n"


@dataclass
class Bench:
    """A worker with everything around it at hand."""

    store: SqliteStore
    queue: SqlQueue
    clock: FakeClock
    assembler: Assembler
    adapter: MemoryAdapter
    told: list[tuple[str, Decision, Outcome | None]] = field(default_factory=list)
    stages: Sequence[Stage] = ()
    writes: bool = True
    lease_seconds: float = 30.0

    def worker(self) -> Worker:
        services = some_services(clock=self.clock, suppressions=self.store.suppressions, rates=self.store.rates)
        writes = Edits(lambda mail: mail.with_content(Message(DATA)), phase=Phase.WRITE, name="writes")

        async def janitor() -> None:
            await self.store.mails.recover(frozenset())

        return Worker(
            queue=self.queue,
            ledger=self.store.ledger,
            assembler=self.assembler,
            pipeline=Pipeline([*self.stages, writes] if self.writes else self.stages),
            services=services,
            adapters={"main": self.adapter},
            janitor=janitor,
            report=lambda mail, decision, outcome: self.told.append((mail.id, decision, outcome)),
            lease_seconds=self.lease_seconds,
        )

    async def plan(self, contacts: Sequence[Contact], campaign: Campaign | None = None) -> list[Mail]:
        campaign = campaign or a_campaign()
        identifier = an_identifier()
        stored = await self.store.contacts.upsert([(contact, identifier.of(contact)) for contact in contacts])
        mails = [self.assembler.mail(campaign, each.contact, each.id) for each in stored]
        await self.store.mails.accept([new_mail(mail, "main", self.clock.now()) for mail in mails])
        return mails

    async def drain(self, wait: float = 0.0) -> None:
        await self.worker().drain(wait=wait, stop=asyncio.Event())

    async def state(self, mail_id: str) -> str:
        (saved,) = await self.store.mails.load([mail_id])
        assert saved is not None
        return saved.state


@asynccontextmanager
async def bench(
    answer: Callable[[Mail], Outcome] = lambda _mail: Accepted("ok"), *, clock: FakeClock | None = None
) -> AsyncIterator[Bench]:
    clock = clock or FakeClock()
    async with memory_store(clock) as store:
        assembler = Assembler(
            identifier=an_identifier(),
            mailboxes=Mailboxes.load(),
            keyring=a_keyring(),
            mails=store.mails,
            clock=clock,
            cap_span=lambda _campaign: (timedelta(days=90), 5),
            foreign=store.suppressions.foreign_algorithms,
        )
        adapter = MemoryAdapter(answer=answer, capabilities=Capabilities(max_batch=50))
        yield Bench(store, SqlQueue(store.database, clock), clock, assembler, adapter)


def people(number: int) -> list[Contact]:
    return [a_contact(f"person{n}@firm{n}.example") for n in range(number)]


async def test_a_mail_goes_once_and_leaves_the_queue() -> None:
    async with bench() as table:
        mails = await table.plan(people(3))
        await table.drain()
        await table.drain()
        assert [mail.id for mail in table.adapter.delivered] == [mail.id for mail in mails]
        assert await table.queue.depth() == 0
        assert {await table.state(mail.id) for mail in mails} == {"accepted"}


async def test_rule_3_a_batch_is_what_is_due_and_slices_have_at_most_fifty_mails() -> None:
    async with bench() as table:
        await table.plan(people(120))
        assert await table.worker().round() == 120
        assert sum(table.adapter.batches) == 120
        assert max(table.adapter.batches) <= 50
        assert BATCH * ROUNDS == 500


async def test_rule_3_mails_with_large_files_are_worked_on_few_at_a_time() -> None:
    file = Enclosure("", "a.bin", "application/octet-stream", "f" * 64, bytes(9 * 1024 * 1024))
    campaign = a_campaign()
    campaign = replace(campaign, message=replace(campaign.message, enclosures=(file,)))
    async with bench() as table:
        mails = await table.plan(people(5), campaign)
        assert await table.worker().round() == 5
        assert [mail.id for mail in table.adapter.delivered] == [mail.id for mail in mails]
        assert table.adapter.batches == [2, 2, 1]


async def test_rule_9_an_opt_out_between_judging_and_hand_over_stops_the_mail() -> None:
    async with bench() as table:
        (mail,) = await table.plan(people(1))

        class OptsOut(Judges):
            async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
                entry = Suppression(
                    SuppressionKind.PERSON,
                    mail.identity.person_keys,
                    "all",
                    SuppressionReason.OBJECTION,
                    table.clock.now(),
                )
                await table.store.suppressions.add([entry])
                return await super().judge(mails)

        table.stages = [OptsOut()]
        await table.drain()
        assert table.adapter.delivered == []
        assert table.told[0][1].code is Code.SUPPRESSED_PERSON
        assert await table.state(mail.id) == "blocked"


async def test_rule_9_a_file_with_unusable_rows_in_between_holds_the_mail() -> None:
    async with bench() as table:
        (mail,) = await table.plan(people(1))

        class Imports(Judges):
            async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
                await table.store.suppressions.imports.add("list.csv", 1, ["all"])
                return await super().judge(mails)

        table.stages = [Imports()]
        await table.drain()
        assert table.adapter.delivered == []
        assert table.told[0][1].code is Code.IMPORT_UNRESOLVED
        assert await table.state(mail.id) == "held"


async def test_rule_10_waiting_for_our_own_pace_writes_no_ledger_entry_and_moves_the_lane() -> None:
    async with bench() as table:
        (mail,) = await table.plan(people(1))
        until = table.clock.now() + timedelta(minutes=10)
        slow = Reason("pace", Verdict.DEFER, Code.RATE_BACKOFF, "pace", Facts(until=until), pace=True)
        table.stages = [Judges(lambda _mail: slow, phase=Phase.PACE)]
        await table.drain()
        assert await table.store.ledger.show(mail.id) == []
        assert table.told == []
        ready = await table.queue.ready_in()
        assert ready == pytest.approx(600, abs=1)


async def test_rule_11_a_held_mail_is_recorded_and_kept_for_a_person() -> None:
    async with bench() as table:
        (mail,) = await table.plan(people(1))
        table.stages = [Judges(lambda _mail: Reason("judges", Verdict.HOLD, Code.NOT_RELEVANT, "why"))]
        await table.drain()
        assert await table.state(mail.id) == "held"
        assert [row.kind for row in await table.store.ledger.show(mail.id)] == ["decision"]


async def test_a_deferred_mail_comes_back_when_it_is_due() -> None:
    async with bench() as table:
        (mail,) = await table.plan(people(1))
        until = table.clock.now() + timedelta(hours=1)

        def not_yet(_mail: Mail) -> Reason:
            due = table.clock.now() >= until
            return Reason("j", Verdict.SEND) if due else Reason("j", Verdict.DEFER, None, "wait", Facts(until=until))

        table.stages = [Judges(not_yet)]
        await table.drain()
        assert table.adapter.delivered == []
        table.clock.advance(timedelta(hours=1))
        await table.drain()
        assert [each.id for each in table.adapter.delivered] == [mail.id]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Failed("no such user", "5.1.1"), "failed"), (Uncertain("broke after the dot"), "uncertain")],
)
async def test_an_outcome_that_is_final_is_never_tried_again(outcome: Outcome, state: str) -> None:
    async with bench(lambda _mail: outcome) as table:
        (mail,) = await table.plan(people(1))
        await table.drain()
        table.clock.advance(timedelta(days=2))
        await table.drain()
        assert await table.state(mail.id) == state
        assert table.adapter.batches == [1]


async def test_try_later_waits_for_its_time() -> None:
    answers: Iterator[Outcome] = iter([TryLater("greylisted"), Accepted("ok")])
    async with bench(lambda _mail: next(answers)) as table:
        await table.plan(people(1))
        await table.drain()
        await table.drain()
        assert table.adapter.batches == [1]
        table.clock.advance(timedelta(minutes=31))
        await table.drain()
        assert len(table.adapter.delivered) == 1


def test_retries_start_after_thirty_minutes_and_honour_the_next_hop() -> None:
    now = FakeClock().now()
    assert next_try(TryLater("x"), 0, now) == now + timedelta(minutes=30)
    assert next_try(TryLater("x"), 99, now) == now + timedelta(hours=4)
    assert next_try(TryLater("x", after=timedelta(minutes=2)), 0, now) == now + timedelta(minutes=2)
    assert next_try(TryLater("x", attempt_used=False), 0, now) == now


async def test_a_closed_way_out_uses_nothing_up_and_the_next_run_sends() -> None:
    closed = True

    class Closes(MemoryAdapter):
        async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
            if closed:
                raise AdapterUnavailable("no way out")
            return await super().deliver(mails)

    async with bench() as table:
        table.adapter = Closes()
        (mail,) = await table.plan(people(1))
        with pytest.raises(AdapterUnavailable):
            await table.drain()
        (saved,) = await table.store.mails.load([mail.id])
        assert saved is not None
        assert (saved.state, saved.attempts) == ("queued", 0)
        closed = False
        await table.drain()
        assert len(table.adapter.delivered) == 1


async def test_an_adapter_that_raises_or_miscounts_leaves_its_slice_uncertain() -> None:
    class Raises(MemoryAdapter):
        async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
            raise ZeroDivisionError

    class Miscounts(MemoryAdapter):
        async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
            return [Accepted("ok")] * (len(mails) + 1)

    for kind in (Raises, Miscounts):
        async with bench() as table:
            table.adapter = kind()
            (mail,) = await table.plan(people(1))
            await table.drain()
            assert await table.state(mail.id) == "uncertain"


async def test_what_a_dead_worker_began_becomes_uncertain_and_is_not_sent_again() -> None:
    class Dies(MemoryAdapter):
        async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
            raise asyncio.CancelledError

    async with bench() as table:
        alive = table.adapter
        table.adapter = Dies()
        (mail,) = await table.plan(people(1))
        with pytest.raises(asyncio.CancelledError):
            await table.drain()
        assert await table.state(mail.id) == "begun"
        table.adapter = alive
        table.clock.advance(timedelta(minutes=5))
        await table.drain()
        assert await table.state(mail.id) == "uncertain"
        assert alive.delivered == []


async def test_an_unavailable_store_ends_the_round_and_everything_comes_back() -> None:
    def away(_mail: Mail) -> Reason:
        raise StoreUnavailable("away")

    async with bench() as table:
        await table.plan(people(2))
        table.stages = [Judges(away)]
        with pytest.raises(StoreUnavailable):
            await table.drain()
        table.stages = []
        table.clock.advance(timedelta(minutes=1))
        await table.drain()
        assert len(table.adapter.delivered) == 2


async def test_stop_ends_the_drain_between_rounds() -> None:
    async with bench() as table:
        await table.plan(people(1))
        stop = asyncio.Event()
        stop.set()
        await table.worker().drain(wait=60, stop=stop)
        assert table.adapter.delivered == []


async def test_a_contact_that_was_erased_takes_its_ticket_along() -> None:
    async with bench() as table:
        await table.plan(people(1))
        (known,) = await table.store.contacts.page("", 10)
        await table.store.contacts.delete([known.id])
        await table.drain()
        assert table.adapter.delivered == []
        assert await table.queue.depth() == 0


class TickingClock(FakeClock):
    """Time passes with every look at it, as on a real machine."""

    def now(self) -> datetime:
        self.advance(timedelta(microseconds=7))
        return super().now()


async def test_rule_7_a_repeat_is_the_identical_payload_on_a_clock_that_runs() -> None:
    offered: list[bytes] = []
    answers: Iterator[Outcome] = iter([TryLater("greylisted"), Accepted("ok")])

    def answer(mail: Mail) -> Outcome:
        assert isinstance(mail.content, Message)
        offered.append(mail.content.data)
        return next(answers)

    async with bench(answer, clock=TickingClock()) as table:
        await table.plan(people(1))
        services = some_services(clock=table.clock)
        table.stages = [stage(NoOptions(), services) for stage in (Compose, ListUnsubscribe, Write)]
        table.writes = False
        await table.drain()
        table.clock.advance(timedelta(hours=1))
        await table.drain()
        assert len(offered) == 2
        assert offered[0] == offered[1]


async def test_a_slow_next_hop_keeps_its_leases() -> None:
    class Slow(MemoryAdapter):
        async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
            await asyncio.sleep(0.4)
            return await super().deliver(mails)

    async with bench(clock=RunningClock()) as table:
        table.adapter, table.lease_seconds = Slow(), 0.15
        await table.plan(people(1))
        first = asyncio.create_task(table.drain())
        await asyncio.sleep(0.25)
        assert await table.queue.lease(10, 1.0) == []
        await first
        assert len(table.adapter.delivered) == 1


class RunningClock(FakeClock):
    """Machine time as it is."""

    def machine(self) -> float:
        return time.time()


async def test_after_five_days_of_trying_the_mail_has_failed_and_leaves_the_queue() -> None:
    async with bench(lambda _mail: TryLater("450 4.2.1 away")) as table:
        (mail,) = await table.plan(people(1))
        first = table.clock.now()
        while await table.state(mail.id) == "queued":
            await table.drain()
            table.clock.advance(timedelta(minutes=30))
        last = table.told[-1][2]
        assert isinstance(last, Failed)
        assert (last.status, last.code) == ("5.4.7", None)
        assert await table.state(mail.id) == "failed"
        assert await table.queue.depth() == 0
        assert timedelta(days=5) - timedelta(hours=4) <= table.clock.now() - first <= timedelta(days=5)
        assert len(table.adapter.batches) > 30


def test_a_closed_way_out_costs_a_mail_nothing_of_its_five_days() -> None:
    late = a_mail(begun_at=FakeClock().now() - timedelta(days=9))
    closed, asked = TryLater("closed", attempt_used=False), TryLater("450")
    assert in_time(late, closed, FakeClock().now()) == (closed, FakeClock().now())
    assert in_time(late, asked, FakeClock().now())[1] is None
    assert in_time(a_mail(), asked, FakeClock().now())[1] is not None  # never begun: nothing has run out


async def test_who_does_not_exist_is_suppressed_with_the_outcome_and_other_failures_say_nothing() -> None:
    answers: dict[str, Outcome] = {
        "person0@firm0.example": Failed("550", "5.1.1", Code.HARD_BOUNCED),
        "person1@firm1.example": Failed("552", "5.2.2"),
        "person2@firm2.example": TryLater("450"),
    }
    async with bench(lambda mail: answers[mail.address]) as table:
        await table.plan(people(3))
        await table.drain()
        (entry,) = await table.store.suppressions.entries("", 9)
        found = entry.entry
        assert (found.subject, found.reason, found.scope) == ("person0@firm0.example", SuppressionReason.BOUNCE, "all")


async def test_what_a_killed_worker_held_goes_when_its_leases_end_and_not_before() -> None:
    """Not begun, so nothing is in doubt; what it had begun is the janitor's."""
    async with bench() as table:
        mails = await table.plan(people(5))
        taken = await table.queue.lease(3, 30.0)
        await table.drain()
        assert [mail.id for mail in table.adapter.delivered] == [mail.id for mail in mails[3:]]
        table.clock.advance(timedelta(seconds=29))
        await table.drain()
        assert len(table.adapter.delivered) == 2
        table.clock.advance(timedelta(seconds=1))
        await table.drain()
        assert {mail.id for mail in table.adapter.delivered} == {mail.id for mail in mails}
        await table.queue.settle([Settlement(ticket, table.clock.now()) for ticket in taken])  # the dead one's fence
        await table.drain()
        assert len(table.adapter.delivered) == 5
