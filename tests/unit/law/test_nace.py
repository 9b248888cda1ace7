from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.nace import industry_matches, normal_nace

NOT_ASSIGNED = {0, 4, 34, 40, 44, 45, 48, 54, 57, 67, 76, 83, 89}
codes = st.from_regex(r"[0-9]{2}(\.[0-9]{1,2})?", fullmatch=True).filter(lambda code: normal_nace(code) is not None)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("C28", "C28"), ("c28.1", "C28.1"), ("28.1", "C28.1"), ("28.13", "C28.13"), ("C 28", "C28"), ("C", "C"),
        (" v ", "V"), ("01.1", "A01.1"), ("35", "D35"), ("46.90", "G46.90"), ("99.00", "V99.00"),
    ],
)  # fmt: skip
def test_a_code_has_one_normal_form(written: str, normal: str) -> None:
    assert normal_nace(written) == normal


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("J58", "J58"), ("J62", "K62"), ("J62.01", "K62.01"), ("K64", "L64"), ("L68", "M68"), ("M70.2", "N70.2"),
        ("N78", "O78"), ("O84", "P84"), ("P85", "Q85"), ("Q86", "R86"), ("R93", "S93"), ("S95", "T95"), ("T97", "U97"),
        ("U99", "V99"),
    ],
)  # fmt: skip
def test_a_letter_of_the_older_revision_gives_way_to_the_division(before: str, now: str) -> None:
    assert normal_nace(before) == now


@pytest.mark.parametrize("number", range(100))
def test_exactly_the_divisions_of_the_regulation_exist(number: int) -> None:
    assert (normal_nace(f"{number:02}") is None) == (number in NOT_ASSIGNED)


@pytest.mark.parametrize(
    "text",
    ["", "  ", "W", "W28", "2", "C2", "28.", "28.1.3", "28.131", "2813", "machinery", "C-28", "C28,C29", "２８", "С28"],
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert normal_nace(text) is None


@pytest.mark.parametrize("text", ["A28", "C62", "L64.1.", "G45", "V68"])
def test_a_letter_that_contradicts_the_division_in_both_revisions_is_no_code(text: str) -> None:
    assert normal_nace(text) is None


def test_a_section_holds_its_divisions_groups_and_classes() -> None:
    chain = ["C", "C28", "C28.1", "C28.13"]
    for depth, wanted in enumerate(chain):
        assert [industry_matches(code, wanted) for code in chain] == [n >= depth for n in range(4)]


@pytest.mark.parametrize(("code", "wanted"), [("28.13", "c 28"), ("J62", "K"), ("62.1", "J62"), ("C28.10", "28.1")])
def test_both_sides_may_be_written_freely(code: str, wanted: str) -> None:
    assert industry_matches(code, wanted)


@pytest.mark.parametrize(("code", "wanted"), [("C29", "C28"), ("C28.2", "C28.1"), ("D35", "C"), ("J58", "K62")])
def test_a_sibling_does_not_match(code: str, wanted: str) -> None:
    assert not industry_matches(code, wanted)


@pytest.mark.parametrize(("code", "wanted"), [("", ""), ("C28", ""), ("", "C"), ("44", "44"), ("C28", "machinery")])
def test_what_cannot_be_read_matches_nothing(code: str, wanted: str) -> None:
    assert not industry_matches(code, wanted)


@given(st.text(max_size=12))
def test_the_normal_form_is_its_own_normal_form(text: str) -> None:
    normal = normal_nace(text)
    assert normal is None or normal_nace(normal) == normal


@given(codes)
def test_a_code_matches_itself_its_division_and_its_section(code: str) -> None:
    normal = normal_nace(code)
    assert normal is not None
    assert all(industry_matches(code, wanted) for wanted in (normal, normal[:3], normal[0]))


@given(codes, codes)
def test_two_codes_match_both_ways_only_when_they_are_the_same(one: str, other: str) -> None:
    both = industry_matches(one, other) and industry_matches(other, one)
    assert both == (normal_nace(one) == normal_nace(other))
