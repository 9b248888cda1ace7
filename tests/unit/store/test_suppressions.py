from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import apsw
import pytest
from tests.unit.store.conftest import World

from penstock.model.contact import Contact
from penstock.model.suppression import SuppressionKind, SuppressionReason
from penstock.store.sqlite import SqliteStore
from penstock.store.suppressions import StoredSuppression


def watch(statements: list[str], connection: apsw.Connection) -> None:
    """Note every statement from now on."""

    def note(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        statements.append(sql)
        return True

    connection.exec_trace = note


async def test_any_key_of_person_or_company_hits(store: SqliteStore, world: World) -> None:
    anna = world.identity("anna@muster.example", provider="anna")
    keys = (*anna.person_keys, *anna.company_keys)
    ids = await store.suppressions.add([world.suppression((key,)) for key in keys])
    assert len(set(ids)) == len(keys)
    for key, id_ in zip(keys, ids, strict=True):
        only = world.identity("other@elsewhere.example")
        person = type(only)(only.person, (key,), (), None, None)
        company = type(only)(only.person, (), (key,), None, None)
        hits = await store.suppressions.hits([person, company])
        assert [[hit.entry for hit in found] for found in hits] == [[id_], [id_]]
    (all_hits, none) = await store.suppressions.hits([anna, world.identity("x@elsewhere.example")])
    assert {hit.entry for hit in all_hits} == set(ids)
    assert none == ()


async def test_a_hit_says_what_was_entered(store: SqliteStore, world: World) -> None:
    anna = world.identity("anna@muster.example")
    entry = world.suppression(
        anna.company_keys, SuppressionKind.DOMAIN, SuppressionReason.PHONE, scope="controller:nordlicht"
    )
    (id_,) = await store.suppressions.add([entry])
    ((hit,),) = await store.suppressions.hits([anna])
    assert (hit.entry, hit.kind, hit.scope) == (id_, SuppressionKind.DOMAIN, "controller:nordlicht")
    assert (hit.reason, hit.at) == (SuppressionReason.PHONE, world.clock.now())


async def test_an_entry_with_several_keys_is_one_hit(store: SqliteStore, world: World) -> None:
    anna = world.identity("anna@muster.example")
    await store.suppressions.add([world.suppression(anna.person_keys)])
    ((hit,),) = await store.suppressions.hits([anna])
    assert hit.reason is SuppressionReason.OBJECTION


async def test_the_same_entry_twice_is_one_and_keeps_its_earlier_date(store: SqliteStore, world: World) -> None:
    anna = world.identity("anna@muster.example")
    late = world.suppression(anna.person_keys)
    early = world.suppression(tuple(reversed(anna.person_keys)), at=late.at - timedelta(days=9))
    ids = await store.suppressions.add([late])
    assert await store.suppressions.add([early, late]) == [*ids, *ids]
    assert await store.suppressions.add([late]) == ids
    assert await store.suppressions.count() == 1
    ((hit,),) = await store.suppressions.hits([anna])
    assert hit.at == early.at
    assert [row.kind for row in await store.ledger.rows(0, 9)] == ["suppressed"]


async def test_another_reason_or_scope_is_another_entry(store: SqliteStore, world: World) -> None:
    keys = world.identity("anna@muster.example").person_keys
    await store.suppressions.add(
        [
            world.suppression(keys),
            world.suppression(keys, reason=SuppressionReason.BOUNCE),
            world.suppression(keys, scope="channel:email"),
        ]
    )
    assert await store.suppressions.count() == 3


async def test_an_entry_without_keys_is_refused(store: SqliteStore, world: World) -> None:
    with pytest.raises(ValueError, match="key"):
        await store.suppressions.add([world.suppression(())])


async def test_an_import_of_contacts_removes_no_entry(store: SqliteStore, world: World) -> None:
    anna = world.identity("anna@muster.example")
    await store.suppressions.add([world.suppression(anna.person_keys)])
    await store.contacts.upsert([(Contact("anna@muster.example"), anna)])
    assert await store.suppressions.hits([anna]) != [()]


async def test_an_erasure_takes_the_subject_and_leaves_the_protection(
    file_store: SqliteStore, path: Path, world: World
) -> None:
    anna = world.identity("anna@muster.example")
    entry = world.suppression(anna.person_keys, subject="anna.erased@muster.example")
    await file_store.suppressions.add([entry])
    assert await file_store.suppressions.forget_subjects(anna.person_keys) == 1
    assert await file_store.suppressions.forget_subjects(anna.person_keys) == 0
    await file_store.suppressions.add([entry])
    (kept,) = await file_store.suppressions.entries("", 10)
    assert kept.entry.subject is None
    assert len((await file_store.suppressions.hits([anna]))[0]) == 1
    await file_store.aclose()
    assert b"anna.erased" not in path.read_bytes()


async def test_a_removal_is_explicit_and_told_to_the_ledger(store: SqliteStore, world: World) -> None:
    anna = world.identity("anna@muster.example")
    ids = await store.suppressions.add([world.suppression(anna.person_keys)])
    assert await store.suppressions.remove([*ids, "unknown"], "fresh_consent") == 1
    assert await store.suppressions.hits([anna]) == [()]
    added, removed = await store.ledger.rows(0, 9)
    assert added.body == {
        "kind": "suppressed",
        "at": "2026-11-20T08:00:00.000000+00:00",
        "entry": ids[0],
        "protects": "person",
        "scope": "all",
        "reason": "objection",
    }
    assert (removed.kind, removed.body["entry"], removed.body["why_code"]) == ("unsuppressed", ids[0], "fresh_consent")
    assert await store.suppressions.add([world.suppression(anna.person_keys)]) == ids


async def test_entries_are_listed_in_order_of_addition(store: SqliteStore, world: World) -> None:
    people = [world.identity(f"p{number}@muster.example") for number in range(5)]
    entries = [world.suppression(person.person_keys) for person in people]
    ids = await store.suppressions.add(entries)
    seen: list[StoredSuppression] = []
    after = ""
    while page := await store.suppressions.entries(after, 2):
        seen += page
        after = page[-1].id
    assert [each.id for each in seen] == ids
    assert {frozenset(each.entry.keys) for each in seen} == {frozenset(entry.keys) for entry in entries}
    assert seen[0].entry.subject == "anna.keller@muster.example"


async def test_foreign_kinds_of_hashes_are_remembered(store: SqliteStore, world: World) -> None:
    assert await store.suppressions.foreign_algorithms() == frozenset()
    await store.suppressions.add([world.suppression((b"a" * 32,), origin="md5"), world.suppression((b"b" * 32,))])
    await store.suppressions.add([world.suppression((b"c" * 32,), origin="sha256")])
    assert await store.suppressions.foreign_algorithms() == {"md5", "sha256"}


async def test_hits_of_many_identities_are_one_statement(store: SqliteStore, world: World) -> None:
    counts = []
    for size in (1, 500):
        identities = [world.identity(f"p{number}@muster.example") for number in range(size)]
        statements: list[str] = []

        await store.database.write(partial(watch, statements))
        await store.suppressions.hits(identities)
        counts.append(sum("suppression_keys" in sql for sql in statements))
    assert counts == [1, 1]


async def test_nothing_asked_is_nothing_answered(store: SqliteStore) -> None:
    assert await store.suppressions.hits([]) == []
    assert await store.suppressions.add([]) == []
    assert await store.suppressions.remove([], "x") == 0
    assert await store.suppressions.forget_subjects([]) == 0
