"""Reads CSS as far as letters need it: single selectors, what they declare, and on what condition (CSS Syntax 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Declaration", "Rule", "declared", "rules_of"]

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
# What is never closed reaches to the end, and nothing is tried twice: no search starts over and over.
_STRING = r"\"(?:[^\"\\]|\\.)*+(?:\"|\\?\Z)|'(?:[^'\\]|\\.)*+(?:'|\\?\Z)"
_PIECE = re.compile(rf"{_STRING}|[{{}};]|[^{{}};\"']+", re.DOTALL)
_GROUP = rf"\((?:[^()\"']|{_STRING})*+(?:\)|(?=\()|\Z)"
_COMMA = re.compile(rf"((?:{_STRING}|{_GROUP}|\[[^\]]*+(?:\]|\Z)|[^,])*+)(?:,|\Z)", re.DOTALL)
_DECLARATION = re.compile(
    rf"\s*(?P<name>-{{0,2}}[a-z_][\w-]*)\s*:\s*(?P<value>(?:{_STRING}|{_GROUP}|[^;])*+)(?:;|\Z)|(?:{_STRING}|[^;])*+(?:;|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_IMPORTANT = re.compile(r"\s*!\s*important\s*\Z", re.IGNORECASE)
_LONGEST_SELECTOR = 500
"""Longer ones, which no letter needs, would exhaust the stack of whoever resolves them: they are left out."""
_CONDITIONAL = re.compile(r"@(?:media|supports|layer|container)\b\s*", re.IGNORECASE)


class Declaration(NamedTuple):
    """One property in lower case and its value as written."""

    name: str
    value: str
    important: bool


class Rule(NamedTuple):
    """One selector of a stylesheet. `condition` is what its `@media` asks, in lower case; empty for none."""

    condition: str
    selector: str
    declarations: str


def rules_of(css: str) -> list[Rule]:
    """The rules of a stylesheet in their order, one for each selector; nothing is loaded that `@import` names."""
    found: list[Rule] = []
    opened: list[tuple[str, bool]] = []
    held: list[str] = []
    for piece in _PIECE.findall(_COMMENT.sub(" ", css)):
        if piece == "{":
            prelude = "".join(held).strip()
            opened.append((prelude, _CONDITIONAL.match(prelude) is not None))
            held = []
        elif piece == "}":
            if opened:
                prelude, group = opened.pop()
                if not group:
                    found += _rules(opened, prelude, "".join(held))
            held = []
        elif piece == ";" and not (opened and not opened[-1][1]):
            held = []  # an @import, @charset or @namespace
        else:
            held.append(piece)
    return found


def _rules(opened: list[tuple[str, bool]], prelude: str, declarations: str) -> Iterator[Rule]:
    if prelude.startswith("@") or not all(group for _, group in opened):
        return
    condition = " and ".join(_CONDITIONAL.sub("", outer).strip().lower() for outer, _ in opened)
    for selector in _COMMA.findall(prelude):
        if selector.strip() and len(selector) <= _LONGEST_SELECTOR:
            yield Rule(condition, " ".join(selector.split()), declarations.strip())


def declared(css: str) -> Iterator[Declaration]:
    """What a style attribute or a rule declares, in its order; what cannot be read is left out."""
    for found in _DECLARATION.finditer(css):
        if found["name"]:
            value = found["value"].strip()
            bare = _IMPORTANT.sub("", value)
            yield Declaration(found["name"].lower(), bare, bare != value)
