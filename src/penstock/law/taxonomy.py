"""Job titles and the functions they name, in the languages of `data/taxonomy.csv`.

A row is language, function, pattern. A pattern is one or several words; `*` at the start or end of a word stands
for any letters there, so that `*einkäufer*` covers compounds and inflections. A pattern word in capitals (`IT`)
wants capitals in the title. The function is a value of `Function` or a mark: `-` stops (its words name no function),
`+` is a role such as "head" or `*leiter*`, which says no function but gives weight to the one beside it. A pattern
that ends in `!` names a profession or a trade that takes others as its object (IT *buyer*; as a stop: IT *teacher*),
one in `?` a word that yields to every other function except management.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from importlib.resources import files

from penstock.law.title_words import COORDINATORS, TitleWords, pattern_words
from penstock.model.contact import Function

__all__ = ["Taxonomy", "TitleMatch"]

_STOP, _ROLE = "-", "+"
_REMEMBERED = 10_000
_GRAM = 3
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
    PROFESSION = 5
    LEADS = 6  # a role follows it or is joined to it: sales manager, Einkaufsleiter


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
        self._exact = frozenset(form for form in uses if "*" not in form)
        self._grams: dict[str, list[tuple[str, bool, bool, str]]] = {}
        for form in uses:
            if "*" in form:
                stem = form.strip("*")
                self._grams.setdefault(stem[:_GRAM], []).append((stem, form[0] == "*", form[-1] == "*", form))
        self._words: dict[str, frozenset[str]] = {}
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

        All languages are tried; `language` (ISO 639-1) decides only where several share the winning pattern.
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
            weight = _Weight.PROFESSION if mark == "!" else _Weight.NOTHING
        elif meaning.function is Function.MANAGEMENT:
            weight = _Weight.MANAGEMENT
        else:
            weight = {"!": _Weight.PROFESSION, "?": _Weight.FAINT}.get(mark, _Weight.SUBJECT)
        for forms in pattern_words(text):
            length = sum(len(form.strip("*")) for form in forms)
            if not length or any(len(form.strip("*")) < _GRAM for form in forms if "*" in form):
                raise ValueError(f"pattern {pattern!r} has too few letters")
            known = self._patterns.setdefault((forms, kind), _Pattern(forms, length, weight, kind, {}))
            known.weight = max(known.weight, weight)
            known.meanings.setdefault(language, meaning)

    def _forms_of(self, key: str) -> frozenset[str]:
        """The pattern words that fit this title word."""
        forms = self._words.get(key)
        if forms is not None:
            return forms
        word = key.lower()
        found = {form for form in (key, word) if form in self._exact}
        for at in range(len(word) - _GRAM + 1):
            for stem, open_start, open_end, form in self._grams.get(word[at : at + _GRAM], ()):
                if (
                    (open_start or not at)
                    and word.startswith(stem, at)
                    and (open_end or at + len(stem) == len(word))
                ):
                    found.add(form)
        if len(self._words) >= _REMEMBERED:
            self._words.clear()
        forms = self._words[key] = frozenset(found)
        return forms

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

    def _found(self, title: TitleWords) -> Iterator[_Found]:
        forms = [self._forms_of(key) for key in title.keys]
        for here, fitting in enumerate(forms):
            for form in fitting:
                for at, pattern in self._anchored.get(form, ()):
                    start, end = here - at, here - at + len(pattern.forms)
                    if start < 0 or end > len(forms):
                        continue
                    if all(other in forms[start + i] for i, other in enumerate(pattern.forms)):
                        reach = 0 if end - start > 1 else _reach(form, title.keys[here])
                        yield _Found(start, end, pattern, pattern.weight, reach)

    def _best_per_span(self, title: TitleWords) -> list[_Found]:
        best: dict[tuple[int, int], _Found] = {}
        roles: set[int] = set()
        for one in self._found(title):
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


def _outdoes(one: _Found, other: _Found) -> bool:
    """Which of two patterns over the same words holds: a stop by its length, else weight first."""
    kinds = (one.pattern.kind, other.pattern.kind)
    if _STOP in kinds and not (one.pattern.kind and one.weight) and not (other.pattern.kind and other.weight):
        return (one.pattern.length, kinds[0] == _STOP) > (other.pattern.length, kinds[1] == _STOP)
    return _rank(one) > _rank(other)


def _rank(found: _Found) -> tuple[int, int, int, tuple[str, ...]]:
    return found.weight, found.reach, found.pattern.length, found.pattern.forms


def _reach(form: str, key: str) -> int:
    if not form.endswith("*"):
        return len(key)
    stem = form.strip("*")
    return key.lower().rfind(stem) + len(stem)


def _apart(found: list[_Found]) -> list[_Found]:
    """The longest first, and nothing that shares words with a longer one; in the order of the title."""
    taken: set[int] = set()
    kept = []
    for one in sorted(found, key=lambda one: (-one.pattern.length, one.start)):
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
        if (
            before
            and before.end == role.start
            and before.weight is _Weight.SUBJECT
            and not title.listed[role.start]
        ):
            before.weight = _Weight.LEADS
        elif after and after.start == role.end and after.weight is _Weight.SUBJECT:
            after.weight = _Weight.LED


def _first_named(best: _Found, found: list[_Found], title: TitleWords) -> _Found:
    """Of subjects in a list ("Einkauf und Logistik") the first speaks for all."""
    at = found.index(best)
    while at:
        earlier, start = found[at - 1], found[at].start
        joined = earlier.end == start and title.listed[start]
        joined |= earlier.end == start - 1 and title.keys[start - 1].lower() in COORDINATORS
        if not joined or earlier.weight < _Weight.SUBJECT:
            break
        at -= 1
    return found[at]
