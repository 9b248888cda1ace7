"""A process that dies at any moment leaves a store that opens, verifies and knows what it promised."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest

from penstock.model.keyring import Keyring, Secret
from penstock.store.sqlite import SqliteStore

KEYS = Keyring(*((Secret(name, name.encode() * 16),) for name in ("pp", "tt", "ll")))
PREPARE = """
import asyncio, sys
from datetime import UTC, datetime
from penstock.errors import StoreUnavailable
from penstock.model.keyring import Keyring, Secret
from penstock.store.sqlite import SqliteStore

KEYS = Keyring(*((Secret(name, name.encode() * 16),) for name in ("pp", "tt", "ll")))

class Clock:
    def now(self):
        return datetime(2026, 11, 20, tzinfo=UTC)
    def machine(self):
        return self.now().timestamp()
"""
WRITE_FOREVER = (
    PREPARE
    + """
async def write(store, name):
    number = 0
    while True:
        await store.ledger.append("note", {"writer": name, "number": number, "padding": "x" * 500})
        print(name, number, flush=True)
        number += 1

async def main(path):
    store = await SqliteStore.open(f"sqlite:///{path}", KEYS, Clock())
    await asyncio.gather(*(write(store, name) for name in "abcd"))

asyncio.run(main(sys.argv[1]))
"""
)
WRITE_UNTIL_FULL = (
    PREPARE
    + """
async def main(path):
    store = await SqliteStore.open(f"sqlite:///{path}", KEYS, Clock())
    number = 0
    try:
        while True:
            await store.ledger.append("note", {"number": number, "padding": "x" * 5000})
            number += 1
    except StoreUnavailable as fault:
        print(number, fault.what, flush=True)
    try:
        await store.aclose()
    finally:
        print("closed", flush=True)

asyncio.run(main(sys.argv[1]))
"""
)


class Clock:
    """Not looked at here."""

    def now(self) -> Never:
        raise LookupError

    machine = now


def written_before_a_kill(path: Path, lines: int) -> int:
    """Kill a writing process after so many answers; how many it gave."""
    process = subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(lines):
        process.stdout.readline()
    process.kill()
    rest = process.stdout.read()
    process.stdout.close()
    process.wait()
    return lines + rest.count("\n")


def written_until_full(path: Path, limit: int) -> list[str]:
    """What a process says that writes until no file may grow."""
    run = subprocess.run(
        [sys.executable, "-c", WRITE_UNTIL_FULL, str(path)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


@pytest.mark.parametrize("lines", [1, 37, 400])
async def test_what_was_answered_survives_a_kill(path: Path, lines: int) -> None:
    answered = written_before_a_kill(path, lines)
    store = await SqliteStore.open(f"sqlite:///{path}", KEYS, Clock())
    report = await store.ledger.verify()
    assert report.fault is None
    assert report.rows >= answered
    rows = await store.ledger.rows(0, 1_000_000)
    for name in "abcd":
        numbers = [row.body["number"] for row in rows if row.body["writer"] == name]
        assert numbers == list(range(len(numbers)))
    await store.aclose()


async def test_a_file_that_may_not_grow_is_unavailable_and_stays_whole(path: Path) -> None:
    first, closed = written_until_full(path, 3 * 1024 * 1024)
    number, _, what = first.partition(" ")
    assert closed == "closed"
    assert "disk" in what
    store = await SqliteStore.open(f"sqlite:///{path}", KEYS, Clock())
    report = await store.ledger.verify()
    assert (report.rows, report.fault) == (int(number), None)
    await store.aclose()
