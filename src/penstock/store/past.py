"""What went before a mail: touches, notices and twins, in a fixed number of statements per batch."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeVar

import apsw

from penstock.model.mail import NEW, History, Touch
from penstock.ports import HistoryQuery
from penstock.store.identities import unit_mark
from penstock.store.instants import from_micros, maybe_from_micros, micros
from penstock.store.row_batches import numbers, read_array

__all__ = ["Touches", "load_history", "load_person_touches", "load_unit_touches"]

_Key = TypeVar("_Key", bound=Hashable)
Touches = dict[_Key, list[tuple[str, int]]]
"""By key: mail ids with the time they began, in microseconds; newest first."""

_WAITING = frozenset({"queued", "deferred"})


def load_person_touches(
    connection: apsw.Connection, statement: str, persons: Iterable[bytes], since: int, most: int
) -> Touches[bytes]:
    """The latest `most` touches of each person since that time; one statement."""
    wanted = tuple(set(persons))
    if not wanted or most < 1:
        return {}
    return _by_place(wanted, read_array(connection, statement, (apsw.carray(wanted), since, most)))


def load_unit_touches(
    connection: apsw.Connection, statement: str, units: Iterable[bytes | None], since: int, most: int
) -> Touches[int | None]:
    """The same of companies or of organisations, by `unit_mark`."""
    wanted = tuple({number for unit in units if (number := unit_mark(unit)) is not None})
    if not wanted or most < 1:
        return {}
    return _by_place(wanted, read_array(connection, statement, (numbers(wanted), since, most)))


def _by_place(keys: Sequence[_Key], rows: Iterable[tuple[int, str, int]]) -> Touches[_Key]:
    touches: Touches[_Key] = {}
    for place, mail_id, at in rows:
        touches.setdefault(keys[place - 1], []).append((mail_id, at))
    for found in touches.values():
        found.sort(key=itemgetter(1), reverse=True)
    return touches


@dataclass(frozen=True, slots=True)
class _Past:
    """What one batch of queries needs."""

    person: Touches[bytes]
    company: Touches[int | None]
    organisation: Touches[int | None]
    noticed: frozenset[tuple[bytes, str]]
    own: Mapping[str, tuple[int | None, str]]
    twins: Mapping[str, Sequence[tuple[str, str, str, int | None]]]

    def is_empty(self) -> bool:
        """Whether there was nothing before any of them."""
        return not (self.person or self.company or self.organisation or self.noticed or self.own or self.twins)


def load_history(connection: apsw.Connection, sql: Mapping[str, str], queries: Sequence[HistoryQuery]) -> list[History]:
    """One history per query, in order."""
    if not queries:
        return []
    since = min(micros(query.since) for query in queries)
    most = max(query.most for query in queries)
    most += most > 0  # the mail itself may be among them
    identities = [query.identity for query in queries]
    persons = [identity.person for identity in identities]
    past = _Past(
        load_person_touches(connection, sql["person_touches"], persons, since, most),
        load_unit_touches(connection, sql["company_touches"], (i.company for i in identities), since, most),
        load_unit_touches(connection, sql["organisation_touches"], (i.organisation for i in identities), since, most),
        _load_noticed(connection, sql, persons),
        _load_own(connection, sql, queries),
        _load_twins(connection, sql, queries),
    )
    return [NEW] * len(queries) if past.is_empty() else [_history(past, query) for query in queries]


def _load_noticed(
    connection: apsw.Connection, sql: Mapping[str, str], persons: Sequence[bytes]
) -> frozenset[tuple[bytes, str]]:
    rows = read_array(connection, sql["noticed"], (apsw.carray(tuple(persons)),))
    return frozenset((persons[place - 1], controller) for place, controller in rows)


def _load_own(
    connection: apsw.Connection, sql: Mapping[str, str], queries: Sequence[HistoryQuery]
) -> dict[str, tuple[int | None, str]]:
    ids = apsw.carray(tuple({query.mail_id for query in queries}))
    return {id_: (accepted_at, waived) for id_, accepted_at, waived in read_array(connection, sql["own"], (ids,))}


def _load_twins(
    connection: apsw.Connection, sql: Mapping[str, str], queries: Sequence[HistoryQuery]
) -> dict[str, list[tuple[str, str, str, int | None]]]:
    """By the id of the mail that asks, in the order of its keys: step, id and state of the others, and whether they
    were saved before it; None when it is not saved.
    """
    asked = [(query.mail_id, key) for query in queries for key in query.identity.person_keys]
    if not asked:
        return {}
    keys = apsw.carray(tuple(key + mail_id.encode() for mail_id, key in asked))
    steps = apsw.carray(tuple({query.step for query in queries}))
    twins: dict[str, list[tuple[str, str, str, int | None]]] = {}
    for place, *twin in sorted(read_array(connection, sql["twins"], (keys, steps)), key=itemgetter(0)):
        twins.setdefault(asked[place - 1][0], []).append((twin[0], twin[1], twin[2], twin[3]))
    return twins


def _history(past: _Past, query: HistoryQuery) -> History:
    identity = query.identity
    accepted_at, waived = past.own.get(query.mail_id, (None, ""))
    company = dict(past.company.get(unit_mark(identity.company), ()))
    company.update(past.organisation.get(unit_mark(identity.organisation), ()))
    return History(
        person=_newest(past.person.get(identity.person, ()), query),
        company=_newest(sorted(company.items(), key=itemgetter(1), reverse=True), query),
        noticed=(identity.person, query.controller) in past.noticed,
        sent_at=maybe_from_micros(accepted_at),
        twin=_twin(past, query),
        waived=frozenset(waived.split()),
    )


def _newest(touches: Sequence[tuple[str, int]], query: HistoryQuery) -> tuple[Touch, ...]:
    if not touches:
        return ()
    since = micros(query.since)
    found = (Touch(id_, from_micros(at)) for id_, at in touches if id_ != query.mail_id and at >= since)
    return tuple(touch for _, touch in zip(range(query.most), found, strict=False))


def _twin(past: _Past, query: HistoryQuery) -> str | None:
    """Another mail of the step that shares a key and went, goes, or waits and was there first."""
    for step, id_, state, earlier in past.twins.get(query.mail_id, ()):
        if step == query.step and (state not in _WAITING or earlier is None or earlier):
            return id_
    return None
