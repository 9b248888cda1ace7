from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Controller
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind, Source, SourceMethod, Visibility
from penstock.model.mail import History, Mail, Touch
from penstock.model.verdict import Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS
from penstock.stages.checks.provenance import Provenance, ProvenanceOptions
from penstock.testing import some_services

Make = Callable[..., Mail]
Said = list[tuple[Verdict, Code | None]]

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)  # a Friday
TODAY = NOW.date()
SEND: Said = [(Verdict.SEND, None)]
NO_SOURCE = (Verdict.HOLD, Code.SOURCE_MISSING)
FORBIDDEN = (Verdict.BLOCK, Code.SOURCE_FORBIDDEN)
UNVERIFIED = (Verdict.HOLD, Code.UNVERIFIED)
NO_REASON = (Verdict.HOLD, Code.REASON_MISSING)
OVERDUE = (Verdict.HOLD, Code.ART14_OVERDUE)

SOURCE = Source(
    method=SourceMethod.OWN_SITE,
    reference="https://firm.example/team",
    collected_at=datetime(2026, 11, 10, tzinfo=UTC),
    collected_by="e.berg",
    visibility=Visibility.PUBLIC,
)
CONTACT = Contact(
    "anna.keller@firm.example",
    country="FR",
    source=SOURCE,
    verified_at=datetime(2026, 11, 15, tzinfo=UTC),
    reason="your site shows a new plant in Lyon",
)
FROM_SUPPLIER = replace(SOURCE, method=SourceMethod.SUPPLIER, supplier="atlas", reference="atlas file 14, row 7")


@dataclass(slots=True)
class MovedClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def machine(self) -> float:
        return self.at.timestamp()


@dataclass(frozen=True, slots=True)
class OneSupplier:
    status: str = "approved"
    contract: str = "A-1"
    method: SourceMethod | None = SourceMethod.OWN_SITE
    last_refresh: date | None = date(2026, 10, 1)
    requires_consent: bool = False


OURS = {"nordlicht": Controller("nordlicht", "Nordlicht Software AB", "Stockholm", "SE")}


def weekends_only(country: str, year: int) -> frozenset[date] | None:
    return frozenset() if country == "SE" else None


def check_of(supplier: OneSupplier | None = None, *, now: datetime = NOW, strict: bool = False) -> Provenance:
    suppliers = {"atlas": supplier or OneSupplier()}
    services = some_services(clock=MovedClock(now), controllers=OURS, suppliers=suppliers)
    return Provenance(ProvenanceOptions(strict=strict), services, weekends_only)


@pytest.fixture(scope="session")
def judge(make_mail: Make) -> Callable[..., Any]:
    async def judged(contact: Contact | None, check: Provenance | None = None, **mail: Any) -> Said:
        (reasons,) = await (check or check_of()).judge([make_mail(contact=contact, **mail)])
        assert all(reason.why and reason.rule and reason.facts.fields for reason in reasons)
        assert all(reason.stage == "provenance" for reason in reasons)
        return [(reason.verdict, reason.code) for reason in reasons]

    return judged


Judge = Callable[..., Any]


def with_source(**fields: Any) -> Contact:
    return replace(CONTACT, source=replace(SOURCE, **fields))


async def test_a_record_that_answers_for_itself_goes(judge: Judge) -> None:
    assert await judge(CONTACT) == SEND


async def test_only_advertising_is_asked() -> None:
    assert check_of().streams == COMMERCIAL_STREAMS


async def test_an_unknown_contact_is_held(judge: Judge) -> None:
    assert await judge(None) == [(Verdict.HOLD, Code.CONTACT_UNKNOWN)]


@pytest.mark.parametrize("missing", ["method", "collected_at", "reference"])
@pytest.mark.parametrize("kind", list(RecipientKind))
async def test_how_when_and_where_must_be_known_of_every_mailbox(
    judge: Judge, missing: str, kind: RecipientKind
) -> None:
    assert await judge(with_source(**{missing: None}), kind=kind) == [NO_SOURCE]


async def test_a_blank_reference_is_none(judge: Judge) -> None:
    assert await judge(with_source(reference="  ")) == [NO_SOURCE]


