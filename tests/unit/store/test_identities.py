"""Who was written to stays known by keyed hashes, and only as long as there is a reason."""

from __future__ import annotations

from dataclasses import replace

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.store.conftest import World

from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.store.identities import identity_octets, read_identity, unit_mark
from penstock.store.sqlite import SqliteStore

keys = st.binary(min_size=32, max_size=32)
identities = st.builds(
    Identity,
    keys,
    st.lists(keys, max_size=4).map(tuple),
    st.lists(keys, max_size=300).map(tuple),
    st.none() | keys,
    st.none() | keys,
)


@given(identities)
def test_an_identity_comes_back_as_it_went(identity: Identity) -> None:
    assert read_identity(identity.person, identity_octets(identity)) == identity


def test_a_key_of_another_length_is_refused() -> None:
    for short in (Identity(b"x", (), (), None, None), Identity(b"x" * 32, (b"y" * 31,), (), None, None)):
        with pytest.raises(ValueError, match="32 octets"):
            identity_octets(short)


def test_a_mark_is_a_number_that_the_database_can_hold() -> None:
    assert unit_mark(None) is None
    assert unit_mark(b"\xff" * 32) == -1
    assert unit_mark(b"\x7f" + b"\xff" * 31) == 2**63 - 1


async def kept(store: SqliteStore) -> tuple[int, int]:
    def job(connection: apsw.Connection) -> tuple[int, int]:
        (found,) = connection.execute("SELECT (SELECT count(*) FROM identities), (SELECT count(*) FROM identity_keys)")
        return int(str(found[0])), int(str(found[1]))

    return await store.database.read(job)


async def test_a_contact_that_was_never_written_to_leaves_nothing_behind(store: SqliteStore, world: World) -> None:
    mailed, other = world.identity("anna.keller@muster.example"), world.identity("bo@muster.example")
    first, second = await store.contacts.upsert(
        [(Contact("anna.keller@muster.example"), mailed), (Contact("bo@muster.example"), other)]
    )
    new = world.new_mail(identity=mailed, contact_id=first.id)
    await store.mails.accept([new])
    assert await kept(store) == (2, 2)
    assert await store.contacts.delete([first.id, second.id, "unknown"]) == 2
    assert await kept(store) == (1, 1)
    assert await store.mails.identity_of(new.id) == mailed


async def test_a_person_who_comes_again_after_being_forgotten_is_kept_anew(store: SqliteStore, world: World) -> None:
    who = world.identity("bo@muster.example")
    for _ in range(2):
        (stored,) = await store.contacts.upsert([(Contact("bo@muster.example"), who)])
        assert stored.is_new
        assert await store.contacts.delete([stored.id]) == 1
    assert await kept(store) == (0, 0)


async def test_a_person_who_moves_does_not_mix_up_companies(store: SqliteStore, world: World) -> None:
    before = world.identity("anna@muster.example", company="first")
    after = replace(before, company=world.keyring.anchor("company:second"))
    other = world.identity("bo@muster.example", company="third")
    mails = [
        world.new_mail(identity=before, campaign=world.campaign("one")),
        world.new_mail(identity=after, campaign=world.campaign("two")),
        world.new_mail(identity=other, campaign=world.campaign("three")),
    ]
    for mail in mails:
        await store.mails.accept([mail])

    def units(connection: apsw.Connection) -> list[tuple[apsw.SQLiteValue, ...]]:
        return list(connection.execute("SELECT id FROM units"))

    found = await store.database.read(units)
    assert len(found) == len(set(found)) == 3
