"""How long an ESP wants us to wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.http_rates import asked_pause

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "refused", "seconds"),
    [
        ({}, True, None),
        ({"retry-after": "7"}, True, 7),
        ({"retry-after": "7"}, False, 7),
        ({"retry-after": "Fri, 20 Nov 2026 09:00:30 GMT"}, True, 30),
        ({"retry-after": "Fri, 20 Nov 2026 08:00:00 GMT"}, True, 0),
        ({"retry-after": "soon"}, True, None),
        ({"retry-after": "999999999"}, True, 86_400),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "9"}, False, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, False, 9),
        ({"x-ratelimit-reset": str(int(NOW.timestamp()) + 11)}, True, 11),
        ({"ratelimit-reset": "4"}, True, 4),
        ({"x-sib-ratelimit-remaining": "0", "x-sib-ratelimit-reset": "600"}, False, 600),
        ({"x-ratelimit-remaining": "none", "x-ratelimit-reset": "-1"}, True, None),
    ],
)
def test_what_the_headers_ask(headers: dict[str, str], refused: bool, seconds: int | None) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert asked_pause(headers, NOW, refused=refused) == expected


@given(st.dictionaries(st.sampled_from(["retry-after", "ratelimit-reset", "ratelimit-remaining"]), st.text()))
def test_no_header_makes_us_wait_longer_than_a_day(headers: dict[str, str]) -> None:
    pause = asked_pause(headers, NOW, refused=True)
    assert pause is None or timedelta(0) <= pause <= timedelta(days=1)
