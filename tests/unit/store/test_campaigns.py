from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import apsw
from tests.unit.store.conftest import World

from penstock.model.campaign import Campaign, Enclosure
from penstock.store.sqlite import SqliteStore

MEGABYTE = 1024 * 1024


def with_file(campaign: Campaign, data: bytes) -> Campaign:
    digest = hashlib.sha256(data).hexdigest()
    file = Enclosure("", "a.bin", "application/octet-stream", digest, data)
    own = hashlib.sha256(f"{campaign.digest} {digest}".encode()).hexdigest()
    return replace(campaign, digest=own, message=replace(campaign.message, enclosures=(file,)))


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


async def test_files_come_back_and_equal_ones_are_kept_once(path: Path, world: World) -> None:
    url = f"sqlite:///{path}"
    editions = [with_file(world.campaign(text=text), b"same octets") for text in ("Hello", "Hi")]
    store = await SqliteStore.open(url, world.keyring, world.clock)
    for edition in editions:
        await store.campaigns.save(edition)
    await store.aclose()
    store = await SqliteStore.open(url, world.keyring, world.clock)
    loaded = [await store.campaigns.load(edition.digest) for edition in editions]
    assert loaded == editions
    first, second = (each.message.enclosures[0].data for each in loaded if each is not None)
    assert first is second

    def files(connection: apsw.Connection) -> int:
        return cast("int", connection.execute("SELECT count(*) FROM enclosures").get)

    assert await store.database.read(files) == 1
    await store.aclose()


async def test_campaigns_with_many_files_do_not_pile_up_in_memory(store: SqliteStore, world: World) -> None:
    small = world.campaign()
    await store.campaigns.save(small)
    plain = await store.campaigns.load(small.digest)
    editions = [with_file(world.campaign(text=str(number)), bytes([number]) * 9 * MEGABYTE) for number in range(9)]
    for edition in editions:
        await store.campaigns.save(edition)
    once = [await store.campaigns.load(edition.digest) for edition in editions]
    again = [await store.campaigns.load(edition.digest) for edition in reversed(editions)][::-1]
    assert once == again == editions
    kept = [one is other for one, other in zip(once, again, strict=True)]
    assert kept[-1]
    assert not kept[0]
    assert await store.campaigns.load(small.digest) is plain
