"""Messages that other programs handed in do not stay for ever: what is over is forgotten, what nobody released ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import apsw

from penstock.store.bodies import STRAY_SECONDS, Bodies
from penstock.store.database import Database
from penstock.store.desk import Desk
from penstock.store.instants import iso, micros
from penstock.store.row_batches import numbers, read_array

__all__ = ["Forgetting"]

_AT_ONCE = 500
_HELD_TOO_LONG = "nobody released it in time"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Works in portions, so that no transaction is long; stopped half-way, the next run goes on."""

    database: Database
    sql: Mapping[str, str]
    bodies: Bodies
    desk: Callable[[apsw.Connection], Desk]
    now: datetime

    async def messages(self, before: datetime) -> int:
        """Ready-made messages, with addresses, that ended before that time, and old keys; how many mails there were."""
        number = 0
        while found := await self.database.write(lambda connection: self._messages(connection, before)):
            number += found
        await self._strays()
        return number

    async def held(self, before: datetime) -> int:
        """Cancel what was handed in and is held since before that time, and tell the ledger of it; how many."""
        number = 0
        while found := await self.database.write(lambda connection: self._held(connection, before)):
            number += found
        return number

    def _messages(self, connection: apsw.Connection, before: datetime) -> int:
        moment = micros(before)
        connection.execute(self.sql["forget_keys"], (moment,))
        rows = read_array(connection, self.sql["to_forget"], (moment, _AT_ONCE, iso(before)))
        if rows:
            mails = numbers([seq for seq, _ in rows])
            connection.execute(self.sql["forget_message"], (mails,))
            connection.execute(self.sql["forget_submission"], (mails,))
            digests = apsw.carray(tuple({digest for _, digest in rows}))
            connection.execute(self.sql["forget_bodies"], (digests,))
        return len(rows)

    def _held(self, connection: apsw.Connection, before: datetime) -> int:
        ids = read_array(connection, self.sql["held_too_long"], (micros(before), iso(before), _AT_ONCE))
        return len(self.desk(connection).drop(ids, _HELD_TOO_LONG)) if ids else 0

    async def _strays(self) -> None:
        """Delete files that no row names: of forgotten and replaced messages, and of what was never saved."""
        before = self.now.timestamp() - STRAY_SECONDS
        names = await asyncio.to_thread(self.bodies.strays, before)
        for at in range(0, len(names), _AT_ONCE):
            part = names[at : at + _AT_ONCE]
            # What is seen here is on disk; in the transaction below something may be taken back yet.
            part = await self.database.read(partial(self._unnamed, names=part))
            if part:
                await self.database.write(partial(self._forget, names=part, before=before))

    def _unnamed(self, connection: apsw.Connection, names: Sequence[str]) -> list[str]:
        named = set(read_array(connection, self.sql["named_bodies"], (apsw.carray(tuple(names)),)))
        return [name for name in names if name not in named]

    def _forget(self, connection: apsw.Connection, names: Sequence[str], before: float) -> None:
        self.bodies.forget(self._unnamed(connection, names), before)
