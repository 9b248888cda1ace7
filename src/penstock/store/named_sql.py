"""SQL kept in files of its own, named by the room that uses it; `-- name: xyz` starts a statement."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType

__all__ = ["load_named_sql", "split_named_sql"]

_MARK = "-- name:"


def load_named_sql(engine: str, room: str) -> Mapping[str, str]:
    """The statements of `sql/<engine>/queries/<room>.sql` by name.

    Raises KeyError at the first use of a wrong name.
    """
    text = (files(__package__) / "sql" / engine / "queries" / f"{room}.sql").read_text(encoding="utf-8")
    return split_named_sql(text)


def split_named_sql(text: str) -> Mapping[str, str]:
    """Split at the name marks. Raises ValueError for a name given twice or a statement without one."""
    head, *parts = ("\n" + text).split("\n" + _MARK)
    if any(line and not line.startswith("--") for line in head.splitlines()):
        raise ValueError("a statement stands before the first name")
    statements: dict[str, str] = {}
    for part in parts:
        name, _, body = part.partition("\n")
        if name.strip() in statements:
            raise ValueError(f"{name.strip()} is named twice")
        statements[name.strip()] = body.strip()
    return MappingProxyType(statements)
