"""A session whose client never pauses."""

from __future__ import annotations

import asyncio
from typing import cast

from penstock.intake.smtp_connection import Connection
from penstock.intake.smtp_delivery import SmtpDelivery
from penstock.intake.smtp_door import Deadlines, SmtpCounters, SmtpDoor
from penstock.intake.smtp_session import Session
from penstock.ports import Acceptance, Client, Doorkeeper


class Chatty:
    """A connection on which a command has always come already."""

    tls = False

    def __init__(self) -> None:
        self.ended = False

    async def line(self, seconds: float) -> bytes | None:
        return b"NOOP\r\n"

    def reply(self, reply: bytes) -> None:
        pass

    def overdue(self) -> None:
        self.ended = True


class Nobody:
    def neighbour(self, caller: str, /) -> Client | None:
        return None


async def test_a_client_that_always_has_one_more_command_is_overdue_like_any_other() -> None:
    door, counters, chatty = SmtpDoor(name="mx.example", deadlines=Deadlines(session=0.05)), SmtpCounters(), Chatty()
    session = Session(
        cast("Connection", chatty),
        "192.0.2.7",
        trusted=True,
        door=door,
        delivery=SmtpDelivery(cast("Acceptance", None), door, counters),
        doorkeeper=cast("Doorkeeper", Nobody()),
        counters=counters,
        name="s1",
    )
    async with asyncio.timeout(2):
        await session.run()
    assert chatty.ended
