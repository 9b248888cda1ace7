from __future__ import annotations

from datetime import UTC, datetime

from penstock.run_tally import RunTally
from penstock.testing import a_contact, a_mail

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_a_colleague_finds_the_earlier_mail_in_the_company_history() -> None:
    tally = RunTally()
    first = a_mail(a_contact("anna@firm.example"))
    tally.note([first], NOW)
    (second,) = tally.merge([a_mail(a_contact("bert@firm.example"))])
    assert [touch.mail_id for touch in second.history.company] == [first.id]
    assert second.history.person == ()
    assert second.history.twin is None


def test_the_same_person_under_another_form_finds_a_twin() -> None:
    tally = RunTally()
    first = a_mail(a_contact("an.na@gmail.com"))
    tally.note([first], NOW)
    (second,) = tally.merge([a_mail(a_contact("anna@gmail.com"))])
    assert second.history.twin == first.id


def test_one_known_by_domain_and_by_company_id_counts_once() -> None:
    tally = RunTally()
    first = a_mail(a_contact("anna@firm.example"))
    assert first.identity.company
    assert first.identity.organisation
    tally.note([first], NOW)
    (second,) = tally.merge([a_mail(a_contact("bert@firm.example"))])
    assert len(second.history.company) == 1


def test_strangers_stay_as_they_are() -> None:
    tally = RunTally()
    tally.note([a_mail(a_contact("anna@firm.example"))], NOW)
    stranger = a_mail(a_contact("zoe@elsewhere.example", company=a_contact().company.__class__()))
    assert tally.merge([stranger]) == [stranger]
