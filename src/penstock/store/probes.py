"""Whether the public pages answered when they were last tried, as all processes know it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import apsw
import orjson

from penstock.ports import Clock
from penstock.store.database import Database
from penstock.store.instants import from_micros, micros

__all__ = ["ProbeState", "Probes"]

_NAME = "web:probe"
_DOUBT = timedelta(minutes=5)
"""For how long a page that worked before may fail: a proxy that is started anew is no reason to hold mail."""


@dataclass(frozen=True, slots=True)
class ProbeState:
    """What is known of the pages at `url`; dates in microseconds since 1970. `why` is empty where they answered.

    `failing_since` is the first failure after the last success, which was at `worked_at`.
    """

    url: str
    at: int
    why: str = ""
    failing_since: int | None = None
    worked_at: int | None = None

    @property
    def tried_at(self) -> datetime:
        """When they were last tried."""
        return from_micros(self.at)

    @property
    def fault(self) -> str:
        """Why nobody could opt out; empty where they can, and for a while when pages fail that worked before."""
        if not self.why or self.failing_since is None:
            return ""
        lasts = timedelta(microseconds=self.at - self.failing_since) >= _DOUBT
        return self.why if lasts or self.worked_at is None else ""


class Probes:
    """Keeps the last result for one public address; another address has to prove itself anew."""

    def __init__(self, database: Database, clock: Clock, url: str) -> None:
        self._database = database
        self._clock = clock
        self._url = url
        self._meta = database.statements("meta")

    async def state(self) -> ProbeState | None:
        """None where these pages were never tried."""
        return await self._database.read(self._load)

    async def fault(self) -> str:
        """Why nobody could opt out, as last tried; empty where they can or nobody has tried."""
        found = await self.state()
        return "" if found is None else found.fault

    async def note(self, why: str) -> ProbeState:
        """Keep the result of a try; `why` it failed, empty where it did not."""
        at = micros(self._clock.now())

        def job(connection: apsw.Connection) -> ProbeState:
            before = self._load(connection) or ProbeState(self._url, at)
            if why:
                since = at if before.failing_since is None else before.failing_since
                after = replace(before, at=at, why=why, failing_since=since)
            else:
                after = ProbeState(self._url, at, worked_at=at)
            connection.execute(self._meta["put"], (_NAME, orjson.dumps(asdict(after)).decode()))
            return after

        return await self._database.write(job)

    def _load(self, connection: apsw.Connection) -> ProbeState | None:
        text = connection.execute(self._meta["get"], (_NAME,)).get
        state = ProbeState(**orjson.loads(text)) if text is not None else None
        return state if state is not None and state.url == self._url else None
