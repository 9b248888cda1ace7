"""Countries as people write them, and the language a country speaks officially."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

from penstock.law.folding import folded

__all__ = ["country_code", "official_language"]

_LANGUAGES = ("de", "en", "fr", "sv", "es", "it", "nl", "pl", "da", "fi", "pt", "cs")
# In CLDR's list of territories, but no ISO 3166-1 codes: exceptional reservations, private use, groupings.
_NOT_ASSIGNED = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"})
_OTHER_CODES = {"UK": "GB", "EL": "GR"}  # as the EU's institutions wrote and write them
_AMBIGUOUS = frozenset({"congo", "kongo"})  # CLDR gives the bare name to one of the two in some languages only
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=4096)
def country_code(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country given by its code or by a name; None when it is not known.

    Codes in any case, also `UK` and `EL`. Names in the twelve languages of the taxonomy, the country's own name for
    itself, and the usual short and old ones; case, accents and punctuation do not count.
    """
    code = text.strip().upper()
    if len(code) == 2 and code.isascii():
        code = _OTHER_CODES.get(code, code)
        return code if code in _codes() else None
    return _names().get(_folded(text))


@lru_cache(maxsize=512)
def official_language(cc: str) -> str | None:
    """The country's language (ISO 639-1), where one alone is official and we write it; else None.

    `cc` is an alpha-2 code as `country_code` takes it. Languages that are official in a part of the country only do not
    count (Spain, Italy), nor does Irish beside English, Māori beside English.
    """
    code = cc.upper()
    return _official().get(_OTHER_CODES.get(code, code))


@lru_cache(maxsize=1)
def _official() -> Mapping[str, str]:
    return dict(_pairs("country_languages.csv"))


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    from babel import Locale

    territories = (str(code) for code in Locale("en").territories)
    return frozenset(code for code in territories if len(code) == 2 and code.isalpha()) - _NOT_ASSIGNED


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    from babel import Locale

    known = _codes()
    names = {
        _folded(str(name)): str(cc)
        for language in _LANGUAGES
        for cc, name in Locale(language).territories.items()
        if cc in known
    }
    names.update((_folded(name), cc) for name, cc in _pairs("country_names.csv"))
    return {name: cc for name, cc in names.items() if name not in _AMBIGUOUS}


def _pairs(file: str) -> Iterator[tuple[str, str]]:
    text = (files("penstock.law") / "data" / file).read_text("utf-8")
    rows = csv.reader(text.splitlines())
    next(rows)
    yield from ((first, second) for first, second in rows)


def _folded(name: str) -> str:
    return " ".join(_WORD.findall(folded(name)))
