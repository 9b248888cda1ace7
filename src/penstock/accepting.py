"""The one place where mails come in: by SMTP, by HTTP, or handed over by a program that embeds us."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from penstock.assembly import ReadyMade, new_mail
from penstock.compose.handed_in import advertises
from penstock.config.campaign_file import read_campaign
from penstock.contacts_at_hand import ContactsAtHand, Who
from penstock.decision_line import line, stored_line
from penstock.errors import Unavailable
from penstock.law.suppression_codes import binding_codes
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Campaign, Stream
from penstock.model.mail import Mail, Message
from penstock.model.verdict import Verdict, decide
from penstock.observe.log import get_logger
from penstock.order_book import Order, OrderBook, refused_calls
from penstock.ports import Client, Receipt, Recipient, Refusal, RefusalKind, Submission, Taken
from penstock.store.handing_in import Handed
from penstock.store.mails import HandedIn
from penstock.store.placing import NewMail, Placed
from penstock.submission_rules import Admitted, SubmissionRules, refused
from penstock.wiring import House

__all__ = ["Accepting"]

_log = get_logger("accepting")

_MOST_CAMPAIGNS = 500
_KNOWN_SECONDS = 2.0
_LATER = refused(RefusalKind.LATER, "the store is away; hand it in again later")
_NOTHING_GOES = frozenset({Verdict.BLOCK, Verdict.REJECT})

_Work = tuple[Submission, Admitted, Sequence[Mail]]


class Accepting:
    """The port Acceptance on an open house. What many sessions hand in at the same time shares one transaction.

    `counts` tells of what was taken, refused (`refused:KIND`), and what looked like advertising where none may go.
    """

    def __init__(self, house: House, *, new_id: Callable[[], str] = lambda: os.urandom(16).hex()) -> None:
        self._house = house
        self._rules = SubmissionRules(house.settings)
        self._people = ContactsAtHand(house)
        self._new_id = new_id
        self._waiting = OrderBook()
        self._pump: asyncio.Task[None] | None = None
        self._campaigns: dict[str, tuple[Campaign | None, float]] = {}
        self._refreshed = 0.0
        self.counts: Counter[str] = Counter()

    async def open(self) -> None:
        """Make the campaigns of `[relay] campaigns` known. Raises InvalidInput and Unavailable."""
        for name in self._house.settings.relay.campaigns:
            campaign = await asyncio.to_thread(read_campaign, self._house.settings.path(name), self._house.settings)
            await self._house.store.campaigns.save(campaign)

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        """See `penstock.ports.Acceptance`. Cancelling the caller does not undo what is being saved."""
        orders = self._waiting.add(submissions)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._take_all(), name="penstock-accepting")
        return [await asyncio.shield(order.answer) for order in orders]

    async def _take_all(self) -> None:
        while self._waiting:
            orders = self._waiting.next()
            try:
                answers = await self._taken(orders)
            except Unavailable as fault:
                _log.warning("accepting_waits", fault=type(fault).__name__)
                answers = [_LATER] * len(orders)
            except Exception as fault:  # noqa: BLE001 — what is unknown at the door is temporary, and is told as such
                _log.error("accepting_failed", fault=type(fault).__name__)
                answers = [_LATER] * len(orders)
            for order, answer in zip(orders, answers, strict=True):
                self._count(answer)
                if not order.answer.done():
                    order.answer.set_result(answer)

    def _count(self, answer: Receipt | Refusal) -> None:
        if isinstance(answer, Refusal):
            self.counts[f"refused:{answer.kind}"] += 1
        else:
            self.counts["taken"] += len(answer.taken)

    async def _taken(self, orders: Sequence[Order]) -> list[Receipt | Refusal]:
        answers: list[Receipt | Refusal | None] = [None] * len(orders)
        work: list[tuple[int, _Work]] = []
        for place, made in enumerate(await self._mails([each.submission for each in orders], keep=True)):
            if isinstance(made, Refusal):
                answers[place] = made
            elif (against := await self._against(made)) is not None:
                answers[place] = against
            else:
                work.append((place, made))
        if refusals := refused_calls(orders, answers):
            answers = [answer or refusals.get(order.call) for order, answer in zip(orders, answers, strict=True)]
            work = [each for each in work if answers[each[0]] is None]
        handed = [self._handed(*each) for _, each in work]
        placed = await self._house.store.mails.hand_in(handed)
        for (place, (_, admitted, _)), found in zip(work, placed, strict=True):
            answers[place] = _receipt(admitted, found)
        assert all(answer is not None for answer in answers)
        return [answer for answer in answers if answer is not None]

    async def _mails(self, submissions: Sequence[Submission], *, keep: bool) -> list[_Work | Refusal]:
        """The mails of each submission; with `keep`, contacts that clients bring are stored."""
        await self._refresh()
        admitted = [await self._admitted(each) for each in submissions]
        people = iter(await self._people.of([each for each in admitted if isinstance(each, Admitted)], keep=keep))
        made: list[_Work | Refusal] = []
        for submission, known in zip(submissions, admitted, strict=True):
            if isinstance(known, Refusal):
                made.append(known)
                continue
            who = next(people)
            made.append(who if isinstance(who, Refusal) else (submission, known, self._made(known, who)))
        return made

    async def _admitted(self, submission: Submission) -> Admitted | Refusal:
        first = self._rules.admit(submission)
        if isinstance(first, Refusal):
            return first
        return self._rules.complete(first, await self._campaign(first.campaign_id) if first.campaign_id else None)

    def _made(self, admitted: Admitted, people: Sequence[Who]) -> list[Mail]:
        assembler, campaign, submission = self._house.assembler, admitted.campaign, admitted.submission
        if not submission.data:
            assert campaign is not None
            return [
                replace(assembler.mail(campaign, each.contact, each.contact_id), tag=admitted.tag) for each in people
            ]
        self._look(admitted)
        content = Message(submission.data)
        mails = []
        for each in people:
            ready = ReadyMade(
                content, admitted.from_, admitted.stream, admitted.controller, submission.sender, campaign,
                each.contact_id, each.known, admitted.tag,
            )  # fmt: skip
            mails.append(assembler.ready_made(self._id(campaign, each), each.contact, ready))
        return mails

    def _id(self, campaign: Campaign | None, who: Who) -> str:
        """One mail per campaign and person, ever; whatever else is handed in is a mail of its own."""
        if campaign is None:
            return self._new_id()
        return self._house.keyring.mail_id(campaign.once_key, who.identity.person)

    def _look(self, admitted: Admitted) -> None:
        """Advertising that calls itself something else is told of: nobody reads the mails of a stream."""
        if admitted.stream is Stream.TRANSACTIONAL and (admitted.bulk or advertises(admitted.submission.data)):
            self.counts["advertising_on_transactional"] += len(admitted.recipients)
            _log.warning("advertising_on_transactional", client=admitted.submission.client.name)

    async def _against(self, work: _Work) -> Refusal | None:
        """For a client that asks for verdicts at once: nothing of this may go, or is about to."""
        submission, _, mails = work
        if submission.client.verdicts != "at_once":
            return None
        decisions = [decide(mail.reasons, mail.variant) for mail in await self._judged(mails)]
        if any(decision.verdict not in _NOTHING_GOES for decision in decisions):
            return None
        return refused(RefusalKind.BLOCKED, "this mail may not be sent", decisions[0].code or "")

    async def _judged(self, mails: Sequence[Mail]) -> Sequence[Mail]:
        known = await self._house.assembler.with_history(mails)
        moment = self._house.clock.now()
        return await self._house.pipeline(peek=True).run([replace(mail, begun_at=moment) for mail in known])

    def _handed(self, submission: Submission, admitted: Admitted, mails: Sequence[Mail]) -> Handed:
        way_of, due = self._house.services.way_of, self._house.clock.now()
        digest = hashlib.sha256(submission.data).digest() if submission.data else None
        new = []
        for mail, said in zip(mails, submission.recipients, strict=True):
            note = _note(submission, admitted, said)
            made = new_mail(mail, way_of(mail), due, note, digest)
            # Under [safety] redirect_all_to only the envelope is turned: whom it is meant for stays on record.
            new.append(_meant(made, str(parse_address(said.address)), turned=mail.envelope.recipient))
        return Handed(new, submission.client.name, submission.key, submission.request)

    async def judge(self, submission: Submission, /) -> Sequence[Mapping[str, Any]] | Refusal:
        """See `penstock.ports.Acceptance`."""
        (made,) = await self._mails([submission], keep=False)
        if isinstance(made, Refusal):
            return made
        return [line(mail, decide(mail.reasons, mail.variant)) for mail in await self._judged(made[2])]

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
        if not everywhere:
            return None
        return refused(RefusalKind.BLOCKED, "no mail may be sent to this address", min(everywhere))

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

    async def _campaign(self, id_: str) -> Campaign | None:
        """The campaign of that id as it was offered last; a change is seen within seconds."""
        now = asyncio.get_running_loop().time()
        kept = self._campaigns.get(id_)
        if kept is None or kept[1] < now:
            if len(self._campaigns) >= _MOST_CAMPAIGNS:
                self._campaigns.clear()
            kept = self._campaigns[id_] = (await self._house.store.campaigns.newest(id_), now + _KNOWN_SECONDS)
        return kept[0]

    async def _refresh(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._refreshed:
            await self._house.assembler.refresh()
            self._refreshed = now + _KNOWN_SECONDS


def _note(submission: Submission, admitted: Admitted, said: Recipient) -> HandedIn:
    return HandedIn(
        client=submission.client.name,
        sender=submission.sender,
        tag=admitted.tag,
        notify=",".join(sorted(_wanted(submission.client, said))),
        orcpt=said.orcpt,
        envelope_id=submission.envelope_id,
        returned=submission.returned,
    )


def _wanted(client: Client, said: Recipient) -> frozenset[str]:
    """What the sender is told of: as it asked, else as the config has it (RFC 3461 section 4.1)."""
    if client.dsn == "never" or "NEVER" in said.notify:
        return frozenset()
    if said.notify or client.dsn == "asked":
        return said.notify
    return frozenset({"FAILURE"})


def _meant(mail: NewMail, recipient: str, *, turned: str) -> NewMail:
    return mail if mail.recipient is None or turned == recipient else replace(mail, recipient=recipient)


def _receipt(admitted: Admitted, placed: Sequence[Placed] | None) -> Receipt | Refusal:
    if placed is None:
        return refused(RefusalKind.CONFLICT, "something else was handed in under this key before")
    if len(placed) == 1 and placed[0].answer.startswith("done:") and placed[0].changed:
        return refused(RefusalKind.BLOCKED, "this campaign has a mail to this person already", "DUPLICATE")
    taken = tuple(
        Taken(each.mail_id, str(address), each.answer == "repeated" or each.answer.startswith("done:"))
        for each, address in zip(placed, admitted.recipients, strict=True)
    )
    return Receipt(taken, admitted.stream, any(each.answer == "repeated" for each in placed))
