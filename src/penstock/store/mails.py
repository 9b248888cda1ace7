"""Saved mails: the originals, where they stand, and what went before them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import apsw
import orjson

from penstock.model.campaign import Stream
from penstock.model.identity import Identity
from penstock.model.mail import History
from penstock.ports import Clock, HistoryQuery, SavedMail
from penstock.store.bodies import Bodies
from penstock.store.campaigns import Campaigns
from penstock.store.chain import Chain
from penstock.store.contacts import Contacts
from penstock.store.database import Database
from penstock.store.desk import Desk, MailState, Remark, as_mail_state, read_mail_states
from penstock.store.forgetting import Forgetting
from penstock.store.handing_in import Against, Handed, KnownKeys, find_keys, hand_in
from penstock.store.identities import read_identity
from penstock.store.instants import from_micros, maybe_from_micros, micros
from penstock.store.past import load_history
from penstock.store.placing import HandedIn, NewMail, Placed, PlacingSql, place_mails
from penstock.store.records import ContactRecord
from penstock.store.row_batches import read_array

__all__ = ["HandedIn", "HandedState", "Mails", "NewMail"]

_NOTHING: frozenset[str] = frozenset()
_STREAMS = {stream.value: stream for stream in Stream}


@dataclass(frozen=True, slots=True)
class HandedState:
    """Who handed a mail in, to whom, and where it stands."""

    client: str
    stream: str
    address: str | None
    state: MailState


class Mails:
    """The kept mails."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        chain: Chain,
        campaigns: Campaigns,
        records: ContactRecord,
        contacts: Contacts,
        *,
        bodies: Bodies,
        redirecting: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._campaigns = campaigns
        self._records = records
        self._contacts = contacts
        self._sql = database.statements("mails")
        self._placing = PlacingSql(self._sql, database.statements("identities"), bodies, redirecting)
        self._bodies = bodies

    async def accept(self, new: Sequence[NewMail], /) -> Sequence[Placed]:
        """Save mails and make their tickets in one transaction; one answer per mail, in order.

        Raises ValueError for a campaign without a digest.
        """
        if not new:
            return []
        await self._keep_large(new)
        at = micros(self._clock.now())
        return await self._database.write(
            lambda connection: place_mails(connection, self._placing, self._campaigns, new, at)
        )

    async def hand_in(self, handed: Sequence[Handed], /) -> Sequence[Sequence[Placed] | Against]:
        """The same for what clients of the relay hand in; see `penstock.store.handing_in`."""
        if not handed:
            return []
        await self._keep_large([mail for each in handed for mail in each.mails])
        at = micros(self._clock.now())
        return await self._database.write(
            lambda connection: hand_in(connection, self._placing, self._campaigns, self._contacts, handed, at)
        )

    async def known_keys(self, keys: Sequence[tuple[str, str]], /) -> KnownKeys:
        """What was handed in before under these keys, each with its client; empty keys are left out."""
        if not any(key for _, key in keys):
            return {}
        return await self._database.read(lambda connection: find_keys(connection, self._sql, keys))

    async def _keep_large(self, new: Sequence[NewMail]) -> None:
        large = [mail.content for mail in new if mail.content is not None and self._bodies.in_file(len(mail.content))]
        if large:
            await asyncio.to_thread(self._bodies.keep, large)

    async def load(self, ids: Sequence[str], /) -> Sequence[SavedMail | None]:
        """The saved originals; None for an id that is not known.

        `contact` is None when it was erased since.
        """
        if not ids:
            return []
        known = await self._database.read(lambda connection: self._load(connection, ids))
        return [known.get(id_) for id_ in ids]

    async def history(self, queries: Sequence[HistoryQuery], /) -> Sequence[History]:
        """Touches, notices and twins; one history per query, in order."""
        return await self._database.read(lambda connection: load_history(connection, self._sql, queries))

    async def identity_of(self, mail_id: str, /) -> Identity | None:
        """Whom the mail was for, also long after the contact is gone; None for an id that is not known."""

        def job(connection: apsw.Connection) -> Identity | None:
            rows = list(connection.execute(self._sql["identity_of"], (mail_id,)))
            return read_identity(*rows[0]) if rows else None

        return await self._database.read(job)

    async def waiting(self, step: str, after: str, limit: int) -> Sequence[MailState]:
        """Mails of a campaign that are queued, deferred or on their way; `after` is a mail id, empty at
        first.

        `until` is the rule time at which its ticket can be taken; a wait by the machine's clock is added to
        now.
        """
        ahead = self._clock.now().timestamp() - self._clock.machine()
        return await self._states("waiting", (step, after, limit, ahead))

    async def states(self, step: str, after: str, limit: int) -> Sequence[MailState]:
        """All mails of a campaign in the order they came; `after` is a mail id, empty at first."""
        return await self._states("states", (step, after, limit))

    async def handed_in(self, mail_id: str, /) -> HandedState | None:
        """A mail that a client of the relay handed in; None for any other."""

        def job(connection: apsw.Connection) -> HandedState | None:
            for client, stream, recipient, *state in connection.execute(self._sql["handed_in"], (mail_id,)):
                return HandedState(client, stream, recipient, as_mail_state(*state))
            return None

        return await self._database.read(job)

    async def held(self, after: str, limit: int) -> Sequence[MailState]:
        """Mails that wait for a person."""
        return await self._states("held", (after, limit))

    async def uncertain(self, after: str, limit: int) -> Sequence[MailState]:
        """Mails of which nobody knows yet whether they went."""
        return await self._states("uncertain", (after, limit))

    async def of_contacts(self, contact_ids: Sequence[str], /) -> Sequence[str]:
        """The ids of all mails to these people, whoever planned them."""
        if not contact_ids:
            return []
        wanted = apsw.carray(tuple(contact_ids))
        return await self._database.read(lambda connection: read_array(connection, self._sql["of_contacts"], (wanted,)))

    async def asked(self, ids: Sequence[str], /) -> Mapping[str, datetime]:
        """When each of these mails left, by id; those that were not accepted, begun or in doubt are left out."""
        if not ids:
            return {}
        wanted = apsw.carray(tuple(ids))
        found = await self._database.read(lambda connection: read_array(connection, self._sql["asked"], (wanted,)))
        return {mail_id: from_micros(at) for mail_id, at in found}

    async def release(self, ids: Sequence[str], why: str, /) -> Sequence[str]:
        """Queue held mails again and waive exactly the hold codes they had.

        Answers the ids that were held.
        """
        return await self._database.write(lambda connection: self._desk(connection).release(ids, why)) if ids else []

    async def drop(self, ids: Sequence[str], why: str = "", /) -> Sequence[str]:
        """Cancel mails that have not begun, tickets included; answers the ids that were waiting."""
        return await self._database.write(lambda connection: self._desk(connection).drop(ids, why)) if ids else []

    async def resolve(self, id_: str, *, sent: bool) -> bool:
        """Settle an uncertain mail: it was sent, or it was not and is queued again.

        False when it was not uncertain.
        """
        return await self._database.write(lambda connection: self._desk(connection).resolve(id_, sent=sent))

    async def recover(self, idempotent: frozenset[str], /) -> tuple[int, int]:
        """See to mails that began and never ended, and whose lease has run out: how many (again, uncertain).

        Through an adapter in `idempotent` (names) the identical mail may simply be tried again, and is
        queued; of any other nobody knows whether it went, and it waits for a person.
        """
        machine = self._clock.machine()

        def job(connection: apsw.Connection) -> tuple[int, int]:
            again, doubtful = self._desk(connection).recover(idempotent, machine)
            return len(again), len(doubtful)

        return await self._database.write(job)

    async def forget_messages(self, before: datetime, held_before: datetime | None = None, /) -> int:
        """Delete ready-made messages, with addresses, that ended before that time, and old keys of submissions.

        How many mails there were. What the ledger says of them stays. What was handed in and is held since before
        `held_before` is cancelled first; its client is told, and its message goes at a later call.
        """
        forgetting = Forgetting(self._database, self._sql, self._bodies, self._desk, self._clock.now())
        if held_before is not None:
            await forgetting.held(held_before)
        return await forgetting.messages(before)

    async def remarks(self, mail_id: str, /) -> Sequence[Remark]:
        """What people did with the mail and why, oldest first."""

        def job(connection: apsw.Connection) -> list[Remark]:
            rows = connection.execute(self._sql["remarks_of"], (mail_id,))
            return [Remark(from_micros(at), action, why) for at, action, why in rows]

        return await self._database.read(job)

    def _desk(self, connection: apsw.Connection) -> Desk:
        return Desk(connection, self._sql, self._chain, self._clock.now())

    async def _states(self, statement: str, bindings: tuple[str | int | float, ...]) -> list[MailState]:
        return await self._database.read(
            lambda connection: read_mail_states(connection, self._sql[statement], bindings)
        )

    def _load(self, connection: apsw.Connection, ids: Sequence[str]) -> dict[str, SavedMail]:
        found, records = connection.execute(self._sql["load"], (apsw.carray(tuple(set(ids))),)).get
        rows = orjson.loads(found)
        contacts = self._records.read_all(records)
        campaigns = self._campaigns.load_rows(connection, {row[1] for row in rows if row[1] is not None})
        bodies = self._load_bodies(connection, [row[0] for row in rows if row[-1]])
        mails = {}
        for row, contact in zip(rows, contacts, strict=True):
            id_, campaign, contact_id, stream, controller, state, begun_at, attempts, waived, *handed_in, _ = row
            recipient, sender, tag = handed_in
            mails[id_] = SavedMail(
                id=id_,
                campaign=None if campaign is None else campaigns[campaign],
                contact=contact,
                contact_id=contact_id,
                stream=_STREAMS[stream],
                controller=controller,
                state=state,
                begun_at=maybe_from_micros(begun_at),
                attempts=attempts,
                waived=frozenset(waived.split()) if waived else _NOTHING,
                content=bodies.get(id_),
                lost=id_ in bodies and bodies[id_] is None,
                recipient=recipient,
                sender=sender,
                tag=tag or "",
            )
        return mails

    def _load_bodies(self, connection: apsw.Connection, ids: Sequence[str]) -> dict[str, bytes | None]:
        """Ready-made messages are not pressed into JSON; one row each, mails of one message sharing its octets.

        None where its file is gone or damaged.
        """
        if not ids:
            return {}
        shared: dict[bytes, bytes | None] = {}
        found: dict[str, bytes | None] = {}
        for id_, digest, data in connection.execute(self._sql["load_bodies"], (apsw.carray(tuple(ids)),)):
            if digest not in shared:
                shared[digest] = data or self._bodies.read(digest)
            found[id_] = shared[digest]
        return found
