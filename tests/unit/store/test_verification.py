"""Whoever can write to the file but does not hold the ledger key is found out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import apsw
import orjson
import pytest
from tests.unit.store.conftest import World

from penstock.model.keyring import Keyring
from penstock.store.sqlite import SqliteStore
from penstock.store.verification import VerifyReport

TRIGGERS = ("ledger_keeps_rows", "ledger_loses_no_row", "ledger_keeps_batches", "ledger_loses_no_batch")
Change = str | Callable[[apsw.Connection], object]


@pytest.fixture
async def written(path: Path, world: World) -> Path:
    """A closed store with nine rows in six batches."""
    store = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock)
    mails = [world.new_mail(f"p{number}@muster.example") for number in range(4)]
    await store.mails.accept(mails)
    await store.ledger.begin([(world.mail(new), world.go()) for new in mails])
    for number in range(5):
        await store.ledger.append("note", {"number": number})
    await store.aclose()
    return path


def tamper(path: Path, *statements: Change) -> None:
    connection = apsw.Connection(str(path))
    for trigger in TRIGGERS:
        connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
    for statement in statements:
        if callable(statement):
            statement(connection)
        else:
            connection.execute(statement)
    connection.close()


async def verify(path: Path, world: World, keyring: Keyring | None = None) -> VerifyReport:
    store = await SqliteStore.open(f"sqlite:///{path}", keyring or world.keyring, world.clock, read_only=True)
    try:
        return await store.ledger.verify()
    finally:
        await store.aclose()


async def test_an_untouched_ledger_is_as_written(written: Path, world: World) -> None:
    report = await verify(written, world)
    assert (report.rows, report.batches, report.fault, report.seq) == (9, 6, None, None)


async def test_an_empty_ledger_is_as_written(store: SqliteStore) -> None:
    report = await store.ledger.verify()
    assert (report.rows, report.batches, report.fault) == (0, 0, None)


async def test_the_tables_refuse_to_be_changed(written: Path) -> None:
    connection = apsw.Connection(str(written))
    for statement in (
        "UPDATE ledger SET code = 'X'",
        "DELETE FROM ledger WHERE seq = 9",
        "UPDATE ledger_batches SET key_id = 'x'",
        "DELETE FROM ledger_batches",
    ):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            connection.execute(statement)
    connection.close()


def rewritten(seq: int) -> Callable[[apsw.Connection], object]:
    """Change what a row says and make its digest and columns agree."""

    def change(connection: apsw.Connection) -> None:
        row = orjson.loads(connection.execute("SELECT row FROM ledger WHERE seq = ?", (seq,)).get)
        row["number"] = 99
        octets = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
        digest = hashlib.sha256(octets).digest()
        connection.execute("UPDATE ledger SET row = ?, digest = ? WHERE seq = ?", (octets, digest, seq))

    return change


NOTE = b'{"at":"2026-11-20T08:00:00.000000+00:00","kind":"note","number":7}'
INSERT = (
    "INSERT INTO ledger (seq, batch, kind, at, row, digest) VALUES "
    f"({{}}, {{}}, 'note', '2026-11-20T08:00:00.000000+00:00', x'{NOTE.hex()}', x'{hashlib.sha256(NOTE).hexdigest()}')"
)


@pytest.mark.parametrize(
    ("changes", "fault", "seq"),
    [
        (["UPDATE ledger SET row = CAST(replace(CAST(row AS TEXT), '2', '3') AS BLOB) WHERE seq = 7"], "changed", 7),
        (["UPDATE ledger SET digest = zeroblob(32) WHERE seq = 3"], "changed", 3),
        ([rewritten(7)], "row 7 is not the one written", 7),
        (["UPDATE ledger SET kind = 'x' WHERE seq = 2"], "index columns", 2),
        (["UPDATE ledger SET mail_id = 'x' WHERE seq = 2"], "index columns", 2),
        (["UPDATE ledger SET mail_id = NULL WHERE seq = 2"], "index columns", 2),
        (["UPDATE ledger SET at = '2020' WHERE seq = 8"], "index columns", 8),
        (["UPDATE ledger SET code = 'MINOR' WHERE seq = 8"], "index columns", 8),
        (["UPDATE ledger SET batch = 3 WHERE seq = 2"], "moved or inserted", 2),
        (["DELETE FROM ledger WHERE seq = 3"], "row 3 was removed", 3),
        (["DELETE FROM ledger WHERE seq = 4"], "row 4 was removed", 4),
        (["DELETE FROM ledger WHERE seq = 7"], "row 7 was removed", 7),
        (["DELETE FROM ledger WHERE seq = 7", "DELETE FROM ledger_batches WHERE batch = 4"], "batch 4 was removed", 7),
        ([INSERT.format(0, 1)], "row 0 was inserted", 0),
        ([INSERT.format(10, 6)], "row 10 was inserted", 10),
        (["UPDATE ledger SET seq = seq + 1 WHERE seq = 9", INSERT.format(9, 6)], "row 9 is not the one written", 9),
        (["DELETE FROM ledger WHERE seq > 7", "DELETE FROM ledger_batches WHERE batch > 4"], "removed from the end", 8),
        (["DELETE FROM ledger", "DELETE FROM ledger_batches"], "removed from the end", 1),
        (["UPDATE ledger_batches SET digest = zeroblob(32) WHERE batch = 2"], "row 5 is not the one written", 5),
        (["UPDATE ledger_batches SET before = zeroblob(32) WHERE batch = 2"], "row 5 is not the one written", 5),
        (["UPDATE ledger_batches SET last_seq = 6 WHERE batch = 2"], "moved or inserted", 6),
        (["UPDATE ledger_batches SET first_seq = 6 WHERE batch = 2"], "does not begin", 5),
        (["UPDATE ledger_batches SET key_id = 'lost' WHERE batch = 2"], "ledger key lost", 5),
        (["DELETE FROM meta WHERE name = 'ledger:head'"], "head of the ledger was removed", None),
        (["UPDATE meta SET value = 'nonsense' WHERE name = 'ledger:head'"], "head of the ledger was removed", None),
        (["UPDATE meta SET value = replace(value, '6 9', '4 7') WHERE name = 'ledger:head'"], "head", None),
    ],
)
async def test_the_first_fault_is_named(
    written: Path, world: World, changes: list[Change], fault: str, seq: int | None
) -> None:
    tamper(written, *changes)
    report = await verify(written, world)
    assert report.fault is not None
    assert fault in report.fault
    assert report.seq == seq


async def test_swapped_rows_are_found_by_their_batch(written: Path, world: World) -> None:
    tamper(
        written,
        "UPDATE ledger SET seq = 100 WHERE seq = 2",
        "UPDATE ledger SET seq = 2 WHERE seq = 3",
        "UPDATE ledger SET seq = 3 WHERE seq = 100",
    )
    report = await verify(written, world)
    assert report.fault == "rows 1 to 4 are not the ones written as batch 1"


async def test_a_cut_tail_with_the_head_of_another_place_is_found(written: Path, world: World) -> None:
    """The head's mac covers batch, row number and digest, so it cannot be moved back without the key."""

    def move_head(connection: apsw.Connection) -> None:
        digest = connection.execute("SELECT hex(digest) FROM ledger_batches WHERE batch = 4").get.lower()
        _, _, _, key_id, mac = connection.execute("SELECT value FROM meta WHERE name = 'ledger:head'").get.split()
        connection.execute("UPDATE meta SET value = ? WHERE name = 'ledger:head'", (f"4 7 {digest} {key_id} {mac}",))

    tamper(written, "DELETE FROM ledger WHERE seq > 7", "DELETE FROM ledger_batches WHERE batch > 4", move_head)
    assert (await verify(written, world)).fault == "the head of the ledger was changed"


async def test_a_ledger_lives_on_through_a_rotation_of_its_key(
    written: Path, world: World, make_keyring: Callable[..., Keyring]
) -> None:
    rotated = make_keyring(ledgers=("l2", "l1"))
    store = await SqliteStore.open(f"sqlite:///{written}", rotated, world.clock)
    await store.ledger.append("note", {"number": 10})
    report = await store.ledger.verify()
    assert (report.rows, report.fault) == (10, None)
    await store.aclose()


async def test_a_long_ledger_is_walked_in_steps_while_it_grows(file_store: SqliteStore) -> None:
    for number in range(450):
        await file_store.ledger.append("note", {"number": number})
    report = await file_store.ledger.verify()
    assert (report.rows, report.batches, report.fault) == (450, 450, None)
