from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.unit.store.conftest import World

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.model.verdict import Verdict
from penstock.ports import Ending, SavedMail
from penstock.queue.sql import SqlQueue
from penstock.store.desk import MailState
from penstock.store.placing import NewMail
from penstock.store.sqlite import SqliteStore


async def placed(store: SqliteStore, *new: NewMail) -> list[str]:
    return [answer.answer for answer in await store.mails.accept(list(new))]


async def send(
    store: SqliteStore,
    world: World,
    new: NewMail,
    outcome: Outcome | None = None,
    *,
    notice: str | None = None,
    due: datetime | None = None,
) -> Mail:
    """Begin and end one mail."""
    mail = world.mail(new, notice=notice)
    (reason,) = await store.ledger.begin([(mail, world.go())])
    assert reason is None, reason
    if outcome is not None:
        await store.ledger.end([Ending(mail, world.go(), outcome, due)])
    return mail


async def load(store: SqliteStore, new: NewMail) -> SavedMail:
    (saved,) = await store.mails.load([new.id])
    assert saved is not None
    return saved


async def state(store: SqliteStore, new: NewMail) -> str:
    return (await load(store, new)).state


async def test_a_mail_is_saved_with_its_ticket(store: SqliteStore, world: World) -> None:
    new = world.new_mail(due=world.clock.now() + timedelta(hours=1))
    assert await placed(store, new) == ["new"]
    queue = SqlQueue(store.database, world.clock)
    ((ticket,), lease) = (await queue.entries(0, 9), await queue.lease(9, 60))
    assert (ticket.mail_id, ticket.lane, ticket.due) == (new.id, new.lane, new.due)
    assert lease == []
    world.clock.pass_time(timedelta(hours=1))
    assert [t.mail_id for t in await queue.lease(9, 60)] == [new.id]


async def test_an_original_comes_back_with_campaign_and_contact(store: SqliteStore, world: World) -> None:
    anna = Contact("anna.keller@muster.example", given_name="Anna")
    (stored,) = await store.contacts.upsert([(anna, world.identity(anna.address))])
    new = world.new_mail(contact_id=stored.id)
    await store.mails.accept([new])
    (saved, missing) = await store.mails.load([new.id, "0" * 32])
    assert saved is not None
    assert missing is None
    assert (saved.campaign, saved.contact, saved.contact_id) == (new.campaign, anna, stored.id)
    assert (saved.stream, saved.controller, saved.state) == (Stream.PROSPECTING, "nordlicht", "queued")
    assert (saved.begun_at, saved.attempts, saved.waived, saved.content) == (None, 0, frozenset(), None)


async def test_a_ready_made_message_keeps_its_octets(store: SqliteStore, world: World) -> None:
    data = b"From: a@nordlicht.example\r\n\r\nHi\r\n"
    one = world.new_mail("a@muster.example", content=data, recipient="a@muster.example", stream=Stream.TRANSACTIONAL)
    two = replace(world.new_mail("b@muster.example"), content=data, recipient="b@muster.example", campaign=None)
    await store.mails.accept([one, two])
    first, second = await store.mails.load([one.id, two.id])
    assert first is not None
    assert second is not None
    assert [(each.content, each.recipient) for each in (first, second)] == [
        (data, "a@muster.example"),
        (data, "b@muster.example"),
    ]
    assert second.campaign is None


async def test_the_same_mail_waits_once(store: SqliteStore, world: World) -> None:
    new = world.new_mail()
    assert await placed(store, new, new) == ["new", "waiting"]
    assert await placed(store, new) == ["waiting"]
    assert await SqlQueue(store.database, world.clock).depth() == 1


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.BLOCK, Verdict.REJECT, Verdict.DEFER])
async def test_a_mail_that_was_stopped_is_queued_again_with_the_new_campaign(
    store: SqliteStore, world: World, verdict: Verdict
) -> None:
    queue = SqlQueue(store.database, world.clock)
    new = world.new_mail()
    await store.mails.accept([new])
    await store.ledger.record([(world.mail(new), world.stop(verdict))])
    assert (
        await state(store, new)
        == {"hold": "held", "block": "blocked", "reject": "rejected", "defer": "deferred"}[verdict]
    )
    await queue.drop([new.id])
    edited = replace(new, campaign=world.campaign(text="Edited"))
    assert await placed(store, edited) == ["again"]
    saved = await load(store, new)
    assert (saved.state, saved.campaign) == ("queued", edited.campaign)
    assert await queue.depth() == 1


