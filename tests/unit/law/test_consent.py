"""GDPR Art. 4(11), 7: what a consent must say, how it is proven, how long it lasts, what a withdrawal does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.consent import (
    ConsentScope,
    ConsentsFound,
    accepted_mechanisms,
    consents_found,
    within_months,
)
from penstock.model.campaign import Controller
from penstock.model.codes import Code
from penstock.model.contact import Consent, Mechanism
from penstock.testing import a_campaign

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANY = accepted_mechanisms([("any_proven",)])
STRICT = accepted_mechanisms([("double_opt_in", "written")])
NORDLICHT = Controller("nordlicht", "Nordlicht Software AB", "Storgatan 1, Stockholm", "SE")
SCOPE = ConsentScope.of(a_campaign(), NORDLICHT)
PROVEN = Consent(
    channel="email",
    controller="Nordlicht Software AB",
    purpose="purchasing software",
    given_at=datetime(2026, 10, 1, tzinfo=UTC),
    wording="v3",
    mechanism=Mechanism.DOUBLE_OPT_IN,
    evidence="sha256:ab",
)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def found(
    *consents: Consent,
    mechanisms: frozenset[Mechanism] = ANY,
    used_at: datetime | None = None,
    now: datetime = NOW,
    months: int = 24,
) -> ConsentsFound:
    return consents_found(consents, SCOPE, mechanisms, used_at=used_at, now=now, months=months)


@pytest.mark.parametrize(
    ("months", "since", "last"),
    [
        (24, "2024-11-23", "2026-11-23"),
        (24, "2024-02-29", "2026-02-28"),
        (12, "2023-02-28", "2024-02-28"),
        (6, "2026-08-31", "2027-02-28"),
        (6, "2023-08-31", "2024-02-29"),
        (1, "2026-12-31", "2027-01-31"),
    ],
)
def test_a_window_of_months_holds_its_last_day_and_no_more(months: int, since: str, last: str) -> None:
    start, end = day(since), day(last)
    assert within_months(start, months, end - timedelta(days=1))
    assert within_months(start, months, end + timedelta(hours=23, minutes=59))
    assert not within_months(start, months, end + timedelta(days=1))


def test_a_window_does_not_begin_in_the_future_or_without_a_date() -> None:
    assert within_months(NOW, 24, NOW)
    assert not within_months(NOW + timedelta(seconds=1), 24, NOW)
    assert not within_months(None, 24, NOW)


def test_a_complete_consent_covers_the_mail() -> None:
    assert found(PROVEN) == ConsentsFound(valid=0)


@pytest.mark.parametrize("name", ["nordlicht", "NORDLICHT", "Nordlicht  Software AB", "nordlicht software ab"])
def test_the_controller_is_known_by_its_id_and_its_legal_name(name: str) -> None:
    assert found(replace(PROVEN, controller=name)).valid == 0


@pytest.mark.parametrize(
    "purpose", ["Purchasing  Software", " offer of purchasing software to purchasing heads in machinery"]
)
def test_the_purpose_is_the_campaigns_purpose_or_its_product(purpose: str) -> None:
    assert found(replace(PROVEN, purpose=purpose)).valid == 0


@pytest.mark.parametrize(
    ("fields", "codes", "rule"),
    [
        ({"channel": "phone"}, (Code.CONSENT_CHANNEL,), "S-093"),
        ({"channel": None}, (Code.CONSENT_CHANNEL,), "S-093"),
        ({"controller": "Sudlicht Software AB"}, (Code.CONSENT_CONTROLLER,), "S-092"),
        ({"controller": None}, (Code.CONSENT_CONTROLLER,), "S-092"),
        ({"purpose": "newsletter"}, (Code.CONSENT_PURPOSE,), "GDPR Art. 6(1)(a)"),
        ({"purpose": None}, (Code.CONSENT_PURPOSE,), "GDPR Art. 6(1)(a)"),
        ({"given_at": None}, (Code.CONSENT_UNPROVEN,), "GDPR Art. 7(1)"),
        ({"wording": " "}, (Code.CONSENT_UNPROVEN,), "GDPR Art. 7(1)"),
        ({"evidence": None}, (Code.CONSENT_UNPROVEN,), "GDPR Art. 7(1)"),
        ({"mechanism": None}, (Code.CONSENT_UNPROVEN,), "GDPR Art. 7(1)"),
        ({"mechanism": Mechanism.PRE_TICKED}, (Code.CONSENT_UNPROVEN,), "S-091"),
        ({"given_at": NOW + timedelta(seconds=1)}, (Code.CONSENT_EXPIRED,), "0 #36"),
        ({"channel": "phone", "evidence": None}, (Code.CONSENT_CHANNEL, Code.CONSENT_UNPROVEN), "0, principle 4"),
        ({"withdrawn_at": NOW}, (Code.CONSENT_WITHDRAWN,), "GDPR Art. 7(3)"),
        ({"withdrawn_at": NOW + timedelta(days=9)}, (Code.CONSENT_WITHDRAWN,), "0, principle 1"),
    ],
)
def test_every_defect_is_named(fields: dict[str, Any], codes: tuple[Code, ...], rule: str) -> None:
    answer = found(replace(PROVEN, **fields))
    assert (answer.valid, answer.nearest, answer.defects) == (None, 0, codes), rule


@pytest.mark.parametrize(("given_at", "valid"), [("2024-11-22", False), ("2024-11-23", True), ("2024-11-24", True)])
def test_a_consent_lasts_24_months_without_use(given_at: str, valid: bool) -> None:
    answer = found(replace(PROVEN, given_at=day(given_at)))
    assert (answer.valid == 0) is valid
    assert answer.defects == (() if valid else (Code.CONSENT_EXPIRED,))


@pytest.mark.parametrize(
    ("used_at", "valid"),
    [("2024-11-22", False), ("2024-11-23", True), ("2026-11-23", True), ("2026-11-24", False)],
)
def test_a_sign_of_the_person_renews_it_unless_it_is_dated_in_the_future(used_at: str, valid: bool) -> None:
    old = replace(PROVEN, given_at=day("2020-01-01"))
    assert (found(old, used_at=day(used_at)).valid == 0) is valid


@pytest.mark.parametrize(("given_at", "valid"), [("2018-05-24", False), ("2018-05-25", True)])
def test_a_consent_from_before_the_gdpr_must_be_proven_again(given_at: str, valid: bool) -> None:
    """S-009."""
    answer = found(replace(PROVEN, given_at=day(given_at)), used_at=NOW)
    assert answer.defects == (() if valid else (Code.CONSENT_UNPROVEN,))


@pytest.mark.parametrize(
    ("mechanism", "strict", "any_proven"),
    [
        (Mechanism.DOUBLE_OPT_IN, True, True),
        (Mechanism.WRITTEN, True, True),
        (Mechanism.SINGLE_OPT_IN, False, True),
        (Mechanism.ORAL, False, True),
        (Mechanism.PRE_TICKED, False, False),
    ],
)
def test_germany_and_austria_take_only_a_double_opt_in_or_paper(
    mechanism: Mechanism, strict: bool, any_proven: bool
) -> None:
    consent = replace(PROVEN, mechanism=mechanism)
    assert (found(consent, mechanisms=STRICT).valid == 0) is strict
    assert (found(consent, mechanisms=ANY).valid == 0) is any_proven


def test_the_strictest_row_says_what_a_proof_is() -> None:
    assert accepted_mechanisms([("any_proven",), ("double_opt_in", "written")]) == STRICT
    assert accepted_mechanisms([("double_opt_in",), ("written",)]) == frozenset()
    assert accepted_mechanisms([("pre_ticked", "carrier_pigeon")]) == frozenset()
    assert accepted_mechanisms([]) == ANY


def test_of_several_valid_consents_the_latest_is_relied_on() -> None:
    older = replace(PROVEN, given_at=day("2026-01-01"))
    assert found(older, PROVEN, replace(PROVEN, evidence=None)).valid == 1


def test_of_several_invalid_consents_the_one_with_the_fewest_defects_is_named_and_of_these_the_latest() -> None:
    worse = replace(PROVEN, channel="phone", evidence=None, given_at=day("2026-11-01"))
    old, new = replace(PROVEN, channel="phone"), replace(PROVEN, channel="fax", given_at=day("2026-10-02"))
    answer = found(worse, old, new, replace(old, given_at=None))
    assert (answer.nearest, answer.defects) == (2, (Code.CONSENT_CHANNEL,))


WITHDRAWN = replace(PROVEN, withdrawn_at=day("2026-10-20"))


@pytest.mark.parametrize(
    ("fields", "binds"),
    [
        ({}, True),
        ({"purpose": None}, True),
        ({"purpose": "offer of purchasing software to purchasing heads in machinery"}, True),
        ({"purpose": "newsletter"}, False),
        ({"controller": None}, True),
        ({"controller": "Sudlicht Software AB"}, False),
        ({"channel": None}, True),
        ({"channel": "phone"}, False),
        ({"evidence": None, "mechanism": Mechanism.PRE_TICKED}, True),
    ],
)
def test_a_withdrawal_binds_every_like_purpose_of_the_controller(fields: dict[str, Any], binds: bool) -> None:
    assert (found(replace(WITHDRAWN, **fields)).withdrawn == 0) is binds


@pytest.mark.parametrize(("given_at", "lifted"), [("2026-10-19", False), ("2026-10-20", False), ("2026-10-21", True)])
def test_only_a_consent_given_after_the_withdrawal_lifts_it(given_at: str, lifted: bool) -> None:
    answer = found(WITHDRAWN, replace(PROVEN, given_at=day(given_at)))
    assert answer.valid == 1
    assert answer.withdrawn == (None if lifted else 0)


def test_a_later_consent_that_is_not_valid_lifts_nothing() -> None:
    answer = found(WITHDRAWN, replace(PROVEN, given_at=day("2026-11-01"), evidence=None))
    assert answer.withdrawn == 0


def test_a_withdrawal_of_today_goes_before_one_dated_in_the_future() -> None:
    future = replace(PROVEN, withdrawn_at=NOW + timedelta(days=3))
    assert found(future).withdrawn == 0
    assert found(future, WITHDRAWN).withdrawn == 1


def test_without_consents_nothing_is_found() -> None:
    assert found() == ConsentsFound()


def test_without_a_known_controller_the_campaigns_word_for_it_counts() -> None:
    scope = ConsentScope.of(a_campaign(controller="Somebody"), None)
    assert scope.is_controller("somebody")
    assert not scope.is_controller(None)
    assert not scope.is_controller("")


def changed(fields: dict[str, Any]) -> Consent:
    return replace(PROVEN, **fields)


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from([None, "email", "phone"]),
        "controller": st.sampled_from([None, "nordlicht", "Other"]),
        "purpose": st.sampled_from([None, "purchasing software", "newsletter"]),
        "given_at": st.none() | st.datetimes(datetime(2017, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
        "wording": st.sampled_from([None, "", "v1"]),
        "mechanism": st.none() | st.sampled_from(Mechanism),
        "evidence": st.sampled_from([None, "", "sha256:ab"]),
        "withdrawn_at": st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    },
)
CONSENTS = st.lists(CHANGES.map(changed), max_size=4)


@given(CONSENTS, st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_no_consents_leave_it_open_what_is_amiss(consents: list[Consent], used_at: datetime | None) -> None:
    """Either one is valid, or the nearest has a defect that is said; a withdrawal alone is said as one."""
    answer = found(*consents, used_at=used_at)
    if answer.valid is not None:
        consent = consents[answer.valid]
        assert consent.withdrawn_at is None
        assert consent.given_at is not None
        assert consent.given_at <= NOW
        assert consent.mechanism is not Mechanism.PRE_TICKED
    elif consents:
        assert answer.nearest is not None
        assert answer.defects
        assert answer.defects != (Code.CONSENT_WITHDRAWN,) or answer.withdrawn is not None


@given(CONSENTS)
def test_a_consent_that_is_not_withdrawn_never_makes_a_withdrawal_bind(consents: list[Consent]) -> None:
    bound = found(*consents).withdrawn is not None
    assert (found(*consents, replace(PROVEN, evidence=None)).withdrawn is not None) is bound
