"""Who was ever written to, as keyed hashes: what an opt-out needs years after the contact is gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from penstock.model.identity import Identity
from penstock.store.row_batches import numbers, read_array, write_rows

__all__ = [
    "Registered",
    "forget_unmailed",
    "identity_octets",
    "read_identity",
    "register_identities",
    "register_units",
    "unit_mark",
]

_OCTETS = 32
_COUNT = 2  # octets of a count
_HEAD = 2 * _COUNT + 1
_COMPANY, _ORGANISATION = 1, 2


def identity_octets(identity: Identity) -> bytes:
    """All but the person: how many keys of the person and the company there are, which of the two units are known,
    and then the keys of 32 octets.

    Raises ValueError for a key of another length.
    """
    units = (identity.company or b"") + (identity.organisation or b"")
    keys = b"".join((*identity.person_keys, *identity.company_keys, units))
    known = (_COMPANY if identity.company else 0) | (_ORGANISATION if identity.organisation else 0)
    persons, companies = len(identity.person_keys), len(identity.company_keys)
    if len(keys) != _OCTETS * (persons + companies + (known & 1) + (known >> 1)) or len(identity.person) != _OCTETS:
        raise ValueError("a key has 32 octets")
    return persons.to_bytes(_COUNT, "big") + companies.to_bytes(_COUNT, "big") + bytes((known,)) + keys


def read_identity(person: bytes, octets: bytes) -> Identity:
    """What `identity_octets` wrote of that person."""
    persons = int.from_bytes(octets[:_COUNT], "big")
    companies = int.from_bytes(octets[_COUNT : 2 * _COUNT], "big")
    known = octets[_HEAD - 1]
    keys = tuple(octets[place : place + _OCTETS] for place in range(_HEAD, len(octets), _OCTETS))
    units: Iterator[bytes] = iter(keys[persons + companies :])
    return Identity(
        person,
        keys[:persons],
        keys[persons : persons + companies],
        next(units) if known & _COMPANY else None,
        next(units) if known & _ORGANISATION else None,
    )


def unit_mark(key: bytes | None) -> int | None:
    """What a company or organisation is found by: the first 64 bits of its key as a number."""
    return None if key is None else int.from_bytes(key[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Registered:
    """Row ids by person, and which of them are new."""

    rows: Mapping[bytes, int]
    new: frozenset[int]


def register_identities(
    connection: apsw.Connection, sql: Mapping[str, str], identities: Sequence[Identity]
) -> Registered:
    """Keep who is not known yet. Keys of a person are only added, so that each form ever written to stays known."""
    wanted = {identity.person: identity for identity in identities}
    if not wanted:
        return Registered({}, frozenset())
    octets = [(identity, identity_octets(identity)) for identity in wanted.values()]
    asked = apsw.carray(tuple(identity.person + data for identity, data in octets))
    rows: dict[bytes, int] = {}
    keys: list[tuple[bytes, int]] = []
    for place, row, stored in read_array(connection, sql["known"], (asked,)):
        identity = octets[place - 1][0]
        rows[identity.person] = row
        if stored is not None:
            both = _united(read_identity(identity.person, bytes.fromhex(stored)), identity)
            connection.execute(sql["update"], (row, identity_octets(both)))
            keys += _other_keys(both, row)
    fresh: list[tuple[int, bytes, bytes]] = []
    last: int = connection.execute(sql["last"]).get if len(rows) < len(wanted) else 0
    for identity, data in octets:
        if identity.person not in rows:
            last += 1
            rows[identity.person] = last
            fresh.append((last, identity.person, data))
            keys += _other_keys(identity, last)
    write_rows(connection, sql, "insert", fresh)
    write_rows(connection, sql, "key", keys)
    return Registered(rows, frozenset(row for row, _, _ in fresh))


def register_units(
    connection: apsw.Connection,
    sql: Mapping[str, str],
    mails: Iterable[tuple[int, Identity]],
    others: Sequence[Identity] = (),
) -> dict[int | None, int | None]:
    """Ids by mark of the companies and organisations to which these new mails go, and of others; None is None."""
    wanted: dict[int, int] = {}
    for row, identity in mails:
        # The running number of the first mail makes the id: no two units have the same.
        for place, key in enumerate((identity.company, identity.organisation)):
            if (mark := unit_mark(key)) is not None:
                wanted.setdefault(mark, 2 * row + place)
    if others:
        lowest = min(0, connection.execute(sql["lowest_unit"]).get)
        marks = (unit_mark(key) for each in others for key in (each.company, each.organisation))
        for place, mark in enumerate(dict.fromkeys(mark for mark in marks if mark is not None), 1):
            wanted.setdefault(mark, lowest - place)  # the mails have their numbers, and these gave ids before
    units: dict[int | None, int | None] = {None: None}
    if wanted:
        units.update(read_array(connection, sql["units"], (numbers(sorted(wanted)),)))
    fresh = [(mark, id_) for mark, id_ in wanted.items() if mark not in units]
    write_rows(connection, sql, "insert_unit", fresh)
    units.update(fresh)
    return units


def forget_unmailed(connection: apsw.Connection, sql: Mapping[str, str], rows: Sequence[Any]) -> None:
    """Delete identities to which no contact and no mail belongs any more."""
    if rows:
        connection.execute(sql["delete_keys"], (numbers(rows),))
        connection.execute(sql["delete"], (numbers(rows),))


def _other_keys(identity: Identity, row: int) -> list[tuple[bytes, int]]:
    return [(key, row) for key in identity.person_keys if key != identity.person]


def _united(old: Identity, new: Identity) -> Identity:
    return Identity(
        person=old.person,
        person_keys=tuple(dict.fromkeys((*old.person_keys, *new.person_keys))),
        company_keys=tuple(dict.fromkeys((*old.company_keys, *new.company_keys))),
        company=new.company or old.company,
        organisation=new.organisation or old.organisation,
    )
