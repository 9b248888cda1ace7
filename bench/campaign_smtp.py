"""A whole campaign into a mail server: ours beside Django, nodemailer, a bare aiosmtplib loop and smtp-source.

    uv run --group test python bench/campaign_smtp.py [--mails N] [--repeats N] [--profile]

The server is Postfix's `smtp-sink` (Debian: `apt-get install postfix`) on loopback. Penstock reads the contact file,
plans, judges, renders, completes and records every mail in a durable store; the peers get the text and HTML that came
of it, and only build and send; the bare loop gets ready bytes. Django (by uv) and nodemailer (by npm) are fetched into
a folder that goes away afterwards. Who cannot be had is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that bench is a package here too

from bench.campaign_sample import Sample, prepared
from bench.campaign_sink import smtp_sink, taken
from bench.pipeline import NOW

PEERS = Path(__file__).with_name("peers")
CONNECTIONS = 10
SECONDS = 900.0  # the most that one run may take
OURS, CLI, PAIR = "Penstock: gate.send", "penstock send", "penstock send --workers 2"
DJANGO, NODEMAILER, BARE, LIMIT = "Django", "nodemailer, pool", "bare aiosmtplib loop", "smtp-source"
GOALS = {
    OURS: {DJANGO: 4.0, NODEMAILER: 2.5, BARE: 1.5},
    PAIR: {DJANGO: 7.0},
}
Run = dict[str, Any]
"""`mails`, `seconds`, `processor` (seconds), `handed`: how many the server must have had; some say more."""


class AbsentError(Exception):
    """Who was to be measured is not there."""


class Ground(NamedTuple):
    """What all work on."""

    folder: Path
    sample: Sample
    port: int
    mails: int


def awaited(command: Sequence[str], *, folder: Path | None = None, quiet: bool = False) -> tuple[str, str]:
    """What a program wrote and what it complained of. Nothing that it started is left behind, whatever happens."""
    out = subprocess.DEVNULL if quiet else subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, stdout=out, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as child:
        try:
            written, complaint = child.communicate(timeout=SECONDS)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if child.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} ended with {child.returncode}: {complaint.strip()[-2000:]}")
    return written or "", complaint


def fetched(*command: str) -> None:
    try:
        awaited(command)
    except (RuntimeError, FileNotFoundError) as fault:
        raise AbsentError(f"{command[0]}: not to be had") from fault


def of_children() -> float:
    """Processor seconds of all programs that have ended, with what they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def reported(*command: str) -> Run:
    """The JSON line that one of the peers' programs prints about itself."""
    found: Run = json.loads(awaited(command)[0])
    return found


def gate_command(folder: Path, ground: Ground) -> list[str]:
    return [sys.executable, str(PEERS / "penstock_gate.py"), str(folder), str(ground.sample.contacts), NOW.isoformat()]


def gate_send(ground: Ground) -> Run:
    with ground.sample.house(ground.port, CONNECTIONS) as folder:
        return reported(*gate_command(folder, ground))


def one_mail(ground: Ground) -> float:
    """Seconds that a campaign of one mail takes: what a run pays once."""
    with ground.sample.house(ground.port, CONNECTIONS) as folder:
        found = reported(*gate_command(folder, ground), "--limit", "1")
    return float(found["seconds"])


def command_line(ground: Ground, workers: int) -> Run:
    """The program itself, JSON lines to nowhere. Its start, a run of no mails on a store of its own, is taken off."""
    command = [
        *(str(Path(sys.executable).with_name("penstock")), "--now", NOW.isoformat(), "send", "campaign.toml"),
        *("--contacts", str(ground.sample.contacts), "--wait", "0", "--strict", "--json"),
        *(("--workers", str(workers)) if workers > 1 else ()),
    ]
    spent = []
    for limit in (("--limit", "0"), ()):
        with ground.sample.house(ground.port, CONNECTIONS) as folder:
            wall, processor = time.perf_counter(), of_children()
            try:
                awaited([*command, *limit], folder=folder, quiet=True)
            except RuntimeError as fault:
                if "not in this version" in str(fault):
                    raise AbsentError("not in this version") from fault
                raise
            spent.append((time.perf_counter() - wall, of_children() - processor))
    (start, start_processor), (wall, processor) = spent
    return {
        "mails": ground.mails,
        "handed": ground.mails,
        "seconds": wall - start,
        "processor": processor - start_processor,
        "start": start,
    }


