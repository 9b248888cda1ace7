from __future__ import annotations

from datetime import UTC, date, datetime
from importlib.metadata import entry_points

import pytest

from penstock.errors import ConfigError
from penstock.model.verdict import Verdict
from penstock.ports import Stage
from penstock.testing import CheckContract, FakeClock, a_mail, some_services
from penstock_example.quiet_days import QuietDays, QuietDaysOptions

FRIDAY, SATURDAY = datetime(2026, 11, 20, 9, tzinfo=UTC), datetime(2026, 11, 21, 9, tzinfo=UTC)


class TestContract(CheckContract):
    """The promises every check makes; inherited."""

    def stage(self) -> Stage:
        return QuietDays(QuietDaysOptions(), some_services())


async def test_on_a_working_day_mail_goes() -> None:
    check = QuietDays(QuietDaysOptions(), some_services(clock=FakeClock(FRIDAY)))
    ((reason,),) = await check.judge([a_mail()])
    assert reason.verdict is Verdict.SEND


async def test_on_a_weekend_it_waits_until_monday() -> None:
    check = QuietDays(QuietDaysOptions(), some_services(clock=FakeClock(SATURDAY)))
    ((reason,),) = await check.judge([a_mail()])
    assert reason.verdict is Verdict.DEFER
    assert reason.facts.until == datetime(2026, 11, 23, tzinfo=UTC)


async def test_single_dates_are_quiet_too() -> None:
    options = QuietDaysOptions(weekdays=(), dates=(date(2026, 11, 20),))
    ((reason,),) = await QuietDays(options, some_services(clock=FakeClock(FRIDAY))).judge([a_mail()])
    assert reason.facts.until == datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    "days", [("someday",), ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")]
)
def test_options_that_cannot_be_meant_are_refused_at_start(days: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError):
        QuietDays(QuietDaysOptions(weekdays=days), some_services())


def test_it_is_found_through_its_entry_point() -> None:
    (point,) = [point for point in entry_points(group="penstock.stages") if point.name == "quiet_days"]
    assert point.load() is QuietDays
