"""The machine's clock jumps by a day while a relay works: no burst, nothing lost or doubled, what waits still goes."""

from __future__ import annotations

import asyncio
import smtplib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.by_smtp import arrived, recipient
from tests.e2e.conftest import MOMENT
from tests.integration.scripted_sink import Act, ScriptedSink, running

import penstock
from penstock.config.settings import load_settings
from penstock.gate import Gate
from penstock.observe.metrics import Tallies
from penstock.relay.doors import Reserved, doors_of
from penstock.relay.part import parts_of
from penstock.relay.roles import RelayRoles

MAILS = 90
AT_ONCE, SECONDS = 15, 1.0
"""The pace of the way out."""
JUMPS_AT = 30
DAY = timedelta(days=1)


class JumpingClock:
    """The clock of a machine that somebody sets; rule time and machine time jump together."""

    def __init__(self) -> None:
        self._origin = datetime.fromisoformat(MOMENT)
        self._began = time.monotonic()
        self.set_by = timedelta(0)

    def now(self) -> datetime:
        passed = time.monotonic() - self._began
        return (self._origin + timedelta(seconds=passed) + self.set_by).astimezone(UTC)

    def machine(self) -> float:
        return self.now().timestamp()


@dataclass(slots=True)
class TimedSink(ScriptedSink):
    """Knows when each mail came, by a clock that nobody sets."""

    times: list[float] = field(default_factory=list)

    def next_for(self, verb: str) -> str | Act:
        if verb == "DOT":
            self.times.append(time.monotonic())
        return ScriptedSink.next_for(self, verb)


@dataclass
class Relay:
    """A door and two workers, each on an open house of its own, with one clock."""

    gates: list[Gate]
    port: int
    clock: JumpingClock

    async def hand_in(self, first: int, number: int) -> None:
        def work() -> None:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
                for each in range(first, first + number):
                    head = f"From: eva.berg@nordlicht.example\r\nSubject: {each}\r\nX-Penstock-Stream: transactional"
                    client.sendmail("eva.berg@nordlicht.example", [f"p{each}@kund.example"], f"{head}\r\n\r\nx\r\n")

        await asyncio.to_thread(work)

    async def tended(self) -> None:
        """What workers do now and then, at the worst moment: before any of them holds on to what is its own."""
        for gate in self.gates[1:]:
            await gate.house.give_up_stranded()
            await gate.house.queue.mend()

    async def doubtful(self) -> int:
        return len(await self.gates[0].house.store.mails.uncertain("", 99))


@asynccontextmanager
async def relaying(house: Path, sink: TimedSink, **settings: str) -> AsyncIterator[Relay]:
    """Runs until the block ends."""
    env = {
        "PENSTOCK__ADAPTERS__MAIN__URL": f"smtp://127.0.0.1:{sink.port}?tls=none",
        "PENSTOCK__RELAY__SMTP": '["127.0.0.1:0"]',
        **settings,
    }
    read, clock, stop = load_settings(house / "config.toml", env), JumpingClock(), asyncio.Event()
    async with AsyncExitStack() as stack:
        gates = [await stack.enter_async_context(penstock.open(read, clock=clock)) for _ in range(3)]
        reserved = Reserved(doors_of(read, frozenset({"smtp"}), {}))
        stack.callback(reserved.close)
        (part,) = parts_of(frozenset({"smtp"}), 1, 1, tuple(reserved.doors))
        up: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        roles = RelayRoles(gates[0].house, part, Tallies())
        tasks = [
            asyncio.create_task(roles.run(stop, lambda urls: up.set_result(int(urls[0].rpartition(":")[2])))),
            *(asyncio.create_task(gate.house.worker().serve(stop, grace=5)) for gate in gates[1:]),
        ]
        try:
            yield Relay(gates, await up, clock)
        finally:
            stop.set()
            await asyncio.gather(*tasks)


def most_in(seconds: float, times: list[float]) -> int:
    """The most mails that came within any such span."""
    return max(sum(start <= each < start + seconds for each in times) for start in times)


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["ahead", "back"])
async def test_a_clock_that_jumps_makes_no_burst_and_loses_and_doubles_nothing(house: Path, jump: timedelta) -> None:
    """GCRA: whoever waited may send the whole number at once, so twice the number in one span is the most."""
    sink = TimedSink(delay=0.02)
    async with running(sink):
        pace = f'["{AT_ONCE}/{SECONDS:.0f}s"]'
        async with relaying(house, sink, PENSTOCK__ADAPTERS__MAIN__RATE=pace) as relay:
            await relay.hand_in(0, MAILS - 10)
            await asyncio.wait_for(arrived(sink, JUMPS_AT), 20)
            relay.clock.set_by += jump
            await relay.hand_in(MAILS - 10, 10)
            await relay.tended()
            await asyncio.wait_for(arrived(sink, MAILS), 30)
            await asyncio.sleep(1)
            assert await relay.doubtful() == 0
    copies = Counter(recipient(each.rcpt) for each in sink.received)
    assert copies == Counter(f"p{each}@kund.example" for each in range(MAILS))
    assert most_in(SECONDS, sink.times) <= 2 * AT_ONCE + 2


@pytest.mark.parametrize("jump", [DAY, -DAY], ids=["ahead", "back"])
async def test_mails_on_their_way_when_the_clock_jumps_go_once_and_are_in_no_doubt(
    house: Path, jump: timedelta
) -> None:
    """By the clock all leases have ended then; who holds them still does."""
    sink = TimedSink(delay=0.1)
    async with running(sink), relaying(house, sink) as relay:
        await relay.hand_in(0, 60)
        await asyncio.wait_for(arrived(sink, 5), 20)
        relay.clock.set_by += jump
        await relay.tended()
        await asyncio.wait_for(arrived(sink, 60), 40)
        await asyncio.sleep(1)
        assert await relay.doubtful() == 0
    copies: Any = Counter(recipient(each.rcpt) for each in sink.received)
    assert copies == Counter(f"p{each}@kund.example" for each in range(60))
