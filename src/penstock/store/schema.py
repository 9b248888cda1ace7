"""Tables and their numbered migrations: `NNNN-name.sql`, whose first line says `-- pre-deploy` or `--
post-deploy`.

A pre-deploy migration only adds, so that the program of yesterday still works beside it; a post-deploy one
takes away what no running program needs. With a file in one process both run at open.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import apsw

from penstock.errors import ConfigError

__all__ = ["Migration", "apply_migrations", "check_version", "load_migrations"]

_APPLICATION = 0x50454E53
"""SQLite's application_id of our files: "PENS"."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step from version `number - 1` to `number`."""

    number: int
    name: str
    after_deploy: bool
    sql: str


def load_migrations(engine: str) -> tuple[Migration, ...]:
    """All shipped migrations, in order. Raises ValueError for a gap or a missing mark."""
    folder = files(__package__) / "sql" / engine / "migrations"
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    migrations = []
    for number, file in enumerate(found, start=1):
        sql = file.read_text(encoding="utf-8")
        mark = sql.partition("\n")[0].strip()
        if not file.name.startswith(f"{number:04d}-") or mark not in {"-- pre-deploy", "-- post-deploy"}:
            raise ValueError(f"{file.name} has no place among the migrations")
        migrations.append(Migration(number, file.name.removesuffix(".sql"), mark == "-- post-deploy", sql))
    return tuple(migrations)


def check_version(connection: apsw.Connection, newest: int) -> int:
    """The version of the file, 0 for an empty one.

    Raises ConfigError for a file of another program and for one that a newer Penstock made.
    """
    version = int(connection.pragma("user_version"))
    is_ours = connection.pragma("application_id") == _APPLICATION
    has_tables = connection.execute("SELECT EXISTS (SELECT 1 FROM sqlite_schema)").get
    if has_tables and not is_ours:
        raise ConfigError("the file is a database of another program", where="store.url", mend="name a file of its own")
    if version > newest:
        raise ConfigError(
            f"the store has version {version}, this program knows {newest}",
            where="store.url",
            mend="use the newer program that made it",
        )
    return version


def apply_migrations(connection: apsw.Connection, migrations: tuple[Migration, ...]) -> None:
    """Bring the file to the newest version, inside the transaction the caller holds."""
    version = check_version(connection, len(migrations))
    for migration in migrations[version:]:
        connection.execute(migration.sql)
    if version < len(migrations):
        connection.pragma("application_id", _APPLICATION)
        connection.pragma("user_version", len(migrations))
