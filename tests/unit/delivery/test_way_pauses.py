"""Ways out that are away are left alone longer and longer, by a timer that no wall clock touches."""

from __future__ import annotations

from penstock.delivery.way_pauses import WayPauses


class Timer:
    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def test_pauses_grow_from_a_second_to_a_minute() -> None:
    timer = Timer()
    pauses, seen = WayPauses(timer, lambda: 0.0), []
    for _ in range(9):
        pauses.away("main")
        seen.append(pauses.left("main"))
        timer.seconds += seen[-1]
        assert pauses.left("main") == 0.0
    assert seen == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pauses.on_trial("main")
    assert pauses.left("other") == 0.0
    assert not pauses.on_trial("other")


def test_processes_do_not_come_back_together() -> None:
    early, late = WayPauses(Timer(), lambda: 1.0), WayPauses(Timer(), lambda: 0.0)
    early.away("main")
    late.away("main")
    assert (early.left("main"), late.left("main")) == (0.75, 1.0)


def test_slices_in_flight_together_say_once_that_it_is_away() -> None:
    pauses = WayPauses(Timer(), lambda: 0.0)
    for _ in range(4):
        pauses.away("main")
    assert pauses.left("main") == 1.0


def test_who_is_there_again_starts_anew() -> None:
    timer = Timer()
    pauses = WayPauses(timer, lambda: 0.0)
    for _ in range(3):
        pauses.away("main")
        timer.seconds += 60
    pauses.there("main")
    assert not pauses.on_trial("main")
    pauses.away("main")
    assert pauses.left("main") == 1.0
