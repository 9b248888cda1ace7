"""What of the ledger tells other programs something: its rows with what is known of their mails and people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import apsw

from penstock.store.database import Database

__all__ = ["EntryKnown", "OutcomeRow", "Outcomes"]


class OutcomeRow(NamedTuple):
    """A row of the ledger: `body` are its octets (JSON), `at` is ISO text.

    The rest is what the store knows of its mail now, None for a row about no kept mail. `trial`: the mail went to the
    address of `[safety] redirect_all_to` when it was last begun before this row.
    """

    seq: int
    kind: str
    at: str
    code: str | None
    mail_id: str | None
    body: bytes
    of_campaign: int
    stream: str | None
    contact_id: str | None
    state: str | None
    client: str | None
    address: str | None
    trial: int


class EntryKnown(NamedTuple):
    """What the store knows of a suppression now. `told`: an event or an ending of a mail tells of the same.

    The rest is about the mail whose link made the entry, None for entries made otherwise.
    """

    contact_id: str | None
    address: str | None
    told: int
    mail_id: str | None
    campaign: str | None
    stream: str | None
    client: str | None


class Outcomes:
    """Reads only; each call is one short look, so that no other reader waits for a long ledger."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.statements("outcomes")

    async def head(self) -> int:
        """The number of the ledger's last row, 0 when it is empty."""
        return int(await self._database.read(lambda connection: connection.execute(self._sql["head"]).get))

    async def rows(self, after: int, upto: int, kinds: Sequence[str], since: str) -> Sequence[OutcomeRow]:
        """The rows of these kinds among the numbers `after` < seq <= `upto`, written at `since` (ISO text) or later."""
        wanted = apsw.carray(tuple(kinds))

        def job(connection: apsw.Connection) -> list[OutcomeRow]:
            rows = connection.execute(self._sql["rows"], (after, upto, wanted, since))
            return [OutcomeRow(*row) for row in rows]

        return await self._database.read(job)

    async def entries(self, ids: Sequence[str], /) -> dict[str, EntryKnown]:
        """By entry id; an entry that was lifted since is left out."""
        if not ids:
            return {}
        wanted = apsw.carray(tuple(ids))

        def job(connection: apsw.Connection) -> dict[str, EntryKnown]:
            rows = connection.execute(self._sql["entries"], (wanted,))
            return {id_: EntryKnown(*known) for id_, *known in rows}

        return await self._database.read(job)

    async def addresses(self, contact_ids: Sequence[str], /) -> dict[str, str]:
        """The addresses of these contacts, as long as they are kept."""
        if not contact_ids:
            return {}
        wanted = apsw.carray(tuple(contact_ids))
        return await self._database.read(lambda connection: dict(connection.execute(self._sql["addresses"], (wanted,))))
