"""Opening a store: the right file, the right version, the right keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import apsw

from penstock.errors import ConfigError
from penstock.model.keyring import Keyring
from penstock.store.canaries import check_canaries, write_canaries
from penstock.store.chain import Chain
from penstock.store.connections import (
    begin_immediate,
    connect_reader,
    connect_writer,
    look_at,
    make_durable,
    path_of,
)
from penstock.store.faults import unavailable
from penstock.store.named_sql import load_named_sql
from penstock.store.schema import apply_migrations, check_version, load_migrations

__all__ = ["STORE_ID", "Opened", "has_data", "open_to_look", "open_to_write"]

STORE_ID = "store:id"
_ENGINE = "sqlite"


@dataclass(frozen=True, slots=True)
class Opened:
    """Connections that are ready; `reader` None: the writer's connection serves both."""

    writer: apsw.Connection | None
    reader: apsw.Connection | None


def has_data(place: str | Path) -> bool:
    """Whether a store was made at that URL or in that file, seen without keys and without writing.

    Raises StoreUnavailable when the file is there but cannot be read, ConfigError when it is another
    program's.
    """
    path = path_of(place) if isinstance(place, str) else place
    if path is None or not path.exists() or path.stat().st_size == 0:
        return False
    with _explained(), _closed_on_fault(look_at(path)) as connection:
        version = check_version(connection, len(load_migrations(_ENGINE)))
        found = version > 0 and bool(connection.execute(load_named_sql(_ENGINE, "meta")["any"]).get)
        connection.close()
    return found


def open_to_write(
    path: Path | None, keyring: Keyring, *, new_id: Callable[[], str], jitter: Callable[[], float]
) -> Opened:
    """Make or open the store, bring it to this version and remember new keys, all in one transaction.

    Raises ConfigError (newer version, other keys, another program's file) and StoreUnavailable.
    """
    with _explained(), _closed_on_fault(connect_writer(path)) as writer:
        migrations = load_migrations(_ENGINE)
        check_version(writer, len(migrations))
        make_durable(writer, jitter)
        begin_immediate(writer, jitter)
        apply_migrations(writer, migrations)
        _greet(writer, keyring, new_id)
        writer.execute("COMMIT")
        return Opened(writer, None if path is None else connect_reader(path))


def open_to_look(path: Path, keyring: Keyring) -> Opened:
    """Open an existing store of this very version without writing to it. Raises as `open_to_write` does."""
    if not path.exists():
        raise ConfigError(
            "there is no store at this place yet", where="store.url", mend="import contacts or send first"
        )
    with _explained(), _closed_on_fault(look_at(path)) as reader:
        newest = len(load_migrations(_ENGINE))
        if check_version(reader, newest) < newest:
            raise ConfigError(
                "the store is empty or was made by an older program",
                where="store.url",
                mend="run any command that writes once, such as `penstock send`",
            )
        check_canaries(reader, load_named_sql(_ENGINE, "meta"), keyring)
        return Opened(None, reader)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except apsw.Error as fault:
        raise unavailable(fault) or fault from fault


@contextmanager
def _closed_on_fault(connection: apsw.Connection) -> Iterator[apsw.Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _greet(connection: apsw.Connection, keyring: Keyring, new_id: Callable[[], str]) -> None:
    meta = load_named_sql(_ENGINE, "meta")
    check_canaries(connection, meta, keyring)
    write_canaries(connection, meta, keyring)
    if connection.execute(meta["get"], (STORE_ID,)).get is None:
        store_id = new_id()
        connection.execute(meta["put"], (STORE_ID, store_id))
        Chain(keyring, load_named_sql(_ENGINE, "ledger"), meta).start(connection, store_id)
