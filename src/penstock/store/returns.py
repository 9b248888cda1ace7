"""What came back from ESPs: calls as they came, events of our mails, and what they change."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import apsw
import orjson

from penstock.model.event import EventKind, was_read, was_sent
from penstock.ports import Clock
from penstock.ports.returns import Kept, PastEvent, ReturnCount, SavedCall, Silence, Told
from penstock.store.chain import Chain
from penstock.store.database import Database
from penstock.store.event_effects import EventEffects, OurMail
from penstock.store.identities import read_identity
from penstock.store.instants import from_micros, micros
from penstock.store.records import ContactRecord
from penstock.store.row_batches import read_array
from penstock.store.suppressions import Suppressions

__all__ = ["Returns"]

_HOUR = timedelta(hours=1)


class Returns:
    """See `penstock.ports.returns`."""

    def __init__(
        self, database: Database, clock: Clock, chain: Chain, suppressions: Suppressions, records: ContactRecord
    ) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._records = records
        self._sql = database.statements("returns")
        self._effects = EventEffects(database, clock, suppressions)

    async def save(self, adapter: str, mark: str, body: bytes, /) -> Kept:
        """Keep a genuine call as it came."""
        digest = hashlib.sha256(body).digest()

        def job(connection: apsw.Connection) -> Kept:
            known = connection.execute(self._sql["known_call"], (adapter, mark)).get
            if known is not None:
                kept = Kept.KNOWN if known == digest else Kept.OTHER
                self._count(connection, adapter, {"replayed" if kept is Kept.KNOWN else "refused": 1})
                return kept
            connection.execute(self._sql["save_call"], (adapter, mark, digest, self._now(), body))
            self._count(connection, adapter, {"calls": 1})
            return Kept.NEW

        return await self._database.write(job)

    async def unread(self, limit: int, adapters: Sequence[str], /) -> Sequence[SavedCall]:
        """The oldest calls of these adapters that nobody has read yet."""
        if not adapters:
            return []
        wanted = apsw.carray(tuple(adapters))

        def job(connection: apsw.Connection) -> list[SavedCall]:
            rows = connection.execute(self._sql["new_calls"], (limit, wanted))
            return [SavedCall(seq, adapter, from_micros(at), body) for seq, adapter, at, body in rows]

        return await self._database.read(job)

    async def take_in(self, call: SavedCall, told: Sequence[Told], /) -> Mapping[str, int]:
        """Apply the events of a call, each once whatever the order."""

        def job(connection: apsw.Connection) -> Mapping[str, int]:
            counts: Counter[str] = Counter()
            rows: list[dict[str, object]] = []
            for each in told:
                what = self._take(connection, call.adapter, each, rows)
                counts[what] += 1
                if what == "taken":
                    counts[each.event.kind] += 1
            self._chain.append(connection, rows)
            connection.execute(self._sql["close_call"], (call.seq, "read"))
            self._count(connection, call.adapter, {**counts, "told": len(told)})
            return counts

        return await self._database.write(job)

    async def unreadable(self, call: SavedCall, /) -> None:
        """Set a call aside that is not what its ESP documents."""

        def job(connection: apsw.Connection) -> None:
            connection.execute(self._sql["close_call"], (call.seq, "unreadable"))
            self._count(connection, call.adapter, {"unreadable": 1})

        await self._database.write(job)

    async def read_again(self, adapters: Sequence[str], /) -> int:
        """Put calls back that could not be read, for a process that may know better by now; how many."""
        if not adapters:
            return 0

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["read_again"], (apsw.carray(tuple(adapters)),))
            return connection.changes()

        return await self._database.write(job)

    async def settle_doubts(self) -> int:
        """Settle mails in doubt of which an ESP has told; how many. A doubt may come later than its event."""

        def job(connection: apsw.Connection) -> int:
            rows: list[dict[str, object]] = []
            found = list(connection.execute(self._sql["doubts"]))
            for seq, mail_id, step, fate in found:
                told = EventKind(fate)
                rows.append(self._effects.settle(connection, seq, mail_id, step, sent=bool(was_sent(told))))
                connection.execute(self._sql["read_or_not"], (seq, was_read(told)))
            self._chain.append(connection, rows)
            return len(found)

        return await self._database.write(job)

    async def of_mail(self, mail_id: str, /) -> tuple[EventKind | None, Sequence[PastEvent]]:
        """What became of a mail after it was accepted, and all events, oldest first."""

        def job(connection: apsw.Connection) -> tuple[EventKind | None, Sequence[PastEvent]]:
            fate = connection.execute(self._sql["fate"], (mail_id,)).get
            rows = connection.execute(self._sql["events_of_mail"], (mail_id,))
            events = [
                PastEvent(EventKind(kind), from_micros(at), adapter, orjson.loads(words))
                for kind, at, adapter, words in rows
            ]
            return None if fate is None else EventKind(fate), events

        return await self._database.read(job)

    async def forget(self, before: datetime, /) -> int:
        """Delete calls that came in before; how many. Events stay."""

        def job(connection: apsw.Connection) -> int:
            connection.execute(self._sql["forget_calls"], (micros(before),))
            return connection.changes()

        return await self._database.write(job)

    async def count(self, adapter: str, what: str, /) -> None:
        """Count something that was not kept."""
        await self._database.write(lambda connection: self._count(connection, adapter, {what: 1}))

    async def counts(self) -> Sequence[ReturnCount]:
        """All counts."""

        def job(connection: apsw.Connection) -> list[ReturnCount]:
            rows = connection.execute(self._sql["counts"])
            return [ReturnCount(adapter, what, number, from_micros(at)) for adapter, what, number, at in rows]

        return await self._database.read(job)

    async def open_door(self, adapters: Sequence[str], /) -> None:
        """Remember since when these adapters can tell us anything."""
        rows = [(adapter, self._now()) for adapter in adapters]
        await self._database.write(lambda connection: connection.executemany(self._sql["open_door"], rows))

    async def silence(self, adapter: str, hours: float, /) -> Silence | None:
        """Whether a mail was handed over more than `hours` ago and nothing at all was told since."""
        now = self._clock.now()
        bounds = (micros(now - timedelta(hours=hours)), micros(now - _HOUR), micros(now))

        def job(connection: apsw.Connection) -> Silence | None:
            for told, missing, probed in connection.execute(self._sql["silence"], (adapter, *bounds)):
                if missing:
                    return Silence(from_micros(told), bool(probed))
            return None

        return await self._database.read(job)

    async def were_handed(self, adapter: str, keys: Sequence[bytes], /) -> frozenset[tuple[int, str]]:
        """The places in `keys` of people to whom a mail was, or may have been, handed over by this adapter, each with
        the controllers of such mails.
        """
        if not keys:
            return frozenset()
        wanted = apsw.carray(tuple(keys))
        found = await self._database.read(
            lambda connection: read_array(connection, self._sql["were_handed"], (wanted, adapter))
        )
        return frozenset((place - 1, controller) for place, controller in found)

    def _take(self, connection: apsw.Connection, adapter: str, told: Told, rows: list[dict[str, object]]) -> str:
        event = told.event
        mail = self._mail(connection, adapter, told)
        if mail is None or not _was_offered(mail, adapter):
            return "not_ours"
        # A redirected mail went to a tester, whoever its events name.
        if not mail.redirected and told.keys and not told.keys & set(mail.identity.person_keys):
            return "other_person"
        first = not connection.execute(self._sql["told_before"], (mail.seq, event.kind)).get
        words = orjson.dumps(dict(event.words), option=orjson.OPT_SORT_KEYS).decode()
        row = (adapter, event.key, mail.seq, event.kind, micros(event.at), words)
        connection.execute(self._sql["add_event"], row)
        if not connection.changes():
            return "repeated"
        rows += self._effects.apply(connection, adapter, told, mail, first=first)
        return "taken"

    def _mail(self, connection: apsw.Connection, adapter: str, told: Told) -> OurMail | None:
        event = told.event
        found = []
        if _is_mail_id(event.mail_id):
            found = list(connection.execute(self._sql["mail_by_id"], (event.mail_id,)))
        elif event.receipt:
            found = list(connection.execute(self._sql["mail_by_receipt"], (adapter, event.receipt)))
        if len(found) != 1:
            return None
        seq, mail_id, step, state, attempts, redirected, fate, person, keys, handed, record = found[0]
        contact = None if record is None else self._records.read(record)
        return OurMail(
            seq,
            mail_id,
            step,
            state,
            attempts,
            bool(redirected),
            EventKind(fate) if fate else None,
            read_identity(person, keys),
            frozenset(orjson.loads(handed)),
            "" if contact is None else contact.source.supplier or "",
        )

    def _count(self, connection: apsw.Connection, adapter: str, counts: Mapping[str, int]) -> None:
        now = self._now()
        rows = [(adapter, what, number, now) for what, number in counts.items() if number]
        connection.executemany(self._sql["count"], rows)

    def _now(self) -> int:
        return micros(self._clock.now())


def _was_offered(mail: OurMail, adapter: str) -> bool:
    """Whether this adapter can know of the mail: it was begun, and if we know who got it, then this one."""
    if mail.attempts == 0:
        return False
    return mail.state == "begun" or not mail.handed_to or adapter in mail.handed_to


def _is_mail_id(text: str) -> bool:
    return len(text) == 32 and all(letter in "0123456789abcdef" for letter in text)
