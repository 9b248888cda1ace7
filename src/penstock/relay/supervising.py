"""Processes that are kept running: started, heard line by line, started again when they die, and stopped together.

Each is a program of its own that gets its orders as the first line on standard input and tells how it is by JSON lines
on standard output: `{"ready": [URL, …]}` once, `{"alive": true}` at least every few seconds, and `{"fault": sentence}`
before it leaves with exit code 2 (wrong config) or 3 (a dependency is away). The end of its input asks it to finish and
go; that also is how it learns that its starter died. It runs in a session of its own, so that Ctrl-C does not reach it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.errors import ConfigError, StoreUnavailable
from penstock.observe.log import get_logger

__all__ = ["Pace", "Post", "Supervisor"]

_WRONG_USE, _UNAVAILABLE = 2, 3

_log = get_logger("supervising")


@dataclass(frozen=True, slots=True)
class Post:
    """A process to be kept running: its name and its orders (a line)."""

    name: str
    order: bytes = field(repr=False)
    descriptors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """Times in seconds. A process that died starts again after `first_pause`, doubled each time up to `longest_pause`,
    and from the beginning once it lived for `settled`. It is ended when it is not ready within `start`, says nothing
    for `silence`, or does not go within `grace` when asked to.
    """

    first_pause: float = 0.1
    longest_pause: float = 30.0
    settled: float = 60.0
    start: float = 60.0
    silence: float = 30.0
    grace: float = 30.0


class _Running:
    """One life of one process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.fault = ""

    def tell(self, message: Mapping[str, object]) -> None:
        assert self.process.stdin is not None
        if not self.process.stdin.is_closing():
            self.process.stdin.write(json.dumps(message).encode() + b"\n")

    def ask_to_go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


class Supervisor:
    """Keeps all posts filled until it is stopped."""

    def __init__(
        self,
        posts: Sequence[Post],
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        pace: Pace,
        ended: Callable[[str], None] = lambda _name: None,
        together: bool = False,
    ) -> None:
        """`ended` is told the name of each process that went, however it came to that. `together`: all start at once;
        else the first starts alone, as it may have to make what the others find.
        """
        self._together = together
        self._posts = posts
        self._command = command
        self._environment = environment
        self._pace = pace
        self._ended = ended
        self._running: dict[str, _Running] = {}
        self._ready: dict[str, tuple[str, ...]] = {}
        self._changed = asyncio.Event()
        self._all_up = False
        self._stop = asyncio.Event()

    async def run(
        self,
        stop: asyncio.Event,
        up: Callable[[Sequence[str]], None],
        *,
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        """Until `stop` is set; `up` is told all addresses once every process is ready, `stopping` when they are to go.

        Raises ConfigError and StoreUnavailable, with the words of the process, where one leaves for that before all
        have been ready.
        """
        self._stop = stop
        keepers: list[asyncio.Task[None]] = []
        watch = asyncio.create_task(stop.wait())
        try:
            for number in (len(self._posts),) if self._together else (1, len(self._posts)):
                keepers += [asyncio.create_task(self._keep(post)) for post in self._posts[len(keepers) : number]]
                if not await self._until(number, [watch, *keepers]):
                    return
            self._all_up = True
            up([url for post in self._posts for url in self._ready.get(post.name, ())])
            await asyncio.wait([watch, *keepers], return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop.set()
            stopping()
            await watch
            for result in await asyncio.gather(*keepers, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

    async def _until(self, number: int, tasks: Sequence[asyncio.Task[Any]]) -> bool:
        """Whether so many are ready before any of the tasks has ended."""
        while not any(task.done() for task in tasks):
            if len(self._ready) >= number:
                return True
            self._changed.clear()
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait([changed, *tasks], return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()
        return False

    async def _keep(self, post: Post) -> None:
        pause, loop = self._pace.first_pause, asyncio.get_running_loop()
        while not self._stop.is_set():
            began = loop.time()
            code, fault = await self._live(post)
            if self._stop.is_set():
                return
            if not self._all_up and code in {_WRONG_USE, _UNAVAILABLE} and fault:
                raise ConfigError(fault) if code == _WRONG_USE else StoreUnavailable(fault)
            if loop.time() - began >= self._pace.settled:
                pause = self._pace.first_pause
            _log.warning("process_ended", process=post.name, code=code, fault=fault, again_in=pause)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = min(2 * pause, self._pace.longest_pause)

    async def _live(self, post: Post) -> tuple[int, str]:
        """One life, from start to end: its exit code (negative: the signal) and its last words."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            pass_fds=post.descriptors,
            start_new_session=True,
        )
        running = self._running[post.name] = _Running(process)
        assert process.stdin is not None
        process.stdin.write(post.order)
        hearing = asyncio.create_task(self._hear(post, running))
        watch = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([hearing, watch], return_when=asyncio.FIRST_COMPLETED)
            running.ask_to_go()
            await asyncio.wait([hearing], timeout=self._pace.grace)
        finally:
            if not hearing.done():
                _log.warning("process_did_not_go", process=post.name)
                running.kill()
            await asyncio.gather(hearing, return_exceptions=True)
            watch.cancel()
            code = await process.wait()
            self._gone(post)
        return code, running.fault

    def _gone(self, post: Post) -> None:
        del self._running[post.name]
        self._ready.pop(post.name, None)
        self._tell_all()
        self._ended(post.name)

    async def _hear(self, post: Post, running: _Running) -> None:
        """All it says; a process that says nothing for too long is ended."""
        assert running.process.stdout is not None
        patience = self._pace.start
        while True:
            try:
                async with asyncio.timeout(patience):
                    said = await running.process.stdout.readline()
            except (TimeoutError, ValueError):
                if not self._stop.is_set():  # then it is given its time to go
                    _log.error("process_hangs", process=post.name)
                    running.kill()
                patience = self._pace.grace + self._pace.silence
                continue
            if not said.endswith(b"\n"):
                return
            match json.loads(said):
                case {"ready": urls}:
                    patience = self._pace.silence
                    self._ready[post.name] = tuple(urls)
                    self._tell_all()
                case {"fault": str(sentence)}:
                    running.fault = sentence

    def _tell_all(self) -> None:
        """Who is missing, so that any of them can answer whether the whole is ready."""
        self._changed.set()
        missing = ", ".join(post.name for post in self._posts if post.name not in self._ready)
        for running in self._running.values():
            running.tell({"missing": missing})
