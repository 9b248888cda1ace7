"""Taking mails in: each is saved and gets its ticket in one transaction, so that none is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import apsw

from penstock.model.campaign import Campaign, Stream
from penstock.model.identity import Identity
from penstock.store.bodies import Bodies
from penstock.store.campaigns import Campaigns
from penstock.store.identities import register_identities, register_units, unit_mark
from penstock.store.row_batches import read_array, write_rows
from penstock.store.tickets import write_tickets

__all__ = ["HandedIn", "NewMail", "Placed", "PlacingSql", "place_mails"]

_KEPT = frozenset({"new", "again", "waiting"})
_AGAIN = frozenset({"held", "blocked", "deferred", "rejected"})
_OVER = frozenset({"accepted", "failed", "uncertain"})


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What a client of the relay said of a mail (RFC 3461): MAIL FROM, and in `notify` what it wants to hear of."""

    client: str
    sender: str
    tag: str = ""
    notify: str = ""
    orcpt: str = ""
    envelope_id: str = ""
    returned: str = ""


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
    handed_in: HandedIn | None = None
    digest: bytes | None = None
    """SHA-256 of `content`, where it is known already."""

    @property
    def body(self) -> bytes | None:
        """What names the octets: their SHA-256."""
        return self.digest or (None if self.content is None else hashlib.sha256(self.content).digest())

    @property
    def step(self) -> str:
        """The campaign id; for a mail of no campaign the stream."""
        return self.stream.value if self.campaign is None else self.campaign.id


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a mail that was handed in.

    `answer` is `new`, `again` (it was held, blocked, deferred or rejected and is judged anew), `waiting` (it
    has its ticket already) or `done:STATE` (it is left alone). `changed`: the message that was there is another.
    """

    mail_id: str
    answer: str
    changed: bool = False


@dataclass(frozen=True, slots=True)
class PlacingSql:
    """The rooms' statements that placing uses. `redirecting`: mails go to the address for trials."""

    mails: Mapping[str, str]
    identities: Mapping[str, str]
    bodies: Bodies
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
    bodies: dict[str, str] = {}
    for id_, row, state, redirected, bodies[id_] in read_array(connection, sql.mails["known"], (ids,)):
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
        changed = mail.body is not None and bodies.get(mail.id) not in {None, mail.body.hex().upper()}
        answers.append(Placed(mail.id, answer, changed))
    if placed:
        _save(connection, sql, numbers, fresh, _in_rows(rows, again), _in_rows(rows, waiting), at)
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
    at: int,
) -> None:
    first = connection.execute(sql.mails["last"]).get + 1
    new = list(enumerate(fresh, first))
    both = [*new, *again]
    people = register_identities(connection, sql.identities, [mail.identity for _, mail in (*both, *waiting)]).rows
    known = [mail.identity for _, mail in (*again, *waiting)]
    units = register_units(connection, sql.identities, ((row, mail.identity) for row, mail in new), known)
    _keep_bodies(connection, sql, [mail for _, mail in (*both, *waiting)])
    write_rows(connection, sql.mails, "insert", [_columns(row, mail, people, units, campaigns) for row, mail in new])
    for statement, changed in (("queue_again", again), ("plan_anew", waiting)):
        rows = [_changes(row, mail, people, units, campaigns) for row, mail in changed]
        write_rows(connection, sql.mails, statement, rows)
    handed = [(row, mail.handed_in) for row, mail in (*both, *waiting) if mail.handed_in is not None]
    write_rows(connection, sql.mails, "hand_in", [_handed(row, said, at) for row, said in handed])
    write_tickets(connection, sql.mails, both, at)


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
        mail.body,
        mail.recipient,
    )


def _keep_bodies(connection: apsw.Connection, sql: PlacingSql, mails: Sequence[NewMail]) -> None:
    """Each body once, by its digest; of one that lies in a file the row is empty."""
    bodies = {
        mail.body: b"" if sql.bodies.in_file(len(mail.content)) else mail.content
        for mail in mails
        if mail.content is not None
    }
    if bodies:
        connection.executemany(sql.mails["insert_body"], list(bodies.items()))


def _handed(row: int, said: HandedIn, at: int) -> tuple[str | int, ...]:
    return (
        row, said.client, said.sender, at, said.tag, said.notify, said.orcpt, said.envelope_id, said.returned,
    )  # fmt: skip


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
        mail.body,
        mail.recipient,
        units[unit_mark(who.company)],
        units[unit_mark(who.organisation)],
        mail.stream,
        mail.controller,
    )
