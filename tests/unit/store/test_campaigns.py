from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import cast

import apsw
from tests.unit.store.conftest import World

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


async def test_the_newest_form_is_the_one_that_was_offered_last(store: SqliteStore, world: World) -> None:
    first, second = world.campaign(text="Hello"), world.campaign(text="Hi")
    for edition in (first, second, first):
        world.clock.pass_time(timedelta(minutes=1))
        await store.campaigns.save(edition)
    assert await store.campaigns.newest("autumn") == first
    assert await store.campaigns.newest("never") is None
    assert await store.campaigns.ids("", 10) == ["autumn"]
