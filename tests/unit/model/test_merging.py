"""What a newer record of the same person may change, and what it never takes away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from penstock.model.contact import (
    Company,
    Consent,
    Contact,
    Flag,
    Mechanism,
    Published,
    Relationship,
    Source,
    SourceMethod,
)
from penstock.model.merging import merged

words = st.none() | st.sampled_from(["a", "b", "c"])
moments = st.none() | st.integers(1, 28).map(lambda day: datetime(2026, 10, day, tzinfo=UTC))
switches = st.none() | st.booleans()
consents = st.builds(
    Consent,
    channel=words,
    controller=words,
    purpose=words,
    given_at=moments,
    wording=words,
    mechanism=st.none() | st.sampled_from(Mechanism),
    evidence=words,
    withdrawn_at=moments,
)
contacts = st.builds(
    Contact,
    address=st.sampled_from(["Anna@a.example", "anna@a.example"]),
    given_name=words,
    title=words,
    flags=st.lists(st.sampled_from(Flag), max_size=3).map(tuple),
    company=st.builds(Company, name=words, domains=st.lists(st.sampled_from(["a.example", "b.example"])).map(tuple)),
    source=st.builds(Source, reference=words, collected_at=moments),
    consents=st.lists(consents, max_size=4).map(tuple),
    relationship=st.builds(Relationship, last_purchase_at=moments, similar_goods=switches),
    published=st.builds(Published, for_offers=switches, no_advertising=switches),
    verified_at=moments,
    notice_given_at=moments,
)


def key(consent: Consent) -> tuple[object, ...]:
    return consent.channel, consent.controller, consent.purpose, consent.given_at


@given(contacts, contacts)
def test_merging_loses_no_consent_and_no_flag(old: Contact, new: Contact) -> None:
    both = merged(old, new)
    assert {key(c) for c in both.consents} == {key(c) for c in old.consents + new.consents}
    assert set(both.flags) == set(old.flags) | set(new.flags)
    assert len(both.flags) == len(set(both.flags))


@given(contacts, contacts)
def test_a_withdrawal_stays_at_its_earliest_date(old: Contact, new: Contact) -> None:
    both = {key(c): c for c in merged(old, new).consents}
    for consent in old.consents + new.consents:
        if consent.withdrawn_at is not None:
            kept = both[key(consent)].withdrawn_at
            assert kept is not None
            assert kept <= consent.withdrawn_at


@given(contacts, contacts)
def test_merging_the_same_record_again_changes_nothing(old: Contact, new: Contact) -> None:
    once = merged(old, new)
    assert merged(once, new) == once
    assert merged(once, once) == once


@given(contacts, contacts)
def test_a_newer_value_wins_and_an_unknown_one_takes_nothing_away(old: Contact, new: Contact) -> None:
    both = merged(old, new)
    assert both.address == new.address
    for before, after, result in (
        (old.given_name, new.given_name, both.given_name),
        (old.title, new.title, both.title),
        (old.verified_at, new.verified_at, both.verified_at),
        (old.company.name, new.company.name, both.company.name),
        (old.source.reference, new.source.reference, both.source.reference),
        (old.relationship.similar_goods, new.relationship.similar_goods, both.relationship.similar_goods),
        (old.published.no_advertising, new.published.no_advertising, both.published.no_advertising),
    ):
        assert result == (before if after is None else after)
    assert both.company.domains == (new.company.domains or old.company.domains)


@given(contacts, contacts)
def test_the_first_collection_and_the_earliest_notice_stay(old: Contact, new: Contact) -> None:
    both = merged(old, new)
    if old.source.collected_at is not None:
        assert both.source.collected_at == old.source.collected_at
    notices = [at for at in (old.notice_given_at, new.notice_given_at) if at is not None]
    assert both.notice_given_at == min(notices, default=None)


def test_a_false_is_an_answer_and_not_an_unknown() -> None:
    old = Contact("a@a.example", relationship=Relationship(similar_goods=True))
    new = Contact("a@a.example", relationship=Relationship(similar_goods=False))
    assert merged(old, new).relationship.similar_goods is False


def test_a_consent_is_completed_by_a_later_record_of_it() -> None:
    given_at = datetime(2026, 1, 1, tzinfo=UTC)
    bare = Consent("email", "Nordlicht", "offers", given_at)
    proved = replace(bare, evidence="sha256:ab", mechanism=Mechanism.DOUBLE_OPT_IN)
    both = merged(Contact("a@a.example", consents=(bare,)), Contact("a@a.example", consents=(proved,)))
    assert both.consents == (proved,)


def test_a_field_without_a_rule_of_its_own_is_merged_too() -> None:
    old = Contact("a@a.example", reason="old", source=Source(method=SourceMethod.EVENT, why="met"))
    new = Contact("a@a.example", language="fr", source=Source(method=SourceMethod.REFERRAL))
    both = merged(old, new)
    assert (both.reason, both.language) == ("old", "fr")
    assert both.source == Source(method=SourceMethod.REFERRAL, why="met")
