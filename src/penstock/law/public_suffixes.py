"""Where the domains end that anybody may register below, by the rules of publicsuffix.org."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Self

__all__ = ["PublicSuffixes"]


class PublicSuffixes:
    """The rules, sorted by kind so that a domain is walked once: `uk`, `co.uk`, `*.ck` and its exception `!www.ck`.

    `rules` are lines of the list; comments and what follows a space do not count. Names are compared in lower-case
    A-labels; a top-level domain without a rule is a public suffix.
    """

    __slots__ = ("_exceptions", "_suffixes", "_wildcards")

    def __init__(self, rules: Iterable[str]) -> None:
        self._suffixes: set[str] = set()
        self._wildcards: set[str] = set()
        self._exceptions: set[str] = set()
        for line in rules:
            rule = line.partition(" ")[0].strip().lower()
            if not rule or rule.startswith("//"):
                continue
            name = rule.removeprefix("!").removeprefix("*.")
            kind = self._exceptions if rule[0] == "!" else self._wildcards if rule[0] == "*" else self._suffixes
            kind.add(name if name.isascii() else name.encode("idna").decode())

    @classmethod
    def load(cls) -> Self:
        """With the list that the package `publicsuffixlist` ships, private suffixes included."""
        from publicsuffixlist import PSLFILE

        with Path(PSLFILE).open(encoding="utf-8") as lines:
            return cls(lines)

    def registrable(self, domain: str) -> str | None:
        """The shortest part of the domain that somebody can own; None for a public suffix and for what is no domain."""
        rest = domain.removesuffix(".").lower()
        if not rest or rest[0] == "." or rest[-1] == "." or ".." in rest:
            return None
        two_more = one_more = None  # the name with one label more, and with two
        while True:
            if rest in self._exceptions:
                return rest
            if rest in self._wildcards:
                return two_more
            if rest in self._suffixes:
                return one_more
            _, dot, shorter = rest.partition(".")
            if not dot:
                return one_more
            two_more, one_more, rest = one_more, rest, shorter
