"""The append-only record of what was decided, begun and ended; each call is one durable transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apsw
import orjson

from penstock.model.codes import Code
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring
from penstock.model.mail import Mail, Message
from penstock.model.outcome import Accepted, Failed, TryLater, Uncertain
from penstock.model.verdict import Decision, Reason, Verdict
from penstock.ports import Clock, Ending
from penstock.store.chain import Chain, sha256
from penstock.store.daily_count import count_begun
from penstock.store.database import Database
from penstock.store.handed import handed_rows, told_meanwhile
from penstock.store.house_rules import HouseRules
from penstock.store.instants import from_micros, iso, maybe_micros, micros
from penstock.store.ledger_rows import LedgerRow, decision_row, ending_row
from penstock.store.list_stats import count_endings
from penstock.store.recheck import Rechecker, SavedState
from penstock.store.row_batches import numbers, read_array, write_rows
from penstock.store.snapshots import Kept, snapshot_of
from penstock.store.standings import cancelled_meanwhile, free_to_go
from penstock.store.suppressions import Suppressions
from penstock.store.verification import VerifyReport, verify_ledger

__all__ = ["Ledger"]

_STATES = {
    Verdict.DEFER: "deferred",
    Verdict.HOLD: "held",
    Verdict.BLOCK: "blocked",
    Verdict.REJECT: "rejected",
}
_OPEN = frozenset({"queued", "deferred", "held", "blocked", "rejected"})


class Ledger:
    """Decisions, beginnings and endings, with the states of the mails they are about.

    `rules` are looked at again when a mail begins, and named in every decision row; `new_id` answers random text.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keyring: Keyring,
        chain: Chain,
        suppressions: Suppressions,
        *,
        new_id: Callable[[], str],
        rules: HouseRules,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keyring = keyring
        self._chain = chain
        self._new_id = new_id
        self._rules = rules
        self._under = rules.marks()
        self._sql = database.statements("ledger")
        self._sql_of_days = database.statements("meta")
        self._sql_of_lists = database.statements("list_stats")
        self._sql_of_standings = database.statements("standings")
        self._sql_of_returns = database.statements("returns")
        self._suppressions = suppressions
        self._rechecker = Rechecker(database.statements, rules)

    async def record(self, decided: Sequence[tuple[Mail, Decision]], /) -> None:
        """Decisions that stop or postpone a mail.

        Waiting for our own pace is none. A decision with the verdict, codes and campaign of the last one adds
        no row. A mail that began or is over keeps its state.
        """
        stopping = [(mail, decision) for mail, decision in decided if not (decision.may_go or decision.paced)]
        if stopping:
            await self._database.write(lambda connection: self._record(connection, stopping))

    async def begin(self, decided: Sequence[tuple[Mail, Decision]], /) -> Sequence[Reason | None]:
        """Write decision and start before the first byte goes out; None for a mail that may go now.

        Looks again at the mail's and the campaign's state, suppressions and caps; mails of the slice count
        for one another.
        """
        if not decided:
            return []
        return await self._database.write(lambda connection: self._begin(connection, decided))

    async def end(self, endings: Sequence[Ending], /) -> None:
        """Write the outcomes of begun mails; what has ended already is left alone.

        A late `Accepted` also settles a mail that was given up as uncertain.
        """
        if endings:
            await self._database.write(lambda connection: self._end(connection, endings))

    async def append(self, kind: str, facts: Mapping[str, Any], /) -> None:
        """A row for another event. `facts` may hold `mail` and `code`; text with an @ in it is withheld."""
        row = {**facts, "kind": kind, "at": iso(self._clock.now())}

        def job(connection: apsw.Connection) -> None:
            self._chain.append(connection, [row])

        await self._database.write(job)

    async def rows(self, after: int, limit: int) -> Sequence[LedgerRow]:
        """The next rows after that sequence number."""
        return await self._look("rows", (after, limit))

    async def show(self, mail_id: str, /) -> Sequence[LedgerRow]:
        """All rows about one mail, oldest first."""
        return await self._look("rows_of_mail", (mail_id,)) or await self._look("rows_of_no_mail", (mail_id,))

    async def show_person(self, identity: Identity, /) -> Sequence[LedgerRow]:
        """All rows about the mails of one person, under any of the person's keys."""
        keys = apsw.carray(tuple({identity.person, *identity.person_keys}))
        return await self._look("rows_of_person", (keys,))

    async def verify(self) -> VerifyReport:
        """Recompute every digest; see `penstock.store.verification`."""
        return await verify_ledger(self._database, self._chain, self._keyring)

    async def _look(self, statement: str, bindings: tuple[Any, ...]) -> list[LedgerRow]:
        def job(connection: apsw.Connection) -> list[LedgerRow]:
            rows = connection.execute(self._sql[statement], bindings)
            return [
                LedgerRow(seq, batch, kind, mail_id, at, code, orjson.loads(row))
                for seq, batch, kind, mail_id, at, code, row in rows
            ]

        return await self._database.read(job)

    def _record(self, connection: apsw.Connection, decided: Sequence[tuple[Mail, Decision]]) -> None:
        at = iso(self._clock.now())
        ids = apsw.carray(tuple({mail.id for mail, _ in decided}))
        last = {id_: rest for id_, *rest in read_array(connection, self._sql["deciding"], (ids,))}
        secret = self._new_id()
        rows, mails, snapshots, updates = [], [], [], {}
        for mail, decision in decided:
            seq, state, mark_before = last.get(mail.id, (None, None, None))
            if state is not None and state not in _OPEN:
                continue
            mark = _mark(mail, decision)
            if mark != mark_before:
                # What nobody could erase, as no mail leads to it, is not kept.
                kept = None if seq is None else snapshot_of(mail, secret)
                rows.append(decision_row("decision", mail, decision, at=at, under=self._under, kept=kept))
                mails.append(seq)
                snapshots.append(kept)
            held = " ".join(r.code for r in decision.reasons if r.verdict is Verdict.HOLD and r.code is not None)
            until = maybe_micros(decision.until)
            if seq is not None:
                updates[seq] = (seq, _STATES[decision.verdict], decision.code, until, held, mark)
            last[mail.id] = [seq, _STATES[decision.verdict], mark]
        write_rows(connection, self._sql, "decide", list(updates.values()))
        self._keep(connection, self._chain.append(connection, rows, mails), snapshots)
        self._wake(
            connection,
            [(seq, mail) for mail, decision in decided if _paused(decision) and (seq := last[mail.id][0]) in updates],
        )

    def _wake(self, connection: apsw.Connection, paused: Sequence[tuple[int, Mail]]) -> None:
        """A campaign that was resumed or approved while its mails were judged: nobody else would wake them."""
        awake = free_to_go(connection, self._sql_of_standings, self._rules, paused)
        if awake:
            connection.execute(self._sql_of_standings["resume"], (numbers(awake),))
            due = self._clock.now().timestamp()
            write_rows(connection, self._sql, "ticket_again", [(seq, due) for seq in awake])

    def _begin(self, connection: apsw.Connection, decided: Sequence[tuple[Mail, Decision]]) -> list[Reason | None]:
        now = self._clock.now()
        at, moment = iso(now), micros(now)
        recheck = self._rechecker.load(connection, [mail for mail, _ in decided], now)
        secret = self._new_id()
        answers: list[Reason | None] = []
        rows, updates, snapshots, started, first_steps = [], [], [], set(), set()
        redirected = bool(self._rules.safety.redirect_to)
        for mail, decision in decided:
            reason = _twice() if mail.id in started else recheck.against(mail)
            answers.append(reason)
            if reason is not None:
                continue
            started.add(mail.id)
            payload, notice = _payload(mail), _notice(mail, decision)
            kept = snapshot_of(mail, secret)
            row = decision_row("begin", mail, decision, at=at, under=self._under, kept=kept)
            row.update(attempt=recheck.attempts(mail) + 1, payload=payload, notice=notice)
            rows.append(row)
            if redirected:
                row["redirected"] = True
            elif recheck.begins_first(mail) and mail.campaign is not None:
                first_steps.add(mail.campaign.id)
            first = micros(mail.begun_at) if mail.begun_at is not None else moment
            # Who was only meant has neither been mailed nor told.
            touched, offered = (None, None) if redirected else (moment, notice)
            updates.append((recheck.row(mail), first, touched, offered, redirected))
            snapshots.append(kept)
        write_rows(connection, self._sql, "begin", updates)
        connection.executemany(self._sql_of_standings["set_first_begun"], [(id_, moment) for id_ in first_steps])
        count_begun(connection, self._sql_of_days, now, len(rows) if self._rules.safety.daily_ceiling else 0)
        first_row = self._chain.append(connection, rows, [update[0] for update in updates])
        self._keep(connection, first_row, snapshots)
        return answers

    def _keep(self, connection: apsw.Connection, first_row: int, snapshots: Sequence[Kept | None]) -> None:
        """The octets of a batch's rows, which begin with that number."""
        octets = [(seq, kept.octets) for seq, kept in enumerate(snapshots, first_row) if kept is not None]
        write_rows(connection, self._sql, "insert_snapshot", octets)

    def _end(self, connection: apsw.Connection, endings: Sequence[Ending]) -> None:
        now = self._clock.now()
        at = iso(now)
        ids = apsw.carray(tuple({ending.mail.id for ending in endings}))
        begun, began_at, fates, today = {}, {}, {}, set()
        for id_, seq, state, attempts, touched, fate in read_array(connection, self._sql["ending"], (ids,)):
            begun[id_] = SavedState(seq, state, attempts)
            began_at[seq], fates[seq] = touched or micros(now), fate
            if from_micros(touched).date() == now.date():
                today.add(id_)
        rows, handed, ended, dead, unsent = [], [], [], [], 0
        for given in endings:
            saved = begun.get(given.mail.id)
            if saved is None or (saved.state == "uncertain" and not isinstance(given.outcome, Accepted)):
                continue
            del begun[given.mail.id]
            handed.append((saved.seq, given))
            ending = told_meanwhile(given, fates[saved.seq])
            rows.append(ending_row(ending, at=at, attempt=saved.attempts))
            ended.append((saved.seq, ending))
            unsent += isinstance(ending.outcome, TryLater) and ending.mail.id in today
            if ending.dead is not None:
                dead.append(ending.dead)
        write_rows(connection, self._sql_of_returns, "hand", handed_rows(handed, began_at))
        self._settle(connection, ended, micros(now))
        if not self._rules.safety.redirect_to:
            count_endings(connection, self._sql_of_lists, [ending for _, ending in ended])
        self._chain.append(connection, rows, [seq for seq, _ in ended])
        if dead:
            self._suppressions.add_in(connection, dead)
        count_begun(connection, self._sql_of_days, now, -unsent if self._rules.safety.daily_ceiling else 0)

    def _settle(self, connection: apsw.Connection, ended: Sequence[tuple[int, Ending]], moment: int) -> None:
        accepted, uncertain, failed, again = [], [], [], []
        for seq, ending in ended:
            match ending.outcome:
                case Accepted():
                    accepted.append(seq)
                case Uncertain():
                    uncertain.append(seq)
                case Failed(code=code):
                    failed.append((seq, code, moment))
                case TryLater(code=code, attempt_used=used):
                    again.append((seq, code, maybe_micros(ending.due), 0 if used else 1, moment))
        if accepted:
            connection.execute(self._sql["end_accepted"], (numbers(accepted), moment))
        if uncertain:
            connection.execute(self._sql["end_uncertain"], (numbers(uncertain), moment))
        write_rows(connection, self._sql, "end_failed", failed)
        write_rows(connection, self._sql, "end_try_later", again)
        later = [(seq, each.mail) for seq, each in ended if each.due is not None]
        given_up = cancelled_meanwhile(connection, self._sql_of_standings, later)
        connection.execute(self._sql["end_cancelled"], (numbers(given_up),))
        # With its ticket, whoever holds it now: a lease that ran out or a crash before `settle` loses nothing.
        dues = [(seq, each.due.timestamp()) for seq, each in ended if each.due is not None and seq not in given_up]
        write_rows(connection, self._sql, "ticket_again", dues)


def _paused(decision: Decision) -> bool:
    return decision.verdict is Verdict.HOLD and Code.CAMPAIGN_PAUSED in decision.codes


def _mark(mail: Mail, decision: Decision) -> str:
    digest = "" if mail.campaign is None else mail.campaign.digest
    return f"{decision.verdict} {','.join(decision.codes)} {digest}"


def _twice() -> Reason:
    return Reason("begin", Verdict.BLOCK, Code.DUPLICATE, "this mail stands twice in the slice")


def _payload(mail: Mail) -> str | None:
    return sha256(mail.content.data).hex() if isinstance(mail.content, Message) else None


def _notice(mail: Mail, decision: Decision) -> str | None:
    """The version of the first-contact notice this mail carries to a person who did not have one yet."""
    content = mail.content
    return content.notice_version if isinstance(content, Message) and decision.variant == "first" else None
