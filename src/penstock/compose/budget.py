"""How much work and room one rendering may take, and the operations that are held to it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import islice
from typing import Any

from jinja2 import pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import do_round
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
    "capped_round",
    "capped_string",
    "capped_sum",
    "counted",
    "entered",
    "flat",
    "full_meter",
    "metered",
    "multiply",
    "power",
    "printed",
    "sized",
    "spend",
    "weight",
]

METER = "\0meter"
"""Key of what is left in a rendering context, steps and characters; no template can spell it."""
STEPS = 5_000
VALUE_CHARACTERS = 32_768
LETTER_CHARACTERS = 1_048_576
_ITEMS = 1_000
_INTEGER_BITS = 256
_PRECISION = 15
_CHARACTERS_A_STEP = 256
_NUMBER_CHARACTERS = 16
_CONTAINERS = (list, tuple, dict)


class TemplateLimitError(SecurityError):
    """A template asked for more than a letter can need. The message is a constant phrase."""


def full_meter() -> list[int]:
    """What one rendering may use up: steps, and characters that are printed or joined."""
    return [STEPS, LETTER_CHARACTERS]


def spend(context: Context, steps: int) -> None:
    """Take steps from the meter of this rendering. Raises TemplateLimitError when it runs dry."""
    meter = context.parent[METER]
    meter[0] -= steps
    if meter[0] < 0:
        raise TemplateLimitError(f"takes more than {STEPS} steps (loops, calls and filters together)")


def weight(value: Any) -> int:
    """The steps that an operation on the value costs: longer ones take longer."""
    return 1 + len(value) // _CHARACTERS_A_STEP if isinstance(value, str) else 1


@pass_context
def counted(context: Context, items: Iterable[Any], steps: int, characters: int) -> Sequence[Any]:
    """What a loop runs over, paid for in advance: each turn takes so many steps and has so many characters."""
    kept = list(islice(items, STEPS + 1))
    spend(context, (len(kept) + 1) * steps)
    _use_up(context, len(kept) * characters)
    return kept


@pass_context
def entered(context: Context, steps: int) -> bool:
    """True, once the body of a macro is paid for."""
    spend(context, steps)
    return True


@pass_context
def printed(context: Context, value: Any) -> Any:
    """The value itself, which is about to become words: its characters count."""
    if isinstance(value, _CONTAINERS):
        raise TemplateLimitError("prints a list; use |join or a loop")
    _use_up(context, len(value) if isinstance(value, str) else _NUMBER_CHARACTERS)
    return value


def _use_up(context: Context, characters: int) -> None:
    meter = context.parent[METER]
    meter[1] -= characters
    if meter[1] < 0:
        raise TemplateLimitError(f"makes more than {LETTER_CHARACTERS} characters")


def metered(run: Callable[..., Any], needs: str | None) -> Callable[..., Any]:
    """A filter whose work is paid for and whose result has a sensible size.

    `needs` is what jinja2 gives it first: `environment`, `eval_context` or nothing.
    """

    @pass_context
    def paid(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        spend(context, weight(value))
        match needs:
            case "environment":
                found = run(context.environment, value, *args, **kwargs)
            case "eval_context":
                found = run(context.eval_ctx, value, *args, **kwargs)
            case _:
                found = run(value, *args, **kwargs)
        return sized(list(islice(found, _ITEMS + 1)) if isinstance(found, Generator) else found)

    return paid


def flat(items: Any) -> Any:
    """A literal list, tuple or dict, at most pairs in a list deep: deeper nesting doubles without a loop."""
    values = items.values() if isinstance(items, dict) else items
    inner = [value for value in values if isinstance(value, _CONTAINERS)]
    if any(isinstance(some, dict) or any(isinstance(item, _CONTAINERS) for item in some) for some in inner):
        raise TemplateLimitError("nests lists too deeply")
    if sum(len(item) for some in (values, *inner) for item in some if isinstance(item, str)) > LETTER_CHARACTERS:
        raise TemplateLimitError("makes too long a list")
    return items


def sized(value: Any) -> Any:
    """The value itself, unless it is a text, a list or a number larger than any letter needs."""
    if isinstance(value, str):
        if len(value) > VALUE_CHARACTERS:
            raise TemplateLimitError(f"makes a value longer than {VALUE_CHARACTERS} characters")
    elif isinstance(value, _CONTAINERS):
        if len(value) > _ITEMS:
            raise TemplateLimitError(f"makes a list of more than {_ITEMS} items")
    elif _bits(value) > _INTEGER_BITS:
        raise TemplateLimitError("makes too large a number")
    return value


def capped_range(*bounds: int) -> range:
    """Python's range with at most 1,000 items."""
    found = range(*bounds)
    if len(found) > _ITEMS:
        raise TemplateLimitError(f"asks for a range of more than {_ITEMS} items")
    return found


def capped_round(value: float, precision: int = 0, method: str = "common") -> float:
    """jinja2's `round` with at most 15 digits: it raises 10 to that power."""
    if abs(precision) > _PRECISION:
        raise TemplateLimitError(f"rounds to more than {_PRECISION} digits")
    return do_round(value, precision, method)  # type: ignore[arg-type]


def capped_sum(items: Iterable[Any], attribute: str | None = None, start: float = 0) -> float:
    """The sum of numbers; lists are not joined."""
    numbers = list(islice(items, _ITEMS))
    if attribute is not None or not all(isinstance(each, int | float) for each in (*numbers, start)):
        raise TemplateLimitError("sums up what are no numbers")
    return sum(numbers, start)


def capped_join(items: Iterable[Any], separator: str = "") -> str:
    """Join texts. The result counts as plain text and is escaped where the part asks for it."""
    texts = [soft_str(item) for item in islice(items, STEPS)]
    if sum(map(len, texts)) + len(separator) * len(texts) > VALUE_CHARACTERS:
        raise TemplateLimitError(f"makes a value longer than {VALUE_CHARACTERS} characters")
    return separator.join(texts)


def capped_string(value: Any) -> str:
    """Anything but a list as text."""
    if isinstance(value, _CONTAINERS):
        raise TemplateLimitError("prints a list; use |join or a loop")
    return soft_str(value)


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
