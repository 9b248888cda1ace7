"""Calls of ESPs as kept, and what their events change."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from tests.unit.store.conftest import World
from tests.unit.store.test_ledger import begin, saved, state

from penstock.model.event import Event, EventKind
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Outcome, TryLater, Uncertain
from penstock.model.suppression import SuppressionReason
from penstock.ports import Counts, Ending, HistoryQuery, Kept, ListKey, SavedCall, Told
from penstock.queue.sql import SqlQueue
from penstock.store.sqlite import SqliteStore

ANNA = "anna.keller@muster.example"
REASONS = {
    EventKind.BOUNCED_HARD: SuppressionReason.BOUNCE,
    EventKind.COMPLAINED: SuppressionReason.COMPLAINT,
    EventKind.UNSUBSCRIBED: SuppressionReason.UNSUBSCRIBE,
}


async def ended(store: SqliteStore, world: World, outcome: Outcome, *, notice: str | None = None, **more: Any) -> Mail:
    mail = replace(await saved(store, world, **more), content=world.mail(world.new_mail(), notice=notice).content)
    assert await begin(store, world, mail) == [None]
    due = world.clock.now() + timedelta(hours=1) if isinstance(outcome, TryLater) else None
    await store.ledger.end([Ending(mail, world.go(), outcome, due)])
    return mail


async def a_call(store: SqliteStore, mark: str = "m") -> SavedCall:
    assert await store.returns.save("sg", mark, mark.encode()) is Kept.NEW
    return next(call for call in await store.returns.unread(99) if call.body == mark.encode())


def told(world: World, mail: Mail, kind: EventKind, key: str = "k", *, to: str | None = ANNA, **more: Any) -> Told:
    keys = frozenset(world.identity(to).person_keys) if to else frozenset()
    entry = world.suppression(tuple(keys), reason=REASONS[kind], subject=to) if kind in REASONS else None
    fields: dict[str, Any] = {"mail_id": mail.id, "recipient": to or "", **more}
    return Told(Event(kind, key, world.clock.now(), **fields), keys, entry)


async def tell(store: SqliteStore, *events: Told, mark: str = "m") -> dict[str, int]:
    return dict(await store.returns.take_in(await a_call(store, mark), events))


async def hits(store: SqliteStore, world: World, address: str = ANNA) -> set[SuppressionReason]:
    (found,) = await store.suppressions.hits([world.identity(address)])
    return {hit.reason for hit in found}


async def test_a_call_is_kept_once(store: SqliteStore) -> None:
    assert await store.returns.save("sg", "one", b"body") is Kept.NEW
    assert await store.returns.save("sg", "one", b"body") is Kept.KNOWN
    assert await store.returns.save("mg", "one", b"body") is Kept.NEW
    assert [call.body for call in await store.returns.unread(9)] == [b"body", b"body"]


async def test_another_body_under_the_same_mark_is_no_repetition(store: SqliteStore) -> None:
    await store.returns.save("mg", "token", b"honest")
    assert await store.returns.save("mg", "token", b"forged") is Kept.OTHER
    assert [call.body for call in await store.returns.unread(9)] == [b"honest"]
    assert {each.what: each.number for each in await store.returns.counts()} == {"calls": 1, "refused": 1}


async def test_a_call_is_read_once(store: SqliteStore, world: World) -> None:
    await tell(store)
    await store.returns.unreadable(await a_call(store, "other"))
    assert await store.returns.unread(9) == []


@pytest.mark.parametrize("kind", list(REASONS))
async def test_what_ends_it_is_lasting(store: SqliteStore, world: World, kind: EventKind) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    assert (await tell(store, told(world, mail, kind)))["taken"] == 1
    assert await hits(store, world) == {REASONS[kind]}


@pytest.mark.parametrize("kind", sorted(set(EventKind) - set(REASONS)))
async def test_what_is_no_word_of_the_person_stops_nobody(store: SqliteStore, world: World, kind: EventKind) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    await tell(store, told(world, mail, kind))
    assert await hits(store, world) == set()


async def test_the_same_event_again_changes_nothing(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    event = told(world, mail, EventKind.COMPLAINED)
    assert (await tell(store, event, event))["repeated"] == 1
    assert (await tell(store, event, mark="again"))["repeated"] == 1
    (counts,) = await store.list_stats.of([ListKey("campaign", "autumn")])
    assert counts == Counts(1, 0, 1)


async def test_a_mail_we_never_sent_is_counted_and_nothing_else(store: SqliteStore, world: World) -> None:
    foreign = world.mail(world.new_mail("carl@other.example"))
    rows = await store.ledger.rows(0, 99)
    assert await tell(store, told(world, foreign, EventKind.COMPLAINED)) == {"not_ours": 1}
    assert await hits(store, world) == set()
    assert await store.ledger.rows(0, 99) == rows


async def test_an_event_that_names_another_person_stops_neither(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    event = told(world, mail, EventKind.UNSUBSCRIBED, to="boss@muster.example")
    assert await tell(store, event) == {"other_person": 1}
    assert await hits(store, world) == await hits(store, world, "boss@muster.example") == set()


async def test_an_event_without_an_address_means_whom_the_mail_went_to(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    event = told(world, mail, EventKind.UNSUBSCRIBED, to=None)
    assert event.entry is not None
    await tell(store, event)
    assert await hits(store, world) == {SuppressionReason.UNSUBSCRIBE}


async def test_the_id_of_the_esp_names_the_mail_too(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("ESP-7", "sg"))
    assert (await tell(store, told(world, mail, EventKind.COMPLAINED, mail_id="", receipt="ESP-7")))["taken"] == 1
    other = told(world, mail, EventKind.COMPLAINED, "k2", mail_id="", receipt="ESP-8")
    assert await tell(store, other, mark="b") == {"not_ours": 1}


@pytest.mark.parametrize("text", ["", "x", "g" * 32, "A" * 32, "0" * 31, "'; DROP", "0" * 33, "\0" * 32, "é" * 32])
async def test_an_id_that_is_none_of_ours_is_not_looked_for(store: SqliteStore, world: World, text: str) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    assert await tell(store, told(world, mail, EventKind.COMPLAINED, mail_id=text)) == {"not_ours": 1}


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (EventKind.ACCEPTED, "accepted"),
        (EventKind.DELIVERED, "accepted"),
        (EventKind.BOUNCED_SOFT, "accepted"),
        (EventKind.CLICKED, "accepted"),
        (EventKind.REJECTED, "failed"),
        (EventKind.UNKNOWN, "uncertain"),
    ],
)
async def test_an_event_settles_a_doubt(store: SqliteStore, world: World, kind: EventKind, after: str) -> None:
    mail = await ended(store, world, Uncertain("no answer", "sg"))
    await tell(store, told(world, mail, kind))
    await store.returns.settle_doubts()
    assert await state(store, mail) == after


async def test_a_doubt_that_comes_after_its_event_is_settled_by_it(store: SqliteStore, world: World) -> None:
    """The process died between sending and ending, and the ESP was faster than the janitor."""
    mail = await saved(store, world)
    await begin(store, world, mail)
    await tell(store, told(world, mail, EventKind.DELIVERED))
    assert await state(store, mail) == "begun"
    world.clock.pass_time(timedelta(hours=2))
    await store.mails.recover(frozenset())
    assert await state(store, mail) == "uncertain"
    assert await store.returns.settle_doubts() == 1
    assert await state(store, mail) == "accepted"


async def test_a_mail_that_was_to_go_again_does_not_when_the_esp_had_it(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, TryLater("too much at once"))
    await tell(store, told(world, mail, EventKind.DELIVERED))
    assert await state(store, mail) == "accepted"
    world.clock.pass_time(timedelta(days=1))
    assert await SqlQueue(store.database, world.clock).lease(9, 60.0) == []


async def test_a_notice_in_a_mail_that_nobody_saw_was_not_given(store: SqliteStore, world: World) -> None:
    async def noticed(mail: Mail) -> bool:
        query = HistoryQuery(
            mail.id, mail.identity, mail.controller, "autumn", world.clock.now() - timedelta(days=9), 9
        )
        (history,) = await store.mails.history([query])
        return history.noticed

    mail = await ended(store, world, Accepted("r", "sg"), notice="n1")
    other = replace(mail, id="f" * 32)
    assert await noticed(other)
    await tell(store, told(world, mail, EventKind.BOUNCED_SOFT))
    assert not await noticed(other)


async def test_the_gravest_event_says_what_became_of_a_mail_in_any_order(store: SqliteStore, world: World) -> None:
    kinds = (EventKind.DELIVERED, EventKind.COMPLAINED, EventKind.OPENED)
    fates = set()
    for place, order in enumerate(permutations(kinds)):
        address = f"person{place}@firm.example"
        mail = await ended(store, world, Accepted("r", "sg"), address=address)
        for kind in order:
            await tell(store, told(world, mail, kind, f"{place}-{kind}", to=address), mark=f"{place}-{kind}")
        fate, events = await store.returns.of_mail(mail.id)
        fates.add((fate, frozenset(event.kind for event in events)))
    assert fates == {(EventKind.COMPLAINED, frozenset(kinds))}


async def test_complaints_and_bounces_count_against_the_list(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    await tell(store, told(world, mail, EventKind.BOUNCED_HARD), told(world, mail, EventKind.COMPLAINED, "k2"))
    (counts,) = await store.list_stats.of([ListKey("campaign", "autumn")])
    assert (counts.bounced, counts.complained) == (1, 1)


async def test_the_ledger_tells_of_events_without_addresses(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    await tell(store, told(world, mail, EventKind.UNSUBSCRIBED))
    rows = await store.ledger.rows(0, 99)
    assert {row.kind for row in rows} >= {"event", "suppressed"}
    assert "@" not in repr([row.body for row in rows])
    assert (await store.ledger.verify()).fault is None


async def test_old_calls_are_forgotten_and_unread_ones_never(store: SqliteStore, world: World) -> None:
    await tell(store, mark="read")
    await store.returns.save("sg", "unread", b"unread")
    world.clock.pass_time(timedelta(days=40))
    assert await store.returns.forget(world.clock.now() - timedelta(days=30)) == 1
    assert [call.body for call in await store.returns.unread(9)] == [b"unread"]


async def test_who_was_handed_mail_by_an_adapter_is_known(store: SqliteStore, world: World) -> None:
    await ended(store, world, Accepted("r", "sg"))
    await ended(store, world, Uncertain("?", "sg"), address="bo@firm.example")
    keys = [world.identity(address).person for address in (ANNA, "carl@other.example", "bo@firm.example")]
    assert await store.returns.were_handed("sg", keys) == {0, 2}
    assert await store.returns.were_handed("mg", keys) == frozenset()
    assert await store.returns.were_handed("sg", []) == frozenset()


async def test_an_esp_is_silent_when_it_should_have_told_of_a_mail(store: SqliteStore, world: World) -> None:
    async def silent() -> bool | None:
        found = await store.returns.silence("sg", 24)
        return None if found is None else found.probed

    await ended(store, world, Accepted("r", "sg"))
    world.clock.pass_time(timedelta(hours=48))
    assert await silent() is None, "nothing was promised before its door was opened"
    await store.returns.open_door(["sg"])
    world.clock.pass_time(timedelta(hours=48))
    await store.returns.open_door(["sg"])
    assert await silent() is None, "no mail, no events"
    mail = await ended(store, world, Accepted("r", "sg"), address="bo@firm.example")
    world.clock.pass_time(timedelta(hours=23))
    assert await silent() is None
    world.clock.pass_time(timedelta(hours=2))
    assert await silent() is False
    await ended(store, world, Accepted("r", "sg"), address="cia@firm.example")
    assert await silent() is True
    await tell(store, told(world, mail, EventKind.DELIVERED, to="bo@firm.example"))
    assert await silent() is None
