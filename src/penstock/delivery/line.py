"""The line in which rounds wait for one way out."""

from __future__ import annotations

import asyncio
from typing import Literal

__all__ = ["Line"]


class Line:
    """`turn` is held by the round whose mails begin now; slots are for slices in flight."""

    def __init__(self, slots: int) -> None:
        self.turn = asyncio.Lock()
        self._slots = asyncio.Semaphore(slots)

    async def slot(self, stop: asyncio.Event) -> bool:
        """Wait for a free slot and take it; False, with none taken, once `stop` is set."""
        if stop.is_set():
            return False
        if not self._slots.locked():
            return await self._slots.acquire()
        asking, stopping = asyncio.create_task(self._slots.acquire()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            asking.cancel()
            asking.add_done_callback(self._returned)
            raise
        finally:
            stopping.cancel()
        if asking.done():
            return True
        asking.cancel()
        asking.add_done_callback(self._returned)
        return False

    def free(self) -> None:
        """Give a slot back."""
        self._slots.release()

    def _returned(self, asking: asyncio.Task[Literal[True]]) -> None:
        """A slot that came in the very moment in which nobody wanted it any more."""
        if not asking.cancelled():
            self._slots.release()
