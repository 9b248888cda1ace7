"""Rounds of chaos: send, kill, send again, and see whether every mail went once."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path

from penstock.clock import FrozenClock
from penstock.co_working import SHARED_BATCH
from penstock.gate import open_gate
from penstock.worker import BATCH

from .counting_sink import CountingSink, Trap, running
from .failpoints import InHand, Seam, in_hand
from .judge import Sums, kept_in, summed
from .scene import MOMENT, MOST_MAILS, Scene, client_name

__all__ = ["Result", "Round", "play", "random_rounds", "seam_rounds"]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("penstock")
PATIENCE = 60.0  # seconds until a process that hangs fails the round
KILLED = -9
MOST_IN_DOUBT = 200  # per process that dies: four slices of fifty mails are in flight, and what is promised stands here
LEASES_OVER = 60.0  # seconds ahead: twice as long as a lease
_SINK_SEAMS = (Seam.IN_DATA, Seam.AFTER_DOT)
_SEAMS = tuple(seam for seam in Seam if seam is not Seam.RANDOM)


@dataclass(frozen=True, slots=True)
class Round:
    """`at`: which call of the seam kills; for seams on the wire and for random moments, which message.

    `delay`: seconds after that message, for random moments. `victim`: which of the workers, there.
    """

    seam: Seam
    workers: int
    mails: int
    at: int
    delay: float = 0.0
    victim: int = 0

    def __str__(self) -> str:
        who = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        delay = f" and {self.delay * 1000:.0f} ms" if self.delay else ""
        return f"{self.seam}, {who}, {self.at}{delay}"


@dataclass(frozen=True, slots=True)
class Result:
    """`killed`: how many processes died. `wrong`: everything that is wrong, in words."""

    round: Round
    killed: int
    sums: Sums
    wrong: tuple[str, ...]


def seam_rounds(number: int, seed: int) -> list[Round]:
    """The six seams with one and two workers in turn; `seed` decides at which call or message."""
    dice = random.Random(f"seams {seed}")
    kinds = list(product(_SEAMS, (1, 2)))
    return [_at_seam(*kinds[turn % len(kinds)], dice) for turn in range(number)]


def _at_seam(seam: Seam, workers: int, dice: random.Random) -> Round:
    if seam is Seam.IN_DATA:
        return Round(seam, workers, 120 * workers, dice.randint(1, 80))
    mails = 350 if workers == 1 else 500
    # Slices: one worker has seven, and of two the busier one at least five.
    return Round(seam, workers, mails, dice.randint(1, 300) if seam is Seam.AFTER_DOT else dice.randint(1, 5))


def random_rounds(number: int, seed: int) -> list[Round]:
    """Moments from the start of the process to shortly before the last mail, one and two workers in turn."""
    dice = random.Random(f"moments {seed}")
    rounds = []
    for turn in range(number):
        workers = 1 + turn % 2
        mails = 400 if workers == 1 else MOST_MAILS
        early = turn % 5 == 4  # before the first mail: the program starts, reads, plans
        at, delay = (0, dice.uniform(0.1, 1.0)) if early else (dice.randint(1, mails - 150), dice.uniform(0.0, 0.02))
        rounds.append(Round(Seam.RANDOM, workers, mails, at, delay, dice.randrange(workers)))
    return rounds


async def play(each: Round, scene: Scene) -> Result:
    """Play the round in the scene, which is its own."""
    sink = CountingSink(narrow=each.seam is Seam.IN_DATA)
    async with running(sink):
        scene.point_at(port=sink.port, workers=each.workers)
        ends = await (_at_random(each, scene, sink) if each.seam is Seam.RANDOM else _at_a_seam(each, scene, sink))
        killed = sum(code == KILLED for code, _ in ends)
        async with asyncio.timeout(PATIENCE):
            await _send_again(each, scene)
    hands = [] if each.seam is Seam.RANDOM else [in_hand(scene.journal(worker)) for worker in range(each.workers)]
    sums = summed(each.mails, sink, await kept_in(scene), hands, MOST_IN_DOUBT * killed)
    told = [f"a process ended with {code}: {words}" for code, words in ends if code not in {0, KILLED}]
    if killed > 1:
        told.append("a process was killed that should live")
    told += _off_the_seam(each, killed, sink, hands)
    return Result(each, killed, sums, (*sums.wrong, *told))


class _AheadClock(FrozenClock):
    """Rule time stands still; by the machine's clock the leases of the dead are over."""

    def machine(self) -> float:
        return super().machine() + LEASES_OVER


