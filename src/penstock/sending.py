"""A campaign on its way out: plan every row durably, then drain the queue, and say what became of each mail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from penstock.assembly import AT_HAND, new_mail
from penstock.checking import rows_of
from penstock.clock import FrozenClock
from penstock.co_working import SHARED_BATCH, CoWorkers, may_change
from penstock.decision_line import Line, fault_line, iso, line, stored_line, waiting_line
from penstock.erased_people import erasures_against, turned_away, without_erased
from penstock.errors import InvalidInput
from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Outcome, word
from penstock.model.verdict import Decision, Reason, Verdict, decide
from penstock.ports import ContactRow, RowFault, Source
from penstock.send_report import SendReport
from penstock.wiring import House
from penstock.worker import BATCH, Worker, everything

__all__ = ["Sending"]

_EARLIER = {
    "begun": "another run began this mail; whether it went is known once that run ends or its lease runs out",
    "uncertain": "an earlier run died or lost the connection while this mail went out: see `penstock uncertain list`",
}
EmitLine = Callable[[Line], None]
Progress = Callable[[str, int], None]


class Rejects(Protocol):
    """Where rows that cannot be used are set aside."""

    async def add(self, faults: Iterable[RowFault]) -> None:
        """Keep them."""
        ...


class Sending:
    """One run of `send` on an open house."""

    def __init__(
        self,
        house: House,
        campaign: Campaign,
        rejects: Rejects,
        *,
        emit: EmitLine = lambda _line: None,
        sent_too: bool = True,
        progress: Progress = lambda _what, _count: None,
    ) -> None:
        """`emit` gets one line per mail after its last outcome; without `sent_too` none for those that went."""
        self._house = house
        self._campaign = campaign
        self._emit_line = emit
        self._sent_too = sent_too
        self._rejects = rejects
        self._progress = progress
        self._open: dict[str, Line] = {}  # the latest line of mails that may still change
        self._earlier: list[str] = []
        self._apart = False  # a limit keeps this run to its own rows
        self._told: dict[bytes, bool] = {}  # the mails of this run, and whether their last line is out
        self.report = SendReport(campaign.id, redirected_to=house.services.safety.redirect_to)

    async def run(
        self, source: Source, *, limit: int | None, wait: float, workers: int = 1, stop: asyncio.Event
    ) -> SendReport:
        """Plan and drain, in so many processes. Sets `report.interrupted` when `stop` came first.

        The same run continues later. Raises InvalidInput for several processes on a store in memory, Unavailable.
        """
        if workers > 1 and self._house.settings.store_url().endswith(":memory:"):
            raise InvalidInput("a store in memory cannot be shared", where="--workers", mend="use a store file")
        await self._house.store.campaigns.save(self._campaign)
        self._others = CoWorkers(self._heard)
        try:
            await self._plan_and_drain(source, limit, workers, wait, stop)
            await self._others.finished(stop)
        finally:
            await self._others.aclose()
        self.report.interrupted = stop.is_set()
        await self._tell_untold()
        await self._tell_open()
        self.report.waiting = await self._emit_waiting()
        return self.report

    async def _plan_and_drain(
        self, source: Source, limit: int | None, workers: int, wait: float, stop: asyncio.Event
    ) -> None:
        """Plan and drain side by side: each waits for the disk while the other works.

        Where mails wait from an earlier run the rows come first: a mail that is over before its row would be judged by
        what was known before, and again when its row comes. With a limit what waits stays where it is; the other
        processes cannot tell it from the rest, so this one works alone then.
        """
        fed, halt = asyncio.Event(), asyncio.Event()
        rows_first = bool(await self._house.store.mails.waiting(self._campaign.id, "", 1))
        self._apart = limit is not None and await self._house.queue.depth() > 0
        worker = self._house.worker(self._done, batch=BATCH if workers == 1 else SHARED_BATCH)

        def planned(task: asyncio.Task[None]) -> None:
            if task.cancelled() or task.exception() is not None:
                halt.set()
            fed.set()
            self._others.planned()

        stopping = asyncio.create_task(_pass_on(stop, halt))
        planning = asyncio.create_task(self._plan_all(source, limit, worker, halt), name="penstock-planning")
        planning.add_done_callback(planned)
        try:
            if rows_first:
                await asyncio.wait([planning])
            await self._start_others(0 if self._apart else workers - 1, wait, planning)
            await worker.drain(wait=wait, stop=halt, fed=fed, among=self._mine if self._apart else everything)
            await planning
        finally:
            halt.set()  # a chunk that is being written is written
            await asyncio.gather(planning, return_exceptions=True)
            stopping.cancel()

    def _mine(self) -> list[str]:
        """The mails of the rows of this run that are not over, and those of which earlier runs left a ticket."""
        return [mail_id.hex() for mail_id, over in self._told.items() if not over] + self._earlier

    async def _start_others(self, number: int, wait: float, planning: asyncio.Task[None]) -> None:
        now = self._house.clock.now() if isinstance(self._house.clock, FrozenClock) else None
        await self._others.start(number, self._house.settings, now, self._campaign.id, wait)
        if planning.done():
            self._others.planned()

    async def _plan_all(self, source: Source, limit: int | None, worker: Worker, stop: asyncio.Event) -> None:
        async for chunk in rows_of(source, limit):
            await self._plan(chunk)
            while not stop.is_set() and not worker.idle and len(self._told) - worker.taken > AT_HAND // 2:
                worker.moved.clear()  # what is planned far ahead is no more at hand when it is sent
                await worker.moved.wait()
            if stop.is_set():
                break
        self.report.dropped_columns = dict(source.dropped_columns)

    async def _tell_open(self) -> None:
        """The lines of mails that did not end in this run, with what became of those that a dead process began."""
        begun = [mail_id for mail_id, each in self._open.items() if "earlier" in each]
        for saved in await self._house.store.mails.load(begun):
            if saved is not None and saved.state == "uncertain":
                each = self._open[saved.id]
                each["outcome"], each["reasons"][0]["why"] = "uncertain", _EARLIER["uncertain"]
        for each in self._open.values():
            self._emit(each)

    async def _tell_untold(self) -> None:
        """The lines of mails that another process is over with, from what the store says of them."""
        if all(self._told.values()):
            return
        store, after = self._house.store, ""
        while page := await store.mails.states(self._campaign.id, after, 500):
            after = page[-1].mail_id
            mine = [
                each
                for each in page
                if self._told.get(bytes.fromhex(each.mail_id)) is False
                and each.mail_id not in self._open
                and each.state != "queued"
            ]
            known = await store.contacts.load([each.contact_id or "" for each in mine])
            for each, stored in zip(mine, known, strict=True):
                rows = await store.ledger.show(each.mail_id)
                address = stored.contact.address if stored else None
                self._emit(stored_line(self._campaign.id, address, each, rows))

    def _emit(self, each: Line, *, last: bool = True) -> None:
        if last and each["mail_id"] is not None:
            self._told[bytes.fromhex(each["mail_id"])] = True
        self.report.add(each["verdict"], each["code"], each["outcome"])
        self._emit_line(each)

    def _done(self, mail: Mail, decision: Decision, outcome: Outcome | None) -> None:
        """The worker of this process is over with a mail for now."""
        if mail.campaign is None or mail.campaign.id != self._campaign.id:
            return
        if self._sent_too or not isinstance(outcome, Accepted):
            self._heard(line(mail, decision, outcome), may_change(decision, outcome))
            return
        self._open.pop(mail.id, None)
        self._told[bytes.fromhex(mail.id)] = True
        self.report.add(decision.verdict, decision.code, word(outcome))
        self._progress("decided", 1)

    def _heard(self, each: Line, still_open: bool) -> None:
        """A line from this or another process."""
        if still_open:
            if not self._told.get(bytes.fromhex(each["mail_id"])):  # what a slower process said comes late
                self._open[each["mail_id"]] = each
            return
        self._open.pop(each["mail_id"], None)
        self._emit(each)
        self._progress("decided", 1)

    async def _plan(self, chunk: Sequence[ContactRow | RowFault]) -> None:
        """Save contacts, mails and tickets of one chunk of rows."""
        house, fresh = self._house, []
        faults = [row for row in chunk if isinstance(row, RowFault)]
        await self._rejects.add(await without_erased(house, faults))
        for row in chunk:
            self.report.rows += 1
            if isinstance(row, RowFault):
                self._emit(fault_line(row, self._campaign.id))
                continue
            mail = house.assembler.mail(self._campaign, row.contact)
            if bytes.fromhex(mail.id) in self._told:
                self._emit(_repeated(mail, row.line), last=False)
                continue
            self._told[bytes.fromhex(mail.id)] = False
            fresh.append((row, mail))
        if not fresh:
            return
        rows, refuses = [(row.contact, mail.identity) for row, mail in fresh], erasures_against(house, self._campaign)
        stored = await house.store.contacts.admit(rows, refuses)
        pairs = list(zip([mail for _, mail in fresh], stored, strict=True))
        erased = [mail.contact for mail, known in pairs if known is None and mail.contact is not None]
        for mail, decision in await turned_away(house, self._campaign, erased):
            self._emit(line(mail, decision))
        mails = [house.assembler.planned(mail, known.contact, known.id) for mail, known in pairs if known is not None]
        way_of, due = house.services.way_of, house.clock.now()
        placed = await house.store.mails.accept([new_mail(mail, way_of(mail), due) for mail in mails])
        for mail, each in zip(mails, placed, strict=True):
            if each.answer.startswith("done:"):
                self._tell_earlier(mail, each.answer.removeprefix("done:"))
        self._progress("planned", len(fresh))

    def _tell_earlier(self, mail: Mail, state: str) -> None:
        """A mail of an earlier run. What another process began may still end in this run, so its line waits."""
        self._earlier.append(mail.id)
        if state == "accepted":
            self.report.already_sent += 1
        if state == "cancelled":
            why = "this mail was given up before it was sent"
            reason = Reason("schedule", Verdict.HOLD, Code.CAMPAIGN_PAUSED, why)
        else:
            why = _EARLIER.get(state, f"this campaign step was already tried for this person: {state}")
            reason = Reason("duplicate", Verdict.BLOCK, Code.DUPLICATE, why)
        earlier = {**line(mail, decide((reason,), mail.variant)), "earlier": state}
        if state == "begun":
            self._open[mail.id] = earlier
        else:
            self._emit(earlier)

    async def _emit_waiting(self) -> int:
        """Mails of this campaign that still wait for our own pace, one line each."""
        waiting = 0
        after, store = "", self._house.store
        while page := await store.mails.waiting(self._campaign.id, after, 500):
            after = page[-1].mail_id
            queued = [each for each in page if each.state == "queued" and each.mail_id not in self._open]
            if self._apart:
                queued = [each for each in queued if bytes.fromhex(each.mail_id) in self._told]
            known = await store.contacts.load([each.contact_id or "" for each in queued])
            for each, stored in zip(queued, known, strict=True):
                waiting += 1
                address = stored.contact.address if stored else None
                self._emit(waiting_line(self._campaign.id, each.mail_id, address, iso(each.until)))
        return waiting


async def _pass_on(first: asyncio.Event, second: asyncio.Event) -> None:
    await first.wait()
    second.set()


def _repeated(mail: Mail, row: int) -> Line:
    """A second row for a person that an earlier row of the same file already stands for."""
    reason = Reason(
        "duplicate",
        Verdict.BLOCK,
        Code.DUPLICATE,
        "an earlier row of this run is the same person",
        rule="one mail per campaign step and person",
    )
    return {**line(mail, decide((reason,), mail.variant)), "line": row}
