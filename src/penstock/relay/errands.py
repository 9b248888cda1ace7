"""What is due from time to time in a relay, in one of its processes: reports to senders, outcomes, an alarm."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from penstock.errors import Unavailable
from penstock.observe.backlog import ReadBacklog
from penstock.observe.log import get_logger
from penstock.observe.metrics import Tallies
from penstock.wiring import House

__all__ = ["RelayErrands"]

_REPORT_SECONDS = 5.0
_LOOK_SECONDS = 10.0

_log = get_logger("relay")


class RelayErrands:
    """Each goes on whatever becomes of the others; what fails is tried again."""

    def __init__(self, house: House, backlog: ReadBacklog, tallies: Tallies) -> None:
        self._house = house
        self._backlog = backlog
        self._tallies = tallies
        self._uncertain = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        from penstock.outcomes.telling import TellingOutcomes

        telling = TellingOutcomes(self._house)
        await asyncio.gather(
            _again("reports", self._report, _REPORT_SECONDS, stop),
            _again("alarm", self.look, _LOOK_SECONDS, stop),
            _again("outcomes", lambda: telling.run(stop), _LOOK_SECONDS, stop),
        )

    async def _report(self) -> None:
        from penstock.reporting_back import report_back

        if number := await report_back(self._house):
            self._tallies.reported(number)

    async def look(self) -> None:
        """Tell of mails in doubt, once for each change of their number."""
        number = (await self._backlog()).uncertain
        if number != self._uncertain:
            tell = _log.error if number > self._uncertain else _log.info
            tell("uncertain_changed", uncertain=number, before=self._uncertain)
            self._uncertain = number


async def _again(what: str, errand: Callable[[], Awaitable[None]], pause: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await errand()
        except Unavailable as fault:
            _log.warning("errand_waits", errand=what, fault=type(fault).__name__)
        except Exception as fault:  # noqa: BLE001 — the next time may go better, and all else goes on
            _log.error("errand_failed", errand=what, fault=type(fault).__name__)
        try:
            await asyncio.wait_for(stop.wait(), pause)
        except TimeoutError:
            continue
