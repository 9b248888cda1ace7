"""`POST /webhooks/{adapter}[/{path}]`: bounded in size and time, answered with a bare status."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Door", "webhook_routes"]

MOST_OCTETS = 8 << 20
"""Of one call: the largest groups of events that ESPs make stay far below."""
SECONDS = 30.0
_MAY_CALL, _NOT_LOGGED_IN, _NO_SUCH_DOOR, _TOO_SLOW, _TOO_LARGE = 200, 401, 404, 408, 413


class Door(Protocol):
    """One ESP's door."""

    async def let_in(self, path: str, caller: str, headers: Mapping[str, str]) -> int:
        """200 for who may call, else the HTTP status to answer."""
        ...

    async def knock(self, headers: Mapping[str, str], body: bytes) -> int:
        """Take a call of somebody who may; the HTTP status to answer."""
        ...


def webhook_routes(doors: Mapping[str, Door], *, seconds: float = SECONDS) -> list[Route]:
    """The routes for these doors, by the adapters' names. A body that takes longer than `seconds` is given up."""

    async def knock(request: Request) -> Response:
        door = doors.get(request.path_params["adapter"])
        if door is None:
            return Response(status_code=_NO_SUCH_DOOR)
        caller = request.client.host if request.client else ""
        headers = {name.lower(): value for name, value in request.headers.items()}
        status = await door.let_in(request.path_params.get("path", ""), caller, headers)
        if status != _MAY_CALL:
            challenge = {"WWW-Authenticate": 'Basic realm="webhooks"'} if status == _NOT_LOGGED_IN else {}
            return Response(status_code=status, headers={**challenge, "Connection": "close"})
        try:
            async with asyncio.timeout(seconds):
                body = await _body(request)
        except TimeoutError:
            return Response(status_code=_TOO_SLOW, headers={"Connection": "close"})
        except ClientDisconnect:
            return Response(status_code=_TOO_SLOW)
        if body is None:
            return Response(status_code=_TOO_LARGE, headers={"Connection": "close"})
        return Response(status_code=await door.knock(headers, body))

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
