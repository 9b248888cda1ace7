"""Whom an opt-out link is about: one small row, never the mail's body."""

from __future__ import annotations

from dataclasses import dataclass, field

import apsw
import orjson

from penstock.model.identity import Identity
from penstock.store.database import Database
from penstock.store.identities import read_identity

__all__ = ["Addressee", "OptOuts"]


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a mail was for. `redirected`: it went to a trial address instead.

    `address`, `language` and `country` are None where the contact is gone or does not say.
    """

    identity: Identity
    controller: str
    redirected: bool
    address: str | None = field(default=None, repr=False)
    language: str | None = None
    country: str | None = None


class OptOuts:
    """Reads; what follows is an entry of the suppression list."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.statements("opt_outs")

    async def addressee(self, mail_id: str, /) -> Addressee | None:
        """Of a mail, also long after the contact was erased; None for an id (32 hex digits) that is not known."""

        def job(connection: apsw.Connection) -> Addressee | None:
            for controller, redirected, person, keys, record in connection.execute(self._sql["of_mail"], (mail_id,)):
                said = orjson.loads(record) if record is not None else {}
                country = said.get("country") or said.get("workplace_country")
                identity, known = read_identity(person, keys), (said.get("address"), said.get("language"), country)
                return Addressee(identity, controller, bool(redirected), *known)
            return None

        return await self._database.read(job)
