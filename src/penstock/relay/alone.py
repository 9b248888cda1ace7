"""A relay of one process: its roles run where it was started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence

from penstock.observe.log import configure
from penstock.observe.metrics import Tallies
from penstock.relay.doors import Reserved, doors_of
from penstock.relay.part import parts_of
from penstock.relay.roles import RelayRoles
from penstock.relay.service_notice import ServiceNotice, given_sockets
from penstock.wiring import House

__all__ = ["run_alone"]


async def run_alone(
    house: House, roles: frozenset[str], stop: asyncio.Event, ready: Callable[[Sequence[str]], None]
) -> None:
    """Until `stop` is set; `ready` is told the addresses once all doors are open. Raises ConfigError, Unavailable."""
    configure(json=not sys.stderr.isatty(), level=20)
    notice = ServiceNotice()
    reserved = Reserved(doors_of(house.settings, roles, given_sockets(os.environ)))
    telling: list[asyncio.Task[None]] = []

    def up(urls: Sequence[str]) -> None:
        ready(urls)
        telling.append(asyncio.create_task(notice.stay()))

    stopping = asyncio.create_task(_on(stop, notice))
    try:
        (part,) = parts_of(roles, 1, 1, tuple(reserved.doors))
        await RelayRoles(house, part, Tallies()).run(stop, up)
    finally:
        for task in [*telling, stopping]:
            task.cancel()
        await asyncio.gather(*telling, stopping, return_exceptions=True)
        reserved.close()


async def _on(stop: asyncio.Event, notice: ServiceNotice) -> None:
    await stop.wait()
    notice.say("STOPPING=1")
