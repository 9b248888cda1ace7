"""Deadlines: when a period of months or hours ends (Regulation (EEC, Euratom) 1182/71)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

__all__ = ["Calendar", "deadline", "hours_after", "months_after", "public_holidays"]

Calendar = Callable[[str, int], frozenset[date] | None]
"""Country (ISO 3166 alpha-2) and year to the public holidays; None where they are not known."""

_ALPHA_2 = re.compile(r"[A-Z]{2}")
_MONTHS = 12
_SATURDAY = 5
_FLAT_DAYS = 30


def months_after(day: date, n: int) -> date:
    """The same-numbered day `n` months later, or the last of that month where there is none; `n` may be negative.

    Art. 3(2)(c). Raises ValueError outside the calendar (years 1 to 9999).
    """
    years, month = divmod(day.month - 1 + n, _MONTHS)
    year, month = day.year + years, month + 1
    if not date.min.year <= year <= date.max.year:
        raise ValueError("the date lies outside the calendar")
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def deadline(received: date, months: int, country: str, *, strict: bool, calendar: Calendar | None = None) -> date:
    """The last day of a period of `months` that begins with the receipt of something.

    The day of receipt is not counted (Art. 3(1)). An end on a Saturday, a Sunday or a public holiday of the whole
    `country` (ISO 3166 alpha-2) moves to the next working day (Art. 3(4)); where the holidays of the country or of a
    year are not known, it does not move. `strict`: 30 days for each month, not moved, where that is earlier.
    `calendar` is `public_holidays` unless another one is given. Raises ValueError for less than one month, and outside
    the calendar.
    """
    if months < 1:
        raise ValueError("a period has at least one month")
    end = _working_day(months_after(received, months), country, calendar or public_holidays)
    return min(end, received + timedelta(days=_FLAT_DAYS * months)) if strict else end


def hours_after(moment: datetime, hours: int) -> datetime:
    """The aware UTC moment `hours` of real time later; nights, weekends and holidays count (Art. 3(3)).

    The hour of the event, which Art. 3(1) leaves out, is counted: the earlier end is the safe one. Raises ValueError
    for a moment without offset.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without offset")
    return moment.astimezone(UTC) + timedelta(hours=hours)


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> frozenset[date] | None:
    """The public holidays of the whole country, substitute days included; None for a country or year not known.

    Days that only a region keeps are left out: they would only ever make a deadline later.
    """
    if not _ALPHA_2.fullmatch(country):  # the package would take any of its names for a country
        return None
    import holidays

    try:
        found = holidays.country_holidays(country, years=year)
    except NotImplementedError:
        return None
    # No country is without holidays; a year outside the package's data comes back empty.
    return frozenset(found) or None


def _working_day(end: date, country: str, calendar: Calendar) -> date:
    day = end
    while True:
        free = calendar(country, day.year)
        if free is None:
            return end
        if day.weekday() < _SATURDAY and day not in free:
            return day
        day += timedelta(days=1)
