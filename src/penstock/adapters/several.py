"""Ways out made of others: one behind the other, in turn, or by weight.

A mail goes to another adapter only when nothing of it left: what is uncertain never fails over, and what a recipient's
own server refused would be refused there, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import reduce
from itertools import accumulate

from penstock.errors import AdapterUnavailable
from penstock.model.mail import Mail
from penstock.model.outcome import Outcome, TryLater
from penstock.ports import Adapter, Capabilities

__all__ = ["Failover", "Weighted"]


class _Several:
    """What ways out made of others share."""

    def __init__(self, name: str, adapters: Sequence[Adapter]) -> None:
        self.name = name
        self._adapters = tuple(adapters)

    @property
    def capabilities(self) -> Capabilities:
        """What all of them can carry."""
        return _shared(self._adapters)

    async def prepare(self) -> None:
        """All of them; raises AdapterUnavailable only where none is there."""
        await _prepared(self._adapters)

    async def aclose(self) -> None:
        """Nothing: each adapter is closed by itself."""


class Failover(_Several):
    """The first that is there takes the mails; what it could not even start goes to the next."""

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order. Raises AdapterUnavailable when no adapter is there."""
        return await _hand_on(self._adapters, mails)


class Weighted(_Several):
    """Mails go to the adapters in turn, so many to each by its weight; one that is away leaves its share to the others.

    The turn of a mail hangs on its id alone, so that a mail tried again comes to the same adapter while it is there.
    """

    def __init__(self, name: str, adapters: Sequence[tuple[Adapter, int]]) -> None:
        super().__init__(name, [adapter for adapter, _ in adapters])
        self._bounds = tuple(accumulate(weight for _, weight in adapters))

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order. Raises AdapterUnavailable when no adapter is there."""
        shares: dict[int, list[int]] = {}
        for place, mail in enumerate(mails):
            shares.setdefault(self._turn(mail.id), []).append(place)
        answers = await asyncio.gather(
            *(
                _hand_on((*self._adapters[first:], *self._adapters[:first]), [mails[place] for place in places])
                for first, places in shares.items()
            ),
            return_exceptions=True,
        )
        return _gathered(list(shares.values()), answers, len(mails))

    def _turn(self, mail_id: str) -> int:
        point = int(mail_id[-8:], 16) % self._bounds[-1]
        return next(place for place, bound in enumerate(self._bounds) if point < bound)


async def _hand_on(adapters: Sequence[Adapter], mails: Sequence[Mail]) -> list[Outcome]:
    """To the first that starts them; what was not started goes on to the next."""
    outcomes: list[Outcome | None] = [None] * len(mails)
    waiting, fault = list(range(len(mails))), AdapterUnavailable("no adapter is there")
    for adapter in adapters:
        try:
            answers = await adapter.deliver([mails[place] for place in waiting])
        except AdapterUnavailable as unavailable:
            fault = unavailable
            continue
        for place, answer in zip(waiting, answers, strict=True):
            outcomes[place] = answer
        waiting = [place for place in waiting if _unstarted(outcomes[place])]
        if not waiting:
            break
    if any(outcome is None for outcome in outcomes):
        raise fault  # none of them took any: what one has answered has an outcome
    return [outcome for outcome in outcomes if outcome is not None]


def _unstarted(outcome: Outcome | None) -> bool:
    return outcome is None or (isinstance(outcome, TryLater) and not outcome.attempt_used)


def _gathered(
    places: Sequence[Sequence[int]], answers: Sequence[list[Outcome] | BaseException], number: int
) -> list[Outcome]:
    """The outcomes in the order of the mails. A share that found nobody waits, unless all shares did."""
    outcomes: list[Outcome] = [TryLater("no adapter is there", attempt_used=False)] * number
    faults = [answer for answer in answers if isinstance(answer, BaseException)]
    for fault in faults:
        if not isinstance(fault, AdapterUnavailable) or len(faults) == len(answers):
            raise fault
    for share, answer in zip(places, answers, strict=True):
        if not isinstance(answer, BaseException):
            for place, outcome in zip(share, answer, strict=True):
                outcomes[place] = outcome
    return outcomes


async def _prepared(adapters: Sequence[Adapter]) -> None:
    answers = await asyncio.gather(*(adapter.prepare() for adapter in adapters), return_exceptions=True)
    faults = [answer for answer in answers if isinstance(answer, BaseException)]
    for fault in faults:
        if not isinstance(fault, AdapterUnavailable) or len(faults) == len(answers):
            raise fault


def _shared(adapters: Sequence[Adapter]) -> Capabilities:
    return reduce(lambda one, other: one.shared(other), (adapter.capabilities for adapter in adapters))
