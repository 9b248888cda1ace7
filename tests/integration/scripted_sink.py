"""A mail server that does what its script says, good or bad, and remembers what it was told."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Act", "Received", "ScriptedSink", "running"]


class Act(Enum):
    """What a script may say instead of a reply."""

    DROP = "close the connection at once"
    STALL = "say nothing, for good"
    DEAF = "say nothing and read nothing any more"
    GARBAGE = "answer what is no SMTP"


USUAL: Mapping[str, str] = {
    "CONNECT": "220 sink.example ESMTP",
    "AUTH": "235 2.7.0 go ahead",
    "MAIL": "250 2.1.0 sender ok",
    "RCPT": "250 2.1.5 recipient ok",
    "DATA": "354 go ahead",
    "DOT": "250 2.0.0 Ok: queued as 4F2C5A91",
    "RSET": "250 2.0.0 reset",
    "QUIT": "221 2.0.0 bye",
}
EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000", "DSN", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True, slots=True)
class Received:
    """One message as it was given: the commands' lines and the octets without dot-stuffing."""

    mail: str
    rcpt: str
    data: bytes


@dataclass(slots=True)
class ScriptedSink:
    """`script` gives per verb what the first, second, … one gets, over all connections; after that the usual."""

    script: Mapping[str, Sequence[str | Act]] = field(default_factory=dict)
    extensions: Sequence[str] = EXTENSIONS
    loses_pipelined: bool = False
    loses_what_follows: bool = False
    needs_login: bool = False
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    delay: float = 0.0
    port: int = 0
    connections: int = 0
    open: int = 0
    most_open: int = 0
    commands: list[str] = field(default_factory=list)
    writes: list[bytes] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    _seen: dict[str, int] = field(default_factory=dict)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _dialogues: set[asyncio.Task[None]] = field(default_factory=set)

    def next_for(self, verb: str) -> str | Act:
        """What the script says now."""
        place = self._seen.get(verb, 0)
        self._seen[verb] = place + 1
        scripted = self.script.get(verb, ())
        return scripted[place] if place < len(scripted) else USUAL.get(verb, "500 5.5.2 what?")

    def scripted(self, verb: str) -> bool:
        """The script has something to say to the next one."""
        return self._seen.get(verb, 0) < len(self.script.get(verb, ()))

    def count(self, verb: str) -> int:
        """How often a verb came."""
        return sum(1 for line in self.commands if line.split(" ")[0].split(":")[0].upper() == verb)

    def drop_all(self) -> None:
        """Close every connection, as a server does with idle ones."""
        for writer in self._writers:
            writer.transport.abort()

    async def end(self) -> None:
        """Close every connection and wait for it."""
        self.drop_all()
        while self._dialogues:
            await asyncio.gather(*self._dialogues)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._dialogues.add(task)
        task.add_done_callback(self._dialogues.discard)
        try:
            await _Dialogue(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            writer.transport.abort()
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


class _Dialogue:
    def __init__(self, sink: ScriptedSink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink, self.reader, self.writer = sink, reader, writer
        self.buffer = b""
        self.mail = self.rcpt = ""
        self.authenticated = not sink.needs_login

    async def run(self) -> None:
        if not await self.answer("CONNECT"):
            return
        while True:
            while b"\r\n" not in self.buffer:
                if not await self.more():
                    return
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            if self.sink.loses_pipelined:
                self.buffer = b""
            text = line.decode("utf-8")
            self.sink.commands.append(text)
            if not await self.command(text):
                return

    async def more(self) -> bool:
        data = await self.reader.read(65_536)
        self.sink.writes.append(data)
        self.buffer += data
        return bool(data)

    async def command(self, text: str) -> bool:
        verb = text.split(" ")[0].split(":")[0].upper()
        match verb:
            case "EHLO":
                await self.hello()
                return True
            case "STARTTLS":
                return await self.start_tls()
            case "AUTH":
                return await self.log_in(text)
            case "MAIL" if not self.authenticated:
                await self.say("530 5.7.0 Authentication required")
                return True
            case "MAIL":
                self.mail = text
            case "RCPT":
                self.rcpt = text
            case "RSET":
                self.mail = self.rcpt = ""
            case "DATA":
                return await self.message()
            case "QUIT":
                await self.answer("QUIT")
                return False
        return await self.answer(verb)

    async def message(self) -> bool:
        reply = self.sink.next_for("DATA")
        if not await self.act(reply):
            return False
        if not (isinstance(reply, str) and reply.startswith("354")):
            return True
        if self.sink.scripted("BODY") and not await self.answer("BODY"):
            return False
        whole = b"\r\n" + self.buffer
        while b"\r\n.\r\n" not in whole:
            self.buffer = b""
            if not await self.more():
                return False
            whole += self.buffer
        data, _, self.buffer = whole.partition(b"\r\n.\r\n")
        if self.sink.loses_pipelined or self.sink.loses_what_follows:
            self.buffer = b""
        data = data.replace(b"\r\n..", b"\r\n.")[2:] + b"\r\n"
        self.sink.received.append(Received(self.mail, self.rcpt, data))
        self.sink.arrived.set()
        return await self.answer("DOT")

    async def hello(self) -> None:
        lines = ["sink.example", *self.sink.extensions]
        encrypted = self.writer.get_extra_info("sslcontext") is not None
        if self.sink.tls and not encrypted:
            lines.append("STARTTLS")
        if self.sink.needs_login:
            lines.append("AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2")
        marks = ["-"] * (len(lines) - 1) + [" "]
        self.writer.write("".join(f"250{mark}{line}\r\n" for mark, line in zip(marks, lines, strict=True)).encode())
        await self.writer.drain()

    async def start_tls(self) -> bool:
        if not await self.answer_or("STARTTLS", "220 go ahead"):
            return False
        assert self.sink.tls is not None
        await self.writer.start_tls(self.sink.tls)
        return True

    async def log_in(self, text: str) -> bool:
        _, mechanism, *initial = text.split(" ")
        if mechanism == "LOGIN":
            await self.say("334 UGFzc3dvcmQ6")
            initial.append(await self.line())
        elif mechanism == "CRAM-MD5":
            await self.say("334 " + base64.b64encode(b"<1@sink.example>").decode())
            initial.append(await self.line())
        self.sink.commands.append("secret " + " ".join(base64.b64decode(word).decode() for word in initial))
        reply = self.sink.next_for("AUTH")
        self.authenticated = isinstance(reply, str) and reply.startswith("235")
        return await self.act(reply)

    async def line(self) -> str:
        while b"\r\n" not in self.buffer:
            if not await self.more():
                raise ConnectionResetError
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode()

    async def answer_or(self, verb: str, usual: str) -> bool:
        return await self.act(self.sink.next_for(verb) if self.sink.scripted(verb) else usual)

    async def answer(self, verb: str) -> bool:
        return await self.act(self.sink.next_for(verb))

    async def act(self, what: str | Act) -> bool:
        """False: the connection is over."""
        match what:
            case Act.DROP:
                self.writer.transport.abort()
                return False
            case Act.STALL:
                await self.reader.read()  # until the client gives up
                return False
            case Act.DEAF:
                assert isinstance(self.writer.transport, asyncio.Transport)
                self.writer.transport.pause_reading()
                await asyncio.sleep(1)
                return False
            case Act.GARBAGE:
                await self.say("\x00\x01 HTTP/1.1 418 teapot")
            case reply:
                if self.sink.delay:
                    await asyncio.sleep(self.sink.delay)
                await self.say(reply)
                if self.sink.needs_login and reply.startswith("530"):
                    self.authenticated = False
        return not (isinstance(what, str) and what.startswith("421"))

    async def say(self, reply: str) -> None:
        self.writer.write(reply.encode() + b"\r\n")
        await self.writer.drain()


@contextlib.asynccontextmanager
async def running(sink: ScriptedSink) -> AsyncIterator[ScriptedSink]:
    """The sink on a free port of this machine."""
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=sink.tls if sink.implicit else None)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await sink.end()
        await server.wait_closed()
