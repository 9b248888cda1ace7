"""Job titles and the functions they name, in the languages of `data/taxonomy.csv`.

A row is language, function, pattern. A pattern is one or several words; `*` at the start or end of a word stands
for any letters there, so that `*einkäufer*` covers compounds and inflections. A pattern word in capitals (`IT`)
wants capitals in the title. The function is a value of `Function` or a mark: `-` stops (its words name no function),
`+` is a role such as "head" or `*leiter*`, which says no function but gives weight to the one beside it. A pattern
that ends in `!` names a trade that takes others as its object (IT *procurement*; as a stop: IT *teacher*), one in
`!!` the person who has that trade (procurement *lawyer*), one in `?` a word that yields to every other function
except management.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources import files

from penstock.law.title_words import COORDINATORS, TitleWords, pattern_words
from penstock.law.word_forms import LEAST_LETTERS, WordForms
from penstock.model.contact import Function

__all__ = ["Taxonomy", "TitleMatch"]

_STOP, _ROLE = "-", "+"
_REMEMBERED = 10_000
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """The function that a title names, and the row of the table that says so."""

    function: Function
    language: str
    pattern: str


class _Weight(IntEnum):
    """Which of several matches in one title counts; within a weight the longest, then the first."""

    NOTHING = 0  # stops and roles
    MANAGEMENT = 1
    FAINT = 2
    SUBJECT = 3
    LED = 4  # a role comes before it: head of sales
    TRADE = 5
    PERSON = 6  # one who has it for a trade: a buyer, a lawyer, a controller
    LEADS = 7  # a role follows it or is joined to it: sales manager, Einkaufsleiter


@dataclass(slots=True, eq=False)
class _Pattern:
    """One spelling of all rows that share it. `length` counts letters, `meanings` goes by language."""

    forms: tuple[str, ...]
    length: int
    weight: _Weight
    kind: str
    meanings: dict[str, TitleMatch]


@dataclass(slots=True, eq=False)
class _Found:
    """A pattern in the words `start` to `end` of a title."""

    start: int
    end: int
    pattern: _Pattern
    weight: _Weight
    reach: int = 0
    """In one word: where the letters of the pattern end. The last part of a compound is its head."""


@dataclass(frozen=True, slots=True)
class _Word:
    """What is known of one title word: the pattern words that fit it, and the patterns to be looked up by it."""

    forms: frozenset[str]
    alone: tuple[tuple[_Pattern, int], ...]
    """With the reach in this word."""
    several: tuple[tuple[int, _Pattern], ...]
    """With the place of this word in the pattern."""


class Taxonomy:
    """Reads functions out of titles. Built once; safe to share within one event loop.

    `rows` are (language, function, pattern) as the module describes. Raises ValueError for an unknown function and
    for a pattern with too few letters.
    """

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._patterns: dict[tuple[tuple[str, ...], str], _Pattern] = {}
        for language, function, pattern in rows:
            self._add(language, function, pattern)
        # Each pattern is looked up by the word that the fewest others share.
        uses = Counter(form for pattern in self._patterns.values() for form in pattern.forms)
        self._anchored: dict[str, list[tuple[int, _Pattern]]] = {}
        for known in self._patterns.values():
            at = min(range(len(known.forms)), key=lambda i: uses[known.forms[i]])
            self._anchored.setdefault(known.forms[at], []).append((at, known))
        self._forms = WordForms(uses)
        self._words: dict[str, _Word] = {}
        self._titles: dict[tuple[str, str | None], TitleMatch | None] = {}

    @classmethod
    def load(cls) -> Taxonomy:
        """The shipped table."""
        table = (files("penstock.law") / "data" / "taxonomy.csv").read_text(encoding="utf-8")
        rows = csv.reader(table.splitlines())
        next(rows)
        return cls((language, function, pattern) for language, function, pattern in rows)

    def function_of(self, title: str, language: str | None = None) -> TitleMatch | None:
        """The function that `title` names, None where it names none.

        All languages are tried; `language` (ISO 639-1) decides only where several share the winning pattern. Reads
        the first 200 characters. Never raises.
        """
        key = (title, language)
        try:
            return self._titles[key]
        except KeyError:
            if len(self._titles) >= _REMEMBERED:
                self._titles.clear()
            match = self._titles[key] = self._match(TitleWords.read(title[:_LONGEST_TITLE]), language)
            return match

    def _add(self, language: str, function: str, pattern: str) -> None:
        text = pattern.rstrip("!?")
        mark = pattern[len(text) :]
        kind = function if function in (_STOP, _ROLE) else ""
        meaning = TitleMatch(Function.MANAGEMENT if kind else Function(function), language, pattern)
        if kind:
            weight = _Weight.TRADE if mark == "!" else _Weight.NOTHING
        elif meaning.function is Function.MANAGEMENT:
            weight = _Weight.MANAGEMENT
        else:
            weight = {"!": _Weight.TRADE, "!!": _Weight.PERSON, "?": _Weight.FAINT}.get(mark, _Weight.SUBJECT)
        for forms in pattern_words(text):
            known = self._patterns.get((forms, kind))
            if known is None:
                known = _Pattern(forms, _length(forms, pattern), weight, kind, {})
                self._patterns[forms, kind] = known
            known.weight = max(known.weight, weight)
            known.meanings.setdefault(language, meaning)

    def _word(self, key: str) -> _Word:
        known = self._words.get(key)
        if known is None:
            if len(self._words) >= _REMEMBERED:
                self._words.clear()
            forms = self._forms.of(key)
            anchored = [entry for form in forms for entry in self._anchored.get(form, ())]
            alone = tuple((one, _reach(one.forms[0], key)) for _, one in anchored if len(one.forms) == 1)
            several = tuple((at, one) for at, one in anchored if len(one.forms) > 1)
            known = self._words[key] = _Word(forms, alone, several)
        return known

    def _match(self, title: TitleWords, language: str | None) -> TitleMatch | None:
        found = _apart(self._best_per_span(title))
        _weigh(found, title)
        best = max(
            (one for one in found if one.weight),
            key=lambda one: (one.weight, one.pattern.length, -one.start),
            default=None,
        )
        if best is None or best.pattern.kind:
            return None
        meanings = _first_named(best, found, title).pattern.meanings
        return meanings.get(language or "") or next(iter(meanings.values()))

    def _found(self, title: TitleWords) -> list[_Found]:
        words = [self._word(key) for key in title.keys]
        found = []
        for here, word in enumerate(words):
            for pattern, reach in word.alone:
                found.append(_Found(here, here + 1, pattern, pattern.weight, reach))
            for at, pattern in word.several:
                start, end = here - at, here - at + len(pattern.forms)
                if start < 0 or end > len(words):
                    continue
                for other, form in zip(words[start:end], pattern.forms, strict=True):
                    if form not in other.forms:
                        break
                else:
                    found.append(_Found(start, end, pattern, pattern.weight))
        return found

    def _best_per_span(self, title: TitleWords) -> list[_Found]:
        best: dict[tuple[int, int], _Found] = {}
        roles: set[int] = set()
        # Plain stops last: they are measured against what would otherwise hold, in whatever order patterns were found.
        for one in sorted(self._found(title), key=_is_plain_stop):
            if one.pattern.kind == _ROLE and one.end - one.start == 1:
                roles.add(one.start)
            known = best.get((one.start, one.end))
            if known is None or _outdoes(one, known):
                best[one.start, one.end] = one
        for (start, end), one in best.items():
            # The role is part of the compound (Einkaufsleiter) or of the pattern (plant manager, head of supply).
            if one.weight is _Weight.SUBJECT and not roles.isdisjoint(range(start, end)):
                one.weight = _Weight.LEADS if end - 1 in roles else _Weight.LED
        return list(best.values())


def _length(forms: tuple[str, ...], pattern: str) -> int:
    length = 0
    for form in forms:
        letters = len(form) - form.count("*")
        if letters < LEAST_LETTERS and letters < len(form):
            raise ValueError(f"pattern {pattern!r} has too few letters beside its *")
        length += letters
    if not length:
        raise ValueError(f"pattern {pattern!r} has no letters")
    return length


def _is_plain_stop(found: _Found) -> bool:
    return found.pattern.kind == _STOP and not found.weight


def _outdoes(one: _Found, other: _Found) -> bool:
    """Which of two patterns over the same words holds: a plain stop by its length, else weight first."""
    if _is_plain_stop(one):
        return one.pattern.length > other.pattern.length - (not _is_plain_stop(other))
    return _rank(one) > _rank(other)


def _rank(found: _Found) -> tuple[int, int, int, tuple[str, ...]]:
    weight = found.weight
    if weight is _Weight.MANAGEMENT and not found.pattern.forms[0].startswith("*"):
        # A whole word for it, such as toimitusjohtaja, is not about toimitus; a Vertriebsvorstand is about Vertrieb.
        weight = _Weight.SUBJECT
    return weight, found.reach, found.pattern.length, found.pattern.forms


def _reach(form: str, key: str) -> int:
    if not form.endswith("*"):
        return len(key)
    stem = form.strip("*")
    return key.lower().rfind(stem) + len(stem)


def _apart(found: list[_Found]) -> list[_Found]:
    """The longest first, and nothing that shares words with a longer one; in the order of the title."""
    taken: set[int] = set()
    kept = []
    for one in sorted(found, key=lambda one: (-one.pattern.length, one.start, -one.end)):
        words = range(one.start, one.end)
        if taken.isdisjoint(words):
            taken.update(words)
            kept.append(one)
    return sorted(kept, key=lambda one: one.start)


def _weigh(found: list[_Found], title: TitleWords) -> None:
    """Let every role lend its weight to the subject right before it, else to the one right after it."""
    for at, role in enumerate(found):
        if role.pattern.kind != _ROLE:
            continue
        before = found[at - 1] if at else None
        after = found[at + 1] if at + 1 < len(found) else None
        if before and before.end == role.start and before.weight is _Weight.SUBJECT and not title.listed[role.start]:
            before.weight = _Weight.LEADS
        elif after and after.start == role.end and after.weight is _Weight.SUBJECT:
            after.weight = _Weight.LED


def _first_named(best: _Found, found: list[_Found], title: TitleWords) -> _Found:
    """Of subjects in a list ("Einkauf und Logistik") the first speaks for all; a person's trade is no such subject."""
    at = found.index(best)
    while at and best.weight is not _Weight.PERSON:
        earlier, start = found[at - 1], found[at].start
        joined = earlier.end == start and title.listed[start]
        joined |= earlier.end == start - 1 and title.keys[start - 1].lower() in COORDINATORS
        if not joined or earlier.weight < _Weight.SUBJECT:
            break
        at -= 1
    return found[at]
