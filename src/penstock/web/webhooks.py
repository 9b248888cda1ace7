"""`POST /webhooks/{adapter}[/{path}]`: bounded in size and time, answered with a bare status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Door", "webhook_routes"]

MOST_OCTETS = 8 << 20
"""Of one call: the largest groups of events that ESPs make stay far below."""
SECONDS = 30.0
_NO_SUCH_DOOR, _TOO_LARGE, _TOO_SLOW = 404, 413, 408


class Door(Protocol):
    """One ESP's door."""

    async def knock(self, path: str, caller: str, headers: Mapping[str, str], body: bytes) -> int:
        """Take a call; the HTTP status to answer."""
        ...


def webhook_routes(doors: Mapping[str, Door], *, seconds: float = SECONDS) -> list[Route]:
    """The routes for these doors, by the adapters' names. A body that takes longer than `seconds` is given up."""

    async def knock(request: Request) -> Response:
        door = doors.get(request.path_params["adapter"])
        if door is None:
            return Response(status_code=_NO_SUCH_DOOR)
        try:
            async with asyncio.timeout(seconds):
                body = await _body(request)
        except TimeoutError:
            return Response(status_code=_TOO_SLOW)
        if body is None:
            return Response(status_code=_TOO_LARGE, headers={"Connection": "close"})
        caller = request.client.host if request.client else ""
        headers = {name.lower(): value for name, value in request.headers.items()}
        status = await door.knock(request.path_params.get("path", ""), caller, headers, body)
        challenge = {"WWW-Authenticate": 'Basic realm="webhooks"'} if status == 401 else {}
        return Response(status_code=status, headers=challenge)

    return [
        Route("/webhooks/{adapter}", knock, methods=["POST"]),
        Route("/webhooks/{adapter}/{path}", knock, methods=["POST"]),
    ]


async def _body(request: Request) -> bytes | None:
    """The raw body; None for one that is too large, which is not read to its end."""
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > MOST_OCTETS:
        return None
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > MOST_OCTETS:
            return None
        pieces.append(piece)
    return b"".join(pieces)
