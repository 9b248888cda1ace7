"""Turns away requests that two readers may understand in two ways, around an application."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["OneMeaning", "is_ambiguous"]

_ONCE = frozenset({b"authorization", b"content-type"})
"""A proxy may believe the one, and we the other (RFC 9110 section 5.3)."""
_LENGTHS = frozenset({b"content-length", b"transfer-encoding"})


def is_ambiguous(names: Iterable[bytes]) -> bool:
    """Whether the field names of a request, in small letters, leave open who asks for what, or where its body ends.

    A request with both lengths is how others' requests are smuggled through a proxy (RFC 9112 section 6.1).
    """
    seen: set[bytes] = set()
    for name in names:
        if name in seen and name in _ONCE:
            return True
        seen.add(name)
    return seen >= _LENGTHS


class OneMeaning:
    """Passes on what has one meaning. Else the answer is 400, and the connection ends: what follows may be anything."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 — ASGI's
        if scope["type"] == "http" and is_ambiguous(name for name, _ in scope["headers"]):
            refusal = PlainTextResponse("ambiguous request", 400, {"Connection": "close"})
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)
