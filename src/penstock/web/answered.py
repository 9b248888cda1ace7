"""Counts answers by route, around an application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Answered", "CountingApplication"]

Answered = Callable[[str, str, int], None]
"""Told of an answer: the route's pattern (empty where there is none), the method, the status."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class CountingApplication:
    """Passes everything on. Neither paths nor methods that callers make up are told."""

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], answered: Answered) -> None:
        self._app = app
        self._answered = answered
        self._patterns: dict[Any, str] = {}
        for route in routes:
            if isinstance(route, Route):
                self._patterns.setdefault(route.endpoint, route.path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 — ASGI's
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in _METHODS else ""
                self._answered(self._patterns.get(scope.get("endpoint"), ""), method, message["status"])
            await send(message)

        await self._app(scope, receive, sent)
