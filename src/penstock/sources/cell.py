"""What one cell of a contact file may say, by the type of the field it fills.

Every reader takes a non-empty value and answers the field's value, or None for a blank; a list is never None. It
raises ValueError with what was expected; the value itself is never quoted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import orjson

from penstock.model.contact import Contact
from penstock.model.moment import as_moment
from penstock.sources.remembered import Reader, remembering

__all__ = ["LONGEST", "Reader", "contact_readers"]

LONGEST = 10_000
"""Characters in one cell."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_MOST = 10**15
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,6})?")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9_-]+)?")
_LIST_MARKS = re.compile(r"[|;,]")
_PLAIN_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_YES_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def contact_readers(countries: Callable[[str], str | None]) -> dict[str, Reader]:
    """Dotted field name to reader, for every field of a contact but the address."""
    found = _readers(Contact)
    del found["address"]
    country = remembering(_country_reader(countries))
    special = {
        "language": remembering(_language),
        "country": country,
        "workplace_country": country,
        "company.domains": _domains,
        "born": _day,
    }
    return found | special


def _readers(kind: type, prefix: str = "") -> dict[str, Reader]:
    hints = get_type_hints(kind, include_extras=True)
    found: dict[str, Reader] = {}
    for item in fields(kind):
        hint = hints[item.name]
        if isinstance(hint, type) and is_dataclass(hint):
            found |= _readers(hint, f"{prefix}{item.name}.")
        else:
            found[f"{prefix}{item.name}"] = _reader(hint)
    return found


def _reader(hint: Any) -> Reader:
    least = None
    while get_origin(hint) in {Annotated, Union, UnionType}:
        limits = [limit for mark in getattr(hint, "__metadata__", ()) for limit in getattr(mark, "metadata", ())]
        least = next((limit.ge for limit in limits if hasattr(limit, "ge")), least)
        hint = next(arm for arm in get_args(hint) if arm is not NoneType)
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        return _records_reader(inner) if is_dataclass(inner) else _words_reader(_reader(inner))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return remembering(_word_reader({member.value: member for member in hint}))
    simple: dict[Any, Reader] = {bool: _yes_no, int: _whole, float: _decimal, datetime: _moment, date: _day}
    if hint not in simple:
        return _text
    return remembering(simple[hint] if least is None else _at_least(least, simple[hint]))


def _at_least(least: float, read: Reader) -> Reader:
    def limited(value: Any) -> Any:
        if (found := read(value)) is not None and found < least:
            raise ValueError(f"input should be greater than or equal to {least}")
        return found

    return limited


def _text(value: Any) -> str | None:
    if type(value) is str and len(value) <= LONGEST and value.isprintable():
        return value.strip() or None  # no control character is printable
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("expected text")
    if len(value) > LONGEST:
        raise ValueError(f"longer than {LONGEST} characters")
    text = value.strip()
    if _CONTROL.search(text):
        raise ValueError("control character")
    return (text.replace("\t", " ") if "\t" in text else text) or None


def _word_reader(words: Mapping[str, Any]) -> Reader:
    known = ", ".join(words)

    def read(value: Any) -> Any:
        text = _text(value)
        if text is None:
            return None
        found = words.get(text) or words.get(text.lower().replace(" ", "_").replace("-", "_"))
        if found is None:
            raise ValueError(f"expected one of {known}")
        return found

    return read


def _yes_no(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = _text(value)
    if text is None:
        return None
    if (found := _YES_NO.get(text.lower())) is None:
        raise ValueError("expected true or false")
    return found


def _whole(value: Any) -> int | None:
    if type(value) is int and -_MOST < value < _MOST:
        return value
    text = _text(value)
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise ValueError("expected a whole number such as 1200")
    return int(text)


def _decimal(value: Any) -> float | None:
    text = _text(value)
    if text is None:
        return None
    if not _DECIMAL.fullmatch(text):
        raise ValueError("expected a number such as 1200000 or 1200000.50")
    return float(text)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and (value := _text(value)) is None:
        return None
    try:
        return as_moment(value)
    except ValueError:
        raise ValueError("expected an ISO date or date-time such as 2026-11-15") from None


def _day(value: Any) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    text = _text(value)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError("expected an ISO date such as 1980-01-31") from None


def _language(value: Any) -> str | None:
    text = _text(value)
    if text is None:
        return None
    found = _LANGUAGE.fullmatch(text)
    if found is None:
        raise ValueError("expected a language code such as fr")
    return found[1].lower()


def _country_reader(countries: Callable[[str], str | None]) -> Reader:
    def read(value: Any) -> str | None:
        text = _text(value)
        if text is None:
            return None
        code = countries(text)
        if code is None and len(text) == 2 and text.isascii() and text.isalpha():
            code = text.upper()
        if code is None:
            raise ValueError("expected a country code such as FR or the country's name")
        return code

    return read


def _items(value: Any) -> Sequence[Any]:
    """The items of a list, of a JSON list in a cell, or of words set apart by `|`, `;` or `,`."""
    if isinstance(value, str):
        if len(value) > LONGEST:
            raise ValueError(f"longer than {LONGEST} characters")
        text = value.strip()
        value = _json(text) if text.startswith("[") else _LIST_MARKS.split(text)
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list")
    if len(value) > LONGEST:
        raise ValueError(f"more than {LONGEST} items")
    return value


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("expected JSON") from None


def _words_reader(inner: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        found = (inner(item) for item in _items(value))
        return tuple(item for item in found if item is not None)

    return read


def _domains(value: Any) -> tuple[str, ...]:
    found = []
    for item in _items(value):
        if type(item) is str and len(item) <= LONGEST and _PLAIN_DOMAIN.fullmatch(item):
            found.append(item)
        elif (text := _text(item)) is not None:
            found.append(_domain(text))
    return tuple(found)


def _domain(text: str) -> str:
    """The lower-case A-label form of what is not written in it."""
    name = text.lower().removeprefix("@").removesuffix(".")
    if not name.isascii():
        import idna

        try:
            name = idna.encode(name, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            raise ValueError("expected domain names") from None
    if "." not in name or " " in name or "@" in name or "/" in name:
        raise ValueError("expected domain names such as muster-werk.example")
    return name


def _records_reader(kind: Any) -> Reader:
    """A list of objects; keys that are no field of `kind` are left out."""
    readers = _readers(kind)

    def read(value: Any) -> tuple[Any, ...]:
        if isinstance(value, str):
            value = _json(value.strip()) if value.strip() else []
        records = [value] if isinstance(value, dict) else value
        if not isinstance(records, list | tuple):
            raise ValueError("expected a list of objects")
        return tuple(kind(**_record(record, readers)) for record in records)

    return read


def _record(record: Any, readers: Mapping[str, Reader]) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise ValueError("expected a list of objects")
    found: dict[str, Any] = {}
    for key, item in record.items():
        name = str(key).strip().lower()
        if (reader := readers.get(name)) is None or item is None:
            continue
        if name in found:
            raise ValueError(f"two keys mean {name}")
        try:
            found[name] = reader(item)
        except ValueError as fault:
            raise ValueError(f"{name}: {fault}") from None
    return found
