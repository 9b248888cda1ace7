"""Contacts: one record per person, merged at every import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import apsw

from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.model.merging import merged
from penstock.ports import Clock
from penstock.store.database import Database
from penstock.store.identities import joined_keys, split_keys
from penstock.store.instants import micros
from penstock.store.records import ContactRecord, contact_octets

__all__ = ["Contacts", "StoredContact"]


@dataclass(frozen=True, slots=True)
class StoredContact:
    """A contact as kept. `id` is random.

    `is_new` is True only in the answer to the import that brought it.
    """

    id: str
    contact: Contact
    is_new: bool = False


@dataclass(slots=True)
class _Slot:
    """A contact on its way through one batch."""

    id: str
    contact: Contact
    keys: bytes
    is_new: bool
    changed: bool


class Contacts:
    """The kept contacts."""

    def __init__(self, database: Database, clock: Clock, records: ContactRecord, new_id: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock
        self._records = records
        self._new_id = new_id
        self._sql = database.statements("contacts")

    async def upsert(self, rows: Sequence[tuple[Contact, Identity]], /) -> Sequence[StoredContact]:
        """Keep each contact, merged with what is known of the same person; one answer per row, in order."""
        if not rows:
            return []
        at = micros(self._clock.now())
        return await self._database.write(lambda connection: self._upsert(connection, rows, at))

    async def find(self, identities: Sequence[Identity], /) -> Sequence[StoredContact | None]:
        """The contact of each person, None where there is none."""
        if not identities:
            return []
        persons = tuple({identity.person for identity in identities})

        def job(connection: apsw.Connection) -> dict[bytes, StoredContact]:
            found = connection.execute(self._sql["by_person"], (apsw.carray(persons),))
            return {person: StoredContact(id_, self._records.read(record)) for person, id_, record, _ in found}

        known = await self._database.read(job)
        return [known.get(identity.person) for identity in identities]

    async def load(self, ids: Sequence[str], /) -> Sequence[StoredContact | None]:
        """By contact id; None for one that is gone."""
        if not ids:
            return []

        def job(connection: apsw.Connection) -> dict[str, StoredContact]:
            found = connection.execute(self._sql["by_id"], (apsw.carray(tuple(set(ids))),))
            return {id_: StoredContact(id_, self._records.read(record)) for id_, record in found}

        known = await self._database.read(job)
        return [known.get(id_) for id_ in ids]

    async def page(self, after_id: str, limit: int) -> Sequence[StoredContact]:
        """The next contacts by id; `after_id` is empty for the first page."""

        def job(connection: apsw.Connection) -> list[StoredContact]:
            found = connection.execute(self._sql["page"], (after_id, limit))
            return [StoredContact(id_, self._records.read(record)) for id_, record in found]

        return await self._database.read(job)

    async def count(self) -> int:
        """How many contacts are kept."""
        return int(await self._database.read(lambda connection: connection.execute(self._sql["count"]).get))

    async def delete(self, ids: Sequence[str], /) -> int:
        """Forget these records; the number that went. Identities, suppressions and the ledger stay."""
        if not ids:
            return 0

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["delete"], (apsw.carray(tuple(ids)),))
            return connection.changes()

        return await self._database.write(job)

    def _upsert(
        self, connection: apsw.Connection, rows: Sequence[tuple[Contact, Identity]], at: int
    ) -> list[StoredContact]:
        slots = self._known(connection, rows)
        answers = []
        for contact, identity in rows:
            slot = slots.get(identity.person)
            was_known = slot is not None
            if slot is None:
                keys = joined_keys(identity.person_keys)
                slot = _Slot(self._new_id(), merged(contact, contact), keys, is_new=True, changed=True)
                slots[identity.person] = slot
            else:
                _merge_into(slot, contact, identity)
            answers.append(StoredContact(slot.id, slot.contact, is_new=not was_known))
        connection.executemany(
            self._sql["insert"],
            [(s.id, person, s.keys, contact_octets(s.contact), at) for person, s in slots.items() if s.is_new],
        )
        connection.executemany(
            self._sql["update"],
            [(s.id, s.keys, contact_octets(s.contact), at) for s in slots.values() if s.changed and not s.is_new],
        )
        return answers

    def _known(self, connection: apsw.Connection, rows: Sequence[tuple[Contact, Identity]]) -> dict[bytes, _Slot]:
        persons = tuple({identity.person for _, identity in rows})
        found = connection.execute(self._sql["by_person"], (apsw.carray(persons),))
        return {
            person: _Slot(id_, self._records.read(record), keys, is_new=False, changed=False)
            for person, id_, record, keys in found
        }


def _merge_into(slot: _Slot, contact: Contact, identity: Identity) -> None:
    both = merged(slot.contact, contact)
    keys = joined_keys(tuple(dict.fromkeys((*split_keys(slot.keys), *identity.person_keys))))
    slot.changed = slot.changed or both != slot.contact or keys != slot.keys
    slot.contact, slot.keys = both, keys
