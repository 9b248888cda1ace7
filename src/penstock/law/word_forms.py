"""Words with `*` at their start or end, found by the words that they fit."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["LEAST_LETTERS", "WordForms"]

LEAST_LETTERS = 3
"""A form with `*` has at least so many letters."""


class WordForms:
    """Finds all of the given forms that fit a word: `word`, `stem*`, `*stem` and `*stem*`."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._whole: set[str] = set()
        self._starts: dict[str, str] = {}
        self._ends: dict[str, str] = {}
        self._within: dict[str, list[tuple[str, str]]] = {}
        for form in forms:
            stem = form.strip("*")
            match form.startswith("*"), form.endswith("*"):
                case False, False:
                    self._whole.add(form)
                case False, True:
                    self._starts[stem] = form
                case True, False:
                    self._ends[stem] = form
                case _:
                    self._within.setdefault(stem[:LEAST_LETTERS], []).append((stem, form))
        self._longest = max(map(len, [*self._starts, *self._ends]), default=0)

    def of(self, key: str) -> frozenset[str]:
        """The forms that fit. A key in capitals also fits the form in capitals; the others are in lower case."""
        word = key.lower()
        found = self._whole & {key, word}
        starts, ends, within = self._starts, self._ends, self._within
        for length in range(LEAST_LETTERS, min(len(word), self._longest) + 1):
            if (start := word[:length]) in starts:
                found.add(starts[start])
            if (end := word[-length:]) in ends:
                found.add(ends[end])
        for at in range(len(word) - LEAST_LETTERS + 1):
            for stem, form in within.get(word[at : at + LEAST_LETTERS], ()):
                if word.startswith(stem, at):
                    found.add(form)
        return frozenset(found)