@pytest.mark.parametrize(
    ("outcome", "word"),
    [(None, "begun"), (Accepted(), "accepted"), (Uncertain("x"), "uncertain"), (Failed("x"), "failed")],
)
async def test_a_mail_that_began_is_left_alone(
    store: SqliteStore, world: World, outcome: Outcome | None, word: str
) -> None:
    new = world.new_mail()
    await store.mails.accept([new])
    await send(store, world, new, outcome)
    assert await placed(store, new) == [f"done:{word}"]
    assert await state(store, new) == word


async def test_a_dropped_mail_stays_dropped(store: SqliteStore, world: World) -> None:
    new = world.new_mail()
    await store.mails.accept([new])
    assert await store.mails.drop([new.id, "unknown"], "wrong list") == [new.id]
    assert await placed(store, new) == ["done:cancelled"]
    assert await SqlQueue(store.database, world.clock).depth() == 0
    assert [(r.action, r.why) for r in await store.mails.remarks(new.id)] == [("drop", "wrong list")]


async def test_a_campaign_without_a_digest_is_refused_and_nothing_saved(store: SqliteStore, world: World) -> None:
    new = world.new_mail(campaign=replace(world.campaign(), digest=""))
    with pytest.raises(ValueError, match="digest"):
        await store.mails.accept([new])
    assert await store.mails.load([new.id]) == [None]


async def test_whom_a_mail_was_for_is_known_long_after_the_contact_is_gone(store: SqliteStore, world: World) -> None:
    identity = world.identity("anna@muster.example", provider="anna")
    (stored,) = await store.contacts.upsert([(Contact("anna@muster.example"), identity)])
    new = world.new_mail(identity=identity, contact_id=stored.id)
    await store.mails.accept([new])
    await store.contacts.delete([stored.id])
    assert await store.mails.identity_of(new.id) == identity
    assert await store.mails.identity_of("unknown") is None
    saved = await load(store, new)
    assert (saved.contact, saved.contact_id) == (None, stored.id)


async def test_every_form_a_person_was_written_to_stays_known(store: SqliteStore, world: World) -> None:
    plain, tagged = world.identity("anna@muster.example"), world.identity("Anna@muster.example")
    assert plain.person == tagged.person
    first = world.new_mail(identity=plain, campaign=world.campaign("one"))
    second = world.new_mail(identity=tagged, campaign=world.campaign("two"))
    await store.mails.accept([first])
    await store.mails.accept([second])
    known = await store.mails.identity_of(first.id)
    assert known is not None
    assert set(known.person_keys) == {*plain.person_keys, *tagged.person_keys}


async def test_a_release_waives_exactly_the_hold_codes_it_had(store: SqliteStore, world: World) -> None:
    queue = SqlQueue(store.database, world.clock)
    new = world.new_mail()
    await store.mails.accept([new])
    await store.ledger.record([(world.mail(new), world.stop(Verdict.HOLD, Code.UNVERIFIED))])
    await queue.drop([new.id])
    assert [held.mail_id for held in await store.mails.held("", 9)] == [new.id]
    assert await store.mails.release([new.id, "unknown"], "Eva called anna@muster.example") == [new.id]
    assert await store.mails.held("", 9) == []
    saved = await load(store, new)
    assert (saved.state, saved.waived) == ("queued", frozenset({"UNVERIFIED"}))
    assert await queue.depth() == 1
    assert await store.mails.release([new.id], "again") == []
    row = (await store.ledger.show(new.id))[-1]
    assert (row.kind, row.body["waived"]) == ("released", ["UNVERIFIED"])
    assert "Eva" not in str(row.body)
    await store.ledger.record([(world.mail(new), world.stop(Verdict.HOLD, Code.REASON_MISSING))])
    await store.mails.release([new.id], "and that")
    saved = await load(store, new)
    assert saved.waived == {"UNVERIFIED", "REASON_MISSING"}


async def test_a_worker_that_judged_before_a_release_cannot_take_its_ticket_away(
    store: SqliteStore, world: World
) -> None:
    from penstock.ports import Settlement

    queue = SqlQueue(store.database, world.clock)
    new = world.new_mail()
    await store.mails.accept([new])
    (ticket,) = await queue.lease(1, 60)
    await store.ledger.record([(world.mail(new), world.stop())])
    await store.mails.release([new.id], "fine")
    await queue.settle([Settlement(ticket)])
    assert await queue.depth() == 1


