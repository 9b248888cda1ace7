"""Counts what waits: tickets, and mails that a person or a dead process left in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import apsw

from penstock.observe.backlog import Backlog
from penstock.ports import Clock
from penstock.store.database import Database

__all__ = ["BacklogReader"]

_GOOD_FOR = 1.0


class BacklogReader:
    """Asks the store at most once a second, however often it is asked itself. `time` is monotonic, in seconds."""

    def __init__(self, database: Database, clock: Clock, time: Callable[[], float]) -> None:
        self._database = database
        self._sql = database.statements("backlog")
        self._clock = clock
        self._time = time
        self._last: tuple[float, Backlog] | None = None

    async def read(self) -> Backlog:
        """What waits now, or did within the last second. Raises StoreUnavailable."""
        began = self._time()
        if self._last is None or began - self._last[0] >= _GOOD_FOR:
            found = await self._database.read(self._count)
            ended = self._time()
            self._last = (ended, replace(found, store_seconds=ended - began))
        return self._last[1]

    def _count(self, connection: apsw.Connection) -> Backlog:
        now = self._clock.now().timestamp()

        def number(name: str) -> int:
            found: int = connection.execute(self._sql[name]).get
            return found

        held = {str(code or ""): int(each) for code, each in connection.execute(self._sql["held"])}
        oldest: float | None = connection.execute(self._sql["longest_due"]).get
        overdue = max(0.0, now - oldest) if oldest is not None else 0.0
        return Backlog(number("waiting"), overdue, number("begun"), number("uncertain"), held)
