"""What an ESP's event changes: doubts, notices, counts of lists, suppressions. All inside the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import apsw

from penstock.model.event import EventKind
from penstock.model.identity import Identity
from penstock.ports import Clock
from penstock.ports.returns import Told
from penstock.store.database import Database
from penstock.store.instants import iso, micros
from penstock.store.suppressions import Suppressions

__all__ = ["EventEffects", "OurMail"]

_GRAVITY = {kind: place for place, kind in enumerate((
    EventKind.UNKNOWN, EventKind.ACCEPTED, EventKind.DEFERRED, EventKind.DELIVERED, EventKind.OPENED,
    EventKind.CLICKED, EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY, EventKind.BOUNCED_HARD,
    EventKind.REJECTED, EventKind.UNSUBSCRIBED, EventKind.COMPLAINED,
))}  # fmt: skip
"""Events come in any order: the gravest says what became of the mail."""
_UNREAD = frozenset({EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY, EventKind.BOUNCED_HARD})
"""The person never saw the mail, so a notice in it was not given (GDPR Art. 14)."""
_LISTED = {EventKind.BOUNCED_HARD: (1, 0), EventKind.COMPLAINED: (0, 1)}
"""What adds to the counts of a list: (bounced, complained)."""


@dataclass(frozen=True, slots=True)
class OurMail:
    """A mail that an event is about."""

    seq: int
    mail_id: str
    step: str
    state: str
    attempts: int
    redirected: bool
    fate: str
    identity: Identity
    supplier: str


class EventEffects:
    """Applies each event once; the caller sees to that."""

    def __init__(self, database: Database, clock: Clock, suppressions: Suppressions) -> None:
        self._clock = clock
        self._sql = database.statements("returns")
        self._sql_of_lists = database.statements("list_stats")
        self._suppressions = suppressions

    def apply(self, connection: apsw.Connection, adapter: str, told: Told, mail: OurMail) -> list[dict[str, object]]:
        """The rows that the ledger gets."""
        event = told.event
        row = {**self._about("event", mail.mail_id, mail.step), "event": event.kind, "adapter": adapter}
        rows: list[dict[str, object]] = [row]
        if event.kind is EventKind.UNKNOWN:
            return rows
        if _GRAVITY[event.kind] > _GRAVITY.get(_kind(mail.fate), -1):
            connection.execute(self._sql["set_fate"], (mail.seq, event.kind))
        rows += self._settled(connection, event.kind, mail)
        if mail.redirected:
            return rows  # it went to a tester, who neither bounces nor objects for the person
        if event.kind in _UNREAD:
            connection.execute(self._sql["was_not_read"], (mail.seq,))
        if event.kind in _LISTED:
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

    def _settled(self, connection: apsw.Connection, kind: EventKind, mail: OurMail) -> list[dict[str, object]]:
        """What the event says of a mail in doubt, of one that was about to go again, and of one taken for sent."""
        if kind is EventKind.REJECTED:
            if mail.state not in {"uncertain", "accepted"}:
                return []
            return [self.settle(connection, mail.seq, mail.mail_id, mail.step, sent=False)]
        waiting_again = mail.state == "queued" and mail.attempts > 0
        if mail.state == "uncertain" or waiting_again:
            return [self.settle(connection, mail.seq, mail.mail_id, mail.step, sent=True)]
        return []

    def _count(self, connection: apsw.Connection, mail: OurMail, bounced: int, complained: int) -> None:
        lists = [("campaign", mail.step)] if mail.step else []
        if mail.supplier:
            lists.append(("supplier", mail.supplier))
        rows = [(kind, name, bounced, complained) for kind, name in lists]
        connection.executemany(self._sql_of_lists["add_returned"], rows)

    def _about(self, kind: str, mail_id: str, step: str) -> dict[str, object]:
        return {"kind": kind, "at": iso(self._clock.now()), "mail": mail_id, "step": step}


def _kind(fate: str) -> EventKind:
    return EventKind(fate) if fate in set(EventKind) else EventKind.UNKNOWN
