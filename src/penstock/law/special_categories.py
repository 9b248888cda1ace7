"""Words that hint at data whose processing is forbidden unless somebody allows it (GDPR Art. 9(1))."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from importlib.resources import files
from typing import NamedTuple, Self

from penstock.law.folding import folded
from penstock.law.word_forms import WordForms

__all__ = ["Hint", "SpecialCategories"]

_WORD = re.compile(r"[^\W_]+")
_REMEMBERED = 20_000
_COLUMN = "column"


class Hint(NamedTuple):
    """`category` as in the list (`union`, `religion`, `politics`, `health`, …), `pattern` the entry that matched."""

    category: str
    pattern: str


class SpecialCategories:
    """The list of words. A hint sets no flag and stops nothing: people decide what it means."""

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """`rows`: category, where (`any` or `column`), pattern of one or more words, each with `*` as it likes."""
        self._by_form: dict[str, list[tuple[tuple[str, ...], bool, Hint]]] = {}
        forms: set[str] = set()
        for category, where, pattern in rows:
            words = tuple(folded(word) for word in pattern.split())
            self._by_form.setdefault(words[0], []).append((words, where == _COLUMN, Hint(category, pattern)))
            forms.update(words)
        self._forms = WordForms(forms)
        self._known: dict[str, Hint | None] = {}

    @classmethod
    def load(cls) -> Self:
        """The shipped list, in the languages of the taxonomy."""
        text = (files("penstock.law") / "data" / "special_categories.csv").read_text("utf-8")
        rows = csv.reader(text.splitlines())
        next(rows)
        return cls((category, where, pattern) for category, where, _language, pattern in rows)

    def in_text(self, text: str) -> Hint | None:
        """What a job title or an activity hints at; None for nothing."""
        try:
            return self._known[text]
        except KeyError:
            found = self._hint(text, of_column=False)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[text] = found
        return found

    def in_column(self, name: str) -> Hint | None:
        """What the name of a column hints at; None for nothing."""
        return self._hint(name, of_column=True)

    def _hint(self, text: str, *, of_column: bool) -> Hint | None:
        fitting = [self._forms.of(word) for word in _WORD.findall(folded(text))]
        for place, forms in enumerate(fitting):
            for form in sorted(forms):
                for words, column_only, hint in self._by_form.get(form, ()):
                    following = fitting[place : place + len(words)]
                    whole = len(following) == len(words)
                    if (of_column or not column_only) and whole and all(map(_fits, words, following)):
                        return hint
        return None


def _fits(word: str, forms: frozenset[str]) -> bool:
    return word in forms
