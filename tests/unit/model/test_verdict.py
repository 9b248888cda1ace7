from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from penstock.model.codes import PRECEDENCE, Code
from penstock.model.verdict import Facts, Reason, Verdict, decide

REASONS = st.lists(
    st.builds(
        Reason,
        stage=st.just("s"),
        verdict=st.sampled_from(Verdict),
        code=st.none() | st.sampled_from(Code),
    )
)


def test_every_code_has_its_precedence() -> None:
    assert set(PRECEDENCE) == set(Code)


@given(REASONS)
def test_the_verdict_is_the_strictest_and_the_headline_the_lowest_number(reasons: list[Reason]) -> None:
    decision = decide(tuple(reasons), "first")
    assert decision.verdict.rank == max((r.verdict.rank for r in reasons), default=0)
    against = [r.code for r in reasons if r.verdict is not Verdict.SEND and r.code]
    if against:
        assert decision.code is not None
        assert PRECEDENCE[decision.code] == min(PRECEDENCE[code] for code in against)
        assert set(decision.codes) == set(against)


@given(REASONS, REASONS)
def test_another_reason_never_makes_a_decision_milder(reasons: list[Reason], more: list[Reason]) -> None:
    before, after = decide(tuple(reasons), "first"), decide(tuple(reasons + more), "first")
    assert after.verdict.rank >= before.verdict.rank


def test_the_headline_may_come_from_a_milder_verdict_than_the_strictest() -> None:
    reasons = (
        Reason("a", Verdict.HOLD, Code.COUNTRY_UNKNOWN),
        Reason("b", Verdict.BLOCK, Code.NOT_RELEVANT),
    )
    decision = decide(reasons, "first")
    assert (decision.verdict, decision.code) == (Verdict.BLOCK, Code.COUNTRY_UNKNOWN)


def test_a_deferral_waits_for_the_latest_date() -> None:
    early, late = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC)
    reasons = tuple(
        Reason("cap", Verdict.DEFER, Code.FREQUENCY_CAP, facts=Facts(until=until)) for until in (late, early)
    )
    assert decide(reasons, "first").until == late
    blocked = (*reasons, Reason("s", Verdict.BLOCK, Code.SUPPRESSED_PERSON))
    assert decide(blocked, "first").until is None
