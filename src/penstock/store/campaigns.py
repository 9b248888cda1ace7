"""Campaigns as they were when mails were made from them, by content hash.

And whether one is paused or cancelled.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

import apsw

from penstock.model.campaign import Campaign
from penstock.ports import Clock
from penstock.store.chain import Chain
from penstock.store.database import Database
from penstock.store.instants import iso, micros
from penstock.store.records import CampaignRecord

__all__ = ["CampaignState", "Campaigns", "campaign_states"]


class CampaignState(StrEnum):
    """What an operator decided for a campaign id."""

    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLED = "cancelled"


def campaign_states(
    connection: apsw.Connection, sql: Mapping[str, str], ids: Iterable[str]
) -> dict[str, CampaignState]:
    """The states of those ids that have one, in one statement."""
    wanted = tuple(set(ids))
    if not wanted:
        return {}
    return {id_: CampaignState(state) for id_, state in connection.execute(sql["states"], (apsw.carray(wanted),))}


class Campaigns:
    """The kept campaigns. Content never changes under its digest, so what was read once is kept in memory."""

    def __init__(self, database: Database, clock: Clock, chain: Chain) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._records = CampaignRecord()
        self._sql = database.statements("campaigns")
        self._kept: dict[str, Campaign] = {}

    async def save(self, campaign: Campaign, /) -> None:
        """Keep the campaign under its digest. Raises ValueError when it has none."""
        now = micros(self._clock.now())
        await self._database.write(lambda connection: self.save_in(connection, [campaign], now))

    async def load(self, digest: str, /) -> Campaign | None:
        """The campaign of that digest."""
        loaded = await self._database.read(lambda connection: self.load_in(connection, {digest}))
        return loaded.get(digest)

    async def state_of(self, ids: Sequence[str], /) -> Sequence[CampaignState]:
        """One state per campaign id; `active` for one that nobody touched."""
        known = await self._database.read(lambda connection: campaign_states(connection, self._sql, ids))
        return [known.get(id_, CampaignState.ACTIVE) for id_ in ids]

    async def set_state(self, id_: str, state: CampaignState, /) -> bool:
        """Pause, resume or cancel; binding for every mail that has not begun. False when nothing changed."""
        now = self._clock.now()

        def job(connection: apsw.Connection) -> bool:
            before = campaign_states(connection, self._sql, [id_]).get(id_, CampaignState.ACTIVE)
            if before is state:
                return False
            connection.execute(self._sql["set_state"], (id_, state, micros(now)))
            self._chain.append(connection, [{"kind": "campaign", "at": iso(now), "step": id_, "state": state}])
            return True

        return await self._database.write(job)

    def save_in(self, connection: apsw.Connection, campaigns: Iterable[Campaign], at: int) -> None:
        """The same as `save`, inside a transaction of the caller. `at` in microseconds."""
        for campaign in campaigns:
            if not campaign.digest:
                raise ValueError("a campaign is kept under its digest, and this one has none")
            if connection.execute(self._sql["known"], (campaign.digest,)).get is not None:
                continue
            record, templates = self._records.write(campaign)
            connection.executemany(self._sql["insert_template"], list(templates.items()))
            connection.execute(self._sql["insert"], (campaign.digest, campaign.id, record, at))

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
