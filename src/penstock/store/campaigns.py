"""Campaigns as they were when mails were made from them, by content hash."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import apsw

from penstock.model.campaign import Campaign
from penstock.ports import Clock
from penstock.store.database import Database
from penstock.store.instants import micros
from penstock.store.records import CampaignRecord
from penstock.store.row_batches import numbers

__all__ = ["Campaigns"]


class Campaigns:
    """The kept campaigns. Content never changes under its digest, so what was read once is kept in memory."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._records = CampaignRecord()
        self._sql = database.statements("campaigns")
        self._kept: dict[str, Campaign] = {}
        self._digests: dict[int, str] = {}

    async def save(self, campaign: Campaign, /) -> None:
        """Keep the campaign under its digest. Raises ValueError when it has none."""
        now = micros(self._clock.now())

        def job(connection: apsw.Connection) -> None:
            self.save_in(connection, [campaign], now)
            connection.execute(self._sql["seen"], (campaign.digest,))

        await self._database.write(job)

    async def load(self, digest: str, /) -> Campaign | None:
        """The campaign of that digest."""
        loaded = await self._database.read(lambda connection: self.load_in(connection, {digest}))
        return loaded.get(digest)

    async def ids(self, after: str, limit: int) -> Sequence[str]:
        """The next known campaign ids in order; `after` is empty at first."""
        return await self._database.read(
            lambda connection: [id_ for (id_,) in connection.execute(self._sql["known_ids"], (after, limit))]
        )

    async def newest(self, id_: str, /) -> Campaign | None:
        """The campaign of that id in the form in which it was last sent or offered; None where none is known."""

        def job(connection: apsw.Connection) -> Campaign | None:
            digest = connection.execute(self._sql["newest"], (id_,)).get
            return None if digest is None else self.load_in(connection, {digest}).get(digest)

        return await self._database.read(job)

    def save_in(self, connection: apsw.Connection, campaigns: Iterable[Campaign], at: int) -> dict[str, int]:
        """The same as `save`, inside a transaction of the caller; the row numbers by digest. `at` in microseconds."""
        rows: dict[str, int] = {}
        for campaign in campaigns:
            if not campaign.digest:
                raise ValueError("a campaign is kept under its digest, and this one has none")
            row = connection.execute(self._sql["known"], (campaign.digest,)).get
            if row is None:
                record, templates = self._records.write(campaign)
                connection.executemany(self._sql["insert_template"], list(templates.items()))
                row = connection.execute(self._sql["insert"], (campaign.digest, campaign.id, record, at)).get
            rows[campaign.digest] = row
        return rows

    def load_rows(self, connection: apsw.Connection, rows: Iterable[int]) -> dict[int, Campaign]:
        """The campaigns of these row numbers, which must be there; three statements at most."""
        wanted = set(rows)
        missing = wanted - self._digests.keys()
        if missing:
            self._digests.update(connection.execute(self._sql["digests"], (numbers(missing),)))
        loaded = self.load_in(connection, {self._digests[row] for row in wanted})
        return {row: loaded[self._digests[row]] for row in wanted}

    def load_in(self, connection: apsw.Connection, digests: Iterable[str]) -> dict[str, Campaign]:
        """Those of the digests that are known, inside a transaction of the caller; two statements at most."""
        wanted = set(digests)
        missing = tuple(wanted - self._kept.keys())
        if missing:
            rows = list(connection.execute(self._sql["load"], (apsw.carray(missing),)))
            used = {digest for _, record in rows for digest in self._records.template_digests(record)}
            sources: dict[str, str] = {}
            if used:
                found = connection.execute(self._sql["load_templates"], (apsw.carray(tuple(used)),))
                sources = dict(list(found))
            for digest, record in rows:
                self._kept[digest] = self._records.read(record, sources)
        return {digest: self._kept[digest] for digest in wanted if digest in self._kept}
