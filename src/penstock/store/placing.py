"""Taking mails in: each is saved and gets its ticket in one transaction, so that none is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import apsw

from penstock.model.campaign import Campaign, Stream
from penstock.model.identity import Identity
from penstock.store.campaigns import Campaigns
from penstock.store.identities import register_identities, register_units, unit_mark
from penstock.store.row_batches import read_array, write_rows

__all__ = ["NewMail", "Placed", "PlacingSql", "place_mails"]

_KEPT = frozenset({"new", "again", "waiting"})
_AGAIN = frozenset({"held", "blocked", "deferred", "rejected"})
_OVER = frozenset({"accepted", "failed", "uncertain"})


@dataclass(frozen=True, slots=True)
class NewMail:
    """A mail to be saved.

    `id` are 32 hex digits, `lane` is `adapter/recipient domain`, by which rates are kept; `due` is rule time.

    A campaign's mail is made from the campaign and the kept contact; a ready-made message brings its octets
    as `content` and its RCPT TO as `recipient`.
    """

    id: str
    campaign: Campaign | None
    contact_id: str | None
    identity: Identity
    stream: Stream
    controller: str
    lane: str
    due: datetime
    content: bytes | None = None
    recipient: str | None = None

    @property
    def step(self) -> str:
        """The campaign id; for a mail of no campaign the stream."""
        return self.stream.value if self.campaign is None else self.campaign.id


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a mail that was handed in.

    `answer` is `new`, `again` (it was held, blocked, deferred or rejected and is judged anew), `waiting` (it
    has its ticket already) or `done:STATE` (it is left alone).
    """

    mail_id: str
    answer: str


@dataclass(frozen=True, slots=True)
class PlacingSql:
    """The rooms' statements that placing uses. `redirecting`: mails go to the address for trials."""

    mails: Mapping[str, str]
    identities: Mapping[str, str]
    redirecting: bool = False


def place_mails(
    connection: apsw.Connection, sql: PlacingSql, campaigns: Campaigns, new: Sequence[NewMail], at: int
) -> list[Placed]:
    """One answer per mail, in order; the same mail twice in a batch is new once. `at` in microseconds."""
    known = {mail.campaign.digest: mail.campaign for mail in new if mail.campaign is not None}
    numbers = campaigns.save_in(connection, known.values(), at)
    ids = apsw.carray(tuple({mail.id for mail in new}))
    states: dict[str, str] = {}
    rows: dict[str, int] = {}
    for id_, row, state, redirected in read_array(connection, sql.mails["known"], (ids,)):
        # What only went to the address for trials did not reach its person.
        states[id_] = "deferred" if redirected and state in _OVER and not sql.redirecting else state
        rows[id_] = row
    answers: list[Placed] = []
    fresh: list[NewMail] = []
    again: list[NewMail] = []
    waiting: list[NewMail] = []
    placed: set[str] = set()
    for mail in new:
        answer = "waiting" if mail.id in placed else _answer(states.get(mail.id))
        if answer in _KEPT and mail.id not in placed:
            {"new": fresh, "again": again, "waiting": waiting}[answer].append(mail)
            placed.add(mail.id)
        answers.append(Placed(mail.id, answer))
    if placed:
        _save(connection, sql, numbers, fresh, _in_rows(rows, again), _in_rows(rows, waiting))
    return answers


def _in_rows(rows: Mapping[str, int], mails: Sequence[NewMail]) -> list[tuple[int, NewMail]]:
    return [(rows[mail.id], mail) for mail in mails]


def _answer(state: str | None) -> str:
    if state is None:
        return "new"
    if state in _AGAIN:
        return "again"
    return "waiting" if state == "queued" else f"done:{state}"


def _save(
    connection: apsw.Connection,
    sql: PlacingSql,
    campaigns: Mapping[str, int],
    fresh: Sequence[NewMail],
    again: Sequence[tuple[int, NewMail]],
    waiting: Sequence[tuple[int, NewMail]],
) -> None:
    first = connection.execute(sql.mails["last"]).get + 1
    new = list(enumerate(fresh, first))
    both = [*new, *again]
    people = register_identities(connection, sql.identities, [mail.identity for _, mail in (*both, *waiting)]).rows
    known = [mail.identity for _, mail in (*again, *waiting)]
    units = register_units(connection, sql.identities, ((row, mail.identity) for row, mail in new), known)
    bodies = {_digest(mail): mail.content for _, mail in both if mail.content is not None}
    connection.executemany(sql.mails["insert_body"], list(bodies.items()))
    write_rows(connection, sql.mails, "insert", [_columns(row, mail, people, units, campaigns) for row, mail in new])
    for statement, changed in (("queue_again", again), ("plan_anew", waiting)):
        rows = [_changes(row, mail, people, units, campaigns) for row, mail in changed]
        write_rows(connection, sql.mails, statement, rows)
    write_rows(connection, sql.mails, "ticket", [(row, mail.lane, mail.due.timestamp()) for row, mail in both])


def _columns(
    row: int,
    mail: NewMail,
    people: Mapping[bytes, int],
    units: Mapping[int | None, int | None],
    campaigns: Mapping[str, int],
) -> tuple[str | bytes | int | None, ...]:
    who = mail.identity
    return (
        row,
        mail.id,
        None if mail.campaign is None else campaigns[mail.campaign.digest],
        mail.step,
        mail.contact_id,
        people[who.person],
        units[unit_mark(who.company)],
        units[unit_mark(who.organisation)],
        mail.stream,
        mail.controller,
        mail.lane,
        _digest(mail),
        mail.recipient,
    )


def _changes(
    row: int,
    mail: NewMail,
    people: Mapping[bytes, int],
    units: Mapping[int | None, int | None],
    campaigns: Mapping[str, int],
) -> tuple[str | bytes | int | None, ...]:
    who = mail.identity
    return (
        row,
        None if mail.campaign is None else campaigns[mail.campaign.digest],
        mail.contact_id,
        people[who.person],
        mail.lane,
        _digest(mail),
        mail.recipient,
        units[unit_mark(who.company)],
        units[unit_mark(who.organisation)],
        mail.stream,
        mail.controller,
    )


def _digest(mail: NewMail) -> bytes | None:
    return None if mail.content is None else hashlib.sha256(mail.content).digest()