async def test_a_collection_in_the_future_is_no_answer(judge: Judge) -> None:
    assert await judge(with_source(collected_at=NOW + timedelta(seconds=1))) == [NO_SOURCE]
    assert await judge(with_source(collected_at=NOW)) == SEND


@pytest.mark.parametrize(
    "method", [SourceMethod.CUSTOMER, SourceMethod.WEB_FORM, SourceMethod.EVENT, SourceMethod.REFERRAL]
)
async def test_where_somebody_of_ours_was_told_the_collector_is_reference_enough(
    judge: Judge, method: SourceMethod
) -> None:
    assert await judge(with_source(method=method, reference=None)) == SEND
    assert await judge(with_source(method=method, reference=None, collected_by=None)) == [NO_SOURCE]
    assert await judge(with_source(method=method, collected_by=None)) == SEND


@pytest.mark.parametrize("method", [SourceMethod.OWN_SITE, SourceMethod.REGISTRY, SourceMethod.PUBLIC_PROFILE])
async def test_what_was_found_needs_the_place(judge: Judge, method: SourceMethod) -> None:
    assert await judge(with_source(method=method, reference=None)) == [NO_SOURCE]


@pytest.mark.parametrize("visibility", [None, Visibility.UNKNOWN, Visibility.LIMITED])
async def test_a_profile_that_was_not_open_to_everybody_is_forbidden(
    judge: Judge, visibility: Visibility | None
) -> None:
    assert await judge(with_source(method=SourceMethod.PUBLIC_PROFILE, visibility=visibility)) == [FORBIDDEN]


@pytest.mark.parametrize("method", list(SourceMethod))
async def test_limited_visibility_is_forbidden_however_the_data_were_obtained(
    judge: Judge, method: SourceMethod
) -> None:
    assert FORBIDDEN in await judge(with_source(method=method, visibility=Visibility.LIMITED, supplier="atlas"))


async def test_a_scraped_directory_is_held(judge: Judge) -> None:
    assert await judge(with_source(method=SourceMethod.SCRAPED_DIRECTORY)) == [NO_SOURCE]


@pytest.mark.parametrize(("country", "workplace"), [("US", None), ("FR", "CA"), ("CA", "FR"), ("usa", "FR")])
async def test_a_guessed_address_is_forbidden_in_the_us_and_canada_even_when_verified(
    judge: Judge, country: str, workplace: str | None
) -> None:
    contact = replace(with_source(method=SourceMethod.INFERRED), country=country, workplace_country=workplace)
    assert await judge(contact) == [FORBIDDEN]


async def test_a_guess_for_both_countries_breaks_both_laws(judge: Judge) -> None:
    contact = replace(with_source(method=SourceMethod.INFERRED), country="US", workplace_country="CA")
    assert await judge(contact) == [FORBIDDEN, FORBIDDEN]


async def test_a_guessed_address_goes_elsewhere_once_it_is_verified(judge: Judge) -> None:
    guessed = with_source(method=SourceMethod.INFERRED)
    assert await judge(guessed) == SEND
    for verified in (None, NOW + timedelta(days=1)):
        unverified = replace(guessed, verified_at=verified)
        assert await judge(unverified) == [UNVERIFIED]
        answered = replace(unverified, last_contact_from_person_at=NOW - timedelta(days=9))
        assert await judge(answered) == SEND
        taken = History(person=(Touch("m1", NOW - timedelta(days=9)),))
        assert await judge(unverified, history=taken) == SEND


@pytest.mark.parametrize("kind", [RecipientKind.NAMED, RecipientKind.SOLE_TRADER])
@pytest.mark.parametrize("reason", [None, "", "  ", "a lead", "Potential customer."])
async def test_a_person_needs_a_reason_of_their_own(judge: Judge, kind: RecipientKind, reason: str | None) -> None:
    assert await judge(replace(CONTACT, reason=reason), kind=kind) == [NO_REASON]


async def test_a_generic_mailbox_needs_no_reason_and_no_notice(judge: Judge) -> None:
    old = replace(with_source(collected_at=datetime(2026, 1, 1, tzinfo=UTC)), reason=None)
    assert await judge(old, kind=RecipientKind.GENERIC) == SEND
    assert await judge(old) == [NO_REASON, OVERDUE]


