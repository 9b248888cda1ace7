"""Who gets how much of a lease: ways out in turn, on each of them flows by start-time fair queueing."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["CREDIT", "URGENT", "Flow", "fair_shares", "looked_at", "share_of_lane"]

URGENT = 16
"""So many transactional mails and notices go for one of advertising, where both wait for the same way out."""

CREDIT = 32.0
"""How far a flow that had nothing to send may lag behind the others: so many mails it is served at once, by weight."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Mails of one controller and urgency on one way out. `turn` is how much it had, divided by its weight."""

    id: int
    way: str
    urgent: bool
    turn: float
    cursor: str = ""

    @property
    def weight(self) -> int:
        """The share beside others on the same way out."""
        return URGENT if self.urgent else 1


def fair_shares(
    flows: Sequence[Flow], waiting: Mapping[int, int], most: int, clocks: Mapping[str, float]
) -> dict[int, tuple[int, float]]:
    """For each flow that gets any: how many of `most`, and its turn from then on.

    `waiting` says how many could be taken of a flow, `clocks` the latest turn on each way. Nothing is left over while
    any flow has more (Goyal, Vin, Cheng: start-time fair queueing, 1996).
    """
    ways: defaultdict[str, list[tuple[float, int, Flow]]] = defaultdict(list)
    for flow in flows:
        if waiting.get(flow.id, 0):
            ways[flow.way].append((max(flow.turn, clocks.get(flow.way, 0.0) - CREDIT), flow.id, flow))
    if len(flows) == 1 and flows[0].way in ways:
        ((turn, id_, flow),) = ways[flow.way]
        number = min(most, waiting[id_])
        return {id_: (number, turn + number / flow.weight)}
    lines = [ways[way] for way in sorted(ways, key=lambda way: clocks.get(way, 0.0))]
    for line in lines:
        heapq.heapify(line)
    taken: Counter[int] = Counter()
    turns: dict[int, float] = {}
    while most and lines:
        for line in lines[:most]:
            turn, id_, flow = line[0]
            taken[id_] += 1
            turns[id_] = turn + 1 / flow.weight
            most -= 1
            if taken[id_] < waiting[id_]:
                heapq.heapreplace(line, (turns[id_], id_, flow))
            else:
                heapq.heappop(line)
        lines = [line for line in lines if line]
    return {id_: (number, turns[id_]) for id_, number in taken.items()}


def share_of_lane(lanes: Sequence[str]) -> str | None:
    """The recipient domain that would take more than half of these places, if there is one."""
    if len(lanes) < 2:
        return None
    lane, number = Counter(lanes).most_common(1)[0]
    return lane if number > len(lanes) // 2 else None


def looked_at(most: int, flows: int) -> int:
    """How many tickets of each flow are looked at for a lease: all there could be of few, some of many."""
    return most if flows <= 4 else min(most, 2 * -(-most // flows) + 8)
