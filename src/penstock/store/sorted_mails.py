"""Which of the mails that come in are new, which wait already, and which are to be left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import apsw

from penstock.store.new_mail import NewMail, Placed
from penstock.store.row_batches import read_array

__all__ = ["SortedMails", "sort_mails"]

_AGAIN = frozenset({"held", "blocked", "deferred", "rejected"})
_OVER = frozenset({"accepted", "failed", "uncertain"})
_STOPPED = frozenset({"blocked", "rejected"})


@dataclass(slots=True)
class _Known:
    """A mail that is there. `fixed`: some of it may have left already, so that its message stays as it is."""

    row: int
    state: str
    body: str
    client: str | None
    fixed: bool


@dataclass(slots=True)
class SortedMails:
    """One answer per mail, in order; mails that are known with their running numbers.

    `replaced` are the digests (hex digits) of messages for which others came.
    """

    answers: list[Placed] = field(default_factory=list)
    fresh: list[NewMail] = field(default_factory=list)
    again: list[tuple[int, NewMail]] = field(default_factory=list)
    waiting: list[tuple[int, NewMail]] = field(default_factory=list)
    replaced: set[str] = field(default_factory=set)


def sort_mails(
    connection: apsw.Connection, sql: Mapping[str, str], new: Sequence[NewMail], *, redirecting: bool
) -> SortedMails:
    """Only looks. `redirecting`: mails go to the address for trials."""
    if not new:
        return SortedMails()
    known: dict[str, _Known | None] = {mail.id: None for mail in new}
    for id_, row, state, redirected, body, client, fixed in read_array(
        connection, sql["known"], (apsw.carray(tuple(known)),)
    ):
        # What only went to the address for trials did not reach its person.
        trial = redirected and not redirecting
        now = "deferred" if trial and state in _OVER else state
        known[id_] = _Known(row, now, body, client, fixed=bool(fixed) and not trial)
    found, placed = SortedMails(), set[str]()
    for mail in new:
        before = known[mail.id]
        answer = Placed(mail.id, "new") if before is None else _answer(mail, before)
        if mail.id in placed and not answer.answer.startswith("done:"):
            answer = Placed(mail.id, "waiting", answer.changed)
            if answer.changed:
                known[mail.id] = _take_instead(found, mail, before)
        elif not answer.answer.startswith("done:"):
            placed.add(mail.id)
            known[mail.id] = _keep(found, mail, before)
        found.answers.append(answer)
    return found


def _keep(found: SortedMails, mail: NewMail, before: _Known | None) -> _Known:
    """What is known of the mail from now on."""
    client = None if mail.handed_in is None else mail.handed_in.client
    if before is None:
        found.fresh.append(mail)
        return _Known(0, "queued", _body(mail), client, fixed=False)
    (found.waiting if before.state == "queued" else found.again).append((before.row, mail))
    if before.body and before.body != _body(mail):
        found.replaced.add(before.body)
    return _Known(before.row, "queued", _body(mail), client or before.client, before.fixed)


def _take_instead(found: SortedMails, mail: NewMail, before: _Known | None) -> _Known | None:
    """Of the same mail twice in a batch the later one goes."""
    found.fresh = [mail if each.id == mail.id else each for each in found.fresh]
    for rows in (found.again, found.waiting):
        rows[:] = [(row, mail if each.id == mail.id else each) for row, each in rows]
    return before and replace(before, body=_body(mail))


def _answer(mail: NewMail, before: _Known) -> Placed:
    changed = mail.body is not None and before.body != _body(mail)
    foreign = mail.handed_in is not None and before.client not in {None, mail.handed_in.client}
    if before.state == "queued":
        answer = "waiting"
    elif before.state in _AGAIN:
        answer = "again"
    else:
        return Placed(mail.id, f"done:{before.state}", changed or foreign)
    if (changed and before.fixed) or (foreign and before.state not in _STOPPED):
        return Placed(mail.id, f"done:{before.state}", changed=True)
    return Placed(mail.id, answer, changed)


def _body(mail: NewMail) -> str:
    return "" if mail.body is None else mail.body.hex().upper()
