"""What is wrong with a value, in words for the person who wrote it. The value itself is never quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from penstock.config.nearest import did_you_mean
from penstock.config.shape import keys_of, type_at
from penstock.config.toml_document import KeyPath

__all__ = ["Fault", "first_fault"]

_UNKNOWN = {"extra_forbidden", "unexpected_keyword_argument"}
_EXPECTED = {
    "string_type": "expected text in quotes",
    "tuple_type": "expected a list",
    "list_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "dataclass_type": "expected a table",
    "string_too_short": "must not be empty",
}
_FAMILIES = {"int": "expected a whole number", "float": "expected a number", "bool": "expected true or false"}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing wrong, at `path`."""

    what: str
    path: KeyPath
    mend: str = ""


def first_fault(error: ValidationError, model: type) -> Fault:
    """One fault out of pydantic's list: an unknown key first: it explains a missing one."""
    found = error.errors(include_url=False)
    entry = next((item for item in found if _is_unknown(item)), found[0])
    path: KeyPath = tuple(part for part in entry["loc"] if part != "[key]")
    if _is_unknown(entry):
        known = keys_of(type_at(model, path[:-1]))
        return Fault(f"unknown key '{path[-1]}'", path, did_you_mean(str(path[-1]), known))
    if entry["type"] == "missing":
        return Fault(f"the key '{path[-1]}' is missing", path)
    return _wrong_value(entry["type"], entry["msg"], entry.get("ctx", {}), entry["input"], path)


def _is_unknown(entry: ErrorDetails) -> bool:
    free_name = entry["loc"][-1:] == ("[key]",)
    return entry["type"] in _UNKNOWN or (free_name and entry["type"] == "literal_error")


def _wrong_value(kind: str, message: str, context: dict[str, Any], value: object, path: KeyPath) -> Fault:
    if kind in {"enum", "literal_error"}:
        words = re.findall(r"'([^']*)'", context["expected"])
        return Fault(f"expected one of {', '.join(words)}", path, _near(value, words))
    if kind == "value_error":
        # the standard library's sentence quotes the text
        foreign = str(context["error"]).startswith("Invalid isoformat")
        return Fault("expected an ISO date or date-time" if foreign else str(context["error"]), path)
    if kind in {"greater_than_equal", "less_than_equal"}:
        bound = "at least" if kind == "greater_than_equal" else "at most"
        return Fault(f"must be {bound} {context.get('ge', context.get('le'))}", path)
    if plain := _EXPECTED.get(kind) or _FAMILIES.get(kind.partition("_")[0]):
        return Fault(plain, path)
    return Fault(message.replace("Input should be", "expected"), path)


def _near(value: object, words: list[str]) -> str:
    close = get_close_matches(str(value).lower(), words, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else ""
