"""Decisions, beginnings and endings."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import apsw
import orjson
import pytest

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.outcome import Accepted, Failed, TryLater, Uncertain
from penstock.model.suppression import SuppressionKind, SuppressionReason
from penstock.model.verdict import Facts, Reason, Verdict, decide
from penstock.ports import Ending
from penstock.store.campaigns import CampaignState
from penstock.store.chain import canonical, outside_word
from penstock.store.sqlite import SqliteStore


async def saved(store, world, address="anna.keller@muster.example", **more):
    """One accepted mail and its draft."""
    new = world.new_mail(address, **more)
    await store.mails.accept([new])
    return world.mail(new, address)


async def state(store, mail) -> str:
    return (await store.mails.load([mail.id]))[0].state


async def begin(store, world, *mails):
    return await store.ledger.begin([(mail, world.go()) for mail in mails])


async def test_a_stopping_decision_is_recorded_once(store, world) -> None:
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


async def test_an_edited_campaign_makes_an_equal_decision_a_new_one(store, world) -> None:
    mail = await saved(store, world)
    await store.ledger.record([(mail, world.stop())])
    await store.ledger.record([(replace(mail, campaign=world.campaign(text="Edited")), world.stop())])
    assert len(await store.ledger.show(mail.id)) == 2


async def test_waiting_for_our_pace_is_no_decision(store, world) -> None:
    mail = await saved(store, world)
    paced = decide((Reason("rate_limit", Verdict.DEFER, Code.RATE_BACKOFF, pace=True),), "first")
    await store.ledger.record([(mail, paced), (mail, world.go())])
    assert await store.ledger.rows(0, 9) == []
    assert await state(store, mail) == "queued"


async def test_a_decision_on_a_mail_that_was_never_saved_is_kept_too(store, world) -> None:
    mail = world.mail(world.new_mail())
    await store.ledger.record([(mail, world.stop(Verdict.REJECT, Code.INVALID_ADDRESS))])
    assert [row.code for row in await store.ledger.show(mail.id)] == ["INVALID_ADDRESS"]


async def test_a_begin_writes_decision_start_payload_and_snapshot(store, world) -> None:
    mail = await saved(store, world)
    assert await begin(store, world, mail) == [None]
    (row,) = await store.ledger.show(mail.id)
    body = row.body
    assert (row.kind, body["verdict"], body["variant"], body["attempt"]) == ("begin", "send", "first", 1)
    assert body["reasons"] == [["relevance", "send", None, ["function"], [], None]]
    assert body["payload"] == hashlib.sha256(mail.content.data).hexdigest()
    assert (body["campaign"], body["step"], body["controller"]) == (mail.campaign.digest, "autumn", "nordlicht")
    snapshot = await store.snapshots.get(row.seq)
    assert snapshot["contact"]["given_name"] == "Anna"
    assert snapshot["campaign"] == mail.campaign.digest
    (loaded,) = await store.mails.load([mail.id])
    assert (loaded.state, loaded.begun_at, loaded.attempts) == ("begun", world.clock.now(), 1)


async def test_an_erased_snapshot_leaves_the_ledger_whole(store, world) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    (row,) = await store.ledger.show(mail.id)
    values = await store.snapshots.get(row.seq)
    assert values["contact"]["address"] == "anna.keller@muster.example"
    assert hashlib.sha256(orjson.dumps(values)).hexdigest() == row.body["snapshot"]
    assert await store.snapshots.erase([mail.id]) == 1
    assert await store.snapshots.get(row.seq) is None
    assert (await store.ledger.verify()).fault is None


@pytest.mark.parametrize(
    ("outcome", "word"), [(None, "begun"), (Accepted(), "accepted"), (Uncertain("x"), "uncertain"), (Failed("x"), "failed")]
)
async def test_a_mail_that_began_does_not_begin_again(store, world, outcome, word) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    if outcome:
        await store.ledger.end([Ending(mail, world.go(), outcome)])
    (reason,) = await begin(store, world, mail)
    assert (reason.stage, reason.verdict.rank > 0) == ("begin", True)
    assert word in reason.why
    await store.ledger.record([(mail, decide((reason,), "first"))])
    assert await state(store, mail) == word


async def test_a_mail_twice_in_a_slice_begins_once(store, world) -> None:
    mail = await saved(store, world)
    first, second = await begin(store, world, mail, mail)
    assert first is None
    assert second.code is Code.DUPLICATE


async def test_a_mail_that_was_never_saved_does_not_begin(store, world) -> None:
    (reason,) = await begin(store, world, world.mail(world.new_mail()))
    assert reason.verdict is Verdict.HOLD


@pytest.mark.parametrize("which", ["person", "company"])
async def test_an_objection_in_between_stops_the_mail(store, world, which) -> None:
    mail, other = await saved(store, world), await saved(store, world, "bo@elsewhere.example")
    keys = mail.identity.person_keys[:1] if which == "person" else mail.identity.company_keys
    kind = SuppressionKind.PERSON if which == "person" else SuppressionKind.DOMAIN
    (entry,) = await store.suppressions.add([world.suppression(keys, kind)])
    reason, none = await begin(store, world, mail, other)
    assert (reason.verdict, reason.code) == (
        Verdict.BLOCK,
        Code.SUPPRESSED_PERSON if which == "person" else Code.SUPPRESSED_COMPANY,
    )
    assert reason.facts.records == (entry,)
    assert none is None
    assert await state(store, mail) == "queued"


@pytest.mark.parametrize(
    ("scope", "stops"),
    [
        ("all", True),
        ("controller:nordlicht", True),
        ("controller:sydlicht", False),
        ("channel:email", True),
        ("channel:phone", False),
        ("what is this", True),
    ],
)
async def test_an_objection_binds_within_its_scope(store, world, scope, stops) -> None:
    mail = await saved(store, world)
    await store.suppressions.add([world.suppression(mail.identity.person_keys, scope=scope)])
    (reason,) = await begin(store, world, mail)
    assert (reason is not None) is stops


@pytest.mark.parametrize(
    ("stream", "reason", "code"),
    [
        (Stream.PROSPECTING, SuppressionReason.COMPLAINT, Code.SUPPRESSED_PERSON),
        (Stream.NEWSLETTER, SuppressionReason.BOUNCE, Code.HARD_BOUNCED),
        (Stream.CUSTOMER, SuppressionReason.ERASURE, Code.ERASED_TOMBSTONE),
        (Stream.TRANSACTIONAL, SuppressionReason.UNSUBSCRIBE, None),
        (Stream.TRANSACTIONAL, SuppressionReason.BOUNCE, Code.HARD_BOUNCED),
        (Stream.TRANSACTIONAL, SuppressionReason.ERASURE, Code.ERASED_TOMBSTONE),
        (Stream.NOTICE, SuppressionReason.ERASURE, None),
        (Stream.NOTICE, SuppressionReason.BOUNCE, Code.HARD_BOUNCED),
    ],
)
async def test_an_entry_binds_the_streams_the_contract_says(store, world, stream, reason, code) -> None:
    mail = await saved(store, world, stream=stream)
    await store.suppressions.add([world.suppression(mail.identity.person_keys, reason=reason)])
    (answer,) = await begin(store, world, mail)
    assert (answer and answer.code) == code


async def test_mails_of_a_slice_count_for_one_anothers_caps(store, world, caps) -> None:
    campaign = world.campaign(caps=caps(company=["3/30d"]))
    mails = [await saved(store, world, f"p{number}@muster.example", campaign=campaign) for number in range(5)]
    answers = await begin(store, world, *mails)
    assert [answer is None for answer in answers] == [True, True, True, False, False]
    assert (answers[3].verdict, answers[3].code) == (Verdict.DEFER, Code.FREQUENCY_CAP)
    assert answers[3].facts.until == world.clock.now() + timedelta(days=30)


async def test_a_full_person_cap_defers_until_a_touch_leaves_the_window(store, world, caps) -> None:
    limits = caps(person=["1/7d", "2/90d"])
    mails = [
        await saved(store, world, campaign=world.campaign(name, caps=limits)) for name in ("one", "two", "three")
    ]
    start = world.clock.now()
    assert await begin(store, world, mails[0]) == [None]
    (reason,) = await begin(store, world, mails[1])
    assert reason.facts.until == start + timedelta(days=7)
    world.clock.pass_time(timedelta(days=7) - timedelta(microseconds=1))
    assert (await begin(store, world, mails[1]))[0] is not None
    world.clock.pass_time(timedelta(microseconds=1))
    assert await begin(store, world, mails[1]) == [None]
    (reason,) = await begin(store, world, mails[2])
    assert reason.facts.until == start + timedelta(days=90)


async def test_a_mail_that_was_not_sent_frees_its_place_under_the_cap(store, world, caps) -> None:
    limits = caps(person=["1/7d"])
    one = await saved(store, world, campaign=world.campaign("one", caps=limits))
    two = await saved(store, world, campaign=world.campaign("two", caps=limits))
    await begin(store, world, one)
    await store.ledger.end([Ending(one, world.go(), Failed("no such user"))])
    assert await begin(store, world, two) == [None]


async def test_a_mail_that_is_no_advertising_has_no_caps(store, world, caps) -> None:
    campaign = world.campaign(caps=caps(person=["1/7d"]))
    await begin(store, world, await saved(store, world, campaign=campaign))
    mail = await saved(store, world, campaign=world.campaign("b", caps=caps(person=["1/7d"])), stream=Stream.NOTICE)
    assert await begin(store, world, mail) == [None]


async def test_a_cap_that_cannot_be_read_holds(store, world, caps) -> None:
    mail = await saved(store, world, campaign=world.campaign(caps=caps(person=["often"])))
    (reason,) = await begin(store, world, mail)
    assert reason.verdict is Verdict.HOLD


@pytest.mark.parametrize("word", [CampaignState.PAUSED, CampaignState.CANCELLED])
async def test_a_campaign_stopped_in_between_holds_its_mails(store, world, word) -> None:
    mail = await saved(store, world)
    assert await store.campaigns.set_state("autumn", word)
    assert not await store.campaigns.set_state("autumn", word)
    (reason,) = await begin(store, world, mail)
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.CAMPAIGN_PAUSED)
    await store.campaigns.set_state("autumn", CampaignState.ACTIVE)
    assert await begin(store, world, mail) == [None]
    assert await store.campaigns.state_of(["autumn", "never"]) == [CampaignState.ACTIVE, CampaignState.ACTIVE]


async def test_an_end_is_written_once(store, world) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    for outcome in (Accepted("250 ok"), Accepted("250 ok"), Failed("late"), Uncertain("late")):
        await store.ledger.end([Ending(mail, world.go(), outcome)])
    assert await state(store, mail) == "accepted"
    rows = await store.ledger.show(mail.id)
    assert [(row.kind, row.body.get("outcome")) for row in rows] == [("begin", None), ("outcome", "accepted")]


async def test_an_end_without_a_begin_changes_nothing(store, world) -> None:
    mail = await saved(store, world)
    await store.ledger.end([Ending(mail, world.go(), Accepted())])
    assert await state(store, mail) == "queued"
    assert await store.ledger.rows(0, 9) == []


async def test_a_try_later_goes_back_to_the_queue_and_keeps_the_first_begin(store, world) -> None:
    mail = await saved(store, world)
    start = world.clock.now()
    await begin(store, world, mail)
    await store.ledger.end([Ending(mail, world.go(), TryLater("greylisted"), start + timedelta(minutes=30))])
    world.clock.pass_time(timedelta(minutes=30))
    (loaded,) = await store.mails.load([mail.id])
    assert (loaded.state, loaded.begun_at, loaded.attempts) == ("queued", start, 1)
    await begin(store, world, mail)
    await store.ledger.end([Ending(mail, world.go(), TryLater("closed", attempt_used=False), world.clock.now())])
    (loaded,) = await store.mails.load([mail.id])
    assert (loaded.state, loaded.begun_at, loaded.attempts) == ("queued", start, 1)


async def test_a_late_acceptance_settles_a_doubt_and_nothing_else_does(store, world) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    assert await store.mails.recover(frozenset()) == (0, 1)  # nobody holds a lease
    await store.ledger.end([Ending(mail, world.go(), TryLater("late"))])
    assert await state(store, mail) == "uncertain"
    await store.ledger.end([Ending(mail, world.go(), Accepted())])
    assert await state(store, mail) == "accepted"


async def test_words_of_the_next_hop_hold_no_address(store, world) -> None:
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


async def test_no_row_holds_an_address_whoever_puts_it_there(store, world) -> None:
    mail = await saved(store, world)
    facts = Facts(fields=("address",), records=("anna.keller@muster.example",))
    nosy = Reason("plugin", Verdict.HOLD, Code.STAGE_FAILED, "anna.keller@muster.example", facts, "see anna@muster.example")
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


async def test_rows_of_a_person_are_found_under_any_key(store, world) -> None:
    anna = world.identity("anna@muster.example", provider="anna")
    mail = await saved(store, world, identity=anna)
    other = await saved(store, world, "bo@muster.example")
    await begin(store, world, mail, other)
    for key in anna.person_keys:
        known_by_one = type(anna)(b"?" * 32, (key,), (), None, None)
        assert [row.mail_id for row in await store.ledger.show_person(known_by_one)] == [mail.id]


async def test_the_policy_of_the_house_and_caps_given_by_it_are_used(world, caps) -> None:
    store = await SqliteStore.open(
        "sqlite://:memory:", world.keyring, world.clock, policy="2026-11", caps_of=lambda mail: caps(person=["1/d"])
    )
    one, two = [await saved(store, world, campaign=world.campaign(name)) for name in ("one", "two")]
    answers = await begin(store, world, one, two)
    assert [answer is None for answer in answers] == [True, False]
    assert (await store.ledger.rows(0, 1))[0].body["policy"] == "2026-11"
    await store.aclose()


async def test_nothing_given_is_nothing_written(store) -> None:
    await store.ledger.record([])
    await store.ledger.end([])
    assert await store.ledger.begin([]) == []
    assert await store.ledger.rows(0, 9) == []
