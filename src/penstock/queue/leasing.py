"""Which tickets a lease takes: what is due is made ready, and ready ones are shared out among those who wait."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw
import orjson

from penstock.ports import Ticket
from penstock.queue.shares import Flow, fair_shares, looked_at, share_of_lane

__all__ = ["AT_ONCE", "Leasing", "carried"]

AT_ONCE = 500
"""Tickets that one lease makes ready at most, of each kind of waiting."""

_LANES = 64

_Found = tuple[float, int, str]
"""Due, ticket, lane."""


@dataclass(frozen=True, slots=True)
class Leasing:
    """One lease inside a transaction. `now` and `machine`: seconds of rule time and of the machine's."""

    connection: apsw.Connection
    sql: Mapping[str, str]
    now: float
    machine: float

    def take(self, most: int, way: str | None) -> list[int]:
        """The tickets of the next mails, urgent ones first, then as they are due."""
        self.make_ready()
        rows = self._read("flows", way)
        flows = {id_: Flow(id_, name, bool(urgent), turn, cursor) for id_, name, urgent, turn, cursor in rows}
        if not flows:
            return []
        look = looked_at(most, len(flows))
        found = {id_: self._read("first", id_, self.machine, look) for id_ in flows}
        waiting = {id_: len(tickets) for id_, tickets in found.items()}
        shares = fair_shares(list(flows.values()), waiting, most, dict(self._read("clocks")))
        chosen: list[tuple[bool, _Found]] = []
        for id_, (number, turn) in shares.items():
            flow = flows[id_]
            tickets, cursor = self._spread(flow, found[id_][:number])
            chosen += [(not flow.urgent, (due, ticket, lane)) for due, ticket, lane in tickets]
            self.connection.execute(self.sql["serve"], (id_, turn, cursor))
        return [id_ for _, (_, id_, _) in sorted(chosen)]

    def take_among(self, most: int, mail_ids: Sequence[str]) -> list[int]:
        """Tickets of these mails only, the longest due first."""
        self._place()
        found = self._read("among", self.now, self.machine, most, apsw.carray(tuple(mail_ids)))
        return [id_ for _, id_ in sorted(found)]

    def make_ready(self) -> None:
        """Move what waited long enough to where leases look; so much of it that a lease stays short."""
        self._place()
        self.connection.execute(self.sql["promote"], (self.now, self.machine, AT_ONCE))

    def hold(self, ids: Sequence[int], until: float) -> list[Ticket]:
        """Lease these tickets, in their order."""
        if not ids:
            return []
        details = {id_: rest for id_, *rest in self._read("details", carried(ids))}
        self.connection.execute(self.sql["lease"], (carried(details), until))
        return [
            Ticket(id_, mail_id, lane, fence + 1, since)
            for id_ in ids
            if id_ in details
            for mail_id, lane, fence, since in (details[id_],)
        ]

    def _place(self) -> None:
        """Find the flow of tickets that were made elsewhere; one whose mail is gone goes."""
        if unknown := self._read("unknown", AT_ONCE):
            for name in ("without_mail", "add_flows", "place"):
                self.connection.execute(self.sql[name], (carried(unknown),))

    def _spread(self, flow: Flow, tickets: list[_Found]) -> tuple[list[_Found], str]:
        """No recipient domain takes more than half of a flow's share while others wait; and the cursor from then on."""
        large = share_of_lane([lane for _, _, lane in tickets])
        if large is None:
            return tickets, flow.cursor
        room = len(tickets) // 2
        lanes: list[str] = self._read("lanes", flow.id, flow.cursor, min(room, _LANES))
        cursor = lanes[-1] if len(lanes) == min(room, _LANES) else ""
        have = {id_ for _, id_, _ in tickets}
        each = max(1, room // max(len(lanes), 1))
        others = [
            ticket
            for lane in lanes
            if lane != large
            for ticket in self._read("first_of_lane", flow.id, lane, self.machine, each)
            if ticket[1] not in have
        ][:room]
        most = sum(lane == large for _, _, lane in tickets) - len(tickets) + room
        others = others[: max(most, 0)]
        kept, left = [], len(others)
        for ticket in reversed(tickets):
            if left and ticket[2] == large:
                left -= 1
            else:
                kept.append(ticket)
        return kept + others, cursor

    def _read(self, name: str, *bindings: Any) -> list[Any]:
        # As one row of JSON: each row takes a step, and each step gives the interpreter away.
        found: list[Any] = orjson.loads(self.connection.execute(self.sql[name], bindings).get)
        return found


def carried(ids: Iterable[int]) -> apsw.CArrayBinding | None:
    """Ticket numbers for `carray`; None, which is an empty one, where there are none."""
    numbers = array("q", ids)
    return apsw.carray(numbers) if numbers else None
