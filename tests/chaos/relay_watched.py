"""A relay's process that dies at a chosen call. The product knows nothing of this: the house it opens is watched."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from penstock.config.settings import Settings
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted
from penstock.model.verdict import Decision, Reason
from penstock.ports import Clock, Ending, Settlement
from penstock.store.handing_in import Against, Handed
from penstock.store.placing import Placed
from penstock.wiring import House, open_house

from .relay_seams import AT, BROKEN, CLAIM, SEAM, Broken, RelaySeam

__all__ = ["breaking", "watch"]

_LATE_SECONDS = 0.05

_Pairs = Sequence[tuple[Mail, Decision]]
_Answers = Sequence[Sequence[Placed] | Against]


def watch(environ: Mapping[str, str]) -> None:
    """Make the relay's process open a watched house."""
    from penstock.relay import process

    vars(process)["open_house"] = _opener(environ)


def _opener(environ: Mapping[str, str]) -> Callable[[Settings, Clock], Coroutine[Any, Any, House]]:
    seam = RelaySeam(environ[SEAM]) if environ.get(SEAM) else None
    broken = Broken(environ.get(BROKEN, ""))
    death = _Death(seam, int(environ.get(AT, "1")), Path(environ[CLAIM]))

    async def opened(settings: Settings, clock: Clock) -> House:
        house = await open_house(settings, clock)
        breaking(house, broken)
        _watch_accepting(house, death)
        _watch_sending(house, death)
        return house

    return opened


class _Death:
    """Kills this process at the `at`-th call of the seam, unless another process took `claim` before."""

    def __init__(self, seam: RelaySeam | None, at: int, claim: Path) -> None:
        self._seam, self._left, self._claim = seam, at, claim

    def is_due(self, seam: RelaySeam) -> bool:
        """Count a call of that seam; whether it is the one."""
        if seam is not self._seam:
            return False
        self._left -= 1
        return self._left == 0

    def come(self) -> None:
        """The end, unless it has come to another."""
        with suppress(FileExistsError):
            os.close(os.open(self._claim, os.O_CREAT | os.O_EXCL))
            os.kill(os.getpid(), signal.SIGKILL)

    def reach(self, seam: RelaySeam) -> None:
        """This seam is passed; perhaps not."""
        if self.is_due(seam):
            self.come()


def _watch_accepting(house: House, death: _Death) -> None:
    """Die when submissions are saved and not yet answered."""
    save = house.store.mails.hand_in

    async def hand_in(handed: Sequence[Handed], /) -> _Answers:
        answers = await save(handed)
        if handed:
            death.reach(RelaySeam.BEFORE_250)
        return answers

    vars(house.store.mails)["hand_in"] = hand_in


def _watch_sending(house: House, death: _Death) -> None:
    ledger, queue = house.store.ledger, house.queue
    begin, end, settle = ledger.begin, ledger.end, queue.settle
    ending: set[str] = set()
    ended: dict[str, asyncio.Event] = {}

    async def watched_begin(decided: _Pairs, /) -> Sequence[Reason | None]:
        death.reach(RelaySeam.BEFORE_BEGIN)
        answers = await begin(decided)
        death.reach(RelaySeam.AFTER_BEGIN)
        return answers

    async def watched_end(endings: Sequence[Ending], /) -> None:
        death.reach(RelaySeam.BEFORE_END)
        ids = {each.mail.id for each in endings}
        ending.update(ids)
        await end(endings)
        for id_ in ids:
            ended.setdefault(id_, asyncio.Event()).set()

    async def watched_settle(settlements: Sequence[Settlement], /) -> None:
        ids = {each.ticket.mail_id for each in settlements}
        if ids <= ending and death.is_due(RelaySeam.BEFORE_SETTLE):  # not before the end is durable: both run at once
            for id_ in ids:
                await ended.setdefault(id_, asyncio.Event()).wait()
            death.come()
        await settle(settlements)

    vars(ledger).update(begin=watched_begin, end=watched_end)
    vars(queue)["settle"] = watched_settle


def breaking(house: House, broken: Broken) -> None:
    """Give the house that fault."""
    match broken:
        case Broken.ANSWERS_FIRST:
            _answer_first(house)
        case Broken.SENDS_AGAIN:
            recover = house.store.mails.recover

            async def again(_idempotent: frozenset[str], /) -> tuple[int, int]:
                return await recover(frozenset(house.adapters))

            vars(house.store.mails)["recover"] = again
        case Broken.SETTLES_FIRST:
            _settle_first(house)
        case Broken.NOTHING:
            pass


def _answer_first(house: House) -> None:
    save = house.store.mails.hand_in
    saving: set[asyncio.Task[None]] = set()

    async def later(handed: Sequence[Handed]) -> None:
        await asyncio.sleep(_LATE_SECONDS)
        await save(handed)

    async def hand_in(handed: Sequence[Handed], /) -> _Answers:
        task = asyncio.create_task(later(handed))
        saving.add(task)
        task.add_done_callback(saving.discard)
        return [[Placed(mail.id, "new") for mail in each.mails] for each in handed]

    vars(house.store.mails)["hand_in"] = hand_in


def _settle_first(house: House) -> None:
    """What begins is written down as sent, before it is."""
    begin, end = house.store.ledger.begin, house.store.ledger.end

    async def begin_and_end(decided: _Pairs, /) -> Sequence[Reason | None]:
        answers = await begin(decided)
        begun = [pair for pair, reason in zip(decided, answers, strict=True) if reason is None]
        await end([Ending(mail, decision, Accepted()) for mail, decision in begun])
        return answers

    async def nothing(_endings: Sequence[Ending], /) -> None:
        return None

    vars(house.store.ledger).update(begin=begin_and_end, end=nothing)
