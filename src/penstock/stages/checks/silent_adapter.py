"""Whether the ESP behind the way out still tells what becomes of its mails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.route import names_in, parse_route
from penstock.model.verdict import Facts, Reason, Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services, Silence

__all__ = ["SilentAdapter"]

_NAME = "silent_adapter"
_RULE = "inbound.silent_after_hours"
_AGAIN = timedelta(minutes=15)
_GOOD_FOR_SECONDS = 60.0
_UNWATCHED = (Reason(_NAME, Verdict.SEND, None, "No ESP is watched that this mail must leave by.", rule=_RULE),)
_HEARD = (Reason(_NAME, Verdict.SEND, None, "The ESP behind the way out is not silent.", rule=_RULE),)


class SilentAdapter:
    """Defers advertising while the ESP behind its way out tells nothing of mail that it was given long ago.

    Bounces and complaints would be missed, and people be mailed who refused. One mail goes as a probe where none
    went within the last hour. A route of several carries mail as long as one of its adapters is not silent.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("clock", "routes", "returns", "silent_after_hours", "doors")

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._services = services
        self._watches = bool(services.doors) and services.silent_after_hours > 0
        # A probe that an earlier check stops would prove nothing.
        self.hears = self._watches
        self._routes: dict[str, tuple[str, ...]] = {}
        self._known: dict[str, tuple[float, Silence | None]] = {}
        self._asking = asyncio.Lock()  # two rounds walk at once, and one probe is enough

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """One store call for each adapter that the batch needs; none within a minute of the last."""
        if not self._watches:
            return [_UNWATCHED] * len(mails)
        ways = [self._watched_in(self._services.way_of(mail)) for mail in mails]
        used = dict.fromkeys(ways)
        await self._ask(dict.fromkeys(name for names in used for name in names))
        until = self._services.clock.now() + _AGAIN
        said = {names: self._said(names, until) for names in used}
        return [self._probe(mail, names) or said[names] for mail, names in zip(mails, ways, strict=True)]

    def _watched_in(self, way: str) -> tuple[str, ...]:
        """All adapters of a route; none where one of them has no door, as nobody can say that it is silent."""
        known = self._routes.get(way)
        if known is None:
            names = tuple(names_in(parse_route(way))) if way else ()
            known = self._routes[way] = names if self._services.doors.issuperset(names) else ()
        return known

    async def _ask(self, adapters: Iterable[str]) -> None:
        hours = self._services.silent_after_hours
        async with self._asking:
            now = self._services.clock.machine()
            for name in adapters:
                known = self._known.get(name)
                if known is None or not 0 <= now - known[0] < _GOOD_FOR_SECONDS:
                    self._known[name] = now, await self._services.returns.silence(name, hours)

    def _silent_of(self, adapters: Sequence[str]) -> dict[str, Silence]:
        found = {name: self._known[name][1] for name in adapters}
        return {name: silence for name, silence in found.items() if silence is not None}

    def _said(self, adapters: Sequence[str], until: datetime) -> tuple[Reason, ...]:
        if not adapters:
            return _UNWATCHED
        silent = self._silent_of(adapters)
        if len(silent) == len(adapters):
            return tuple(_deferred(name, silence, until) for name, silence in silent.items())
        return tuple(_sent(*each, "its route has another way out") for each in silent.items()) or _HEARD

    def _probe(self, mail: Mail, adapters: Sequence[str]) -> tuple[Reason, ...]:
        """Lets the mail go where none went lately, and notes that it does; empty where it has to wait, or need not."""
        silent = self._silent_of(adapters)
        if not silent or len(silent) < len(adapters) or any(silence.probed for silence in silent.values()):
            return ()
        if strictest(mail.reasons) is not Verdict.SEND:
            return ()
        for name, silence in silent.items():
            self._known[name] = self._known[name][0], replace(silence, probed=True)
        return tuple(_sent(*each, "this mail goes to see whether it does now") for each in silent.items())


def _deferred(adapter: str, silence: Silence, until: datetime) -> Reason:
    why = f"{_told_nothing(adapter, silence)}; see penstock doctor."
    return Reason(_NAME, Verdict.DEFER, Code.RATE_BACKOFF, why, Facts((), (f"adapter:{adapter}",), until), _RULE)


def _sent(adapter: str, silence: Silence, although: str) -> Reason:
    why = f"{_told_nothing(adapter, silence)}; {although}."
    return Reason(_NAME, Verdict.SEND, None, why, Facts((), (f"adapter:{adapter}",)), _RULE)


def _told_nothing(adapter: str, silence: Silence) -> str:
    since = f"{silence.since:%Y-%m-%d %H:%M} UTC"
    return f"The ESP behind the adapter {adapter} has told nothing since {since} of mail it was given"
