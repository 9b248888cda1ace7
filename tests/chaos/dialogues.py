"""The connections of a server that tests run, each a task that is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

_PATIENCE = 30.0  # seconds


class Dialogues:
    """All that are open."""

    def __init__(self) -> None:
        self._open: set[asyncio.Task[None]] = set()

    async def held(self, dialogue: Coroutine[Any, Any, None], writer: asyncio.StreamWriter) -> None:
        """One connection, to its end, however it ends."""
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await dialogue
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def ended(self) -> None:
        """Read every one to its end: the clients are dead or done, but what they sent may be on its way."""
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*self._open)
