"""One open SMTP connection: bytes out with exact flow control, replies in (RFC 5321 section 4.2)."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass

__all__ = ["Offers", "ServerReply", "Session", "SessionBroken"]

_LONGEST_LINE = 4_096  # RFC 5321 says 512; be generous, but not endless
_MOST_LINES = 128
_MOST_WAITING = 16  # more replies than we ever have commands under way
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)", re.ASCII)
_CLOSING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Offers:
    """The service extensions that the server's EHLO announced. `size` 0: no limit known."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    sized: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class ServerReply:
    """A whole reply: the three digits and its lines without them."""

    code: int
    lines: tuple[bytes, ...]

    @property
    def status(self) -> str | None:
        """The RFC 3463 status the text starts with, where it does (RFC 2034)."""
        seen = _STATUS.match(self.lines[0].decode("ascii", "replace"))
        return seen[1] if seen else None

    @property
    def text(self) -> str:
        """All lines in one; may hold personal data."""
        return " ".join(line.decode("utf-8", "replace") for line in self.lines)


class SessionBroken(Exception):  # noqa: N818 — says what happened to the session
    """The session is of no use any more. `timed_out`: the server was silent for too long."""

    def __init__(self, why: str, *, timed_out: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.timed_out = timed_out


class Session(asyncio.Protocol):
    """Takes over a connected transport, by `transport.set_protocol` of the caller.

    `paused` is True while bytes handed to `write` have not all left for the operating system.
    """

    def __init__(self, transport: asyncio.Transport, offers: Offers) -> None:
        self.offers = offers
        self.paused = False
        self.needs_reset = False
        """The server still holds an envelope of ours that it refused in part."""
        self.carried = 0
        """How many mails were put on it; its user counts."""
        self.closed = asyncio.get_running_loop().create_future()
        self._transport = transport
        self._replies: deque[ServerReply] = deque()
        self._more: list[bytes] = []
        self._rest = b""
        self._fault: SessionBroken | None = None
        self._waiter: asyncio.Future[None] | None = None
        # Pausing at the first byte that stays behind is how we know whether the final dot left the house.
        transport.set_write_buffer_limits(high=1, low=0)

    @property
    def usable(self) -> bool:
        """Nothing is known against using it for a mail: it is open, and the server said nothing unasked."""
        return self._fault is None and not self._replies and not self._rest and not self._transport.is_closing()

    @property
    def closing(self) -> bool:
        """What is written now goes nowhere."""
        return self._fault is not None or self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Send, or buffer what does not go now. Into a closed connection: nothing happens."""
        if not self.closing:
            self._transport.write(data)

    async def drained(self, seconds: float) -> None:
        """Wait until no byte is left behind. Raises SessionBroken."""
        while self.paused:
            await self._wait(seconds)

    async def reply(self, seconds: float) -> ServerReply:
        """The next reply. Raises SessionBroken when it does not come, in time or at all, or is none."""
        while not self._replies:
            await self._wait(seconds)
        return self._replies.popleft()

    def said(self) -> ServerReply | None:
        """A reply that is already there."""
        return self._replies.popleft() if self._replies else None

    def expect_silence(self) -> None:
        """Raises SessionBroken where a reply came that nothing had asked for: the next would be misread."""
        if self._replies or self._rest or self._more:
            self._break("a reply that nothing had asked for")
            raise SessionBroken("a reply that nothing had asked for")

    def abort(self) -> None:
        """Close at once; what is still in our buffer is thrown away."""
        self._break("closed by us")

    async def quit(self) -> None:
        """Say QUIT, do not wait for the answer, and close."""
        if not self.closing:
            self._transport.write(b"QUIT\r\n")
        self._transport.close()
        try:
            await asyncio.wait_for(asyncio.shield(self.closed), _CLOSING_SECONDS)
        except TimeoutError:
            self._transport.abort()

    async def _wait(self, seconds: float) -> None:
        if self._fault is not None:
            raise self._fault
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, self._expire)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            if self._fault is not None and not self._replies:
                self._waiter.set_exception(self._fault)
            else:
                self._waiter.set_result(None)

    def _expire(self) -> None:
        self._break("the server was silent for too long", timed_out=True)

    def _break(self, why: str, *, timed_out: bool = False) -> None:
        if self._fault is None:
            self._fault = SessionBroken(why, timed_out=timed_out)
        self._transport.abort()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Cut what came into replies."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if not self._take(line.rstrip(b"\r")):
                self._break("the server answers no SMTP")
                return
        if len(self._rest) > _LONGEST_LINE or len(self._more) > _MOST_LINES or len(self._replies) > _MOST_WAITING:
            self._break("the server answers without end")
        elif self._replies:
            self._wake()

    def _take(self, line: bytes) -> bool:
        """One line; False when it is none of SMTP or does not go on as the one before."""
        digits, mark = line[:3], line[3:4]
        if len(digits) != 3 or not digits.isdigit() or mark not in {b" ", b"-", b""} or len(line) > _LONGEST_LINE:
            return False
        code = int(digits)
        if not 200 <= code <= 599 or (self._more and self._more[0][:3] != digits):
            return False
        if mark == b"-":
            self._more.append(line)
            return True
        self._replies.append(ServerReply(code, (*(each[4:] for each in self._more), line[4:])))
        self._more.clear()
        return True

    def pause_writing(self) -> None:
        """Bytes are left behind."""
        self.paused = True

    def resume_writing(self) -> None:
        """All bytes have gone."""
        self.paused = False
        self._wake()

    def eof_received(self) -> bool:
        """The server says no more: close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The end; replies that came before it can still be read."""
        if self._fault is None:
            self._fault = SessionBroken("the server closed the connection" if exc is None else "the connection broke")
        if not self.closed.done():
            self.closed.set_result(None)
        self._wake()
