"""The values a decision used. The ledger keeps their digest; the values can be erased (GDPR Art. 17)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from penstock.model.mail import Mail
from penstock.store.database import Database
from penstock.store.records import contact_octets

__all__ = ["Snapshots", "snapshot_of"]


def snapshot_of(mail: Mail, salt: str) -> tuple[bytes, bytes]:
    """Digest (SHA-256) and octets of what the decision on this mail used.

    The random salt is part of the octets, so that after an erasure the digest betrays nothing that could be
    guessed.
    """
    octets = orjson.dumps(
        {
            "campaign": None if mail.campaign is None else mail.campaign.digest,
            "contact": None if mail.contact is None else orjson.Fragment(contact_octets(mail.contact)),
            "salt": salt,
        }
    )
    return hashlib.sha256(octets).digest(), octets


class Snapshots:
    """The kept values, by the digest that the ledger row names."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.statements("snapshots")

    async def get(self, digest: bytes, /) -> dict[str, Any] | None:
        """The values under a ledger row's `snapshot`; None after an erasure ("inputs erased")."""
        octets = await self._database.read(
            lambda connection: connection.execute(self._sql["get"], (digest,)).get
        )
        return None if octets is None else orjson.loads(octets)

    async def of_mail(self, mail_id: str, /) -> dict[bytes, dict[str, Any]]:
        """All values kept for one mail, by digest."""
        rows = await self._database.read(
            lambda connection: list(connection.execute(self._sql["of_mail"], (mail_id,)))
        )
        return {digest: orjson.loads(octets) for digest, octets in rows}

    async def erase(self, mail_ids: Sequence[str], /) -> int:
        """Erase the values of these mails; the number that went."""
        if not mail_ids:
            return 0

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["erase"], (apsw.carray(tuple(mail_ids)),))
            return connection.changes()

        return await self._database.write(job)
