"""The values a decision used. The ledger keeps their digest; the values can be erased (GDPR Art. 17)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw
import orjson

from penstock.model.mail import Mail
from penstock.store.chain import sha256
from penstock.store.database import Database
from penstock.store.records import contact_values

__all__ = ["Snapshots", "snapshot_of"]


def snapshot_of(mail: Mail, secret: str) -> tuple[bytes, bytes]:
    """Digest (SHA-256) and octets of what the decision on this mail used.

    A salt made from `secret`, random text that is kept nowhere, is part of the octets: once they are erased,
    the digest betrays nothing that could be guessed.
    """
    octets = orjson.dumps(
        {
            "campaign": None if mail.campaign is None else mail.campaign.digest,
            "contact": None if mail.contact is None else contact_values(mail.contact),
            "salt": sha256(f"{secret} {mail.id}".encode()).hex()[:32],
        }
    )
    return sha256(octets), octets


class Snapshots:
    """The kept values, by the sequence number of the ledger row whose `snapshot` is their digest."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.statements("snapshots")

    async def get(self, seq: int, /) -> dict[str, Any] | None:
        """The values of a ledger row; None after an erasure ("inputs erased") and for rows that have none."""
        octets = await self._database.read(lambda connection: connection.execute(self._sql["get"], (seq,)).get)
        return None if octets is None else orjson.loads(octets)

    async def erase(self, mail_ids: Sequence[str], /) -> int:
        """Erase the values of these mails; the number that went."""
        if not mail_ids:
            return 0

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["erase"], (apsw.carray(tuple(mail_ids)),))
            return connection.changes()

        return await self._database.write(job)
