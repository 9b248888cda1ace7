from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.clocks import deadline, hours_after, months_after, public_holidays

SATURDAY, SUNDAY = 5, 6
CHRISTMAS = frozenset({date(2026, 12, 25), date(2026, 12, 28)})
days = st.dates(date(1990, 1, 1), date(2100, 12, 31))


def no_holidays(country: str, year: int) -> frozenset[date]:
    return frozenset()


def christmas(country: str, year: int) -> frozenset[date] | None:
    return CHRISTMAS if (country, year) == ("SE", 2026) else None


@pytest.mark.parametrize(
    ("day", "n", "end"),
    [
        (date(2026, 1, 15), 1, date(2026, 2, 15)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 2, 28), 1, date(2026, 3, 28)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 1, 31), -2, date(2025, 11, 30)),
    ],
)
def test_months_end_on_the_same_numbered_day_or_the_last_of_the_month(day: date, n: int, end: date) -> None:
    assert months_after(day, n) == end


@given(day=days, n=st.integers(-600, 600))
def test_a_number_of_months_later_is_that_month_and_never_a_later_day(day: date, n: int) -> None:
    end = months_after(day, n)
    assert (end.year - day.year) * 12 + end.month - day.month == n
    assert end.day == day.day or (end.day < day.day and (end + timedelta(days=1)).day == 1)


@given(day=days, n=st.integers(0, 24))
def test_who_starts_later_never_ends_earlier(day: date, n: int) -> None:
    assert months_after(day, n) <= months_after(day + timedelta(days=1), n)


@pytest.mark.parametrize(("day", "n"), [(date(9999, 12, 1), 1), (date(1, 1, 1), -1)])
def test_there_are_no_months_outside_the_calendar(day: date, n: int) -> None:
    with pytest.raises(ValueError, match="calendar"):
        months_after(day, n)


@pytest.mark.parametrize(
    ("received", "end"),
    [
        (date(2026, 10, 20), date(2026, 11, 20)),  # a Friday
        (date(2026, 10, 21), date(2026, 11, 23)),  # Saturday to Monday
        (date(2026, 10, 22), date(2026, 11, 23)),  # Sunday to Monday
        (date(2026, 10, 23), date(2026, 11, 23)),  # a Monday
        (date(2026, 1, 31), date(2026, 3, 2)),  # the last of February is a Saturday
        (date(2026, 11, 24), date(2026, 12, 24)),  # a working day before the holidays
        (date(2026, 11, 25), date(2026, 12, 29)),  # Christmas on Friday, week-end, a substitute day on Monday
    ],
)
def test_an_end_on_a_day_off_moves_to_the_next_working_day(received: date, end: date) -> None:
    assert deadline(received, 1, "SE", strict=False, calendar=christmas) == end


@pytest.mark.parametrize("country", ["", "XX", "DE"])
@pytest.mark.parametrize("received", [date(2026, 10, 21), date(2026, 11, 25), date(2026, 1, 31)])
def test_where_the_holidays_are_not_known_the_end_does_not_move(country: str, received: date) -> None:
    assert deadline(received, 1, country, strict=False, calendar=christmas) == months_after(received, 1)


def test_an_end_that_would_move_into_a_year_not_known_does_not_move() -> None:
    def until_2022(country: str, year: int) -> frozenset[date] | None:
        return frozenset() if year <= 2022 else None

    assert deadline(date(2022, 11, 30), 1, "SE", strict=False, calendar=until_2022) == date(2022, 12, 30)
    assert deadline(date(2022, 12, 1), 1, "SE", strict=False, calendar=until_2022) == date(2023, 1, 1)
    assert deadline(date(2022, 10, 31), 2, "SE", strict=False, calendar=until_2022) == date(2022, 12, 31)


@pytest.mark.parametrize(
    ("received", "months", "end"),
    [
        (date(2026, 10, 23), 1, date(2026, 11, 22)),  # 31 days in October; a Sunday stays one
        (date(2026, 11, 20), 1, date(2026, 12, 20)),  # 30 days in November; not moved off the Sunday
        (date(2027, 1, 29), 1, date(2027, 2, 28)),  # February is over before 30 days are
        (date(2026, 10, 23), 3, date(2027, 1, 21)),
    ],
)
def test_strict_is_thirty_days_flat_where_that_is_earlier(received: date, months: int, end: date) -> None:
    assert deadline(received, months, "SE", strict=True, calendar=no_holidays) == end


@given(received=days, months=st.integers(1, 24), strict=st.booleans())
def test_no_deadline_lies_before_its_month_without_reason_or_after_its_week_end(
    received: date, months: int, strict: bool
) -> None:
    end = deadline(received, months, "SE", strict=strict, calendar=no_holidays)
    plain = months_after(received, months)
    assert received < end
    if strict:
        assert end <= received + timedelta(days=30 * months)
        assert end <= deadline(received, months, "SE", strict=False, calendar=no_holidays)
    else:
        assert plain <= end <= plain + timedelta(days=2)
        assert end.weekday() not in {SATURDAY, SUNDAY}


@given(received=days, months=st.integers(1, 24), free=st.sets(st.integers(0, 40), max_size=12))
def test_more_holidays_never_make_a_deadline_earlier(received: date, months: int, free: set[int]) -> None:
    off = frozenset(months_after(received, months) + timedelta(days=n) for n in free)
    end = deadline(received, months, "SE", strict=False, calendar=lambda country, year: off)
    assert end >= deadline(received, months, "SE", strict=False, calendar=no_holidays)
    assert end not in off


@pytest.mark.parametrize("months", [0, -1])
def test_a_period_has_at_least_one_month(months: int) -> None:
    with pytest.raises(ValueError, match="at least one month"):
        deadline(date(2026, 11, 20), months, "SE", strict=False, calendar=no_holidays)


@pytest.mark.parametrize(
    ("country", "day"), [("FR", date(2027, 7, 14)), ("SE", date(2028, 6, 6)), ("DE", date(2028, 10, 3))]
)
def test_national_holidays_are_known_for_their_own_country(country: str, day: date) -> None:
    received = months_after(day, -1)
    assert deadline(received, 1, country, strict=False) == day + timedelta(days=1)
    assert deadline(received, 1, "XX", strict=False) == day


@pytest.mark.parametrize("country", ["", "XX", "se", "date", "country_holidays", "HolidayBase"])
def test_what_is_no_known_country_has_no_holidays(country: str) -> None:
    assert public_holidays(country, 2026) is None


def test_hours_run_through_week_ends_and_changes_of_the_clock() -> None:
    friday = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    assert hours_after(friday, 72) == datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
    stockholm = datetime(2027, 3, 27, 12, 0, tzinfo=ZoneInfo("Europe/Stockholm"))  # summer time begins the next night
    assert hours_after(stockholm, 24) == datetime(2027, 3, 28, 11, 0, tzinfo=UTC)


def test_a_moment_without_offset_starts_no_clock() -> None:
    with pytest.raises(ValueError, match="offset"):
        hours_after(datetime(2026, 11, 20, 17, 30), 72)  # noqa: DTZ001
