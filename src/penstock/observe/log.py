"""Structured logs on standard error: a constant event name and fields with ids, never an address."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, TextIO

import structlog

__all__ = ["configure", "get_logger", "scrub_addresses"]

_ADDRESS = re.compile(r"[^\s<>\"'(),:;]+@[^\s<>\"'(),:;]+\.[^\s<>\"'(),:;]+")


def scrub_addresses(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Replace whatever looks like an address, whoever put it there."""
    for key, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[key] = _ADDRESS.sub("[address]", value)
        elif isinstance(value, BaseException):
            event[key] = type(value).__name__
    return event


class _Lines:
    """Writes a line for each event. One that cannot be written is left out: what is logged goes on."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def msg(self, message: str) -> None:
        # Often the log lies on the disk that is full, and whoever tells of that is about to answer a client.
        with suppress(OSError):
            self._file.write(f"{message}\n")
            self._file.flush()

    debug = info = warning = error = critical = msg


def configure(*, json: bool = False, level: int = 30) -> None:
    """Set the process-wide renderer once, at the program's start. `level` as in `logging` (30: warnings and worse)."""
    renderer: Any = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            scrub_addresses,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_args: _Lines(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(room: str) -> Any:
    """A logger whose events name the room."""
    return structlog.get_logger(room=room)
