"""Kill senders at named seams and at random moments, send again, and count what was doubled, lost or left in doubt.

    uv run --group test python bench/chaos.py [--rounds 200] [--seed 1] [--relay]

A quarter of the rounds kills `penstock send` itself at random moments, the others a sender at the six seams in turn.
One or two processes work on the store. With `--relay` clients hand mail to a whole `penstock relay`, of which a process
dies at seven seams in turn and another, or all, at a random moment; some rounds at a time. Ends with 1 when anything is
wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.relay_rounds import RelayResult, RelayRound
    from tests.chaos.rounds import Result

ROOT = Path(__file__).parents[1]
AT_ONCE = 3
"""Rounds of the relay; most of one is waiting for processes that start."""
COLUMNS = ("rounds", "mails", "killed", "doubled", "lost", "most uncertain", "wrong")


async def played(rounds: int, seed: int) -> list[Result]:
    """All rounds, one after the other; what is wrong is told at once."""
    from tests.chaos.rounds import play, random_rounds, seam_rounds
    from tests.chaos.scene import Scene

    moments = rounds // 4
    results = []
    with tempfile.TemporaryDirectory(prefix="penstock-chaos-") as name:
        scene = await Scene.make(Path(name) / "scene")
        for each in (*seam_rounds(rounds - moments, seed), *random_rounds(moments, seed)):
            own = scene.copy(Path(name) / "round")
            results.append(await play(each, own))
            shutil.rmtree(own.folder)
            for words in results[-1].wrong:
                print(f"{each}: {words}", flush=True)
    return results


def show(results: Sequence[Result]) -> None:
    """One line per seam and number of workers, and one for all."""
    by_kind: dict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        by_kind[result.round.seam, str(result.round.workers)].append(result)
    print(f"| {'killed':13} | {'workers':>7} | " + " | ".join(f"{column:>8}" for column in COLUMNS) + " |")
    print(
        f"| {'-' * 13} | {'-' * 6}: | " + " | ".join("-" * (max(8, len(column)) - 1) + ":" for column in COLUMNS) + " |"
    )
    for (seam, workers), kind in (*by_kind.items(), (("all", ""), list(results))):
        figures = (
            len(kind),
            sum(result.round.mails for result in kind),
            sum(result.killed for result in kind),
            sum(result.sums.doubled for result in kind),
            sum(result.sums.lost for result in kind),
            max(result.sums.uncertain for result in kind),
            sum(bool(result.wrong) for result in kind),
        )
        cells = (f"{figure:>{max(8, len(column))},}" for column, figure in zip(COLUMNS, figures, strict=True))
        print(f"| {seam:13} | {workers:>7} | " + " | ".join(cells) + " |")


async def played_relay(rounds: int, seed: int) -> list[RelayResult]:
    """All rounds of a relay; what is wrong is told at once."""
    from tests.chaos.relay_rounds import play_relay, relay_rounds
    from tests.chaos.relay_scene import RelayScene

    few = asyncio.Semaphore(AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="penstock-chaos-") as name:
        scene = await RelayScene.make(Path(name) / "scene")

        async def one(each: RelayRound) -> RelayResult:
            async with few:
                own = scene.copy(Path(name) / f"round-{each.number}")
                result = await play_relay(each, own)
                shutil.rmtree(own.folder)
                for words in result.wrong:
                    print(f"{each}: {words}", flush=True)
                return result

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in relay_rounds(rounds, seed)]
    return [task.result() for task in tasks]


def show_relay(results: Sequence[RelayResult]) -> None:
    """One line per seam and one for all."""
    columns = ("rounds", "attempts", "mails", "killed", "doubled", "lost", "most uncertain", "wrong")
    by_seam: dict[str, list[RelayResult]] = defaultdict(list)
    for result in results:
        by_seam[result.round.seam].append(result)
    print(f"| {'dies':13} | " + " | ".join(f"{column:>8}" for column in columns) + " |")
    print(f"| {'-' * 13} | " + " | ".join("-" * (max(8, len(column)) - 1) + ":" for column in columns) + " |")
    for seam, kind in (*by_seam.items(), ("all", list(results))):
        figures = (
            len(kind),
            sum(result.attempts for result in kind),
            sum(result.sums.mails for result in kind),
            sum(result.killed for result in kind),
            sum(result.sums.doubled for result in kind),
            sum(result.sums.lost for result in kind),
            max(result.sums.uncertain for result in kind),
            sum(bool(result.wrong) for result in kind),
        )
        cells = (f"{figure:>{max(8, len(column))},}" for column, figure in zip(columns, figures, strict=True))
        print(f"| {seam:13} | " + " | ".join(cells) + " |")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--relay", action="store_true", help="a whole relay instead of `penstock send`")
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))  # the rounds are those of the tests
    started = time.monotonic()
    if given.relay:
        relayed = asyncio.run(played_relay(given.rounds, given.seed))
        show_relay(relayed)
        wrong = any(result.wrong for result in relayed)
    else:
        results = asyncio.run(played(given.rounds, given.seed))
        show(results)
        wrong = any(result.wrong for result in results)
    print(f"{time.monotonic() - started:.0f} s, seed {given.seed}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
