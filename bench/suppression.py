"""What it costs to ask whether a person, domain or company said no, with millions of entries in the list.

    uv run --group test python bench/suppression.py [--quick]

The entries are loaded by SQL into the store's own tables, in one transaction; their keys are those of invented
addresses, so that hits and misses are asked for as in a run: 500 identities at a time, none of them twice.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from penstock.errors import Unavailable
from penstock.law.canonical import Canonical
from penstock.law.identity import Identifier
from penstock.law.mailboxes import Mailboxes
from penstock.model.contact import Company, Contact
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring, Secret
from penstock.store.sqlite import SqliteStore
from penstock.testing import FakeClock, a_keyring

SEED = 20261123
BATCH = 500
REPEATS = 3
FULL, QUICK = (1_000_000, 10_000_000), (5_000, 50_000)
SHARES = (0.0, 0.01, 0.1, 0.5)
GOAL_MICROSECONDS, GOAL_GROWTH = 20.0, 1.5


class Spent(NamedTuple):
    """Microseconds per mail by the wall clock and of the processor, all threads of this process together."""

    wall: float
    processor: float


class Watch:
    """Starts when it is made."""

    def __init__(self) -> None:
        self._started, self._used = time.perf_counter(), time.process_time()

    def per(self, mails: int) -> Spent:
        wall, processor = time.perf_counter() - self._started, time.process_time() - self._used
        return Spent(wall / mails * 1e6, processor / mails * 1e6)


def middle(found: Sequence[Spent]) -> Spent:
    """The median of each column."""
    return Spent(*(statistics.median(column) for column in zip(*found, strict=True)))


def address(n: int) -> str:
    return f"person{n % 997}@firm-{n:08d}.example"


def contact(n: int) -> Contact:
    """Of 20 addresses one has a sub-address and one capitals, so that exact and person form differ."""
    local, _, domain = address(n).partition("@")
    spelled = {7: f"{local}+sales@{domain}", 13: f"{local.capitalize()}@{domain}"}.get(n % 20, f"{local}@{domain}")
    return Contact(address=spelled, company=Company(name=f"Firm {n}", id=f"SE-{n:09d}", domains=(domain,)))


def entry_key(keyring: Keyring, n: int) -> bytes:
    """Of 100 entries 95 are for a person, four for a domain, one for a company id."""
    match n % 100:
        case 0 | 25 | 50 | 75:
            return keyring.fingerprints("d:" + address(n).partition("@")[2])[0]
        case 99:
            return keyring.fingerprints(f"o:SE{n:09d}")[0]
        case _:
            return keyring.fingerprints("p:" + address(n))[0]


def load(path: Path, keyring: Keyring, entries: int) -> None:
    """Fill the store's own tables. Keys go in sorted and their second index is made at the end: it is faster."""

    def key_of(*values: apsw.SQLiteValue) -> apsw.SQLiteValue:
        (n,) = values
        assert isinstance(n, int)
        return entry_key(keyring, n)

    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "off")
    connection.pragma("synchronous", "off")
    connection.pragma("cache_size", -512 * 1024)
    connection.create_scalar_function("entry_key", key_of, 1, deterministic=True)
    index = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'suppression_keys_entry'").get
    numbers = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT ?)"
    connection.execute("BEGIN")
    connection.execute("DROP INDEX suppression_keys_entry")
    connection.execute(
        f"{numbers} INSERT INTO suppressions (seq, id, kind, scope, reason, at, subject, origin) "
        "SELECT n + 1, printf('%032x', n), 'person', 'all', 'objection', 1795424400000000, NULL, '' FROM n",
        (entries,),
    )
    connection.execute(
        f"{numbers} INSERT INTO suppression_keys (key, entry) SELECT entry_key(n), n + 1 FROM n ORDER BY 1",
        (entries,),
    )
    connection.execute(index)
    connection.execute("COMMIT")
    connection.close()


def identities(identifier: Identifier, entries: int, share: float, number: int, dice: random.Random) -> list[Identity]:
    """Mails of which `share` is on the list, at random places of it and of the batch."""
    chosen = [
        dice.randrange(entries) if dice.random() < share else dice.randrange(entries, 99_000_000) for _ in range(number)
    ]
    return [identifier.of(contact(n)) for n in chosen]


def batches(asked: Sequence[Identity]) -> Iterator[Sequence[Identity]]:
    return (asked[at : at + BATCH] for at in range(0, len(asked), BATCH))


async def look_up(store: SqliteStore, asked: Sequence[Identity]) -> tuple[Spent, int]:
    """What it cost per mail, and how many were hit."""
    hit, watch = 0, Watch()
    for part in batches(asked):
        hit += sum(map(bool, await store.suppressions.hits(part)))
    return watch.per(len(asked)), hit


