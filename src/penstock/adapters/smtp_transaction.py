"""The mails of one session, one transaction after the other, with exact knowledge of the final dot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from penstock.adapters.smtp_envelope import Parcel, stuffed
from penstock.adapters.smtp_replies import Stage
from penstock.adapters.smtp_session import ServerReply, Session, SessionBroken

__all__ = ["Answered", "Broken", "Conversation", "Timeouts", "Turn"]

T = TypeVar("T")

_JOINED = 16_384  # a final piece of that size goes out with the next envelope in one system call
_ENVELOPE = 3  # replies
_DATA = b"DATA\r\n"
_RESET = b"RSET\r\n"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, as RFC 5321 section 4.5.3.2 asks. `opening` is for each step up to the login."""

    opening: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0

    def of(self, stage: Stage) -> float:
        """How long to wait for the reply to that stage."""
        match stage:
            case Stage.MAIL:
                return self.mail
            case Stage.RCPT:
                return self.rcpt
            case Stage.DATA:
                return self.data
            case Stage.DOT:
                return self.dot


@dataclass(frozen=True, slots=True)
class Turn(Generic[T]):
    """A mail whose turn it is on this session, with its commands; `job` is the caller's own."""

    job: T
    parcel: Parcel
    mail: bytes
    rcpt: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The server decided at this stage; for an accepted mail that is `Stage.DOT`."""

    stage: Stage
    reply: ServerReply


@dataclass(frozen=True, slots=True)
class Broken:
    """The session ended without a decision, and is closed.

    `in_doubt`: the final dot had left. `untouched`: no reply at all had come to this mail. `lost_commands`: the server
    announces PIPELINING (RFC 2920) but loses what is sent that way.
    """

    why: str
    in_doubt: bool
    untouched: bool
    lost_commands: bool = False


class Conversation(Generic[T]):
    """Drives a session. Whoever cancels `send` finds in `in_doubt` whether the final dot had left."""

    def __init__(self, session: Session, timeouts: Timeouts, *, pipelining: bool) -> None:
        self.in_doubt = False
        self.following: Turn[T] | None = None
        """The mail whose envelope went out behind the last final dot; it must be the next one."""
        self._session = session
        self._timeouts = timeouts
        self._pipelining = pipelining and session.offers.pipelining
        self._heard = 0

    async def send(self, turn: Turn[T], follow: Callable[[], Turn[T] | None]) -> Answered | Broken:
        """One transaction. `follow` is asked for the mail that may be announced behind this one's end."""
        self.in_doubt, self._heard = False, 0
        announced = turn is self.following
        try:
            refused = await (self._envelope_at_once(turn) if self._pipelining else self._envelope_by_steps(turn))
            ended = refused or await self._content(turn, follow)
        except SessionBroken as fault:
            self._session.abort()
            early = self._session.said() if self._heard == _ENVELOPE and not self.in_doubt else None
            if early is not None and early.code >= 400:
                return Answered(Stage.DOT, early)  # refused in the middle of the message, which never got its end
            piped = announced if self._heard == 0 else self._pipelining and self._heard < _ENVELOPE
            return Broken(fault.why, self.in_doubt, self._heard == 0, piped and fault.timed_out)
        if isinstance(ended, Answered) and ended.reply.code == 421:
            self._session.abort()
        return ended

    async def _envelope_at_once(self, turn: Turn[T]) -> Answered | Broken | None:
        """MAIL, RCPT and DATA in one piece (RFC 2920); None when the server waits for the message."""
        if turn is not self.following:
            await self._write_envelope(turn)
        self.following = None
        refused: Answered | None = None
        for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA):
            try:
                reply = await self._reply(stage)
            except SessionBroken:
                if refused is None:
                    raise
                self._session.abort()
                return refused
            if reply.code == 354 and refused:
                # Anything we sent now, a lone dot included, might become an empty mail.
                self._session.abort()
            elif reply.code == 503 and refused is None and stage is not Stage.MAIL:
                self._session.abort()
                return Broken("the server loses pipelined commands", False, False, lost_commands=True)
            elif reply.code >= 400:
                refused = refused or Answered(stage, reply)
                self._session.needs_reset = refused.stage is not Stage.MAIL
            if reply.code == 421:
                break
        return refused

    async def _write_envelope(self, turn: Turn[T]) -> None:
        session = self._session
        session.expect_silence()
        reset, session.needs_reset = session.needs_reset, False
        session.write((_RESET if reset else b"") + turn.mail + turn.rcpt + _DATA)
        if reset:
            self._must_be_fine(await session.reply(self._timeouts.mail))

    async def _envelope_by_steps(self, turn: Turn[T]) -> Answered | None:
        session = self._session
        session.expect_silence()
        if session.needs_reset:
            session.needs_reset = False
            session.write(_RESET)
            self._must_be_fine(await session.reply(self._timeouts.mail))
        for stage, command in ((Stage.MAIL, turn.mail), (Stage.RCPT, turn.rcpt), (Stage.DATA, _DATA)):
            session.expect_silence()
            session.write(command)
            reply = await self._reply(stage)
            if reply.code >= 400:
                session.needs_reset = stage is not Stage.MAIL
                return Answered(stage, reply)
        return None

    async def _reply(self, stage: Stage) -> ServerReply:
        """The reply to a command, refused as no SMTP where it cannot be one to that command."""
        reply = await self._session.reply(self._timeouts.of(stage))
        first = reply.code // 100
        if first < 4 and (reply.code != 354 if stage is Stage.DATA else first != 2):
            raise SessionBroken("a reply that does not belong to the command")
        self._heard += 1
        return reply

    def _must_be_fine(self, reply: ServerReply) -> None:
        if reply.code // 100 != 2:
            raise SessionBroken("the server refuses RSET")

    async def _content(self, turn: Turn[T], follow: Callable[[], Turn[T] | None]) -> Answered:
        session, block = self._session, self._timeouts.block
        pieces = stuffed(turn.parcel.data)
        last = next(pieces)
        for piece in pieces:
            session.write(last)
            await session.drained(block)
            last = piece
        session.expect_silence()
        joined = b""
        if self._pipelining and len(last) <= _JOINED and (following := follow()) is not None:
            self.following = following
            joined = following.mail + following.rcpt + _DATA
        session.write(last + joined)
        if session.closing:
            raise SessionBroken("the connection broke before the end of the message")
        if not joined:
            try:
                await session.drained(block)
            finally:
                self.in_doubt = not session.paused
        self.in_doubt = True
        return Answered(Stage.DOT, await self._reply(Stage.DOT))
