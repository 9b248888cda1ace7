"""The public listener: opt-outs and what comes back from ESPs, the reader of kept calls, what is due now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from socket import socket

from starlette.routing import BaseRoute

from penstock.errors import AdapterUnavailable, Unavailable, WebhookRejected
from penstock.inbound.event_reader import EventReader
from penstock.inbound.webhook_door import WebhookDoor
from penstock.model.address import Address
from penstock.observe.log import get_logger
from penstock.opting_out import OptingOut
from penstock.ports import WebhookCodec
from penstock.probing import Probing
from penstock.suppression_sync import SuppressionSync
from penstock.ways_in import door_rules, fetched, open_codecs
from penstock.web.answered import Answered
from penstock.web.health import health_routes
from penstock.web.listener import serve
from penstock.web.opt_out import opt_out_routes
from penstock.web.opt_out_pages import OptOutPages
from penstock.web.webhooks import webhook_routes
from penstock.wiring import House

__all__ = ["Listening"]

_LOOK_SECONDS = 1.0
_KEEP_HOUSE_SECONDS = 3_600.0

_log = get_logger("listening")


class Listening:
    """One listener on an open house. Several processes may listen on stores of their own or share one."""

    def __init__(self, house: House) -> None:
        """Raises ConfigError for a webhook that could be forged or that no installed package reads."""
        self._house = house
        self._returns = house.store.returns
        self._wake = asyncio.Event()
        self._visits: set[asyncio.Task[None]] = set()
        self._codecs = open_codecs(house.settings)
        self._doors = {name: self._door(name, codec) for name, codec in self._codecs.items()}
        self._reader = EventReader(self._codecs, self._returns, self._keys, house.clock)

    @property
    def doors(self) -> Mapping[str, WebhookCodec]:
        """The codecs, by adapter."""
        return self._codecs

    async def run(
        self,
        stop: asyncio.Event,
        *,
        ready: Callable[[str], None] = lambda _url: None,
        given: socket | None = None,
        health: Sequence[BaseRoute] | None = None,
        answered: Answered | None = None,
        keeps_house: bool = True,
    ) -> None:
        """Serve and read until `stop` is set. Raises ConfigError and Unavailable.

        At the socket that is `given`, with these routes for `health` and `answered` told of each answer. One process of
        several `keeps_house`.
        """
        settings = self._house.settings.web
        own = health_routes(self._returns.counts, self.silences) if health is None else health
        pages = opt_out_routes(OptingOut(self._house), OptOutPages(self._house.services.templates))
        async with self.attending(stop, keeps_house=keeps_house), self._probing(stop, ready) as told:
            await serve(
                [*pages, *webhook_routes(self._doors), *own],
                settings.listen,
                stop,
                trusted_proxies=settings.trusted_proxies,
                ready=told,
                given=given,
                answered=answered,
            )

    @asynccontextmanager
    async def _probing(self, stop: asyncio.Event, ready: Callable[[str], None]) -> AsyncIterator[Callable[[str], None]]:
        """Tries the public pages from outside, once there is somebody inside."""
        tries: list[asyncio.Task[None]] = []

        def told(url: str) -> None:
            tries.append(asyncio.create_task(Probing(self._house).keep_looking(stop)))
            ready(url)

        try:
            yield told
        finally:
            for task in tries:
                task.cancel()
            await asyncio.gather(*tries, return_exceptions=True)

    @asynccontextmanager
    async def attending(self, stop: asyncio.Event, *, keeps_house: bool = True) -> AsyncIterator[None]:
        """Read what was kept, whoever keeps it, and do what is due from time to time; in the end `stop` is set."""
        await self._returns.open_door(list(self._doors))
        await self._returns.read_again(list(self._doors))
        tasks = [asyncio.create_task(self._read(stop))]
        keeping = [asyncio.create_task(self._keep_house(stop))] if keeps_house else []
        try:
            yield
        finally:
            stop.set()
            self._wake.set()
            for task in keeping:
                task.cancel()  # a sync may take long, and goes on where it was
            await asyncio.gather(*tasks, *keeping, *self._visits, return_exceptions=True)

    async def read(self) -> int:
        """Read what waits, and settle doubts that it clears up; how many calls there were."""
        number = await self._reader.read()
        await self._returns.settle_doubts()
        return number

    async def silences(self) -> Mapping[str, bool]:
        """By adapter, whether its ESP is silent; empty where the config watches nobody."""
        hours = self._house.settings.inbound.silent_after_hours
        watched = self._doors if hours else {}
        return {name: await self._returns.silence(name, hours) is not None for name in watched}

    async def _read(self, stop: asyncio.Event) -> None:
        """What was kept by another process, or before a crash, is seen within a second."""
        while not stop.is_set():
            try:
                await self.read()
            except Unavailable as fault:
                _log.warning("reader_waits", fault=type(fault).__name__)
            except Exception as fault:  # noqa: BLE001 — who stops reading stops hearing objections
                _log.error("reader_failed", fault=type(fault).__name__)
            await _either(self._wake, _LOOK_SECONDS)
            self._wake.clear()

    async def _keep_house(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            settings, now = self._house.settings, self._house.clock.now()
            try:
                await self._returns.forget(now - timedelta(days=settings.inbound.keep_calls_days))
                await self._house.store.mails.forget_messages(
                    now - timedelta(days=settings.relay.keep_days), now - timedelta(days=settings.relay.hold_days)
                )
                await self.sync()
            except Unavailable as fault:
                _log.warning("housekeeping_waits", fault=type(fault).__name__)
            except Exception as fault:  # noqa: BLE001 — the next round may do better, and all else goes on
                _log.error("housekeeping_failed", fault=type(fault).__name__)
            await _either(stop, _KEEP_HOUSE_SECONDS)

    async def sync(self) -> list[str]:
        """Sync the suppression lists that are due (`[inbound] sync_hours`); the adapters that were.

        Processes that share a store share the time of the last sync, too.
        """
        hours = self._house.settings.inbound.sync_hours
        if not hours:
            return []
        last = {each.adapter: each.last_at for each in await self._returns.counts() if each.what == "synced"}
        now = self._house.clock.now()
        due_before = now - timedelta(hours=hours)
        done = []
        for name, adapter in self._house.adapters.items():
            if getattr(adapter, "lists", None) is None or due_before < last.get(name, due_before) <= now:
                continue
            try:
                synced = await SuppressionSync(self._house, name).run()
            except AdapterUnavailable as fault:
                _log.warning("sync_waits", adapter=name, why=fault.what)
                continue
            except Unavailable:
                raise
            except Exception as fault:  # noqa: BLE001 — a plugin that stumbles must not stop the syncs of others
                _log.error("sync_failed", adapter=name, fault=type(fault).__name__)
                continue
            await self._returns.count(name, "synced")
            _log.info("synced", adapter=name, pulled=synced.pulled, pushed=synced.pushed)
            done.append(name)
        return done

    def _door(self, name: str, codec: WebhookCodec) -> WebhookDoor:
        rules = door_rules(self._house.settings, name, codec)
        return WebhookDoor(name, codec, rules, self._returns, self._house.clock, wake=self._wake.set, visit=self._visit)

    def _visit(self, address: str) -> None:
        """Fetch it beside all else. Where that fails, the ESP makes the same call again, and so it is fetched again."""
        task = asyncio.create_task(_visited(address))
        self._visits.add(task)
        task.add_done_callback(self._visits.discard)

    def _keys(self, address: Address) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        identifier = self._house.identifier
        return identifier.person_keys(address), identifier.entry_keys(address)


async def _visited(address: str) -> None:
    try:
        await fetched(address)
    except (WebhookRejected, AdapterUnavailable) as fault:
        _log.warning("webhook_visit_failed", why=fault.what)
    else:
        _log.info("webhook_confirmed")


async def _either(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
