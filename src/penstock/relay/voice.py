"""How a process of a relay talks to its starter, over standard input and output."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from threading import Timer

__all__ = ["RelayVoice", "leave_within"]

_BEAT_SECONDS = 2.0


class RelayVoice:
    """Says what there is to say, and hears what the starter says; the starter's end is the end."""

    def __init__(self, incoming: int = 0, outgoing: int = 1) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        os.set_blocking(outgoing, False)
        self._missing = ""

    def missing(self) -> str:
        """The names of the relay's processes that are not there."""
        return self._missing

    def say(self, message: Mapping[str, object]) -> None:
        """A starter that died hears nothing, and one that does not listen misses a beat."""
        try:
            os.write(self._outgoing, json.dumps(message).encode() + b"\n")
        except OSError:
            return

    def ready(self, urls: Sequence[str]) -> None:
        """Everything is open."""
        self.say({"ready": list(urls)})

    async def beat(self) -> None:
        """Say that the loop turns, until cancelled."""
        while True:
            self.say({"alive": True})
            await asyncio.sleep(_BEAT_SECONDS)

    async def follow(self, stop: asyncio.Event) -> None:
        """Hear the starter until it ends; then `stop` is set."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(self._incoming, "rb", buffering=0, closefd=False)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        try:
            while (said := await reader.readline()).endswith(b"\n"):
                if isinstance(missing := json.loads(said).get("missing"), str):
                    self._missing = missing
            stop.set()
        finally:
            transport.close()


def leave_within(seconds: float) -> Timer:
    """End this process then at the latest, whatever its loop is doing; nobody else would end an orphan."""
    timer = Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()
    return timer
