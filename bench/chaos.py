"""Kill senders at named seams and at random moments, send again, and count what was doubled, lost or left in doubt.

    uv run --group test python bench/chaos.py [--rounds 200] [--seed 1]

A quarter of the rounds kills `penstock send` itself at random moments, the others a sender at the six seams in turn.
One or two processes work on the store. Ends with 1 when anything is wrong.
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
    from tests.chaos.rounds import Result

ROOT = Path(__file__).parents[1]
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))  # the rounds are those of the tests
    started = time.monotonic()
    results = asyncio.run(played(given.rounds, given.seed))
    show(results)
    print(f"{time.monotonic() - started:.0f} s, seed {given.seed}")
    return 1 if any(result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
