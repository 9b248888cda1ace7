"""Appending to the ledger: canonical rows, their digests, and a chain of batches under a key outside the
database.

Ledger rows are the octets stored. A row's digest is its SHA-256; a batch's digest is an HMAC over the digest
before it and its rows' digests; the head, kept apart, names the last batch under an HMAC of its own, so that
a cut tail is seen.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import orjson

from penstock.model.keyring import Keyring
from penstock.store.row_batches import read_array, write_rows

__all__ = ["Chain", "Head", "canonical", "genesis", "outside_word", "sha256"]

_HEAD = "ledger:head"
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9.-]+")
_WITH_AT = re.compile(r"\S*@\S*")
_WORD_LENGTH = 64
_PIECE = 2047
"""Octets up to which hashlib keeps the interpreter; giving it away costs milliseconds to get it back."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger ends."""

    batch: int
    seq: int
    digest: bytes
    key_id: str
    mac: bytes

    def proof(self, keyring: Keyring) -> bytes:
        """What `mac` must be. Raises KeyError when the ledger key is not at hand."""
        place = b"head\0" + self.batch.to_bytes(8, "big") + self.seq.to_bytes(8, "big")
        return keyring.chain_under(self.key_id, place, [self.digest])

    def is_genuine(self, keyring: Keyring) -> bool:
        """Whether the key that is named made the mac."""
        return hmac.compare_digest(self.mac, self.proof(keyring))


def genesis(store_id: str) -> bytes:
    """What the first batch follows: bound to this store, so that no other ledger can be put in its place."""
    return hashlib.sha256(b"penstock ledger of store " + store_id.encode()).digest()


def outside_word(text: str) -> str:
    """A word from a next hop, cut to what can hold no address: 64 characters of `[A-Za-z0-9.-]` at most."""
    return _NOT_PLAIN.sub("", _WITH_AT.sub("", text))[:_WORD_LENGTH]


def sha256(data: bytes) -> bytes:
    """The SHA-256 of the octets, without giving the interpreter away."""
    if len(data) <= _PIECE:
        return hashlib.sha256(data).digest()
    pieces, digest = memoryview(data), hashlib.sha256()
    for place in range(0, len(data), _PIECE):
        digest.update(pieces[place : place + _PIECE])
    return digest.digest()


def canonical(row: Mapping[str, Any]) -> bytes:
    """The row's octets: JSON with sorted keys. A text with an @ in it is withheld, whoever put it there."""
    data = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    if b"@" in data or b"\\u0040" in data:
        data = orjson.dumps(_without_addresses(orjson.loads(data)), option=orjson.OPT_SORT_KEYS)
    return data


def _without_addresses(value: Any) -> Any:
    match value:
        case str():
            return "[withheld]" if "@" in value else value
        case list():
            return [_without_addresses(item) for item in value]
        case dict():
            return {_without_addresses(key): _without_addresses(item) for key, item in value.items()}
        case _:
            return value


class Chain:
    """Appends to the ledger inside the transaction of the change that a row tells of."""

    def __init__(self, keyring: Keyring, ledger_sql: Mapping[str, str], meta_sql: Mapping[str, str]) -> None:
        self._keyring = keyring
        self._ledger = ledger_sql
        self._meta = meta_sql

    def start(self, connection: apsw.Connection, store_id: str) -> None:
        """Write the head of an empty ledger."""
        self._put_head(connection, 0, 0, genesis(store_id))

    def append(
        self,
        connection: apsw.Connection,
        rows: Sequence[Mapping[str, Any]],
        mails: Sequence[int | None] | None = None,
    ) -> int:
        """One batch of rows; the number of the first. Each has `kind` and `at` (ISO text), may have `mail` and `code`.

        `mails` are the running numbers of their mails, looked up where they are not given. No rows, no batch.
        """
        if not rows:
            return 0
        head = self.head(connection)
        if head is None:
            raise LookupError("the ledger has no head")
        batch, first = head.batch + 1, head.seq + 1
        octets = [canonical(row) for row in rows]
        digests = [sha256(row) for row in octets]
        stored = [
            (first + place, batch, row["kind"], row.get("mail"), row["at"], row.get("code"), data, digest)
            for place, (row, data, digest) in enumerate(zip(rows, octets, digests, strict=True))
        ]
        write_rows(connection, self._ledger, "insert_row", stored)
        if mails is None:
            mails = self._numbers(connection, rows)
        of_mails = [(mail, seq) for seq, mail in enumerate(mails, first) if mail is not None]
        write_rows(connection, self._ledger, "insert_of_mail", of_mails)
        last, digest = first + len(rows) - 1, self._keyring.chain(head.digest, digests)
        key_id = self._keyring.ledgers[0].id
        connection.execute(self._ledger["insert_batch"], (batch, first, last, key_id, head.digest, digest))
        self._put_head(connection, batch, last, digest)
        return first

    def head(self, connection: apsw.Connection) -> Head | None:
        """The head as stored, genuine or not; None when it is gone or unreadable."""
        value = connection.execute(self._meta["get"], (_HEAD,)).get
        if value is None:
            return None
        try:
            batch, seq, digest, key_id, mac = str(value).split(" ")
            return Head(int(batch), int(seq), bytes.fromhex(digest), key_id, bytes.fromhex(mac))
        except ValueError:
            return None

    def _numbers(self, connection: apsw.Connection, rows: Sequence[Mapping[str, Any]]) -> list[int | None]:
        ids = tuple({row["mail"] for row in rows if "mail" in row})
        if not ids:
            return [None] * len(rows)
        found = dict(read_array(connection, self._ledger["mail_numbers"], (apsw.carray(ids),)))
        return [found.get(row.get("mail")) for row in rows]

    def _put_head(self, connection: apsw.Connection, batch: int, seq: int, digest: bytes) -> None:
        head = Head(batch, seq, digest, self._keyring.ledgers[0].id, b"")
        mac = head.proof(self._keyring).hex()
        connection.execute(self._meta["put"], (_HEAD, f"{batch} {seq} {digest.hex()} {head.key_id} {mac}"))
