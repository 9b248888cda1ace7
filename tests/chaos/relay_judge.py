"""What a round of a relay came to: every mail that was answered is delivered once, in doubt, or failed and said so."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from .relay_clients import Clients, Door
from .relay_sink import MoodySink
from .scene import address

__all__ = ["RelayKept", "RelaySums", "relay_kept_in", "relay_summed"]

_OVER = frozenset({"accepted", "uncertain", "failed"})


@dataclass(frozen=True, slots=True)
class RelayKept:
    """What the store says when all is over: states and recipients by mail id."""

    states: Mapping[str, str]
    recipients: Mapping[str, str]
    tickets: int


def relay_kept_in(store: Path) -> RelayKept:
    """Look into it; nobody else does any more."""
    with closing(sqlite3.connect(store)) as base:
        rows = base.execute("SELECT lower(hex(id)), state, recipient FROM mails").fetchall()
        (tickets,) = base.execute("SELECT count(*) FROM tickets").fetchone()
    return RelayKept({id_: state for id_, state, _ in rows}, {id_: rcpt or "" for id_, _, rcpt in rows}, tickets)


@dataclass(frozen=True, slots=True)
class RelaySums:
    """How many mails were doubled, lost and in doubt, and everything that is wrong, in words."""

    mails: int
    doubled: int
    lost: int
    uncertain: int
    wrong: tuple[str, ...]


def relay_summed(clients: Clients, sink: MoodySink, kept: RelayKept, most_uncertain: int) -> RelaySums:
    """Compare what clients were told, what the store knows and what the mail server got."""
    told = {id_ for ids in clients.told.values() for id_ in ids}
    of_state: dict[str, set[str]] = defaultdict(set)
    for id_, state in kept.states.items():
        of_state[state].add(id_)
    made: Counter[int] = Counter()
    numbers = {address(number): number for number in range(clients.mails)}
    for rcpt in kept.recipients.values():
        made[numbers.get(rcpt, -1)] += 1
    accepted, uncertain, failed = (of_state[state] for state in ("accepted", "uncertain", "failed"))
    doubled = {id_ for id_, times in sink.arrived.items() if times > 1}
    lost = (told - kept.states.keys()) | {id_ for id_ in accepted if not sink.answered[id_]}
    once = [number for number in range(clients.mails) if Door.of(number).once]
    refused = {numbers.get(kept.recipients[id_]) for id_ in failed}
    wrong = {
        "mails that came twice": len(doubled),
        "mails that were answered and are lost": len(lost),
        "numbers handed in under a key or for a campaign that came twice": sum(sink.numbers[each] > 1 for each in once),
        "numbers handed in under a key or for a campaign that are two mails": sum(made[each] > 1 for each in once),
        "numbers that came more often than they are mails": sum(sink.numbers[no] > made[no] for no in sink.numbers),
        "mails more than there were attempts": sum(made[each] > clients.attempts[each] for each in made),
        "numbers that nobody took in": sum(not made[each] for each in range(clients.mails)),
        "mails not delivered, in doubt or failed": sum(state not in _OVER for state in kept.states.values()),
        "failed mails that came": sum(bool(sink.arrived[id_]) for id_ in failed),
        "failed mails that nobody refused": sum(kept.recipients[id_] not in sink.refused for id_ in failed),
        "letters said to have failed that have not": len(clients.given_up - refused),
        "mails that came and are unknown": len(sink.arrived.keys() - kept.states.keys()),
        "tickets left": kept.tickets,
        "mails in doubt too many": max(0, len(uncertain) - most_uncertain - sink.unanswered),
    }  # fmt: skip
    words = tuple(f"{what}: {number}" for what, number in wrong.items() if number)
    return RelaySums(len(kept.states), len(doubled), len(lost), len(uncertain), words)
