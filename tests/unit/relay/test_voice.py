"""How a process of a relay talks to its starter."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys

from penstock.relay.voice import RelayVoice


async def test_the_end_of_the_starter_is_the_end() -> None:
    ours, theirs = os.pipe()
    said, saying = os.pipe()
    voice, stop = RelayVoice(ours, saying), asyncio.Event()
    following = asyncio.create_task(voice.follow(stop))
    try:
        os.write(theirs, b'{"missing": "worker-1"}\n{"anything": "else"}\n')
        async with asyncio.timeout(5):
            while not voice.missing():  # noqa: ASYNC110 — there is nothing to be told by
                await asyncio.sleep(0.01)
        assert voice.missing() == "worker-1"
        assert not stop.is_set()
        os.close(theirs)
        await asyncio.wait_for(stop.wait(), 5)
        voice.ready(["smtp://127.0.0.1:25"])
        assert json.loads(os.read(said, 1000)) == {"ready": ["smtp://127.0.0.1:25"]}
    finally:
        await following
        for each in (ours, said, saying):
            os.close(each)


def test_a_starter_that_does_not_listen_or_is_gone_holds_nothing_up() -> None:
    said, saying = os.pipe()
    voice = RelayVoice(0, saying)
    for _ in range(5_000):
        voice.say({"alive": True})
    os.close(said)
    voice.say({"alive": True})
    os.close(saying)


def test_a_process_that_was_to_leave_leaves_though_it_hangs() -> None:
    program = "import time; from penstock.relay.voice import leave_within; leave_within(0.1); time.sleep(60)"
    assert subprocess.run([sys.executable, "-c", program], timeout=30).returncode == 1
