"""Calls of ESPs as kept, and what their events change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any, NamedTuple

import pytest
from tests.unit.store.conftest import World
from tests.unit.store.test_ledger import begin, saved, state

from penstock.model.codes import Code
from penstock.model.event import Event, EventKind
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Outcome, TryLater, Uncertain
from penstock.model.safety import Safety
from penstock.model.suppression import SuppressionReason
from penstock.model.verdict import Verdict
from penstock.ports import Counts, Ending, HistoryQuery, Kept, ListKey, SavedCall, Told
from penstock.queue.sql import SqlQueue
from penstock.store.house_rules import HouseRules
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


async def a_call(store: SqliteStore, mark: str = "m", adapter: str = "sg") -> SavedCall:
    assert await store.returns.save(adapter, mark, mark.encode()) is Kept.NEW
    return next(call for call in await store.returns.unread(99, ["sg", "mg", "B"]) if call.body == mark.encode())


def told(world: World, mail: Mail, kind: EventKind, key: str = "k", *, to: str | None = ANNA, **more: Any) -> Told:
    keys = frozenset(world.identity(to).person_keys) if to else frozenset()
    entry = world.suppression(tuple(keys), reason=REASONS[kind], subject=to) if kind in REASONS else None
    fields: dict[str, Any] = {"mail_id": mail.id, "recipient": to or "", **more}
    return Told(Event(kind, key, world.clock.now(), **fields), keys, entry)


async def tell(store: SqliteStore, *events: Told, mark: str = "m", adapter: str = "sg") -> dict[str, int]:
    return dict(await store.returns.take_in(await a_call(store, mark, adapter), events))


class Row(NamedTuple):
    state: str
    notice: str | None
    touched: int | None
    fate: str | None


async def row(store: SqliteStore, mail: Mail) -> Row:
    sql = "SELECT state, notice, touched_at, fate FROM mails WHERE id = unhex(?)"
    return await store.database.read(lambda connection: Row(*next(iter(connection.execute(sql, (mail.id,))))))


async def begun(store: SqliteStore, world: World, address: str = ANNA) -> Mail:
    mail = await saved(store, world, address)
    mail = replace(mail, content=world.mail(world.new_mail(address), notice="n1").content)
    assert await begin(store, world, mail) == [None]
    return mail


async def end(store: SqliteStore, world: World, mail: Mail, outcome: Outcome) -> None:
    due = world.clock.now() + timedelta(hours=1) if isinstance(outcome, TryLater) else None
    await store.ledger.end([Ending(mail, world.go(), outcome, due)])
    await store.returns.settle_doubts()


async def hits(store: SqliteStore, world: World, address: str = ANNA) -> set[SuppressionReason]:
    (found,) = await store.suppressions.hits([world.identity(address)])
    return {hit.reason for hit in found}


async def test_a_call_is_kept_once(store: SqliteStore) -> None:
    assert await store.returns.save("sg", "one", b"body") is Kept.NEW
    assert await store.returns.save("sg", "one", b"body") is Kept.KNOWN
    assert await store.returns.save("mg", "one", b"body") is Kept.NEW
    assert [call.body for call in await store.returns.unread(9, ["sg", "mg"])] == [b"body", b"body"]


async def test_another_body_under_the_same_mark_is_no_repetition(store: SqliteStore) -> None:
    await store.returns.save("mg", "token", b"honest")
    assert await store.returns.save("mg", "token", b"forged") is Kept.OTHER
    assert [call.body for call in await store.returns.unread(9, ["sg", "mg"])] == [b"honest"]
    assert {each.what: each.number for each in await store.returns.counts()} == {"calls": 1, "refused": 1}


async def test_a_call_is_read_once(store: SqliteStore, world: World) -> None:
    await tell(store)
    await store.returns.unreadable(await a_call(store, "other"))
    assert await store.returns.unread(9, ["sg", "mg"]) == []


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
    assert [call.body for call in await store.returns.unread(9, ["sg", "mg"])] == [b"unread"]


async def test_who_was_handed_mail_by_an_adapter_is_known(store: SqliteStore, world: World) -> None:
    await ended(store, world, Accepted("r", "sg"))
    await ended(store, world, Uncertain("?", "sg"), address="bo@firm.example")
    keys = [world.identity(address).person for address in (ANNA, "carl@other.example", "bo@firm.example")]
    assert await store.returns.were_handed("sg", keys) == {(0, "nordlicht"), (2, "nordlicht")}
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


BOUNCED = (EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY, EventKind.BOUNCED_HARD)


@pytest.mark.parametrize("told_first", [True, False])
@pytest.mark.parametrize("outcome", [Accepted("r", "sg"), Uncertain("no answer", "sg"), TryLater("503")])
@pytest.mark.parametrize(
    ("kinds", "state", "noticed"),
    [
        ([EventKind.DELIVERED], "accepted", True),
        ([EventKind.ACCEPTED, EventKind.REJECTED], "failed", False),
        ([EventKind.REJECTED, EventKind.DELIVERED], "accepted", True),
        *(([kind, EventKind.DELIVERED], "accepted", False) for kind in BOUNCED),
        ([EventKind.BOUNCED_SOFT, EventKind.COMPLAINED], "accepted", True),
    ],
)
async def test_events_say_the_same_before_and_after_the_end_and_in_any_order(
    store: SqliteStore, world: World, outcome: Outcome, kinds: list[EventKind], state: str, *, noticed: bool,
    told_first: bool,
) -> None:  # fmt: skip
    rows = set()
    for place, order in enumerate(permutations(kinds)):
        address = f"p{place}@firm.example"
        mail = await begun(store, world, address)
        steps = [end(store, world, mail, outcome)]
        events = [told(world, mail, kind, f"{place}{kind}", to=address) for kind in order]
        steps.insert(0 if told_first else 1, tell(store, *events, mark=f"m{place}"))  # type: ignore[arg-type]
        for step in steps:
            await step
        found = await row(store, mail)
        rows.add((found.state, found.notice is not None))
    assert rows == {(state, noticed)}


@pytest.mark.parametrize("verdict", [Verdict.DEFER, Verdict.HOLD, Verdict.BLOCK])
async def test_what_the_esp_has_does_not_go_again_however_it_was_judged_since(
    store: SqliteStore, world: World, verdict: Verdict
) -> None:
    mail = await begun(store, world)
    await end(store, world, mail, TryLater("503"))
    await store.ledger.record([(mail, world.stop(verdict, Code.RATE_BACKOFF))])
    await tell(store, told(world, mail, EventKind.DELIVERED))
    assert (await row(store, mail)).state == "accepted"
    (reason,) = await begin(store, world, mail)
    assert reason is not None
    assert reason.code is Code.DUPLICATE


async def test_a_mail_that_never_began_is_none_that_an_esp_can_tell_of(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    assert await tell(store, told(world, mail, EventKind.COMPLAINED)) == {"not_ours": 1}
    assert await hits(store, world) == set()


async def test_an_esp_that_never_got_the_mail_is_not_believed(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("r", "B"))
    assert await tell(store, told(world, mail, EventKind.REJECTED)) == {"not_ours": 1}
    assert (await tell(store, told(world, mail, EventKind.OPENED), mark="b", adapter="B"))["taken"] == 1
    assert (await row(store, mail)).state == "accepted"


async def test_the_same_complaint_in_two_events_counts_once(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted("r", "sg"))
    await tell(store, told(world, mail, EventKind.COMPLAINED), told(world, mail, EventKind.COMPLAINED, "k2"))
    (counts,) = await store.list_stats.of([ListKey("campaign", "autumn")])
    assert counts.complained == 1


async def test_an_event_that_is_faster_than_the_end_is_no_silence(store: SqliteStore, world: World) -> None:
    await store.returns.open_door(["sg"])
    world.clock.pass_time(timedelta(minutes=1))
    mail = await begun(store, world)
    world.clock.pass_time(timedelta(milliseconds=300))
    await tell(store, told(world, mail, EventKind.DELIVERED))
    world.clock.pass_time(timedelta(milliseconds=300))
    await end(store, world, mail, Accepted("r", "sg"))
    world.clock.pass_time(timedelta(hours=25))
    assert await store.returns.silence("sg", 24) is None


async def test_a_clock_that_was_ahead_once_does_not_blind_the_watchdog(store: SqliteStore, world: World) -> None:
    world.clock.at += timedelta(days=365)
    await store.returns.open_door(["sg"])
    await tell(store)
    world.clock.at -= timedelta(days=365)
    await ended(store, world, Accepted("r", "sg"))
    await store.returns.count("sg", "told")
    world.clock.pass_time(timedelta(hours=1))
    await ended(store, world, Accepted("r", "sg"), address="bo@firm.example")
    world.clock.pass_time(timedelta(days=3))
    assert await store.returns.silence("sg", 24) is not None


async def test_a_redirected_mail_clears_its_doubt_and_touches_nobody(
    world: World, new_id: Callable[[], str]
) -> None:  # fmt: skip
    rules = replace(HouseRules(), safety=Safety("me@test.example"))
    store = await SqliteStore.open("sqlite://:memory:", world.keyring, world.clock, new_id=new_id, rules=rules)
    mail = await begun(store, world)
    await end(store, world, mail, Uncertain("no answer", "sg"))
    tester = told(world, mail, EventKind.COMPLAINED, to="me@test.example")
    assert (await tell(store, tester))["taken"] == 1
    assert (await row(store, mail))[:3] == ("accepted", None, None)
    assert await hits(store, world) == await hits(store, world, "me@test.example") == set()
    assert await store.returns.were_handed("sg", [world.identity(ANNA).person]) == frozenset()
    await store.aclose()


async def test_a_call_that_could_not_be_read_is_tried_again_when_asked(store: SqliteStore) -> None:
    await store.returns.unreadable(await a_call(store))
    assert await store.returns.read_again(["other"]) == 0
    assert await store.returns.read_again(["sg"]) == 1
    assert len(await store.returns.unread(9, ["sg"])) == 1
    assert await store.returns.unread(9, ["other"]) == await store.returns.unread(9, []) == []


async def test_a_mail_is_found_by_receipt_without_reading_a_table(store: SqliteStore) -> None:
    asked = "EXPLAIN QUERY PLAN " + store.database.statements("returns")["mail_by_receipt"]
    plan = await store.database.read(lambda each: [row[3] for row in each.execute(asked, ("sg", "r"))])
    assert any("handed_receipt" in line for line in plan)
    assert not any(line.startswith("SCAN") for line in plan)


async def test_an_erased_person_does_not_come_back_by_an_event(store: SqliteStore, world: World) -> None:
    keys = tuple(world.identity(ANNA).person_keys)
    await store.suppressions.add([world.suppression(keys, reason=SuppressionReason.ERASURE, subject=None)])
    await store.suppressions.add([world.suppression(keys, reason=SuppressionReason.COMPLAINT)])
    assert [each.entry.subject for each in await store.suppressions.entries("", 9)] == [None, None]
    other = tuple(world.identity("bo@firm.example").person_keys)
    await store.suppressions.add([world.suppression(other, subject="bo@firm.example")])
    assert (await store.suppressions.entries("", 9))[-1].entry.subject == "bo@firm.example"
