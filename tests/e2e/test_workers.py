"""`penstock send --workers N`: several processes on one store, every mail once."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.e2e.by_smtp import arrived, copies, way_out
from tests.integration.scripted_sink import ScriptedSink, running

import penstock
from penstock.config.settings import load_settings
from penstock.wiring import House

Command = Callable[..., list[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl", "--wait", "0")
SHARED = (*SEND, "--workers", "2", "--json")
PEOPLE = 500
MOMENT = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def crowd(house: Path, person: Person, contact_file: ContactFile) -> Path:
    """A house with many people, some of whom must not be mailed."""
    people: list[dict[str, Any]] = [person(f"p{n}") for n in range(PEOPLE)]
    people[7] = person("p7", company={"employees": None})
    people[8] = {"address": "broken"}
    people[9] = people[6]
    people[10] = person("p10", born="2020-01-01")
    shared = {"domains": ["big.example"], "id": "SE-1"}
    people[20:30] = [person(f"c{n}", company=shared) | {"address": f"c{n}@big.example"} for n in range(10)]
    contact_file(house / "people.jsonl", people)
    return house


def verdicts(lines: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    return Counter((line["address"], line["verdict"], line["code"], line["outcome"]) for line in lines)


async def test_two_processes_send_each_mail_once_and_say_what_one_would_say(
    records: Records, crowd: Path, tmp_path: Path
) -> None:
    alone = shutil.copytree(crowd, tmp_path / "alone")
    (crowd / "random.py").write_text("raise SystemExit('a file that lies about was imported')")
    async with running(ScriptedSink(delay=0.001)) as sink, running(ScriptedSink()) as other:
        shared, single = await asyncio.gather(
            asyncio.to_thread(records, *SHARED[:-1], cwd=crowd, env=way_out(sink)),
            asyncio.to_thread(records, *SEND, cwd=alone, env=way_out(other)),
        )
    assert len(shared) == len(single) == PEOPLE
    big = [line for line in shared if str(line["address"]).endswith("@big.example")]
    assert Counter(line["code"] for line in big) == {None: 5, "FREQUENCY_CAP": 5}
    assert Counter(line["code"] for line in shared) == Counter(line["code"] for line in single)
    assert verdicts([line for line in shared if line not in big]) == verdicts(
        [line for line in single if not str(line["address"]).endswith("@big.example")]
    )
    accepted = [line["address"] for line in shared if line["outcome"] == "accepted"]
    assert copies(sink) == Counter(accepted)
    assert set(copies(sink).values()) == {1}
    assert len(accepted) == len(copies(other)) == PEOPLE - 4 - 5


@asynccontextmanager
async def started(command: Command, house: Path, sink: ScriptedSink) -> AsyncIterator[asyncio.subprocess.Process]:
    """A run under way, in the middle of its work; it does not outlive the block."""
    process = await asyncio.create_subprocess_exec(
        *command(*SHARED),
        cwd=house,
        env={"PATH": os.environ["PATH"], "HOME": str(house), "LANG": "C.UTF-8", **way_out(sink)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await asyncio.wait_for(arrived(sink, 60), 30)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def co_worker(process: asyncio.subprocess.Process) -> psutil.Process:
    (found,) = psutil.Process(process.pid).children()
    return found


def leases_ended(house: Path) -> None:
    """As after half a minute."""
    with closing(sqlite3.connect(house / "penstock.db")) as store, store:
        store.execute("UPDATE tickets SET lease_until = 0")


async def completed(house: Path, sink: ScriptedSink) -> set[str]:
    """Run again; the addresses of mails in doubt. Nobody got one twice."""
    leases_ended(house)
    sink.delay = 0
    lines: list[dict[str, Any]] = []
    async with penstock.open(load_settings(house / "config.toml", way_out(sink)), now=MOMENT) as gate:
        await gate.send(house / "campaigns" / "short.toml", house / "people.jsonl", wait=0, emit=lines.append)
        uncertain = await gate.house.store.mails.uncertain("", 500)
    assert len(lines) == PEOPLE
    by_id = {line["mail_id"]: line["address"] for line in lines}
    doubtful = {by_id[each.mail_id] for each in uncertain}
    assert set(copies(sink).values()) == {1}
    assert len(copies(sink).keys() | doubtful) == PEOPLE - 4 - 5
    return doubtful


async def test_a_killed_co_worker_costs_nothing_but_time(command: Command, crowd: Path) -> None:
    async with running(ScriptedSink(delay=0.01)) as sink:
        async with started(command, crowd, sink) as process:
            co_worker(process).kill()
            out, told = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, told.decode()
        assert b"Traceback" not in told
        lines = [json.loads(line) for line in out.splitlines()]
        assert len(lines) == PEOPLE
        twice = [id_ for id_, number in Counter(line["mail_id"] for line in lines).items() if number > 1]
        assert len(twice) == 1  # the row that the file has twice
        assert len(await completed(crowd, sink)) <= 200


async def test_a_co_worker_whose_starter_dies_finishes_what_it_began_and_goes(command: Command, crowd: Path) -> None:
    async with running(ScriptedSink(delay=0.01)) as sink:
        async with started(command, crowd, sink) as process:
            orphan = co_worker(process)
            process.kill()
            _, told = await asyncio.wait_for(process.communicate(), 30)
        await asyncio.to_thread(orphan.wait, 20)
        assert b"Traceback" not in told
        assert len(await completed(crowd, sink)) <= 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_stop_ends_all_processes_cleanly_and_the_same_command_continues(
    command: Command, crowd: Path, number: signal.Signals
) -> None:
    """Told to all of them at once, as a service manager does."""
    async with running(ScriptedSink(delay=0.01)) as sink:
        async with started(command, crowd, sink) as process:
            other = co_worker(process)
            process.send_signal(number)
            other.send_signal(number)
            out, told = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 130, told.decode()
        assert told.decode().splitlines()[-1] == "penstock: interrupted; the same command continues"
        assert b"Traceback" not in told
        assert not other.is_running()
        told_accepted = sum(json.loads(line)["outcome"] == "accepted" for line in out.splitlines())
        assert told_accepted == len(sink.received) < PEOPLE - 9
        assert await completed(crowd, sink) == set()


class NothingToDo:
    """A worker whose share of the work is over before the others have begun theirs."""

    def __init__(self) -> None:
        self.idle, self.taken, self.moved = True, 0, asyncio.Event()

    async def drain(self, *, wait: float, stop: asyncio.Event, fed: asyncio.Event, among: object) -> None:
        await fed.wait()


async def test_whoever_is_done_first_waits_for_the_others(crowd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(House, "worker", lambda *_, **__: NothingToDo())
    lines: list[dict[str, Any]] = []
    async with running(ScriptedSink()) as sink:
        async with penstock.open(load_settings(crowd / "config.toml", way_out(sink)), now=MOMENT) as gate:
            report = await gate.send(
                crowd / "campaigns" / "short.toml", crowd / "people.jsonl", wait=0, workers=2, emit=lines.append
            )
        assert len(sink.received) == PEOPLE - 4 - 5
    assert Counter(line["outcome"] for line in lines)["accepted"] == PEOPLE - 4 - 5
    assert not report.waiting


def test_a_store_in_memory_cannot_be_shared(
    refusal: Refusal, house: Path, person: Person, contact_file: ContactFile
) -> None:
    contact_file(house / "people.jsonl", [person("anna")])
    line = refusal(*SEND, "--workers", "2", cwd=house, env={"PENSTOCK__STORE__URL": "sqlite://:memory:"})
    assert "--workers: a store in memory cannot be shared" in line
