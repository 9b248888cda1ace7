"""A large message whose file is gone or damaged is held, and stops nothing of what was leased with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from penstock.assembly import ReadyMade, new_mail
from penstock.gate import Gate
from penstock.model.campaign import Stream
from penstock.model.contact import Contact
from penstock.model.mail import Message
from penstock.store.bodies import LARGE
from penstock.store.placing import HandedIn, NewMail

Open = Callable[..., AbstractAsyncContextManager[Gate]]

HEAD = b"From: eva.berg@nordlicht.example\r\nTo: a@maskin.example\r\nSubject: Your order\r\n\r\n"
LARGE_ONE = HEAD + b"Thank you.\r\n" * (LARGE // 10)


def handed(gate: Gate, number: int, content: bytes) -> NewMail:
    ready = ReadyMade(Message(content), "eva.berg@nordlicht.example", Stream.TRANSACTIONAL, "nordlicht", "")
    mail = gate.house.assembler.ready_made(f"{number:032x}", Contact(f"a{number}@maskin.example"), ready)
    said = HandedIn("crm", "crm@nordlicht.example", notify="FAILURE")
    return replace(new_mail(mail, gate.house.services.way_of(mail), gate.house.clock.now(), said))


async def states(gate: Gate, *mails: NewMail) -> list[str | None]:
    return [each.state if each else None for each in await gate.house.store.mails.load([mail.id for mail in mails])]


async def test_the_others_go_and_the_lost_one_goes_once_its_file_is_back(house: Path, opened: Open) -> None:
    async with opened() as gate:
        lost, other = handed(gate, 1, LARGE_ONE), handed(gate, 2, HEAD + b"Thank you.\r\n")
        await gate.house.store.mails.accept([lost, other])
        (file,) = (house / "penstock.db-bodies").iterdir()
        file.write_bytes(b"something else")
        await gate.house.worker().round()
        assert await states(gate, lost, other) == ["held", "accepted"]
        (held,) = await gate.house.store.mails.held("", 9)
        assert (held.mail_id, held.code) == (lost.id, "STAGE_FAILED")
        assert await gate.house.queue.depth() == 0
        await gate.house.store.mails.release([lost.id], "")
        await gate.house.worker().round()
        assert await states(gate, lost) == ["held"]
        file.write_bytes(LARGE_ONE)
        await gate.house.store.mails.release([lost.id], "")
        await gate.house.worker().round()
        assert await states(gate, lost) == ["accepted"]


async def test_a_lost_one_that_grew_too_old_fails_like_any_other(house: Path, opened: Open) -> None:
    async with opened() as gate:
        lost = handed(gate, 1, LARGE_ONE)
        await gate.house.store.mails.accept([lost])
        (file,) = (house / "penstock.db-bodies").iterdir()
        file.unlink()
        moment = gate.house.clock.now() + timedelta(days=6)
    async with opened(moment) as gate:
        await gate.house.worker().round()
        assert await states(gate, lost) == ["failed"]
        assert list((house / "penstock.db-bodies").iterdir()) == []
