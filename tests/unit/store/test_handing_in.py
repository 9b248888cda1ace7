"""What clients hand in: under a key once, with the contacts they bring, and nobody takes over another's mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.store.conftest import World

from penstock.model.contact import Contact
from penstock.model.outcome import TryLater
from penstock.model.suppression import SuppressionReason
from penstock.ports import Ending
from penstock.queue.sql import SqlQueue
from penstock.store.handing_in import Against, Handed
from penstock.store.placing import HandedIn, NewMail, Placed
from penstock.store.sqlite import SqliteStore

ANNA = "anna@maskin.example"


def letter(world: World, text: bytes = b"Dear Anna", *, address: str = ANNA, client: str = "crm") -> NewMail:
    said = HandedIn(client, "eva@nordlicht.example")
    return world.new_mail(address, content=text, recipient=address, handed_in=said)


def handed(*mails: NewMail, key: str = "", request: bytes = b"1", **more: Any) -> Handed:
    said = mails[0].handed_in
    assert said is not None
    return Handed(mails, said.client, key, request, **more)


async def answers(store: SqliteStore, *given: Handed) -> list[list[tuple[str, bool]] | Against]:
    found = await store.mails.hand_in(given)
    return [each if isinstance(each, Against) else [(one.answer, one.changed) for one in each] for each in found]


async def bodies(store: SqliteStore) -> list[bytes]:
    return await store.database.read(lambda each: [data for (data,) in each.execute("SELECT data FROM bodies")])


async def contents(store: SqliteStore, *mails: NewMail) -> Sequence[bytes | None]:
    return [each.content if each else None for each in await store.mails.load([mail.id for mail in mails])]


async def looked_up(store: SqliteStore, mail: NewMail) -> str | None:
    found = await store.mails.handed_in(mail.id)
    return None if found is None else found.client


async def test_a_key_stands_for_the_first_request(store: SqliteStore, world: World) -> None:
    first, other = letter(world), letter(world, address="bo@maskin.example")
    assert await answers(store, handed(first, key="k")) == [[("new", False)]]
    assert await answers(store, handed(first, key="k")) == [[("repeated", False)]]
    assert await answers(store, handed(first, key="k", request=b"2")) == [Against.CONFLICT]
    again = await answers(
        store,
        handed(first, key="k"),
        handed(other, key="k", request=b"2"),
        handed(letter(world, address="bo@maskin.example", client="shop"), key="k", request=b"2"),
    )
    assert again == [[("repeated", False)], Against.CONFLICT, [("new", False)]]
    known = await store.mails.known_keys([("crm", "k"), ("crm", ""), ("crm", "j"), ("shop", "k")])
    assert known == {("crm", "k"): (b"1", [first.id]), ("shop", "k"): (b"2", [other.id])}
    assert await store.mails.known_keys([("crm", "")]) == {}


async def test_two_of_one_key_in_a_batch_have_one_fate(store: SqliteStore, world: World) -> None:
    new = letter(world)
    one, two, three = handed(new, key="k"), handed(new, key="k"), handed(new, key="k", request=b"2")
    assert await answers(store, one, two, three) == [[("new", False)], [("repeated", False)], Against.CONFLICT]
    await store.mails.drop([new.id])
    assert await answers(store, handed(new, key="j"), handed(new, key="j")) == [[("done:cancelled", False)]] * 2
    assert await store.mails.known_keys([("crm", "j")]) == {}


async def test_a_submission_that_is_refused_leaves_no_key_and_no_contact(store: SqliteStore, world: World) -> None:
    new, brought = letter(world), [(Contact(ANNA), world.identity(ANNA))]
    await answers(store, handed(new))
    await store.mails.drop([new.id])
    assert await answers(store, handed(new, key="k", contacts=brought)) == [[("done:cancelled", False)]]
    assert await store.contacts.count() == 0
    assert await store.mails.known_keys([("crm", "k")]) == {}
    other = letter(world, address="bo@maskin.example")
    assert await answers(store, handed(new, other, key="k")) == [[("done:cancelled", False), ("new", False)]]
    assert await store.mails.known_keys([("crm", "k")]) == {("crm", "k"): (b"1", [new.id, other.id])}
    await store.mails.drop([other.id])
    assert await answers(store, handed(new, other, key="l")) == [[("done:cancelled", False)] * 2]
    assert await store.mails.known_keys([("crm", "l")]) == {}


async def test_contacts_are_kept_in_the_same_transaction_and_known_to_their_mails(
    store: SqliteStore, world: World
) -> None:
    new, identity = letter(world), world.identity(ANNA)
    assert await answers(store, handed(new, contacts=[(Contact(ANNA), identity)])) == [[("new", False)]]
    (saved,), (kept,) = await store.mails.load([new.id]), await store.contacts.find([identity])
    assert saved is not None
    assert kept is not None
    assert (saved.contact_id, saved.contact) == (kept.id, kept.contact)


async def test_of_somebody_who_was_erased_nothing_is_kept_and_who_hangs_together_goes_together(
    store: SqliteStore, world: World
) -> None:
    anna, bo, cy = (world.identity(f"{name}@maskin.example") for name in ("anna", "bo", "cy"))
    erasure = world.suppression(anna.person_keys, reason=SuppressionReason.ERASURE)
    await store.suppressions.add([erasure])

    def given(name: str, call: int, *, refuses: bool = True) -> Handed:
        address = f"{name}@maskin.example"
        brought = [(Contact(address), world.identity(address))]
        return handed(letter(world, address=address), contacts=brought, refuses=lambda _scope: refuses, call=call)

    found = await answers(store, given("anna", 7), given("bo", 7), given("cy", 0))
    assert found == [Against.ERASED, Against.ERASED, [("new", False)]]
    assert [each is not None for each in await store.contacts.find([anna, bo, cy])] == [False, False, True]
    assert await answers(store, given("anna", 7, refuses=False)) == [[("new", False)]]


async def test_a_conflict_stands_against_all_of_its_call(store: SqliteStore, world: World) -> None:
    mails = [letter(world, address=f"{name}@maskin.example") for name in ("anna", "bo", "cy")]
    await answers(store, handed(mails[0], key="k"))
    found = await answers(
        store, handed(mails[1], call=1), handed(mails[0], key="k", request=b"2", call=1), handed(mails[2], call=2)
    )
    assert found == [Against.CONFLICT, Against.CONFLICT, [("new", False)]]


async def test_nobody_takes_over_what_another_handed_in(store: SqliteStore, world: World) -> None:
    mine, others = letter(world), letter(world, b"Dear Anna, buy theirs", client="shop")
    await answers(store, handed(mine))
    assert await answers(store, handed(others)) == [[("done:queued", True)]]
    assert await answers(store, handed(replace(others, content=mine.content))) == [[("done:queued", True)]]
    assert await contents(store, mine) == [b"Dear Anna"]
    assert await looked_up(store, mine) == "crm"
    await store.ledger.record([(world.mail(mine), world.stop())])
    assert await answers(store, handed(others)) == [[("done:held", True)]]
    await store.mails.drop([mine.id])
    assert await answers(store, handed(others)) == [[("done:cancelled", True)]]


async def test_in_one_batch_nobody_takes_over_and_the_later_of_ones_own_goes(store: SqliteStore, world: World) -> None:
    mine, others, later = letter(world), letter(world, b"Theirs", client="shop"), letter(world, b"Anna, once more")
    found = await answers(store, handed(mine), handed(others), handed(later))
    assert found == [[("new", False)], [("done:queued", True)], [("waiting", True)]]
    assert await contents(store, mine) == [b"Anna, once more"]


@pytest.mark.parametrize("leased", [True, False])
async def test_a_message_that_is_on_its_way_or_was_tried_is_not_replaced(
    store: SqliteStore, world: World, leased: bool
) -> None:
    new, later = letter(world), letter(world, b"Dear Anna, once more")
    await answers(store, handed(new))
    if leased:
        await SqlQueue(store.database, world.clock).lease(9, 60)
    else:
        mail = world.mail(new)
        await store.ledger.begin([(mail, world.go())])
        await store.ledger.end([Ending(mail, world.go(), TryLater("busy", attempt_used=True), world.clock.now())])
    assert await answers(store, handed(later)) == [[("done:queued", True)]]
    assert await answers(store, handed(new)) == [[("waiting", False)]]
    assert await contents(store, new) == [b"Dear Anna"]


async def test_a_message_that_was_replaced_is_forgotten(store: SqliteStore, world: World) -> None:
    for text in (b"one", b"two", b"three"):
        await answers(store, handed(letter(world, text)))
    assert await bodies(store) == [b"three"]
    same = letter(world, b"three", address="bo@maskin.example")
    await answers(store, handed(same))
    await answers(store, handed(letter(world, b"four")))
    assert sorted(await bodies(store)) == [b"four", b"three"]
    assert await contents(store, same) == [b"three"]


def test_what_is_refused_is_what_does_not_go() -> None:
    assert not Placed("1", "done:accepted").refused
    assert not Placed("1", "waiting", changed=True).refused
    assert Placed("1", "done:accepted", changed=True).refused
    assert Placed("1", "done:failed").refused
