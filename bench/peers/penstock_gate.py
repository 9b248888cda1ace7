"""One campaign through `gate.send` in this process, timed around the call; prints one JSON line.

    penstock_gate.py FOLDER CONTACTS NOW [--limit N] [--profile]

FOLDER holds config.toml, campaign.toml and no store yet. Nothing is warmed: linting and compiling the letter, reading
and planning the contacts and opening the connections are within. `--profile` shows on standard error the functions of
the main thread by their own time; the figures then mean little.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import resource
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from penstock.gate import Gate, open_gate
from penstock.model.mail import Mail
from penstock.model.outcome import Outcome
from penstock.model.verdict import Decision, Reason
from penstock.pipeline import Pipeline, Timing
from penstock.ports import Adapter, Ending
from penstock.running import run_async
from penstock.store.ledger import Ledger
from penstock.wiring import House

FUNCTIONS = 25


class WatchedAdapter:
    """An adapter that notes for each mail how long the slice took that it was handed over with, in seconds."""

    def __init__(self, watched: Adapter) -> None:
        self.name = watched.name
        self.capabilities = watched.capabilities
        self.seconds: list[float] = []
        self._watched = watched

    async def prepare(self) -> None:
        await self._watched.prepare()
        self.capabilities = self._watched.capabilities

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        started = time.perf_counter()
        outcomes = await self._watched.deliver(mails)
        self.seconds += [time.perf_counter() - started] * len(mails)
        return outcomes

    async def aclose(self) -> None:
        await self._watched.aclose()


class WatchedLedger(Ledger):
    """The open ledger, which notes for each mail the seconds from the call of `begin` to its end on disk."""

    def __init__(self, watched: Ledger) -> None:
        self.__dict__.update(vars(watched))
        self.seconds: list[float] = []
        self._begun: dict[str, float] = {}

    async def begin(self, decided: Sequence[tuple[Mail, Decision]], /) -> Sequence[Reason | None]:
        self._begun.update(dict.fromkeys((mail.id for mail, _ in decided), time.perf_counter()))
        return await super().begin(decided)

    async def end(self, endings: Sequence[Ending], /) -> None:
        await super().end(endings)
        now = time.perf_counter()
        self.seconds += [now - self._begun.pop(ending.mail.id) for ending in endings]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedHouse(House):
    """A house whose pipelines tell how long each stage took."""

    timing: Timing

    def pipeline(self, *, peek: bool = False, timing: Timing | None = None) -> Pipeline:
        return House.pipeline(self, peek=peek, timing=timing or self.timing)


class Phases:
    """When planning was over and when the first mail was done, by what `progress` tells."""

    def __init__(self) -> None:
        self.planned = self.first_done = 0.0
        self._started = time.perf_counter()

    def __call__(self, what: str, _count: int) -> None:
        at = time.perf_counter() - self._started
        if what == "planned":
            self.planned = at
        elif not self.first_done:
            self.first_done = at


def used() -> float:
    """Processor seconds of this process, all threads, those that have ended too."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def used_by_thread() -> Counter[str]:
    """Processor seconds of the threads that live."""
    clocks = {each.name: time.pthread_getcpuclockid(each.ident) for each in threading.enumerate() if each.ident}
    return Counter({name: time.clock_gettime(clock) for name, clock in clocks.items()})


def percentiles(seconds: Sequence[float]) -> list[float]:
    """The median and the 99th of a hundred."""
    ordered = sorted(seconds)
    return [ordered[int(len(ordered) * share)] for share in (0.5, 0.99)]


async def send(given: argparse.Namespace) -> dict[str, Any]:
    folder, watch = given.folder, cProfile.Profile() if given.profile else None
    stages: dict[str, float] = defaultdict(float)

    def timing(stage: str, seconds: float, _mails: int) -> None:
        stages[stage] += seconds

    async with open_gate(folder / "config.toml", now=given.now) as gate:
        adapter, ledger = watched(gate, timing)
        threads, processor, started = used_by_thread(), used(), time.perf_counter()
        gate.lint(folder / "campaign.toml")  # `send` would do it, and does it no second time
        lint, phases = time.perf_counter() - started, Phases()
        with watch or nullcontext():
            report = await gate.send(
                folder / "campaign.toml", given.contacts, limit=given.limit, wait=0, progress=phases
            )
        seconds, processor = time.perf_counter() - started, used() - processor
        threads = used_by_thread() - threads
        assert report.all_sent, report
        assert len(adapter.seconds) == len(ledger.seconds) == report.rows, report
    if watch is not None:
        pstats.Stats(watch, stream=sys.stderr).sort_stats("tottime").print_stats(FUNCTIONS)
    return {
        "mails": report.rows,
        "handed": report.rows,
        "seconds": seconds,
        "processor": processor,
        "lint": lint,
        "planned": phases.planned,
        "first_done": phases.first_done,
        "threads": threads,
        "stages": stages,
        "begin_to_end": percentiles(ledger.seconds),
        "deliver": percentiles(adapter.seconds),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def watched(gate: Gate, timing: Timing) -> tuple[WatchedAdapter, WatchedLedger]:
    """Put watches on the gate's house: some calls per slice and per batch, which cost nothing that shows."""
    adapter, ledger = WatchedAdapter(gate.house.adapters["main"]), WatchedLedger(gate.house.store.ledger)
    gate.house.store.ledger = ledger
    rooms: dict[str, Any] = {each.name: getattr(gate.house, each.name) for each in fields(gate.house)}
    gate.house = WatchedHouse(**(rooms | {"adapters": {"main": adapter}}), timing=timing)
    return adapter, ledger


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("contacts", type=Path)
    parser.add_argument("now", type=datetime.fromisoformat)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    print(json.dumps(run_async(partial(send, given))))


if __name__ == "__main__":
    main()
