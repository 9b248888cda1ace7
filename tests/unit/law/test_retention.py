"""How long a record may be kept: the boundaries to the day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.retention import Keeping, keeping, kept_since, last_answer, last_sign, stale_on
from penstock.model.contact import Consent, Contact, Relationship, Source

SIGN = datetime(2023, 11, 20, 15, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("today", "asked", "expected"),
    [
        (date(2026, 11, 20), None, Keeping.KEEP),
        (date(2026, 11, 21), None, Keeping.RECONFIRM),
        (date(2026, 12, 20), None, Keeping.RECONFIRM),
        (date(2026, 12, 21), None, Keeping.DELETE),
        (date(2027, 1, 9), date(2026, 12, 11), Keeping.RECONFIRM),
        (date(2027, 1, 10), date(2026, 12, 11), Keeping.DELETE),
        (date(2026, 12, 1), date(2020, 1, 1), Keeping.RECONFIRM),  # asked about an older silence
    ],
)
def test_a_record_is_kept_three_years_then_asked_about_then_deleted(
    today: date, asked: date | None, expected: Keeping
) -> None:
    assert keeping(SIGN, today, years=3, reconfirm_days=30, asked=asked) is expected


def test_whoever_must_not_be_asked_goes_at_once() -> None:
    assert keeping(SIGN, date(2026, 11, 20), years=3, reconfirm_days=0) is Keeping.KEEP
    assert keeping(SIGN, date(2026, 11, 21), years=3, reconfirm_days=0) is Keeping.DELETE


def test_a_leap_day_counts_to_the_end_of_february() -> None:
    assert stale_on(datetime(2024, 2, 29, tzinfo=UTC), 3) == date(2027, 3, 1)


def test_purchases_and_inquiries_are_answers_and_the_collection_is_none() -> None:
    now = SIGN + 900 * DAY
    record = Contact(
        "a@firm.example",
        source=Source(collected_at=SIGN + 9 * DAY),
        last_contact_from_person_at=now + DAY,
        relationship=Relationship(last_purchase_at=SIGN, last_inquiry_at=SIGN + DAY),
    )
    assert last_answer(record, now) == SIGN + DAY
    assert last_sign(record, now) == SIGN + 9 * DAY
    assert last_sign(Contact("a@firm.example"), now) is None


def test_a_consent_that_stands_keeps_the_record_and_its_proof() -> None:
    now = SIGN + 900 * DAY
    given, taken_back = Consent(given_at=now - DAY), Consent(given_at=now - DAY, withdrawn_at=now)
    record = Contact("a@firm.example", source=Source(collected_at=SIGN))
    assert kept_since(replace(record, consents=(given,)), now) == now - DAY
    assert kept_since(replace(record, consents=(taken_back,)), now) == SIGN
    assert kept_since(Contact("a@firm.example"), now) is None


@given(st.integers(0, 3000), st.integers(0, 400), st.none() | st.integers(-2000, 2000))
def test_time_only_ever_goes_from_keep_to_reconfirm_to_delete(age: int, more: int, asked: int | None) -> None:
    day = None if asked is None else SIGN.date() + asked * DAY
    order = list(Keeping)
    first, later = (
        keeping(SIGN, SIGN.date() + days * DAY, years=3, reconfirm_days=30, asked=day) for days in (age, age + more)
    )
    assert order.index(first) <= order.index(later)
