"""A check of one's own: no advertising on quiet days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from penstock.errors import ConfigError
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services

__all__ = ["QuietDays", "QuietDaysOptions"]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class QuietDaysOptions:
    """Keys of the `[[stage]]` table: English weekdays and single dates (UTC)."""

    weekdays: tuple[str, ...] = ("saturday", "sunday")
    dates: tuple[date, ...] = ()


class QuietDays:
    """Defers advertising that falls on a quiet day to the next day that is not one."""

    Options: ClassVar[type] = QuietDaysOptions
    name = "quiet_days"
    phase = Phase.JUDGE
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("clock",)

    def __init__(self, options: QuietDaysOptions, services: Services) -> None:
        """Raises ConfigError for a word that is no weekday, or when every day is quiet."""
        unknown = [word for word in options.weekdays if word.lower() not in WEEKDAYS]
        if unknown:
            raise ConfigError(
                f"{unknown[0]!r} is no weekday", where="stage quiet_days.weekdays", mend="monday … sunday"
            )
        self._weekdays = frozenset(WEEKDAYS.index(word.lower()) for word in options.weekdays)
        if len(self._weekdays) == len(WEEKDAYS):
            raise ConfigError("every day is quiet", where="stage quiet_days.weekdays", mend="leave a day out")
        self._dates = frozenset(options.dates)
        self._clock = services.clock

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """The same answer for the whole batch: one moment, one day. No store call."""
        today = self._clock.now().date()
        if not self._quiet(today):
            return [(Reason(self.name, Verdict.SEND, why="not a quiet day"),)] * len(mails)
        day = today
        while self._quiet(day):
            day += timedelta(days=1)
        until = datetime.combine(day, time(), tzinfo=UTC)
        reason = Reason(
            self.name,
            Verdict.DEFER,
            None,
            f"{today:%A} is a quiet day here",
            Facts(until=until),
            rule="stage quiet_days",
        )
        return [(reason,)] * len(mails)

    def _quiet(self, day: date) -> bool:
        return day.weekday() in self._weekdays or day in self._dates
