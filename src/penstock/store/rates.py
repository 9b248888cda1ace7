"""Shared rate limits by the generic cell rate algorithm (GCRA), in the store, so that all processes keep them
together.

A rate `"20/30min"` lets 20 go at once and then one every 90 seconds: each grant moves the theoretical arrival
time (tat) of its key by one interval, and tat may run ahead of the clock by the period at most.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from penstock.model.window import Window, parse_window
from penstock.ports import Clock, Grant, RateQuery
from penstock.store.database import Database
from penstock.store.row_batches import read_array, write_rows

__all__ = ["Rates"]

_TOLERANCE_SECONDS = 1e-6
"""A float of seconds since the epoch is exact to about a quarter of this."""

_Tats = dict[tuple[str, str], float]


class Rates:
    """The port Rates, by the machine's clock. In a store opened to look at only, `take` uses nothing up."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._sql = database.statements("rates")
        self._windows: dict[str, Window] = {}

    async def take(self, queries: Sequence[RateQuery], /) -> Sequence[Grant]:
        """Grants for each query in order, all in one transaction; queries of one key count for one another.

        Raises ValueError for a rate that cannot be read.
        """
        if not self._database.writable:
            return await self.peek(queries)
        for query in queries:
            self._read_rates(query)
        if not queries:
            return []
        return await self._database.write(lambda connection: self._take(connection, queries))

    async def peek(self, queries: Sequence[RateQuery], /) -> Sequence[Grant]:
        """What `take` would grant, using nothing up."""
        for query in queries:
            self._read_rates(query)
        if not queries:
            return []

        def job(connection: apsw.Connection) -> list[Grant]:
            return self._grants(self._load(connection, queries), queries, self._clock.machine())

        return await self._database.read(job)

    def _take(self, connection: apsw.Connection, queries: Sequence[RateQuery]) -> list[Grant]:
        now = self._clock.machine()
        tats = self._load(connection, queries)
        grants = self._grants(tats, queries, now)
        # A tat that has passed says no more than no row at all.
        connection.execute(self._sql["clear"], (now,))
        kept = [(key, rate, tat) for (key, rate), tat in tats.items() if tat > now]
        write_rows(connection, self._sql, "store", kept)
        return grants

    def _load(self, connection: apsw.Connection, queries: Sequence[RateQuery]) -> _Tats:
        keys = apsw.carray(tuple({query.key for query in queries}))
        return {(key, rate): tat for key, rate, tat in read_array(connection, self._sql["load"], (keys,))}

    def _grants(self, tats: _Tats, queries: Sequence[RateQuery], now: float) -> list[Grant]:
        return [self._grant(tats, query, now) for query in queries]

    def _grant(self, tats: _Tats, query: RateQuery, now: float) -> Grant:
        windows = [(rate, self._windows[rate]) for rate in dict.fromkeys(query.rates)]
        granted, ready_at = max(query.wanted, 0), now
        for rate, window in windows:
            period = window.period.total_seconds()
            room = period - (_tat(tats, query.key, rate, now, period) - now)
            granted = min(granted, max(int((room + _TOLERANCE_SECONDS) * window.count / period), 0))
        for rate, window in windows:
            period = window.period.total_seconds()
            interval = period / window.count
            tat = _tat(tats, query.key, rate, now, period) + granted * interval
            tats[query.key, rate] = tat
            ready_at = max(ready_at, tat + interval - period)
        return Grant(granted, ready_at)

    def _read_rates(self, query: RateQuery) -> None:
        for rate in query.rates:
            if rate not in self._windows:
                self._windows[rate] = parse_window(rate)


def _tat(tats: _Tats, key: str, rate: str, now: float, period: float) -> float:
    """No grant makes it run ahead by more than the period: what does is left of a clock that was set back since."""
    return min(max(tats.get((key, rate), now), now), now + period)
