from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.assessment import lia_fault, lia_faults, unanswered
from penstock.model.assessment import LiaOutcome
from penstock.model.codes import Code
from penstock.testing.samples import an_assessment

TODAY = date(2026, 11, 20)
DAY = timedelta(days=1)
COMPLETE = an_assessment()
NEEDED = ("purpose", "interest", "necessity", "reasonable_expectation", "impact", "safeguards", "reviewer")


def fault(today: date = TODAY, **fields: Any) -> tuple[Code, str] | None:
    return lia_fault(replace(COMPLETE, **fields), "nordlicht", today)


def code(today: date = TODAY, **fields: Any) -> Code | None:
    found = fault(today, **fields)
    return None if found is None else found[0]


def test_a_complete_current_approved_assessment_carries_its_controllers_claim() -> None:
    assert fault() is None
    assert lia_faults(COMPLETE, "nordlicht", TODAY) == ()


def test_no_assessment_is_missing() -> None:
    found = lia_fault(None, "nordlicht", TODAY)
    assert found is not None
    assert found[0] is Code.LIA_MISSING


@pytest.mark.parametrize("field", NEEDED)
@pytest.mark.parametrize("blank", ["", "  \n"])
def test_each_part_of_the_balancing_is_needed(field: str, blank: str) -> None:
    value: Any = (blank,) if field == "safeguards" else blank
    assert code(**{field: value}) is Code.LIA_MISSING
    assert unanswered(replace(COMPLETE, **{field: value})) == (field,)


def test_no_safeguard_at_all_is_an_empty_answer() -> None:
    assert code(safeguards=()) is Code.LIA_MISSING


@pytest.mark.parametrize("field", ["outcome", "reviewed_at", "expires_at"])
def test_outcome_review_and_expiry_are_needed(field: str) -> None:
    nothing: dict[str, Any] = {field: None}
    assert code(**nothing) is Code.LIA_MISSING


@pytest.mark.parametrize("field", ["benefit_to_whom", "interest_link"])
def test_who_gains_and_how_is_asked_but_not_needed(field: str) -> None:
    nothing: dict[str, Any] = {field: None if field == "benefit_to_whom" else ""}
    assert code(**nothing) is None


@pytest.mark.parametrize("who", ["sued", ""])
def test_another_controllers_assessment_does_not_count(who: str) -> None:
    assert code(controller=who) is Code.LIA_MISSING
    assert lia_fault(replace(COMPLETE, controller=""), "", TODAY) is not None


def test_a_rejected_assessment_does_not_count() -> None:
    found = fault(outcome=LiaOutcome.REJECTED)
    assert found is not None
    assert found[0] is Code.LIA_MISSING
    assert "rejected" in found[1]


@pytest.mark.parametrize(("reviewed", "found"), [(TODAY - DAY, None), (TODAY, None), (TODAY + DAY, Code.LIA_MISSING)])
def test_a_review_yet_to_come_is_none(reviewed: date, found: Code | None) -> None:
    assert code(reviewed_at=reviewed) is found


def test_a_review_at_the_end_of_the_calendar_is_yet_to_come_and_no_error() -> None:
    assert code(reviewed_at=date.max, expires_at=date.max) is Code.LIA_MISSING


@pytest.mark.parametrize(
    ("expires", "found"), [(TODAY + DAY, None), (TODAY, Code.LIA_EXPIRED), (TODAY - DAY, Code.LIA_EXPIRED)]
)
def test_an_assessment_holds_until_the_day_it_expires(expires: date, found: Code | None) -> None:
    assert code(expires_at=expires) is found


@pytest.mark.parametrize(
    ("reviewed", "today", "found"),
    [
        (date(2025, 11, 20), TODAY, None),
        (date(2025, 11, 19), TODAY, Code.LIA_EXPIRED),
        (date(2024, 2, 29), date(2025, 2, 28), None),
        (date(2024, 2, 29), date(2025, 3, 1), Code.LIA_EXPIRED),
        (date(2027, 2, 28), date(2028, 2, 28), None),
        (date(2027, 2, 28), date(2028, 2, 29), Code.LIA_EXPIRED),
    ],
)
def test_an_assessment_is_reviewed_again_within_twelve_months(reviewed: date, today: date, found: Code | None) -> None:
    assert code(today, reviewed_at=reviewed, expires_at=date(2030, 1, 1)) is found


def test_everything_that_stands_against_it_is_told() -> None:
    bad = replace(
        COMPLETE, controller="sued", impact="", outcome=LiaOutcome.REJECTED, reviewed_at=date(2025, 1, 1),
        expires_at=date(2026, 1, 1),
    )  # fmt: skip
    found = lia_faults(bad, "nordlicht", TODAY)
    assert [each.fields for each in found] == [
        ("controller",), ("impact",), ("outcome",), ("expires_at",), ("reviewed_at",),
    ]  # fmt: skip
    assert {each.code for each in found} == {Code.LIA_MISSING, Code.LIA_EXPIRED}
    assert all(each.why.endswith(".") for each in found)


@given(
    empty=st.sets(st.sampled_from(NEEDED)),
    outcome=st.sampled_from([None, *LiaOutcome]),
    reviewed=st.none() | st.integers(-800, 30),
    expires=st.none() | st.integers(-30, 800),
)
def test_only_a_complete_approved_current_assessment_carries(
    empty: set[str], outcome: LiaOutcome | None, reviewed: int | None, expires: int | None
) -> None:
    blanks: dict[str, Any] = {name: () if name == "safeguards" else " " for name in empty}
    lia = replace(
        COMPLETE, **blanks, outcome=outcome,
        reviewed_at=None if reviewed is None else TODAY + reviewed * DAY,
        expires_at=None if expires is None else TODAY + expires * DAY,
    )  # fmt: skip
    current = reviewed is not None and -365 <= reviewed <= 0 and expires is not None and expires > 0
    carries = not empty and outcome is LiaOutcome.APPROVED and current
    assert (lia_fault(lia, "nordlicht", TODAY) is None) == carries
