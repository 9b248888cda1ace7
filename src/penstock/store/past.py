"""What went before a mail: touches, notices and twins, in a fixed number of statements per batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from penstock.model.mail import History, Touch
from penstock.ports import HistoryQuery
from penstock.store.instants import from_micros, maybe_from_micros, micros

__all__ = ["Touches", "load_history", "load_touches"]

Touches = dict[bytes, list[tuple[str, int]]]
"""By key: mail ids with the time they began, in microseconds; newest first."""

_WAITING = frozenset({"queued", "deferred"})


def load_touches(
    connection: apsw.Connection, statement: str, keys: Iterable[bytes | None], since: int, most: int
) -> Touches:
    """The latest `most` touches of each key since that time; one statement."""
    wanted = tuple({key for key in keys if key is not None})
    touches: Touches = {}
    if wanted and most > 0:
        for key, mail_id, at in connection.execute(statement, (apsw.carray(wanted), since, most)):
            touches.setdefault(key, []).append((mail_id, at))
    for found in touches.values():
        found.sort(key=lambda touch: touch[1], reverse=True)
    return touches


@dataclass(frozen=True, slots=True)
class _Past:
    """What one batch of queries needs."""

    person: Touches
    company: Touches
    organisation: Touches
    noticed: frozenset[tuple[bytes, str]]
    own: Mapping[str, tuple[int, int | None, str]]
    twins: Mapping[tuple[bytes, str], Sequence[tuple[str, int, str]]]


def load_history(connection: apsw.Connection, sql: Mapping[str, str], queries: Sequence[HistoryQuery]) -> list[History]:
    """One history per query, in order."""
    if not queries:
        return []
    since = min(micros(query.since) for query in queries)
    most = max(query.most for query in queries) + 1  # the mail itself may be among them
    identities = [query.identity for query in queries]
    past = _Past(
        load_touches(connection, sql["person_touches"], (i.person for i in identities), since, most),
        load_touches(connection, sql["company_touches"], (i.company for i in identities), since, most),
        load_touches(connection, sql["organisation_touches"], (i.organisation for i in identities), since, most),
        _load_noticed(connection, sql, {identity.person for identity in identities}),
        _load_own(connection, sql, {query.mail_id for query in queries}),
        _load_twins(connection, sql, queries),
    )
    return [_history(past, query) for query in queries]


def _load_noticed(
    connection: apsw.Connection, sql: Mapping[str, str], persons: set[bytes]
) -> frozenset[tuple[bytes, str]]:
    rows = connection.execute(sql["noticed"], (apsw.carray(tuple(persons)),))
    return frozenset((person, controller) for person, controller in rows)


def _load_own(
    connection: apsw.Connection, sql: Mapping[str, str], ids: set[str]
) -> dict[str, tuple[int, int | None, str]]:
    rows = connection.execute(sql["own"], (apsw.carray(tuple(ids)),))
    return {id_: (seq, accepted_at, waived) for id_, seq, accepted_at, waived in rows}


def _load_twins(
    connection: apsw.Connection, sql: Mapping[str, str], queries: Sequence[HistoryQuery]
) -> dict[tuple[bytes, str], list[tuple[str, int, str]]]:
    keys = tuple({key for query in queries for key in query.identity.person_keys})
    steps = tuple({query.step for query in queries})
    twins: dict[tuple[bytes, str], list[tuple[str, int, str]]] = {}
    if keys:
        bound = (apsw.carray(keys), apsw.carray(steps))
        for key, step, id_, seq, state in connection.execute(sql["twins"], bound):
            twins.setdefault((key, step), []).append((id_, seq, state))
    return twins


def _history(past: _Past, query: HistoryQuery) -> History:
    identity = query.identity
    own: tuple[Any, int | None, str] = past.own.get(query.mail_id, (None, None, ""))
    company = dict(past.company.get(identity.company or b"", []))
    company.update(past.organisation.get(identity.organisation or b"", []))
    return History(
        person=_newest(past.person.get(identity.person, []), query),
        company=_newest(sorted(company.items(), key=lambda touch: touch[1], reverse=True), query),
        noticed=(identity.person, query.controller) in past.noticed,
        sent_at=maybe_from_micros(own[1]),
        twin=_twin(past, query, own[0]),
        waived=frozenset(own[2].split()),
    )


def _newest(touches: Sequence[tuple[str, int]], query: HistoryQuery) -> tuple[Touch, ...]:
    since = micros(query.since)
    found = (Touch(id_, from_micros(at)) for id_, at in touches if id_ != query.mail_id and at >= since)
    return tuple(touch for _, touch in zip(range(query.most), found, strict=False))


def _twin(past: _Past, query: HistoryQuery, own_seq: int | None) -> str | None:
    """Another mail of the step that shares a key and went, goes, or waits and was there first."""
    for key in query.identity.person_keys:
        for id_, seq, state in past.twins.get((key, query.step), ()):
            earlier = own_seq is None or seq < own_seq
            if id_ != query.mail_id and (state not in _WAITING or earlier):
                return id_
    return None