async def _send_again(each: Round, scene: Scene) -> None:
    """The same command once more, when nobody is at work."""
    async with open_gate(scene.config(0), clock=_AheadClock(datetime.fromisoformat(MOMENT))) as gate:
        await gate.send(scene.campaign(long=each.seam is Seam.IN_DATA), scene.contacts, limit=each.mails, wait=0.0)


def _off_the_seam(each: Round, killed: int, sink: CountingSink, hands: Sequence[InHand]) -> list[str]:
    """Signs that the kill did not come where it was meant to come."""
    told = []
    if not killed:
        told.append("nobody was killed")
    if each.seam in {Seam.AFTER_BEGIN, Seam.BEFORE_END} and not any(hand.surely for hand in hands):
        told.append("nothing had begun")
    if each.seam is Seam.BEFORE_BEGIN and each.at == 1 and each.workers == 1 and any(hand.perhaps for hand in hands):
        told.append("something had begun")
    if each.seam is Seam.IN_DATA and (sink.seen[sink.trapped] or not any(sink.cut_short)):
        told.append("the message was not cut short")
    if each.seam is Seam.AFTER_DOT and (sink.seen[sink.trapped] != 1 or sink.answered[sink.trapped]):
        told.append("the message had not come, or was answered")
    return told


async def _at_a_seam(each: Round, scene: Scene, sink: CountingSink) -> list[tuple[int, str]]:
    """Start the workers, one of which dies at the seam; how each ended."""
    deadly = () if each.seam in _SINK_SEAMS else ("--seam", each.seam, "--at", str(each.at))
    senders = [await _sender(each, scene, worker, *deadly) for worker in range(each.workers)]
    if each.seam in _SINK_SEAMS:
        names = {client_name(worker): sender for worker, sender in enumerate(senders)}
        sink.trap = Trap(each.at, each.seam is Seam.AFTER_DOT, lambda client: names[client].kill())
    return await asyncio.gather(*(_told(sender) for sender in senders))


async def _at_random(each: Round, scene: Scene, sink: CountingSink) -> list[tuple[int, str]]:
    """The command line itself, killed at the moment."""
    senders = [await _command(each, scene, worker) for worker in range(each.workers)]
    ends = asyncio.gather(*(_told(sender) for sender in senders))
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(sink.reached(each.at), PATIENCE)
    await asyncio.sleep(each.delay)
    running_ones = [sender for sender in senders if sender.returncode is None]
    if running_ones:
        victim = senders[each.victim]
        (victim if victim in running_ones else running_ones[0]).kill()
    return await ends


async def _sender(each: Round, scene: Scene, worker: int, *more: str) -> Process:
    long = each.seam is Seam.IN_DATA
    return await _started(
        *(sys.executable, "-m", "tests.chaos.sender"),
        *(scene.config(worker), scene.campaign(long=long), scene.contacts),
        *("--now", MOMENT, "--limit", str(each.mails), "--claim", scene.folder / "claim"),
        *("--journal", scene.journal(worker)),
        *("--most", str(BATCH if each.workers == 1 else SHARED_BATCH)),
        *more,
    )


async def _command(each: Round, scene: Scene, worker: int) -> Process:
    return await _started(
        *(PROGRAM, "--config", scene.config(worker), "--now", MOMENT),
        *("send", scene.campaign(long=False), "--contacts", scene.contacts),
        *("--limit", str(each.mails), "--wait", "0", "--json"),
    )


async def _started(*command: str | Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "error"}, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE
    )


async def _told(process: Process) -> tuple[int, str]:
    """How a process ended, and the last it said."""
    try:
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
        return 1, "it hung"
    assert process.returncode is not None
    return process.returncode, said.decode()[-300:].strip()
