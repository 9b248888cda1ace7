"""What a batch costs in steps of the database does not grow with its mails: each step gives the interpreter away."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import apsw
import pytest
from tests.unit.store.conftest import World

from penstock.model.contact import Contact
from penstock.model.outcome import Accepted
from penstock.ports import Ending, HistoryQuery, Settlement
from penstock.queue.sql import SqlQueue
from penstock.store.chain import sha256
from penstock.store.sqlite import SqliteStore


class Steps:
    """Counts the statements and the rows they answer."""

    def __init__(self) -> None:
        self.number = 0

    def watch(self, connection: apsw.Connection) -> None:
        connection.exec_trace = self._statement
        connection.row_trace = self._row

    def _statement(self, _cursor: apsw.Cursor, _statement: str, _bindings: object) -> bool:
        self.number += 1
        return True

    def _row(self, _cursor: apsw.Cursor, row: tuple[apsw.SQLiteValue, ...]) -> tuple[apsw.SQLiteValue, ...]:
        self.number += 1
        return row

    async def of(self, work: Awaitable[object]) -> int:
        before = self.number
        await work
        return self.number - before


async def steps_by_path(store: SqliteStore, world: World, number: int) -> dict[str, int]:
    people = [f"person{each}@firm{each}.example" for each in range(number)]
    contacts = [(Contact(address), world.identity(address, provider=address)) for address in people]
    mails = [world.new_mail(address, identity=who) for address, (_, who) in zip(people, contacts, strict=True)]
    ids, queue, steps = [mail.id for mail in mails], SqlQueue(store.database, world.clock), Steps()
    await store.database.write(steps.watch)
    found = {
        "upsert": await steps.of(store.contacts.upsert(contacts)),
        "upsert again": await steps.of(store.contacts.upsert(contacts)),
        "admit": await steps.of(store.contacts.admit(contacts, lambda _scope: True)),
        "accept": await steps.of(store.mails.accept(mails)),
        "accept again": await steps.of(store.mails.accept(mails)),
        "load": await steps.of(store.mails.load(ids)),
    }
    tickets = await queue.lease(number, 60)
    queries = [
        HistoryQuery(mail.id, mail.identity, "nordlicht", "autumn", world.clock.now() - timedelta(days=9), 5)
        for mail in mails
    ]
    drafts = [world.mail(new, address) for new, address in zip(mails, people, strict=True)]
    decided = [(mail, world.go()) for mail in drafts]
    found |= {
        "record": await steps.of(store.ledger.record([(mail, world.stop()) for mail in drafts])),
        "begin": await steps.of(store.ledger.begin(decided)),
        "end": await steps.of(store.ledger.end([Ending(mail, go, Accepted("x")) for mail, go in decided])),
        "history": await steps.of(store.mails.history(queries)),
        "renew": await steps.of(queue.renew(tickets, 60)),
        "settle": await steps.of(queue.settle([Settlement(ticket) for ticket in tickets])),
    }
    return found


@pytest.mark.parametrize("number", [50, 250])
async def test_a_full_batch_takes_as_few_steps_as_one_mail(
    store: SqliteStore, world: World, make_store: Callable[[], Awaitable[SqliteStore]], number: int
) -> None:
    few = await steps_by_path(store, world, 1)
    other = await make_store()
    many = await steps_by_path(other, world, number)
    await other.aclose()
    assert many == few


def test_long_octets_are_hashed_in_pieces_to_the_same_digest() -> None:
    for length in (0, 1, 2046, 2047, 2048, 4094, 4095, 12_345):
        data = bytes(range(256)) * (length // 256 + 1)
        assert sha256(data[:length]) == hashlib.sha256(data[:length]).digest()
