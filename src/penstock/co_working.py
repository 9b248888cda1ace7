"""Further processes that drain the same store: started by one that sends, told when all is planned, heard line by line.

A co-worker is a process of its own. It gets its orders on standard input, works until nothing is due, and writes one
JSON line per mail that it is over with to standard output. When its input ends, because its starter stopped or died, it
finishes what it began and goes. What a killed one held comes back when its leases end. It runs in a session of its own
and without the current folder on its module path, so that neither Ctrl-C nor files that lie about reach it.
"""

from __future__ import annotations

import asyncio
import base64
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import orjson

from penstock.clock import FrozenClock, SystemClock
from penstock.config.settings import Settings
from penstock.decision_line import Line, line
from penstock.errors import PenstockError, StoreUnavailable, Unavailable
from penstock.model.mail import Mail
from penstock.model.outcome import Outcome, TryLater
from penstock.model.verdict import Decision, Verdict
from penstock.observe.log import get_logger
from penstock.running import run_async
from penstock.wiring import open_house

__all__ = ["CoWorkers", "main", "may_change"]

SHARED_BATCH = 100
"""Tickets per round where several processes share the work: the last of them ends soon after the first."""
_PLANNED = b"planned\n"
# A stop that comes while it still imports is no traceback: its starter, told likewise, ends it by its input.
_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from penstock.co_working import main
main()
"""
_LINE_OCTETS = 1 << 20

_log = get_logger("co_working")

Heard = Callable[[Line, bool], None]
"""Told of each line and whether it may still change."""


def may_change(decision: Decision, outcome: Outcome | None) -> bool:
    """Whether the same run may come to another line for this mail."""
    return isinstance(outcome, TryLater) or decision.verdict is Verdict.DEFER


@dataclass(frozen=True, slots=True)
class _Order:
    settings: Settings
    now: datetime | None
    campaign: str
    wait: float


class CoWorkers:
    """The starter's side. Close it in any case."""

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self._processes: list[asyncio.subprocess.Process] = []
        self._listeners: list[asyncio.Task[None]] = []
        self._faults: list[str] = []

    async def start(self, number: int, settings: Settings, now: datetime | None, campaign: str, wait: float) -> None:
        """Start so many processes for the mails of one campaign; what else is due in the store they do, too."""
        order = base64.b64encode(pickle.dumps(_Order(settings, now, campaign, wait))) + b"\n"
        command = (sys.executable, "-P", "-c", _PROGRAM)
        for _ in range(number):
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LINE_OCTETS,
                start_new_session=True,
            )
            self._processes.append(process)
            self._listeners.append(asyncio.create_task(self._listen(process), name="penstock-co-worker"))
            self._write(process, order)

    def planned(self) -> None:
        """Nothing is added any more: who finds nothing due within `wait` may go."""
        for process in self._processes:
            self._write(process, _PLANNED)

    async def finished(self, stop: asyncio.Event) -> None:
        """Return once all have found nothing more to do and went, or `stop` was set."""
        stopped = asyncio.create_task(stop.wait())
        try:
            for listener in self._listeners:
                await asyncio.wait({listener, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()

    async def aclose(self) -> None:
        """Let all finish what they began, and hear them out. Raises Unavailable where one met it."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        for process, listener in zip(self._processes, self._listeners, strict=True):
            await listener
            if code := await process.wait():
                _log.warning("co_worker_died", code=code)
        self._processes, self._listeners = [], []
        if self._faults:
            raise StoreUnavailable(self._faults[0])

    def _write(self, process: asyncio.subprocess.Process, octets: bytes) -> None:
        assert process.stdin is not None
        if not process.stdin.is_closing():
            process.stdin.write(octets)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while (octets := await process.stdout.readline()).endswith(b"\n"):  # a killed one may leave half a line
            message = orjson.loads(octets)
            if "fault" in message:
                self._faults.append(message["fault"])
            else:
                self._heard(message["line"], message["open"])


def main() -> None:
    """The co-worker itself."""
    with open(0, "rb", buffering=0, closefd=False) as pipe:  # a buffer would swallow what is said next
        order: _Order = pickle.loads(base64.b64decode(pipe.readline()))  # noqa: S301 — from our own starter
    try:
        run_async(lambda: _work(order))
    except (PenstockError, Unavailable) as fault:
        _say({"fault": str(fault)})
        sys.exit(3)
    finally:
        with _nobody_listening():
            sys.stdout.flush()


async def _work(order: _Order) -> None:
    stop, planned = asyncio.Event(), asyncio.Event()
    following = asyncio.create_task(_follow(stop, planned))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    house = await open_house(order.settings, FrozenClock(order.now) if order.now else SystemClock())
    try:
        worker = house.worker(_reporter(order.campaign), batch=SHARED_BATCH)
        await worker.drain(wait=order.wait, stop=stop, fed=planned)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await house.aclose()


async def _follow(stop: asyncio.Event, planned: asyncio.Event) -> None:
    """Hear what the starter says; its end is the end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    pipe, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while said := await reader.readline():
            if said == _PLANNED:
                planned.set()
        stop.set()
        planned.set()
    finally:
        pipe.close()


def _reporter(campaign: str) -> Callable[[Mail, Decision, Outcome | None], None]:
    def report(mail: Mail, decision: Decision, outcome: Outcome | None) -> None:
        if mail.campaign is not None and mail.campaign.id == campaign:
            _say({"line": line(mail, decision, outcome), "open": may_change(decision, outcome)})

    return report


def _say(message: object) -> None:
    with _nobody_listening():
        sys.stdout.write(orjson.dumps(message, default=str).decode() + "\n")


@contextmanager
def _nobody_listening() -> Iterator[None]:
    """A starter that died hears nothing any more; the store knows all the same."""
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
