"""What `/metrics` tells (Prometheus): what the processes counted, and what lies in the store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.observe.backlog import Backlog, ReadBacklog
from penstock.observe.metrics import Tallies
from penstock.ports import ReturnCount

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

__all__ = ["Exposition", "ReadCounts", "ReadSilences"]

ReadCounts = Callable[[], Awaitable[Sequence[ReturnCount]]]
ReadSilences = Callable[[], Awaitable[Mapping[str, bool]]]
"""By adapter, whether its ESP is silent; those that nobody watches are left out."""


@dataclass(frozen=True, slots=True)
class Exposition:
    """Where the numbers come from."""

    counts: ReadCounts
    silences: ReadSilences
    backlog: ReadBacklog | None = None
    tallies: Tallies | None = None

    async def text(self) -> tuple[bytes, str]:
        """The octets to answer and their content type. Raises Unavailable."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        stored = CollectorRegistry()
        backlog = await self.backlog() if self.backlog is not None else None
        stored.register(_Stored(await self.counts(), await self.silences(), backlog))
        told = [*self._counted(), stored]
        return b"".join(generate_latest(each) for each in told), CONTENT_TYPE_LATEST

    def _counted(self) -> list[CollectorRegistry]:
        return [self.tallies.registry()] if self.tallies is not None else []


class _Stored:
    """What the processes share, as one process tells it."""

    def __init__(self, counts: Sequence[ReturnCount], silences: Mapping[str, bool], backlog: Backlog | None) -> None:
        self._counts = counts
        self._silences = silences
        self._backlog = backlog

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
        if self._backlog is not None:
            yield from _waiting(self._backlog)


def _waiting(backlog: Backlog) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    plain = {
        "penstock_queue": ("Mails that wait for their turn, those in work among them.", backlog.waiting),
        "penstock_queue_oldest_seconds": ("How long the longest due mail is due.", backlog.oldest_seconds),
        "penstock_begun": ("Mails that began and have not ended.", backlog.begun),
        "penstock_uncertain": ("Mails that may have been sent; a person decides.", backlog.uncertain),
        "penstock_store_seconds": ("How long the store took to count these.", backlog.store_seconds),
    }
    for name, (about, value) in plain.items():
        yield GaugeMetricFamily(name, about, value=value)
    held = GaugeMetricFamily("penstock_held", "Mails that are held, by headline.", labels=["code"])
    for code, number in backlog.held.items():
        held.add_metric([code], number)
    yield held
