from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import apsw
from tests.unit.store.conftest import World

from penstock.model.contact import Contact, Flag, Source, SourceMethod
from penstock.model.suppression import SuppressionKind, SuppressionReason
from penstock.store.sqlite import SqliteStore


async def test_a_new_contact_gets_a_random_id_and_a_known_one_keeps_it(store: SqliteStore, world: World) -> None:
    anna = Contact("anna.keller@muster.example", given_name="Anna")
    identity = world.identity(anna.address)
    (first,) = await store.contacts.upsert([(anna, identity)])
    (again,) = await store.contacts.upsert([(replace(anna, title="Buyer"), identity)])
    assert first.is_new
    assert not again.is_new
    assert first.id == again.id
    assert again.contact == Contact("anna.keller@muster.example", given_name="Anna", title="Buyer")
    assert await store.contacts.count() == 1
    (found,) = await store.contacts.load([first.id])
    assert found is not None
    assert found.contact == again.contact


async def test_an_import_merges_and_never_takes_a_restriction_away(store: SqliteStore, world: World) -> None:
    identity = world.identity("anna@muster.example")
    marked = Contact("anna@muster.example", flags=(Flag.RESTRICTED,), source=Source(method=SourceMethod.EVENT))
    await store.contacts.upsert([(marked, identity)])
    (after,) = await store.contacts.upsert([(Contact("Anna@muster.example"), identity)])
    assert after.contact.address == "Anna@muster.example"
    assert after.contact.flags == (Flag.RESTRICTED,)
    assert after.contact.source.method is SourceMethod.EVENT


async def test_two_rows_of_one_person_in_one_batch_are_one_contact(store: SqliteStore, world: World) -> None:
    identity = world.identity("anna@muster.example")
    one, two = await store.contacts.upsert(
        [
            (Contact("anna@muster.example", given_name="Anna"), identity),
            (Contact("ANNA@muster.example", title="Buyer"), identity),
        ]
    )
    assert one.id == two.id
    assert (one.is_new, two.is_new) == (True, False)
    assert two.contact == Contact("ANNA@muster.example", given_name="Anna", title="Buyer")
    (found,) = await store.contacts.find([identity])
    assert found is not None
    assert found.contact == two.contact


async def test_answers_keep_the_order_of_the_questions(store: SqliteStore, world: World) -> None:
    people = [f"p{number}@muster.example" for number in range(50)]
    rows = [(Contact(address), world.identity(address)) for address in people]
    stored = await store.contacts.upsert(rows)
    assert [each.contact.address for each in stored] == people
    asked = [world.identity(address) for address in reversed(people)]
    found = await store.contacts.find([*asked, world.identity("nobody@muster.example")])
    assert [each and each.contact.address for each in found] == [*reversed(people), None]
    loaded = await store.contacts.load([stored[3].id, "gone", stored[1].id])
    assert [each and each.contact.address for each in loaded] == [people[3], None, people[1]]


async def test_pages_walk_over_all_contacts(store: SqliteStore, world: World) -> None:
    rows = [(Contact(f"p{n}@muster.example"), world.identity(f"p{n}@muster.example")) for n in range(7)]
    await store.contacts.upsert(rows)
    seen, after = [], ""
    while page := await store.contacts.page(after, 3):
        seen += [each.contact.address for each in page]
        after = page[-1].id
    assert sorted(seen) == sorted(contact.address for contact, _ in rows)


async def test_a_deleted_contact_is_gone_from_the_file(file_store: SqliteStore, path: Path, world: World) -> None:
    (stored,) = await file_store.contacts.upsert(
        [(Contact("anna.secret@muster.example", given_name="Annabelle"), world.identity("anna.secret@muster.example"))]
    )
    assert await file_store.contacts.delete([stored.id, "unknown"]) == 1
    assert await file_store.contacts.load([stored.id]) == [None]
    await file_store.database.write(lambda connection: None)
    await file_store.aclose()
    assert b"Annabelle" not in path.read_bytes()


async def test_nothing_asked_is_nothing_answered(store: SqliteStore) -> None:
    assert await store.contacts.upsert([]) == []
    assert await store.contacts.find([]) == []
    assert await store.contacts.load([]) == []
    assert await store.contacts.delete([]) == 0


async def test_an_unchanged_contact_is_not_written_again(file_store: SqliteStore, world: World) -> None:
    rows = [(Contact("anna@muster.example"), world.identity("anna@muster.example"))]
    await file_store.contacts.upsert(rows)

    def changes(connection: apsw.Connection) -> int:
        return connection.total_changes()

    before = await file_store.database.write(changes)
    await file_store.contacts.upsert(rows)
    assert await file_store.database.write(changes) == before


async def test_who_was_erased_is_not_admitted_under_any_key_and_the_others_are(
    store: SqliteStore, world: World
) -> None:
    carl = world.identity("carl@muster.example", provider="c.arl@muster.example")
    mark = world.suppression((carl.person_keys[-1],), reason=SuppressionReason.ERASURE)
    await store.suppressions.add([mark])
    people = ["anna@muster.example", "carl@muster.example", "bo@muster.example", "carl@muster.example"]
    who = {address: world.identity(address) for address in people} | {"carl@muster.example": carl}
    answers = await store.contacts.admit([(Contact(each), who[each]) for each in people], lambda _scope: True)
    assert [each and each.contact.address for each in answers] == ["anna@muster.example", None, *people[2:3], None]
    assert await store.contacts.count() == 2
    assert await store.contacts.find([carl]) == [None]
    known = await store.database.read(lambda c: [row[0] for row in c.execute("SELECT person FROM identities")])
    assert carl.person not in known


async def test_only_erasures_of_persons_that_are_said_to_stand_keep_anybody_out(
    store: SqliteStore, world: World
) -> None:
    anna = world.identity("anna@muster.example")
    rows = [(Contact("anna@muster.example"), anna)]
    others = [
        world.suppression(anna.person_keys, reason=SuppressionReason.OBJECTION),
        world.suppression(anna.person_keys, kind=SuppressionKind.DOMAIN, reason=SuppressionReason.ERASURE),
        world.suppression(anna.person_keys, reason=SuppressionReason.ERASURE, scope="controller:sodlicht"),
    ]
    await store.suppressions.add(others)
    (kept,) = await store.contacts.admit(rows, lambda scope: scope != "controller:sodlicht")
    assert kept is not None
    assert kept.is_new
    assert await store.contacts.admit(rows, lambda scope: scope == "controller:sodlicht") == [None]
    assert await store.contacts.admit([], lambda _scope: True) == []
