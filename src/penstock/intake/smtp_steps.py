"""A coroutine that goes on within the call that brings what it waits for, with no turn of the event loop between."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["BROUGHT", "Steps"]

BROUGHT = object()
"""What such a coroutine yields (`types.coroutine`) to wait until it is told to go on."""


class Steps:
    """Runs `work` up to its next `BROUGHT`, each time it is told to go on.

    It may await futures and tasks as well. There is no current task in it: what needs one (`asyncio.timeout`) is to run
    in a task of its own.
    """

    __slots__ = ("_loop", "_work")

    def __init__(self, work: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._loop = loop

    def go_on(self, _done: object = None) -> None:
        """What it waited for is there."""
        try:
            found = self._work.send(None)
        except (StopIteration, asyncio.CancelledError):  # what it waited for was cancelled: the process ends
            return
        if found is None:  # asyncio.sleep(0)
            self._loop.call_soon(self.go_on)
        elif found is not BROUGHT:
            found.add_done_callback(self.go_on)
