"""The one place where mails come in: by SMTP, by HTTP, or handed over by a program that embeds us."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from penstock.acceptance.drafts import Draft, Drafts
from penstock.acceptance.judging import LARGE, Judging
from penstock.acceptance.order_book import Order, OrderBook, middle_of, orders_of, refused_calls
from penstock.acceptance.receipts import CONFLICT, answer_of, handed_of, repeat_of
from penstock.acceptance.refusal_limit import RefusalLimit
from penstock.acceptance.submission_rules import refused
from penstock.compose.handed_in import advertises
from penstock.config.campaign_file import read_campaign
from penstock.decision_line import line, stored_line
from penstock.errors import Unavailable
from penstock.law.suppression_codes import binding_codes
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Stream
from penstock.model.mail import Mail
from penstock.model.verdict import Verdict, decide
from penstock.model.window import parse_window
from penstock.observe.log import get_logger
from penstock.ports import Client, Receipt, Refusal, RefusalKind, Submission
from penstock.store.handing_in import Against
from penstock.store.placing import Placed
from penstock.wiring import House

__all__ = ["Accepting"]

_log = get_logger("accepting")

_LATER = refused(RefusalKind.LATER, "the store is away; hand it in again later")
_FAULT = refused(RefusalKind.LATER, "it cannot be taken now; hand it in again later")
_GATHERING_SECONDS = 0.003
"""Where many hand in at once, so much longer one waits for the next ones, to share with them what a commit costs."""
_NOTHING_GOES = frozenset({Verdict.BLOCK, Verdict.REJECT})

_Found = TypeVar("_Found")
_Saved = tuple[Draft, Sequence[Placed] | Against]


class Accepting:
    """The port Acceptance on an open house. What many sessions hand in at the same time shares one transaction.

    `counts` tells of what was taken, refused (`refused:KIND`), put off for a fault of ours (`faults`), and what looked
    like advertising where none may go.
    """

    def __init__(self, house: House, *, new_id: Callable[[], str] = lambda: os.urandom(16).hex()) -> None:
        self._house = house
        self._drafts = Drafts(house, new_id)
        self._judging = Judging(house)
        self._limit = RefusalLimit(parse_window(house.settings.relay.look_ups))
        self._calls = itertools.count(1)
        self._asking, self._waiting = OrderBook(), OrderBook()
        self._judge: asyncio.Task[None] | None = None
        self._pump: asyncio.Task[None] | None = None
        self._crowded = False
        self.counts: Counter[str] = Counter()

    async def open(self) -> None:
        """Make the campaigns of `[relay] campaigns` known. Raises InvalidInput and Unavailable."""
        for name in self._house.settings.relay.campaigns:
            campaign = await asyncio.to_thread(read_campaign, self._house.settings.path(name), self._house.settings)
            await self._house.store.campaigns.save(campaign)

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        """See `penstock.ports.Acceptance`. Cancelling the caller does not undo what is being saved."""
        orders = orders_of(submissions, next(self._calls))
        if any(each.client.verdicts == "at_once" for each in submissions):
            self._asking.add(orders)
            if self._judge is None or self._judge.done():
                self._judge = asyncio.create_task(self._judge_all(), name="penstock-judging")
        else:
            self._save_later(orders)
        return [await order.answer for order in orders]

    def _save_later(self, orders: Sequence[Order]) -> None:
        self._waiting.add(orders)
        if self._waiting and (self._pump is None or self._pump.done()):
            self._pump = asyncio.create_task(self._save_all(), name="penstock-accepting")

    async def _judge_all(self) -> None:
        """Beside what is being saved: who asks for no verdict does not wait for those of others."""
        while self._asking:
            orders = self._asking.next()
            answers = await self._each(self._against, orders)
            calls = refused_calls(orders, answers)
            going = []
            for order, answer in zip(orders, answers, strict=True):
                if found := answer or calls.get(order.call):
                    self._answer(order, found)
                else:
                    going.append(order)
            self._save_later(going)

    async def _save_all(self) -> None:
        while self._waiting:
            if self._crowded:
                await asyncio.sleep(_GATHERING_SECONDS)
            orders = self._waiting.next()
            self._crowded = len(orders) > 1
            for order, found in zip(orders, await self._each(self._saved, orders), strict=True):
                try:
                    self._answer(order, self._told(*found) if isinstance(found, tuple) else found)
                except Exception as fault:  # noqa: BLE001 — it is saved: nothing may be tried again here
                    self._answer(order, self._fault(order, fault))

    async def _each(
        self, work: Callable[[Sequence[Order]], Awaitable[list[_Found]]], orders: Sequence[Order]
    ) -> list[_Found | Refusal]:
        """What `work` finds for each order. Where it fails, the one it fails at is sought, and costs only its call."""
        try:
            return [*await work(orders)]
        except Unavailable as fault:
            _log.warning("accepting_waits", fault=type(fault).__name__)
            return [_LATER] * len(orders)
        except Exception as fault:  # noqa: BLE001 — what is unknown at the door is temporary, and is told as such
            middle = middle_of(orders)
            if not middle:
                return [self._fault(order, fault) for order in orders]
        return [*await self._each(work, orders[:middle]), *await self._each(work, orders[middle:])]

    def _fault(self, order: Order, fault: Exception) -> Refusal:
        self.counts["faults"] += 1
        _log.error("accepting_failed", client=order.submission.client.name, fault=type(fault).__name__)
        return _FAULT

    def _answer(self, order: Order, answer: Receipt | Refusal) -> None:
        if isinstance(answer, Refusal):
            self.counts[f"refused:{answer.kind}"] += 1
        else:
            self.counts["taken"] += len(answer.taken)
        if not order.answer.done():
            order.answer.set_result(answer)

    def _told(self, draft: Draft, found: Sequence[Placed] | Against) -> Receipt | Refusal:
        answer = answer_of(draft, found)
        if isinstance(answer, Refusal):
            return self._limit.told(draft.submission.client, answer, _machine())
        if not answer.repeated:
            self._look(draft)
        return answer

    async def _against(self, orders: Sequence[Order]) -> list[Receipt | Refusal | None]:
        """For clients that ask for verdicts at once: where nothing may go, or is about to."""
        answers = await self._repeats(orders)
        asking = [
            place
            for place, order in enumerate(orders)
            if answers[place] is None and order.submission.client.verdicts == "at_once"
        ]
        made = await self._drafts.of([orders[place].submission for place in asking])
        judged = iter(await self._judging.of([each for each in made if isinstance(each, Draft)]))
        now = _machine()
        for place, draft in zip(asking, made, strict=True):
            refusal = draft if isinstance(draft, Refusal) else _blocked(next(judged))
            client = orders[place].submission.client
            answers[place] = (
                self._limit.spent(client, now) if refusal is None else self._limit.told(client, refusal, now)
            )
        return answers

    async def _saved(self, orders: Sequence[Order]) -> list[Receipt | Refusal | _Saved]:
        """In one transaction. What raises has saved nothing."""
        answers: list[Receipt | Refusal | _Saved | None] = [*await self._repeats(orders)]
        fresh = [place for place, answer in enumerate(answers) if answer is None]
        drafts: dict[int, Draft] = {}
        now = _machine()
        for place, made in zip(
            fresh, await self._drafts.of([orders[place].submission for place in fresh]), strict=True
        ):
            client = orders[place].submission.client
            if isinstance(made, Refusal):
                answers[place] = self._limit.told(client, made, now)
            elif _asks(made) and (later := self._limit.spent(client, now)):
                answers[place] = later
            else:
                drafts[place] = made
        for call in (calls := refused_calls(orders, answers)):
            for place in [each for each in drafts if orders[each].call == call]:
                answers[place] = calls[call]
                del drafts[place]
        way_of, due = self._house.services.way_of, self._house.clock.now()
        handed = [
            handed_of(draft, way_of, due, await _digest(draft.submission.data), orders[place].call)
            for place, draft in drafts.items()
        ]
        placed = await self._house.store.mails.hand_in(handed)
        for (place, draft), found in zip(drafts.items(), placed, strict=True):
            answers[place] = (draft, found)
        return [answer for answer in answers if answer is not None]

    async def _repeats(self, orders: Sequence[Order]) -> list[Receipt | Refusal | None]:
        """What was answered before under the same key, whatever the rules have become since."""
        mails = self._house.store.mails
        answers: list[Receipt | Refusal | None] = [None] * len(orders)
        known = await mails.known_keys([(each.submission.client.name, each.submission.key) for each in orders])
        for place, order in enumerate(orders if known else ()):
            submission = order.submission
            before = known.get((submission.client.name, submission.key)) if submission.key else None
            if before is None:
                continue
            request, ids = before
            if request != submission.request or len(ids) != len(submission.recipients):
                answers[place] = CONFLICT
            elif (first := await mails.handed_in(ids[0])) is not None:
                answers[place] = repeat_of(submission, ids, first.stream)
        return answers

    def _look(self, draft: Draft) -> None:
        """Advertising that calls itself something else is told of: nobody reads the mails of a stream."""
        admitted, submission = draft.admitted, draft.submission
        if (
            admitted.stream is Stream.TRANSACTIONAL
            and submission.data
            and (admitted.bulk or advertises(submission.data))
        ):
            self.counts["advertising_on_transactional"] += len(admitted.recipients)
            _log.warning("advertising_on_transactional", client=submission.client.name)

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        """See `penstock.ports.Acceptance`. Of a large message only what needs no content is judged."""
        (made,) = await self._drafts.of([submission])
        if isinstance(made, Refusal):
            return made
        (judged,) = await self._judging.of([made])
        return [line(mail, decide(mail.reasons, mail.variant)) for mail in judged]

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        """See `penstock.ports.Acceptance`."""
        del sender
        address = parse_address(recipient)
        if not isinstance(address, Address):
            return refused(RefusalKind.INVALID, "the address cannot be used", "INVALID_ADDRESS")
        if client.verdicts != "at_once":
            return None
        try:
            (hits,) = await self._house.store.suppressions.hits([self._house.identifier.of_address(address)])
        except Unavailable:
            return _LATER
        streams = [frozenset(code for hit in hits for code in binding_codes(hit, each)) for each in client.streams]
        everywhere = frozenset.intersection(*streams) if streams else frozenset()
        now = _machine()
        if not everywhere:
            return self._limit.spent(client, now)
        return self._limit.told(
            client, refused(RefusalKind.BLOCKED, "no mail may be sent to this address", min(everywhere)), now
        )

    async def look_up(self, client: Client, mail_id: str, /) -> Mapping[str, Any] | None:
        """See `penstock.ports.Acceptance`."""
        store = self._house.store
        found = await store.mails.handed_in(mail_id)
        if found is None or found.client != client.name:
            return None
        rows = await store.ledger.show(mail_id)
        decision = stored_line(found.state.step, found.address, found.state, rows) if rows else None
        return {
            "id": mail_id,
            "state": found.state.state,
            "stream": found.stream,
            "outcome": found.state.outcome,
            "decision": decision,
        }


def _machine() -> float:
    return asyncio.get_running_loop().time()


def _blocked(mails: Sequence[Mail]) -> Refusal | None:
    decisions = [decide(mail.reasons, mail.variant) for mail in mails]
    if any(decision.verdict not in _NOTHING_GOES for decision in decisions):
        return None
    return refused(RefusalKind.BLOCKED, "this mail may not be sent", decisions[0].code or "")


def _asks(draft: Draft) -> bool:
    """Whether its answer says something of a person, and was not given before."""
    submission = draft.submission
    if submission.client.verdicts == "at_once" or draft.admitted.campaign is None:
        return False
    return submission.client.unknown_contact == "refuse" or submission.contact is not None or not submission.data


async def _digest(data: bytes) -> bytes | None:
    if len(data) < LARGE:
        return hashlib.sha256(data).digest() if data else None
    return (await asyncio.to_thread(hashlib.sha256, data)).digest()
