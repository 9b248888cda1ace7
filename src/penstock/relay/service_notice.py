"""What a process that stays tells the service manager that started it, and gets from it.

See sd_notify(3) and sd_listen_fds(3). Without such a manager nothing is told and nothing was given.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping

from penstock.errors import ConfigError

__all__ = ["ServiceNotice", "given_sockets"]

_FIRST = 3  # SD_LISTEN_FDS_START


class ServiceNotice:
    """Says READY=1, STOPPING=1 and, where it is waited for, WATCHDOG=1."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        name = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        wanted = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micros = environ.get("WATCHDOG_USEC", "")
        self._pause = int(micros) / 2e6 if wanted and micros.isdecimal() and int(micros) else 0.0

    def say(self, state: str) -> None:
        """One line to the manager; one that hears nothing is no fault of ours."""
        if self._address:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(state.encode(), self._address)

    async def stay(self) -> None:
        """Say READY=1, and that we live at half the time the manager waits for it, until cancelled."""
        self.say("READY=1")
        while self._pause and self._address:
            await asyncio.sleep(self._pause)
            self.say("WATCHDOG=1")


def given_sockets(environ: Mapping[str, str]) -> dict[str, list[int]]:
    """The descriptors of listening sockets by name (`FileDescriptorName=`: smtp, smtps, http or web).

    Raises ConfigError for a name that is no door of ours.
    """
    number = environ.get("LISTEN_FDS", "0")
    if environ.get("LISTEN_PID") != str(os.getpid()) or not number.isdecimal():
        return {}
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    given: dict[str, list[int]] = {}
    for place in range(int(number)):
        name = names[place] if place < len(names) else ""
        if name not in {"smtp", "smtps", "http", "web"}:
            mend = "FileDescriptorName= is one of smtp, smtps, http, web"
            raise ConfigError(
                "a socket of the service manager has no name of a door", where="LISTEN_FDNAMES", mend=mend
            )
        given.setdefault(name, []).append(_FIRST + place)
    return given
