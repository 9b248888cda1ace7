"""How much work and room one rendering may take, and the operations that are held to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from jinja2 import pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from markupsafe import soft_str

__all__ = [
    "LETTER_CHARACTERS",
    "METER",
    "STEPS",
    "TemplateLimitError",
    "add",
    "capped_join",
    "capped_range",
    "capped_replace",
    "counted",
    "flat",
    "multiply",
    "power",
    "sized",
    "spend",
]

METER = "\0meter"
"""Key of the remaining steps in a rendering context; no template can spell it."""
STEPS = 5_000
VALUE_CHARACTERS = 32_768
LETTER_CHARACTERS = 1_048_576
_RANGE_ITEMS = 1_000
_INTEGER_BITS = 256
_CONTAINERS = (list, tuple, dict)


class TemplateLimitError(SecurityError):
    """A template asked for more than a letter can need. The message is a constant phrase."""


def spend(context: Context, steps: int) -> None:
    """Take steps from the meter of this rendering. Raises TemplateLimitError when it runs dry."""
    meter = context.parent[METER]
    meter[0] -= steps
    if meter[0] < 0:
        raise TemplateLimitError(f"takes more than {STEPS} steps (loops and calls together)")


@pass_context
def counted(context: Context, items: Iterable[Any]) -> Sequence[Any]:
    """What a loop runs over, paid for in advance."""
    kept = list(islice(items, STEPS + 1))
    spend(context, len(kept) + 1)
    return kept


def flat(items: Any) -> Any:
    """A literal list, tuple or dict, at most pairs in a list deep: deeper nesting doubles without a loop."""
    values = items.values() if isinstance(items, dict) else items
    inner = [value for value in values if isinstance(value, _CONTAINERS)]
    if any(isinstance(some, dict) or any(isinstance(item, _CONTAINERS) for item in some) for some in inner):
        raise TemplateLimitError("nests lists too deeply")
    return items


def sized(value: Any) -> Any:
    """The value itself, unless it is a text longer than any letter needs."""
    if isinstance(value, str) and len(value) > VALUE_CHARACTERS:
        raise TemplateLimitError(f"makes a value longer than {VALUE_CHARACTERS} characters")
    return value


def capped_range(*bounds: int) -> range:
    """Python's range with at most 1,000 items."""
    found = range(*bounds)
    if len(found) > _RANGE_ITEMS:
        raise TemplateLimitError(f"asks for a range of more than {_RANGE_ITEMS} items")
    return found


def capped_join(items: Iterable[Any], separator: str = "") -> str:
    """Join texts. The result counts as plain text and is escaped where the part asks for it."""
    texts = [soft_str(item) for item in islice(items, STEPS)]
    if sum(map(len, texts)) + len(separator) * len(texts) > VALUE_CHARACTERS:
        raise TemplateLimitError(f"makes a value longer than {VALUE_CHARACTERS} characters")
    return separator.join(texts)


def capped_replace(value: Any, old: str, new: str) -> str:
    """Replace every `old` in a text by `new`."""
    text = soft_str(value)
    if len(text) + text.count(old) * len(new) > VALUE_CHARACTERS:
        raise TemplateLimitError(f"makes a value longer than {VALUE_CHARACTERS} characters")
    return text.replace(old, new)


def multiply(left: Any, right: Any) -> Any:
    """`*` without long texts, repeated lists or huge integers."""
    for times, thing in ((left, right), (right, left)):
        if isinstance(thing, _CONTAINERS):
            raise TemplateLimitError("repeats a list")
        if isinstance(thing, str) and isinstance(times, int) and times * len(thing) > VALUE_CHARACTERS:
            raise TemplateLimitError("repeats a text too often")
    if _bits(left) + _bits(right) > _INTEGER_BITS:
        raise TemplateLimitError("makes too large a number")
    return left * right


def power(left: Any, right: Any) -> Any:
    """`**` without huge integers."""
    if _bits(left) * (abs(right) if isinstance(right, int) else 1) > _INTEGER_BITS:
        raise TemplateLimitError("makes too large a number")
    return left**right


def add(left: Any, right: Any) -> Any:
    """`+` for numbers and texts of a sensible size; lists are not joined."""
    if isinstance(left, _CONTAINERS):
        raise TemplateLimitError("joins lists with +")
    return sized(left + right)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0
