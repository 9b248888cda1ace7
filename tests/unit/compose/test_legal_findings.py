"""What lint says of the assessment, the table of law and the professions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from penstock.compose.legal_findings import legal_findings
from penstock.law.jurisdictions import SignOff, Table
from penstock.model.assessment import Lia, LiaOutcome
from penstock.model.campaign import Audience, Basis, Campaign, Stream
from penstock.model.contact import Function
from penstock.model.moment import as_moment
from penstock.testing import FakeClock, a_campaign, some_services

LIA = Lia(
    "purchasing",
    "nordlicht",
    "offer purchasing software",
    "winning customers",
    None,
    "",
    "no milder way",
    "offers for tools are expected",
    "one short mail",
    ("opt-out in each mail",),
    LiaOutcome.APPROVED,
    "A. Lind",
    date(2026, 6, 1),
    date(2027, 6, 1),
)
SIGNED = Table.load().over((), {"*": (SignOff("M. Ostrander", date(2026, 11, 1), "2026-11"),)})
BUYERS = Audience(countries=("FR", "SE"), functions=(Function.PURCHASING,))


def found(at: str = "2026-11-23", table: Table = SIGNED, **changes: Any) -> Sequence[tuple[str, str]]:
    campaign: Campaign = a_campaign(**{"lia": "lia/p.toml", "lia_document": LIA, "audience": BUYERS, **changes})
    services = some_services(clock=FakeClock(as_moment(at)), jurisdictions=table)
    told = list(legal_findings(campaign, services))
    assert {each.level for each in told} <= {"warning"}
    assert all(each.mend for each in told)
    return [(each.where, each.what) for each in told]


def test_a_campaign_in_order_has_nothing_to_report() -> None:
    assert found() == []


def test_a_missing_assessment_and_an_old_one_are_told_apart() -> None:
    ((where, what),) = found(lia_document=None)
    assert (where, what.partition(":")[0]) == ("[campaign] lia", "LIA_MISSING")
    old = found(lia_document=replace(LIA, expires_at=date(2026, 11, 1)))
    assert [what.partition(":")[0] for _, what in old] == ["LIA_EXPIRED"]
    assert "incomplete" in found(lia_document=replace(LIA, necessity=" "))[0][1]


def test_no_assessment_is_asked_for_where_no_interest_is_claimed() -> None:
    assert found(lia_document=None, basis=Basis.CONSENT) == []


def test_rows_that_nobody_signed_and_an_old_table_are_told() -> None:
    ((where, what),) = found(table=Table.load())
    assert where == "policy"
    assert "signed off" in what
    assert "FR, SE" in what
    late = found("2028-01-01", lia_document=replace(LIA, reviewed_at=date(2027, 12, 1), expires_at=date(2029, 1, 1)))
    assert ["older than 12 months" in what for _, what in late] == [True]


@pytest.mark.parametrize(("countries", "told"), [(("FR", "SE"), "FR allow"), (("SE", "DE"), None), ((), "FI, FR, IE")])
def test_where_only_the_profession_allows_mail_the_campaign_must_name_one(
    countries: tuple[str, ...], told: str | None
) -> None:
    lines = [what for where, what in found(audience=Audience(countries=countries)) if where == "[audience] functions"]
    assert [told in line for line in lines if told] == ([True] if told else [])
    assert bool(lines) == bool(told)


def test_mail_that_is_no_advertising_is_not_asked() -> None:
    assert found(stream=Stream.TRANSACTIONAL, lia_document=None, table=Table.load()) == []
