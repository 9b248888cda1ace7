"""What a service manager is told and gives."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from penstock.errors import ConfigError
from penstock.relay.service_notice import ServiceNotice, given_sockets


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


def test_nobody_is_told_where_nobody_asks(manager: socket.socket) -> None:
    ServiceNotice({}).say("READY=1")
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(10)


async def test_ready_and_alive_are_told_at_half_the_time(manager: socket.socket) -> None:
    notice = ServiceNotice({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "100000"})
    staying = asyncio.create_task(notice.stay())
    said = [await asyncio.to_thread(manager.recv, 100) for _ in range(3)]
    assert said == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
    staying.cancel()
    await asyncio.gather(staying, return_exceptions=True)


async def test_a_watchdog_that_waits_for_another_process_is_none_of_ours(manager: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "1000", "WATCHDOG_PID": "1"}
    await asyncio.wait_for(ServiceNotice(environ).stay(), 5)
    assert manager.recv(100) == b"READY=1"


def test_a_manager_in_the_abstract_name_space_is_found() -> None:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind("")  # Linux picks an abstract name
        name = listening.getsockname()
        ServiceNotice({"NOTIFY_SOCKET": "@" + name[1:].decode()}).say("STOPPING=1")
        listening.settimeout(5)
        assert listening.recv(100) == b"STOPPING=1"


def test_a_manager_that_is_gone_is_no_fault(tmp_path: Path) -> None:
    ServiceNotice({"NOTIFY_SOCKET": str(tmp_path / "nowhere")}).say("READY=1")


def test_sockets_are_known_by_the_names_of_doors() -> None:
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3", "LISTEN_FDNAMES": "smtp:web:smtp"}
    assert given_sockets(environ) == {"smtp": [3, 5], "web": [4]}


@pytest.mark.parametrize("names", ["", "smtp", "smtp:penstock.socket", "smtp:"])
def test_a_socket_of_another_name_is_refused(names: str) -> None:
    with pytest.raises(ConfigError, match="no name of a door"):
        given_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": names})


@pytest.mark.parametrize("environ", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_FDS": "x"}])
def test_sockets_for_another_process_are_left_alone(environ: dict[str, str]) -> None:
    assert given_sockets(environ) == {}
