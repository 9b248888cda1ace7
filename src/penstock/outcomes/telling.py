"""Tells other programs what became of mails: signed calls, each batch in order and at least once."""

from __future__ import annotations

import asyncio
import hashlib
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from penstock.config.outcomes_section import ReceiverSettings
from penstock.errors import Unavailable
from penstock.model.outcome_event import OutcomeEvent, OutcomeKind, Place
from penstock.observe.log import get_logger
from penstock.outcomes.call import Gone, NotTaken, OutcomeCall, Taken, keys_of_receivers, written
from penstock.outcomes.events import OutcomeEvents
from penstock.store.receivers import LEASE_SECONDS, ReceiverState
from penstock.wiring import House

__all__ = ["LONGEST_PAUSE", "MOST_EVENTS", "TellingOutcomes", "mark_of"]

MOST_EVENTS = 100
"""In one call."""
LOOK_SECONDS = 1.0
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 3_600.0
_LONGEST_ASKED = 86_400.0
"""So long a receiver may ask to be waited for (Retry-After)."""
_ROWS = 250
"""Looked at in one go; about as many as hold one call's events."""
_QUIET_ROWS = 10_000
"""After so many rows that tell a receiver nothing, its place is kept."""
_WHATEVER_STREAM = frozenset({OutcomeKind.OPTED_OUT, OutcomeKind.COMPLAINED, OutcomeKind.ERASED})
"""What concerns the person, whatever the mail was."""

_log = get_logger("telling_outcomes")


def mark_of(receiver: ReceiverSettings) -> str:
    """The digest by which a changed address is noticed; the address itself may hold a secret."""
    return hashlib.sha256(receiver.url.encode()).hexdigest()


@dataclass(slots=True)
class _Receiver:
    """One receiver: its settings, its connection, and the place before which nothing is left to tell."""

    settings: ReceiverSettings
    call: OutcomeCall
    seen: Place = field(default=Place(0))

    def wants(self, event: OutcomeEvent) -> bool:
        kinds, streams = self.settings.kinds, self.settings.streams
        if kinds and event.kind not in kinds:
            return False
        return not streams or event.stream is None or event.stream in streams or event.kind in _WHATEVER_STREAM


