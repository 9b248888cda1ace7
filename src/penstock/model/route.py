"""`failover(a b)`, `roundrobin(a b)`, `weighted(a=3 b=1)`: several ways out written as one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Name", "Route", "Several", "names_in", "parse_route"]

Kind = Literal["failover", "roundrobin", "weighted"]
_KINDS: dict[str, Kind] = {"failover": "failover", "roundrobin": "roundrobin", "weighted": "weighted"}
_TOKENS = re.compile(r"\s*(?:([A-Za-z0-9._-]+)|([()=])|(\S))")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Name:
    """One adapter."""

    name: str


@dataclass(frozen=True, slots=True)
class Several:
    """Two or more ways out, each with a weight; all are 1 where the kind has none."""

    kind: Kind
    routes: tuple[tuple[Route, int], ...]


Route = Name | Several


def parse_route(text: str) -> Route:
    """A name or an expression; expressions may be nested. Raises ValueError that says what is wrong."""
    tokens = [next(part for part in match if part) for match in _TOKENS.findall(text)]
    route, rest = _route(tokens, 0)
    if rest:
        raise ValueError(f"nothing may follow after {text[: text.rfind(rest[0])].strip()!r}")
    return route


def names_in(route: Route) -> Iterator[str]:
    """The adapters of a route, in their order."""
    match route:
        case Name(name):
            yield name
        case Several(routes=routes):
            for each, _ in routes:
                yield from names_in(each)


def _route(tokens: Sequence[str], depth: int) -> tuple[Route, Sequence[str]]:
    if not tokens or not tokens[0][0].isalnum():
        raise ValueError("an adapter's name is missing")
    word, rest = tokens[0], tokens[1:]
    if not rest or rest[0] != "(":
        return Name(word), rest
    if word not in _KINDS:
        raise ValueError(f"{word} is no kind of route; known: {', '.join(_KINDS)}")
    if depth >= _DEEPEST:
        raise ValueError("routes are nested too deep")
    kind, rest, routes = _KINDS[word], rest[1:], []
    while rest and rest[0] != ")":
        each, rest = _route(rest, depth + 1)
        weight, rest = _weight(kind, rest)
        routes.append((each, weight))
    if not rest:
        raise ValueError(f"the bracket of {word} is not closed")
    if len(routes) < 2:
        raise ValueError(f"{word} needs two or more adapters")
    names = list(names_in(Several(kind, tuple(routes))))
    if len(set(names)) < len(names):
        raise ValueError("an adapter stands there twice")
    return Several(kind, tuple(routes)), rest[1:]


def _weight(kind: Kind, rest: Sequence[str]) -> tuple[int, Sequence[str]]:
    if kind != "weighted":
        return 1, rest
    if len(rest) < 2 or rest[0] != "=" or not rest[1].isdigit() or not int(rest[1]):
        raise ValueError("weighted needs a number of 1 or more for each adapter: weighted(a=3 b=1)")
    return int(rest[1]), rest[2:]
