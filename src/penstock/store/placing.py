"""Taking mails in: each is saved and gets its ticket in one transaction, so that none is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import apsw

from penstock.store.bodies import Bodies
from penstock.store.campaigns import Campaigns
from penstock.store.identities import register_identities, register_units, unit_mark
from penstock.store.new_mail import HandedIn, NewMail, Placed
from penstock.store.row_batches import write_rows
from penstock.store.sorted_mails import SortedMails, sort_mails
from penstock.store.tickets import write_tickets

__all__ = ["HandedIn", "NewMail", "Placed", "PlacingSql", "place_mails", "save_mails"]


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
    sorted_ = sort_mails(connection, sql.mails, new, redirecting=sql.redirecting)
    save_mails(connection, sql, campaigns, new, sorted_, at)
    return sorted_.answers


def save_mails(
    connection: apsw.Connection,
    sql: PlacingSql,
    campaigns: Campaigns,
    new: Sequence[NewMail],
    sorted_: SortedMails,
    at: int,
) -> None:
    """Save what is fresh, to be judged anew, or waiting of the new mails.

    Raises ValueError for a campaign without a digest.
    """
    known = {mail.campaign.digest: mail.campaign for mail in new if mail.campaign is not None}
    numbers = campaigns.save_in(connection, known.values(), at)
    if sorted_.fresh or sorted_.again or sorted_.waiting:
        _save(connection, sql, numbers, sorted_, at)
    if sorted_.replaced:
        connection.execute(sql.mails["forget_bodies"], (apsw.carray(tuple(sorted_.replaced)),)).fetchall()


def _save(
    connection: apsw.Connection,
    sql: PlacingSql,
    campaigns: Mapping[str, int],
    sorted_: SortedMails,
    at: int,
) -> None:
    first = connection.execute(sql.mails["last"]).get + 1
    new, again, waiting = list(enumerate(sorted_.fresh, first)), sorted_.again, sorted_.waiting
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
    bodies = {mail.body: mail.content for mail in mails if mail.body is not None and mail.content is not None}
    rows = []
    for digest, content in bodies.items():
        if in_file := sql.bodies.in_file(len(content)):
            sql.bodies.ensure(digest, content)  # it was there a moment ago, but housekeeping may have deleted it
        rows.append((digest, b"" if in_file else content))
    if rows:
        connection.executemany(sql.mails["insert_body"], rows)


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
