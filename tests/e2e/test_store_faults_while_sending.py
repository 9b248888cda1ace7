"""The disk fills, the store is locked or cannot be written while mails go out: a clean end, and it goes on after."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
from tests.integration.scripted_sink import Act, ScriptedSink, running

Run = Callable[..., subprocess.CompletedProcess[str]]
Records = Callable[..., list[dict[str, Any]]]
Refusal = Callable[..., str]
Person = Callable[..., dict[str, Any]]
ContactFile = Callable[..., Path]
Outbox = Callable[[Path], dict[str, bytes]]
T = TypeVar("T")

SEND = ("send", "campaigns/short.toml", "--contacts", "people.jsonl")
CONTINUES = "nothing was lost, the same command continues"
PEOPLE = 300
STRIKES_AT = 40
"""So many mails are out when the trouble begins: all slices that fly together have begun, none has ended."""
MOST_IN_DOUBT = 200
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


class Trouble(Protocol):
    """What befalls the running program."""

    def begin(self, pid: int) -> None: ...

    def end(self) -> None: ...


@dataclass
class Unwritable:
    """No file takes an octet more from that process. To SQLite every refusal but "no space" is this one."""

    pid: int = 0

    def begin(self, pid: int) -> None:
        self.pid = pid
        self._limit(0)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, octets: int) -> None:
        _, hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (octets, hard))


@dataclass
class Full:
    """A disk of its own in `folder`, with no block left."""

    folder: Path

    def begin(self, pid: int) -> None:
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError as fault:
                if fault.errno != errno.ENOSPC:
                    raise

    def end(self) -> None:
        (self.folder / "ballast").unlink()


@dataclass
class Locked:
    """Another process holds the write lock."""

    store: Path
    connection: sqlite3.Connection | None = None

    def begin(self, pid: int) -> None:
        self.connection = sqlite3.connect(self.store, isolation_level=None, timeout=5)
        self.connection.execute("BEGIN EXCLUSIVE")

    def end(self) -> None:
        assert self.connection is not None
        self.connection.execute("ROLLBACK")
        self.connection.close()


@dataclass
class Closed:
    """The folder takes no new names."""

    folder: Path

    def begin(self, pid: int) -> None:
        self.folder.chmod(0o500)

    def end(self) -> None:
        self.folder.chmod(0o700)


@dataclass
class StrikingSink(ScriptedSink):
    """A mail server that calls `strike` before it answers for the mail number STRIKES_AT."""

    strike: Callable[[], None] = lambda: None
    struck: asyncio.Event = field(default_factory=asyncio.Event)

    def next_for(self, verb: str) -> str | Act:
        if verb == "DOT" and len(self.received) == STRIKES_AT:
            self.strike()
            self.struck.set()
        return super().next_for(verb)


@dataclass(frozen=True)
class Case:
    """A run and what befalls it; `lasts` None: to its end; `stops`: SIGTERM a second after the trouble began."""

    trouble: str
    by_smtp: bool = True
    lasts: float | None = None
    stops: bool = False


@dataclass(frozen=True)
class Story:
    """How the first run ended, what the second one said, and what had arrived in the end.

    `seconds` is how long the trouble lasted.
    """

    first: subprocess.CompletedProcess[str]
    seconds: float
    again: list[dict[str, Any]]
    copies: Counter[str]
    doubtful: set[str]

    @property
    def told(self) -> list[str]:
        """What the first run said on standard error, lint and log apart."""
        return [line for line in self.first.stderr.splitlines() if "[warning" not in line and line[:9] != "warning: "]


CASES = {
    "full": Case("full"),
    "full, into files": Case("full", by_smtp=False),
    "unwritable": Case("unwritable"),
    "unwritable for a while": Case("unwritable", lasts=3.0),
    "locked for a while": Case("locked", lasts=7.0),
    "locked and stopped": Case("locked", stops=True),
    "closed outbox": Case("closed", by_smtp=False),
}


def obeying_rights(pid_file: Path) -> Callable[[], None]:
    """Even root shall be bound by modes, as users are; where the kernel refuses to drop that right, we had none."""

    def prepare() -> None:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
        pid_file.write_text(str(os.getpid()))

    return prepare


@pytest.fixture(scope="module")
def small_disk() -> Iterator[Callable[[Path], bool]]:
    """Makes a folder a disk of 24 MiB in memory; False where mounting is forbidden."""
    mounted = []

    def mount(folder: Path) -> bool:
        folder.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(folder)]
        if shutil.which("mount") is None or subprocess.run(words, capture_output=True).returncode:
            return False
        mounted.append(folder)
        return True

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@dataclass
class Stage:
    """A house ready to send, its store on a disk of its own, and the commands to be played on it."""

    house: Path
    case: Case
    trouble: Trouble
    threads: ThreadPoolExecutor
    penstock: Run
    records: Records
    outbox: Outbox

    async def play(self) -> Story:
        """Run until the trouble has done its work, mend it, run again, look."""
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            sink = StrikingSink(delay=0.02, strike=lambda: self.trouble.begin(self.pid()))
            await stack.enter_async_context(running(sink))
            environment = self.environment(sink.port)
            options = {"cwd": self.house, "env": environment}
            first = asyncio.ensure_future(
                self.told(self.penstock, *SEND, preexec=obeying_rights(self.pid_file), **options)
            )
            await self.strike(sink, first)
            struck = loop.time()
            try:
                if self.case.stops:
                    await asyncio.sleep(1)
                    os.kill(self.pid(), signal.SIGTERM)
                if self.case.lasts is None:
                    await asyncio.wait([first])
                else:
                    await asyncio.sleep(self.case.lasts)
            finally:
                over = loop.time()
                self.trouble.end()
            done, seconds = await first, over - struck
            again = await self.told(self.records, *SEND, **options)
            doubtful = await self.told(self.records, "uncertain", "list", **options)
            await self.told(self.records, "ledger", "verify", **options)
            addresses = {line["mail_id"]: line["address"] for line in again}
            copies = Counter(_recipient(each.rcpt) for each in sink.received)
            copies.update(addresses[name.removesuffix(".eml")] for name in self.outbox(self.house))
            return Story(done, seconds, again, copies, {addresses[line["mail_id"]] for line in doubtful})

    async def strike(self, sink: StrikingSink, first: asyncio.Future[Any]) -> None:
        """Return when the trouble has begun in the middle of the run."""
        if self.case.by_smtp:
            await asyncio.wait_for(sink.struck.wait(), 60)
            return
        files = self.house / "outbox"
        while not files.is_dir() or len(list(files.glob("*.eml"))) < STRIKES_AT:
            assert not first.done()
            await asyncio.sleep(0.002)
        self.trouble.begin(self.pid())

    def environment(self, port: int) -> Mapping[str, str]:
        store = {"PENSTOCK__STORE__URL": f"sqlite:///{self.house / 'disk' / 'penstock.db'}"}
        url = f"smtp://127.0.0.1:{port}?tls=none"
        return store | ({"PENSTOCK__ADAPTERS__MAIN__URL": url} if self.case.by_smtp else {})

    @property
    def pid_file(self) -> Path:
        return self.house / "pid"

    def pid(self) -> int:
        return int(self.pid_file.read_text())

    async def told(self, run: Callable[..., T], *words: str, **options: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, lambda: run(*words, **options))


def _recipient(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]


@pytest.fixture(scope="module")
async def stories(
    sample: Path, penstock: Run, records: Records, outbox: Outbox, person: Person, contact_file: ContactFile,
    small_disk: Callable[[Path], bool], tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[dict[str, Story | BaseException]]:  # fmt: skip
    """All cases, played side by side: most of their time is waiting."""

    def stage(case: Case, threads: ThreadPoolExecutor) -> Stage:
        house = shutil.copytree(sample, tmp_path_factory.mktemp("case") / "house")
        contact_file(house / "people.jsonl", [person(f"p{n}") for n in range(PEOPLE)])
        full = case.trouble == "full" and small_disk(house / "disk")
        (house / "disk").mkdir(exist_ok=True)
        shutil.move(house / "penstock.db", house / "disk")
        kinds: dict[str, Callable[[], Trouble]] = {
            "full": lambda: Full(house / "disk") if full else Unwritable(),
            "unwritable": Unwritable,
            "locked": lambda: Locked(house / "disk" / "penstock.db"),
            "closed": lambda: Closed(house / "outbox"),
        }
        return Stage(house, case, kinds[case.trouble](), threads, penstock, records, outbox)

    with ThreadPoolExecutor(len(CASES)) as threads:
        plays: Iterable[Any] = [stage(case, threads).play() for case in CASES.values()]
        yield dict(zip(CASES, await asyncio.gather(*plays, return_exceptions=True), strict=True))


def told(stories: dict[str, Story | BaseException], name: str) -> Story:
    """The story, if it came to its end."""
    story = stories[name]
    if isinstance(story, BaseException):
        raise story
    return story


@pytest.mark.parametrize("name", CASES)
async def test_every_mail_is_there_once_or_in_doubt_after_the_same_command_ran_again(
    stories: dict[str, Story | BaseException], name: str
) -> None:
    story = told(stories, name)
    assert set(story.copies.values()) == {1}
    assert len(story.copies.keys() | story.doubtful) == PEOPLE
    assert len(story.again) == PEOPLE
    assert len(story.doubtful) <= MOST_IN_DOUBT


SAYS = {
    "full": "disk",
    "full, into files": "disk",
    "unwritable": "disk",
    "locked and stopped": "another process",
    "closed outbox": "outbox",
}


@pytest.mark.parametrize("name", SAYS)
async def test_a_fault_that_stays_ends_the_run_with_one_clear_line(
    stories: dict[str, Story | BaseException], name: str
) -> None:
    story = told(stories, name)
    assert story.first.returncode == 3, story.first.stderr
    (line,) = story.told
    assert line.startswith("penstock: ")
    assert SAYS[name] in line
    assert line.endswith(CONTINUES)


@pytest.mark.parametrize("name", ["unwritable for a while", "locked for a while"])
async def test_a_fault_that_passes_is_only_a_delay_and_leaves_no_doubt(
    stories: dict[str, Story | BaseException], name: str
) -> None:
    """What the next hop took is written down when the store is back."""
    story = told(stories, name)
    assert story.first.returncode == 0, story.first.stderr
    assert story.doubtful == set()


async def test_a_stop_cuts_the_waiting_for_the_store_short(stories: dict[str, Story | BaseException]) -> None:
    assert told(stories, "locked and stopped").seconds < 25


@pytest.mark.parametrize("way", ["mode", "mount"])
def test_a_store_that_is_read_only_from_the_start_is_one_clear_line_and_nothing_goes_out(
    refusal: Refusal, penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox,
    small_disk: Callable[[Path], bool], way: str,
) -> None:  # fmt: skip
    contact_file(house / "people.jsonl", [person("anna")])
    disk = house / "disk"
    mounted = way == "mount" and small_disk(disk)
    disk.mkdir(exist_ok=True)
    store = Path(shutil.move(house / "penstock.db", disk))
    options: dict[str, Any] = {"cwd": house, "env": {"PENSTOCK__STORE__URL": f"sqlite:///{store}"}}

    def allow(write: bool) -> None:
        if mounted:
            subprocess.run(["mount", "-o", f"remount,{'rw' if write else 'ro'}", str(disk)], check=True)
        else:
            store.chmod(0o600 if write else 0o400)
            disk.chmod(0o700 if write else 0o500)

    allow(write=False)
    line = refusal(*SEND, code=3, preexec=obeying_rights(house / "pid"), **options)
    assert "store" in line
    assert line.endswith(CONTINUES)
    assert outbox(house) == {}
    allow(write=True)
    assert penstock(*SEND, **options).returncode == 0
    assert len(outbox(house)) == 1


def test_no_room_for_the_reject_file_is_one_clear_line_and_the_same_command_writes_it(
    penstock: Run, house: Path, person: Person, contact_file: ContactFile, outbox: Outbox,
    small_disk: Callable[[Path], bool],
) -> None:  # fmt: skip
    contact_file(house / "people.jsonl", [person("anna"), person("bo", address="no address")])
    rejects = house / "rejects"
    trouble: Trouble = Full(rejects) if small_disk(rejects) else Closed(rejects)
    trouble.begin(0)
    stopped = penstock(*SEND, cwd=house, preexec=obeying_rights(house / "pid"))
    assert stopped.returncode == 3, stopped.stderr
    (line,) = (line for line in stopped.stderr.splitlines() if not line.startswith("warning: "))
    assert "rejects" in line
    assert line.endswith(CONTINUES)
    assert not list(rejects.glob("*.jsonl"))
    trouble.end()
    done = penstock(*SEND, cwd=house)
    assert done.returncode == 0, done.stderr
    assert len(outbox(house)) == 1
    (kept,) = rejects.glob("*.jsonl")
    assert kept.read_text("utf-8").count("\n") == 1
