"""Whether a value is as a schema describes it: as much of JSON Schema as the ESPs' published descriptions use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["deviations"]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_LEAST: Mapping[str, type[str] | type[list[Any]] | type[dict[str, Any]]] = {
    "minLength": str,
    "minItems": list,
    "minProperties": dict,
}
_MOST: Mapping[str, type[str] | type[list[Any]] | type[dict[str, Any]]] = {
    "maxLength": str,
    "maxItems": list,
    "maxProperties": dict,
}


def deviations(
    value: object, schema: Mapping[str, Any], schemas: Mapping[str, Any] | None = None, where: str = "$"
) -> list[str]:
    """Each place where the value is not as described, with what is wrong; values are not quoted.

    A property that is not described deviates too, where any are described. `schemas` are those that `$ref` names.
    """
    return list(_deviations(value, schema, schemas or {}, where))


def _deviations(value: object, schema: Mapping[str, Any], schemas: Mapping[str, Any], where: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = {**schemas[schema["$ref"].rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}
    if value is None and schema.get("nullable"):
        return
    if not _of_type(value, schema.get("type")):
        yield f"{where}: is no {schema['type']}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: is none of the words"
    for word, kind in _LEAST.items():
        if isinstance(value, kind) and len(value) < schema.get(word, 0):
            yield f"{where}: {word}"
    for word, kind in _MOST.items():
        if isinstance(value, kind) and len(value) > schema.get(word, len(value)):
            yield f"{where}: {word}"
    for each in schema.get("allOf", ()):
        yield from _deviations(value, each, schemas, where)
    if "oneOf" in schema and sum(not deviations(value, each, schemas, where) for each in schema["oneOf"]) != 1:
        yield f"{where}: is not exactly one of the forms"
    if isinstance(value, list):
        if schema.get("uniqueItems") and any(each in value[:at] for at, each in enumerate(value)):
            yield f"{where}: uniqueItems"
        for at, each in enumerate(value):
            yield from _deviations(each, schema.get("items", {}), schemas, f"{where}[{at}]")
    if isinstance(value, dict):
        yield from _of_object(value, schema, schemas, where)


def _of_object(
    value: Mapping[str, object], schema: Mapping[str, Any], schemas: Mapping[str, Any], where: str
) -> Iterator[str]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where}.{name}: is missing"
    for name, each in value.items():
        if name in properties:
            yield from _deviations(each, properties[name], schemas, f"{where}.{name}")
        elif (properties and "additionalProperties" not in schema) or others is False:
            yield f"{where}.{name}: is not described"
        elif isinstance(others, Mapping):
            yield from _deviations(each, others, schemas, f"{where}.{name}")


def _of_type(value: object, named: str | list[str] | None) -> bool:
    if named is None:
        return True
    kinds = [named] if isinstance(named, str) else named
    if isinstance(value, bool):
        return "boolean" in kinds
    return any(isinstance(value, _TYPES[kind]) for kind in kinds)
