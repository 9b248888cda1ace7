"""What hostile clients share: raw wires, what an answer may look like, and how much memory an attack may cost."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import psutil

__all__ = ["Attacker", "at_once", "attacker", "little_memory"]

_PATIENCE = 8.0


class Attacker:
    """A client of its own mind."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, octets: bytes) -> None:
        """As far as the other side takes it; one that has gone is no fault."""
        with suppress(OSError):
            self.writer.write(octets)
            await self.writer.drain()

    async def drip(self, octets: bytes, pause: float = 0.0) -> None:
        for place in range(len(octets)):
            await self.send(octets[place : place + 1])
            await asyncio.sleep(pause)

    def no_more(self) -> None:
        """Close the way there only."""
        with suppress(OSError):
            self.writer.write_eof()

    def slam(self) -> None:
        """Break off with a reset."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def said(self, seconds: float = _PATIENCE) -> bytes:
        """All that comes until the other side closes. Raises TimeoutError where it does not."""
        found = bytearray()
        with suppress(ConnectionError):
            async with asyncio.timeout(seconds):
                while piece := await self.reader.read(65_536):
                    found += piece
        return bytes(found)

    async def line(self) -> bytes:
        async with asyncio.timeout(_PATIENCE):
            return await self.reader.readline()


@asynccontextmanager
async def attacker(port: int) -> AsyncIterator[Attacker]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Attacker(reader, writer)
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


@contextmanager
def little_memory(megabytes: float = 24.0) -> Iterator[None]:
    """What happens in here leaves the process no larger than this."""
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    yield
    gc.collect()
    grown = (process.memory_info().rss - before) / (1 << 20)
    assert grown < megabytes, f"{grown:.0f} MB"


def at_once(seconds: list[float]) -> None:
    """Somebody well-behaved did not wait; the best of a few, as other programs use this machine, too."""
    assert min(seconds) < 0.2, seconds
