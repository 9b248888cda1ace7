"""What people do with mails that wait for them: release, drop, and say what became of an uncertain one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import apsw

from penstock.model.codes import Code
from penstock.store.chain import Chain
from penstock.store.instants import from_micros, iso, micros
from penstock.store.row_batches import numbers

__all__ = ["Desk", "MailState", "Remark", "as_mail_state", "read_mail_states"]


@dataclass(frozen=True, slots=True)
class MailState:
    """Where a mail stands, for reports. `until` is the next try of a deferred or postponed one."""

    mail_id: str
    state: str
    code: Code | None
    until: datetime | None
    outcome: str | None
    contact_id: str | None
    step: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What a person did with a mail and why, in that person's words."""

    at: datetime
    action: str
    why: str


def read_mail_states(
    connection: apsw.Connection, statement: str, bindings: tuple[str | int | float, ...]
) -> list[MailState]:
    """From the columns id, state, code, until, outcome, contact_id, step."""
    return [as_mail_state(*row) for row in connection.execute(statement, bindings)]


def as_mail_state(
    mail_id: str, state: str, code: str | None, until: int | None, outcome: str | None, contact_id: str | None,
    step: str, /,
) -> MailState:  # fmt: skip
    """A row of those columns."""
    return MailState(
        mail_id,
        state,
        None if code is None else Code(code),
        None if until is None else from_micros(until),
        outcome,
        contact_id,
        step,
    )


@dataclass(frozen=True, slots=True)
class Desk:
    """The acts, each inside a transaction of the caller and told to the ledger.

    The words go to the remarks.
    """

    connection: apsw.Connection
    sql: Mapping[str, str]
    chain: Chain
    now: datetime

    def release(self, ids: Sequence[str], why: str) -> list[str]:
        """Queue held mails again and waive, for them, exactly the hold codes they had.

        The ids of those that were held.
        """
        found = list(self.connection.execute(self.sql["to_release"], (apsw.carray(tuple(set(ids))),)))
        rows = []
        for row, mail_id, step, lane, held, waived in found:
            codes = sorted({*held.split(), *waived.split()})
            self.connection.execute(self.sql["release"], (row, " ".join(codes)))
            self._queue(row, lane, anew=True)
            self._remark(mail_id, "release", why)
            rows.append({**self._about("released", mail_id, step), "waived": codes})
        self.chain.append(self.connection, rows)
        return [mail_id for _, mail_id, *_ in found]

    def drop(self, ids: Sequence[str], why: str) -> list[str]:
        """Cancel mails that have not begun, for good; the ids of those that were waiting."""
        found = list(self.connection.execute(self.sql["to_drop"], (apsw.carray(tuple(set(ids))),)))
        rows = []
        self._drop_tickets([row for row, *_ in found])
        for row, mail_id, step, code in found:
            self.connection.execute(self.sql["drop"], (row,))
            self._remark(mail_id, "drop", why)
            rows.append({**self._about("dropped", mail_id, step), "code": code})
        self.chain.append(self.connection, rows)
        return [mail_id for _, mail_id, *_ in found]

    def resolve(self, mail_id: str, *, sent: bool) -> bool:
        """Settle an uncertain mail: accepted, or queued again at once. False when it was not uncertain."""
        found = list(self.connection.execute(self.sql["to_resolve"], (mail_id,)))
        if not found:
            return False
        row, step, lane = found[0]
        moment = micros(self.now)
        if sent:
            self.connection.execute(self.sql["resolve_sent"], (row, moment))
            self._drop_tickets([row])
        else:
            self.connection.execute(self.sql["resolve_not_sent"], (row,))
            self._queue(row, lane, anew=True)
        self.chain.append(self.connection, [{**self._about("resolved", mail_id, step), "sent": sent}])
        return True

    def recover(self, idempotent: frozenset[str], machine: float) -> tuple[list[str], list[str]]:
        """See `Mails.recover`; the ids queued again and those now uncertain.

        `machine` is the machine's time: leases that end after it still run.
        """
        again: list[str] = []
        doubtful: list[str] = []
        rows = []
        for row, mail_id, step, lane in list(self.connection.execute(self.sql["stranded"], (machine,))):
            if lane.partition("/")[0] in idempotent:
                self.connection.execute(self.sql["recover_again"], (row,))
                self._queue(row, lane)
                again.append(mail_id)
                rows.append(self._about("again", mail_id, step))
            else:
                self.connection.execute(self.sql["recover_uncertain"], (row, micros(self.now)))
                self._drop_tickets([row])
                doubtful.append(mail_id)
                rows.append({**self._about("uncertain", mail_id, step), "outcome": "uncertain"})
        self.chain.append(self.connection, rows)
        return again, doubtful

    def _queue(self, row: int, lane: str, *, anew: bool = False) -> None:
        self.connection.execute(self.sql["ticket"], (row, lane, self.now.timestamp(), anew))

    def _drop_tickets(self, rows: Sequence[int]) -> None:
        self.connection.execute(self.sql["drop_tickets"], (numbers(rows),))

    def _remark(self, mail_id: str, action: str, why: str) -> None:
        if why:
            self.connection.execute(self.sql["remark"], (mail_id, micros(self.now), action, why))

    def _about(self, kind: str, mail_id: str, step: str) -> dict[str, object]:
        return {"kind": kind, "at": iso(self.now), "mail": mail_id, "step": step}
