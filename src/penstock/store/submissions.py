"""What clients of the relay want to hear of their mails, and what they were told (RFC 3461)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import apsw
import orjson

from penstock.errors import StoreUnavailable
from penstock.store.campaigns import Campaigns
from penstock.store.database import Database
from penstock.store.instants import from_micros, maybe_from_micros, micros
from penstock.store.placing import NewMail, PlacingSql, place_mails
from penstock.store.row_batches import numbers, read_array

__all__ = ["DELAY_TOLD", "END_TOLD", "OpenSubmission", "Submissions", "Telling"]

DELAY_TOLD = 1
END_TOLD = 2
_EVER = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class OpenSubmission:
    """A mail of which its client may have to hear something. `row` is its running number.

    `notify` is what the client wants to hear of (SUCCESS, FAILURE, DELAY); `orcpt` and `envelope_id` as it gave them;
    `returned` FULL, HDRS or empty. `recipient` is None for a mail that a campaign writes. `ended` is the latest ledger
    row about the mail, `ended_at` the time of its latest outcome.
    """

    row: int
    mail_id: str
    state: str
    code: str
    controller: str
    recipient: str | None
    client: str
    sender: str
    at: datetime
    notify: frozenset[str]
    orcpt: str
    envelope_id: str
    returned: Literal["", "FULL", "HDRS"]
    ended_at: datetime | None
    ended: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Telling:
    """What is now said of a mail: `level` is DELAY_TOLD or END_TOLD, `mail` the notification; None: nothing is."""

    about: OpenSubmission
    level: int
    mail: NewMail | None = None


class Submissions:
    """The kept submissions, as far as clients wait for word of them."""

    def __init__(self, database: Database, campaigns: Campaigns, placing: PlacingSql) -> None:
        self._database = database
        self._campaigns = campaigns
        self._placing = placing
        self._sql = database.statements("submissions")

    async def open(self, after: int, most: int, waiting_since: datetime) -> tuple[Sequence[OpenSubmission], int | None]:
        """Of the next `most` mails after that row whose clients wait for word: those of which there is some.

        They are over; or they wait since before `waiting_since`, and DELAY was asked for and not told. With them the
        row to go on after, None at the end. Mails that simply arrived, as nobody asked to hear, are closed on the way.
        """

        def job(connection: apsw.Connection) -> tuple[list[OpenSubmission], int | None, list[int]]:
            end = connection.execute(self._sql["slice_end"], (after, most)).get
            part = (after, _EVER if end is None else end)
            found = connection.execute(self._sql["open"], (*part, micros(waiting_since)))
            return [_read(row) for row in found], end, read_array(connection, self._sql["arrived"], part)

        found, end, arrived = await self._database.read(job)
        if arrived:
            closing = numbers(arrived)
            await self._database.write(lambda connection: connection.execute(self._sql["close"], (closing,)).fetchall())
        return found, end

    async def original(self, row: int, most: int) -> bytes:
        """The first `most` octets of the mail as handed in; empty where a campaign writes it.

        Empty, too, where its file is gone or damaged: what became of the mail can still be told.
        """

        def job(connection: apsw.Connection) -> bytes:
            for digest, data in connection.execute(self._sql["original"], (row, most)):
                with suppress(StoreUnavailable):
                    return (data or self._placing.bodies.read(digest) or b"")[:most]
            return b""

        return await self._database.read(job)

    async def tell(self, tellings: Sequence[Telling], now: datetime) -> int:
        """Save the notifications with their tickets and mark their mails, in one transaction; how many are new.

        What another process told meanwhile is left alone, and so is a mail that was handed in once more.
        """
        if not tellings:
            return 0

        def job(connection: apsw.Connection) -> int:
            new = []
            for telling in tellings:
                about = telling.about
                connection.execute(self._sql["tell"], (about.row, telling.level, micros(about.at)))
                if connection.changes() and telling.mail is not None:
                    new.append(telling.mail)
            placed = place_mails(connection, self._placing, self._campaigns, new, micros(now)) if new else []
            return sum(each.answer == "new" for each in placed)

        return await self._database.write(job)


def _read(row: tuple[Any, ...]) -> OpenSubmission:
    number, mail_id, state, code, controller, recipient, client, sender, at, notify, *rest = row
    orcpt, envelope_id, returned, ended_at, ended = rest
    return OpenSubmission(
        row=number,
        mail_id=mail_id,
        state=state,
        code=code,
        controller=controller,
        recipient=recipient,
        client=client,
        sender=sender,
        at=from_micros(at),
        notify=frozenset(notify.split(",")),
        orcpt=orcpt,
        envelope_id=envelope_id,
        returned=returned,
        ended_at=maybe_from_micros(ended_at),
        ended={} if ended is None else orjson.loads(ended),
    )
