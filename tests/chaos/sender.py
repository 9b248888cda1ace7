"""A process that sends a campaign and dies where it is told to.

    python -m tests.chaos.sender CONFIG CAMPAIGN CONTACTS --now ISO-8601 --journal FILE
        [--seam NAME --at N --claim FILE] [--most N] [--limit N]

It opens the gate as every program does; rule time stands still at `--now`.
"""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from penstock.gate import open_gate
from penstock.running import run_async
from penstock.worker import BATCH

from .failpoints import Failpoint, Journal, Seam, WatchedHouse

__all__: list[str] = []


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("config", "campaign", "contacts"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--claim", type=Path, default=Path())
    parser.add_argument("--seam", type=Seam)
    parser.add_argument("--at", type=int, default=1)
    parser.add_argument("--most", type=int, default=BATCH, help="tickets a round")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--now", type=datetime.fromisoformat, required=True)
    return parser.parse_args()


async def _send(given: argparse.Namespace) -> None:
    async with open_gate(given.config, now=given.now) as gate:
        failpoint = Failpoint(given.seam, given.at, given.claim)
        gate.house = WatchedHouse.around(gate.house, failpoint, Journal(given.journal), given.most)
        await gate.send(given.campaign, given.contacts, limit=given.limit, wait=0.0)


if __name__ == "__main__":
    arguments = _arguments()
    run_async(lambda: _send(arguments))