async def test_an_unlisted_supplier_is_forbidden(judge: Judge) -> None:
    unlisted = replace(CONTACT, source=replace(FROM_SUPPLIER, supplier="unheard of"))
    assert await judge(unlisted) == [FORBIDDEN]
    assert await judge(with_source(supplier="unheard of")) == [FORBIDDEN]


async def test_a_supplier_without_a_name_is_held(judge: Judge) -> None:
    for name in (None, " "):
        assert await judge(replace(CONTACT, source=replace(FROM_SUPPLIER, supplier=name))) == [NO_SOURCE]


@pytest.mark.parametrize(
    ("supplier", "expected"),
    [
        (OneSupplier(), SEND),
        (OneSupplier(status="banned"), [FORBIDDEN]),
        (OneSupplier(status="banned", contract="", last_refresh=None), [FORBIDDEN]),
        (OneSupplier(status="something new"), [FORBIDDEN]),
        (OneSupplier(status="probation"), [NO_SOURCE]),
        (OneSupplier(contract=" "), [NO_SOURCE]),
        (OneSupplier(method=None), SEND),
        (OneSupplier(last_refresh=None), [UNVERIFIED]),
        (OneSupplier(last_refresh=date(2025, 11, 21)), SEND),
        (OneSupplier(last_refresh=date(2025, 11, 20)), SEND),
        (OneSupplier(last_refresh=date(2025, 11, 19)), [UNVERIFIED]),
        (OneSupplier(last_refresh=TODAY), SEND),
        (OneSupplier(last_refresh=TODAY + timedelta(days=1)), [UNVERIFIED]),
        (OneSupplier(contract="", last_refresh=None), [NO_SOURCE, UNVERIFIED]),
        (OneSupplier(method=SourceMethod.SCRAPED_DIRECTORY), [NO_SOURCE]),
    ],
)
async def test_a_supplier_must_be_in_order(judge: Judge, supplier: OneSupplier, expected: Said) -> None:
    assert await judge(replace(CONTACT, source=FROM_SUPPLIER), check_of(supplier)) == expected


@pytest.mark.parametrize("reference", [None, "", "Atlas ", "atlas"])
async def test_the_suppliers_name_alone_does_not_say_where_the_address_comes_from(
    judge: Judge, reference: str | None
) -> None:
    for method in (SourceMethod.SUPPLIER, SourceMethod.EVENT):
        alone = replace(CONTACT, source=replace(FROM_SUPPLIER, method=method, reference=reference))
        assert await judge(alone) == [NO_SOURCE]


async def test_a_supplier_that_guesses_or_reads_profiles_is_judged_by_that(judge: Judge) -> None:
    guesses = check_of(OneSupplier(method=SourceMethod.INFERRED))
    assert await judge(replace(CONTACT, source=FROM_SUPPLIER, country="US"), guesses) == [FORBIDDEN]
    reads = check_of(OneSupplier(method=SourceMethod.PUBLIC_PROFILE))
    assert await judge(replace(CONTACT, source=replace(FROM_SUPPLIER, visibility=None)), reads) == [FORBIDDEN]
    assert await judge(replace(CONTACT, source=FROM_SUPPLIER), reads) == SEND


@pytest.mark.parametrize(
    ("collected", "today", "expected"),
    [
        ((2026, 10, 21), (2026, 11, 20), SEND),
        ((2026, 10, 20), (2026, 11, 20), SEND),  # the last day itself
        ((2026, 10, 19), (2026, 11, 20), [OVERDUE]),
        ((2026, 10, 21), (2026, 11, 23), SEND),  # ends on a Saturday: Monday
        ((2026, 10, 21), (2026, 11, 24), [OVERDUE]),
        ((2026, 1, 31), (2026, 3, 2), SEND),  # 28 February 2026 is a Saturday
        ((2026, 1, 31), (2026, 3, 3), [OVERDUE]),
        ((2027, 1, 31), (2027, 3, 1), SEND),  # 28 February 2027 is a Sunday
        ((2025, 1, 31), (2025, 2, 28), SEND),
        ((2025, 1, 31), (2025, 3, 1), [OVERDUE]),
        ((2028, 1, 31), (2028, 2, 29), SEND),  # a leap year, a Tuesday
        ((2028, 1, 31), (2028, 3, 1), [OVERDUE]),
    ],
)
async def test_a_person_is_told_within_a_month(
    judge: Judge, collected: tuple[int, int, int], today: tuple[int, int, int], expected: Said
) -> None:
    contact = with_source(collected_at=datetime(*collected, 23, 59, tzinfo=UTC))
    now = datetime(*today, 23, 59, tzinfo=UTC)
    assert await judge(contact, check_of(now=now)) == expected