def django(ground: Ground) -> Run:
    python = ground.folder / "venv" / "bin" / "python"
    if not python.exists():
        fetched("uv", "venv", "--quiet", "--python", sys.executable, str(ground.folder / "venv"))
        fetched("uv", "pip", "install", "--quiet", "--python", str(python), "django")
    script = str(PEERS / "django_backend.py")
    return reported(str(python), script, str(ground.port), str(ground.sample.letters))


def nodemailer(ground: Ground) -> Run:
    package = ground.folder / "node_modules" / "nodemailer"
    if not package.exists():
        fetched("npm", "install", "--silent", "--prefix", str(ground.folder), "nodemailer")
    script = str(PEERS / "nodemailer_pool.mjs")
    return reported("node", script, str(ground.port), str(ground.sample.letters), str(CONNECTIONS), str(package))


def bare(ground: Ground) -> Run:
    script = str(PEERS / "aiosmtplib_loop.py")
    return reported(sys.executable, script, str(ground.port), str(ground.sample.messages), str(CONNECTIONS))


def smtp_source(ground: Ground) -> Run:
    """Messages of our finished mails' average size, but always the same one; a start of some milliseconds is within."""
    sized = ("-s", str(CONNECTIONS), "-m", str(ground.mails), "-l", str(ground.sample.octets))
    ends = ("-f", "eva.berg@nordlicht.example", "-t", "person@firm.example", f"127.0.0.1:{ground.port}")
    wall, processor = time.perf_counter(), of_children()
    awaited([LIMIT, *sized, *ends])
    wall, processor = time.perf_counter() - wall, of_children() - processor
    return {"mails": ground.mails, "handed": ground.mails, "seconds": wall, "processor": processor}


CONTENDERS: dict[str, Callable[[Ground], Run]] = {
    OURS: gate_send,
    CLI: lambda ground: command_line(ground, 1),
    PAIR: lambda ground: command_line(ground, 2),
    DJANGO: django,
    NODEMAILER: nodemailer,
    BARE: bare,
    LIMIT: smtp_source,
}


def counted(contender: Callable[[Ground], Run], ground: Ground) -> Run:
    """One run, and the server's word that every mail arrived once."""
    before = taken(ground.folder)
    found = contender(ground)
    for _ in range(40):
        arrived = taken(ground.folder) - before
        if arrived >= found["handed"]:
            break
        time.sleep(0.05)
    assert arrived == found["handed"], f"{arrived} mails arrived of {found['handed']}"
    return found


def rounds(ground: Ground, repeats: int) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """All in turn, several times; who is absent is not asked again."""
    runs: dict[str, list[Run]] = {}
    absent: dict[str, str] = {}
    for turn in range(1, repeats + 1):
        for name, contender in CONTENDERS.items():
            if name in absent:
                continue
            try:
                found = counted(contender, ground)
            except (AbsentError, FileNotFoundError) as fault:
                absent[name] = str(fault)
            else:
                runs.setdefault(name, []).append(found)
                print(f"round {turn}, {name}: {found['seconds']:.2f} s", file=sys.stderr, flush=True)
    return runs, absent


def middle(runs: Sequence[Run], *path: str | int) -> float:
    """The median over the runs of what stands at that place in each."""
    found = []
    for run in runs:
        value: Any = run
        for step in path:
            value = value[step]
        found.append(float(value))
    return statistics.median(found)


