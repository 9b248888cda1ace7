"""Who was ever written to, as keyed hashes: what an opt-out needs years after the contact is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw

from penstock.model.identity import Identity

__all__ = ["joined_keys", "read_identity", "register_companies", "register_identities", "split_keys"]

_OCTETS = 32


def joined_keys(keys: Sequence[bytes]) -> bytes:
    """Keys of 32 octets, one after the other. Raises ValueError for a key of another length."""
    if any(len(key) != _OCTETS for key in keys):
        raise ValueError("a key has 32 octets")
    return b"".join(keys)


def split_keys(octets: bytes) -> tuple[bytes, ...]:
    """What `joined_keys` put together."""
    return tuple(octets[place : place + _OCTETS] for place in range(0, len(octets), _OCTETS))


def read_identity(row: Sequence[Any]) -> Identity:
    """From the columns person, person_keys, company_keys, company, organisation."""
    person, person_keys, company_keys, company, organisation = row
    return Identity(person, split_keys(person_keys), split_keys(company_keys), company, organisation)


def register_identities(
    connection: apsw.Connection, sql: Mapping[str, str], identities: Sequence[Identity]
) -> dict[bytes, int]:
    """Row ids by person. Keys of a person are only added, so that each form ever written to stays known."""
    wanted = {identity.person: identity for identity in identities}
    if not wanted:
        return {}
    rows: dict[bytes, int] = {}
    for person, row, *stored in list(connection.execute(sql["known"], (apsw.carray(tuple(wanted)),))):
        rows[person] = row
        old, new = read_identity((person, *stored)), wanted[person]
        both = _united(old, new)
        if both != old:
            connection.execute(sql["update"], (row, *_columns(both)))
            connection.executemany(sql["key"], [(key, row) for key in both.person_keys])
    for person, identity in wanted.items():
        if person not in rows:
            rows[person] = row = connection.execute(sql["insert"], (person, *_columns(identity))).get
            connection.executemany(sql["key"], [(key, row) for key in identity.person_keys])
    return rows


def register_companies(
    connection: apsw.Connection, sql: Mapping[str, str], keys: Iterable[bytes | None]
) -> dict[bytes | None, int | None]:
    """Row ids of companies and organisations by key; None is None."""
    wanted = tuple(dict.fromkeys(key for key in keys if key is not None))
    rows: dict[bytes | None, int | None] = {None: None}
    if wanted:
        rows.update(dict(list(connection.execute(sql["companies"], (apsw.carray(wanted),)))))
    for key in wanted:
        if key not in rows:
            rows[key] = connection.execute(sql["insert_company"], (key,)).get
    return rows


def _columns(identity: Identity) -> tuple[bytes | None, ...]:
    keys = (joined_keys(identity.person_keys), joined_keys(identity.company_keys))
    return (*keys, identity.company, identity.organisation)


def _united(old: Identity, new: Identity) -> Identity:
    return Identity(
        person=old.person,
        person_keys=tuple(dict.fromkeys((*old.person_keys, *new.person_keys))),
        company_keys=tuple(dict.fromkeys((*old.company_keys, *new.company_keys))),
        company=new.company or old.company,
        organisation=new.organisation or old.organisation,
    )
