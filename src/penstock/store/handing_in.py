"""What clients of the relay hand in: all mails of one submission are saved with their tickets, or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import apsw
import orjson

from penstock.model.contact import Contact
from penstock.model.identity import Identity
from penstock.store.campaigns import Campaigns
from penstock.store.contacts import Contacts
from penstock.store.placing import NewMail, Placed, PlacingSql, save_mails
from penstock.store.sorted_mails import SortedMails, sort_mails

__all__ = ["Against", "Handed", "KnownKeys", "find_keys", "hand_in"]

KnownKeys = dict[tuple[str, str], tuple[bytes, Sequence[str]]]
"""By client and key: the SHA-256 of the request that came first, and the ids of its mails."""


class Against(StrEnum):
    """Why nothing of a submission was saved."""

    CONFLICT = "conflict"  # its key stands for something else
    ERASED = "erased"  # somebody's data were erased, of whom nothing may be kept (GDPR Art. 17)


def _nothing(_scope: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Handed:
    """The mails of one submission. Under a `key` of its client a submission counts once; `request` is the SHA-256 of
    all that it said.

    `contacts` are brought with it, and kept where it is taken; `refuses` answers for the scope of an erasure whether
    it stands against them. Of those with the same `call`, which is not 0, all are taken or none.
    """

    mails: Sequence[NewMail]
    client: str
    key: str = ""
    request: bytes = b""
    contacts: Sequence[tuple[Contact, Identity]] = ()
    refuses: Callable[[str], bool] = _nothing
    call: int = 0


@dataclass(slots=True)
class _Book:
    """What was found about the submissions of a batch, by their places."""

    handed: Sequence[Handed]
    against: dict[int, Against] = field(default_factory=dict)
    repeats: dict[int, Sequence[str]] = field(default_factory=dict)
    follows: dict[int, int] = field(default_factory=dict)
    """Repeats of what stands in the same batch."""

    def fresh(self) -> list[int]:
        return [
            place
            for place in range(len(self.handed))
            if place not in self.against and place not in self.repeats and place not in self.follows
        ]

    def refuse(self, places: Mapping[int, Against]) -> None:
        """These, what hangs together with them, and what repeats them."""
        calls: dict[int, Against] = {}
        for place, word in places.items():
            self.against[place] = word
            calls.setdefault(self.handed[place].call, word)
        for place, each in enumerate(self.handed):
            if each.call and each.call in calls:
                self.against.setdefault(place, calls[each.call])


def hand_in(
    connection: apsw.Connection,
    sql: PlacingSql,
    campaigns: Campaigns,
    contacts: Contacts,
    handed: Sequence[Handed],
    at: int,
) -> list[Sequence[Placed] | Against]:
    """One answer per submission, in order: what became of its mails, or why nothing of it was saved.

    For a submission that came before under its key: `repeated`, for each mail of the first one. A submission of which
    every mail is refused leaves neither key nor contact.
    """
    book = _Book(handed)
    _look_at_keys(connection, sql.mails, book)
    _look_for_erased(connection, contacts, book)
    fresh = book.fresh()
    new = [mail for place in fresh for mail in handed[place].mails]
    sorted_ = sort_mails(connection, sql.mails, new, redirecting=sql.redirecting)
    placed = iter(sorted_.answers)
    answers: dict[int, Sequence[Placed]] = {place: [next(placed) for _ in handed[place].mails] for place in fresh}
    kept = [place for place in fresh if not all(each.refused for each in answers[place])]
    _keep_contacts(connection, contacts, [handed[place] for place in kept], sorted_, at)
    save_mails(connection, sql, campaigns, new, sorted_, at)
    for place in kept:
        _remember(connection, sql.mails, handed[place], at)
    return [_answer(place, book, answers, frozenset(kept)) for place in range(len(handed))]


def _answer(
    place: int, book: _Book, answers: Mapping[int, Sequence[Placed]], kept: frozenset[int]
) -> Sequence[Placed] | Against:
    if place in book.against:
        return book.against[place]
    if place in book.repeats:
        return [Placed(id_, "repeated") for id_ in book.repeats[place]]
    first = book.follows.get(place)
    if first is None:
        return answers[place]
    if first in book.against or first not in kept:
        return book.against.get(first) or answers[first]
    return [Placed(mail.id, "repeated") for mail in book.handed[first].mails]


def _look_at_keys(connection: apsw.Connection, sql: Mapping[str, str], book: _Book) -> None:
    known = find_keys(connection, sql, [(each.client, each.key) for each in book.handed])
    first: dict[tuple[str, str], int] = {}
    conflicts: dict[int, Against] = {}
    for place, each in enumerate(book.handed):
        if not each.key:
            continue
        before = known.get((each.client, each.key))
        earlier = first.setdefault((each.client, each.key), place)
        request = before[0] if before is not None else book.handed[earlier].request
        if request != each.request:
            conflicts[place] = Against.CONFLICT
        elif before is not None:
            book.repeats[place] = before[1]
        elif earlier != place:
            book.follows[place] = earlier
    book.refuse(conflicts)


def _look_for_erased(connection: apsw.Connection, contacts: Contacts, book: _Book) -> None:
    rows = [(place, identity) for place in book.fresh() for _, identity in book.handed[place].contacts]
    if rows:
        refuses = [book.handed[place].refuses for place, _ in rows]
        erased = contacts.erased_in(connection, [identity for _, identity in rows], refuses)
        book.refuse({rows[number][0]: Against.ERASED for number in sorted(erased)})


def _keep_contacts(
    connection: apsw.Connection, contacts: Contacts, handed: Sequence[Handed], sorted_: SortedMails, at: int
) -> None:
    rows = [row for each in handed for row in each.contacts]
    if not rows:
        return
    stored = contacts.upsert_in(connection, rows, at)
    ids = {identity.person: kept.id for (_, identity), kept in zip(rows, stored, strict=True)}

    def with_contact(mail: NewMail) -> NewMail:
        return replace(mail, contact_id=ids.get(mail.identity.person)) if mail.contact_id is None else mail

    sorted_.fresh = [with_contact(mail) for mail in sorted_.fresh]
    sorted_.again = [(row, with_contact(mail)) for row, mail in sorted_.again]
    sorted_.waiting = [(row, with_contact(mail)) for row, mail in sorted_.waiting]


def find_keys(connection: apsw.Connection, sql: Mapping[str, str], keys: Sequence[tuple[str, str]]) -> KnownKeys:
    """Those of these keys, each with its client, under which something was handed in; empty keys are none."""
    found: KnownKeys = {}
    for client, key in keys:
        if key and (row := connection.execute(sql["key"], (client, key)).fetchone()) is not None:
            found[client, key] = (row[0], orjson.loads(row[1]))
    return found


def _remember(connection: apsw.Connection, sql: Mapping[str, str], handed: Handed, at: int) -> None:
    if handed.key:
        ids = orjson.dumps([mail.id for mail in handed.mails]).decode()
        connection.execute(sql["insert_key"], (handed.client, handed.key, handed.request, ids, at))
