"""Structured logs on standard error: a constant event name and fields with ids, never an address."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

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
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(room: str) -> Any:
    """A logger whose events name the room."""
    return structlog.get_logger(room=room)
