"""Consents as people record and withdraw them, on a house with a store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.config.settings import load_settings
from penstock.consent_desk import ConsentDesk
from penstock.errors import InvalidInput
from penstock.model.address import Address
from penstock.model.contact import Consent, Contact, Flag, Mechanism
from penstock.model.suppression import Suppression, SuppressionKind, SuppressionReason
from penstock.suppression_list import SuppressionList
from penstock.testing import FakeClock
from penstock.wiring import House, open_house

ANNA = "anna.keller@muster-werk.example"
NORDLICHT, SODLICHT = "Nordlicht Software AB", "Sodlicht GmbH"
CONFIG: dict[str, Any] = {
    "store": {"url": "sqlite:///penstock.db"},
    "controllers": {
        "nordlicht": {"legal_name": NORDLICHT, "address": "Storgatan 1, Stockholm", "country": "SE"},
        "sodlicht": {"legal_name": SODLICHT, "address": "Hauptstrasse 1, Wien", "country": "AT"},
    },
}
GIVEN = Consent(
    channel="email",
    controller=NORDLICHT,
    purpose="purchasing software",
    wording="v3",
    mechanism=Mechanism.DOUBLE_OPT_IN,
    evidence="sha256:1",
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> AsyncIterator[House]:
    monkeypatch.chdir(tmp_path)
    house = await open_house(load_settings(CONFIG, {}), clock)
    yield house
    await house.aclose()


@pytest.fixture
def desk(house: House) -> ConsentDesk:
    return ConsentDesk(house)


async def keep(house: House, **fields: Any) -> Contact:
    contact = Contact(ANNA, **fields)
    (stored,) = await house.store.contacts.upsert([(contact, house.identifier.of(contact))])
    return stored.contact


async def refuse(house: House, reason: SuppressionReason = SuppressionReason.OBJECTION, scope: str = "all") -> str:
    return await SuppressionList(house).add(ANNA, reason, scope=scope)


async def scopes(house: House) -> list[str]:
    return sorted(hit.scope for hit in await SuppressionList(house).check(ANNA))


async def kinds(house: House) -> list[str]:
    return [row.kind for row in await house.store.ledger.rows(0, 100)]


async def test_a_consent_is_kept_with_the_contact_and_told_to_the_ledger_without_personal_data(
    house: House, desk: ConsentDesk, clock: FakeClock
) -> None:
    known = await keep(house, given_name="Anna", country="SE")
    recorded = await desk.record("Anna.Keller+x@muster-werk.example", replace(GIVEN, controller="nordlicht"))
    assert not recorded.is_new
    (consent,) = await desk.consents(ANNA)
    assert consent == replace(GIVEN, given_at=clock.now())
    (stored,) = await house.store.contacts.load([recorded.contact_id])
    assert stored is not None
    assert stored.contact == replace(known, consents=(consent,))
    (row,) = await house.store.ledger.rows(0, 10)
    assert row.kind == "consent_recorded"
    assert row.body["contact"] == recorded.contact_id
    assert "anna" not in str(row.body).lower()
    assert "purchasing" not in str(row.body).lower()


async def test_an_unknown_person_becomes_a_contact(house: House, desk: ConsentDesk) -> None:
    recorded = await desk.record(ANNA, GIVEN)
    assert recorded.is_new
    assert await house.store.contacts.count() == 1
    again = await desk.record(ANNA, GIVEN)
    assert (again.contact_id, again.is_new) == (recorded.contact_id, False)
    assert len(await desk.consents(ANNA)) == 1


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"channel": "fax"}, "--channel"),
        ({"controller": "Somebody Else"}, "--controller"),
        ({"controller": None}, "--controller"),
        ({"purpose": " "}, "--purpose"),
        ({"wording": None}, "--wording"),
        ({"evidence": ""}, "--evidence"),
        ({"mechanism": Mechanism.PRE_TICKED}, "--mechanism"),
        ({"mechanism": None}, "--mechanism"),
        ({"given_at": datetime(2099, 1, 1, tzinfo=UTC)}, "--given-at"),
    ],
)
async def test_what_proves_no_consent_is_refused_and_nothing_is_kept(
    house: House, desk: ConsentDesk, changes: dict[str, Any], where: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await desk.record(ANNA, replace(GIVEN, **changes))
    assert refused.value.where == where
    assert await house.store.contacts.count() == 0
    assert await kinds(house) == []


async def test_a_refusal_stays_unless_lifting_is_asked_for(house: House, desk: ConsentDesk, clock: FakeClock) -> None:
    entry = await refuse(house)
    clock.advance(timedelta(days=1))
    recorded = await desk.record(ANNA, GIVEN)
    assert [hit.entry for hit in recorded.standing] == [entry]
    assert await scopes(house) == ["all"]


@pytest.mark.parametrize(
    "reason", [SuppressionReason.OBJECTION, SuppressionReason.UNSUBSCRIBE, SuppressionReason.OTHER]
)
async def test_fresh_proven_consent_lifts_a_refusal_for_its_controller_and_no_other(
    house: House, desk: ConsentDesk, clock: FakeClock, reason: SuppressionReason
) -> None:
    entry = await refuse(house, reason)
    clock.advance(timedelta(days=1))
    recorded = await desk.record(ANNA, GIVEN, lift=True)
    assert (recorded.lifted, recorded.standing) == ((entry,), ())
    assert await scopes(house) == ["controller:sodlicht"]
    rows = {row.kind: row.body for row in await house.store.ledger.rows(0, 100)}
    assert rows["unsuppressed"]["entry"] == entry
    assert rows["unsuppressed"]["why_code"] == "consent"


async def test_an_erased_person_may_come_back_by_consent(house: House, desk: ConsentDesk, clock: FakeClock) -> None:
    keys = house.identifier.entry_keys(Address("anna.keller", "muster-werk.example"))
    tombstone = Suppression(SuppressionKind.PERSON, keys, "all", SuppressionReason.ERASURE, clock.now())
    await house.store.suppressions.add([tombstone])
    clock.advance(timedelta(hours=1))
    assert len((await desk.record(ANNA, GIVEN, lift=True)).lifted) == 1


async def test_a_refusal_after_the_consent_a_dead_address_and_a_company_are_not_lifted(
    house: House, desk: ConsentDesk, clock: FakeClock
) -> None:
    given = clock.now()
    clock.advance(timedelta(days=1))
    await refuse(house)
    await SuppressionList(house).add("muster-werk.example", SuppressionReason.OBJECTION)
    await SuppressionList(house).add(ANNA, SuppressionReason.BOUNCE, at=given - timedelta(days=9))
    clock.advance(timedelta(days=1))
    recorded = await desk.record(ANNA, replace(GIVEN, given_at=given), lift=True)
    assert recorded.lifted == ()
    assert len(recorded.standing) == 3
    assert await scopes(house) == ["all", "all", "all"]


async def test_a_consent_as_old_as_the_refusal_lifts_nothing(house: House, desk: ConsentDesk) -> None:
    await refuse(house)
    assert (await desk.record(ANNA, GIVEN, lift=True)).lifted == ()


@pytest.mark.parametrize(
    ("country", "changes"),
    [
        ("DE", {"mechanism": Mechanism.SINGLE_OPT_IN}),
        ("DE", {"mechanism": Mechanism.ORAL}),
        ("SE", {"given_at": datetime(2018, 5, 24, tzinfo=UTC)}),
        ("SE", {"given_at": datetime(2020, 1, 1, tzinfo=UTC)}),
        ("SE", {"controller": SODLICHT, "mechanism": Mechanism.SINGLE_OPT_IN}),
    ],
)
async def test_what_would_not_prove_itself_where_the_person_or_the_controller_is_lifts_nothing_and_is_not_recorded(
    house: House, desk: ConsentDesk, clock: FakeClock, country: str, changes: dict[str, Any]
) -> None:
    await keep(house, country=country)
    await SuppressionList(house).add(ANNA, SuppressionReason.OBJECTION, at=datetime(2017, 1, 1, tzinfo=UTC))
    with pytest.raises(InvalidInput, match="lifts nothing") as refused:
        await desk.record(ANNA, replace(GIVEN, **changes), lift=True)
    assert "anna" not in str(refused.value)
    assert await desk.consents(ANNA) == ()
    assert await scopes(house) == ["all"]


async def test_a_withdrawal_ends_every_consent_it_may_mean(house: House, desk: ConsentDesk, clock: FakeClock) -> None:
    await desk.record(ANNA, GIVEN)
    await desk.record(ANNA, replace(GIVEN, purpose="newsletter"))
    await desk.record(ANNA, replace(GIVEN, controller=SODLICHT))
    clock.advance(timedelta(days=1))
    found = await desk.withdraw(ANNA, controller="nordlicht", channel="email")
    assert (found.consents, found.entry) == (2, None)
    withdrawn = {each.controller: each.withdrawn_at for each in await desk.consents(ANNA)}
    assert withdrawn == {NORDLICHT: clock.now(), SODLICHT: None}
    at = clock.now()
    clock.advance(timedelta(days=1))
    assert (await desk.withdraw(ANNA, controller=NORDLICHT)).consents == 0
    assert {each.withdrawn_at for each in await desk.consents(ANNA)} == {at, None}
    assert (await desk.withdraw(ANNA)).consents == 1
    assert await scopes(house) == []


async def test_what_a_record_leaves_unstated_is_withdrawn_too(house: House, desk: ConsentDesk) -> None:
    await keep(house, consents=(Consent(mechanism=Mechanism.WRITTEN),))
    assert (await desk.withdraw(ANNA, channel="email", controller="nordlicht", purpose="anything")).consents == 1


@pytest.mark.parametrize(
    ("asked", "scope"),
    [
        ({}, "all"),
        ({"controller": NORDLICHT}, "controller:nordlicht"),
        ({"controller": "nordlicht", "channel": "email"}, "controller:nordlicht"),
        ({"channel": "Email"}, "channel:email"),
    ],
)
async def test_a_withdrawal_of_what_nobody_recorded_is_an_objection(
    house: House, desk: ConsentDesk, asked: dict[str, str], scope: str
) -> None:
    found = await desk.withdraw(ANNA, **asked)
    assert found.contact_id is None
    (hit,) = await SuppressionList(house).check(ANNA)
    assert (hit.entry, hit.scope, hit.reason) == (found.entry, scope, SuppressionReason.UNSUBSCRIBE)
    assert (await desk.withdraw(ANNA, **asked)).entry == found.entry


async def test_consent_does_not_take_a_restriction_away(house: House, desk: ConsentDesk) -> None:
    await keep(house, flags=(Flag.RESTRICTED,))
    recorded = await desk.record(ANNA, GIVEN, lift=True)
    (stored,) = await house.store.contacts.load([recorded.contact_id])
    assert stored is not None
    assert stored.contact.flags == (Flag.RESTRICTED,)


async def test_nobody_is_asked_about_by_a_wrong_address(desk: ConsentDesk) -> None:
    for work in (desk.record("anna", GIVEN), desk.withdraw("anna"), desk.consents("anna")):
        with pytest.raises(InvalidInput):
            await work
    assert await desk.consents("nobody@muster-werk.example") == ()
