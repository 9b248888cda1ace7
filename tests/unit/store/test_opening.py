"""The right file, rights, version and keys."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import pytest
from tests.unit.store.conftest import FakeClock, World

from penstock.errors import ConfigError, StoreUnavailable
from penstock.model.keyring import Keyring
from penstock.store.connections import path_of
from penstock.store.opening import has_data
from penstock.store.schema import load_migrations
from penstock.store.sqlite import SqliteStore


def tree(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def make(path: Path, keyring: Keyring, world: World) -> None:
    store = await SqliteStore.open(f"sqlite:///{path}", keyring, world.clock)
    await store.mails.accept([world.new_mail()])
    await store.aclose()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///penstock.db", Path("penstock.db")),
        ("sqlite:////var/lib/penstock.db", Path("/var/lib/penstock.db")),
        ("sqlite://:memory:", None),
        ("sqlite:///:memory:", None),
    ],
)
def test_a_url_names_a_file_or_memory(url: str, path: Path | None) -> None:
    assert path_of(url) == path


@pytest.mark.parametrize("url", ["", "penstock.db", "postgresql://u@h/db", "sqlite://", "sqlite:///", "sqlite://x.db"])
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url"):
        path_of(url)


async def test_all_files_of_a_store_are_readable_by_their_owner_only(
    path: Path, file_store: SqliteStore, world: World
) -> None:
    await file_store.mails.accept([world.new_mail()])
    files = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert files == {"penstock.db": 0o600, "penstock.db-wal": 0o600, "penstock.db-shm": 0o600}


async def test_a_missing_folder_is_a_fault_of_the_configuration(
    tmp_path: Path, keyring: Keyring, clock: FakeClock
) -> None:
    with pytest.raises(ConfigError, match="folder"):
        await SqliteStore.open(f"sqlite:///{tmp_path}/no/such.db", keyring, clock)


async def test_a_store_is_durable_as_promised(file_store: SqliteStore) -> None:
    def settings(connection: apsw.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [connection.pragma(name) for name in names]

    assert await file_store.database.write(settings) == ["wal", 2, 1, 1]


async def test_an_empty_file_gets_all_migrations_and_a_second_open_changes_nothing(
    path: Path, keyring: Keyring, world: World
) -> None:
    path.touch()
    await make(path, keyring, world)
    connection = apsw.Connection(str(path))
    schema = list(connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name"))
    assert connection.pragma("user_version") == len(load_migrations("sqlite"))
    connection.close()
    await make(path, keyring, world)
    connection = apsw.Connection(str(path))
    assert list(connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name")) == schema
    connection.close()


def test_every_migration_says_when_it_may_run() -> None:
    migrations = load_migrations("sqlite")
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    assert not migrations[0].after_deploy


async def test_a_store_of_a_newer_program_is_refused_and_not_touched(
    path: Path, keyring: Keyring, world: World
) -> None:
    await make(path, keyring, world)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    connection.close()
    before = tree(path.parent)
    with pytest.raises(ConfigError, match="version 99") as caught:
        await make(path, keyring, world)
    assert "newer program" in caught.value.mend
    assert tree(path.parent) == before


async def test_a_database_of_another_program_is_refused_and_not_touched(
    path: Path, keyring: Keyring, world: World
) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE invoices (id)")
    connection.close()
    before = tree(path.parent)
    with pytest.raises(ConfigError, match="another program"):
        await make(path, keyring, world)
    with pytest.raises(ConfigError, match="another program"):
        has_data(path)
    assert tree(path.parent) == before


async def test_a_file_that_is_no_database_is_unavailable(path: Path, keyring: Keyring, world: World) -> None:
    path.write_bytes(b"this is a letter, not a database " * 100)
    with pytest.raises(StoreUnavailable, match="no SQLite database"):
        await make(path, keyring, world)
    with pytest.raises(StoreUnavailable, match="no SQLite database"):
        has_data(path)


async def test_a_damaged_file_is_unavailable(path: Path, keyring: Keyring, world: World) -> None:
    await make(path, keyring, world)
    octets = bytearray(path.read_bytes())
    octets[4096:] = os.urandom(len(octets) - 4096)
    path.write_bytes(octets)
    with pytest.raises(StoreUnavailable, match=r"damaged|backup"):
        await make(path, keyring, world)


async def test_other_keys_are_refused(path: Path, world: World, make_keyring: Callable[..., Keyring]) -> None:
    await make(path, make_keyring(), world)
    for other in ({"peppers": ("px",)}, {"tokens": ("tx",)}, {"ledgers": ("lx",)}):
        with pytest.raises(ConfigError) as caught:
            await make(path, make_keyring(**other), world)
        assert caught.value.where == "keys"
        assert caught.value.what.startswith("these keys are not the ones this store was made with")
        assert "restore" in caught.value.mend
    await make(path, make_keyring(), world)


async def test_a_rotation_adds_keys_and_from_then_on_needs_them(
    path: Path, world: World, make_keyring: Callable[..., Keyring]
) -> None:
    await make(path, make_keyring(), world)
    rotated = {"peppers": ("p2", "p1"), "tokens": ("t2", "t1"), "ledgers": ("l2", "l1")}
    await make(path, make_keyring(**rotated), world)
    await make(path, make_keyring(**rotated), world)
    for name in rotated:
        with pytest.raises(ConfigError, match="missing or another"):
            await make(path, make_keyring(**{**rotated, name: rotated[name][1:]}), world)


async def test_the_oldest_pepper_must_stay_the_oldest(
    path: Path, world: World, make_keyring: Callable[..., Keyring]
) -> None:
    await make(path, make_keyring(), world)
    with pytest.raises(ConfigError, match="oldest pepper"):
        await make(path, make_keyring(peppers=("p1", "p2")), world)


async def test_whether_there_is_data_is_seen_without_keys_and_without_a_trace(
    path: Path, keyring: Keyring, world: World
) -> None:
    assert not has_data(path)
    assert not path.exists()
    path.touch()
    assert not has_data(path)
    await make(path, keyring, world)
    before = tree(path.parent)
    assert has_data(path)
    assert has_data(f"sqlite:///{path}")
    assert not has_data("sqlite://:memory:")
    assert tree(path.parent) == before


async def test_looking_writes_nothing(path: Path, keyring: Keyring, world: World) -> None:
    await make(path, keyring, world)
    before = tree(path.parent)
    store = await SqliteStore.open(f"sqlite:///{path}", keyring, world.clock, read_only=True)
    assert (await store.mails.load([world.new_mail().id]))[0] is not None
    with pytest.raises(StoreUnavailable, match="looking"):
        await store.mails.accept([world.new_mail()])
    await store.aclose()
    assert tree(path.parent) == before


async def test_looking_at_a_store_that_somebody_writes_to_sees_its_latest_state(
    path: Path, file_store: SqliteStore, keyring: Keyring, world: World
) -> None:
    await file_store.mails.accept([world.new_mail()])
    looking = await SqliteStore.open(f"sqlite:///{path}", keyring, world.clock, read_only=True)
    await file_store.mails.accept([world.new_mail("bo@muster.example")])
    assert (await looking.mails.load([world.new_mail("bo@muster.example").id]))[0] is not None
    await looking.aclose()


async def test_looking_needs_a_store_of_this_version_and_these_keys(
    path: Path, world: World, make_keyring: Callable[..., Keyring]
) -> None:
    url = f"sqlite:///{path}"
    with pytest.raises(ConfigError, match="no store"):
        await SqliteStore.open(url, make_keyring(), world.clock, read_only=True)
    assert not path.exists()
    path.touch()
    with pytest.raises(ConfigError, match="older"):
        await SqliteStore.open(url, make_keyring(), world.clock, read_only=True)
    assert path.stat().st_size == 0
    await make(path, make_keyring(), world)
    with pytest.raises(ConfigError, match="keys"):
        await SqliteStore.open(url, make_keyring(peppers=("px",)), world.clock, read_only=True)


async def test_a_new_key_is_accepted_when_looking_but_not_remembered(
    path: Path, world: World, make_keyring: Callable[..., Keyring]
) -> None:
    await make(path, make_keyring(), world)
    before = tree(path.parent)
    rotated = make_keyring(ledgers=("l2", "l1"))
    store = await SqliteStore.open(f"sqlite:///{path}", rotated, world.clock, read_only=True)
    await store.aclose()
    assert tree(path.parent) == before


async def test_several_openings_of_a_new_store_at_once_make_one_store(
    path: Path, keyring: Keyring, world: World
) -> None:
    url = f"sqlite:///{path}"
    stores = await asyncio.gather(*(SqliteStore.open(url, keyring, world.clock) for _ in range(6)))
    placed = [await store.mails.accept([world.new_mail()]) for store in stores]
    assert [answer.answer for (answer,) in placed] == ["new", *["waiting"] * 5]
    for store in stores:
        await store.aclose()


READ_ONLY_FOLDER = """
import asyncio, os, sys
from pathlib import Path
from penstock.errors import StoreUnavailable
from penstock.model.keyring import Keyring, Secret
from penstock.store.sqlite import SqliteStore
from penstock.clock import SystemClock