def show_rates(runs: dict[str, list[Run]], absent: dict[str, str]) -> None:
    others = (DJANGO, NODEMAILER, BARE)
    rates = {name: each[0]["mails"] / middle(each, "seconds") for name, each in runs.items()}
    print(f"| {'who':25} | {'mails/s':>8} | {'CPU µs/mail':>11} | × Django | × nodemailer | × bare | goals |")
    print(f"| {'-' * 25} | {'-' * 7}: | {'-' * 10}: | -------: | -----------: | -----: | --- |")
    for name in CONTENDERS:
        if name in absent:
            print(f"| {name:25} | {absent[name]:>8} |")
            continue
        processor = 1e6 * middle(runs[name], "processor") / runs[name][0]["mails"]
        ratios = [rates[name] / rates[other] if other in rates else float("nan") for other in others]
        goals = [
            f"≥ {goal:g} × {other.split(',')[0]}: {'met' if rates[name] >= goal * rates[other] else '**missed**'}"
            for other, goal in GOALS.get(name, {}).items()
            if other in rates
        ]
        cells = f"{ratios[0]:>8.2f} | {ratios[1]:>12.2f} | {ratios[2]:>6.2f}"
        print(f"| {name:25} | {rates[name]:>8,.0f} | {processor:>11,.0f} | {cells} | {', '.join(goals)} |")


def show_ours(runs: Sequence[Run], single: float) -> None:
    mails, seconds = runs[0]["mails"], middle(runs, "seconds")
    lint, planned, first = (middle(runs, what) for what in ("lint", "planned", "first_done"))
    print(f"\n{OURS}, all of it within the figures above:")
    print(
        f"  a campaign of one mail takes {single:.2f} s; without that {(mails - 1) / (seconds - single):,.0f} mails/s"
    )
    print(f"  linting the campaign {lint:.2f} s")
    if first >= planned:
        drained = seconds - lint - planned
        alone = f"planning alone {mails / planned:,.0f} mails/s ({planned:.2f} s)"
        print(f"  {alone}, draining alone {mails / drained:,.0f} mails/s ({drained:.2f} s)")
    else:
        print(f"  planned after {planned:.2f} s, the first mail done after {first:.2f} s: the two overlap")
    for what, label in (("threads", "CPU µs/mail by thread"), ("stages", "µs/mail by stage")):
        parts = {name: statistics.median(run[what].get(name, 0.0) for run in runs) for name in runs[0][what]}
        print(f"  {label}: " + ", ".join(f"{name} {1e6 * part / mails:.0f}" for name, part in parts.items()))
    for what, label in (
        ("begin_to_end", "a mail's `begin` called to its end on disk"),
        ("deliver", "of which handing over"),
    ):
        half, most = (1e3 * middle(runs, what, at) for at in (0, 1))
        print(f"  {label}: p50 {half:.0f} ms, p99 {most:.0f} ms")
    print("  (each mail counted with its whole slice of up to 50: it begins and ends with it)")
    print(f"  peak memory {middle(runs, 'megabytes'):.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mails", type=int, default=5_000, metavar="N")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument(
        "--paragraphs", type=int, default=1, metavar="N", help="of the letter, 1 to 7; 1: 8 KB finished"
    )
    parser.add_argument("--profile", action="store_true", help="ours alone, once: the functions of its main thread")
    given = parser.parse_args()
    if shutil.which("smtp-sink") is None:
        sys.exit("needs smtp-sink, which comes with Postfix")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that nothing is left running then either
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as name:
        folder = Path(name)
        with smtp_sink(folder) as port:
            ground = Ground(folder, prepared(folder, given.mails, given.paragraphs), port, given.mails)
            if given.profile:
                with ground.sample.house(port, CONNECTIONS) as house:
                    print(awaited([*gate_command(house, ground), "--profile"])[1])
                return
            runs, absent = rounds(ground, given.repeats)
            single = statistics.median(one_mail(ground) for _ in range(given.repeats))
    octets = ground.sample.octets
    print(f"{given.mails:,} mails of {octets:,} octets when finished, {CONNECTIONS} connections (Django: 1), "
          f"median of {given.repeats}")  # fmt: skip
    print(", ".join(sorted({run["version"] for each in runs.values() for run in each if "version" in run})))
    show_rates(runs, absent)
    show_ours(runs[OURS], single)


if __name__ == "__main__":
    main()
