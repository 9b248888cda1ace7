"""Slices are large where mails leave fast and small where they wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.delivery.slice_size import SLICE, SliceSize


def test_a_fast_way_out_soon_gets_whole_slices() -> None:
    sizes = SliceSize()
    for _ in range(4):
        sizes.took("main", sizes.of("main"), 0.01)
    assert sizes.of("main") == SLICE


def test_the_end_of_a_round_makes_no_slice_smaller() -> None:
    sizes = SliceSize()
    for mails in (10, 20, 40, 50, 1):
        sizes.took("main", mails, 0.01)
    assert sizes.of("main") == SLICE
    sizes.took("main", 1, 0.1)
    assert sizes.of("main") == 5


def test_a_slow_way_out_gets_what_leaves_in_half_a_second() -> None:
    sizes = SliceSize()
    sizes.took("slow", 10, 2.0)
    assert sizes.of("slow") == 2
    assert sizes.of("other") == 10


@given(st.lists(st.tuples(st.integers(1, SLICE), st.floats(0, 100)), max_size=20))
def test_a_slice_always_has_one_to_fifty_mails(took: list[tuple[int, float]]) -> None:
    sizes = SliceSize()
    for mails, seconds in took:
        sizes.took("main", mails, seconds)
        assert 1 <= sizes.of("main") <= SLICE