async def main(path):
    keys = Keyring(*((Secret(name, name.encode() * 16),) for name in ("pp", "tt", "ll")))
    store = await SqliteStore.open(f"sqlite:///{path}", keys, SystemClock())
    await store.aclose()
    os.chmod(path, 0o444)
    os.chmod(path.parent, 0o555)
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        await SqliteStore.open(f"sqlite:///{path}", keys, SystemClock())
    except StoreUnavailable as fault:
        print("unavailable:", fault.mend)
    looking = await SqliteStore.open(f"sqlite:///{path}", keys, SystemClock(), read_only=True)
    print("contacts:", await looking.contacts.count())
    await looking.aclose()

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_read_only_folder_is_unavailable_for_writing_and_good_for_looking() -> None:
    with TemporaryDirectory() as name:  # not tmp_path: a privileged run gives its rights up on the way
        folder = Path(name)
        run = subprocess.run(
            [sys.executable, "-c", READ_ONLY_FOLDER, str(folder / "penstock.db")], capture_output=True, text=True
        )
        folder.chmod(0o755)
        left = [file.name for file in folder.iterdir()]
    assert run.returncode == 0, run.stderr
    assert "unavailable: check" in run.stdout
    assert "contacts: 0" in run.stdout
    assert left == ["penstock.db"]
