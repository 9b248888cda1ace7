"""Shared rate limits against a plain model: a bucket that drains evenly."""

from __future__ import annotations

from fractions import Fraction
from itertools import count as numbers
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.store.conftest import FakeClock, World

from penstock.ports import RateQuery
from penstock.store.sqlite import SqliteStore


async def test_a_burst_goes_at_once_and_then_one_per_interval(store: SqliteStore, clock: FakeClock) -> None:
    query = RateQuery("main", ("20/30min",), 50)
    (grant,) = await store.rates.take([query])
    assert grant.granted == 20
    assert grant.ready_at == pytest.approx(clock.seconds + 90)
    (grant,) = await store.rates.take([query])
    assert grant.granted == 0
    assert grant.ready_at == pytest.approx(clock.seconds + 90)
    clock.seconds = grant.ready_at
    (grant,) = await store.rates.take([query])
    assert grant.granted == 1
    clock.seconds += 1800
    assert (await store.rates.take([query]))[0].granted == 20


async def test_a_clock_that_was_set_back_holds_up_for_one_interval_and_gives_no_burst(
    store: SqliteStore, clock: FakeClock
) -> None:
    query = RateQuery("main", ("20/30min",), 50)
    await store.rates.take([query])
    clock.seconds -= 86400
    (grant,) = await store.rates.take([query])
    assert grant.granted == 0
    assert grant.ready_at == pytest.approx(clock.seconds + 90)
    clock.seconds += 90
    assert (await store.rates.take([query]))[0].granted == 1


async def test_the_strictest_of_several_rates_grants(store: SqliteStore, clock: FakeClock) -> None:
    query = RateQuery("main", ("10/s", "15/min"), 100)
    assert (await store.rates.take([query]))[0].granted == 10
    clock.seconds += 1
    (grant,) = await store.rates.take([query])
    assert grant.granted == 5
    assert grant.ready_at == pytest.approx(clock.seconds + 3)


async def test_keys_are_apart_and_queries_of_one_key_count_together(store: SqliteStore) -> None:
    grants = await store.rates.take(
        [RateQuery("a", ("3/s",), 2), RateQuery("b", ("3/s",), 2), RateQuery("a", ("3/s",), 2)]
    )
    assert [grant.granted for grant in grants] == [2, 2, 1]


async def test_no_rate_is_no_limit_and_nothing_wanted_is_nothing_taken(store: SqliteStore, clock: FakeClock) -> None:
    grants = await store.rates.take([RateQuery("a", (), 1000), RateQuery("b", ("3/s",), 0)])
    assert [(grant.granted, grant.ready_at) for grant in grants] == [(1000, clock.seconds), (0, clock.seconds)]
    assert (await store.rates.take([RateQuery("b", ("3/s",), 9)]))[0].granted == 3
    assert await store.rates.take([]) == []


async def test_looking_uses_nothing_up(store: SqliteStore) -> None:
    query = RateQuery("a", ("3/s",), 9)
    assert [grant.granted for grant in await store.rates.peek([query])] == [3]
    assert [grant.granted for grant in await store.rates.take([query])] == [3]
    assert [grant.granted for grant in await store.rates.peek([query])] == [0]


async def test_a_store_opened_to_look_at_takes_nothing(path: Path, file_store: SqliteStore, world: World) -> None:
    query = RateQuery("a", ("3/s",), 2)
    looking = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock, read_only=True)
    for _ in range(3):
        assert (await looking.rates.take([query]))[0].granted == 2
    assert (await file_store.rates.take([query]))[0].granted == 2
    assert (await looking.rates.take([query]))[0].granted == 1
    await looking.aclose()


async def test_two_processes_share_a_rate(path: Path, file_store: SqliteStore, world: World) -> None:
    other = await SqliteStore.open(f"sqlite:///{path}", world.keyring, world.clock)
    query = RateQuery("a", ("3/s",), 2)
    grants = [(await store.rates.take([query]))[0].granted for store in (file_store, other, file_store)]
    assert grants == [2, 1, 0]
    await other.aclose()


async def test_what_has_passed_leaves_no_row(store: SqliteStore, clock: FakeClock) -> None:
    await store.rates.take([RateQuery(f"d{number}.example", ("3/s",), 1) for number in range(150)])
    clock.seconds += 60
    for _ in range(2):
        await store.rates.take([RateQuery("x", ("3/s",), 1)])
    assert await store.database.read(lambda connection: connection.execute("SELECT count(*) FROM rates").get) == 1


async def test_an_unreadable_rate_is_refused(store: SqliteStore) -> None:
    with pytest.raises(ValueError, match="number per time"):
        await store.rates.take([RateQuery("a", ("fast",), 1)])


KEYS = numbers()
steps = st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 12)), max_size=30)  # milliseconds, wanted


@given(steps, st.integers(1, 10), st.integers(1, 10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_grants_are_those_of_a_bucket_that_drains_evenly(
    store: SqliteStore, clock: FakeClock, steps: list[tuple[int, int]], count: int, seconds: int
) -> None:
    clock.seconds = clock.at.timestamp()
    key = f"{next(KEYS)}"
    level, at = Fraction(0), 0  # of the bucket, and when it was so (milliseconds)
    now = 0
    for pause, wanted in steps:
        now += pause
        clock.seconds = clock.at.timestamp() + now / 1000
        level = max(level - Fraction(now - at, 1000) * count / seconds, Fraction(0))
        at = now
        expected = min(wanted, int(count - level))
        (grant,) = await store.rates.take([RateQuery(key, (f"{count}/{seconds}s",), wanted)])
        assert grant.granted == expected
        level += grant.granted
        ready = max(Fraction(0), (level + 1 - count) * seconds / count)
        assert grant.ready_at == pytest.approx(clock.seconds + float(ready), abs=1e-5)