def peppered(keyring: Keyring, more: int) -> Keyring:
    older = tuple(Secret(f"old{n}", bytes([n]) * 32) for n in range(more))
    return Keyring((*keyring.peppers, *older), keyring.tokens, keyring.ledgers)


def show_keys(number: int) -> None:
    """All canonical keys of a mail, by the hands of `Identifier.of`."""
    print(f"\nkeys of a mail: {number:,} contacts, median of {REPEATS}; goal ≤ {GOAL_MICROSECONDS:g} µs")
    print(f"| {'what':45} | {'keys':>4} | {'µs/mail':>7} | {'CPU µs':>6} |")
    print(f"| {'-' * 45} | {'-' * 3}: | {'-' * 6}: | {'-' * 5}: |")
    canonical, mailboxes, keyring = Canonical.load(), Mailboxes.load(), a_keyring()
    plain = Identifier(keyring, canonical, mailboxes)
    rotated = Identifier(peppered(keyring, 1), canonical, mailboxes)
    foreign = Identifier(peppered(keyring, 1), canonical, mailboxes, ("sha256",))
    apart = [contact(n) for n in range(number * REPEATS)]
    together = [Contact(f"person{n}@firm-00000000.example", company=apart[0].company) for n in range(number * REPEATS)]
    for what, identifier, contacts in (
        ("one pepper, every mail at another company", plain, apart),
        ("one pepper, all mails at one company", plain, together),
        ("two peppers, every mail at another company", rotated, apart),
        ("two peppers and foreign SHA-256 entries", foreign, apart),
    ):
        found, keys = [], 0
        for at in range(0, len(contacts), number):  # other contacts each time: nothing is remembered of the last
            part = contacts[at : at + number]
            watch = Watch()
            made = [identifier.of(each) for each in part]
            found.append(watch.per(number))
            keys = len(made[0].person_keys) + len(made[0].company_keys)
        wall, processor = middle(found)
        print(f"| {what:45} | {keys:>4} | {wall:>7.1f} | {processor:>6.1f} |")


async def show_look_ups(counts: Sequence[int], number: int) -> None:
    print(f"\nlook-up, batch {BATCH}, {number:,} mails, median of {REPEATS} (other mails each time); goals: ", end="")
    print(f"≤ {GOAL_MICROSECONDS:g} µs/mail, growth ≤ {GOAL_GROWTH:g}")
    print(
        f"| {'entries':>10} | {'file MB':>7} | {'load s':>6} | {'on the list':>11} | {'µs/mail':>7} | {'growth':>6} | "
        f"{'CPU µs':>6} | {'growth':>6} |"
    )
    print(f"| {'-' * 9}: | {'-' * 6}: | {'-' * 5}: | {'-' * 10}: | {'-' * 6}: | {'-' * 5}: | {'-' * 5}: | {'-' * 5}: |")
    keyring, clock = a_keyring(), FakeClock()
    identifier = Identifier(keyring, Canonical.load(), Mailboxes.load())
    first: dict[float, Spent] = {}
    for entries in counts:
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
            path = Path(folder) / "penstock.db"
            await (await SqliteStore.open(f"sqlite:///{path}", keyring, clock)).aclose()
            started = time.perf_counter()
            load(path, keyring, entries)
            loaded = time.perf_counter() - started
            store = await SqliteStore.open(f"sqlite:///{path}", keyring, clock)
            try:
                await measure(store, identifier, entries, number, loaded, path.stat().st_size / 1e6, first)
            finally:
                await store.aclose()


async def measure(
    store: SqliteStore,
    identifier: Identifier,
    entries: int,
    number: int,
    loaded: float,
    megabytes: float,
    first: dict[float, Spent],
) -> None:
    """The rows of one size of list."""
    dice = random.Random(SEED)
    await look_up(store, identities(identifier, entries, 0.1, number, dice))
    for share in SHARES:
        found = []
        for _ in range(REPEATS):
            asked = identities(identifier, entries, share, number, dice)
            each, hit = await look_up(store, asked)
            assert abs(hit / number - share) <= 0.02, (hit, share)
            found.append(each)
        now, before = middle(found), first.setdefault(share, middle(found))
        print(
            f"| {entries:>10,} | {megabytes:>7,.0f} | {loaded:>6.1f} | {share:>11.0%} | {now.wall:>7.1f} | "
            f"{now.wall / before.wall:>6.2f} | {now.processor:>6.1f} | {now.processor / before.processor:>6.2f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="at most 50,000 entries, some seconds")
    quick = parser.parse_args().quick
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    show_keys(2_000 if quick else 20_000)
    asyncio.run(show_look_ups(QUICK if quick else FULL, 5_000 if quick else 20_000))


if __name__ == "__main__":
    try:
        main()
    except Unavailable as fault:
        sys.exit(str(fault))
