"""The disk under a running relay fills, fails, or may not be written to: clients are told to come back, nothing that
was taken is lost, and with room again everything goes on without a restart."""

from __future__ import annotations

import ctypes
import http.client
import json
import shutil
import smtplib
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.staying import Stayer, fetched, staying, until
from tests.e2e.test_store_faults_while_sending import CAP_DAC_OVERRIDE, PR_CAPBSET_DROP, Full, Trouble, Unwritable

Records = Callable[..., list[dict[str, Any]]]

SENDER = "eva.berg@nordlicht.example"
LARGE = 3 << 19
"""Octets: a body that lies in a file of its own."""


@dataclass
class Client:
    """Hands in mails with numbers; keeps those that were answered for good."""

    relay: Stayer
    house: Path
    number: int = 0
    taken: set[int] = field(default_factory=set)

    def by_smtp(self, size: int = 0) -> tuple[int, str]:
        """The reply to one mail, at whatever command it came."""
        number = self._next()
        with smtplib.SMTP("127.0.0.1", self.relay.smtp, timeout=30) as client:
            try:
                client.sendmail(SENDER, [f"bo{number}@kund.example"], _message(number, size))
            except smtplib.SMTPDataError as refused:
                text = refused.smtp_error
                return refused.smtp_code, text if isinstance(text, str) else text.decode()
        self.taken.add(number)
        return 250, ""

    def by_http(self, size: int = 0) -> int:
        number = self._next()
        (url,) = (each for each in self.relay.urls if each.endswith("/api/v1/mails"))
        with closing(http.client.HTTPConnection(url.split("/")[2], timeout=30)) as client:
            client.request("POST", "/api/v1/mails", _message(number, size), {"Content-Type": "message/rfc822"})
            answer = client.getresponse()
            told = json.loads(answer.read())
        if answer.status == 202:
            self.taken.add(number)
        else:
            assert answer.headers["Retry-After"], told
        return answer.status

    def arrived(self) -> list[int]:
        """The numbers of the mails in the outbox, each as often as it is there."""
        heads = (each.read_bytes().partition(b"\r\n\r\n")[0] for each in (self.house / "outbox").glob("*.eml"))
        return sorted(int(head.partition(b"Subject: order ")[2].split()[0]) for head in heads)

    def _next(self) -> int:
        self.number += 1
        return self.number


def _message(number: int, size: int) -> bytes:
    head = (
        f"From: {SENDER}\r\nTo: bo{number}@kund.example\r\nSubject: order {number}\r\nX-Penstock-Stream: transactional"
    )
    return f"{head}\r\n\r\n".encode() + f"shipped {number:070}\r\n".encode() * (size // 80 + 1)


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """The folder is a disk of 24 MiB in memory, if mounting is allowed."""
    folder.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(folder)]
    mounted = shutil.which("mount") is not None and not subprocess.run(words, capture_output=True).returncode
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def trouble_on(kind: str, disk: Path, relay: Stayer, *, mounted: bool) -> Iterator[None]:
    """The disk is full, or no process of the relay can write to any file."""
    pids = [each.pid for each in relay.children()]
    troubles: list[Trouble] = [Full(disk)] if kind == "full" and mounted else [Unwritable() for _ in pids]
    for trouble, pid in zip(troubles, pids, strict=False):
        trouble.begin(pid)
    try:
        yield
    finally:
        for trouble in troubles:
            trouble.end()


@pytest.mark.parametrize("kind", ["full", "unwritable"])
def test_clients_are_told_to_come_back_and_all_that_was_taken_goes(house: Path, records: Records, kind: str) -> None:
    with ExitStack() as stack:
        disk = house / "disk"
        mounted = stack.enter_context(small_disk(disk))
        store = shutil.move(house / "penstock.db", disk)
        env = {"PENSTOCK__STORE__URL": f"sqlite:///{store}"}
        relay = stack.enter_context(staying(house, "relay", lines=4, env=env))
        family = {each.pid for each in relay.children()}
        client = Client(relay, house)
        assert client.by_smtp(LARGE)[0] == 250
        assert client.by_http(LARGE) == 202
        with ThreadPoolExecutor(4) as threads:
            assert {code for code, _ in threads.map(lambda _: client.by_smtp(), range(60))} == {250}
        before = set(client.taken)
        with trouble_on(kind, disk, relay, mounted=mounted):
            until(lambda: client.by_smtp()[0] == 451)
            for size in (0, LARGE):
                code, text = client.by_smtp(size)
                assert (code, text[:5]) == (451, "4.3.0")
                assert client.by_http(size) == 503
            until(lambda: fetched(f"{relay.web}/readyz")[0] == 503)
            assert fetched(f"{relay.web}/healthz")[0] == 200
            time.sleep(2)
            assert client.by_smtp()[0] == 451
        until(lambda: fetched(f"{relay.web}/readyz")[0] == 200)
        for size in (0, LARGE):
            until(lambda size=size: client.by_smtp(size)[0] == 250)  # type: ignore[misc]
            assert client.by_http(size) == 202
        until(lambda: len(client.arrived()) >= len(client.taken), 60)
        assert before < client.taken
        assert client.arrived() == sorted(client.taken)
        assert {each.pid for each in relay.children()} == family
        assert relay.stop() == 0
        assert records("uncertain", "list", cwd=house, env=env) == []
        records("ledger", "verify", cwd=house, env=env)
        assert all(len(each.name) == 64 for each in disk.glob("penstock.db-bodies/*"))


def test_a_worker_that_may_not_open_the_store_comes_back_when_it_may(house: Path) -> None:
    """Meanwhile the doors, which have it open, take mail in."""
    with ExitStack() as stack:
        relay = stack.enter_context(_bound_by_rights(house))
        client = Client(relay, house)
        assert client.by_smtp()[0] == 250
        until(lambda: len(client.arrived()) == 1)
        store = house / "penstock.db"
        store.chmod(0o400)
        relay.child("worker").kill()
        try:
            until(lambda: relay.errors().count("process_ended") >= 2)
            assert client.by_smtp()[0] == 250
            assert fetched(f"{relay.web}/readyz")[0] == 503
        finally:
            store.chmod(0o600)
        until(lambda: fetched(f"{relay.web}/readyz")[0] == 200)
        until(lambda: client.arrived() == sorted(client.taken))
        assert relay.stop() == 0


@contextmanager
def _bound_by_rights(house: Path) -> Iterator[Stayer]:
    """A relay that modes bind even where root starts it: rights that a thread drops its programs do not have."""
    starting = staying(house, "relay", "--only", "smtp,web,worker", lines=3)

    def start() -> Stayer:
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
        return starting.__enter__()

    with ExitStack() as stack, ThreadPoolExecutor(1) as thread:
        relay = thread.submit(start).result()
        stack.push(starting)
        yield relay
