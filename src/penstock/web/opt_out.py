"""`/u/{token}`: GET shows what the button does, POST does it (RFC 8058)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from penstock.errors import Unavailable
from penstock.model.campaign import Controller
from penstock.web.opt_out_misses import Misses
from penstock.web.opt_out_pages import OptOutPages

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["MOST_OCTETS", "OptOut", "OptOutEffect", "opt_out_routes"]

MOST_OCTETS = 4 << 10
"""Of a body: what RFC 8058 asks for takes 200, in the longer of its two forms."""
SECONDS = 5.0
_NOT_FOUND, _TOO_SLOW, _TOO_LARGE, _TOO_OFTEN = 404, 408, 413, 429
_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class OptOut:
    """What a genuine link is about. `purpose` is that of its token: `header` or `body`.

    `controller` is None where the config does not name it any more, `language` where nobody knows it, as of people who
    were erased. `test`: the mail went to ourselves, and nothing changes.
    """

    mail_id: str
    purpose: str
    controller: Controller | None
    language: str | None
    test: bool = False


class OptOutEffect(Protocol):
    """What the page leads to."""

    async def look_up(self, token: str, /) -> OptOut | None:
        """What the token is about; None for one that is no opt-out token of ours, whatever is wrong with it.

        Raises Unavailable where it is genuine and cannot be obeyed now.
        """
        ...

    async def opt_out(self, found: OptOut, /) -> None:
        """Durable and in force in every process when this returns; again is the same. Raises Unavailable."""
        ...


def opt_out_routes(
    effect: OptOutEffect, pages: OptOutPages, *, seconds: float = SECONDS, misses: Misses | None = None
) -> list[Route]:
    """The routes of the public opt-out.

    Who holds the link may opt out: no login, no cookie, no redirect. GET, HEAD and OPTIONS change nothing, as programs
    open links before people do. What a POST carries is read up to 4 KiB and `seconds`, and not looked at: RFC 8058 has
    two encodings of one fixed body, mail programs leave it out or send others, and nobody POSTs to such an address but
    to opt out. A link that is not ours is answered as any path that does not exist; who asks for many is told to wait.
    """
    counted = misses or Misses()

    async def answer(request: Request) -> Response:
        accepted = request.headers.get("accept-language", "")
        try:
            found = await effect.look_up(request.path_params["token"])
            if found is None:
                return _missed(request, counted)
            posted = request.method == "POST"
            if posted and (refused := await _read(request, seconds)) is not None:
                return Response(status_code=refused, headers=_CLOSE)
            if posted:
                await effect.opt_out(found)
        except Unavailable:
            return pages.page("away", accepted=accepted)
        return pages.page(
            "done" if posted else "ask", found.controller, language=found.language, accepted=accepted, test=found.test
        )

    # Any path below, as Starlette would answer a slash at the end with a redirect.
    return [Route("/u/{token:path}", answer, methods=["GET", "HEAD", "POST"])]


def _missed(request: Request, misses: Misses) -> Response:
    caller = request.client.host if request.client else ""
    if misses.too_many(caller, asyncio.get_running_loop().time()):
        return Response(status_code=_TOO_OFTEN, headers={**_CLOSE, "Retry-After": "60"})
    raise HTTPException(_NOT_FOUND)


async def _read(request: Request, seconds: float) -> int | None:
    """Read the body to its end; the status that refuses it, None where it is fine."""
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > MOST_OCTETS:
        return _TOO_LARGE
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                size += len(piece)
                if size > MOST_OCTETS:
                    return _TOO_LARGE
    except (TimeoutError, ClientDisconnect):
        return _TOO_SLOW
    return None
