from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from penstock.store.instants import from_micros, iso, micros

NAIVE = datetime(2020, 1, 1, tzinfo=UTC).replace(tzinfo=None)
moments = st.datetimes(min_value=NAIVE.replace(year=1900), timezones=st.just(UTC))


@given(moments)
def test_a_moment_comes_back_to_the_microsecond(moment: datetime) -> None:
    assert from_micros(micros(moment)) == moment


@given(moments, moments)
def test_text_sorts_like_time(one: datetime, other: datetime) -> None:
    assert (iso(one) < iso(other)) == (one < other)


def test_one_moment_has_one_spelling() -> None:
    moment = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert iso(moment) == iso(moment.astimezone(timezone(timedelta(hours=2)))) == "2026-11-20T08:00:00.000000+00:00"
