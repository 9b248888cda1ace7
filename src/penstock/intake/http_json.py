"""JSON as it is handed in: strictly read (RFC 8259, RFC 7493), bounded in depth and in number of values."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, NoReturn

from penstock.intake.http_problem import RequestError

__all__ = ["path_of", "read_json"]

_DEEPEST = 32
_MOST_VALUES = 500_000
"""A value of few octets takes many times its size in memory."""
_SEPARATORS = (b",", b"{", b"[")
_NAME_SHOWN = 60

_Step = str | int


class _Doubled:
    """Stands for an object in which a name occurs twice."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def read_json(body: bytes | bytearray) -> Any:
    """The value. Raises RequestError: 400 for what is no JSON, holds a name twice, NaN or half a character, or is
    nested too deeply; 413 for too many values.
    """
    if len(body) > _MOST_VALUES and sum(map(body.count, _SEPARATORS)) > _MOST_VALUES:
        raise RequestError(413, f"holds more than {_MOST_VALUES} values", mend="hand it in in several requests")
    try:
        text = body.decode()
        value = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError:
        raise RequestError(400, "is not UTF-8", where="body") from None
    except json.JSONDecodeError as fault:
        where = f"body, line {fault.lineno}, column {fault.colno}"
        raise RequestError(400, f"is no JSON: {fault.msg}", where=where) from None
    except RecursionError:
        raise RequestError(400, f"is nested deeper than {_DEEPEST} levels", where="body") from None
    except ValueError as fault:  # Python's bound on the digits of an integer, and what is raised below
        what = str(fault) if isinstance(fault, _NumberError) else "a number is too long"
        raise RequestError(400, what, where="body") from None
    if found := _fault(value, 0):
        what, path = found
        raise RequestError(400, what, where=path_of(path[::-1]) or "body")
    return value


def path_of(steps: Sequence[_Step]) -> str:
    """`attachments[0].name`; long and unprintable names are cut."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            shown = step[:_NAME_SHOWN].encode("ascii", "backslashreplace").decode()
            path += f".{shown}" if path else shown
    return path


class _NumberError(ValueError):
    """A number that JSON does not know."""


def _once_each(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            return _Doubled(name)
        seen.add(name)
    return found


def _no_number(word: str) -> NoReturn:
    raise _NumberError(f"{word} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _NumberError("a number is too large")
    return number


def _fault(value: Any, depth: int) -> tuple[str, list[_Step]] | None:
    """What is wrong, with the steps to it from the last to the first."""
    if isinstance(value, str):
        return None if _whole(value) else ("holds half a character (a lone surrogate)", [])
    if isinstance(value, _Doubled):
        return "the name stands there twice", [value.name]
    if not isinstance(value, dict | list):
        return None
    if depth >= _DEEPEST:
        return f"is nested deeper than {_DEEPEST} levels", []
    if isinstance(value, dict):
        if not all(map(_whole, value)):
            return "a name holds half a character (a lone surrogate)", []
        steps: Any = value.items()
    else:
        steps = enumerate(value)
    for step, inner in steps:
        if found := _fault(inner, depth + 1):
            found[1].append(step)
            return found
    return None


def _whole(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
