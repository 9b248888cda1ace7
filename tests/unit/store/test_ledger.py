"""Decisions, beginnings and endings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import apsw
import orjson
from tests.unit.store.conftest import World

from penstock.model.codes import Code
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.model.verdict import Facts, Reason, Verdict, decide
from penstock.ports import BEGUN_ELSEWHERE, Counts, Ending, ListKey, SavedMail, Settlement
from penstock.queue.sql import SqlQueue
from penstock.store.chain import canonical, outside_word
from penstock.store.sqlite import SqliteStore


async def saved(store: SqliteStore, world: World, address: str = "anna.keller@muster.example", **more: Any) -> Mail:
    """One accepted mail and its draft."""
    new = world.new_mail(address, **more)
    await store.mails.accept([new])
    return world.mail(new, address)


async def load(store: SqliteStore, mail: Mail) -> SavedMail:
    (known,) = await store.mails.load([mail.id])
    assert known is not None
    return known


async def state(store: SqliteStore, mail: Mail) -> str:
    return (await load(store, mail)).state


async def begin(store: SqliteStore, world: World, *mails: Mail) -> Sequence[Reason | None]:
    return await store.ledger.begin([(mail, world.go()) for mail in mails])


async def test_a_stopping_decision_is_recorded_once(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    for _ in range(2):
        await store.ledger.record([(mail, world.stop())])
    await store.ledger.record([(mail, world.stop(Verdict.BLOCK, Code.MINOR))])
    await store.ledger.record([(mail, world.stop())])
    rows = await store.ledger.show(mail.id)
    assert [(row.kind, row.code) for row in rows] == [
        ("decision", "UNVERIFIED"),
        ("decision", "MINOR"),
        ("decision", "UNVERIFIED"),
    ]
    assert await state(store, mail) == "held"


async def test_an_edited_campaign_makes_an_equal_decision_a_new_one(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await store.ledger.record([(mail, world.stop())])
    await store.ledger.record([(replace(mail, campaign=world.campaign(text="Edited")), world.stop())])
    assert len(await store.ledger.show(mail.id)) == 2


async def test_waiting_for_our_pace_is_no_decision(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    paced = decide((Reason("rate_limit", Verdict.DEFER, Code.RATE_BACKOFF, pace=True),), "first")
    await store.ledger.record([(mail, paced), (mail, world.go())])
    assert await store.ledger.rows(0, 9) == []
    assert await state(store, mail) == "queued"


async def test_a_decision_on_a_mail_that_was_never_saved_is_kept_too(store: SqliteStore, world: World) -> None:
    mail = world.mail(world.new_mail())
    await store.ledger.record([(mail, world.stop(Verdict.REJECT, Code.INVALID_ADDRESS))])
    assert [row.code for row in await store.ledger.show(mail.id)] == ["INVALID_ADDRESS"]


async def test_a_begin_writes_decision_start_payload_and_snapshot(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    assert isinstance(mail.content, Message)
    assert mail.campaign is not None
    assert await begin(store, world, mail) == [None]
    (row,) = await store.ledger.show(mail.id)
    body = row.body
    assert (row.kind, body["verdict"], body["variant"], body["attempt"]) == ("begin", "send", "first", 1)
    assert body["reasons"] == [["relevance", "send", None, ["function"], [], None]]
    assert body["payload"] == hashlib.sha256(mail.content.data).hexdigest()
    assert (body["campaign"], body["step"], body["controller"]) == (mail.campaign.digest, "autumn", "nordlicht")
    snapshot = await store.snapshots.get(row.seq)
    assert snapshot is not None
    assert snapshot["contact"]["given_name"] == "Anna"
    assert snapshot["campaign"] == mail.campaign.digest
    loaded = await load(store, mail)
    assert (loaded.state, loaded.begun_at, loaded.attempts) == ("begun", world.clock.now(), 1)


async def test_an_erased_snapshot_leaves_the_ledger_whole(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    (row,) = await store.ledger.show(mail.id)
    values = await store.snapshots.get(row.seq)
    assert values is not None
    assert values["contact"]["address"] == "anna.keller@muster.example"
    assert hashlib.sha256(orjson.dumps(values)).hexdigest() == row.body["snapshot"]
    assert await store.snapshots.erase([mail.id]) == 1
    assert await store.snapshots.get(row.seq) is None
    assert (await store.ledger.verify()).fault is None


async def test_an_end_is_written_once(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    for outcome in (Accepted("250 ok"), Accepted("250 ok"), Failed("late"), Uncertain("late")):
        await store.ledger.end([Ending(mail, world.go(), outcome)])
    assert await state(store, mail) == "accepted"
    rows = await store.ledger.show(mail.id)
    assert [(row.kind, row.body.get("outcome")) for row in rows] == [("begin", None), ("outcome", "accepted")]


async def test_an_end_without_a_begin_changes_nothing(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await store.ledger.end([Ending(mail, world.go(), Accepted())])
    assert await state(store, mail) == "queued"
    assert await store.ledger.rows(0, 9) == []


async def test_a_try_later_goes_back_to_the_queue_and_keeps_the_first_begin(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    start = world.clock.now()
    await begin(store, world, mail)
    await store.ledger.end([Ending(mail, world.go(), TryLater("greylisted"), start + timedelta(minutes=30))])
    world.clock.pass_time(timedelta(minutes=30))
    loaded = await load(store, mail)
    assert (loaded.state, loaded.begun_at, loaded.attempts) == ("queued", start, 1)
    await begin(store, world, mail)
    await store.ledger.end([Ending(mail, world.go(), TryLater("closed", attempt_used=False), world.clock.now())])
    loaded = await load(store, mail)
    assert (loaded.state, loaded.begun_at, loaded.attempts) == ("queued", start, 1)


async def test_a_late_acceptance_settles_a_doubt_and_nothing_else_does(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    assert await store.mails.recover(frozenset()) == (0, 1)  # nobody holds a lease
    await store.ledger.end([Ending(mail, world.go(), TryLater("late"))])
    assert await state(store, mail) == "uncertain"
    await store.ledger.end([Ending(mail, world.go(), Accepted())])
    assert await state(store, mail) == "accepted"


async def test_words_of_the_next_hop_hold_no_address(store: SqliteStore, world: World) -> None:
    one, two = await saved(store, world), await saved(store, world, "bo@muster.example")
    await begin(store, world, one, two)
    await store.ledger.end(
        [
            Ending(one, world.go(), Accepted("2.0.0 <anna.keller@muster.example> queued as ABC")),
            Ending(two, world.go(), Failed("550 bo@muster.example unknown", "5.1.1")),
        ]
    )
    assert (await store.ledger.show(one.id))[-1].body["receipt"] == "2.0.0queuedasABC"
    assert (await store.ledger.show(two.id))[-1].body["status"] == "5.1.1"


def test_an_outside_word_is_cut() -> None:
    assert outside_word("250 2.0.0 Ok: queued as 4ZX<y>") == "2502.0.0Okqueuedas4ZXy"
    assert len(outside_word("x" * 500)) == 64
    assert outside_word("to anna.keller@b.example: gone") == "togone"


async def test_no_row_holds_an_address_whoever_puts_it_there(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    facts = Facts(fields=("address",), records=("anna.keller@muster.example",))
    nosy = Reason(
        "plugin", Verdict.HOLD, Code.STAGE_FAILED, "anna.keller@muster.example", facts, "see anna@muster.example"
    )
    await store.ledger.record([(mail, decide((nosy,), "first"))])
    await begin(store, world, mail)
    await store.ledger.end([Ending(mail, world.go(), Accepted("anna.keller@muster.example"))])
    await store.ledger.append("note", {"of": ["anna.keller@muster.example", {"x": "Anna@muster.example"}]})
    await store.suppressions.add([world.suppression(mail.identity.person_keys)])

    def octets(connection: apsw.Connection) -> bytes:
        return b"".join(row for (row,) in connection.execute("SELECT row FROM ledger"))

    stored = await store.database.read(octets)
    for word in (b"@", b"Keller", b"Dear", b"Offer", b"works in purchasing"):
        assert word not in stored, word
    assert b"[withheld]" in stored
    assert (await store.ledger.verify()).fault is None


def test_equal_rows_are_equal_octets() -> None:
    assert canonical({"b": 1, "a": (1, None)}) == canonical({"a": [1, None], "b": 1}) == b'{"a":[1,null],"b":1}'


async def test_rows_of_a_person_are_found_under_any_key(store: SqliteStore, world: World) -> None:
    anna = world.identity("anna@muster.example", provider="anna")
    mail = await saved(store, world, identity=anna)
    other = await saved(store, world, "bo@muster.example")
    await begin(store, world, mail, other)
    for key in anna.person_keys:
        known_by_one = type(anna)(b"?" * 32, (key,), (), None, None)
        assert [row.mail_id for row in await store.ledger.show_person(known_by_one)] == [mail.id]


async def test_nothing_given_is_nothing_written(store: SqliteStore) -> None:
    await store.ledger.record([])
    await store.ledger.end([])
    assert await store.ledger.begin([]) == []
    assert await store.ledger.rows(0, 9) == []


async def test_a_mail_to_be_tried_later_keeps_its_ticket_though_another_worker_holds_it(
    store: SqliteStore, world: World
) -> None:
    """The lease of the first ran out while it judged; what it then learns must not be lost with its fence."""
    mail, queue = await saved(store, world), SqlQueue(store.database, world.clock)
    (first,) = await queue.lease(1, 30.0)
    world.clock.seconds += 31
    (second,) = await queue.lease(1, 30.0)
    assert await begin(store, world, mail) == [None]
    assert await begin(store, world, mail) == [BEGUN_ELSEWHERE]
    due = world.clock.now() + timedelta(hours=2)
    await store.ledger.end([Ending(mail, world.go(), TryLater("busy"), due)])
    await queue.settle([Settlement(first, due), Settlement(second, world.clock.now())])
    world.clock.seconds += 60
    assert await queue.lease(1, 30.0) == []
    world.clock.pass_time(timedelta(hours=2))
    assert [ticket.mail_id for ticket in await queue.lease(1, 30.0)] == [mail.id]


async def test_a_crash_between_end_and_settle_keeps_the_time_of_the_next_try(store: SqliteStore, world: World) -> None:
    mail, queue = await saved(store, world), SqlQueue(store.database, world.clock)
    await queue.lease(1, 30.0)
    await begin(store, world, mail)
    due = world.clock.now() + timedelta(hours=2)
    await store.ledger.end([Ending(mail, world.go(), TryLater("busy"), due)])
    world.clock.seconds += 3600
    assert await queue.lease(1, 30.0) == []


async def test_what_became_of_a_list_is_counted_where_mails_end(store: SqliteStore, world: World) -> None:
    mails = [await saved(store, world, f"p{n}@firm{n}.example") for n in range(3)]
    await begin(store, world, *mails)
    outcomes: tuple[Outcome, ...] = (
        Accepted(),
        Failed("gone", "5.1.1", Code.HARD_BOUNCED),
        Failed("refused", "5.7.1"),
    )
    await store.ledger.end([Ending(m, world.go(), o) for m, o in zip(mails, outcomes, strict=True)])
    keys = [ListKey("campaign", "autumn"), ListKey("supplier", "nobody")]
    assert await store.list_stats.of(keys) == [Counts(1, 1, 0), Counts()]