@pytest.mark.parametrize(("sent", "word"), [(True, "accepted"), (False, "queued")])
async def test_an_uncertain_mail_is_settled_by_a_person(
    store: SqliteStore, world: World, sent: bool, word: str
) -> None:
    queue = SqlQueue(store.database, world.clock)
    new = world.new_mail()
    await store.mails.accept([new])
    await queue.drop([new.id])
    await send(store, world, new, Uncertain("lost connection"), notice="n1")
    assert [each.mail_id for each in await store.mails.uncertain("", 9)] == [new.id]
    assert await store.mails.resolve(new.id, sent=sent)
    assert await state(store, new) == word
    assert await queue.depth() == (0 if sent else 1)
    assert not await store.mails.resolve(new.id, sent=sent)
    assert (await store.ledger.show(new.id))[-1].body["sent"] is sent


async def test_mails_that_began_and_were_left_are_queued_or_in_doubt_by_their_adapter(
    store: SqliteStore, world: World
) -> None:
    queue = SqlQueue(store.database, world.clock)
    safe, risky, held, fresh = (
        world.new_mail(f"{name}@muster.example", lane=f"{lane}/muster.example")
        for name, lane in (("a", "folder"), ("b", "relay"), ("c", "relay"), ("d", "relay"))
    )
    await store.mails.accept([safe, risky, held])
    tickets = await queue.lease(9, 60)
    for new in (safe, risky, held):
        await send(store, world, new)
    assert await store.mails.recover(frozenset({"folder"})) == (0, 0)
    world.clock.pass_time(timedelta(seconds=61))
    await queue.renew([ticket for ticket in tickets if ticket.mail_id == held.id], 60)
    await store.mails.accept([fresh])
    assert await store.mails.recover(frozenset({"folder"})) == (1, 1)
    assert [await state(store, new) for new in (safe, risky, held, fresh)] == ["queued", "uncertain", "begun", "queued"]
    assert {ticket.mail_id for ticket in await queue.lease(9, 60)} == {safe.id, fresh.id}
    assert [row.kind for row in await store.ledger.show(risky.id)] == ["begin", "uncertain"]
    assert [row.kind for row in await store.ledger.show(safe.id)] == ["begin", "again"]
    assert (await store.ledger.verify()).fault is None


async def test_reports_walk_over_a_campaign_in_order(store: SqliteStore, world: World) -> None:
    mails = [world.new_mail(f"p{number}@muster.example") for number in range(5)]
    await store.mails.accept([*mails, world.new_mail(campaign=world.campaign("other"))])
    await send(store, world, mails[0], Accepted())
    await store.ledger.record([(world.mail(mails[1]), world.stop())])
    until = world.clock.now() + timedelta(hours=3)
    await store.ledger.record([(world.mail(mails[2]), world.stop(Verdict.DEFER, Code.FREQUENCY_CAP, until))])
    seen: list[MailState] = []
    after = ""
    while page := await store.mails.states("autumn", after, 2):
        seen += page
        after = page[-1].mail_id
    assert [each.mail_id for each in seen] == [mail.id for mail in mails]
    assert [each.state for each in seen] == ["accepted", "held", "deferred", "queued", "queued"]
    assert [each.code for each in seen] == [None, Code.UNVERIFIED, Code.FREQUENCY_CAP, None, None]
    assert (seen[0].outcome, seen[2].until) == ("accepted", until)
    assert [each.state for each in await store.mails.waiting("autumn", "", 9)] == ["deferred", "queued", "queued"]


async def test_a_mail_that_waits_for_our_pace_says_until_when(store: SqliteStore, world: World) -> None:
    new = world.new_mail()
    await store.mails.accept([new])
    await SqlQueue(store.database, world.clock).postpone(new.lane, world.clock.machine() + 90)
    (waiting,) = await store.mails.waiting("autumn", "", 9)
    assert waiting.until == world.clock.now() + timedelta(seconds=90)


async def test_a_next_try_is_seen_in_reports(store: SqliteStore, world: World) -> None:
    new = world.new_mail()
    await store.mails.accept([new])
    due = world.clock.now() + timedelta(minutes=30)
    await send(store, world, new, TryLater("greylisted"), due=due)
    (each,) = await store.mails.states("autumn", "", 9)
    assert (each.state, each.until, each.outcome) == ("queued", due, "try_later")
