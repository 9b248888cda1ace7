"""What an ESP's event changes: doubts, notices, counts of lists, suppressions. All inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import apsw

from penstock.model.event import EventKind, graver, was_read, was_sent
from penstock.model.identity import Identity
from penstock.ports import Clock
from penstock.ports.returns import Told
from penstock.store.database import Database
from penstock.store.instants import iso, micros
from penstock.store.suppressions import Suppressions

__all__ = ["EventEffects", "OurMail"]

_LISTED = {EventKind.BOUNCED_HARD: (1, 0), EventKind.COMPLAINED: (0, 1)}
"""What adds to the counts of a list: (bounced, complained)."""
_WAITING = frozenset({"uncertain", "queued", "deferred", "held", "blocked"})
_MAY_BE_SENT = _WAITING | {"cancelled", "failed"}
"""States of a mail that was offered at least once: should the ESP turn out to have it, it must not go again."""
_MAY_BE_UNSENT = _WAITING | {"accepted"}


@dataclass(frozen=True, slots=True)
class OurMail:
    """A mail that an event is about."""

    seq: int
    mail_id: str
    step: str
    state: str
    attempts: int
    redirected: bool
    fate: EventKind | None
    identity: Identity
    handed_to: frozenset[str]
    supplier: str


class EventEffects:
    """Applies each event once; the caller sees to that."""

    def __init__(self, database: Database, clock: Clock, suppressions: Suppressions) -> None:
        self._clock = clock
        self._sql = database.statements("returns")
        self._sql_of_lists = database.statements("list_stats")
        self._suppressions = suppressions

    def apply(
        self, connection: apsw.Connection, adapter: str, told: Told, mail: OurMail, *, first: bool
    ) -> list[dict[str, object]]:
        """The rows that the ledger gets. `first`: the mail had no event of that kind yet."""
        event = told.event
        row = {**self._about("event", mail.mail_id, mail.step), "event": event.kind, "adapter": adapter}
        rows: list[dict[str, object]] = [row]
        if event.kind is EventKind.UNKNOWN:
            return rows
        fate = graver(mail.fate, event.kind)
        connection.execute(self._sql["set_fate"], (mail.seq, fate))
        if (sent := was_sent(fate)) is not None and mail.state in (_MAY_BE_SENT if sent else _MAY_BE_UNSENT):
            rows.append(self.settle(connection, mail.seq, mail.mail_id, mail.step, sent=sent))
        connection.execute(self._sql["read_or_not"], (mail.seq, was_read(fate)))
        if mail.redirected:
            return rows  # it went to a tester, who neither bounces nor objects for the person
        if event.kind in _LISTED and first:
            self._count(connection, mail, *_LISTED[event.kind])
        if told.entry is not None:
            entry = told.entry if told.entry.keys else replace(told.entry, keys=mail.identity.person_keys)
            self._suppressions.add_in(connection, [entry])
        return rows

    def settle(
        self, connection: apsw.Connection, seq: int, mail_id: str, step: str, *, sent: bool
    ) -> dict[str, object]:
        """A mail in doubt turns out to have been sent or not; the ledger's row."""
        connection.execute(self._sql["was_sent" if sent else "was_not_sent"], (seq, micros(self._clock.now())))
        connection.execute(self._sql["drop_ticket"], (seq,))
        return {**self._about("resolved", mail_id, step), "sent": sent}

    def _count(self, connection: apsw.Connection, mail: OurMail, bounced: int, complained: int) -> None:
        lists = [("campaign", mail.step)] if mail.step else []
        if mail.supplier:
            lists.append(("supplier", mail.supplier))
        rows = [(kind, name, bounced, complained) for kind, name in lists]
        connection.executemany(self._sql_of_lists["add_returned"], rows)

    def _about(self, kind: str, mail_id: str, step: str) -> dict[str, object]:
        return {"kind": kind, "at": iso(self._clock.now()), "mail": mail_id, "step": step}
