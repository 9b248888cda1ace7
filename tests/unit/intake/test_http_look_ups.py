"""So many look-ups for each client, whatever the others do."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from penstock.intake.http_look_ups import LookUps
from penstock.model.window import Window


def test_all_of_a_period_may_be_used_at_once_and_then_one_by_one() -> None:
    look_ups = LookUps(Window(60, timedelta(minutes=1)))
    assert look_ups.wait("crm", 60, 0.0) == 0
    assert look_ups.wait("crm", 1, 0.0) == 1
    assert look_ups.wait("shop", 60, 0.0) == 0
    assert look_ups.wait("crm", 1, 1.0) == 0
    assert look_ups.wait("crm", 10, 2.0) == 9
    assert look_ups.wait("crm", 60, 100.0) == 0


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 10)), max_size=100))
def test_never_more_than_twice_the_count_are_granted_in_a_period(asked: list[tuple[float, int]]) -> None:
    look_ups, now = LookUps(Window(10, timedelta(seconds=10))), 0.0
    granted: list[tuple[float, int]] = []
    for pause, number in asked:
        now += pause
        if not look_ups.wait("crm", number, now):
            granted.append((now, number))
    for start, _ in granted:
        assert sum(number for at, number in granted if start <= at < start + 10) <= 20


def test_a_bounded_number_of_clients_is_kept() -> None:
    look_ups = LookUps(Window(1, timedelta(minutes=1)))
    for number in range(10_000):
        look_ups.wait(str(number), 1, 0.0)
    assert len(look_ups._free_at) == 4096
