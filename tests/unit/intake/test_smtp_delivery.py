"""A whole message goes to the acceptance, and its room is taken until there is an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from penstock.errors import StoreUnavailable
from penstock.intake import smtp_reply
from penstock.intake.smtp_command import MailFrom
from penstock.intake.smtp_content import Content
from penstock.intake.smtp_delivery import SmtpDelivery
from penstock.intake.smtp_door import SmtpCounters, SmtpDoor
from penstock.model.campaign import Stream
from penstock.ports import Acceptance, Client, Receipt, Recipient, Refusal, Submission, Taken

CRM = Client("crm", frozenset({Stream.TRANSACTIONAL}))
ANNA = Recipient("anna@maskin.example")
RAW = b"From: a@b.example\r\n\r\nx\r\n.\r\n"


class Desk:
    """Keeps how much was held while it took; raises `fault`."""

    def __init__(self, counters: SmtpCounters, fault: Exception | None = None) -> None:
        self.held: list[int] = []
        self._counters = counters
        self._fault = fault

    async def take(self, submissions: Sequence[Submission], /) -> Sequence[Receipt | Refusal]:
        self.held.append(self._counters.held_octets)
        if self._fault is not None:
            raise self._fault
        return [Receipt((Taken("m1", ANNA.address),), Stream.TRANSACTIONAL) for _ in submissions]

    async def admits(self, client: Client, sender: str, recipient: str, /) -> Refusal | None:
        if self._fault is not None:
            raise self._fault
        return None


async def handed_in(desk: Desk, counters: SmtpCounters) -> tuple[SmtpDelivery, bytes]:
    delivery = SmtpDelivery(cast("Acceptance", desk), SmtpDoor(name="mx.example"), counters)
    content = Content(1_000, counters, 1_000)
    content.feed(RAW)
    return delivery, await delivery.of(content, CRM, MailFrom("eva@b.example"), (ANNA,), "s1")


async def test_its_room_is_taken_while_the_store_saves_it() -> None:
    counters = SmtpCounters()
    desk = Desk(counters)
    _, reply = await handed_in(desk, counters)
    assert reply == smtp_reply.taken("m1")
    assert desk.held == [len(RAW) - 3]


@pytest.mark.parametrize(("fault", "kind"), [(StoreUnavailable("full"), "later"), (KeyError("x"), "faults")])
async def test_a_fault_of_ours_is_told_from_a_store_that_is_away(fault: Exception, kind: str) -> None:
    counters = SmtpCounters()
    delivery, reply = await handed_in(Desk(counters, fault), counters)
    assert reply == smtp_reply.NOT_NOW
    assert await delivery.refuses(CRM, "", ANNA.address, "s1") == smtp_reply.NOT_NOW
    assert dict(counters.refused) == {kind: 2}
