"""Dates as people read them."""

from __future__ import annotations

from datetime import date, datetime

__all__ = ["SpelledDates"]

_LOCALES = {"en": "en_GB"}  # read without doubt everywhere: the month is a word, the day comes first
_KEPT = 4_096


class SpelledDates:
    """`12 November 2026` in the language of the notice, each moment spelled once."""

    def __init__(self) -> None:
        self._known: dict[tuple[datetime, str], str] = {}

    def spelled(self, moment: datetime | None, language: str) -> str:
        """The day; empty where there is none."""
        if moment is None:
            return ""
        found = self._known.get((moment, language))
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[moment, language] = _spelled(moment.date(), language)
        return found


def _spelled(day: date, language: str) -> str:
    from babel.core import UnknownLocaleError
    from babel.dates import format_date

    try:
        return format_date(day, "long", locale=_LOCALES.get(language, language).replace("-", "_"))
    except (UnknownLocaleError, ValueError):  # a house may write in a language whose months nobody has listed
        return day.isoformat()
