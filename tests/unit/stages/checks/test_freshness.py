from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact, Relationship, Source
from penstock.model.mail import History, Mail, Touch
from penstock.model.verdict import Verdict, strictest
from penstock.ports import COMMERCIAL_STREAMS, Services
from penstock.stages.checks.freshness import Freshness, FreshnessOptions, touches_needed

Make = Callable[..., Mail]
MakeServices = Callable[..., Services]
Judge = Callable[..., Any]
Said = list[tuple[Verdict, Code | None]]

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SEND: Said = [(Verdict.SEND, None)]
STALE = (Verdict.BLOCK, Code.STALE)
UNVERIFIED = (Verdict.HOLD, Code.UNVERIFIED)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CONTACT = Contact(
    "anna.keller@firm.example", source=Source(collected_at=day("2026-11-10")), verified_at=day("2026-11-15")
)


def collected(text: str, **fields: Any) -> Contact:
    return replace(CONTACT, source=Source(collected_at=day(text)), **fields)


def touched(*days: str) -> History:
    """Mails on these days, newest first."""
    return History(person=tuple(Touch(f"mail {text}", day(text)) for text in days))


class StoppedAt:
    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment

    def machine(self) -> float:
        return self._moment.timestamp()


@pytest.fixture(scope="session")
def judge(make_mail: Make, make_services: MakeServices) -> Judge:
    async def judged(contact: Contact | None, now: datetime = NOW, **mail: Any) -> Said:
        options = mail.pop("options", FreshnessOptions())
        check = Freshness(options, make_services(clock=StoppedAt(now)))
        (reasons,) = await check.judge([make_mail(contact=contact, **mail)])
        assert all(reason.why and reason.rule and reason.facts.fields for reason in reasons)
        assert all(reason.stage == "freshness" for reason in reasons)
        return [(reason.verdict, reason.code) for reason in reasons]

    return judged


async def test_a_recent_and_verified_record_goes(judge: Judge) -> None:
    assert await judge(CONTACT) == SEND


async def test_only_advertising_is_asked() -> None:
    assert Freshness.streams == COMMERCIAL_STREAMS


async def test_an_unknown_contact_is_held(judge: Judge) -> None:
    assert await judge(None) == [(Verdict.HOLD, Code.CONTACT_UNKNOWN)]


@pytest.mark.parametrize(
    ("since", "today", "expected"),
    [
        ("2023-11-21", "2026-11-20", SEND),
        ("2023-11-20", "2026-11-20", SEND),  # three years to the day
        ("2023-11-19", "2026-11-20", [STALE]),
        ("2024-02-29", "2027-02-28", SEND),
        ("2024-02-29", "2027-03-01", [STALE]),
        ("2021-02-28", "2024-02-28", SEND),
        ("2021-02-28", "2024-02-29", [STALE]),
    ],
)
async def test_a_record_is_stale_after_three_years(judge: Judge, since: str, today: str, expected: Said) -> None:
    now = day(today) + timedelta(hours=23, minutes=59)
    assert await judge(collected(since, verified_at=now), now) == expected


@pytest.mark.parametrize(
    "sign",
    [
        {"last_contact_from_person_at": day("2023-11-20")},
        {"relationship": Relationship(last_purchase_at=day("2023-11-20"))},
        {"relationship": Relationship(last_inquiry_at=day("2023-11-20"))},
    ],
)
async def test_any_sign_of_the_person_keeps_the_record(judge: Judge, sign: dict[str, Any]) -> None:
    assert await judge(collected("2019-01-01", **sign)) == SEND
    assert await judge(replace(CONTACT, source=Source(), **sign)) == SEND
    assert await judge(collected("2019-01-01")) == [STALE]


async def test_a_record_without_any_date_is_held(judge: Judge) -> None:
    assert await judge(replace(CONTACT, source=Source())) == [UNVERIFIED]


