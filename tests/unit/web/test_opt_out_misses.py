"""Counting of links that do not exist."""

from __future__ import annotations

from penstock.web.opt_out_misses import Misses


def test_neighbours_share_and_strangers_do_not() -> None:
    misses = Misses(1)
    assert not misses.too_many("192.0.2.1", 0.0)
    assert misses.too_many("192.0.2.99", 1.0)
    assert not misses.too_many("198.51.100.1", 1.0)
    assert not misses.too_many("2001:db8::1", 1.0)
    assert misses.too_many("2001:db8::ffff:1", 1.0)
    assert not misses.too_many("2001:db8:0:1::1", 1.0)
    assert not misses.too_many("no address", 1.0)


def test_after_the_period_all_is_forgiven() -> None:
    misses = Misses(1, period=60.0)
    assert [misses.too_many("192.0.2.1", at) for at in (0.0, 59.0, 60.0, 61.0)] == [False, True, False, True]


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    misses = Misses(1, networks=2)
    for caller in ("192.0.2.1", "198.51.100.1", "203.0.113.1"):
        assert not misses.too_many(caller, 0.0)
    assert misses.too_many("203.0.113.1", 0.0)
    assert not misses.too_many("192.0.2.1", 0.0)
    assert len(misses._seen) == 2
