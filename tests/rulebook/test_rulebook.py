"""Every case of the rulebook against the command line, and that the table itself is whole."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.rulebook.case import Case
from tests.rulebook.cases import CASES
from tests.rulebook.country_cases import ANSWERS, ROWS
from tests.rulebook.house import Answer, decided

NAMES = [f"{each.rule}: {each.name}" for each in CASES]
VERDICTS = {"send", "defer", "hold", "block", "reject"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    """What the program says to every case, in their order."""
    return decided(CASES, tmp_path_factory.mktemp("rulebook"))


def wanted(case: Case) -> str:
    """What the case asks for, as the first line of its failure."""
    also = [f"+{code}" for code in case.codes] + [case.variant] * bool(case.variant)
    return " ".join(("wanted", case.verdict, case.code, *also, *([f"(open: {case.doubt})"] if case.open else [])))


def told(answer: dict[str, Any]) -> str:
    """What a failing case shows of the decision: the reasons that stop, or all where none does."""
    reasons = answer.get("reasons", ())
    stops = [each for each in reasons if each["verdict"] != "send"] or reasons
    shown = (f"  {each['stage']} {each['verdict']} {each['code']}: {each['why']}" for each in stops)
    return "\n".join((f"found {answer['verdict']} {answer.get('code')} {answer['variant']}", *shown))


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=NAMES)
def test_a_case_is_decided_as_the_rule_says(number: int, case: Case, answers: list[Answer]) -> None:
    answer = answers[number]
    if isinstance(answer, str):
        pytest.fail(answer, pytrace=False)
    codes = answer.get("codes", ())
    as_wanted = (
        answer["verdict"] in case.verdict.split("|")
        and ("*" in case.code or (answer["code"] or "") in case.code.split("|"))
        and set(case.codes) <= set(codes)
        and (not case.variant or answer["variant"] == case.variant)
    )
    if not as_wanted:
        pytest.fail(f"{wanted(case)}\n{told(answer)}", pytrace=False)


def test_no_two_cases_have_the_same_name() -> None:
    assert [name for name, times in Counter(NAMES).items() if times > 1] == []


def test_the_table_holds_at_least_180_cases_and_cites_a_rule_in_each() -> None:
    assert len(CASES) >= 180
    assert all(case.rule.strip() and case.name.count(" ") >= 2 for case in CASES)


def test_every_expectation_is_a_verdict_and_a_stop_has_a_code() -> None:
    for case in CASES:
        assert set(case.verdict.split("|")) <= VERDICTS, case.name
        assert bool(case.code) == (case.verdict != "send"), case.name


def test_every_country_has_its_three_kinds_of_recipients_and_every_kind_of_cell_an_answer() -> None:
    assert len(ROWS) == 35
    assert all(len(row) == 3 for row in ROWS.values())
    assert {cell for row in ROWS.values() for cell in row} == set(ANSWERS)
