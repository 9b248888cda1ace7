"""What each role of a relay runs in one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from penstock.errors import Unavailable
from penstock.listening import Listening
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Outcome, Uncertain
from penstock.model.verdict import Decision
from penstock.observe.log import get_logger
from penstock.observe.metrics import Tallies
from penstock.relay.doors import Door, listening_socket
from penstock.relay.errands import RelayErrands
from penstock.relay.intake import RelayIntake
from penstock.relay.part import Part
from penstock.store.backlog_reader import BacklogReader
from penstock.store.write_trial import WriteTrial
from penstock.web.health import health_routes
from penstock.wiring import House

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

__all__ = ["RelayRoles"]

_AGAIN_SECONDS = 1.0

_log = get_logger("relay")


class RelayRoles:
    """The roles of one part on an open house."""

    def __init__(self, house: House, part: Part, tallies: Tallies, missing: Callable[[], str] = str) -> None:
        """`missing` answers the names of the relay's processes that are not there. Raises ConfigError."""
        self._house = house
        self._part = part
        self._tallies = tallies
        self._missing = missing
        self._listening = Listening(house)
        self._backlog = BacklogReader(house.store.database, house.clock, perf_counter)
        self._trial = WriteTrial(house.store.database, perf_counter)
        self._open: set[str] = set()
        self._all_open = asyncio.Event()

    @property
    def webhooks(self) -> Sequence[str]:
        """The adapters whose ESPs call back here."""
        return list(self._listening.doors) if "web" in self._part.roles else []

    async def run(self, stop: asyncio.Event, ready: Callable[[Sequence[str]], None]) -> None:
        """Until `stop` is set; `ready` is told the addresses once all doors are open.

        Raises ConfigError and, before everything is open, Unavailable.
        """
        self._tallies.started(self._part.name)
        tasks = [asyncio.create_task(job) for job in self._jobs(stop)]
        tasks.append(asyncio.create_task(self._announce(ready)))
        try:
            await asyncio.wait({*tasks[:-1], asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            tasks[-1].cancel()
            results = await asyncio.gather(*tasks[:-1], return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _jobs(self, stop: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
        jobs = [self._web(door, stop) for door in self._doors("web")]
        if taking := self._doors("smtp", "smtps", "http"):
            jobs.append(RelayIntake(self._house, self._tallies).run(taking, self._health(), stop, self._opened))
        if "worker" in self._part.roles:
            jobs.append(self._send(stop))
        if self._part.errands:
            jobs.append(RelayErrands(self._house, self._backlog.read, self._tallies).run(stop))
            if "web" not in self._part.roles:
                jobs.append(self._attend(stop))
        return jobs

    def _doors(self, *kinds: str) -> list[Door]:
        return [door for door in self._part.doors if door.kind in kinds]

    def _opened(self, door: Door, _url: str = "") -> None:
        self._arrived(f"{door.kind} {door.host} {door.port}")

    def _arrived(self, what: str) -> None:
        self._open.add(what)
        if len(self._open) == len(self._part.doors) + ("worker" in self._part.roles):
            self._all_open.set()

    async def _announce(self, ready: Callable[[Sequence[str]], None]) -> None:
        await self._all_open.wait()
        ready([door.url for door in self._part.doors])

    def _health(self) -> list[BaseRoute]:
        counts = self._house.store.returns.counts
        made = health_routes(
            counts, self._listening.silences, backlog=self._backlog.read, tallies=self._tallies, missing=self._missing,
            trial=self._trial.run,
        )  # fmt: skip
        return [*made]

    async def _web(self, door: Door, stop: asyncio.Event) -> None:
        await self._listening.run(
            stop,
            ready=partial(self._opened, door),
            given=listening_socket(door),
            health=self._health(),
            answered=partial(self._tallies.answered, "web"),
            keeps_house=self._part.errands,
        )

    async def _attend(self, stop: asyncio.Event) -> None:
        """What ESPs told elsewhere is read here, too."""
        async with self._listening.attending(stop):
            await stop.wait()

    async def _send(self, stop: asyncio.Event) -> None:
        """Round after round. A store that is away is waited for."""
        worker = self._house.worker(self._decided)
        grace = float(self._house.settings.relay.grace_seconds)
        self._arrived("worker")
        while not stop.is_set():
            try:
                await worker.serve(stop, grace=grace)
            except Unavailable as fault:
                _log.warning("worker_waits", fault=type(fault).__name__)
            try:
                await asyncio.wait_for(stop.wait(), _AGAIN_SECONDS)
            except TimeoutError:
                continue

    def _decided(self, mail: Mail, decision: Decision, outcome: Outcome | None) -> None:
        by = outcome.via if isinstance(outcome, Accepted | Uncertain) else ""
        self._tallies.decided(by or self._house.services.way_of(mail), mail, decision, outcome)
