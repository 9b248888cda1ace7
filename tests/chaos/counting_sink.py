"""A mail server that counts what it was given, person by person, and may kill a client at a chosen byte."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from .dialogues import Dialogues

__all__ = ["CountingSink", "Trap", "running"]

_HELLO = b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 10000000\r\n"
_END = b"\r\n.\r\n"
_MESSAGE_ID = re.compile(rb"^Message-ID: <([0-9a-f]{32})\.", re.MULTILINE)
_NARROW_WINDOW = 1_024  # the least that the system allows, which is some more
_NARROW_SEGMENT = 536
_READ = 65_536


@dataclass(frozen=True, slots=True)
class Trap:
    """At the message with that number `kill` is called with the client's name in EHLO.

    `after_dot`: when the whole message is here and no answer was given. Else in the middle of the content of the next
    message that is the first of its connection, for which every tenth message's connection is closed from there on.
    """

    at: int
    after_dot: bool
    kill: Callable[[str], None]


@dataclass(slots=True)
class CountingSink:
    """Whatever came with its final dot counts as sent, answered or not: a real server may have delivered it.

    `narrow` takes messages through a window of two kilobytes, so that a client that is killed in the middle of a long
    one cannot have handed all of it to its operating system, whose buffers are small as long as a connection is new.
    """

    trap: Trap | None = None
    narrow: bool = False
    port: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    """How often each recipient's message came with its final dot."""
    answered: Counter[str] = field(default_factory=Counter)
    """How often each recipient's message was answered with 250."""
    mail_ids: Counter[str] = field(default_factory=Counter)
    """As `seen`, by the mail id in Message-ID."""
    trapped: str = ""
    """The recipient of the message at which the client was killed."""
    cut_short: list[int] = field(default_factory=list)
    """Of messages that broke off: how many octets of content had come."""
    messages: int = 0
    _progress: asyncio.Event = field(default_factory=asyncio.Event)
    _dialogues: Dialogues = field(default_factory=Dialogues)

    async def reached(self, number: int) -> None:
        """Return when that many messages have come."""
        while self.seen.total() < number:
            self._progress.clear()
            await self._progress.wait()

    def take(self, rcpt: str, data: bytes) -> None:
        """The final dot is here."""
        self.seen[rcpt] += 1
        found = _MESSAGE_ID.search(data)
        self.mail_ids[found[1].decode() if found else ""] += 1
        self._progress.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end, however it ends."""
        await self._dialogues.held(_Dialogue(self, reader, writer).run(), writer)

    async def end(self) -> None:
        """Read every connection to its end: the clients are dead or done, but what they sent may be on its way."""
        await self._dialogues.ended()


class _Dialogue:
    def __init__(self, sink: CountingSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink, self._reader, self._writer = sink, reader, writer
        self._buffer = b""
        self._client = self._rcpt = ""
        self._fresh = True

    async def run(self) -> None:
        self._writer.write(b"220 sink.example ESMTP\r\n")
        while await self._until(b"\r\n"):
            line, _, self._buffer = self._buffer.partition(b"\r\n")
            verb, _, rest = line.decode().partition(" ")
            match verb.upper():
                case "EHLO":
                    self._client = rest
                    self._writer.write(_HELLO)
                case "DATA":
                    self._writer.write(b"354 go ahead\r\n")
                    if not await self._message():
                        return
                case "QUIT":
                    self._writer.write(b"221 2.0.0 bye\r\n")
                    await self._writer.drain()
                    return
                case other:
                    if other == "RCPT":
                        self._rcpt = rest.partition("<")[2].partition(">")[0]
                    self._writer.write(b"250 2.0.0 ok\r\n")

    async def _message(self) -> bool:
        """False: the connection is over."""
        sink, trap = self._sink, self._sink.trap
        sink.messages += 1
        number, fresh, self._fresh = sink.messages, self._fresh, False
        self._buffer = b"\r\n" + self._buffer  # an empty message has its dot on the first line
        if trap is not None and not trap.after_dot and fresh and number >= trap.at and not sink.trapped:
            sink.trapped = self._rcpt
            await self._more()
            trap.kill(self._client)
        if not await self._until(_END):
            sink.cut_short.append(len(self._buffer) - 2)
            return False
        data, _, self._buffer = self._buffer.partition(_END)
        sink.take(self._rcpt, data)
        if trap is not None and trap.after_dot and number == trap.at:
            sink.trapped = self._rcpt
            trap.kill(self._client)
            return False
        self._writer.write(b"250 2.0.0 Ok: queued\r\n")
        sink.answered[self._rcpt] += 1
        return trap is None or trap.after_dot or bool(sink.trapped) or number < trap.at or (number - trap.at) % 10 > 0

    async def _until(self, mark: bytes) -> bool:
        """Whether the mark came before the end of the connection."""
        looked = 0
        while self._buffer.find(mark, looked) < 0:
            looked = max(0, len(self._buffer) - len(mark))
            if not await self._more():
                return False
        return True

    async def _more(self) -> bool:
        await self._writer.drain()
        try:
            data = await self._reader.read(_READ)
        except ConnectionError:
            return False
        self._buffer += data
        return bool(data)


@contextlib.asynccontextmanager
async def running(sink: CountingSink) -> AsyncIterator[CountingSink]:
    """The sink on a free port of this machine."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY where the protocol is named
    if sink.narrow:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NARROW_WINDOW)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _NARROW_SEGMENT)
    listening.bind(("127.0.0.1", 0))
    limit = _NARROW_WINDOW if sink.narrow else _READ
    server = await asyncio.start_server(sink.serve, sock=listening, limit=limit)
    sink.port = listening.getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await sink.end()
        await server.wait_closed()
