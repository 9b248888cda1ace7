"""Contacts: one record per person, merged at every import."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import apsw
import orjson

from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.model.merging import merged
from penstock.ports import Clock
from penstock.store.database import Database
from penstock.store.identities import forget_unmailed, register_identities
from penstock.store.instants import micros
from penstock.store.records import ContactRecord, contact_octets
from penstock.store.row_batches import numbers, read_array, write_rows

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
        self._sql_of_identities = database.statements("identities")

    async def upsert(self, rows: Sequence[tuple[Contact, Identity]], /) -> Sequence[StoredContact]:
        """Keep each contact, merged with what is known of the same person; one answer per row, in order."""
        if not rows:
            return []
        at = micros(self._clock.now())
        return await self._database.write(lambda connection: self.upsert_in(connection, rows, at))

    async def admit(
        self, rows: Sequence[tuple[Contact, Identity]], refuses: Callable[[str], bool], /
    ) -> Sequence[StoredContact | None]:
        """As `upsert`, but None for a person whose data were erased, of whom nothing is kept (GDPR Art. 17).

        `refuses` answers for the scope of an erasure whether it stands against these rows. Looked up in the transaction
        that keeps the others, so that no erasure comes in between.
        """
        if not rows:
            return []
        at = micros(self._clock.now())

        def job(connection: apsw.Connection) -> list[StoredContact | None]:
            erased = self.erased_in(connection, [identity for _, identity in rows], [refuses] * len(rows))
            kept = [row for place, row in enumerate(rows) if place not in erased] if erased else rows
            stored = iter(self.upsert_in(connection, kept, at))
            return [None if place in erased else next(stored) for place in range(len(rows))]

        return await self._database.write(job)

    async def find(self, identities: Sequence[Identity], /) -> Sequence[StoredContact | None]:
        """The contact of each person, None where there is none."""
        if not identities:
            return []
        persons = tuple({identity.person for identity in identities})

        def job(connection: apsw.Connection) -> dict[bytes, StoredContact]:
            found = connection.execute(self._sql["by_person"], (apsw.carray(persons),))
            return {person: StoredContact(id_, self._records.read(record)) for person, id_, record in found}

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
        """Forget these records; the number that went. Who was ever written to stays known by keyed hashes only, and
        suppressions and the ledger stay.
        """
        if not ids:
            return 0

        def job(connection: apsw.Connection) -> int:
            wanted = apsw.carray(tuple(ids))
            unmailed = read_array(connection, self._sql_of_identities["without_mails"], (wanted,))
            connection.execute(self._sql["delete"], (wanted,))
            number = connection.changes()
            forget_unmailed(connection, self._sql_of_identities, unmailed)
            return number

        return await self._database.write(job)

    def upsert_in(
        self, connection: apsw.Connection, rows: Sequence[tuple[Contact, Identity]], at: int
    ) -> list[StoredContact]:
        """`upsert`, in a transaction of the caller."""
        people = register_identities(connection, self._sql_of_identities, [identity for _, identity in rows])
        slots = self._known(connection, set(people.rows.values()) - people.new)
        ids = _neighbours(self._new_id(), len(rows))
        answers = []
        for contact, identity in rows:
            row = people.rows[identity.person]
            slot = slots.get(row)
            was_known = slot is not None
            if slot is None:
                slots[row] = slot = _Slot(next(ids), _in_itself(contact), is_new=True, changed=True)
            else:
                both = merged(slot.contact, contact)
                slot.changed = slot.changed or both != slot.contact
                slot.contact = both
            answers.append(StoredContact(slot.id, slot.contact, is_new=not was_known))
        self._store(connection, slots, at)
        return answers

    def erased_in(
        self, connection: apsw.Connection, identities: Sequence[Identity], refuses: Sequence[Callable[[str], bool]]
    ) -> set[int]:
        """The places of those who were erased, under any of their keys; one `refuses` for each of them."""
        keys = [key for identity in identities for key in identity.person_keys]
        found = read_array(connection, self._sql["erased"], (apsw.carray(tuple(keys)),))
        if not found:
            return set()
        places = [place for place, identity in enumerate(identities) for _ in identity.person_keys]
        return {places[number - 1] for number, scope in found if refuses[places[number - 1]](scope)}

    def _known(self, connection: apsw.Connection, rows: set[int]) -> dict[int, _Slot]:
        if not rows:
            return {}
        found, records = connection.execute(self._sql["by_identity"], (numbers(sorted(rows)),)).get
        contacts = self._records.read_all(records)
        return {
            row: _Slot(id_, contact, is_new=False, changed=False)
            for (row, id_), contact in zip(orjson.loads(found), contacts, strict=True)
            if contact is not None  # never: each has a record
        }

    def _store(self, connection: apsw.Connection, slots: Mapping[int, _Slot], at: int) -> None:
        new = [(row, slot.id, contact_octets(slot.contact), at) for row, slot in slots.items() if slot.is_new]
        write_rows(connection, self._sql, "insert", new)
        changed = [
            (row, contact_octets(slot.contact), at) for row, slot in slots.items() if slot.changed and not slot.is_new
        ]
        write_rows(connection, self._sql, "update", changed)


def _neighbours(secret: str, most: int) -> Iterator[str]:
    """Random ids of 32 hex digits that share their first ones: new contacts lie side by side in the index."""
    digits = hashlib.shake_256(secret.encode()).hexdigest(12 * most)
    return (secret[-8:] + digits[place : place + 24] for place in range(0, len(digits), 24))


def _in_itself(contact: Contact) -> Contact:
    """What merging a new contact with itself does: nothing can stand twice but flags and consents."""
    return merged(contact, contact) if len(contact.flags) > 1 or len(contact.consents) > 1 else contact
