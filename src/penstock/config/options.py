"""Options of one stage: the free keys of a `[[stage]]` table, checked against the stage's own dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from penstock.config.nearest import did_you_mean
from penstock.errors import ConfigError

__all__ = ["read_options"]


def read_options(kind: type[Any], name: str, given: Mapping[str, Any]) -> Any:
    """An instance of `kind.Options`. Raises ConfigError naming the key and the nearest known one."""
    from pydantic import TypeAdapter, ValidationError

    known = [field.name for field in fields(kind.Options)]
    for key in given:
        if key not in known:
            raise ConfigError(f"unknown key {key!r}", where=f"stage {name}", mend=did_you_mean(key, known))
    try:
        return TypeAdapter(kind.Options).validate_python(dict(given))
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(first["msg"], where=f"stage {name}.{place}") from None
