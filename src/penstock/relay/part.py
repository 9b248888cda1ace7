"""What one process of a relay is to do, as its starter tells it."""

from __future__ import annotations

import base64
import pickle
from dataclasses import dataclass
from datetime import timedelta

from penstock.config.settings import Settings
from penstock.relay.doors import Door

__all__ = ["PROGRAM", "ROLES", "Part", "RelayOrder", "parts_of"]

# A signal that comes while it still imports is no traceback: whoever sent it to the group also stops the starter.
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
from penstock.relay.process import main
main()
"""
ROLES = ("smtp", "http", "web", "worker")


@dataclass(frozen=True, slots=True)
class Part:
    """The roles of one process. `errands`: it also does what is due from time to time and needs no second process."""

    name: str
    roles: frozenset[str]
    doors: tuple[Door, ...] = ()
    errands: bool = False


@dataclass(frozen=True, slots=True)
class RelayOrder:
    """A part, under which settings and how far rule time is ahead of the machine's clock (`--now`)."""

    settings: Settings
    ahead: timedelta | None
    part: Part

    def line(self) -> bytes:
        """On a line, for a pipe: secrets of the config are in it."""
        return base64.b64encode(pickle.dumps(self)) + b"\n"

    @classmethod
    def read(cls, line: bytes) -> RelayOrder:
        """From such a line of our own starter."""
        order: RelayOrder = pickle.loads(base64.b64decode(line))  # noqa: S301
        return order


def parts_of(roles: frozenset[str], listeners: int, workers: int, doors: tuple[Door, ...]) -> list[Part]:
    """The processes: so many that listen, each at all doors, and so many that send."""
    listening, sends = roles - {"worker"}, "worker" in roles
    parts = [Part(f"worker-{1 + each}", frozenset({"worker"}), errands=each == 0) for each in range(workers * sends)]
    if listening:
        errands = "web" in listening and not sends
        parts += [Part(f"listener-{1 + each}", listening, doors, errands and each == 0) for each in range(listeners)]
    return parts
