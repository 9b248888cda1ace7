"""Runs the commands that stay, and hands mail in as foreign clients do."""

from __future__ import annotations

import os
import select
import signal
import smtplib
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import psutil
from tests.e2e.conftest import MOMENT, PROGRAM, environment

PLACES = {
    "PENSTOCK__RELAY__SMTP": '["127.0.0.1:0"]',
    "PENSTOCK__RELAY__HTTP": "127.0.0.1:0",
    "PENSTOCK__WEB__LISTEN": "127.0.0.1:0",
    "PENSTOCK__RELAY__GRACE_SECONDS": "5",
}
_TOLD = ("listening at ", "  ", "sending")


@dataclass
class Stayer:
    """A command that stays. `urls` by scheme and path, as told."""

    process: subprocess.Popen[bytes]
    log: Path
    urls: list[str] = field(default_factory=list)

    @property
    def smtp(self) -> int:
        (url,) = (url for url in self.urls if url.startswith("smtp://"))
        return int(url.rpartition(":")[2])

    @property
    def web(self) -> str:
        (url,) = (url for url in self.urls if url.startswith("http://") and url.count("/") == 2)
        return url

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def child(self, role: str) -> psutil.Process:
        """The one that listens (`listener`) or does not (`worker`)."""
        (found,) = (each for each in self.children() if bool(listened(each)) == (role == "listener"))
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def errors(self) -> str:
        return self.log.read_text()


def listened(process: psutil.Process) -> set[int]:
    """The ports that a process listens at."""
    return {each.laddr.port for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN}


@contextmanager
def staying(
    house: Path, *words: str, env: Mapping[str, str] | None = None, descriptors: tuple[int, ...] = (), lines: int = 1
) -> Iterator[Stayer]:
    """Ready when its last line, of so many at least, has been told; nothing of it is left in the end."""
    log = house / "relay.log"
    with log.open("ab") as errors:
        process = subprocess.Popen(
            [str(PROGRAM), "--now", MOMENT, *words],
            cwd=house,
            env=environment(house, {**PLACES, **(env or {})}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            pass_fds=descriptors,
        )
    stayer = Stayer(process, log)
    family: list[psutil.Process] = []
    try:
        _ready(stayer, lines)
        family = stayer.children()
        yield stayer
    finally:
        if process.poll() is None:
            family = stayer.children()
            process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
        psutil.wait_procs(family, 10)
    assert "Traceback" not in stayer.errors(), stayer.errors()
    assert "@" not in stayer.errors(), stayer.errors()


def _ready(stayer: Stayer, lines: int) -> None:
    assert stayer.process.stdout is not None
    end, number, text = time.monotonic() + 40, stayer.process.stdout.fileno(), ""
    while text.count("\n") < lines:
        if select.select([number], [], [], max(0.0, end - time.monotonic()))[0]:
            data = os.read(number, 65536).decode()
            assert data, f"it went: {stayer.errors()}"
            text += data
        else:
            raise AssertionError(f"not ready: {text!r} {stayer.errors()}")
    assert all(line.startswith(_TOLD) for line in text.splitlines()), text
    stayer.urls = [line.split()[-1] for line in text.splitlines() if line.startswith("listening at ")]


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that happens in another process."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def hand_in(port: int, number: int = 0, stream: str = "transactional") -> None:
    """One mail, by Python's own client."""
    text = (
        f"From: eva.berg@nordlicht.example\r\nTo: bo{number}@kund.example\r\nSubject: order {number}\r\n"
        f"Message-ID: <{number}@nordlicht.example>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
        f"X-Penstock-Stream: {stream}\r\n\r\nshipped\r\n"
    )
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("eva.berg@nordlicht.example", [f"bo{number}@kund.example"], text)


def sent(house: Path) -> int:
    """The mails in the outbox."""
    return len([*(house / "outbox").glob("*.eml")])


def fetched(url: str) -> tuple[int, str]:
    """Status and text, of a fresh connection."""
    opener = build_opener(ProxyHandler({}))
    opener.addheaders = [("Connection", "close")]
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except OSError as fault:
        code = getattr(fault, "code", None)
        close = getattr(fault, "close", None)
        if close is not None:
            close()
        if code is None:
            return 0, ""
        return int(code), ""


def metrics(url: str) -> dict[str, float]:
    """By name with labels."""
    status, text = fetched(f"{url}/metrics")
    assert status == 200
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
