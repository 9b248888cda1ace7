from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from penstock.config.sections import SupplierSettings
from penstock.importing.quarantine import Quarantine
from penstock.model.codes import Code
from penstock.model.contact import Contact, Flag, Source, SourceMethod
from penstock.model.verdict import Verdict

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
GOOD = Contact(
    "anna.keller@muster-werk.example",
    country="FR",
    source=Source(SourceMethod.OWN_SITE, "https://muster-werk.example/team", NOW - timedelta(days=5)),
)
FRESH = {"contract": "C-1", "last_refresh": date(2026, 11, 1)}
SUPPLIERS = {
    "good": SupplierSettings(status="approved", **FRESH),
    "new": SupplierSettings(status="probation", **FRESH),
    "bad": SupplierSettings(status="banned", **FRESH),
    "old": SupplierSettings(status="approved", contract="C-2", last_refresh=date(2025, 1, 1)),
}
QUARANTINE = Quarantine(SUPPLIERS, NOW, 12)


def codes(contact: Contact) -> list[Code | None]:
    return [reason.code for reason in QUARANTINE.reasons(contact)]


def sourced(**fields: Any) -> Contact:
    return replace(GOOD, source=replace(GOOD.source, **fields))


def test_a_record_with_an_origin_and_a_country_is_free() -> None:
    assert QUARANTINE.reasons(GOOD) == ()
    assert QUARANTINE.reasons(sourced(supplier="good")) == ()


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        (sourced(method=None), [Code.SOURCE_MISSING]),
        (sourced(reference=None), [Code.SOURCE_MISSING]),
        (sourced(reference=" "), [Code.SOURCE_MISSING]),
        (sourced(collected_at=None), [Code.SOURCE_MISSING]),
        (sourced(collected_at=NOW + timedelta(days=1)), [Code.SOURCE_MISSING]),
        (sourced(method=SourceMethod.SCRAPED_DIRECTORY), [Code.SOURCE_MISSING]),
        (sourced(method=SourceMethod.SUPPLIER), [Code.SOURCE_MISSING]),
        (sourced(supplier="nobody"), [Code.SOURCE_FORBIDDEN]),
        (sourced(supplier="bad"), [Code.SOURCE_FORBIDDEN]),
        (sourced(supplier="new"), [Code.SOURCE_MISSING]),
        (sourced(supplier="old"), [Code.UNVERIFIED]),
        (replace(GOOD, country=None), [Code.COUNTRY_UNKNOWN]),
        (replace(GOOD, flags=(Flag.SPECIAL_CATEGORY,)), [Code.SPECIAL_CATEGORY]),
        (replace(GOOD, flags=(Flag.RESTRICTED, Flag.MINOR)), [Code.RESTRICTED, Code.MINOR]),
        (Contact("a@b.example"), [Code.SOURCE_MISSING] * 3 + [Code.COUNTRY_UNKNOWN]),
    ],
)
def test_every_lack_is_told_and_none_lets_a_mail_go(contact: Contact, expected: list[Code]) -> None:
    assert codes(contact) == expected
    for reason in QUARANTINE.reasons(contact):
        assert reason.verdict in (Verdict.HOLD, Verdict.BLOCK)
        assert reason.why.endswith(".")
        assert reason.rule
        assert reason.facts.fields


def test_a_day_is_no_lack_at_the_very_moment() -> None:
    assert codes(sourced(collected_at=NOW)) == []
