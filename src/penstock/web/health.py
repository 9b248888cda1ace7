"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from penstock.errors import Unavailable
from penstock.ports import ReturnCount

if TYPE_CHECKING:
    from prometheus_client import Metric
    from starlette.requests import Request

__all__ = ["ReadCounts", "ReadSilences", "health_routes"]

ReadCounts = Callable[[], Awaitable[Sequence[ReturnCount]]]
ReadSilences = Callable[[], Awaitable[Mapping[str, bool]]]
"""By adapter, whether its ESP is silent; those that nobody watches are left out."""
_NOT_FOUND, _UNAVAILABLE = 404, 503
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")


def health_routes(counts: ReadCounts, silences: ReadSilences) -> list[Route]:
    """Alive: the loop turns. Ready: the store answers. Metrics (Prometheus) are for callers of this machine only, as
    this listener is open to the world.
    """

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        try:
            await counts()
        except Unavailable:
            return PlainTextResponse("the store does not answer\n", status_code=_UNAVAILABLE)
        return PlainTextResponse("ok\n")

    async def metrics(request: Request) -> Response:
        if not _from_here(request):
            return Response(status_code=_NOT_FOUND)
        try:
            found, silent = await counts(), await silences()
        except Unavailable:
            return Response(status_code=_UNAVAILABLE)
        return _exposed(found, silent)

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


def _from_here(request: Request) -> bool:
    """Whether no proxy stands between and the caller is this machine."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _exposed(counts: Sequence[ReturnCount], silences: Mapping[str, bool]) -> Response:
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(counts, silences))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Collector:
    """What the processes share, as one process tells it."""

    def __init__(self, counts: Sequence[ReturnCount], silences: Mapping[str, bool]) -> None:
        self._counts = counts
        self._silences = silences

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        names = ["adapter", "what"]
        total = CounterMetricFamily("penstock_returns", "What came back from ESPs, by adapter and kind.", labels=names)
        last = GaugeMetricFamily("penstock_returns_last_seconds", "When it came last, as Unix time.", labels=names)
        for each in self._counts:
            labels = [each.adapter, each.what]
            total.add_metric(labels, each.number)
            last.add_metric(labels, each.last_at.timestamp())
        about = "Whether an ESP told nothing for too long of mail that it got, so that advertising waits (1)."
        silent = GaugeMetricFamily("penstock_adapter_silent", about, labels=names[:1])
        for adapter, is_silent in self._silences.items():
            silent.add_metric([adapter], float(is_silent))
        yield from (total, last, silent)
