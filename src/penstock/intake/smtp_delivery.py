"""From a message that came in by SMTP to the acceptance, and its answer back as a reply."""

from __future__ import annotations

import asyncio

from penstock.errors import Unavailable
from penstock.intake import smtp_reply
from penstock.intake.smtp_command import MailFrom
from penstock.intake.smtp_content import Content
from penstock.intake.smtp_door import SmtpCounters, SmtpDoor
from penstock.intake.smtp_long_lines import has_long_line, shortened
from penstock.observe.log import get_logger
from penstock.ports import Acceptance, Client, Receipt, Recipient, Refusal, Submission

__all__ = ["SmtpDelivery"]

_MOST_HOPS = 50
"""RFC 5321 section 6.3 asks for a large limit."""
_LARGE = 1 << 20
"""Octets from which an encoding is worth a thread."""

_log = get_logger("intake")


class SmtpDelivery:
    """What the sessions of a door have in common behind their commands."""

    def __init__(self, acceptance: Acceptance, door: SmtpDoor, counters: SmtpCounters) -> None:
        self._acceptance = acceptance
        self._door = door
        self._counters = counters

    async def refuses(self, client: Client, sender: str, recipient: str, session: str) -> bytes:
        """The reply that refuses a recipient; empty for one that may be written to."""
        try:
            refusal = await self._acceptance.admits(client, sender, recipient)
        except Exception as fault:  # noqa: BLE001 — whatever is unknown here is temporary, and said to nobody
            return self._stumbled("admits_failed", session, fault)
        return self._refused(refusal, client) if refusal is not None else b""

    async def of(
        self, content: Content, client: Client, start: MailFrom, recipients: tuple[Recipient, ...], session: str
    ) -> bytes:
        """The reply to a whole message. A connection that breaks meanwhile changes nothing: nobody cancels this."""
        if content.fault:
            self._count_fault(content.fault)
            return content.fault
        data, reply = await self._readable(content.take())
        if reply:
            self._count_fault(reply)
            return reply
        submission = Submission(
            client, start.sender, recipients, data, envelope_id=start.envelope_id, returned=start.returned
        )
        try:
            (answer,) = await self._acceptance.take([submission])
        except Exception as fault:  # noqa: BLE001 — as above
            return self._stumbled("take_failed", session, fault)
        if isinstance(answer, Refusal):
            return self._refused(answer, client)
        return self._receipt(answer)

    async def _readable(self, data: bytes) -> tuple[bytes, bytes]:
        """The message as it is taken, and the reply to one that is not."""
        if not data:
            # An empty one would ask for a letter of the campaign's, which this door has no words for.
            return b"", smtp_reply.EMPTY
        head = data[: data.find(b"\r\n\r\n") + 1 or len(data)].lower()
        if head.count(b"\r\nreceived:") + head.startswith(b"received:") > _MOST_HOPS:
            return b"", smtp_reply.LOOP
        if not has_long_line(data):
            return data, b""
        if self._door.long_lines == "refuse":
            return b"", smtp_reply.LONG_LINE
        mended = await asyncio.to_thread(shortened, data) if len(data) > _LARGE else shortened(data)
        return (b"", smtp_reply.LONG_LINE) if mended is None else (mended, b"")

    def _receipt(self, receipt: Receipt) -> bytes:
        self._counters.accepted += 1
        return smtp_reply.taken(receipt.taken[0].mail_id)

    def _refused(self, refusal: Refusal, client: Client) -> bytes:
        self._counters.refused[refusal.kind.value] += 1
        return smtp_reply.refused(refusal, client)

    def _stumbled(self, event: str, session: str, fault: Exception) -> bytes:
        away = isinstance(fault, Unavailable)
        self._counters.refused["later" if away else "faults"] += 1
        (_log.warning if away else _log.error)(event, session=session, fault=type(fault).__name__)
        return smtp_reply.NOT_NOW

    def _count_fault(self, reply: bytes) -> None:
        kind = {smtp_reply.TOO_LARGE: "size", smtp_reply.NO_ROOM: "room"}.get(reply, "syntax")
        self._counters.refused[kind] += 1
