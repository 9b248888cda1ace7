"""How mails to a list fared: accepted, bounced and complained, counted where mails end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import apsw

from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed
from penstock.ports import Counts, Ending, ListKey
from penstock.store.database import Database

__all__ = ["ListStats", "count_endings"]


class ListStats:
    """The kept counts."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = database.statements("list_stats")

    async def of(self, keys: Sequence[ListKey], /) -> Sequence[Counts]:
        """The counts for each key, in order; zeros for one that nothing was sent to."""
        names = apsw.carray(tuple({key.name for key in keys} or {""}))

        def job(connection: apsw.Connection) -> dict[tuple[str, str], Counts]:
            rows = connection.execute(self._sql["of"], (names,))
            return {
                (kind, name): Counts(accepted, bounced, complained)
                for kind, name, accepted, bounced, complained in rows
            }

        known = await self._database.read(job) if keys else {}
        return [known.get((key.kind, key.name), Counts()) for key in keys]


def count_endings(connection: apsw.Connection, sql: Mapping[str, str], endings: Sequence[Ending]) -> None:
    """Add what these mails came to, inside a transaction of the caller."""
    counts: Counter[tuple[str, str, int, int]] = Counter()
    for ending in endings:
        match ending.outcome:
            case Accepted():
                what = (1, 0)
            case Failed(code=Code.HARD_BOUNCED):
                what = (0, 1)
            case _:
                continue
        for kind, name in _lists(ending.mail):
            counts[kind, name, *what] += 1
    connection.executemany(
        sql["add"],
        [
            (kind, name, accepted * number, bounced * number)
            for (kind, name, accepted, bounced), number in counts.items()
        ],
    )


def _lists(mail: Mail) -> list[tuple[str, str]]:
    found = []
    if mail.campaign is not None:
        found.append(("campaign", mail.campaign.id))
    if mail.contact is not None and mail.contact.source.supplier:
        found.append(("supplier", mail.contact.source.supplier))
    return found
