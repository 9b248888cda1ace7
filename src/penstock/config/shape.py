"""What keys the typed settings know: walks pydantic models and dataclasses as types, without values."""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from penstock.config.secret_text import SecretText
from penstock.config.toml_document import KeyPath

__all__ = ["below", "is_container", "keys_of", "type_at"]


def keys_of(kind: Any) -> tuple[str, ...]:
    """The keys a table of this type may have; empty where any name is free."""
    kind = _bare(kind)
    if get_origin(kind) is dict and get_origin(get_args(kind)[0]) is Literal:
        return get_args(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return tuple(info.alias or name for name, info in kind.model_fields.items())
    if is_dataclass(kind) and kind is not SecretText:
        return tuple(item.name for item in fields(kind))
    return ()


def below(kind: Any, key: str | int) -> Any:
    """The type under a key or list place; None when there is no such key."""
    kind = _bare(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is dict:
        known = keys_of(kind)
        return inner[1] if not known or key in known else None
    if origin is tuple and isinstance(key, int):
        return inner[0]
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            if key == (info.alias or name):
                return info.annotation
    elif key in keys_of(kind):
        return get_type_hints(kind).get(str(key))
    return None


def type_at(kind: Any, path: KeyPath) -> Any:
    """The type at the end of a path; None when the path leaves what is known."""
    for key in path:
        kind = below(kind, key)
        if kind is None:
            return None
    return kind


def is_container(kind: Any) -> bool:
    """True for lists and tables: what an environment variable must write as TOML or JSON."""
    kind = _bare(kind)
    return get_origin(kind) in {dict, tuple} or bool(keys_of(kind))


def _bare(kind: Any) -> Any:
    """Without Annotated and without `| None`."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in {Union, types.UnionType}:
            kept = [arm for arm in get_args(kind) if arm is not type(None)]
            if len(kept) != 1:
                return kind
            kind = kept[0]
        else:
            return kind
