"""Our own pace: how many mails an adapter and a recipient's domain get in a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar

from penstock.errors import ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.model.window import parse_window
from penstock.ports import ALL_STREAMS, Phase, RateQuery, Services

__all__ = ["RateLimit", "RateLimitOptions"]

_NAME = "rate_limit"
_READS = ("address",)
_UNLIMITED = (Reason(_NAME, Verdict.SEND, why="No pace is set for this way out.", rule="stage rate_limit"),)
_GRANTED = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The pace of this way out and of the recipient's domain allows it now.",
        facts=Facts(_READS),
        rule="stage rate_limit",
    ),
)


@dataclass(frozen=True, slots=True)
class RateLimitOptions:
    """Rates of a recipient domain, such as `["20/30min"]`; `domains` names those with rates of their own."""

    per_domain: tuple[str, ...] = ()
    domains: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Lane:
    """One queue of mails that share a limit: `mails` are places in the batch."""

    key: str
    label: str
    rates: tuple[str, ...]
    mails: tuple[int, ...]


class RateLimit:
    """Lets the first mails of each lane go and defers the rest to the moment of the next grant.

    A mail needs the grant of its recipient's domain and of its adapter. Domains are asked first and together,
    then the adapters for what the domains granted: at most two calls per batch, none where no rate is set.
    `until` is the machine's time, as rates are; waiting for it is no decision (`pace`).
    """

    Options: ClassVar[type] = RateLimitOptions
    name = _NAME
    phase = Phase.PACE
    streams = ALL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("rates", "routes", "adapter_rates")

    def __init__(self, options: RateLimitOptions, services: Services) -> None:
        """Raises ConfigError for a rate that cannot be read."""
        self._services = services
        self._per_domain = options.per_domain
        self._domains = {name.lower(): rates for name, rates in options.domains.items()}
        _refuse_unreadable(f"stage {_NAME}.per_domain", options.per_domain)
        for name, rates in options.domains.items():
            _refuse_unreadable(f"stage {_NAME}.domains.{name}", rates)
        for name, rates in services.adapter_rates.items():
            _refuse_unreadable(f"adapters.{name}.rate", rates)

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """First come, first served, in the order of the batch."""
        answers: list[tuple[Reason, ...]] = [_UNLIMITED] * len(mails)
        waiting = await self._take(self._domain_lanes(mails), answers)
        await self._take(self._adapter_lanes(mails, waiting), answers)
        return answers

    async def _take(self, lanes: Sequence[_Lane], answers: list[tuple[Reason, ...]]) -> set[int]:
        """Write the lanes' answers; the places that were not granted."""
        if not lanes:
            return set()
        queries = [RateQuery(lane.key, lane.rates, len(lane.mails)) for lane in lanes]
        refused: set[int] = set()
        for lane, grant in zip(lanes, await self._services.rates.take(queries), strict=True):
            granted = max(grant.granted, 0)
            for place in lane.mails[:granted]:
                answers[place] = _GRANTED
            if rest := lane.mails[granted:]:
                wait = (_wait(lane, grant.ready_at),)
                for place in rest:
                    answers[place] = wait
                refused.update(rest)
        return refused

    def _domain_lanes(self, mails: Sequence[Mail]) -> list[_Lane]:
        if not self._per_domain and not self._domains:
            return []
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, mail in enumerate(mails):
            places[mail.envelope.domain.lower()].append(place)
        rated = ((name, self._domains.get(name, self._per_domain), at) for name, at in places.items())
        return [_Lane(f"domain:{name}", name, rates, tuple(at)) for name, rates, at in rated if rates]

    def _adapter_lanes(self, mails: Sequence[Mail], refused: set[int]) -> list[_Lane]:
        rates: Mapping[str, tuple[str, ...]] = self._services.adapter_rates
        if not any(rates.values()):
            return []
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, mail in enumerate(mails):
            if place not in refused:
                places[self._services.way_of(mail)].append(place)
        rated = ((name, rates.get(name, ()), at) for name, at in places.items())
        return [_Lane(f"adapter:{name}", f"adapter {name}", own, tuple(at)) for name, own, at in rated if own]


def _wait(lane: _Lane, ready_at: float) -> Reason:
    until = datetime.fromtimestamp(ready_at, UTC)
    pace = " and ".join(lane.rates)
    return Reason(
        _NAME,
        Verdict.DEFER,
        Code.RATE_BACKOFF,
        f"Our pace of {pace} for {lane.label} is used up until {until:%H:%M:%S} UTC.",
        Facts(_READS, until=until),
        f"stage {_NAME}, {pace}",
        pace=True,
    )


def _refuse_unreadable(where: str, rates: Iterable[str]) -> None:
    for rate in rates:
        try:
            parse_window(rate)
        except ValueError as fault:
            raise ConfigError(str(fault), where=where, mend='write rates such as "20/30min"') from fault
