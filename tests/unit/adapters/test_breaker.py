from __future__ import annotations

from datetime import timedelta

from penstock.adapters.breaker import Breaker
from penstock.testing.clocks import FakeClock


def test_three_bad_ends_in_a_row_open_it_for_the_pause() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, pause=60.0)
    for _ in range(2):
        breaker.bad("silence")
        assert not breaker.open
    breaker.bad("silence")
    assert breaker.open
    assert breaker.why == "silence"
    clock.advance(timedelta(seconds=60))
    assert not breaker.open


def test_anything_good_starts_the_count_again() -> None:
    breaker = Breaker(FakeClock())
    for _ in range(9):
        breaker.bad("silence")
        breaker.bad("silence")
        breaker.good()
    assert not breaker.open


def test_after_the_pause_one_more_bad_end_is_enough() -> None:
    clock = FakeClock()
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.bad("silence")
    clock.advance(timedelta(minutes=2))
    breaker.bad("garbage")
    assert breaker.open
    clock.advance(timedelta(minutes=2))
    breaker.good()
    breaker.bad("silence")
    assert not breaker.open


def test_a_longer_stop_is_not_shortened() -> None:
    clock = FakeClock()
    breaker = Breaker(clock, pause=60.0, most=1)
    breaker.trip("our login was refused", 900.0)
    breaker.bad("silence")
    clock.advance(timedelta(minutes=10))
    assert breaker.open
