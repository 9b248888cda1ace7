"""What smtp-source and smtp-sink cannot do for relay.py: a paced client and a server that notes when each mail came."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.relay_house import SEED_ADDRESS, SENDER

_NUMBER = re.compile(rb"^Subject: Purchasing without spreadsheets (\d+)\r$", re.MULTILINE)
_HELLO = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n"


class SmtpClient:
    """One session, kept open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connected(cls, port: int) -> SmtpClient:
        """After the greeting and EHLO."""
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        await client.said(b"")
        await client.said(b"EHLO client.example\r\n")
        return client

    async def said(self, command: bytes) -> bytes:
        """The last line of the reply."""
        self._writer.write(command)
        await self._writer.drain()
        while True:
            line = await self._reader.readline()
            if line[3:4] != b"-":
                return line

    async def send(self, number: int, data: bytes, to: str = "") -> None:
        """One message, its commands one by one as smtp-source has them."""
        for command in (
            f"MAIL FROM:<{SENDER}>\r\n".encode(),
            f"RCPT TO:<{to or f'{number}{SEED_ADDRESS}'}>\r\n".encode(),
            b"DATA\r\n",
            data + b".\r\n",
        ):
            reply = await self.said(command)
            assert reply[:1] in b"23", reply

    async def close(self) -> None:
        """QUIT."""
        await self.said(b"QUIT\r\n")
        self._writer.close()
        await self._writer.wait_closed()


@dataclass(slots=True)
class NotingSink:
    """A mail server that answers 250 and notes when the message of each number came."""

    came: dict[int, float] = field(default_factory=dict)
    largest: int = 0
    """Octets of the largest message."""
    _progress: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Look after each message; not for ever."""
        async with asyncio.timeout(120):
            while not holds():
                self._progress.clear()
                await self._progress.wait()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The port of a sink that listens; what is open at the end is read to its end."""
        server = await asyncio.start_server(self._kept, "127.0.0.1", 0, limit=1 << 26)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            await asyncio.gather(*self._tasks)
            await server.wait_closed()

    async def _kept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        await self._serve(reader, writer)
        self._tasks.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"220 sink.example ESMTP\r\n")
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go ahead\r\n")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    self.largest = max(self.largest, len(data))
                    self._progress.set()
                    if number := _NUMBER.search(data, 0, 4_096):
                        self.came[int(number[1])] = time.perf_counter()
                    writer.write(b"250 2.0.0 Ok\r\n")
                elif verb == b"EHLO":
                    writer.write(_HELLO)
                else:
                    writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 2.0.0 ok\r\n")
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    """The median and the 99th of a hundred."""
    ordered = sorted(seconds)
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


async def paced(port: int, letter: bytes, mails: int, rate: float, sessions: int) -> dict[int, float]:
    """Hand in so many mails, evenly in time; when each was answered."""
    subject = b"Subject: Purchasing without spreadsheets"
    taken: dict[int, float] = {}
    started = time.perf_counter()

    async def session(first: int) -> None:
        client = await SmtpClient.connected(port)
        for number in range(first, mails + 1, sessions):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            await client.send(number, letter.replace(subject, subject + b" %d" % number))
            taken[number] = time.perf_counter()
        await client.close()

    await asyncio.gather(*(session(1 + first) for first in range(sessions)))
    return taken


async def latency(relay_port: int, sink: NotingSink, letter: bytes, mails: int, rate: float) -> list[float]:
    """Seconds from each 250 to the message's arrival at the sink."""
    taken = await paced(relay_port, letter, mails, rate, 20)
    await sink.until(lambda: len(sink.came) >= mails)
    return [sink.came[number] - at for number, at in taken.items()]
