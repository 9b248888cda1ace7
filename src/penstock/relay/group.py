"""A relay as a group of processes, seen from the one that keeps them running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from penstock.config.settings import Settings
from penstock.observe.metrics import SHARED_FOLDER, forget_process
from penstock.relay.doors import Door, Reserved, doors_of
from penstock.relay.part import PROGRAM, RelayOrder, parts_of
from penstock.relay.service_notice import ServiceNotice, given_sockets
from penstock.relay.supervising import Pace, Post, Supervisor
from penstock.store.opening import has_data

__all__ = ["run_group"]

_OF_THE_STARTER = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
_MARGIN_SECONDS = 2.0
"""For what comes after the grace, in which the processes themselves break off what is not over: closing the store."""


async def run_group(
    settings: Settings,
    roles: frozenset[str],
    ahead: timedelta | None,
    stop: asyncio.Event,
    ready: Callable[[Sequence[str]], None],
) -> None:
    """Until `stop` is set; `ready` is told the addresses once all processes are ready.

    `ahead` is how far rule time is ahead of the machine's clock. Raises ConfigError and StoreUnavailable at the start.
    """
    notice = ServiceNotice()
    relay = settings.relay
    reserved = Reserved(doors_of(settings, roles, given_sockets(os.environ)))
    shared = tempfile.mkdtemp(prefix="penstock-")
    telling: list[asyncio.Task[None]] = []
    try:
        kept = {name: value for name, value in os.environ.items() if name not in _OF_THE_STARTER}
        supervisor = Supervisor(
            _posts(settings, roles, ahead, reserved.doors),
            (sys.executable, "-P", "-c", PROGRAM),
            {**kept, SHARED_FOLDER: shared},
            pace=Pace(grace=relay.grace_seconds + _MARGIN_SECONDS),
            ended=partial(forget_process, shared),
            together=has_data(settings.store_url()),
        )

        def up(_urls: Sequence[str]) -> None:
            ready([door.url for door in reserved.doors])
            telling.append(asyncio.create_task(notice.stay()))

        await supervisor.run(stop, up, stopping=partial(notice.say, "STOPPING=1"))
    finally:
        for task in telling:
            task.cancel()
        await asyncio.gather(*telling, return_exceptions=True)
        reserved.close()
        with contextlib.suppress(OSError):
            shutil.rmtree(shared)


def _posts(settings: Settings, roles: frozenset[str], ahead: timedelta | None, doors: Sequence[Door]) -> list[Post]:
    parts = parts_of(roles, settings.relay.listeners, settings.relay.workers, tuple(doors))
    passed = tuple(door.descriptor for door in doors if door.descriptor is not None)
    return [Post(part.name, RelayOrder(settings, ahead, part).line(), passed if part.doors else ()) for part in parts]
