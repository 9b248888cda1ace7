"""Proofs in the store of which keys it was made with: with other keys no objection would be found again."""

from __future__ import annotations

from collections.abc import Mapping

import apsw

from penstock.errors import ConfigError
from penstock.model.keyring import Keyring

__all__ = ["check_canaries", "write_canaries"]

_PREFIX = "canary:"
_ANCHOR = "anchor"


def check_canaries(connection: apsw.Connection, sql: Mapping[str, str], keyring: Keyring) -> None:
    """Compare the keyring with what the store has seen; nothing to compare in an empty store.

    Every key the store knows must be there and be the same, and the oldest pepper must stay the oldest: mail
    ids and caps hang on it. Raises ConfigError.
    """
    given = keyring.canaries()
    for name, proof in connection.execute(sql["canaries"]):
        key = name.removeprefix(_PREFIX)
        if given.get(key) != proof:
            raise _refused(f"{key} is missing or another one")
    anchor = connection.execute(sql["get"], (_ANCHOR,)).get
    if anchor is not None and anchor != keyring.peppers[-1].id:
        raise _refused(f"pepper:{anchor} must be the oldest pepper")


def write_canaries(connection: apsw.Connection, sql: Mapping[str, str], keyring: Keyring) -> None:
    """Remember the keys of an empty store, and keys that a rotation added. The caller has checked before."""
    known = {name for name, _ in connection.execute(sql["canaries"])}
    for key, proof in keyring.canaries().items():
        if _PREFIX + key not in known:
            connection.execute(sql["put"], (_PREFIX + key, proof))
    if connection.execute(sql["get"], (_ANCHOR,)).get is None:
        connection.execute(sql["put"], (_ANCHOR, keyring.peppers[-1].id))


def _refused(detail: str) -> ConfigError:
    return ConfigError(
        f"these keys are not the ones this store was made with: {detail}",
        where="keys",
        mend="restore the keys folder of the machine that made the store",
    )
