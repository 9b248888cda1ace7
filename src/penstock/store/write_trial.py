"""Whether what is written to the store stays there, tried: a full disk answers whoever only reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

import apsw

from penstock.errors import StoreUnavailable
from penstock.store.database import Database

__all__ = ["WriteTrial"]

_NAME = "trial:write"
_GOOD_FOR = 1.0


class WriteTrial:
    """Writes at most once a second, however often it is asked. `time` is monotonic, in seconds."""

    def __init__(self, database: Database, time: Callable[[], float]) -> None:
        self._database = database
        self._sql = database.statements("meta")
        self._time = time
        self._numbers = count()
        self._one = asyncio.Lock()
        self._last: tuple[float, StoreUnavailable | None] | None = None

    async def run(self) -> None:
        """Raises StoreUnavailable where nothing can be written now, or could not within the last second."""
        async with self._one:
            if self._last is None or self._time() - self._last[0] >= _GOOD_FOR:
                fault = await self._tried()
                self._last = (self._time(), fault)
            if (found := self._last[1]) is not None:
                raise StoreUnavailable(found.what, where=found.where, mend=found.mend)

    async def _tried(self) -> StoreUnavailable | None:
        # Another value each time: a row that stays the same is not written.
        value = f"{self._time()} {next(self._numbers)}"

        def job(connection: apsw.Connection) -> None:
            connection.execute(self._sql["put"], (_NAME, value))

        try:
            await self._database.write(job)
        except StoreUnavailable as fault:
            return fault
        return None
