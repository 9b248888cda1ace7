from __future__ import annotations

from pathlib import Path
from typing import cast

import apsw
from tests.unit.store.conftest import World

from penstock.store.campaigns import CampaignState
from penstock.store.sqlite import SqliteStore


async def test_a_campaign_comes_back_from_the_file(path: Path, world: World) -> None:
    url = f"sqlite:///{path}"
    campaign = world.campaign(topic=("purchasing", "achats"))
    store = await SqliteStore.open(url, world.keyring, world.clock)
    await store.campaigns.save(campaign)
    await store.campaigns.save(campaign)
    await store.aclose()
    store = await SqliteStore.open(url, world.keyring, world.clock)
    assert await store.campaigns.load(campaign.digest) == campaign
    assert await store.campaigns.load("unknown") is None
    await store.aclose()


async def test_every_edition_is_kept_and_equal_templates_once(store: SqliteStore, world: World) -> None:
    editions = [world.campaign(text="Hello"), world.campaign(text="Hello", owner="Eva"), world.campaign(text="Hi")]
    for edition in editions:
        await store.campaigns.save(edition)
    assert [await store.campaigns.load(edition.digest) for edition in editions] == editions

    def templates(connection: apsw.Connection) -> int:
        return cast("int", connection.execute("SELECT count(*) FROM templates").get)

    assert await store.database.read(templates) == 2


async def test_a_state_is_durable_and_told_to_the_ledger(path: Path, file_store: SqliteStore, world: World) -> None:
    assert await file_store.campaigns.state_of(["autumn"]) == [CampaignState.ACTIVE]
    assert not await file_store.campaigns.set_state("autumn", CampaignState.ACTIVE)
    assert await file_store.campaigns.set_state("autumn", CampaignState.PAUSED)
    other = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock)
    assert await other.campaigns.state_of(["other", "autumn"]) == [CampaignState.ACTIVE, CampaignState.PAUSED]
    await other.aclose()
    (row,) = await file_store.ledger.rows(0, 9)
    assert (row.kind, row.body["step"], row.body["state"]) == ("campaign", "autumn", "paused")
