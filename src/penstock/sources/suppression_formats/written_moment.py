"""Dates and times in the ways that services write them into their exports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum

__all__ = ["DateStyle", "read_moment"]

_EPOCH = re.compile(r"\d{9,10}(\.\d+)?")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))? ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?: UTC)?"
)
_RFC_2822 = re.compile(r"(?:[A-Za-z]{3}, )?\d{1,2} [A-Za-z]{3} \d{4} \d\d:\d\d(?::\d\d)? (?:[A-Z]{1,4}|[+-]\d{4})")
_NUMBERS = re.compile(
    r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})(?:[ T](\d{1,2}):(\d\d)(?::(\d\d))?(?: ?([AaPp])[Mm])?)?(?: UTC)?"
)
_NO_DATE = re.compile(r"0000-00-00.*|0001-01-01.*|(?:Mon, )?0?1 Jan 0001 .*|0")
"""What services write where they know none."""


class DateStyle(StrEnum):
    """How a date is written. Without a zone it is UTC."""

    EPOCH = "seconds since 1970"
    ISO = "2026-10-05 07:30:00"
    RFC_2822 = "Mon, 05 Oct 2026 07:30:00 UTC"
    MONTH_FIRST = "10/05/2026 07:30"
    DAY_FIRST = "05-10-2026 07:30:00"


def read_moment(text: str, styles: Iterable[DateStyle]) -> datetime | None:
    """The moment, in UTC; None where the text stands for no date.

    Raises ValueError for what is in none of the styles, or in two of them with different meanings.
    """
    if _NO_DATE.fullmatch(text):
        return None
    found = {moment for style in styles if (moment := _read(text, style)) is not None}
    if len(found) != 1:
        raise ValueError("could be two dates" if found else "in none of the known styles")
    return found.pop()


def _read(text: str, style: DateStyle) -> datetime | None:
    try:
        match style:
            case DateStyle.EPOCH:
                return datetime.fromtimestamp(float(text), UTC) if _EPOCH.fullmatch(text) else None
            case DateStyle.ISO:
                return _iso(text)
            case DateStyle.RFC_2822:
                return _utc(parsedate_to_datetime(text)) if _RFC_2822.fullmatch(text) else None
            case DateStyle.MONTH_FIRST | DateStyle.DAY_FIRST:
                return _numbers(text, month_first=style is DateStyle.MONTH_FIRST)
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> datetime | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    day, time, zone = found.groups()
    offset = "" if zone in {None, "UTC", "GMT"} else zone
    return _utc(datetime.fromisoformat(f"{day}T{time or '00:00'}{offset}"))


def _numbers(text: str, *, month_first: bool) -> datetime | None:
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return None
    first, _, second, year, hour, minute, seconds, half = found.groups()
    month, day = (first, second) if month_first else (second, first)
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in "Pp" else 0)
    return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(seconds or 0), tzinfo=UTC)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
