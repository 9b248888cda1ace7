"""How fast `contacts import` takes a file of contacts, and whether memory and time per row stay flat.

    uv run --group test python bench/imports.py [--rows N] [--format jsonl|csv] [--profile]

Each import is a process of its own, pinned to one core with all its threads, into an empty store on a file (WAL,
`synchronous=FULL`); it is measured from before the gate opens to after it closed. Contacts are those of the
pipeline's bench: 22 filled fields each, every one at a company of its own. `--again` imports the same file a second
time into the same store, so that every row is merged with what is known.
"""

from __future__ import annotations

import argparse
import cProfile
import csv
import json
import os
import pstats
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # so that bench is a package here too

from bench.pipeline import NOW, furnish, invented, run

from penstock.gate import open_gate
from penstock.importing.contact_import import import_contacts

TABLE_ROWS = (100_000, 1_000_000)
GOAL_ROWS, GOAL_GROWTH = 12_000, 1.3
FORMATS = ("jsonl", "csv")


def flat(record: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """As a CSV file has it: dotted columns, lists as JSON."""
    cells: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, dict):
            cells |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            cells[prefix + name] = json.dumps(value)
        else:
            cells[prefix + name] = "" if value is None else str(value)
    return cells


def written(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        if path.suffix == ".jsonl":
            file.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in records)
            return path
        table: csv.DictWriter[str] | None = None
        for each in records:
            cells = flat(each)
            if table is None:
                table = csv.DictWriter(file, list(cells))
                table.writeheader()
            table.writerow(cells)
    return path


async def imported(config: Path, file: Path) -> dict[str, float]:
    wall, processor = time.perf_counter(), time.process_time()
    async with open_gate(config, now=NOW) as gate:
        report = await import_contacts(gate, file, {})
        assert report.new + report.known == report.rows, report.record()
    return {
        "rows": report.rows,
        "wall": time.perf_counter() - wall,
        "processor": time.process_time() - processor,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def one_import(config: Path, file: Path, *, profile: bool) -> None:
    """In this process; what it came to as a line of JSON."""
    if not profile:
        print(json.dumps(run(imported(config, file))))
        return
    watch = cProfile.Profile()
    watch.runcall(run, imported(config, file))
    pstats.Stats(watch).sort_stats("tottime").print_stats(25)


def measured(config: Path, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.imports", "--import", str(config), str(file)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=root)  # errors are shown
    found: dict[str, float] = json.loads(done.stdout)
    return found


def show(title: str, found: dict[str, float], first: dict[str, float] | None) -> None:
    rows, wall, processor = found["rows"], found["wall"], found["processor"]
    growth = f"{processor / rows / (first['processor'] / first['rows']):.2f}" if first else "1.00"
    print(
        f"| {title} | {rows:,.0f} | {rows / wall:,.0f} | {wall / rows * 1e6:.0f} | {processor / rows * 1e6:.0f} "
        f"| {growth} | {found['megabytes']:.0f} |",
        flush=True,
    )


def show_table(sizes: Iterable[int], formats: Iterable[str], again: bool) -> None:
    print(f"Goals: ≥ {GOAL_ROWS:,} rows/s on one core, ≤ {GOAL_GROWTH} × per row, memory flat\n")
    print("| file | rows | rows/s | µs/row | CPU µs/row | × first | peak RSS MB |\n|---|---:|---:|---:|---:|---:|---:|")
    for kind in formats:
        first = None
        for rows in sizes:
            folder = Path(tempfile.mkdtemp(prefix="imports-"))
            try:
                config = furnish(folder, "sqlite:///penstock.db")
                file = written(folder / f"contacts.{kind}", invented(rows))
                found = measured(config, file)
                show(f".{kind}", found, first)
                first = first or found
                if again:
                    show(f".{kind}, known already", measured(config, file), None)
            finally:
                shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, help="one size instead of the table's, e.g. 1000000")
    parser.add_argument("--format", choices=FORMATS, help="one format instead of both")
    parser.add_argument("--again", action="store_true", help="also import each file a second time")
    parser.add_argument("--profile", action="store_true", help="show where the time of one import goes (cProfile)")
    parser.add_argument("--import", nargs=2, type=Path, dest="job", metavar=("CONFIG", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    formats = (options.format,) if options.format else FORMATS
    if options.job:
        one_import(options.job[0], options.job[1], profile=options.profile)
    elif options.profile:
        with tempfile.TemporaryDirectory(prefix="imports-") as name:
            file = written(Path(name) / f"contacts.{formats[0]}", invented(options.rows or 20_000))
            one_import(furnish(Path(name), "sqlite:///penstock.db"), file, profile=True)
    else:
        show_table((options.rows,) if options.rows else TABLE_ROWS, formats, options.again)


if __name__ == "__main__":
    main()
