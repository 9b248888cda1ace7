"""Processes that are kept running; each is a few lines of Python that behave well or do not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from penstock.errors import ConfigError, StoreUnavailable
from penstock.relay.supervising import Pace, Post, Supervisor

pytestmark = pytest.mark.alone  # it watches the clock

QUICK = Pace(first_pause=0.02, longest_pause=0.2, start=10.0, silence=10.0, grace=10.0)

# Its order is a path, to which it appends its process id, and what it then does.
PROGRAM = """
import json, os, sys, time
order = json.loads(sys.stdin.readline())
with open(order["path"], "a") as file:
    file.write(f"{os.getpid()}\\n")
with open(order["path"]) as file:
    life = len(file.readlines())
say = lambda message: os.write(1, json.dumps(message).encode() + b"\\n")
exec(order["does"])
"""
GOOD = "say({'ready': ['smtp://' + str(life)]}); sys.stdin.read()"


@dataclass
class Told:
    urls: list[Sequence[str]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    up: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self, urls: Sequence[str]) -> None:
        self.urls.append(urls)
        self.up.set()


def post(folder: Path, name: str, does: str = GOOD) -> Post:
    return Post(name, json.dumps({"path": str(folder / name), "does": does}).encode() + b"\n")


def lives(folder: Path, name: str) -> list[int]:
    path = folder / name
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def supervisor(told: Told, *posts: Post, pace: Pace = QUICK) -> Supervisor:
    command = (sys.executable, "-P", "-c", PROGRAM)
    return Supervisor(posts, command, dict(os.environ), pace=pace, ended=told.ended.append)


@asynccontextmanager
async def kept(told: Told, *posts: Post, pace: Pace = QUICK, up: bool = True) -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    running = asyncio.create_task(supervisor(told, *posts, pace=pace).run(stop, told.ready))
    try:
        if up:
            await asyncio.wait_for(told.up.wait(), 20)
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(running, 20)


async def comes_to(folder: Path, name: str, number: int) -> None:
    async with asyncio.timeout(20):
        while len(lives(folder, name)) < number:  # noqa: ASYNC110 — another process writes it
            await asyncio.sleep(0.01)


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


async def test_all_are_told_to_be_ready_once_and_go_when_asked(tmp_path: Path) -> None:
    told = Told()
    async with kept(told, post(tmp_path, "a"), post(tmp_path, "b")):
        pass
    assert told.urls == [["smtp://1", "smtp://1"]]
    assert sorted(told.ended) == ["a", "b"]
    assert not any(alive(number) for name in "ab" for number in lives(tmp_path, name))


async def test_one_that_is_killed_comes_back_and_readiness_is_told_once(tmp_path: Path) -> None:
    told = Told()
    async with kept(told, post(tmp_path, "a"), post(tmp_path, "b")):
        os.kill(lives(tmp_path, "a")[0], 9)
        await comes_to(tmp_path, "a", 2)
    assert told.urls == [["smtp://1", "smtp://1"]]
    assert len(lives(tmp_path, "b")) == 1


async def test_one_that_always_dies_comes_back_ever_more_slowly(tmp_path: Path) -> None:
    told, began = Told(), time.monotonic()
    pace = Pace(first_pause=0.1, longest_pause=0.4)
    async with kept(told, post(tmp_path, "a", "sys.exit(1)"), pace=pace, up=False):
        await comes_to(tmp_path, "a", 4)
        passed = time.monotonic() - began
    assert passed > 0.1 + 0.2 + 0.4


async def test_one_that_lived_long_comes_back_at_once(tmp_path: Path) -> None:
    told, began = Told(), time.monotonic()
    pace = Pace(first_pause=0.1, longest_pause=10.0, settled=0.0)
    async with kept(told, post(tmp_path, "a", "sys.exit(1)"), pace=pace, up=False):
        await comes_to(tmp_path, "a", 6)
        passed = time.monotonic() - began
    assert passed < 3.0


async def test_the_first_is_ready_before_the_others_start(tmp_path: Path) -> None:
    told = Told()
    slow = "import os.path; time.sleep(0.5); say({'ready': [str(os.path.exists(order['path'][:-1] + 'b'))]});"
    async with kept(told, post(tmp_path, "a", slow + "sys.stdin.read()"), post(tmp_path, "b")):
        pass
    assert told.urls == [["False", "smtp://1"]]


@pytest.mark.parametrize(("code", "fault"), [(2, ConfigError), (3, StoreUnavailable)])
@pytest.mark.parametrize("name", ["a", "b"])
async def test_a_fault_at_the_start_ends_all_with_the_words_of_the_process(
    tmp_path: Path, code: int, fault: type[Exception], name: str
) -> None:
    told, bad = Told(), f"say({{'fault': 'no such thing'}}); sys.exit({code})"
    posts = [post(tmp_path, each, bad if each == name else GOOD) for each in "ab"]
    with pytest.raises(fault, match="no such thing"):
        await asyncio.wait_for(supervisor(told, *posts).run(asyncio.Event(), told.ready), 20)
    assert told.urls == []
    assert not any(alive(number) for each in "ab" for number in lives(tmp_path, each))


async def test_a_fault_later_on_is_no_end(tmp_path: Path) -> None:
    """A store that is full for a while, say."""
    later = "say({'ready': []}) if life != 2 else (say({'fault': 'full'}), sys.exit(3)); sys.stdin.read()"
    told = Told()
    async with kept(told, post(tmp_path, "a", later)):
        os.kill(lives(tmp_path, "a")[0], 9)
        await comes_to(tmp_path, "a", 3)


@pytest.mark.parametrize("does", ["time.sleep(60)", "say({'ready': []}); time.sleep(60)"])
async def test_one_that_hangs_is_ended_and_started_anew(tmp_path: Path, does: str) -> None:
    pace = Pace(first_pause=0.02, start=0.7, silence=0.3, grace=0.3)
    told = Told()
    async with kept(told, post(tmp_path, "a", does), pace=pace, up=False):
        await comes_to(tmp_path, "a", 2)
    assert not alive(lives(tmp_path, "a")[0])


async def test_one_that_does_not_go_within_the_grace_is_ended(tmp_path: Path) -> None:
    told, stubborn = Told(), "say({'ready': []}); time.sleep(60)"
    began = time.monotonic()
    async with kept(told, post(tmp_path, "a", stubborn), pace=Pace(grace=0.3)):
        pass
    assert time.monotonic() - began < 10
    assert not alive(lives(tmp_path, "a")[0])


async def test_each_is_told_who_is_missing(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    listens = f"say({{'ready': []}}); [open({str(heard)!r}, 'a').write(line) for line in iter(sys.stdin.readline, '')]"
    told = Told()
    async with kept(told, post(tmp_path, "a", listens), post(tmp_path, "b")):
        os.kill(lives(tmp_path, "b")[0], 9)
        await comes_to(tmp_path, "b", 2)
        await asyncio.sleep(0.3)
    lines = [line for line in heard.read_text().splitlines() if line]
    assert '{"missing": "b"}' in lines
    assert lines[-1] == '{"missing": ""}'


async def test_a_stop_while_they_start_is_a_stop(tmp_path: Path) -> None:
    told = Told()
    async with kept(told, post(tmp_path, "a", "sys.stdin.read()"), post(tmp_path, "b"), up=False):
        await comes_to(tmp_path, "a", 1)
    assert told.urls == []
    assert lives(tmp_path, "b") == []


async def test_what_it_says_that_is_too_long_ends_it(tmp_path: Path) -> None:
    told, loud = Told(), "os.write(1, b'x' * 200000); time.sleep(60)"
    async with kept(told, post(tmp_path, "a", loud), pace=Pace(first_pause=0.02, grace=1.0), up=False):
        await comes_to(tmp_path, "a", 2)
    assert not alive(lives(tmp_path, "a")[0])


async def test_where_nothing_has_to_be_made_first_all_start_at_once(tmp_path: Path) -> None:
    told, stop = Told(), asyncio.Event()
    waits = f"""
while not os.path.exists({str(tmp_path / "second")!r}):
    time.sleep(0.01)
{GOOD}"""
    posts = (post(tmp_path, "first", waits), post(tmp_path, "second"))
    command = (sys.executable, "-P", "-c", PROGRAM)
    made = Supervisor(posts, command, dict(os.environ), pace=QUICK, together=True)
    running = asyncio.create_task(made.run(stop, told.ready))
    await asyncio.wait_for(told.up.wait(), 20)
    stop.set()
    await asyncio.wait_for(running, 20)
