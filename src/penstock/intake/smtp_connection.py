"""One connection to an SMTP door: octets in and out, TLS, time and room; it knows no command."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine, Generator
from types import coroutine
from typing import Any, cast

from penstock.intake import smtp_reply
from penstock.intake.smtp_command import LONGEST_LINE
from penstock.intake.smtp_content import Content
from penstock.intake.smtp_door import SmtpCounters
from penstock.intake.smtp_steps import BROUGHT, Steps

__all__ = ["TOO_LONG", "Connection"]

TOO_LONG = b""
"""In the place of a line that is longer than any may be."""
_NEVER = float("inf")
_ENOUGH = 65_536
"""Octets that wait to be read by us before the peer has to wait."""
_MOST_OUT = 8_192
"""Octets of replies that are kept to go out together."""

Serve = Callable[["Connection"], Coroutine[Any, Any, None]]


class Connection(asyncio.Protocol):
    """Lines and messages out of a stream, replies into it.

    `serve` is the session, driven by `Steps` and cancelled by nobody: a connection that breaks shows as the end of its
    lines. `gone` is told once, when both are over. `closing`: seconds for a last reply to be fetched.
    """

    def __init__(
        self, serve: Serve, gone: Callable[[Connection], None], counters: SmtpCounters, *, closing: float
    ) -> None:
        self._serve = serve
        self._gone = gone
        self._counters = counters
        self._closing_seconds = closing
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._at = 0
        self._dropping = False
        self._held_back = False
        self._content: Content | None = None
        self._out: list[bytes] = []
        self._out_size = 0
        self._stuck = False
        self._steps: Steps | None = None
        self._waiting = False
        self._ended = self._lost = self._closing = self._retiring = self._idle = self._any = False
        self.deadline = _NEVER
        """By the loop's clock; when it is over, the connection is."""
        self.tls = False
        self.peer = ""

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the session."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        peer = transport.get_extra_info("peername")
        self.peer = str(peer[0]) if peer else ""
        self._steps = Steps(self._run(), self._loop)
        self._steps.go_on()

    def data_received(self, data: bytes) -> None:
        """Into the message that is coming in, else kept for the session."""
        if self._content is not None:
            self._buffer, self._at = self._content.feed(data), 0
            if self._content.complete:
                self._content = None
                self._wake()
            return
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0
        if len(self._buffer) > _ENOUGH and not self._held_back and self._transport is not None:
            self._held_back = True
            self._transport.pause_reading()
        if self._waiting and (self._any or b"\n" in data or len(self._buffer) > LONGEST_LINE):
            self._wake()

    def eof_received(self) -> bool:
        """A peer that has no more to say may still read our replies; TLS knows no such half."""
        self._ended = True
        self._wake()
        return not self.tls

    def connection_lost(self, _exc: Exception | None) -> None:
        """What was waited for will not come."""
        self._lost = True
        self._stuck = False
        if self._steps is None:
            self._gone(self)
        self._wake()

    def pause_writing(self) -> None:
        """The peer does not read; no further command of it is obeyed until it does."""
        self._stuck = True

    def resume_writing(self) -> None:
        """The peer has read."""
        self._stuck = False
        self._wake()

    # What the session calls.

    async def line(self, seconds: float) -> bytes | None:
        """The next line with its end; `TOO_LONG`; None when there will be none. Replies go out before it waits."""
        deadline = 0.0
        while not (self._lost or self._closing):
            if self._retiring:
                self.close(smtp_reply.GOING_DOWN)
                break
            if self._out_size > _MOST_OUT:
                self.hand_out()
            if not self._stuck:
                if end := self._buffer.find(b"\n", self._at) + 1:
                    return self._cut(end)
                if len(self._buffer) - self._at > LONGEST_LINE:
                    self._dropping, self._buffer, self._at = True, b"", 0
                if self._ended:
                    break
                self.hand_out()
                self._let_come()
            deadline = deadline or self._loop.time() + seconds
            self._idle = True
            await self._wait(deadline)
            self._idle = False
        return None

    async def content(self, content: Content, seconds: float) -> bool:
        """Fill `content`; False where the connection ends before it is complete."""
        self.hand_out()
        rest, self._buffer, self._at = self._buffer[self._at :], b"", 0
        if rest:
            self._buffer = content.feed(rest)
        if not content.complete:
            self._content = content
            self._let_come()
            await self._filled(self._loop.time() + seconds)
            self._content = None
        return content.complete

    async def octets(self, known: int, until: float) -> bytes | None:
        """What has come so far, not taken away, once it is more than `known`; None when there will be no more."""
        self._any = True
        while len(self._buffer) <= known and not self._over:
            await self._wait(until)
        self._any = False
        return None if len(self._buffer) <= known else self._buffer

    def skip(self, length: int) -> None:
        """These octets are done with."""
        self._buffer = self._buffer[length:]

    def reply(self, reply: bytes) -> None:
        """Send it, together with others where more commands have come (RFC 2920 section 3.2)."""
        self._out.append(reply)
        self._out_size += len(reply)

    def hand_out(self) -> None:
        """Send all replies now: what follows takes a while."""
        if self._out and self._transport is not None and not self._lost:
            self._transport.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
        self._out.clear()
        self._out_size = 0

    async def start_tls(self, context: ssl.SSLContext, seconds: float, *, early: bool) -> bool:
        """Go over to TLS; False when it failed and the connection is over.

        `early`: TLS begins with what has come already. Else that is plain text, which must not be obeyed behind the
        handshake as if it had come under its protection (RFC 3207 section 6): it is dropped.
        """
        if early:
            await asyncio.sleep(0)  # only then does the transport read, and can be told not to
        if self._transport is None or self._over:
            self.hand_out()
            return False
        # From here on all that comes belongs to the handshake: a fast peer begins it before we are there to read it.
        self._transport.pause_reading()
        if not early:
            self._buffer, self._at = b"", 0
        self.hand_out()
        handshake = self._loop.create_task(
            self._loop.start_tls(self._transport, self, context, server_side=True, ssl_handshake_timeout=seconds)
        )
        self._held_back = False  # it reads on by itself
        if early:
            self._loop.call_soon(self._loop.call_soon, self._pass_on)  # behind the first step of the handshake
        try:
            transport = await handshake
        except (OSError, EOFError, RuntimeError):  # of which ssl.SSLError and every break of the connection are
            transport = None
        if transport is None:
            self._counters.tls_faults += 1
            self._lost = True
            self._transport.abort()
            return False
        self._transport, self.tls = transport, True
        return True

    def close(self, reply: bytes = b"") -> None:
        """The last reply, then the end, however slowly the peer reads."""
        if self._closing or self._lost or self._transport is None:
            return
        if reply:
            self.reply(reply)
        self.hand_out()
        self._closing = True
        self._transport.close()
        self.deadline = self._loop.time() + self._closing_seconds
        self._wake()

    def overdue(self) -> None:
        """The deadline has passed: say so to a peer that reads, drop one that does not."""
        self._counters.overdue += 1
        if self._closing or self._stuck or self._transport is None:
            self.abort()
        else:
            self.close(smtp_reply.TOO_LATE)

    def abort(self) -> None:
        """The end, at once."""
        self._closing = True
        self.deadline = _NEVER
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    def retire(self) -> None:
        """No further command: 421 at once, or when the one in hand is done."""
        self._retiring = True
        if self._idle:
            self.close(smtp_reply.GOING_DOWN)

    @property
    def _over(self) -> bool:
        return self._ended or self._lost or self._closing

    async def _run(self) -> None:
        try:
            await self._serve(self)
        finally:
            self._steps = None
            self.close()
            if self._lost:
                self._gone(self)

    def _pass_on(self) -> None:
        """Hand what came before the handshake to the protocol that makes it, as if it came now."""
        octets, self._buffer, self._at = self._buffer[self._at :], b"", 0
        assert self._transport is not None
        protocol = self._transport.get_protocol()
        if protocol is self:  # the connection broke before
            return
        tls = cast("asyncio.BufferedProtocol", protocol)
        while octets and not self._transport.is_closing():
            room = memoryview(tls.get_buffer(len(octets)))
            size = min(len(room), len(octets))
            room[:size] = octets[:size]
            tls.buffer_updated(size)
            octets = octets[size:]

    def _cut(self, end: int) -> bytes:
        line = self._buffer[self._at : end]
        self._at = end
        if self._dropping:
            self._dropping = False
            return TOO_LONG
        return line if len(line) <= LONGEST_LINE else TOO_LONG

    def _let_come(self) -> None:
        if self._held_back and self._transport is not None:
            self._held_back = False
            self._transport.resume_reading()

    async def _filled(self, deadline: float) -> None:
        while self._content is not None and not self._over:
            await self._wait(deadline)

    @coroutine
    def _wait(self, deadline: float) -> Generator[object, None, None]:
        """Until something has come, or changed."""
        self.deadline = deadline
        self._waiting = True
        yield BROUGHT
        if not self._closing:
            self.deadline = _NEVER

    def _wake(self) -> None:
        if self._waiting and self._steps is not None:
            self._waiting = False
            self._steps.go_on()
