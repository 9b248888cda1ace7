"""Stylesheets, read as far as letters need it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.compose.stylesheet import Declaration, declared, rules_of


@pytest.mark.parametrize(
    ("css", "rules"),
    [
        ("p, td > a[title='x,y'] { color: red }", [("", "p", "color: red"), ("", "td > a[title='x,y']", "color: red")]),
        ("a:not(.x, .y){b:c}", [("", "a:not(.x, .y)", "b:c")]),
        ("/* p{a:b} */ <!-- .z\n  .y {x:y} -->", [("", ".z .y", "x:y")]),
        ("@import url(x); @charset 'y'; p{a:b}", [("", "p", "a:b")]),
        ("@media (a:9){.a{b:c} .d{e:f}} .g{h:i}", [("(a:9)", ".a", "b:c"), ("(a:9)", ".d", "e:f"), ("", ".g", "h:i")]),
        ("@media Screen{@supports (x:y){.b{d:e}}}", [("screen and (x:y)", ".b", "d:e")]),
        ("@font-face{src:url(x)} @keyframes k{from{a:b}to{c:d}} p{a:b}", [("", "p", "a:b")]),
        ("p{content:'}'; x:y} q{a:b}", [("", "p", "content:'}'; x:y"), ("", "q", "a:b")]),
        ("}} p{a:b", []),
        ("}} p{a:b}", [("", "p", "a:b")]),
        ("a " * 300 + "{b:c} p{a:b}", [("", "p", "a:b")]),
        ("", []),
    ],
)  # fmt: skip
def test_a_rule_is_one_selector_with_its_condition(css: str, rules: list[tuple[str, str, str]]) -> None:
    assert [tuple(rule) for rule in rules_of(css)] == rules


@pytest.mark.parametrize(
    ("css", "found"),
    [
        ("COLOR: Red; margin:0", [Declaration("color", "Red", False), Declaration("margin", "0", False)]),
        ("color:red!important", [Declaration("color", "red", True)]),
        ("color: red ! IMPORTANT;", [Declaration("color", "red", True)]),
        ("background:url(data:image/png;base64,A)", [Declaration("background", "url(data:image/png;base64,A)", False)]),
        ("content:';' ; --x:1", [Declaration("content", "';'", False), Declaration("--x", "1", False)]),
        (";;nonsense;a:b", [Declaration("a", "b", False)]),
    ],
)
def test_declarations_are_read_with_their_weight(css: str, found: list[Declaration]) -> None:
    assert list(declared(css)) == found


@given(st.text(st.sampled_from("{}()[]'\"\\;:,/*@!-> ap.\n"), max_size=80))
def test_no_text_is_too_broken_to_be_read(css: str) -> None:
    assert all(rule.selector for rule in rules_of(css))
    assert all(each.name for each in declared(css))


@pytest.mark.parametrize("piece", ['"', "'", "{", "}", "(", "a:(", "/*", '"\\', "[", 'a:"(', "x:y;", "a,", "\\"])
def test_reading_takes_time_in_proportion_to_the_stylesheet(piece: str) -> None:
    started = time.process_time()
    rules_of(piece * 40_000)
    list(declared(piece * 40_000))
    assert time.process_time() - started < 5
