"""From `[routes]` in the config to ways out: a route is an adapter, or one made of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penstock.adapters.several import Failover, Weighted
from penstock.model.route import Name, Route, parse_route
from penstock.ports import Adapter

__all__ = ["with_routes"]


def with_routes(adapters: Mapping[str, Adapter], routes: Iterable[str]) -> dict[str, Adapter]:
    """The adapters, and beside them each route that is made of several, under its own text."""
    return {**{text: _made(text, parse_route(text), adapters) for text in routes}, **adapters}


def _made(text: str, route: Route, adapters: Mapping[str, Adapter]) -> Adapter:
    if isinstance(route, Name):
        return adapters[route.name]
    parts = [(_made(text, each, adapters), weight) for each, weight in route.routes]
    if route.kind == "failover":
        return Failover(text, [adapter for adapter, _ in parts])
    return Weighted(text, parts)
