"""The message behind DATA, taken in as it comes (RFC 5321 sections 2.3.8, 4.1.1.4 and 4.5.2)."""

from __future__ import annotations

from penstock.compose.line_ends import only_crlf
from penstock.intake import smtp_reply
from penstock.intake.smtp_door import SmtpCounters

__all__ = ["Content"]

_END = b"\r\n.\r\n"
_DOT = b"\r\n."
_PREFIXES = tuple(_END[:length] for length in range(4, 0, -1))
_CRUMB = 2_048
_LOAF = 65_536


class Content:
    """Octets up to the first CRLF "." CRLF; nothing else ends them. Any cut of the input gives the same.

    Of a message that is refused already nothing is kept while the rest of it goes by. `counters` know how much all
    sessions hold together, at most `room` octets.
    """

    def __init__(self, limit: int, counters: SmtpCounters, room: int) -> None:
        self._limit = limit
        self._counters = counters
        self._room = room
        self._pieces: list[bytes] = []
        self._size = 0
        self._held = 0
        self._kept = b"\r\n"  # the end of the line DATA, with which an end mark may begin
        self._begun = False
        self.complete = False
        self.fault = b""
        """The reply that refuses the message, if any."""

    def feed(self, chunk: bytes) -> bytes:
        """Take what comes; answers what is left behind the end, empty before it."""
        octets = self._kept + chunk
        dot = octets.find(_DOT)  # mostly that of the end, and the only one
        end = octets.find(_END, dot) if dot >= 0 else -1
        if end >= 0:
            self.complete = True
            self._keep(octets[: end + 2], dots=dot < end)
            return octets[end + 5 :]
        # Whatever may become an end mark, or the end of a line, waits for what comes next.
        self._kept = next((each for each in _PREFIXES if octets.endswith(each)), b"")
        self._keep(octets[: -len(self._kept)] if self._kept else octets, dots=dot >= 0)
        return b""

    def take(self) -> bytes:
        """The message without its transparency dots. Its octets are counted until it is dropped."""
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole

    def drop(self) -> None:
        """Hold nothing any more: it is refused, or has its answer."""
        self._pieces.clear()
        self._counters.held_octets -= self._held
        self._held = 0

    def _keep(self, piece: bytes, *, dots: bool) -> None:
        if self.fault == smtp_reply.MALFORMED or not piece:
            return
        if not only_crlf(piece) or b"\0" in piece:
            # Even where it is too large already: the reply is not to depend on how the input was cut.
            self._refuse(smtp_reply.MALFORMED)
        elif not self.fault:
            plain = piece.replace(_DOT, b"\r\n") if dots else piece
            self._hold(plain if self._begun else plain[2:])
            self._begun = True

    def _hold(self, plain: bytes) -> None:
        size = len(plain)
        self._size += size
        if self._size > self._limit:
            self._refuse(smtp_reply.TOO_LARGE)
        elif self._counters.held_octets + size > self._room:
            self._refuse(smtp_reply.NO_ROOM)
        else:
            self._held += size
            self._counters.held_octets += size
            if size < _CRUMB and self._pieces and len(self._pieces[-1]) < _LOAF:
                self._pieces[-1] += plain  # a message that comes octet by octet is not to become a million objects
            else:
                self._pieces.append(plain)

    def _refuse(self, reply: bytes) -> None:
        self.fault = reply
        self.drop()
