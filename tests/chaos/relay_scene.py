"""The folder that a relay's round is played in, and the relay itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from penstock.gate import open_gate
from penstock.importing.contact_import import import_contacts

from .relay_seams import AT, BROKEN, CLAIM, SEAM, Broken, RelaySeam
from .scene import MOMENT, Scene

__all__ = ["FROM", "RelayProcesses", "RelayScene", "relaying"]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("penstock")
WATCHED = Path(__file__).with_name("relay_processes")
FROM = '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
_PATIENCE = 60.0
_RELAY = """
[relay]
smtp = ["127.0.0.1:0"]
http = "127.0.0.1:0"
streams = ["prospecting", "transactional"]
campaigns = ["letters.toml"]
workers = {workers}
listeners = {listeners}
grace_seconds = 3
connections_per_client = 1000
"""


@dataclass(frozen=True, slots=True)
class RelayScene:
    """A folder with config, contacts in the store, and a campaign whose letters are handed in."""

    folder: Path

    @classmethod
    async def make(cls, folder: Path) -> RelayScene:
        """Prepare one; rounds are played in copies."""
        scene = await Scene.make(folder)
        head, _, _ = scene.campaign(long=False).read_text().partition("[message]")
        head = head.replace('id = "purchasing-2026"', 'id = "letters"')
        (folder / "letters.toml").write_text(f"{head}[message]\nfrom = '{FROM}'\nrelayed = true\n")
        async with open_gate(scene.config(0)) as gate:
            await import_contacts(gate, scene.contacts, {})
        return cls(folder)

    def copy(self, folder: Path) -> RelayScene:
        """One of one's own."""
        return RelayScene(shutil.copytree(self.folder, folder))

    def point_at(self, port: int, *, listeners: int, workers: int) -> None:
        """Write the config."""
        Scene(self.folder).point_at(port=port, workers=1)
        told = self.config.read_text() + _RELAY.format(listeners=listeners, workers=workers)
        self.config.write_text(told)

    @property
    def config(self) -> Path:
        """The config."""
        return self.folder / "config-0.toml"

    @property
    def store(self) -> Path:
        """The store's file."""
        return self.folder / "penstock.db"


@dataclass(slots=True)
class RelayProcesses:
    """A relay that may be killed in part or whole. Its ports change when it is started again; 0: it is away."""

    scene: RelayScene
    environ: Mapping[str, str]
    smtp: int = 0
    http: int = 0
    kills: int = 0
    process: asyncio.subprocess.Process | None = None
    _ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Return when its doors are open."""
        with (self.scene.folder / "relay.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(PROGRAM, "--config", self.scene.config, "--now", MOMENT, "relay", "--only", "smtp,http,worker"),
                cwd=self.scene.folder, env=self.environ, stdin=DEVNULL, stdout=PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(_PATIENCE):
            while (line := (await self.process.stdout.readline()).decode()) != "sending\n":
                assert line, self.log()
                port = int(line.split()[-1].removesuffix("/api/v1/mails").rpartition(":")[2])
                if "smtp://" in line:
                    self.smtp = port
                else:
                    self.http = port

    def log(self) -> str:
        """What it told on standard error."""
        return (self.scene.folder / "relay.log").read_text()

    def children(self) -> list[psutil.Process]:
        """Its listeners and workers, as far as they are there."""
        assert self.process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children()
        return []

    def kill_one(self, role: str, choice: int) -> None:
        """A `listener` or a `worker`."""
        found = [each for each in self.children() if _listens(each) == (role == "listener")]
        if found:
            self._kill(found[choice % len(found)])

    def kill_caller(self, port: int) -> None:
        """The process that has that port of this machine."""
        for each in self.children():
            with contextlib.suppress(psutil.Error):
                if port in {one.laddr.port for one in each.net_connections("tcp")}:
                    self._kill(each)

    async def kill_first(self, *, with_all: bool) -> None:
        """The starter, with its children or leaving them to notice; return when none is left."""
        assert self.process is not None
        family = self.children()
        self.smtp = self.http = 0
        self.process.kill()
        self.kills += 1
        for each in family if with_all else ():
            self._kill(each)
        await self._over(family)

    async def stop(self) -> int:
        """Ask it to go; its exit code."""
        assert self.process is not None
        family = self.children()
        self.process.terminate()
        async with asyncio.timeout(_PATIENCE):
            await self._over(family)
        assert self.process.returncode is not None
        return self.process.returncode

    async def _over(self, family: list[psutil.Process]) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        await self.process.communicate()
        _, left = await asyncio.to_thread(psutil.wait_procs, family, _PATIENCE)
        assert left == []

    def _kill(self, process: psutil.Process) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            self.kills += 1


def _listens(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return any(each.status == psutil.CONN_LISTEN for each in process.net_connections("tcp"))
    return False


@contextlib.asynccontextmanager
async def relaying(scene: RelayScene, seam: RelaySeam | None, at: int, broken: Broken) -> AsyncIterator[RelayProcesses]:
    """The relay whose process dies at the seam; nothing of it is left in the end."""
    chaos = {CLAIM: str(scene.folder / "claim"), AT: str(at), SEAM: seam or "", BROKEN: broken}
    paths = {"PYTHONPATH": os.pathsep.join((str(WATCHED), str(ROOT)))}
    relay = RelayProcesses(scene, {**os.environ, "PYTHONWARNINGS": "error", **paths, **chaos})
    try:
        await relay.start()
        yield relay
    finally:
        if relay.process is not None and relay.process.returncode is None:
            await relay.kill_first(with_all=True)
