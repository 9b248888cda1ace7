"""A mail server in a bad mood, which counts what it was given by mail id and by number."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from .dialogues import Dialogues

__all__ = ["Deed", "MoodySink", "moody"]

_HELLO = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n"
_END = b"\r\n.\r\n"
_MAIL_ID = re.compile(rb"^Received: [^;]*with penstock id\s+([0-9a-f]{32})", re.MULTILINE)
_NUMBER = re.compile(rb"^Subject: number (\d+)", re.MULTILINE)
_READ = 65_536


class Deed(StrEnum):
    """What becomes of a message."""

    TAKE = "250"
    LATER_AT_RCPT = "451 at RCPT"
    LATER_AT_DOT = "452 after the dot"
    REFUSE_AT_RCPT = "550 at RCPT"
    REFUSE_AT_DOT = "554 after the dot"
    DROP_BEFORE = "drops before the dot"
    DROP_AFTER = "drops after the dot"
    STALL = "stalls"


_WEIGHTS = {
    Deed.TAKE: 72, Deed.LATER_AT_RCPT: 5, Deed.LATER_AT_DOT: 5, Deed.REFUSE_AT_RCPT: 4, Deed.REFUSE_AT_DOT: 3,
    Deed.DROP_BEFORE: 4, Deed.DROP_AFTER: 3, Deed.STALL: 4,
}  # fmt: skip


@dataclass(slots=True)
class MoodySink:
    """Whatever came with its final dot and was not refused counts as arrived, answered or not: a real server may have
    delivered it. `trap` gives the port of the client whose message is the `trap_at`-th to be in DATA, or after its dot.
    """

    dice: random.Random
    healthy: bool = False
    trap_at: int = 0
    trap_after_dot: bool = False
    trap: Callable[[int], None] = lambda _port: None
    port: int = 0
    arrived: Counter[str] = field(default_factory=Counter)
    """How often each mail id did."""
    answered: Counter[str] = field(default_factory=Counter)
    """How often each mail id was answered with 250."""
    numbers: Counter[int] = field(default_factory=Counter)
    """As `arrived`, by the number in the subject."""
    refused: set[str] = field(default_factory=set)
    """Recipients that were refused for good."""
    unanswered: int = 0
    """Messages that arrived and got no answer."""
    messages: int = 0
    _dialogues: Dialogues = field(default_factory=Dialogues)

    def deed(self) -> Deed:
        """What comes next."""
        if self.healthy:
            return Deed.TAKE
        return self.dice.choices([*_WEIGHTS], [*_WEIGHTS.values()])[0]

    def take(self, data: bytes) -> str:
        """The message arrived; its mail id."""
        found, number = _MAIL_ID.search(data), _NUMBER.search(data)
        mail_id = found[1].decode() if found else ""
        self.arrived[mail_id] += 1
        self.numbers[int(number[1]) if number else -1] += 1
        return mail_id

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end, however it ends."""
        await self._dialogues.held(_Dialogue(self, reader, writer).run(), writer)

    async def end(self) -> None:
        """Read every connection to its end: the clients are dead or done, but what they sent may be on its way."""
        await self._dialogues.ended()


class _Dialogue:
    def __init__(self, sink: MoodySink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._rcpt = ""
        self._deed = Deed.TAKE
        self._open = False

    async def run(self) -> None:
        self._writer.write(b"220 sink.example ESMTP\r\n")
        while line := await self._reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self._writer.write(_HELLO)
                case "MAIL":
                    self._deed, self._open = self._sink.deed(), False
                    self._writer.write(b"250 2.1.0 ok\r\n")
                case "RCPT":
                    self._rcpt = rest.partition("<")[2].partition(">")[0]
                    self._recipient()
                case "DATA" if not self._open:
                    self._writer.write(b"503 5.5.1 no valid recipients\r\n")
                case "DATA":
                    self._writer.write(b"354 go ahead\r\n")
                    if not await self._message():
                        return
                case "QUIT":
                    self._writer.write(b"221 2.0.0 bye\r\n")
                    await self._writer.drain()
                    return
                case _:
                    self._writer.write(b"250 2.0.0 ok\r\n")
            await self._writer.drain()

    def _recipient(self) -> None:
        match self._deed:
            case Deed.LATER_AT_RCPT:
                self._writer.write(b"451 4.3.0 not now\r\n")
            case Deed.REFUSE_AT_RCPT:
                self._sink.refused.add(self._rcpt)
                self._writer.write(b"550 5.7.1 not here\r\n")
            case _:
                self._open = True
                self._writer.write(b"250 2.1.5 ok\r\n")

    async def _message(self) -> bool:
        """False: the connection is over."""
        sink = self._sink
        sink.messages += 1
        trapped = sink.messages == sink.trap_at
        await self._writer.drain()
        if trapped and not sink.trap_after_dot:
            sink.trap(self._writer.get_extra_info("peername")[1])
        if self._deed is Deed.DROP_BEFORE:
            await self._reader.read(100)
            return False
        data = await self._content()
        match self._deed:
            case Deed.LATER_AT_DOT:
                self._writer.write(b"452 4.3.1 no room\r\n")
                return True
            case Deed.REFUSE_AT_DOT:
                sink.refused.add(self._rcpt)
                self._writer.write(b"554 5.6.0 not that\r\n")
                return True
        mail_id = sink.take(data)
        if trapped and sink.trap_after_dot:
            sink.trap(self._writer.get_extra_info("peername")[1])
        if self._deed is Deed.DROP_AFTER or (trapped and sink.trap_after_dot):
            sink.unanswered += 1
            return False
        if self._deed is Deed.STALL:
            await asyncio.sleep(sink.dice.uniform(0.3, 1.5))
        sink.answered[mail_id] += 1
        self._writer.write(b"250 2.0.0 Ok: queued\r\n")
        return True

    async def _content(self) -> bytes:
        first = await self._reader.readexactly(3)
        if first == b".\r\n":
            return b""
        return first + await self._reader.readuntil(_END)


@contextlib.asynccontextmanager
async def moody(sink: MoodySink) -> AsyncIterator[MoodySink]:
    """The sink on a free port of this machine."""
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, limit=1 << 20)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await sink.end()
        await server.wait_closed()
