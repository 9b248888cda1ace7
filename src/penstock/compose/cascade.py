"""Which styles count for an element of an HTML letter: stylesheets, attributes, dark mode, telephones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.compose.stylesheet import declared, rules_of

__all__ = ["Cascade", "cascades"]

_PLAIN = frozenset({"", "all", "screen", "only screen"})
_ELSEWHERE = re.compile(r"\s*(?:only\s+)?(?:print|speech|tty|aural|braille|embossed|projection)\b")
_DARK = "(prefers-color-scheme: dark)"
_OUTLOOK_DARK = re.compile(r"^\s*\[data-ogs[cb]\]\s*", re.IGNORECASE)
_MOST_CONDITIONS = 24
_PRESENTED = {"bgcolor": "background-color", "text": "color", "color": "color"}

_Rank = tuple[bool, bool, tuple[int, int, int], int]


@dataclass(slots=True)
class Cascade:
    """The styles of a page while `condition` holds: what its `@media` asks, empty where it asks nothing."""

    condition: str
    _found: dict[Any, list[tuple[_Rank, str, str]]] = field(default_factory=dict)

    def add(self, element: Any, rank: _Rank, name: str, value: str) -> None:
        """One declaration that concerns the element."""
        self._found.setdefault(element, []).append((rank, name, value))

    def styles(self, element: Any) -> dict[str, str]:
        """Property to value, both in lower case; what is inherited stands with the ancestor (CSS Cascade 4, 6.1)."""
        found = list(self._found.get(element, ()))
        for attribute, name in _PRESENTED.items():
            if value := element.get(attribute):
                found.append(((False, False, (0, 0, 0), -1), name, value.lower()))
        found += [
            ((each.important, True, (0, 0, 0), place), each.name, each.value.lower())
            for place, each in enumerate(declared(element.get("style") or ""))
        ]
        # A shorthand comes before what it stands for only if it was said before: both keep their place.
        return {name: value for _, name, value in sorted(found, key=lambda each: each[0])}


def cascades(root: Any) -> list[Cascade]:
    """The page as it is, and once more for each condition of its stylesheets; print and speech are left out.

    Costs milliseconds: once per template.
    """
    from cssselect import SelectorError

    plain = Cascade("")
    found = {"": plain}
    for number, (condition, selector, declarations) in enumerate(_rules(root)):
        if condition not in found and len(found) > _MOST_CONDITIONS:
            continue
        try:
            matched = list(_matched(root, selector))
        except SelectorError:
            continue
        told = [(each.important, each.name, each.value.lower()) for each in declared(declarations)]
        page = found.setdefault(condition, Cascade(condition))
        for element, specificity in matched:
            for important, name, value in told:
                page.add(element, (important, False, specificity, number), name, value)
    return [plain, *(_joined(plain, page) for page in found.values() if page.condition)]


def _joined(plain: Cascade, page: Cascade) -> Cascade:
    both = {element: [*told] for element, told in plain._found.items()}  # noqa: SLF001 - of this module
    for element, told in page._found.items():  # noqa: SLF001
        both.setdefault(element, []).extend(told)
    return Cascade(page.condition, both)


def _rules(root: Any) -> Iterator[tuple[str, str, str]]:
    """Condition, selector and declarations; Outlook's marks of dark mode count as dark mode."""
    for style in root.iter("style"):
        media = (style.get("media") or "").strip().lower()
        for rule in rules_of(style.text or ""):
            asked = [each for each in (media, rule.condition) if each not in _PLAIN]
            if any(_ELSEWHERE.match(each) for each in asked):
                continue
            bare = _OUTLOOK_DARK.sub("", rule.selector)
            if bare != rule.selector:
                asked = [_DARK]
            yield " and ".join(asked), bare or "*", rule.declarations


def _matched(root: Any, selector: str) -> Iterator[tuple[Any, tuple[int, int, int]]]:
    from cssselect import HTMLTranslator, Selector, parse

    selectors: Sequence[Selector] = parse(selector)
    for each in selectors:
        if each.pseudo_element is None:
            specificity = each.specificity()
            for element in root.xpath(HTMLTranslator().selector_to_xpath(each)):
                yield element, specificity