async def test_under_the_strict_clock_a_month_has_thirty_days(judge: Judge) -> None:
    contact = with_source(collected_at=datetime(2026, 10, 20, tzinfo=UTC))
    assert await judge(contact, check_of(now=datetime(2026, 11, 19, 9, tzinfo=UTC), strict=True)) == SEND
    assert await judge(contact, check_of(now=NOW, strict=True)) == [OVERDUE]


async def test_for_an_unknown_controller_the_month_does_not_move(judge: Judge) -> None:
    saturday = with_source(collected_at=datetime(2026, 10, 21, tzinfo=UTC))
    services = some_services(clock=MovedClock(datetime(2026, 11, 23, tzinfo=UTC)), controllers={})
    assert await judge(saturday, Provenance(ProvenanceOptions(), services, weekends_only)) == [OVERDUE]


@pytest.mark.parametrize("kind", [RecipientKind.NAMED, RecipientKind.SOLE_TRADER, RecipientKind.PRIVATE])
async def test_a_notice_given_ends_the_month_but_not_one_that_is_to_come(judge: Judge, kind: RecipientKind) -> None:
    old = with_source(collected_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert await judge(old, kind=kind) == [OVERDUE]
    assert await judge(old, kind=kind, history=History(noticed=True)) == SEND
    assert await judge(replace(old, notice_given_at=NOW), kind=kind) == SEND
    assert await judge(replace(old, notice_given_at=NOW + timedelta(seconds=1)), kind=kind) == [OVERDUE]


@pytest.mark.parametrize("method", [SourceMethod.CUSTOMER, SourceMethod.WEB_FORM, SourceMethod.EVENT])
async def test_who_gave_the_data_was_told_then_unless_a_supplier_stood_between(
    judge: Judge, method: SourceMethod
) -> None:
    old = with_source(method=method, collected_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert await judge(old) == SEND
    assert await judge(replace(old, source=replace(old.source, supplier="atlas"))) == [OVERDUE]


async def test_everything_that_stands_against_a_mail_is_said(judge: Judge) -> None:
    contact = Contact("a@firm.example", source=Source(visibility=Visibility.LIMITED))
    assert await judge(contact) == [NO_SOURCE, FORBIDDEN, NO_REASON]


moments = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 — bounds have no zone
sources = st.builds(
    Source,
    method=st.none() | st.sampled_from(SourceMethod),
    reference=st.none() | st.just("https://firm.example"),
    collected_at=moments,
    collected_by=st.none() | st.just("e.berg"),
    supplier=st.none() | st.sampled_from(["atlas", "unheard of"]),
    visibility=st.none() | st.sampled_from(Visibility),
)
contacts = st.builds(
    Contact,
    st.just("a@firm.example"),
    country=st.sampled_from([None, "FR", "US", "CA"]),
    source=sources,
    verified_at=moments,
    reason=st.sampled_from([None, "a lead", "your site shows a new plant"]),
    notice_given_at=moments,
)


@given(contacts, st.sampled_from(RecipientKind))
async def test_taking_evidence_away_never_lets_a_stopped_mail_go(
    make_mail: Make, contact: Contact, kind: RecipientKind
) -> None:
    poorer = (
        contact,
        replace(contact, source=Source()),
        replace(contact, source=replace(contact.source, reference=None)),
        replace(contact, source=replace(contact.source, collected_at=None)),
        replace(contact, verified_at=None),
        replace(contact, reason=None),
        replace(contact, notice_given_at=None),
    )
    answers = await check_of().judge([make_mail(contact=each, kind=kind) for each in poorer])
    whole, *rest = (strictest(reasons) for reasons in answers)
    assert whole is Verdict.SEND or Verdict.SEND not in rest


async def test_the_good_case_makes_no_new_reason(make_mail: Make) -> None:
    check = check_of()
    one, other = await check.judge([make_mail(0, contact=CONTACT), make_mail(1, contact=CONTACT)])
    assert one is other