@pytest.mark.parametrize(
    "future",
    [
        {"last_contact_from_person_at": NOW + SECOND},
        {"relationship": Relationship(last_purchase_at=NOW + DAY)},
        {"relationship": Relationship(last_inquiry_at=day("9999-12-31"))},
        {"verified_at": NOW + SECOND},
    ],
)
async def test_a_date_in_the_future_proves_nothing_and_is_held(judge: Judge, future: dict[str, Any]) -> None:
    assert await judge(replace(CONTACT, **future)) == [UNVERIFIED]
    assert STALE in await judge(collected("2019-01-01", **future))
    assert await judge(replace(CONTACT, **future), history=touched("2026-11-19")) == [UNVERIFIED]


async def test_a_collection_in_the_future_leaves_no_date_at_all(judge: Judge) -> None:
    assert await judge(collected("2026-11-21")) == [UNVERIFIED, UNVERIFIED]


@pytest.mark.parametrize(
    ("verified", "expected"),
    [
        (None, [UNVERIFIED]),
        ("2026-05-23T23:59", [UNVERIFIED]),
        ("2026-05-24", SEND),  # 180 days before
        ("2026-05-25", SEND),
        ("2026-11-20T09:00", SEND),
    ],
)
async def test_an_address_is_verified_every_180_days(judge: Judge, verified: str | None, expected: Said) -> None:
    assert await judge(replace(CONTACT, verified_at=None if verified is None else day(verified))) == expected


@pytest.mark.parametrize("verified", [None, day("2020-01-01")])
@pytest.mark.parametrize(("at", "expected"), [("2026-05-23", [UNVERIFIED]), ("2026-05-24", SEND), ("2026-11-20", SEND)])
async def test_a_mail_or_a_word_of_the_person_within_the_period_verifies_too(
    judge: Judge, verified: datetime | None, at: str, expected: Said
) -> None:
    contact = replace(CONTACT, verified_at=verified)
    assert await judge(replace(contact, last_contact_from_person_at=day(at))) == expected
    assert await judge(contact, history=touched(at), stream=Stream.CUSTOMER) == expected


async def test_a_touch_of_the_future_verifies_nothing(judge: Judge) -> None:
    assert await judge(replace(CONTACT, verified_at=None), history=touched("2026-11-21")) == [UNVERIFIED]


@pytest.mark.parametrize(
    ("touches", "heard", "expected"),
    [
        (("2026-11-01",), None, SEND),
        (("2026-11-01", "2026-10-01"), None, SEND),
        (("2026-11-01", "2026-10-01", "2026-09-01"), None, [STALE]),
        (("2026-11-01", "2026-10-01", "2026-09-01"), "2026-08-31", [STALE]),
        (("2026-11-01", "2026-10-01", "2026-09-01"), "2026-09-01", SEND),  # answered at once
        (("2026-11-01", "2026-10-01", "2026-09-01"), "2026-11-19", SEND),
        (("2026-05-21",), None, SEND),
        (("2026-05-20",), None, SEND),  # six months to the day
        (("2026-05-19",), None, [STALE]),
        (("2026-11-01", "2026-05-19"), None, [STALE]),
        (("2026-11-01", "2026-05-19"), "2026-05-19", SEND),
        (("2025-01-01",), "2026-11-19", SEND),
    ],
)
async def test_who_does_not_answer_is_left_alone(
    judge: Judge, touches: tuple[str, ...], heard: str | None, expected: Said
) -> None:
    contact = replace(CONTACT, last_contact_from_person_at=None if heard is None else day(heard))
    assert await judge(contact, history=touched(*touches)) == expected
    if heard is not None:
        for bond in (Relationship(last_purchase_at=day(heard)), Relationship(last_inquiry_at=day(heard))):
            assert await judge(replace(CONTACT, relationship=bond), history=touched(*touches)) == expected


