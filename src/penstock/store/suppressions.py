"""The lasting "do not mail" (GDPR Art. 21(3)): entries never expire and an import never removes one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import apsw

from penstock.model.identity import Identity
from penstock.model.suppression import Hit, Suppression, SuppressionKind, SuppressionReason
from penstock.ports import Clock
from penstock.store.chain import Chain
from penstock.store.database import Database
from penstock.store.instants import from_micros, iso, micros
from penstock.store.unresolved import UnresolvedImports

__all__ = ["StoredSuppression", "Suppressions", "find_hits"]

_FOREIGN = "suppression:foreign"
_TOMBSTONE = (SuppressionKind.PERSON.value, SuppressionReason.ERASURE.value)
_FOREIGN_ALGORITHMS = frozenset({"sha256", "md5"})


@dataclass(frozen=True, slots=True)
class StoredSuppression:
    """An entry as kept, with its id."""

    id: str
    entry: Suppression


def find_hits(
    connection: apsw.Connection, sql: Mapping[str, str], identities: Sequence[Identity]
) -> list[tuple[Hit, ...]]:
    """For each identity the entries that any of its keys matches, in one statement for all."""
    keys = {key for identity in identities for key in (*identity.person_keys, *identity.company_keys)}
    if not keys:
        return [() for _ in identities]
    in_order = apsw.carray(tuple(sorted(keys)))  # neighbours in the index share its pages
    by_key: dict[bytes, dict[int, Hit]] = {}
    hits: dict[int, Hit] = {}
    for key, seq, id_, kind, scope, reason, at in connection.execute(sql["hits"], (in_order,)):
        if seq not in hits:
            hits[seq] = Hit(id_, SuppressionKind(kind), scope, SuppressionReason(reason), from_micros(at))
        by_key.setdefault(key, {})[seq] = hits[seq]
    if not by_key:
        return [() for _ in identities]
    return [_of_one(by_key, identity) for identity in identities]


def _of_one(by_key: Mapping[bytes, Mapping[int, Hit]], identity: Identity) -> tuple[Hit, ...]:
    found: dict[int, Hit] = {}
    for key in (*identity.person_keys, *identity.company_keys):
        found.update(by_key.get(key, {}))
    return tuple(found[seq] for seq in sorted(found))


class Suppressions:
    """The kept entries. Each addition and removal is told to the ledger in the same transaction."""

    def __init__(self, database: Database, clock: Clock, chain: Chain) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._sql = database.statements("suppressions")
        self._meta = database.statements("meta")
        self.imports = UnresolvedImports(database, clock)
        """Files with rows that could not be used."""

    async def hits(self, identities: Sequence[Identity], /) -> Sequence[tuple[Hit, ...]]:
        """All entries that match any key of each identity, whatever their scope."""
        if not identities:
            return []
        return await self._database.read(lambda connection: find_hits(connection, self._sql, identities))

    async def add(self, entries: Sequence[Suppression], /) -> Sequence[str]:
        """Keep entries; their ids, in order. The same keys, scope and reason are one entry, with its earliest
        date.

        Raises ValueError for an entry without keys: it would protect nobody.
        """
        if any(not entry.keys for entry in entries):
            raise ValueError("a suppression needs at least one key")
        if not entries:
            return []
        return await self._database.write(lambda connection: self.add_in(connection, entries))

    async def remove(self, entry_ids: Sequence[str], why_code: str, why: str = "", /) -> int:
        """Lift entries; the number that went.

        `why_code` is a word of ours and goes to the ledger; `why` are a person's own words, kept with the
        remarks.
        """
        if not entry_ids:
            return 0
        at = iso(self._clock.now())
        return await self._database.write(lambda connection: self._remove(connection, entry_ids, why_code, why, at))

    async def unresolved(self) -> Sequence[str]:
        """Scopes of rows of imported files that could not be used and that nobody has settled yet."""
        return [scope for each in await self.imports.all() for scope in each.scopes]

    async def entries(self, after: str, limit: int) -> Sequence[StoredSuppression]:
        """The next entries in order of addition; `after` is an entry id, empty for the first page."""

        def job(connection: apsw.Connection) -> list[StoredSuppression]:
            return [_stored(row) for row in connection.execute(self._sql["page"], (after, limit))]

        return await self._database.read(job)

    async def count(self) -> int:
        """How many entries are kept."""
        return int(await self._database.read(lambda connection: connection.execute(self._sql["count"]).get))

    async def foreign_algorithms(self) -> frozenset[str]:
        """Which kinds of foreign hashes (`sha256`, `md5`) are among the keys.

        Identities must be hashed likewise.
        """
        words = await self._database.read(lambda connection: connection.execute(self._meta["get"], (_FOREIGN,)).get)
        return frozenset(str(words or "").split())

    async def forget_subjects(self, keys: Sequence[bytes], /) -> int:
        """Erase the plain address or name of the entries with any of these keys.

        The keys stay and still protect.
        """
        if not keys:
            return 0

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["forget_subjects"], (apsw.carray(tuple(keys)),))
            return connection.changes()

        return await self._database.write(job)

    def add_in(self, connection: apsw.Connection, entries: Sequence[Suppression]) -> list[str]:
        """The same as `add`, inside a transaction of the caller."""
        at = iso(self._clock.now())
        entries = self._without_erased(connection, entries)
        ids = [_entry_id(entry) for entry in entries]
        known = dict(list(connection.execute(self._sql["known"], (apsw.carray(tuple(set(ids))),))))
        rows = []
        for id_, entry in zip(ids, entries, strict=True):
            date = micros(entry.at)
            if id_ in known:
                if date < known[id_]:
                    connection.execute(self._sql["earlier"], (id_, date))
                    known[id_] = date
                continue
            known[id_] = date
            plain = (id_, entry.kind, entry.scope, entry.reason, date, entry.subject, entry.origin)
            seq = connection.execute(self._sql["insert"], plain).get
            connection.executemany(self._sql["insert_key"], [(key, seq) for key in set(entry.keys)])
            rows.append(_told("suppressed", at, id_, entry.kind, entry.scope, entry.reason))
        self._remember_foreign(connection, {entry.origin for entry in entries} & _FOREIGN_ALGORITHMS)
        self._chain.append(connection, rows)
        return ids

    def _without_erased(self, connection: apsw.Connection, entries: Sequence[Suppression]) -> list[Suppression]:
        """The entries, without the plain address where the person was erased: the keys protect without it."""
        named = {
            key for entry in entries if entry.kind is SuppressionKind.PERSON and entry.subject for key in entry.keys
        }
        if not named:
            return list(entries)
        rows = connection.execute(self._sql["hits"], (apsw.carray(tuple(sorted(named))),))
        erased = {key for key, _, _, kind, _, reason, _ in rows if (kind, reason) == _TOMBSTONE}
        if not erased:
            return list(entries)
        return [replace(entry, subject=None) if erased & set(entry.keys) else entry for entry in entries]

    def _remember_foreign(self, connection: apsw.Connection, algorithms: set[str]) -> None:
        known = set(str(connection.execute(self._meta["get"], (_FOREIGN,)).get or "").split())
        if algorithms - known:
            connection.execute(self._meta["put"], (_FOREIGN, " ".join(sorted(known | algorithms))))

    def _remove(self, connection: apsw.Connection, ids: Sequence[str], why_code: str, why: str, at: str) -> int:
        found = list(connection.execute(self._sql["by_id"], (apsw.carray(tuple(set(ids))),)))
        if why:
            moment = micros(self._clock.now())
            connection.executemany(self._sql["remark"], [(row[0], moment, "unsuppress", why) for row in found])
        connection.executemany(self._sql["delete"], [(row[0],) for row in found])
        self._chain.append(connection, [{**_told("unsuppressed", at, *row), "why_code": why_code} for row in found])
        return len(found)


def _entry_id(entry: Suppression) -> str:
    parts = [entry.kind, entry.scope, entry.reason, *sorted(key.hex() for key in set(entry.keys))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _told(kind: str, at: str, entry: str, protects: str, scope: str, reason: str) -> dict[str, Any]:
    return {"kind": kind, "at": at, "entry": entry, "protects": protects, "scope": scope, "reason": reason}


def _stored(row: Sequence[Any]) -> StoredSuppression:
    id_, kind, scope, reason, at, subject, origin, keys = row
    octets = tuple(bytes.fromhex(key) for key in (keys or "").split())
    entry = Suppression(
        SuppressionKind(kind), octets, scope, SuppressionReason(reason), from_micros(at), subject, origin
    )
    return StoredSuppression(id_, entry)
