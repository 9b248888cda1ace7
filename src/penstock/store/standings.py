"""What people decide about campaigns: pause, resume, cancel, approve; binding for every mail that has not begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apsw

from penstock.model.mail import Mail
from penstock.model.standing import FRESH, CampaignState, Standing
from penstock.ports import Clock
from penstock.store.chain import Chain
from penstock.store.database import Database
from penstock.store.house_rules import Brakes, HouseRules
from penstock.store.instants import iso, maybe_from_micros, micros
from penstock.store.row_batches import numbers, write_rows

__all__ = ["Standings", "load_standings"]


def load_standings(connection: apsw.Connection, sql: Mapping[str, str], ids: Iterable[str]) -> dict[str, Standing]:
    """The standing of those ids that have one, in one statement."""
    wanted = tuple(set(ids))
    if not wanted:
        return {}
    return {
        id_: Standing(CampaignState(state), approval, by, maybe_from_micros(begun))
        for id_, state, approval, by, begun in connection.execute(sql["standings"], (apsw.carray(wanted),))
    }


def cancelled_meanwhile(
    connection: apsw.Connection, sql: Mapping[str, str], mails: Sequence[tuple[int, Mail]]
) -> set[int]:
    """The running numbers of those mails whose campaign was cancelled while they were on their way."""
    steps = {mail.campaign.id for _, mail in mails if mail.campaign is not None}
    standings = load_standings(connection, sql, steps)
    given_up = {id_ for id_, standing in standings.items() if standing.state is CampaignState.CANCELLED}
    return {seq for seq, mail in mails if mail.campaign is not None and mail.campaign.id in given_up}


def free_to_go(
    connection: apsw.Connection, sql: Mapping[str, str], rules: HouseRules, mails: Sequence[tuple[int, Mail]]
) -> list[int]:
    """The running numbers of those mails whose campaign is neither paused nor cancelled nor waits for approval."""
    steps = {mail.campaign.id for _, mail in mails if mail.campaign is not None}
    standings = load_standings(connection, sql, steps)
    brakes = Brakes(rules.safety, rules.policy_mark, None)
    free = []
    for seq, mail in mails:
        standing = FRESH if mail.campaign is None else standings.get(mail.campaign.id, FRESH)
        if standing.state is CampaignState.ACTIVE and not brakes.unapproved(mail, standing):
            free.append(seq)
    return free


class Standings:
    """The kept standings. Each act is told to the ledger in the same transaction."""

    def __init__(self, database: Database, clock: Clock, chain: Chain) -> None:
        self._database = database
        self._clock = clock
        self._chain = chain
        self._sql = database.statements("standings")
        self._mails = database.statements("mails")

    async def of(self, ids: Sequence[str], /) -> Sequence[Standing]:
        """One standing per campaign id; `FRESH` for one that nobody touched."""
        known = await self._database.read(lambda connection: load_standings(connection, self._sql, ids))
        return [known.get(id_, FRESH) for id_ in ids]

    async def counts(self, ids: Sequence[str], /) -> Sequence[Counter[str]]:
        """For each campaign id how many mails stand in which state."""

        def job(connection: apsw.Connection) -> dict[str, Counter[str]]:
            found: dict[str, Counter[str]] = {}
            for step, state, number in connection.execute(self._sql["counts"], (apsw.carray(tuple(set(ids))),)):
                found.setdefault(step, Counter())[state] = number
            return found

        known = await self._database.read(job) if ids else {}
        return [known.get(id_, Counter()) for id_ in ids]

    async def pause(self, id_: str, /) -> bool:
        """Nothing of the campaign begins any more. False when it was not active."""
        return await self._act(id_, CampaignState.ACTIVE, CampaignState.PAUSED) is not None

    async def resume(self, id_: str, /) -> int | None:
        """Let a paused campaign go on; how many mails are judged anew. None when it was not paused."""
        return await self._act(id_, CampaignState.PAUSED, CampaignState.ACTIVE)

    async def cancel(self, id_: str, /) -> int | None:
        """Give up all that waits, for good; how many mails. None when it was cancelled before."""

        def job(connection: apsw.Connection) -> int | None:
            if self._state(connection, id_) is CampaignState.CANCELLED:
                return None
            connection.execute(self._sql["drop_tickets"], (id_,))
            connection.execute(self._sql["cancel"], (id_,))
            waiting = connection.changes()
            self._set(connection, id_, CampaignState.CANCELLED, mails=waiting)
            return waiting

        return await self._database.write(job)

    async def approve(self, id_: str, mark: str, by: str, /) -> int:
        """Remember who signed off which `approval_mark`, and queue what waited for it; how many mails.

        The name stays out of the ledger: it is kept beside the standing.
        """

        def job(connection: apsw.Connection) -> int:
            moment = micros(self._clock.now())
            connection.execute(self._sql["set_approval"], (id_, moment, mark, by))
            queued = self._queue_held(connection, id_)
            self._tell(connection, id_, state="approved", approval=mark, mails=queued)
            return queued

        return await self._database.write(job)

    async def _act(self, id_: str, before: CampaignState, after: CampaignState) -> int | None:
        def job(connection: apsw.Connection) -> int | None:
            if self._state(connection, id_) is not before:
                return None
            queued = self._queue_held(connection, id_) if after is CampaignState.ACTIVE else 0
            self._set(connection, id_, after, mails=queued)
            return queued

        return await self._database.write(job)

    def _state(self, connection: apsw.Connection, id_: str) -> CampaignState:
        return load_standings(connection, self._sql, [id_]).get(id_, FRESH).state

    def _set(self, connection: apsw.Connection, id_: str, state: CampaignState, *, mails: int) -> None:
        connection.execute(self._sql["set_state"], (id_, state, micros(self._clock.now())))
        self._tell(connection, id_, state=state, mails=mails)

    def _tell(self, connection: apsw.Connection, id_: str, **facts: Any) -> None:
        self._chain.append(connection, [{"kind": "campaign", "at": iso(self._clock.now()), "step": id_, **facts}])

    def _queue_held(self, connection: apsw.Connection, id_: str) -> int:
        """What the campaign's standing held is judged anew."""
        due = self._clock.now().timestamp()
        held = list(connection.execute(self._sql["to_resume"], (id_,)))
        connection.execute(self._sql["resume"], (numbers(row for row, _ in held),))
        write_rows(connection, self._mails, "ticket", [(row, lane, due, True) for row, lane in held])
        return len(held)
