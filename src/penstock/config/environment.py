"""Settings from environment variables: `PENSTOCK__SECTION__KEY`, names matched without case."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from penstock.config.shape import below, is_container, keys_of
from penstock.config.toml_document import KeyPath
from penstock.errors import ConfigError

__all__ = ["PREFIX", "EnvironmentTable", "read_environment"]

PREFIX = "PENSTOCK__"


@dataclass(frozen=True, slots=True)
class EnvironmentTable:
    """The keys as a nested table, and which variable each path came from."""

    table: dict[str, Any]
    names: Mapping[KeyPath, str]

    def name_of(self, path: KeyPath) -> str | None:
        """The variable that set this path or what encloses it."""
        return next((self.names[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.names), None)


def read_environment(environ: Mapping[str, str], model: type, written: Mapping[str, Any]) -> EnvironmentTable:
    """Collect every `PENSTOCK__…` variable.

    `model` says which keys there are, `written` is the file's table, whose free names (adapters,
    controllers) are met without case. Lists and tables are TOML or JSON. Raises ConfigError for a name
    that is no key, for one given twice and for a list or table that cannot be read.
    """
    table: dict[str, Any] = {}
    names: dict[KeyPath, str] = {}
    for name in sorted(environ, key=str.upper):
        if not name.upper().startswith(PREFIX):
            continue
        path, kind = _resolve(name, model, written)
        if path in names:
            raise ConfigError(f"the same key as {names[path]}", where=name, mend="set only one of them")
        names[path] = name
        inner = table
        for part in path[:-1]:
            inner = inner.setdefault(str(part), {})
            if not isinstance(inner, dict):
                raise ConfigError("what encloses it is no table", where=name)
        inner[str(path[-1])] = _value(name, environ[name], kind)
    return EnvironmentTable(table, names)


def _resolve(name: str, model: type, written: Mapping[str, Any]) -> tuple[KeyPath, Any]:
    parts = name[len(PREFIX) :].split("__")
    path: list[str] = []
    kind: Any = model
    here: Any = written
    for part in parts:
        known = keys_of(kind) or (tuple(here) if isinstance(here, Mapping) else ())
        key = next((key for key in known if key.casefold() == part.casefold()), None)
        if key is None and get_origin(kind) is dict and not keys_of(kind) and part:
            key = part.lower()
        found = None if key is None else below(kind, key)
        if key is None or found is None:
            raise ConfigError("no such key", where=name, mend=_meant(name, model))
        path.append(key)
        kind = found
        here = here.get(key) if isinstance(here, Mapping) else None
    return tuple(path), kind


def _meant(name: str, model: type) -> str:
    close = get_close_matches(name.upper(), _all_names(model), n=1)
    return f"did you mean {close[0]}?" if close else ""


def _all_names(kind: Any, prefix: str = PREFIX) -> Iterator[str]:
    """Every variable name there is; free names are left as NAME."""
    if get_origin(kind) is dict and not keys_of(kind):
        yield from _all_names(get_args(kind)[1], f"{prefix}NAME__")
        return
    for key in keys_of(kind):
        inner = below(kind, key)
        if keys_of(inner) or get_origin(inner) is dict:
            yield from _all_names(inner, f"{prefix}{key.upper()}__")
        else:
            yield f"{prefix}{key.upper()}"


def _value(name: str, text: str, kind: Any) -> Any:
    if not is_container(kind):
        return text
    for read in (_toml, json.loads):
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    raise ConfigError("expected a list or table as TOML or JSON", where=name, mend='for example ["a", "b"]')


def _toml(text: str) -> Any:
    table = tomllib.loads(f"value = {text}")
    if len(table) != 1:
        raise ValueError("more than one value")
    return table["value"]
