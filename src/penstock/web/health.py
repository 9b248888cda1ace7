"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from penstock.errors import Unavailable
from penstock.observe.backlog import ReadBacklog
from penstock.observe.metrics import Tallies
from penstock.web.metrics import Exposition, ReadCounts, ReadSilences

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["ReadCounts", "ReadSilences", "health_routes"]

_NOT_FOUND, _UNAVAILABLE = 404, 503
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


def health_routes(
    counts: ReadCounts,
    silences: ReadSilences,
    *,
    backlog: ReadBacklog | None = None,
    tallies: Tallies | None = None,
    missing: Callable[[], str] = str,
    trial: Callable[[], Awaitable[None]] | None = None,
) -> list[Route]:
    """Alive: the loop turns. Ready: the store answers and takes what is written (`trial` raises Unavailable where it
    does not), and no process of the relay is `missing` (their names, empty where all go on). Metrics (Prometheus) are
    for callers of this machine only, as this listener is open to the world.
    """
    exposition = Exposition(counts, silences, backlog, tallies)

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        if why := await _unready(counts, trial, missing):
            return PlainTextResponse(f"{why}\n", status_code=_UNAVAILABLE)
        return PlainTextResponse("ok\n")

    async def metrics(request: Request) -> Response:
        if not _from_here(request):
            return Response(status_code=_NOT_FOUND)
        try:
            text, kind = await exposition.text()
        except Unavailable:
            return Response(status_code=_UNAVAILABLE)
        return Response(text, media_type=kind)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


async def _unready(counts: ReadCounts, trial: Callable[[], Awaitable[None]] | None, missing: Callable[[], str]) -> str:
    """Why nothing should be handed in here; empty where it may."""
    try:
        await counts()
    except Unavailable:
        return "the store does not answer"
    try:
        if trial is not None:
            await trial()
    except Unavailable:
        return "the store cannot be written to"
    names = missing()
    return f"not there: {names}" if names else ""


def _from_here(request: Request) -> bool:
    """Whether no proxy stands between and the caller is this machine."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False
