"""Opening the file: rights first, then the settings that durability rests on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import apsw

from penstock.errors import ConfigError, StoreUnavailable

__all__ = [
    "MEMORY",
    "PATIENCE_SECONDS",
    "begin_immediate",
    "connect_reader",
    "connect_writer",
    "look_at",
    "make_durable",
    "path_of",
]

MEMORY = ":memory:"
PATIENCE_SECONDS = 5.0
_PATIENCE_MS = 5000
_CACHE_KIB = 32 * 1024
_STATEMENTS = 200
"""Kept ready: those that write rows are there for several numbers of rows."""
_LARGE = 1 << 30  # octets: above it a store is read through a mapping
_MAPPED = 1 << 36
_WAL_LIMIT_OCTETS = 64 * 1024 * 1024
_WAL_PAGES = _WAL_LIMIT_OCTETS // 4096
"""So long the log grows before its pages are carried into the file: hashes scatter over their index, and a page that
transaction after transaction touches is then written and flushed once, not each time."""


def path_of(url: str) -> Path | None:
    """The file that `sqlite:///relative.db` or `sqlite:////abs.db` names; None for `sqlite://:memory:`.

    Raises ConfigError for any other URL.
    """
    scheme, mark, rest = url.partition("://")
    if scheme == "sqlite" and mark:
        if rest.removeprefix("/") == MEMORY:
            return None
        if rest.startswith("/") and rest != "/":
            return Path(rest[1:])
    raise ConfigError(
        "this is no store URL of this version",
        where="store.url",
        mend="write sqlite:///file.db, sqlite:////folder/file.db or sqlite://:memory:",
    )


def connect_writer(path: Path | None) -> apsw.Connection:
    """A bare connection for the one writing thread; a new file is readable by its owner only (0600).

    SQLite gives its -wal and -shm files the rights of the database file. Nothing is written yet: see
    `make_durable`.
    """
    if path is None:
        return apsw.Connection(MEMORY, statementcachesize=_STATEMENTS)
    if not path.parent.is_dir():
        raise ConfigError("the folder of the store file does not exist", where="store.url", mend="make it first")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        raise StoreUnavailable(
            "the store file cannot be opened for writing",
            where="store",
            mend="check disk and the rights on file and folder, then run the same command again",
        ) from fault
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=_STATEMENTS)
    connection.set_busy_timeout(_PATIENCE_MS)
    return connection


def make_durable(connection: apsw.Connection, jitter: Callable[[], float]) -> None:
    """The settings that what `Database.write` promises rests on.

    Waiting for locks is `begin_immediate`'s work then.
    """
    _patiently(lambda: connection.pragma("journal_mode", "wal"), jitter, PATIENCE_SECONDS)
    connection.pragma("journal_size_limit", _WAL_LIMIT_OCTETS)
    connection.pragma("wal_autocheckpoint", _WAL_PAGES)
    connection.pragma("synchronous", "full")
    connection.pragma("foreign_keys", True)
    # What is erased must not stay readable in free pages (GDPR Art. 17).
    connection.pragma("secure_delete", True)
    connection.pragma("cache_size", -_CACHE_KIB)
    # What a job may have to take back is kept in memory, not in a file of its own.
    connection.pragma("temp_store", "memory")
    connection.set_busy_timeout(0)


def connect_reader(path: Path) -> apsw.Connection:
    """A second connection to a file that a writer of this process has open."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(_PATIENCE_MS)
    connection.pragma("query_only", True)
    connection.pragma("cache_size", -_CACHE_KIB)
    if path.stat().st_size >= _LARGE:
        # Look-ups among millions of keys touch a page each: mapped, that costs no system call.
        connection.pragma("mmap_size", _MAPPED)
    return connection


def look_at(path: Path) -> apsw.Connection:
    """A connection that never writes to the store, for a process that only looks. The file must exist.

    In a folder that may be written to, SQLite's lock files come and go beside it, which keeps us apart from a
    writer; in any other folder the file is taken as it stands.
    """
    log = path.with_name(path.name + "-wal")
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        has_log = log.exists() and log.stat().st_size > 0
        connection = connect_reader(path)
        # Leave an unfinished log of another process as we found it.
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(has_log))
        return connection
    frozen = "" if log.exists() else "?immutable=1"
    connection = apsw.Connection(
        path.absolute().as_uri() + frozen, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    )
    connection.set_busy_timeout(_PATIENCE_MS)
    return connection


def begin_immediate(
    connection: apsw.Connection, jitter: Callable[[], float], patience: float = PATIENCE_SECONDS
) -> None:
    """Take the write lock. Tries again after short, growing, jittered pauses, about `patience` seconds in
    all.

    `jitter` answers a number from 0 to 1. Raises apsw.BusyError when another process still holds the lock.
    """
    _patiently(lambda: connection.execute("BEGIN IMMEDIATE"), jitter, patience)


def _patiently(attempt: Callable[[], object], jitter: Callable[[], float], patience: float) -> None:
    pause, waited = 0.001, 0.0
    while True:
        try:
            attempt()
        except apsw.BusyError:
            if waited >= patience:
                raise
        else:
            return
        nap = pause * (0.5 + jitter())
        time.sleep(nap)
        waited += nap
        pause = min(pause * 2, 0.05)
