"""Proving that the ledger is as it was written: every row, every batch, the chain between them and the head.

It names the first place that was changed, removed or inserted. Whoever can write to the database but does not
hold the ledger key cannot make a changed ledger pass; putting back a whole older copy of the file is not seen
here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import orjson

from penstock.model.keyring import Keyring
from penstock.store.chain import Chain, genesis
from penstock.store.database import Database
from penstock.store.opening import STORE_ID

__all__ = ["VerifyReport", "verify_ledger"]

_BATCHES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was checked.

    `fault` is None when all is as written, else it names the first fault, at `seq` if in a row.
    """

    rows: int
    batches: int
    fault: str | None = None
    seq: int | None = None


class _FaultFoundError(Exception):
    """The first fault; stays inside this file."""

    def __init__(self, what: str, seq: int | None = None) -> None:
        super().__init__(what)
        self.seq = seq


async def verify_ledger(database: Database, chain: Chain, keyring: Keyring) -> VerifyReport:
    """Walk over the whole ledger in constant memory; writing may go on meanwhile."""
    walk = _Walk(database, chain, keyring)
    try:
        while await database.read(walk.step):
            pass
    except _FaultFoundError as fault:
        return VerifyReport(walk.rows, walk.batches, str(fault), fault.seq)
    return VerifyReport(walk.rows, walk.batches)


class _Walk:
    """Where the walk stands: the last batch that was found good."""

    def __init__(self, database: Database, chain: Chain, keyring: Keyring) -> None:
        self._sql = database.statements("ledger")
        self._meta = database.statements("meta")
        self._chain = chain
        self._keyring = keyring
        self._before: bytes | None = None
        self.rows = 0
        self.batches = 0

    def step(self, connection: apsw.Connection) -> bool:
        """Check the next batches. False when the end was reached and agrees with the head."""
        if self._before is None:
            self._before = genesis(str(connection.execute(self._meta["get"], (STORE_ID,)).get))
        limit = (self.batches, _BATCHES_AT_ONCE)
        batches = list(connection.execute(self._sql["batches_to_verify"], limit))
        for batch in batches:
            self._check_batch(connection, batch)
        if not batches:
            self._check_end(connection)
        return bool(batches)

    def _check_batch(self, connection: apsw.Connection, stored: Sequence[Any]) -> None:
        batch, first, last, key_id, before, digest = stored
        if batch != self.batches + 1:
            raise _FaultFoundError(f"batch {self.batches + 1} was removed", self.rows + 1)
        if first != self.rows + 1 or last < first:
            raise _FaultFoundError(f"batch {batch} does not begin where the one before ends", self.rows + 1)
        digests: list[bytes] = []
        for row in connection.execute(self._sql["rows_to_verify"], (self.rows, last)):
            expected = first + len(digests)
            if row[0] != expected:
                raise _FaultFoundError(f"row {expected} was removed", expected)
            digests.append(_checked(row, batch))
        if len(digests) != last - first + 1:
            missing = first + len(digests)
            raise _FaultFoundError(f"row {missing} was removed", missing)
        if before != self._before or not hmac.compare_digest(self._expected(key_id, before, digests), digest):
            which = f"row {first} is not the one" if first == last else f"rows {first} to {last} are not the ones"
            raise _FaultFoundError(f"{which} written as batch {batch}", first)
        unlisted = connection.execute(self._sql["unlisted"], (first - 1, last)).get
        if unlisted is not None:
            raise _FaultFoundError(f"row {unlisted} is hidden from its mail's list", unlisted)
        self._before, self.batches, self.rows = digest, batch, last

    def _check_end(self, connection: apsw.Connection) -> None:
        stray = connection.execute(self._sql["stray_rows"], (self.rows,)).get
        if stray is not None:
            raise _FaultFoundError(f"row {stray} was inserted", stray)
        head = self._chain.head(connection)
        if head is None:
            raise _FaultFoundError("the head of the ledger was removed")
        try:
            genuine = head.is_genuine(self._keyring)
        except KeyError:
            raise _FaultFoundError(f"the ledger key {head.key_id} is not at hand") from None
        if not genuine:
            raise _FaultFoundError("the head of the ledger was changed")
        if head.seq > self.rows:
            raise _FaultFoundError(f"rows {self.rows + 1} to {head.seq} were removed from the end", self.rows + 1)
        if (head.batch, head.seq, head.digest) != (self.batches, self.rows, self._before):
            raise _FaultFoundError(f"rows were inserted after row {head.seq}", head.seq + 1)

    def _expected(self, key_id: str, before: bytes, digests: list[bytes]) -> bytes:
        try:
            return self._keyring.chain_under(key_id, before, digests)
        except KeyError:
            raise _FaultFoundError(f"the ledger key {key_id} is not at hand", self.rows + 1) from None


def _checked(stored: Sequence[Any], batch: int) -> bytes:
    """The row's digest, when row, digest and index columns agree."""
    seq, row_batch, kind, mail_id, at, code, row, digest = stored
    if hashlib.sha256(row).digest() != digest:
        raise _FaultFoundError(f"row {seq} was changed", seq)
    if row_batch != batch:
        raise _FaultFoundError(f"row {seq} was moved or inserted", seq)
    try:
        said = orjson.loads(row)
        indexed = (said["kind"], said.get("mail"), said["at"], said.get("code"))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        raise _FaultFoundError(f"row {seq} was changed", seq) from None
    if (kind, mail_id, at, code) != indexed:
        raise _FaultFoundError(f"the index columns of row {seq} were changed", seq)
    return bytes(digest)
