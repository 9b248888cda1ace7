"""Tickets of mails that come in: each with the flow it waits in, so that what is due can be leased at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

import apsw

from penstock.model.campaign import Stream
from penstock.store.row_batches import write_rows

__all__ = ["Waiting", "write_tickets"]


class Waiting(Protocol):
    """What is known of a mail that gets a ticket."""

    @property
    def lane(self) -> str:
        """`adapter/recipient domain`."""
        ...

    @property
    def controller(self) -> str:
        """For whom it goes."""
        ...

    @property
    def stream(self) -> Stream:
        """By which its urgency is known."""
        ...

    @property
    def due(self) -> datetime:
        """Rule time."""
        ...

    @property
    def recipient(self) -> str | None:
        """RCPT TO of a ready-made message, which may grow too old; None for a campaign's letter."""
        ...


def write_tickets(
    connection: apsw.Connection, sql: Mapping[str, str], mails: Iterable[tuple[int, Waiting]], at: int
) -> None:
    """A ticket for each saved mail, given by its running number. `at` in microseconds of rule time."""
    now, flows = at / 1e6, dict[tuple[str, str, bool], int]()
    rows = []
    for row, mail in mails:
        key = (mail.lane.partition("/")[0], mail.controller, not mail.stream.commercial)
        flow = flows.get(key)
        if flow is None:
            flow = flows[key] = _flow(connection, sql, key)
        due = mail.due.timestamp()
        rows.append((row, mail.lane, due, flow, due <= now, None if mail.recipient is None else now))
    write_rows(connection, sql, "ticket_in", rows)


def _flow(connection: apsw.Connection, sql: Mapping[str, str], key: tuple[str, str, bool]) -> int:
    known: int | None = connection.execute(sql["flow"], key).get
    if known is None:
        connection.execute(sql["add_flow"], key)
        known = connection.last_insert_rowid()
    return known
