"""What may still stop a mail in the very transaction that starts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.store.conftest import World

from penstock.model.campaign import Caps, Stream
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.model.safety import Safety
from penstock.model.standing import approval_mark
from penstock.model.suppression import SuppressionKind, SuppressionReason
from penstock.model.verdict import Reason, Verdict, decide
from penstock.ports import Ending, HistoryQuery
from penstock.store.house_rules import HouseRules
from penstock.store.sqlite import SqliteStore


async def saved(store: SqliteStore, world: World, address: str = "anna.keller@muster.example", **more: Any) -> Mail:
    """One accepted mail and its draft."""
    new = world.new_mail(address, **more)
    await store.mails.accept([new])
    return world.mail(new, address)


async def state(store: SqliteStore, mail: Mail) -> str:
    (known,) = await store.mails.load([mail.id])
    assert known is not None
    return known.state


async def begin(store: SqliteStore, world: World, *mails: Mail) -> Sequence[Reason | None]:
    return await store.ledger.begin([(mail, world.go()) for mail in mails])


async def stopped(store: SqliteStore, world: World, mail: Mail) -> Reason:
    """Why the mail, alone in its slice, did not begin."""
    (reason,) = await begin(store, world, mail)
    assert reason is not None
    return reason


@pytest.mark.parametrize(
    ("outcome", "word"),
    [(None, "begun"), (Accepted(), "accepted"), (Uncertain("x"), "uncertain"), (Failed("x"), "failed")],
)
async def test_a_mail_that_began_does_not_begin_again(
    store: SqliteStore, world: World, outcome: Outcome | None, word: str
) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    if outcome:
        await store.ledger.end([Ending(mail, world.go(), outcome)])
    reason = await stopped(store, world, mail)
    assert (reason.stage, reason.verdict.rank > 0) == ("begin", True)
    assert word in reason.why
    await store.ledger.record([(mail, decide((reason,), "first"))])
    assert await state(store, mail) == word


async def test_a_mail_twice_in_a_slice_begins_once(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    first, second = await begin(store, world, mail, mail)
    assert first is None
    assert second is not None
    assert second.code is Code.DUPLICATE


async def test_a_mail_that_was_never_saved_does_not_begin(store: SqliteStore, world: World) -> None:
    reason = await stopped(store, world, world.mail(world.new_mail()))
    assert reason.verdict is Verdict.HOLD


@pytest.mark.parametrize("which", ["person", "company"])
async def test_an_objection_in_between_stops_the_mail(store: SqliteStore, world: World, which: str) -> None:
    mail, other = await saved(store, world), await saved(store, world, "bo@elsewhere.example")
    keys = mail.identity.person_keys[:1] if which == "person" else mail.identity.company_keys
    kind = SuppressionKind.PERSON if which == "person" else SuppressionKind.DOMAIN
    (entry,) = await store.suppressions.add([world.suppression(keys, kind)])
    reason, none = await begin(store, world, mail, other)
    assert reason is not None
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
async def test_an_objection_binds_within_its_scope(store: SqliteStore, world: World, scope: str, stops: bool) -> None:
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
async def test_an_entry_binds_the_streams_the_contract_says(
    store: SqliteStore, world: World, stream: Stream, reason: SuppressionReason, code: Code | None
) -> None:
    mail = await saved(store, world, stream=stream)
    await store.suppressions.add([world.suppression(mail.identity.person_keys, reason=reason)])
    (answer,) = await begin(store, world, mail)
    assert (answer and answer.code) == code


async def test_mails_of_a_slice_count_for_one_anothers_caps(
    store: SqliteStore, world: World, caps: Callable[..., Caps]
) -> None:
    campaign = world.campaign(caps=caps(company=["3/30d"]))
    mails = [await saved(store, world, f"p{number}@muster.example", campaign=campaign) for number in range(5)]
    answers = await begin(store, world, *mails)
    assert [answer is None for answer in answers] == [True, True, True, False, False]
    reason = answers[3]
    assert reason is not None
    assert (reason.verdict, reason.code) == (Verdict.DEFER, Code.FREQUENCY_CAP)
    assert reason.facts.until == world.clock.now() + timedelta(days=30)


async def test_a_full_person_cap_defers_until_a_touch_leaves_the_window(
    store: SqliteStore, world: World, caps: Callable[..., Caps]
) -> None:
    limits = caps(person=["1/7d", "2/90d"])
    mails = [await saved(store, world, campaign=world.campaign(name, caps=limits)) for name in ("one", "two", "three")]
    start = world.clock.now()
    assert await begin(store, world, mails[0]) == [None]
    reason = await stopped(store, world, mails[1])
    assert reason.facts.until == start + timedelta(days=7)
    world.clock.pass_time(timedelta(days=7) - timedelta(microseconds=1))
    assert (await begin(store, world, mails[1]))[0] is not None
    world.clock.pass_time(timedelta(microseconds=1))
    assert await begin(store, world, mails[1]) == [None]
    reason = await stopped(store, world, mails[2])
    assert reason.facts.until == start + timedelta(days=90)


async def test_a_mail_that_was_not_sent_frees_its_place_under_the_cap(
    store: SqliteStore, world: World, caps: Callable[..., Caps]
) -> None:
    limits = caps(person=["1/7d"])
    one = await saved(store, world, campaign=world.campaign("one", caps=limits))
    two = await saved(store, world, campaign=world.campaign("two", caps=limits))
    await begin(store, world, one)
    await store.ledger.end([Ending(one, world.go(), Failed("no such user"))])
    assert await begin(store, world, two) == [None]


async def test_a_mail_that_is_no_advertising_has_no_caps(
    store: SqliteStore, world: World, caps: Callable[..., Caps]
) -> None:
    campaign = world.campaign(caps=caps(person=["1/7d"]))
    await begin(store, world, await saved(store, world, campaign=campaign))
    mail = await saved(store, world, campaign=world.campaign("b", caps=caps(person=["1/7d"])), stream=Stream.NOTICE)
    assert await begin(store, world, mail) == [None]


async def test_a_cap_that_cannot_be_read_holds(store: SqliteStore, world: World, caps: Callable[..., Caps]) -> None:
    mail = await saved(store, world, campaign=world.campaign(caps=caps(person=["often"])))
    reason = await stopped(store, world, mail)
    assert reason.verdict is Verdict.HOLD


@pytest.mark.parametrize("word", ["paused", "cancelled"])
async def test_a_campaign_stopped_in_between_holds_its_mails(store: SqliteStore, world: World, word: str) -> None:
    mail = await saved(store, world)
    await (store.standings.pause("autumn") if word == "paused" else store.standings.cancel("autumn"))
    reason = await stopped(store, world, mail)
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.CAMPAIGN_PAUSED)


async def braked(world: World, **safety: Any) -> SqliteStore:
    """A store of a house with brakes."""
    rules = HouseRules(policy_mark="policy", safety=Safety(**safety))
    return await SqliteStore.open("sqlite://:memory:", world.keyring, world.clock, rules=rules)


async def test_four_eyes_let_nothing_begin_that_nobody_approved_in_this_form(world: World) -> None:
    store = await braked(world, four_eyes=True)
    mail = await saved(store, world)
    reason = await stopped(store, world, mail)
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.CAMPAIGN_PAUSED)
    await store.standings.approve("autumn", approval_mark(world.campaign(text="other"), "policy"), "A. Lind")
    assert (await stopped(store, world, mail)).code is Code.CAMPAIGN_PAUSED
    await store.standings.approve("autumn", approval_mark(world.campaign(), "policy"), "A. Lind")
    assert await begin(store, world, mail) == [None]
    await store.aclose()


async def test_only_allowed_recipients_begin(world: World) -> None:
    store = await braked(world, allow=("muster.example", "bo@firm.example"))
    addresses = ("anna@muster.example", "bo@firm.example", "eve@firm.example", "eve@sub.muster.example")
    mails = [await saved(store, world, address) for address in addresses]
    answers = await begin(store, world, *mails)
    assert [answer and answer.code for answer in answers] == [None, None, Code.SAFETY_BRAKE, Code.SAFETY_BRAKE]
    await store.aclose()


async def test_the_daily_ceiling_lets_so_many_begin_and_the_rest_the_next_day(world: World) -> None:
    store = await braked(world, daily_ceiling=2)
    mails = [await saved(store, world, f"p{n}@firm{n}.example") for n in range(4)]
    answers = await begin(store, world, *mails)
    assert [answer and answer.code for answer in answers] == [None, None, Code.RATE_BACKOFF, Code.RATE_BACKOFF]
    assert answers[2] is not None
    assert answers[2].facts.until == datetime(2026, 11, 21, tzinfo=UTC)
    await store.ledger.end([Ending(mails[0], world.go(), TryLater("busy"), world.clock.now())])
    assert await begin(store, world, mails[2]) == [None]  # what did not leave gives its place back
    assert (await stopped(store, world, mails[3])).verdict is Verdict.DEFER
    world.clock.pass_time(timedelta(days=1))
    assert await begin(store, world, mails[3]) == [None]
    await store.aclose()


async def test_a_redirected_mail_counts_for_nobody_and_the_real_run_still_sends(path: Path, world: World) -> None:
    url, rules = f"sqlite:///{path}", HouseRules(safety=Safety(redirect_to="me@nordlicht.example"))
    trial = await SqliteStore.open(url, world.keyring, world.clock, rules=rules)
    mail = await saved(trial, world)
    assert await begin(trial, world, mail) == [None]
    await trial.ledger.end([Ending(mail, world.go(), Accepted())])
    query = HistoryQuery(mail.id, mail.identity, "nordlicht", "other", world.clock.now() - timedelta(days=9), 9)
    (history,) = await trial.mails.history([query])
    assert not history.noticed
    assert not history.person
    (again,) = await trial.mails.accept([world.new_mail()])
    assert again.answer == "done:accepted"
    assert any(row.body.get("redirected") for row in await trial.ledger.show(mail.id))
    await trial.aclose()
    real = await SqliteStore.open(url, world.keyring, world.clock)
    (placed,) = await real.mails.accept([world.new_mail()])
    assert placed.answer == "again"
    assert await begin(real, world, mail) == [None]
    await real.aclose()


async def test_a_dead_address_is_suppressed_in_the_transaction_that_ends_the_mail(
    store: SqliteStore, world: World
) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    entry = world.suppression(mail.identity.person_keys, reason=SuppressionReason.BOUNCE)
    ending = Ending(mail, world.go(), Failed("gone", "5.1.1", Code.HARD_BOUNCED), dead=entry)
    await store.ledger.end([ending, ending])
    assert await store.suppressions.count() == 1
    assert [row.kind for row in await store.ledger.rows(0, 9)] == ["begin", "outcome", "suppressed"]


async def test_the_policy_of_the_house_and_caps_given_by_it_are_used(world: World, caps: Callable[..., Caps]) -> None:
    store = await SqliteStore.open(
        "sqlite://:memory:",
        world.keyring,
        world.clock,
        rules=HouseRules("2026-11", caps_of=lambda mail: caps(person=["1/d"])),
    )
    one, two = [await saved(store, world, campaign=world.campaign(name)) for name in ("one", "two")]
    answers = await begin(store, world, one, two)
    assert [answer is None for answer in answers] == [True, False]
    assert (await store.ledger.rows(0, 1))[0].body["policy"] == "2026-11"
    await store.aclose()
