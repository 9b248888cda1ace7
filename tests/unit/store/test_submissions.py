"""What clients of the relay want to hear of their mails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.store.conftest import World

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.outcome import Accepted, Failed, Outcome
from penstock.ports import Ending
from penstock.store.bodies import LARGE
from penstock.store.placing import HandedIn, NewMail
from penstock.store.sqlite import SqliteStore
from penstock.store.submissions import DELAY_TOLD, END_TOLD, OpenSubmission, Telling

BODY = b"From: eva@nordlicht.example\r\n\r\nDear Anna\r\n"
DEAD = Failed("550 5.1.1 to RCPT: there is no such mailbox", "5.1.1", Code.HARD_BOUNCED)


def handed(world: World, address: str, *, content: bytes = BODY, **said: str) -> NewMail:
    fields = {"client": "crm", "sender": "crm@nordlicht.example", "notify": "FAILURE"} | said
    new = world.new_mail(address, stream=Stream.TRANSACTIONAL, content=content, recipient=address)
    return replace(new, campaign=None, handed_in=HandedIn(**fields))


def notification(world: World, number: int = 1) -> NewMail:
    new = handed(world, "crm@nordlicht.example", notify="", sender="")
    return replace(new, id=f"{number:032x}", stream=Stream.NOTICE)


async def ended(store: SqliteStore, world: World, mails: Sequence[NewMail], outcome: Outcome = DEAD) -> None:
    begun = [(world.mail(new, new.recipient or ""), world.go()) for new in mails]
    await store.ledger.begin(begun)
    await store.ledger.end([Ending(mail, decision, outcome) for mail, decision in begun])


async def opened(store: SqliteStore, world: World, *, after: int = 0, most: int = 100) -> list[OpenSubmission]:
    found, _ = await store.submissions.open(after, most, world.clock.now() - timedelta(hours=4))
    return list(found)


async def looked_at(store: SqliteStore) -> int:
    count = "SELECT count(*) FROM submissions WHERE told < 2 AND notify <> ''"
    return await store.database.read(lambda each: int(each.execute(count).get))


async def test_a_mail_that_failed_is_open_with_all_that_is_known_of_it(store: SqliteStore, world: World) -> None:
    new = handed(
        world, "anna@maskin.example", orcpt="rfc822;a", envelope_id="17", returned="FULL", notify="DELAY,FAILURE"
    )
    await store.mails.accept([new])
    assert await opened(store, world) == []
    at = world.clock.now()
    world.clock.pass_time(timedelta(minutes=1))
    await ended(store, world, [new])
    (found,) = await opened(store, world)
    assert (found.mail_id, found.state, found.code) == (new.id, "failed", "HARD_BOUNCED")
    assert (found.recipient, found.sender, found.client) == ("anna@maskin.example", "crm@nordlicht.example", "crm")
    assert (found.notify, found.orcpt, found.envelope_id) == (frozenset({"DELAY", "FAILURE"}), "rfc822;a", "17")
    assert (found.returned, found.at, found.ended_at) == ("FULL", at, world.clock.now())
    assert (found.ended["status"], found.ended["reply"]) == ("5.1.1", "550 5.1.1")


async def test_a_refusal_without_a_reply_of_a_mail_server_has_none_in_the_ledger(
    store: SqliteStore, world: World
) -> None:
    new = handed(world, "anna@maskin.example")
    await store.mails.accept([new])
    await ended(store, world, [new], Failed("the ESP says 550 anna@maskin.example to all", "5.0.0"))
    (found,) = await opened(store, world)
    assert "reply" not in found.ended


@pytest.mark.parametrize(
    ("notify", "open_", "left"), [("FAILURE", 0, 0), ("SUCCESS", 1, 1), ("FAILURE,SUCCESS", 1, 1), ("DELAY", 0, 0)]
)
async def test_what_arrived_is_open_where_that_was_asked_and_else_closed(
    store: SqliteStore, world: World, notify: str, open_: int, left: int
) -> None:
    new = handed(world, "anna@maskin.example", notify=notify)
    await store.mails.accept([new])
    await ended(store, world, [new], Accepted("250"))
    assert len(await opened(store, world)) == open_
    assert await looked_at(store) == left


@pytest.mark.parametrize(("notify", "open_"), [("DELAY", 1), ("FAILURE", 0)])
async def test_a_waiting_mail_is_open_once_it_waits_long(
    store: SqliteStore, world: World, notify: str, open_: int
) -> None:
    await store.mails.accept([handed(world, "anna@maskin.example", notify=notify)])
    world.clock.pass_time(timedelta(hours=3, minutes=59))
    assert await opened(store, world) == []
    world.clock.pass_time(timedelta(minutes=1))
    found = await opened(store, world)
    assert len(found) == open_
    await store.submissions.tell([Telling(each, DELAY_TOLD) for each in found], world.clock.now())
    assert await opened(store, world) == []
    assert await looked_at(store) == 1


async def test_slices_come_one_behind_the_other_and_hold_each_mail_once(store: SqliteStore, world: World) -> None:
    mails = [handed(world, f"anna{number}@maskin.example") for number in range(7)]
    await store.mails.accept(mails)
    await ended(store, world, mails[::2])
    seen, sizes, after = [], [], 0
    while True:
        found, end = await store.submissions.open(after, 3, world.clock.now())
        seen += [each.mail_id for each in found]
        sizes.append(len(found))
        if end is None:
            break
        after = end
    assert seen == [mail.id for mail in mails[::2]]
    assert sizes == [2, 1, 1]


async def test_telling_saves_the_notification_with_its_ticket_once(store: SqliteStore, world: World) -> None:
    new = handed(world, "anna@maskin.example")
    await store.mails.accept([new])
    await ended(store, world, [new])
    (about,) = await opened(store, world)
    telling = Telling(about, END_TOLD, notification(world))
    assert await store.submissions.tell([telling], world.clock.now()) == 1
    assert await store.submissions.tell([Telling(about, END_TOLD, notification(world, 2))], world.clock.now()) == 0
    assert await store.mails.load([f"{2:032x}"]) == [None]
    (saved,) = await store.mails.load([f"{1:032x}"])
    assert saved is not None
    assert (saved.state, saved.sender, saved.content) == ("queued", "", BODY)
    count = "SELECT count(*) FROM tickets JOIN mails ON mails.seq = tickets.id WHERE mails.stream = 'notice'"
    assert await store.database.read(lambda each: each.execute(count).get) == 1
    assert await looked_at(store) == 0


async def test_what_cannot_be_saved_stays_untold(store: SqliteStore, world: World) -> None:
    new = handed(world, "anna@maskin.example")
    await store.mails.accept([new])
    await ended(store, world, [new])
    (about,) = await opened(store, world)
    broken = replace(notification(world), campaign=replace(world.campaign(), digest=""))
    with pytest.raises(ValueError, match="digest"):
        await store.submissions.tell([Telling(about, END_TOLD, broken)], world.clock.now())
    assert await opened(store, world) == [about]
    assert await store.submissions.tell([Telling(about, END_TOLD, notification(world))], world.clock.now()) == 1


async def test_a_mail_that_was_handed_in_once_more_meanwhile_is_left_alone(store: SqliteStore, world: World) -> None:
    new = handed(world, "anna@maskin.example")
    await store.mails.accept([new])
    await ended(store, world, [new])
    (about,) = await opened(store, world)
    earlier = replace(about, at=about.at - timedelta(seconds=1))
    assert await store.submissions.tell([Telling(earlier, END_TOLD, notification(world))], world.clock.now()) == 0
    assert await opened(store, world) == [about]


async def test_the_original_comes_in_part_wherever_it_lies(path: Path, world: World) -> None:
    store = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock)
    large = BODY + b"x" * LARGE
    mails = [
        handed(world, "anna@maskin.example"),
        handed(world, "bo@maskin.example", content=large),
        world.new_mail("cia@maskin.example"),
    ]
    await store.mails.accept(mails)
    try:
        small, file, none = [await store.submissions.original(row, 50) for row in (1, 2, 3)]
        for body in path.with_name(f"{path.name}-bodies").iterdir():
            body.unlink()
        gone = await store.submissions.original(2, 50)
    finally:
        await store.aclose()
    assert (small, file, none, gone) == (BODY, large[:50], b"", b"")
