"""What may still stop a mail in the very transaction that starts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.store.conftest import World

from penstock.model.campaign import Caps, Stream
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, Uncertain
from penstock.model.suppression import SuppressionKind, SuppressionReason
from penstock.model.verdict import Reason, Verdict, decide
from penstock.ports import Ending
from penstock.store.campaigns import CampaignState
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


@pytest.mark.parametrize("word", [CampaignState.PAUSED, CampaignState.CANCELLED])
async def test_a_campaign_stopped_in_between_holds_its_mails(
    store: SqliteStore, world: World, word: CampaignState
) -> None:
    mail = await saved(store, world)
    assert await store.campaigns.set_state("autumn", word)
    assert not await store.campaigns.set_state("autumn", word)
    reason = await stopped(store, world, mail)
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.CAMPAIGN_PAUSED)
    await store.campaigns.set_state("autumn", CampaignState.ACTIVE)
    assert await begin(store, world, mail) == [None]
    assert await store.campaigns.state_of(["autumn", "never"]) == [CampaignState.ACTIVE, CampaignState.ACTIVE]


async def test_the_policy_of_the_house_and_caps_given_by_it_are_used(world: World, caps: Callable[..., Caps]) -> None:
    store = await SqliteStore.open(
        "sqlite://:memory:", world.keyring, world.clock, policy="2026-11", caps_of=lambda mail: caps(person=["1/d"])
    )
    one, two = [await saved(store, world, campaign=world.campaign(name)) for name in ("one", "two")]
    answers = await begin(store, world, one, two)
    assert [answer is None for answer in answers] == [True, False]
    assert (await store.ledger.rows(0, 1))[0].body["policy"] == "2026-11"
    await store.aclose()
