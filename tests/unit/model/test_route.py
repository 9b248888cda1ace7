"""Routes made of several adapters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.route import Name, Several, names_in, parse_route

A, B, C = Name("a"), Name("b"), Name("c")


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ("main", Name("main")),
        (" my-esp_2 ", Name("my-esp_2")),
        ("failover", Name("failover")),
        ("a.b", Name("a.b")),
        ("failover(a b)", Several("failover", ((A, 1), (B, 1)))),
        ("roundrobin( a  b c )", Several("roundrobin", ((A, 1), (B, 1), (C, 1)))),
        ("weighted(a=3 b=1)", Several("weighted", ((A, 3), (B, 1)))),
        ("failover(weighted(a=3 b = 1) c)", Several("failover", ((Several("weighted", ((A, 3), (B, 1))), 1), (C, 1)))),
    ],
)
def test_a_route_is_read_as_written(text: str, route: Name | Several) -> None:
    assert parse_route(text) == route


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "name is missing"),
        ("failover()", "two or more"),
        ("failover(a)", "two or more"),
        ("failover(a b", "not closed"),
        ("failover(a b) c", "nothing may follow"),
        ("failover(a a)", "twice"),
        ("failover(a roundrobin(b a))", "twice"),
        ("weighted(a b)", "needs a number"),
        ("weighted(a=0 b=1)", "needs a number"),
        ("weighted(a=x b=1)", "needs a number"),
        ("sometimes(a b)", "no kind of route"),
        ("failover(a, b)", "name is missing"),
        ("failover(" * 20, "too deep"),
    ],
)
def test_a_wrong_route_says_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_route(text)


@given(st.text(alphabet="ab()= failover1", max_size=40))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        route = parse_route(text)
    except ValueError:
        return
    assert len(list(names_in(route))) >= 1
