"""What each row of the ledger tells other programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.store.conftest import World
from tests.unit.store.test_ledger import begin, saved
from tests.unit.store.test_returns import ended, row, tell, told

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact
from penstock.model.event import EventKind
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.model.outcome_event import WHOLE_ROW, OutcomeEvent, OutcomeKind, Place, read_place
from penstock.model.safety import Safety
from penstock.model.suppression import SuppressionKind, SuppressionReason
from penstock.model.verdict import Verdict
from penstock.outcomes.events import OutcomeEvents
from penstock.ports import Ending
from penstock.store.house_rules import HouseRules
from penstock.store.placing import HandedIn
from penstock.store.sqlite import SqliteStore

ANNA = "anna.keller@muster.example"
START = Place(0, WHOLE_ROW)


async def all_of(store: SqliteStore, after: Place = START, **more: Any) -> list[OutcomeEvent]:
    return [event async for event in OutcomeEvents(store.outcomes).walk(after, **more)]


async def words(store: SqliteStore) -> list[tuple[str, str | None]]:
    return [(event.kind.value, event.code) for event in await all_of(store)]


async def known_contact(store: SqliteStore, world: World) -> str:
    (contact,) = await store.contacts.upsert([(Contact(ANNA), world.identity(ANNA))])
    return contact.id


async def test_an_event_says_whom_and_what_it_is_about(store: SqliteStore, world: World) -> None:
    contact = await known_contact(store, world)
    mail = await saved(store, world, contact_id=contact)
    await store.ledger.record([(mail, world.stop())])
    (event,) = await all_of(store)
    assert event.record() == {
        "id": "000000000001-held",
        "at": "2026-11-20T08:00:00Z",
        "kind": "held",
        "code": "UNVERIFIED",
        "mail_id": mail.id,
        "contact_id": contact,
        "campaign": "autumn",
        "stream": "prospecting",
        "client": None,
        "address": ANNA,
        "entry": None,
    }


async def test_the_address_is_told_as_long_as_it_is_kept(store: SqliteStore, world: World) -> None:
    contact = await known_contact(store, world)
    mail = await saved(store, world, contact_id=contact)
    await store.ledger.record([(mail, world.stop())])
    await store.contacts.delete([contact])
    (event,) = await all_of(store)
    assert (event.contact_id, event.address, event.mail_id) == (contact, None, mail.id)


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [(Verdict.DEFER, "deferred"), (Verdict.HOLD, "held"), (Verdict.BLOCK, "blocked"), (Verdict.REJECT, "rejected")],
)
async def test_a_decision_that_stops_is_told_with_its_code(
    store: SqliteStore, world: World, verdict: Verdict, kind: str
) -> None:
    await store.ledger.record([(await saved(store, world), world.stop(verdict, Code.MINOR))])
    assert await words(store) == [(kind, "MINOR")]


async def test_a_decision_on_a_mail_that_was_never_kept_is_told_too(store: SqliteStore, world: World) -> None:
    mail = world.mail(world.new_mail())
    await store.ledger.record([(mail, world.stop(Verdict.REJECT, Code.INVALID_ADDRESS))])
    (event,) = await all_of(store)
    assert (event.kind, event.campaign, event.stream, event.address) == ("rejected", "autumn", "prospecting", None)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Accepted("250 ok"), [("sent", None)]),
        (TryLater("busy", code=Code.RATE_BACKOFF), [("deferred", "RATE_BACKOFF")]),
        (TryLater("closed", attempt_used=False), []),
        (Uncertain("who knows"), [("uncertain", None)]),
        (Failed("no", "5.7.1"), [("failed", None)]),
        (Failed("no such user", "5.1.1", Code.HARD_BOUNCED), [("bounced", "hard")]),
        (Failed("too late", "4.4.7"), [("expired", None)]),
    ],
)
async def test_an_ending_is_told(
    store: SqliteStore, world: World, outcome: Outcome, expected: list[tuple[str, str | None]]
) -> None:
    await ended(store, world, outcome)
    assert await words(store) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EventKind.DELIVERED, ("delivered", None)),
        (EventKind.BOUNCED_HARD, ("bounced", "hard")),
        (EventKind.BOUNCED_SOFT, ("bounced", "soft")),
        (EventKind.BOUNCED_POLICY, ("bounced", "policy")),
        (EventKind.COMPLAINED, ("complained", None)),
        (EventKind.UNSUBSCRIBED, ("opted_out", "unsubscribe")),
        (EventKind.REJECTED, ("failed", None)),
        (EventKind.ACCEPTED, None),
        (EventKind.DEFERRED, None),
        (EventKind.OPENED, None),
        (EventKind.CLICKED, None),
        (EventKind.UNKNOWN, None),
    ],
)
async def test_what_an_esp_tells_is_told_once(
    store: SqliteStore, world: World, kind: EventKind, expected: tuple[str, str | None] | None
) -> None:
    """Also where it made an entry of the suppression list in the same breath."""
    mail = await ended(store, world, Accepted("r", "sg"))
    event = told(world, mail, kind)
    entry = None if event.entry is None else replace(event.entry, origin="esp")
    await tell(store, replace(event, entry=entry))
    assert await words(store) == [("sent", None), *([expected] if expected else [])]
    assert all(each.mail_id == mail.id for each in await all_of(store))


async def test_a_hard_bounce_is_told_once(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await begin(store, world, mail)
    entry = world.suppression(mail.identity.person_keys, reason=SuppressionReason.BOUNCE, origin="main")
    await store.ledger.end([Ending(mail, world.go(), Failed("gone", "5.1.1", Code.HARD_BOUNCED), dead=entry)])
    assert await words(store) == [("bounced", "hard")]


@pytest.mark.parametrize(("sent", "more"), [(True, [("sent", None)]), (False, [])])
async def test_a_person_settles_a_doubt(
    store: SqliteStore, world: World, sent: bool, more: list[tuple[str, str | None]]
) -> None:
    mail = await ended(store, world, Uncertain("crash"))
    await store.mails.resolve(mail.id, sent=sent)
    assert await words(store) == [("uncertain", None), *more]


async def test_a_mail_that_a_dead_process_began_is_uncertain(store: SqliteStore, world: World) -> None:
    await begin(store, world, await saved(store, world))
    world.clock.pass_time(timedelta(hours=1))
    await store.mails.recover(frozenset())
    assert await words(store) == [("uncertain", None)]


async def test_what_a_person_gives_up_is_cancelled(store: SqliteStore, world: World) -> None:
    mail = await saved(store, world)
    await store.mails.drop([mail.id], "not wanted")
    await store.standings.cancel("autumn")
    dropped, campaign = await all_of(store)
    assert (dropped.kind, dropped.mail_id) == ("cancelled", mail.id)
    assert (campaign.kind, campaign.mail_id, campaign.campaign) == ("cancelled", None, "autumn")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (SuppressionReason.OBJECTION, ("opted_out", "objection")),
        (SuppressionReason.UNSUBSCRIBE, ("opted_out", "unsubscribe")),
        (SuppressionReason.PHONE, ("opted_out", "phone")),
        (SuppressionReason.OTHER, ("opted_out", "other")),
        (SuppressionReason.COMPLAINT, ("complained", None)),
        (SuppressionReason.BOUNCE, ("bounced", "hard")),
        (SuppressionReason.ERASURE, ("erased", "erasure")),
    ],
)
async def test_an_entry_of_the_suppression_list_is_told_with_the_contact(
    store: SqliteStore, world: World, reason: SuppressionReason, expected: tuple[str, str | None]
) -> None:
    contact = await known_contact(store, world)
    keys = world.identity(ANNA).person_keys
    (entry,) = await store.suppressions.add([world.suppression(keys, reason=reason, subject=None)])
    (event,) = await all_of(store)
    assert (event.kind, event.code) == expected
    assert (event.contact_id, event.address, event.entry, event.mail_id) == (contact, ANNA, entry, None)


async def test_an_opt_out_by_link_names_the_mail(store: SqliteStore, world: World) -> None:
    handed = HandedIn("crm", "eva@nordlicht.example")
    mail = await saved(store, world, handed_in=handed)
    keys = mail.identity.person_keys
    entry = world.suppression(keys, reason=SuppressionReason.UNSUBSCRIBE, origin=f"link:header:{mail.id}")
    await store.suppressions.add([entry])
    (event,) = await all_of(store)
    assert (event.mail_id, event.campaign, event.stream, event.client) == (mail.id, "autumn", "prospecting", "crm")


async def test_an_entry_that_names_nobody_we_know_is_told_without_a_contact(store: SqliteStore, world: World) -> None:
    person, domain = world.keyring.anchor("person:x@x.example"), world.keyring.anchor("d:x.example")
    await store.suppressions.add(
        [
            world.suppression((person,), subject="x@x.example"),
            world.suppression((domain,), kind=SuppressionKind.DOMAIN, subject="x.example"),
        ]
    )
    one, other = await all_of(store)
    assert (one.contact_id, one.address) == (None, "x@x.example")
    assert (other.contact_id, other.address, other.kind) == (None, None, "opted_out")
    assert other.entry
    await store.suppressions.forget_subjects([person])
    assert [event.address for event in await all_of(store)] == [None, None]


async def test_an_entry_that_was_lifted_is_told_by_its_id_only(store: SqliteStore, world: World) -> None:
    (entry,) = await store.suppressions.add([world.suppression(world.identity(ANNA).person_keys)])
    await store.suppressions.remove([entry], "mistake")
    (event,) = await all_of(store)
    assert (event.kind, event.entry, event.address) == ("opted_out", entry, None)


async def test_contacts_that_were_deleted_are_erased_each(store: SqliteStore, world: World) -> None:
    contact = await known_contact(store, world)
    await store.ledger.append("retention", {"contacts": [contact, "gone"], "rule": "policy.stale_after_years"})
    await store.ledger.append("consent_withdrawn", {"contact": contact, "consents": 1})
    found = [(event.id, event.code, event.contact_id, event.address) for event in await all_of(store)]
    assert found == [
        ("000000000001-erased", "retention", contact, ANNA),
        ("000000000001-erased-0001", "retention", "gone", None),
        ("000000000002-opted_out", "consent", contact, ANNA),
    ]
    assert [event.id for event in await all_of(store, Place(1, 0))] == [id_ for id_, *_ in found[1:]]


async def test_what_no_row_says_and_unknown_rows_are_passed_over(store: SqliteStore, world: World) -> None:
    for kind in ("synced", "imported", "test", "notice", "from_tomorrow"):
        await store.ledger.append(kind, {"mails": 1})
    await store.ledger.append("outcome", {"outcome": "from_tomorrow"})
    await store.ledger.append("decision", {"verdict": "from_tomorrow"})
    await store.ledger.append("retention", {})
    await store.standings.pause("autumn")
    assert await words(store) == []


async def test_a_trial_tells_nothing_of_the_person_and_the_real_run_does(path: Path, world: World) -> None:
    url, rules = f"sqlite:///{path}", HouseRules(safety=Safety(redirect_to="me@nordlicht.example"))
    trial = await SqliteStore.open(url, world.keyring, world.clock, rules=rules)
    mail = await saved(trial, world)
    await begin(trial, world, mail)
    await trial.ledger.end([Ending(mail, world.go(), Accepted())])
    assert await words(trial) == []
    await trial.aclose()
    real = await SqliteStore.open(url, world.keyring, world.clock)
    await real.mails.accept([world.new_mail()])
    await real.ledger.record([(mail, world.stop())])
    await begin(real, world, mail)
    await real.ledger.end([Ending(mail, world.go(), Accepted())])
    assert await words(real) == [("held", "UNVERIFIED"), ("sent", None)]
    await real.aclose()


async def test_a_mail_handed_in_names_its_client_and_its_recipient(store: SqliteStore, world: World) -> None:
    mail = await handed_in(store, world)
    await store.ledger.record([(mail, world.stop())])
    await store.mails.drop([mail.id], "not wanted")
    for event in (events := await all_of(store)):
        assert (event.client, event.campaign, event.stream, event.address) == ("crm", None, "transactional", ANNA)
    assert [event.kind for event in events] == ["held", "cancelled"]


async def handed_in(store: SqliteStore, world: World) -> Mail:
    new = replace(
        world.new_mail(), campaign=None, stream=Stream.TRANSACTIONAL, content=b"Subject: x\r\n\r\n", recipient=ANNA,
        handed_in=HandedIn("crm", "eva@nordlicht.example"),
    )  # fmt: skip
    await store.mails.accept([new])
    return replace(world.mail(new), campaign=None)


async def test_since_a_time_and_behind_an_id(store: SqliteStore, world: World) -> None:
    for name in ("anna", "bo", "carl"):
        await store.ledger.record([(await saved(store, world, f"{name}@muster.example"), world.stop())])
        world.clock.pass_time(timedelta(minutes=1))
    events = await all_of(store)
    assert await all_of(store, since=world.clock.now() - timedelta(minutes=2)) == events[1:]
    place = read_place(events[1].id)
    assert place is not None
    assert await all_of(store, place) == events[2:]
    assert await all_of(store, events[2].place) == []
    assert await all_of(store, Place(99)) == []


async def test_many_rows_are_told_in_pages_each_once_and_in_order(store: SqliteStore) -> None:
    await store.ledger.append("retention", {"contacts": [f"c{number}" for number in range(300)]})
    for number in range(40):
        await store.ledger.append("consent_withdrawn", {"contact": f"w{number}"})
    events, place = OutcomeEvents(store.outcomes), START
    found: list[OutcomeEvent] = []
    head = await store.outcomes.head()
    while place.seq < head:
        page = await events.page(place, head, rows=7)
        found += page.events
        place = page.upto
    ids = [event.id for event in found]
    assert len(ids) == len(set(ids)) == 340
    assert ids == sorted(ids)
    assert found == await all_of(store)
    assert await events.between(found[99].place, found[310].place) == found[100:311]


@given(st.integers(1, 10**15), st.integers(0, 10**6), st.sampled_from(OutcomeKind))
def test_an_id_names_its_place_again(seq: int, number: int, kind: OutcomeKind) -> None:
    assert read_place(OutcomeEvent(Place(seq, number), "", kind).id) == Place(seq, number)


@given(st.text())
def test_other_texts_are_no_ids(text: str) -> None:
    place = read_place(text)
    assert place is None or str(place.seq) in text


async def test_nobody_is_shown_in_a_log(store: SqliteStore, world: World) -> None:
    await known_contact(store, world)
    await store.ledger.record([(await saved(store, world), world.stop())])
    (event,) = await all_of(store)
    assert ANNA not in repr(event)
    assert ANNA in json.dumps(event.record())


async def test_the_state_of_the_mail_is_not_touched_by_reading(store: SqliteStore, world: World) -> None:
    mail = await ended(store, world, Accepted())
    before = await row(store, mail)
    await all_of(store)
    assert await row(store, mail) == before
