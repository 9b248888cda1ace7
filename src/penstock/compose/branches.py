"""Which elements of a template stand inside its statements, and whether statements cut through elements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["TAG", "Branches", "is_statement"]

_STRING = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
TAG = (
    r"\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}"
    r"|\{\#.*?\#\}"
    rf"|\{{%(?:{_STRING}|[^'\"%]|%(?!\}}))*%\}}"
    rf"|\{{\{{(?:{_STRING}|[^'\"}}]|\}}(?!\}}))*\}}\}}"
)
"""A regular expression for one template tag; it wants DOTALL."""
_STATEMENT = re.compile(r"\{%[-+]?\s*(?P<word>\w+)(?P<rest>.*)", re.DOTALL)
_BLOCKS = frozenset({"if", "for", "set", "macro", "call", "filter", "with", "autoescape", "block"})
_ELSEWHERE = frozenset({"macro", "call", "filter", "set"})
_DEEPEST = 500
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)


def is_statement(tag: str) -> bool:
    """Whether a template tag is one of those with `%`, `raw` left out."""
    found = _STATEMENT.match(tag)
    return found is not None and found["word"] != "raw"


@dataclass(slots=True)
class Branches:
    """Follows a template from its start to its end.

    `depth` is how many blocks are open. `repeated`: a block has been seen. `loose`: one opens an element and leaves it
    open, closes one that it has not opened, or prints its elements elsewhere, so that nobody knows what stands in what.
    `deep`: more elements stand in one another than any letter needs.
    """

    depth: int = 0
    repeated: bool = False
    loose: bool = False
    deep: bool = False
    _open: list[str] = field(default_factory=list)
    _before: list[tuple[list[str], bool]] = field(default_factory=list)

    @property
    def filtered(self) -> bool:
        """Whether a filter changes what stands here once it is rendered."""
        return any(filtered for _, filtered in self._before)

    def statement(self, tag: str) -> None:
        """A template tag of any kind."""
        found = _STATEMENT.match(tag)
        if found is None or found["word"] == "raw":
            return
        word = found["word"]
        if word in _BLOCKS and not (word == "set" and "=" in found["rest"]):
            self.repeated = True
            self.loose |= word in _ELSEWHERE
            self.depth += 1
            self._before.append(([*self._open], word == "filter" or (word == "set" and "|" in found["rest"])))
        elif word.startswith("end") or word in {"else", "elif"}:
            if self._before:
                outside, _ = self._before[-1]
                self.loose |= self._open != outside
                self._open = [*outside]
            if word.startswith("end"):
                self.depth -= 1
                if self._before:
                    self._before.pop()

    def opened(self, name: str) -> None:
        """A start tag, not one that closes itself."""
        if len(self._open) >= _DEEPEST:
            self.loose = self.deep = True
        elif name.lower() not in _VOID:
            self._open.append(name.lower())

    def closed(self, name: str) -> None:
        """An end tag; one of an element that is not open means nothing."""
        name = name.lower()
        if name not in self._open:
            return
        while self._open.pop() != name:
            pass
