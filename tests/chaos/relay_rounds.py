"""Rounds of chaos on a whole relay: hand in, kill, start again, and see whether every mail went once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from penstock.clock import FrozenClock
from penstock.gate import open_gate

from .relay_clients import Clients
from .relay_judge import RelaySums, relay_kept_in, relay_summed
from .relay_scene import RelayProcesses, RelayScene, relaying
from .relay_seams import Broken, RelaySeam
from .relay_sink import MoodySink, moody
from .relay_watched import breaking
from .scene import MOMENT

__all__ = ["RelayResult", "RelayRound", "Victim", "play_relay", "relay_rounds"]

_PATIENCE = 90.0
_SESSIONS = 6
_IN_DOUBT = 200  # per process that dies: four slices of fifty mails are in flight
_WORK_SECONDS = 0.3  # for what was just answered to get on its way
_MOST_MORE = 40
_SINKS = (RelaySeam.IN_DATA, RelaySeam.AFTER_DOT)


class Victim(StrEnum):
    """Who is killed at a random moment."""

    LISTENER = "listener"
    WORKER = "worker"
    STARTER = "starter"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class RelayRound:
    """A process dies at the `at`-th call of `seam`; `victim` does `delay` seconds after `after` mails were taken."""

    number: int
    seam: RelaySeam
    at: int
    victim: Victim
    after: int
    delay: float
    mails: int = 60
    listeners: int = 1
    workers: int = 1
    broken: Broken = Broken.NOTHING

    def __str__(self) -> str:
        return f"{self.number}: {self.seam} {self.at}, {self.victim} after {self.after}"


@dataclass(frozen=True, slots=True)
class RelayResult:
    """`killed`: how many processes died. `wrong`: everything that is, in words."""

    round: RelayRound
    killed: int
    attempts: int
    sums: RelaySums
    wrong: tuple[str, ...]


def relay_rounds(number: int, seed: int, mails: int = 60) -> list[RelayRound]:
    """All seams and all victims in turn; `seed` decides at which call and when."""
    dice = random.Random(f"relay {seed}")
    seams, victims = list(RelaySeam), list(Victim)
    rounds = []
    for turn in range(number):
        seam = seams[turn % len(seams)]
        at = dice.randint(1, mails // 3) if seam in _SINKS else dice.randint(1, 4)
        late = dice.random() < 0.3
        victim = victims[(turn // len(seams) + turn) % len(victims)]
        rounds.append(
            RelayRound(
                turn, seam, at, victim, dice.randint(1, mails - 1) if not late else mails, dice.uniform(0.0, 0.2),
                mails, 1 + (turn % 5 == 3), 1 + (turn % 5 == 1),
            )
        )  # fmt: skip
    return rounds


async def play_relay(each: RelayRound, scene: RelayScene) -> RelayResult:
    """Play the round in the scene, which is its own."""
    claim = scene.folder / "claim"
    sink = MoodySink(random.Random(f"moods {each.number}"))
    async with moody(sink):
        scene.point_at(sink.port, listeners=each.listeners, workers=each.workers)
        seam = None if each.seam in _SINKS else each.seam
        async with asyncio.timeout(_PATIENCE), relaying(scene, seam, each.at, each.broken) as relay:
            if each.seam in _SINKS:
                sink.trap_at, sink.trap_after_dot = each.at, each.seam is RelaySeam.AFTER_DOT
                sink.trap = relay.kill_caller
            clients = Clients(relay, each.mails)
            async with asyncio.TaskGroup() as group:
                group.create_task(clients.run(_SESSIONS))
                group.create_task(_kill(each, relay, clients))
            await asyncio.sleep(_WORK_SECONDS)
            while seam is not None and not claim.exists() and clients.mails < each.mails + _MOST_MORE:
                await clients.one_more()  # so that it comes to as many calls as it takes
                await asyncio.sleep(_WORK_SECONDS)
            code = await relay.stop()
        sink.healthy = True
        await _drain(each, scene)
    killed = relay.kills + claim.exists()
    sums = relay_summed(clients, sink, relay_kept_in(scene.store), _IN_DOUBT * killed)
    told = [f"the relay ended with {code}"] if code else []
    told += ["no process died at the seam"] if seam is not None and not claim.exists() else []
    told += [f"a process told of a fault: {line}" for line in _faults(relay.log())]
    return RelayResult(each, killed, clients.attempts.total(), sums, (*sums.wrong, *told))


def _faults(log: str) -> list[str]:
    """The last lines of tracebacks; everything that is no fault is JSON."""
    lines = log.splitlines()
    return [line for line in lines if not line.startswith(("{", " ", "Traceback"))]


async def _kill(each: RelayRound, relay: RelayProcesses, clients: Clients) -> None:
    """The victim at its moment; who is not started again by another is started by us."""
    await clients.reached(each.after)
    await asyncio.sleep(each.delay)
    match each.victim:
        case Victim.LISTENER | Victim.WORKER:
            relay.kill_one(each.victim, each.number)
        case _:
            await relay.kill_first(with_all=each.victim is Victim.ALL)
            await relay.start()


class _AheadClock(FrozenClock):
    """Some hours later, when what was put off is due, and the leases of the dead are over."""

    def __init__(self) -> None:
        super().__init__(datetime.fromisoformat(MOMENT) + timedelta(hours=5))

    def machine(self) -> float:
        return super().machine() + 3_600.0


async def _drain(each: RelayRound, scene: RelayScene) -> None:
    """Started again: what a dead process began is given up, what waits is sent."""
    async with open_gate(scene.config, clock=_AheadClock()) as gate:
        if each.broken is Broken.SENDS_AGAIN:
            breaking(gate.house, each.broken)
        async with asyncio.timeout(_PATIENCE):
            await gate.house.worker().drain(wait=0.0, stop=asyncio.Event())
            report = await gate.house.store.ledger.verify()
    assert report.fault is None, report.fault
