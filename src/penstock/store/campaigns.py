"""Campaigns as they were when mails were made from them, by content hash."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import apsw

from penstock.model.campaign import Campaign
from penstock.ports import Clock
from penstock.store.database import Database
from penstock.store.instants import micros
from penstock.store.records import CampaignRecord
from penstock.store.row_batches import numbers

__all__ = ["Campaigns"]

_OCTETS_AT_HAND = 64 * 1024 * 1024
"""How much of the campaigns' files stays in memory."""


class Campaigns:
    """The kept campaigns. Content never changes under its digest, so what was read once is kept in memory.

    Campaigns with files are forgotten, oldest first, when the files of all of them are more than 64 MiB.
    """

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
                enclosed = [(each.digest, each.data) for each in campaign.message.enclosures]
                connection.executemany(self._sql["insert_enclosure"], enclosed)
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
        """Those of the digests that are known, inside a transaction of the caller; three statements at most."""
        wanted = set(digests)
        loaded = {digest: kept for digest in wanted if (kept := self._kept.get(digest)) is not None}
        missing = tuple(wanted - loaded.keys())
        if missing:
            rows = list(connection.execute(self._sql["load"], (apsw.carray(missing),)))
            used = [self._records.used(record) for _, record in rows]
            sources = self._found(connection, "load_templates", {each for texts, _ in used for each in texts})
            at_hand = list(self._kept.values())  # at once: other threads read, too
            enclosed = {each.digest: each.data for kept in at_hand for each in kept.message.enclosures}
            absent = {each for _, files in used for each in files} - enclosed.keys()
            enclosed |= self._found(connection, "load_enclosures", absent)
            for digest, record in rows:
                loaded[digest] = self._kept[digest] = self._records.read(record, sources, enclosed)
            self._make_room(wanted)
        return loaded

    def _found(self, connection: apsw.Connection, statement: str, digests: Collection[str]) -> dict[str, Any]:
        if not digests:
            return {}
        return dict(list(connection.execute(self._sql[statement], (apsw.carray(tuple(digests)),))))

    def _make_room(self, wanted: Collection[str]) -> None:
        kept = list(self._kept.items())
        octets = sum(campaign.message.enclosed for _, campaign in kept)
        for digest, campaign in kept:
            if octets <= _OCTETS_AT_HAND:
                return
            if campaign.message.enclosures and digest not in wanted:
                self._kept.pop(digest, None)
                octets -= campaign.message.enclosed