class TellingOutcomes:
    """Works on an open house. In several processes on one store each receiver is told by one of them at a time.

    `jitter` answers a number from 0 to 1, `new_id` random text; `look` are the seconds between two looks.
    """

    def __init__(
        self,
        house: House,
        *,
        jitter: Callable[[], float] = random.random,
        new_id: Callable[[], str] = lambda: secrets.token_hex(16),
        look: float = LOOK_SECONDS,
    ) -> None:
        """Raises ConfigError for a key that cannot be used."""
        keys = keys_of_receivers(house.settings)
        self._all = [_Receiver(each, OutcomeCall(each.url, keys[each.name])) for each in house.settings.outcomes]
        self._clock = house.clock
        self._states = house.store.receivers
        self._events = OutcomeEvents(house.store.outcomes)
        self._jitter = jitter
        self._new_id = new_id
        self._look = look
        self._holder = new_id()

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until `stop` is set; at once where nobody is to be told.

        A call that is under way is given up then; its batch is repeated under the same id.
        """
        telling = [asyncio.create_task(self._keep_telling(each, stop)) for each in self._all]
        if not telling:
            return
        try:
            await stop.wait()
        finally:
            for task in telling:
                task.cancel()
            await asyncio.gather(*telling, return_exceptions=True)
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, and let the next process go on at once."""
        for each in self._all:
            await each.call.aclose()
        if self._all:
            try:
                await self._states.release(self._holder)
            except Unavailable as fault:
                _log.info("lease_runs_out", fault=type(fault).__name__)

    async def _keep_telling(self, receiver: _Receiver, stop: asyncio.Event) -> None:
        """Whatever goes wrong with one receiver, it is tried again, and no other waits for it."""
        name = receiver.settings.name
        opened = False
        while not stop.is_set():
            try:
                if not opened:
                    await self._states.open(name, mark_of(receiver.settings), history=receiver.settings.history)
                    opened = True
                pause = await self._round(receiver)
            except Unavailable as fault:
                _log.warning("telling_waits", receiver=name, fault=type(fault).__name__)
                pause = FIRST_PAUSE
            except Exception as fault:  # noqa: BLE001 — who stops telling leaves a CRM mailing those who objected
                _log.error("telling_failed", receiver=name, fault=type(fault).__name__)
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)

    async def tell(self) -> int:
        """Tell every receiver what can be told now, in one go; how many calls were taken. For tests and programs."""
        taken = 0
        for each in self._all:
            await self._states.open(each.settings.name, mark_of(each.settings), history=each.settings.history)
            while await self._round(each) == 0.0:
                taken += 1
        return taken

    async def _round(self, receiver: _Receiver) -> float:
        """One call at most; the seconds until the next look, 0 after one that was taken."""
        states, head = await self._states.states()
        state = states[receiver.settings.name]
        now = self._clock.machine()
        if state.stopped or (state.holder != self._holder and now < state.lease_until <= now + LEASE_SECONDS):
            return self._look
        if now < state.next_at <= now + _LONGEST_ASKED:
            return min(state.next_at - now, self._look)
        if state.upto is None:
            events, upto = await self._gather(receiver, state, head)
            if not events and upto.seq - state.after.seq < _QUIET_ROWS:
                return self._look
        else:
            events = [each for each in await self._events.between(state.after, state.upto) if receiver.wants(each)]
            upto = state.upto
        message = await self._states.begin(state, upto, f"msg_{self._new_id()}", self._holder)
        if message is None:
            return self._look
        if not events:
            await self._states.told(state.name, self._holder, called=False)
            return self._look
        answer = await receiver.call.post(message, written(events), self._clock.machine())
        return await self._heard(state, answer, len(events))

    async def _gather(self, receiver: _Receiver, state: ReceiverState, head: int) -> tuple[list[OutcomeEvent], Place]:
        """The next events that the receiver wants, and the place up to which it knows all then."""
        place = max(state.after, receiver.seen)
        found: list[OutcomeEvent] = []
        while place.seq < head and len(found) < MOST_EVENTS:
            page = await self._events.page(place, head, rows=_ROWS)
            found += [event for event in page.events if receiver.wants(event)]
            place = page.upto
            if not found:
                receiver.seen = place
        if len(found) > MOST_EVENTS:
            found = found[:MOST_EVENTS]
            place = found[-1].place
        return found, place

    async def _heard(self, state: ReceiverState, answer: Taken | Gone | NotTaken, events: int) -> float:
        name = state.name
        match answer:
            case Taken():
                # What it has is on record even where we are stopped just now.
                await asyncio.shield(self._states.told(name, self._holder))
                if state.fault:
                    _log.info("receiver_takes_again", receiver=name)
                return 0.0
            case Gone():
                await self._states.failed(name, self._holder, "HTTP 410", self._clock.machine(), stop=True)
                _log.error("receiver_gone", receiver=name, mend=f"penstock events resume {name}")
            case NotTaken(why, after):
                pause = self._pause(state.tries, after)
                await self._states.failed(name, self._holder, why, self._clock.machine() + pause)
                _log.warning("outcomes_not_taken", receiver=name, why=why, events=events, again_in=round(pause))
        return self._look

    def _pause(self, tries: int, asked: float | None) -> float:
        """Twice as long after each try, an hour at most, up to a quarter shorter; never shorter than was asked."""
        pause = min(FIRST_PAUSE * 2.0 ** min(tries, 20), LONGEST_PAUSE) * (1 - self._jitter() / 4)
        return max(pause, min(asked, _LONGEST_ASKED)) if asked is not None else pause
