"""The doors of a relay: where they are, kept for all its processes, opened in each of them."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from penstock.config.settings import Settings
from penstock.errors import ConfigError

__all__ = ["Door", "DoorKind", "Reserved", "doors_of", "listening_socket"]

DoorKind = Literal["smtp", "smtps", "http", "web"]
_KEYS: dict[DoorKind, tuple[str, str]] = {
    "smtp": ("relay", "smtp"), "smtps": ("relay", "smtps"), "http": ("relay", "http"), "web": ("web", "listen"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Door:
    """A numeric address to listen at, or with `descriptor` a socket that listens already. `shared`: by several
    processes, each with a socket of its own (SO_REUSEPORT); the kernel spreads the callers.
    """

    kind: DoorKind
    host: str
    port: int
    shared: bool = False
    descriptor: int | None = None
    where: str = ""

    @property
    def url(self) -> str:
        """As told to people."""
        scheme = self.kind if self.kind.startswith("smtp") else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}" + ("/api/v1/mails" if self.kind == "http" else "")


def doors_of(settings: Settings, roles: Iterable[str], given: Mapping[str, Sequence[int]]) -> list[Door]:
    """The doors that these roles open. Sockets of the service manager take the place of the configured ones.

    Raises ConfigError for a host that has no address here.
    """
    relay, wanted = settings.relay, set(roles)
    places: dict[DoorKind, Sequence[str]] = {
        "smtp": relay.smtp if "smtp" in wanted else (),
        "smtps": relay.smtps if "smtp" in wanted else (),
        "http": (relay.http,) if "http" in wanted else (),
        "web": (settings.web.listen,) if "web" in wanted else (),
    }
    doors = []
    for kind in get_args(DoorKind):
        if kind in given and (places[kind] or kind == "smtps"):
            doors += [_given(kind, each) for each in given[kind]]
            continue
        for place in places[kind]:
            doors += _configured(kind, place, settings.where(*_KEYS[kind]) or ".".join(_KEYS[kind]))
    return doors


def _given(kind: DoorKind, descriptor: int) -> Door:
    with socket.socket(fileno=os.dup(descriptor)) as found:
        name = found.getsockname()
    host, port = (str(name[0]), int(name[1])) if isinstance(name, tuple) else ("localhost", 0)
    return Door(kind, host, port, descriptor=descriptor)


def _configured(kind: DoorKind, place: str, where: str) -> list[Door]:
    host, _, port = place.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise ConfigError("no address of this machine", where=where, mend="HOST:PORT") from None
    return [Door(kind, each, int(port), where=where) for each in dict.fromkeys(str(one[4][0]) for one in found)]


class Reserved:
    """Holds the addresses as long as the relay runs: whatever process dies, nobody else can listen there meanwhile."""

    def __init__(self, doors: Sequence[Door]) -> None:
        """Raises ConfigError for an address that is taken or none of ours."""
        self._sockets: list[socket.socket] = []
        self.doors: list[Door] = []
        """As given, with the port that a 0 stands for."""
        try:
            for door in doors:
                self.doors.append(door if door.descriptor is not None else self._reserve(door))
        except BaseException:
            self.close()
            raise

    def _reserve(self, door: Door) -> Door:
        # Another relay of the same user could share the port, too, unless somebody asks for it alone first.
        _bound(door).close()
        held = _bound(replace(door, shared=True))
        self._sockets.append(held)
        return replace(door, port=held.getsockname()[1], shared=True)

    def close(self) -> None:
        """Let go."""
        for each in self._sockets:
            each.close()


def listening_socket(door: Door) -> socket.socket:
    """A socket for this process to listen at. Raises ConfigError where the address is taken or none of ours."""
    if door.descriptor is not None:
        found = socket.socket(fileno=os.dup(door.descriptor))
        found.setblocking(False)
        return found
    return _bound(door)


def _bound(door: Door) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in door.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if door.shared:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if made.family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.setblocking(False)
        made.bind((door.host, door.port))
    except OSError as fault:
        made.close()
        taken = fault.errno == errno.EADDRINUSE
        mend = "is another process using it?" if taken else (fault.strerror or "").lower()
        what = f"cannot listen at {door.host}:{door.port}"
        raise ConfigError(what, where=door.where, mend=mend) from None
    return made
