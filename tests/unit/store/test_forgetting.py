"""Messages do not stay for ever, and a message that waits is never deleted."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.store.conftest import World

from penstock.errors import StoreUnavailable
from penstock.model.campaign import Stream
from penstock.store.bodies import LARGE
from penstock.store.handing_in import Handed
from penstock.store.placing import HandedIn, NewMail
from penstock.store.sqlite import SqliteStore

BIG = b"x" * (LARGE + 1)
DAY = timedelta(days=1)


def handed(world: World, name: str, content: bytes = BIG) -> NewMail:
    new = world.new_mail(
        f"{name}@maskin.example", stream=Stream.TRANSACTIONAL, content=content, recipient=f"{name}@maskin.example"
    )
    return replace(new, campaign=None, handed_in=HandedIn("crm", "crm@nordlicht.example", notify="FAILURE"))


@pytest.fixture
def folder(path: Path) -> Path:
    return path.with_name(f"{path.name}-bodies")


def aged(paths: Iterable[Path]) -> list[str]:
    """As if nobody had touched them for years."""
    found = sorted(paths)
    for each in found:
        os.utime(each, (0, 0))
    return [each.name for each in found]


async def test_a_file_that_goes_before_its_message_is_saved_again_is_written_again(
    file_store: SqliteStore, world: World, folder: Path
) -> None:
    await file_store.mails.accept([handed(world, "anna")])
    (file,) = folder.iterdir()
    aged([file])
    go = threading.Event()

    def job(_connection: object) -> None:
        assert go.wait(10)
        file.unlink()

    unlinking = asyncio.create_task(file_store.database.write(job))
    await asyncio.sleep(0)
    new = handed(world, "bo")
    saving = asyncio.create_task(file_store.mails.hand_in([Handed([new], "crm")]))
    while not file.stat().st_mtime:  # noqa: ASYNC110 — until the file was seen and touched
        await asyncio.sleep(0.001)
    go.set()
    await asyncio.gather(unlinking, saving)
    (saved,) = await file_store.mails.load([new.id])
    assert saved is not None
    assert saved.content == BIG


async def test_the_file_of_a_message_that_is_over_goes_with_it(
    file_store: SqliteStore, world: World, folder: Path
) -> None:
    over, waits = handed(world, "anna"), handed(world, "bo", b"y" * (LARGE + 1))
    await file_store.mails.accept([over, waits])
    await file_store.mails.drop([over.id])
    world.clock.pass_time(8 * DAY)
    aged(folder.iterdir())
    assert await file_store.mails.forget_messages(world.clock.now() - 7 * DAY) == 1
    assert waits.body is not None
    assert [each.name for each in folder.iterdir()] == [waits.body.hex()]


async def test_files_that_nothing_names_go_after_an_hour(file_store: SqliteStore, world: World, folder: Path) -> None:
    new = handed(world, "anna")
    await file_store.mails.accept([new])
    stray, draft, young = folder / ("0" * 64), folder / f"{'1' * 64}.17.abcd", folder / ("2" * 64)
    for each in (stray, draft, young):
        each.write_bytes(b"x")
    assert len(aged([stray, draft, *folder.glob("[a-f3-9]*")])) >= 2
    await file_store.mails.forget_messages(world.clock.now())
    assert not stray.exists()
    assert not draft.exists()
    assert young.exists()
    (saved,) = await file_store.mails.load([new.id])
    assert saved is not None
    assert saved.content == BIG


async def test_a_message_whose_file_is_gone_or_damaged_stops_none_of_the_others(
    file_store: SqliteStore, world: World, folder: Path
) -> None:
    gone, damaged = handed(world, "anna"), handed(world, "bo", b"y" * (LARGE + 1))
    small = handed(world, "cy", b"small")
    await file_store.mails.accept([gone, damaged, small])
    assert gone.body is not None
    assert damaged.body is not None
    (folder / gone.body.hex()).unlink()
    (folder / damaged.body.hex()).write_bytes(b"another")
    found = await file_store.mails.load([gone.id, damaged.id, small.id])
    assert [(each.content, each.lost) for each in found if each] == [(None, True), (None, True), (b"small", False)]
    await file_store.mails.accept([handed(world, "di"), handed(world, "ed", b"y" * (LARGE + 1))])  # and they are back
    found = await file_store.mails.load([gone.id, damaged.id])
    assert [each.lost for each in found if each] == [False, False]


async def test_a_folder_that_is_away_is_no_fault_of_its_messages(
    file_store: SqliteStore, world: World, folder: Path
) -> None:
    new = handed(world, "anna")
    await file_store.mails.accept([new])
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(StoreUnavailable):
        await file_store.mails.load([new.id])


async def test_what_is_held_too_long_is_cancelled_told_of_and_forgotten(store: SqliteStore, world: World) -> None:
    mails, clock = store.mails, world.clock
    old, campaigns = handed(world, "anna", b"small"), world.new_mail("bo@maskin.example")
    await mails.accept([old, campaigns])
    clock.pass_time(20 * DAY)
    decided = [(world.mail(old), world.stop()), (world.mail(campaigns), world.stop())]
    await store.ledger.record(decided)
    clock.pass_time(29 * DAY)  # held for 29 days, and handed in 49 days ago

    async def keep_house() -> int:
        return await mails.forget_messages(clock.now() - 7 * DAY, clock.now() - 30 * DAY)

    assert await keep_house() == 0
    assert len(await mails.held("", 9)) == 2
    clock.pass_time(2 * DAY)
    assert await keep_house() == 0
    assert [each.mail_id for each in await mails.held("", 9)] == [campaigns.id]
    (open_,), _ = await store.submissions.open(0, 9, clock.now() - DAY)
    assert (open_.mail_id, open_.state) == (old.id, "cancelled")
    assert [each.kind for each in await store.ledger.show(old.id)][-1] == "dropped"
    clock.pass_time(8 * DAY)
    assert await keep_house() == 1
    state = await mails.handed_in(old.id)
    assert state is not None
    assert (state.address, state.state.state) == (None, "cancelled")
    assert await store.database.read(lambda each: each.execute("SELECT count(*) FROM bodies").get) == 0
