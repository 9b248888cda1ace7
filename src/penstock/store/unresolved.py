"""Suppression files with rows that could not be used: until they are settled, who objected is not fully known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import apsw
import orjson

from penstock.ports import Clock
from penstock.store.database import Database
from penstock.store.instants import iso

__all__ = ["UnresolvedImport", "UnresolvedImports", "load_unresolved"]

_NAME = "suppression:unresolved"


@dataclass(frozen=True, slots=True)
class UnresolvedImport:
    """One file by its path, how many rows could not be used, and the scopes they may have had."""

    file: str
    rows: int
    scopes: tuple[str, ...]
    at: str


def load_unresolved(connection: apsw.Connection, meta: Mapping[str, str]) -> list[UnresolvedImport]:
    """What is kept, inside a transaction of the caller; `meta` is the named SQL of that room."""
    text = connection.execute(meta["get"], (_NAME,)).get
    return [UnresolvedImport(**{**each, "scopes": tuple(each["scopes"])}) for each in orjson.loads(text or "[]")]


class UnresolvedImports:
    """The kept list."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._meta = database.statements("meta")

    async def all(self) -> Sequence[UnresolvedImport]:
        """Every file that waits, oldest first."""
        return await self._database.read(self._load)

    async def add(self, file: str, rows: int, scopes: Sequence[str]) -> None:
        """A file has `rows` unusable rows; the same file again replaces what was known of it."""
        new = UnresolvedImport(file, rows, tuple(sorted(set(scopes))), iso(self._clock.now()))
        await self._database.write(
            lambda connection: self._store(connection, [*_without(self._load(connection), file), new])
        )

    async def resolve(self, file: str | None = None) -> int:
        """Settle one file, or all; how many there were."""

        def job(connection: apsw.Connection) -> int:
            before = self._load(connection)
            after = [] if file is None else _without(before, file)
            if len(after) != len(before):
                self._store(connection, after)
            return len(before) - len(after)

        return await self._database.write(job)

    def _load(self, connection: apsw.Connection) -> list[UnresolvedImport]:
        return load_unresolved(connection, self._meta)

    def _store(self, connection: apsw.Connection, imports: Sequence[UnresolvedImport]) -> None:
        text = orjson.dumps([asdict(each) for each in imports]).decode()
        connection.execute(self._meta["put"], (_NAME, text))


def _without(imports: Sequence[UnresolvedImport], file: str) -> list[UnresolvedImport]:
    return [each for each in imports if each.file != file]
