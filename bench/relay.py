"""Mail through a whole relay: smtp-source → `penstock relay` → smtp-sink, beside Postfix on the same machine.

    uv run --group test python bench/relay.py [--quick] [--mails N] [--repeats N] [--profile]

5,000 letters of 8 KB (text alone as smtp-source has it, then text and HTML) of one campaign to known contacts, from 20
sessions with a connection for each mail. Penstock saves each durably before its 250 and takes it through all stages for
advertising before it sends it; Postfix 3.7 stands as Debian ships it, in folders of its own, with default durability.
The two take turns with the same server at the end. Needs root (for Postfix) and Debian's `postfix`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that bench is a package here too

from bench.campaign_sink import smtp_sink, taken
from bench.relay_client import NotingSink, latency, percentiles
from bench.relay_house import WATCH, Relay, RelayGround, message, running, running_beside
from bench.relay_postfix import postfix
from bench.relay_strain import handed_in, large, waiting

GOAL = 2.5
LINES = 30
_PEER, _PLAIN, _BOTH = "Postfix", "penstock relay, text", "penstock relay, text and HTML"


class Speed(NamedTuple):
    """Mails a second, accepted and through; processor microseconds a mail by role."""

    accepted: float
    through: float
    processor: dict[str, float]


def measured(port: int, ground: RelayGround, letter: Path, mails: int, relay: Relay | None = None) -> Speed:
    """One run: until smtp-source has its last 250, and until the server has the last mail."""
    before, used = taken(ground.folder), relay.processor() if relay else {}
    began = time.perf_counter()
    seconds = handed_in(port, letter, mails)
    while (come := taken(ground.folder) - before) < mails:
        assert time.perf_counter() - began < 600, f"{come} mails arrived of {mails}"
        time.sleep(0.01)
    through = time.perf_counter() - began
    spent = relay.processor() if relay else {}
    return Speed(mails / seconds, mails / through, {role: 1e6 * (spent[role] - used[role]) / mails for role in spent})


def ours(ground: RelayGround, sink: int, letter: Path, mails: int, *, dkim: bool = False) -> Speed:
    """A fresh relay; every mail must come once."""
    with ground.copy(sink, dkim=dkim) as house, running(house) as relay:
        before = taken(ground.folder)
        found = measured(relay.smtp, ground, letter, mails, relay)
        time.sleep(0.2)
        assert taken(ground.folder) - before == mails
    return found


def middle(runs: list[Speed]) -> tuple[float, float]:
    return statistics.median(run.accepted for run in runs), statistics.median(run.through for run in runs)


def show_speed(ground: RelayGround, mails: int, repeats: int) -> float:
    """The table; answers how many letters of text and HTML went through a second."""
    runs: dict[str, list[Speed]] = {each: [] for each in (_PEER, _PLAIN, _BOTH, f"{_BOTH}, DKIM")}
    with smtp_sink(ground.folder) as sink, postfix(ground.folder, sink) as other:
        for turn in range(1, repeats + 1):
            for name in runs:
                letter = ground.plain if name in {_PEER, _PLAIN} else ground.letter
                if name == _PEER:
                    runs[name].append(measured(other, ground, letter, mails))
                else:
                    runs[name].append(ours(ground, sink, letter, mails, dkim="DKIM" in name))
                print(f"round {turn}, {name}: {runs[name][-1].through:,.0f}/s", file=sys.stderr, flush=True)
    base = middle(runs[_PEER])
    sizes = f"{ground.plain.stat().st_size:,} octets (text) or {ground.letter.stat().st_size:,} (text and HTML)"
    print(f"\n{mails:,} mails of {sizes}, 20 sessions, median of {repeats}")
    print("| who | accepted/s | through/s | × accepted | × through | listener CPU µs/mail | worker |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, found in runs.items():
        accepted, through = middle(found)
        parts = [statistics.median(run.processor.get(role, 0.0) for run in found) for role in ("listener", "worker")]
        cells = [f"{accepted:,.0f}", f"{through:,.0f}", f"{accepted / base[0]:.2f}", f"{through / base[1]:.2f}"]
        print(f"| {name} | " + " | ".join([*cells, *(f"{part:,.0f}" if part else "" for part in parts)]) + " |")
    accepted, through = middle(runs[_PLAIN])
    for what, ratio in (("accepted", accepted / base[0]), ("through", through / base[1])):
        print(f"{what}: goal ≥ {GOAL} × Postfix {'met' if ratio >= GOAL else '**missed**'} ({ratio:.2f})")
    return middle(runs[_BOTH])[1]


async def show_latency(ground: RelayGround, rate: float, mails: int) -> None:
    """From each 250 to the arrival, at that many mails a second."""
    sink = NotingSink()
    async with sink.listening() as port:
        with ground.copy(port) as house:
            async with running_beside(house) as relay:
                half, most = percentiles(await latency(relay.smtp, sink, message(), mails, rate))
    print(f"\nfrom 250 to delivered at {rate:,.0f} mails/s: p50 {1e3 * half:.0f} ms, p99 {1e3 * most:.0f} ms")


def show_waiting(ground: RelayGround, mails: int, probe: int) -> None:
    found = waiting(ground, mails, probe)
    share = found.full / found.empty
    print(f"\n{mails:,} mails that wait for a way out that is away:")
    print(f"  accepted/s: {found.empty:,.0f} with an empty queue, {found.full:,.0f} with a full one: {share:.2f} "
          f"(goal ≥ 0.9 {_met(share >= 0.9)})")  # fmt: skip
    print(f"  the largest process had {found.peak:.0f} MB (goal < 300 {_met(found.peak < 300)}); "
          f"started again in {found.restart:.1f} s (goal < 3 {_met(found.restart < 3)})")  # fmt: skip
    print(f"  the way out came back: first mail after {found.first:.1f} s, then {mails / found.drained:,.0f}/s")


async def show_large(ground: RelayGround) -> None:
    found = await large(ground)
    most = max(found.listener, found.worker)
    print(f"\na mail of 25 MB, through in {found.seconds:.1f} s: memory of the listener grew {found.listener:.1f} ×, "
          f"of the worker {found.worker:.1f} × its size (goal ≤ 4 {_met(most <= 4)})")  # fmt: skip
    print(f"  another session waited {1e3 * found.wait:.0f} ms at most for a whole mail, {1e3 * found.usual:.0f} ms "
          f"without it (goal ≤ 200 {_met(found.wait <= 0.2)})")  # fmt: skip


def _met(holds: bool) -> str:
    return "met" if holds else "**missed**"


def show_profile(ground: RelayGround, mails: int) -> None:
    """Where listener and worker spend their processor time, by line and by function with all it calls."""
    notes = ground.folder / "notes"
    notes.mkdir()
    environ = {"PYTHONPATH": str(WATCH), "RELAY_WATCH": str(notes), "RELAY_PROFILE": "1"}
    with smtp_sink(ground.folder) as sink, ground.copy(sink) as house, running(house, env=environ) as relay:
        pids = {role: relay.part(role).pid for role in ("listener", "worker")}
        speed = measured(relay.smtp, ground, ground.letter, mails, relay)
        time.sleep(1)
    print(f"{speed.through:,.0f} mails/s through while watched")
    for role, pid in pids.items():
        threads = json.loads((notes / f"{pid}.json").read_text())
        told = ", ".join(f"{name} {1e6 * spent / mails:.0f}" for name, spent in threads.items())
        print(f"\n{role}, CPU µs/mail by thread, start included: {told}")
        lines: Counter[str] = Counter()
        whole: Counter[str] = Counter()
        for stack, micros in json.loads((notes / f"{pid}.stacks").read_text()):
            short = [each.partition("/src/penstock/")[2] or each.rpartition("/python3.")[2] for each in stack]
            lines[short[0]] += micros
            for function in {f"{each.partition(':')[0]}:{each.rpartition(':')[2]}" for each in short}:
                whole[function] += micros
        for what, counted in (("line", lines), ("function, all within", whole)):
            print(f"  by {what}:")
            for name, micros in counted.most_common(LINES):
                print(f"  {micros / mails:8.1f} {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=5_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--waiting", type=int, default=100_000, metavar="N", help="mails that wait; 0: leave that out")
    parser.add_argument("--quick", action="store_true", help="seconds: shows that it runs, not how fast")
    parser.add_argument("--profile", action="store_true", help="ours alone, once: where the processor time goes")
    given = parser.parse_args()
    if shutil.which("smtp-sink") is None or shutil.which("postfix") is None:
        sys.exit("needs Debian's postfix")
    if given.quick:
        given.mails, given.repeats, given.waiting = 300, 1, min(given.waiting, 2_000)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that nothing is left running then either
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as name:
        ground = RelayGround.prepared(Path(name), max(given.mails, 5_000))
        if given.profile:
            show_profile(ground, given.mails)
            return
        steps: list[Callable[[], None]] = []
        through = show_speed(ground, given.mails, given.repeats)
        steps.append(lambda: asyncio.run(show_latency(ground, through / 2, given.mails)))
        steps.append(lambda: asyncio.run(show_large(ground)))
        if given.waiting:
            steps.append(lambda: show_waiting(ground, given.waiting, min(5_000, given.waiting // 8)))
        for step in steps:
            step()


if __name__ == "__main__":
    main()