@pytest.mark.parametrize("stream", [Stream.NEWSLETTER, Stream.CUSTOMER])
async def test_only_prospecting_asks_for_answers(judge: Judge, stream: Stream) -> None:
    history = touched("2026-11-01", "2026-10-01", "2026-01-01")
    assert await judge(CONTACT, history=history, stream=stream) == SEND
    assert await judge(CONTACT, history=history) == [STALE]


async def test_an_answer_dated_in_the_future_is_none(judge: Judge) -> None:
    contact = replace(CONTACT, last_contact_from_person_at=NOW + DAY)
    history = touched("2026-11-01", "2026-10-01", "2026-09-01")
    assert await judge(contact, history=history) == [STALE, UNVERIFIED]


async def test_the_numbers_are_the_houses(judge: Judge) -> None:
    options = FreshnessOptions(1, 3, 1, 1)
    assert await judge(collected("2025-11-20", verified_at=day("2026-11-17")), options=options) == SEND
    assert await judge(collected("2025-11-19", verified_at=day("2026-11-16")), options=options) == [STALE, UNVERIFIED]
    assert await judge(CONTACT, history=touched("2026-11-19"), options=options) == [STALE]


def test_it_says_how_much_of_the_past_it_needs() -> None:
    assert touches_needed(FreshnessOptions()) == (timedelta(days=3 * 366), 3)


async def test_the_good_case_makes_no_new_reason(make_mail: Make, make_services: MakeServices) -> None:
    check = Freshness(FreshnessOptions(), make_services())
    one, other = await check.judge([make_mail(0, contact=CONTACT), make_mail(1, contact=CONTACT)])
    assert one is other


past = st.none() | st.datetimes(datetime(2019, 1, 1), datetime(2026, 11, 20), timezones=st.just(UTC))  # noqa: DTZ001 — bounds have no zone


@given(past, past, past, past, past, st.lists(past.filter(bool), max_size=4))
async def test_taking_true_dates_away_never_lets_a_stopped_mail_go(
    make_mail: Make,
    make_services: MakeServices,
    heard: datetime | None,
    found: datetime | None,
    bought: datetime | None,
    asked: datetime | None,
    verified: datetime | None,
    mails: list[datetime],
) -> None:
    history = History(person=tuple(Touch(str(at), at) for at in sorted(mails, reverse=True)))
    whole = Contact("a@firm.example", last_contact_from_person_at=heard, verified_at=verified)
    whole = replace(whole, source=Source(collected_at=found), relationship=Relationship(bought, asked))
    poorer = (
        whole,
        replace(whole, last_contact_from_person_at=None),
        replace(whole, source=Source()),
        replace(whole, relationship=Relationship()),
        replace(whole, verified_at=None),
    )
    check = Freshness(FreshnessOptions(), make_services())
    answers = await check.judge([make_mail(contact=each, history=history) for each in poorer])
    first, *rest = (strictest(reasons) for reasons in answers)
    assert first is Verdict.SEND or Verdict.SEND not in rest


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        ("2026-11-20", [(Verdict.DEFER, Code.CAMPAIGN_NOT_DUE)]),
        ("2026-11-21", SEND),
        ("2026-12-20", SEND),
        ("2026-12-21", [STALE]),
    ],
)
async def test_whether_to_go_on_is_asked_when_a_record_is_stale_and_not_long_after(
    judge: Judge, make_campaign: Callable[..., Any], today: str, expected: Said
) -> None:
    record = collected("2023-11-20", verified_at=day("2026-11-01"))
    campaign = make_campaign(reconfirm=True)
    assert await judge(record, day(today), campaign=campaign) == expected


async def test_who_never_answers_is_not_asked_whether_to_go_on(judge: Judge, make_campaign: Callable[..., Any]) -> None:
    record = collected("2023-11-20", verified_at=day("2026-11-01"))
    silent = touched("2026-11-10", "2026-10-10", "2026-09-10")
    assert await judge(record, day("2026-11-25"), campaign=make_campaign(reconfirm=True), history=silent) == [STALE]
