"""A process of a relay, started by another one."""

from __future__ import annotations

import asyncio
import signal
import sys
from datetime import UTC, datetime

from penstock.clock import ShiftedClock, SystemClock
from penstock.errors import ConfigError, ContractError, InvalidInput, Unavailable
from penstock.observe.log import configure
from penstock.observe.metrics import Tallies, shared_counts
from penstock.relay.part import RelayOrder
from penstock.relay.roles import RelayRoles
from penstock.relay.voice import RelayVoice, leave_within
from penstock.running import run_async
from penstock.wiring import open_house

__all__ = ["main"]

_MARGIN_SECONDS = 3.0
_WRONG_USE, _UNAVAILABLE = 2, 3


def main() -> None:
    """Do the part that standard input orders; leave with 0, 2 (wrong config) or 3 (a dependency is away)."""
    with open(0, "rb", buffering=0, closefd=False) as pipe:  # a buffer would swallow what is said next
        line = pipe.readline()
    if not line.endswith(b"\n"):
        return  # whoever was about to order something is gone
    order = RelayOrder.read(line)
    voice = RelayVoice()
    try:
        with shared_counts(order.part.name):
            run_async(lambda: _work(order, voice))
    except (ConfigError, InvalidInput, ContractError) as fault:
        voice.say({"fault": str(fault)})
        sys.exit(_WRONG_USE)
    except Unavailable as fault:
        voice.say({"fault": str(fault)})
        sys.exit(_UNAVAILABLE)


async def _work(order: RelayOrder, voice: RelayVoice) -> None:
    configure(json=not sys.stderr.isatty(), level=20)
    stop = asyncio.Event()
    beside = [asyncio.create_task(each) for each in (voice.follow(stop), voice.beat(), _leave_in_time(order, stop))]
    for number in (signal.SIGINT, signal.SIGTERM):
        # Only asked, never interrupted: the service manager may tell every process of the group.
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        clock = ShiftedClock(datetime.now(UTC) + order.ahead) if order.ahead is not None else SystemClock()
        house = await open_house(order.settings, clock)
        try:
            await RelayRoles(house, order.part, Tallies(), voice.missing).run(stop, voice.ready)
        finally:
            await house.aclose()
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _leave_in_time(order: RelayOrder, stop: asyncio.Event) -> None:
    await stop.wait()
    leave_within(order.settings.relay.grace_seconds + _MARGIN_SECONDS)
    await asyncio.Event().wait()
