"""The table of law read for one mailbox: columns, conditions with their proofs, customers, domains of countries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.consent import ConsentScope
from penstock.law.jurisdictions import Jurisdiction, Permission, Table
from penstock.law.permission import (
    Mailing,
    Ruling,
    column_of,
    hinges_on_legal_form,
    ruling,
    soft_opt_in,
    soft_opt_in_gaps,
    tld_country,
)
from penstock.model.contact import LegalForm, Published, RecipientKind, Relationship

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
NAMED, GENERIC, SOLE, PRIVATE = RecipientKind
OURS = ConsentScope("email", frozenset({"nordlicht", "nordlicht software ab"}), frozenset({"purchasing software"}))
FREE, NO_ROLE, FORM, UNCLEAR, OVER, CONSENT = Ruling


@cache
def table() -> Table:
    return Table.load()


def row(cc: str) -> Jurisdiction:
    return table().of(cc, NOW.date())


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def mailing(kind: RecipientKind = NAMED, **fields: Any) -> Mailing:
    plain: dict[str, Any] = {
        "kind": kind,
        "legal_form": LegalForm.COMPANY,
        "published": Published(),
        "relationship": Relationship(),
        "scope": OURS,
        "role_named": True,
        "for_companies": True,
        "now": NOW,
    }
    return Mailing(**(plain | fields))


PUBLISHED = Published(
    url="https://firm.example/kontakt", seen_at=day("2026-11-01"), for_offers=True, no_advertising=False
)
CUSTOMER = Relationship(
    last_purchase_at=day("2026-05-01"), similar_goods=True, notice_at_collection=True, purchased_from="nordlicht"
)


@pytest.mark.parametrize(
    ("cc", "named", "generic", "sole"),
    [
        ("DE", CONSENT, CONSENT, CONSENT),
        ("AT", CONSENT, CONSENT, CONSENT),
        ("CH", CONSENT, CONSENT, CONSENT),
        ("NO", CONSENT, FREE, CONSENT),
        ("SE", FREE, FREE, CONSENT),
        ("US", FREE, FREE, FREE),
        ("BG", UNCLEAR, FREE, CONSENT),
        ("CY", CONSENT, UNCLEAR, CONSENT),
        ("FR", FREE, FREE, FREE),
        ("IE", FREE, FREE, FREE),
        ("FI", FREE, FREE, CONSENT),
        ("GB", FREE, FREE, CONSENT),
        ("NL", CONSENT, CONSENT, CONSENT),
        ("SK", CONSENT, CONSENT, CONSENT),
        ("BE", CONSENT, FREE, CONSENT),
        ("HU", CONSENT, CONSENT, CONSENT),
        ("CA", CONSENT, CONSENT, CONSENT),
        ("XX", CONSENT, CONSENT, CONSENT),
    ],
)
def test_each_column_answers_for_its_mailbox(cc: str, named: Ruling, generic: Ruling, sole: Ruling) -> None:
    """Section 2A; of the conditions only those of role, form and mailbox are met here."""
    answers = [ruling(row(cc), mailing(kind)) for kind in (NAMED, GENERIC, SOLE)]
    assert answers == [named, generic, sole]


@pytest.mark.parametrize("cc", ["FR", "IE", "SK", "US", "SE", "CA"])
def test_a_private_address_needs_consent_everywhere(cc: str) -> None:
    at = mailing(PRIVATE, published=PUBLISHED, relationship=CUSTOMER)
    assert ruling(row(cc), at) is CONSENT


def test_a_generic_mailbox_of_a_sole_trader_is_the_sole_traders() -> None:
    """Note to 2A: info@ at a sole trader is still column (c)."""
    assert column_of(row("NO"), mailing(GENERIC)).kind == "out"
    assert column_of(row("NO"), mailing(GENERIC, legal_form=LegalForm.SOLE_TRADER)).kind == "in"


@pytest.mark.parametrize("cc", ["FR", "FI", "IE"])
@pytest.mark.parametrize(
    ("kind", "role_named", "answer"), [(NAMED, True, FREE), (NAMED, False, NO_ROLE), (GENERIC, False, FREE)]
)
def test_where_the_law_asks_for_the_profession_the_campaign_names_one(
    cc: str, kind: RecipientKind, role_named: bool, answer: Ruling
) -> None:
    """S-047: hard in FR, FI, IE."""
    assert ruling(row(cc), mailing(kind, role_named=role_named)) is answer


def test_a_sole_traders_professional_address_in_france_is_judged_by_the_profession_too() -> None:
    assert ruling(row("FR"), mailing(SOLE, role_named=False)) is NO_ROLE


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        (LegalForm.COMPANY, FREE),
        (LegalForm.SCOTTISH_PARTNERSHIP, FREE),
        (LegalForm.PUBLIC_BODY, FREE),
        (LegalForm.PARTNERSHIP, CONSENT),
        (LegalForm.SOLE_TRADER, CONSENT),
        (None, FORM),
    ],
)
@pytest.mark.parametrize("kind", [NAMED, GENERIC])
def test_the_united_kingdom_lets_mail_go_to_corporate_subscribers_only(
    kind: RecipientKind, form: LegalForm | None, answer: Ruling
) -> None:
    """S-014; PECR reg. 22."""
    assert ruling(row("GB"), mailing(kind, legal_form=form)) is answer


@pytest.mark.parametrize(
    ("cc", "kind", "hangs"),
    [
        ("GB", NAMED, True),
        ("SE", NAMED, True),
        ("SE", GENERIC, True),
        ("FI", NAMED, True),
        ("NO", GENERIC, True),
        ("PT", GENERIC, True),
        ("BE", GENERIC, True),
        ("BG", NAMED, True),
        ("FR", NAMED, False),
        ("FR", GENERIC, False),
        ("IE", GENERIC, False),
        ("US", NAMED, False),
        ("CA", NAMED, False),
        ("AT", NAMED, False),
        ("NO", NAMED, False),
        ("SE", SOLE, False),
        ("SE", PRIVATE, False),
    ],
)
def test_an_unknown_legal_form_matters_where_a_sole_trader_is_better_protected(
    cc: str, kind: RecipientKind, hangs: bool
) -> None:
    """0 #30."""
    assert hinges_on_legal_form(row(cc), mailing(kind, legal_form=None)) is hangs
    assert not hinges_on_legal_form(row(cc), mailing(kind))


@pytest.mark.parametrize(
    ("fields", "nl", "sk"),
    [
        ({}, FREE, FREE),
        ({"url": None}, CONSENT, CONSENT),
        ({"url": " "}, CONSENT, CONSENT),
        ({"seen_at": None}, CONSENT, CONSENT),
        ({"seen_at": day("2026-11-24")}, CONSENT, CONSENT),
        ({"no_advertising": None}, CONSENT, CONSENT),
        ({"no_advertising": True}, CONSENT, CONSENT),
        ({"for_offers": None}, CONSENT, FREE),
        ({"for_offers": False}, CONSENT, FREE),
    ],
)
def test_a_published_address_needs_its_evidence(fields: dict[str, Any], nl: Ruling, sk: Ruling) -> None:
    """Notes to 2A: URL, date, absence of a "no advertising" statement; NL also the purpose."""
    at = mailing(published=replace(PUBLISHED, **fields))
    assert (ruling(row("NL"), at), ruling(row("SK"), at)) == (nl, sk)


@pytest.mark.parametrize(
    ("kind", "form", "published", "answer"),
    [
        (GENERIC, LegalForm.COMPANY, PUBLISHED, FREE),
        (GENERIC, None, PUBLISHED, FORM),
        (GENERIC, LegalForm.SOLE_TRADER, PUBLISHED, CONSENT),
        (GENERIC, LegalForm.COMPANY, Published(), CONSENT),
        (GENERIC, None, Published(), CONSENT),
        (NAMED, LegalForm.COMPANY, PUBLISHED, CONSENT),
    ],
)
def test_hungary_lets_mail_go_to_published_central_addresses_of_organisations(
    kind: RecipientKind, form: LegalForm | None, published: Published, answer: Ruling
) -> None:
    """2 HU: info@ of a sole trader or lawyer is a natural person."""
    assert ruling(row("HU"), mailing(kind, legal_form=form, published=published)) is answer


@pytest.mark.parametrize(("for_companies", "answer"), [(True, FREE), (False, CONSENT)])
def test_belgium_asks_for_a_product_for_legal_persons(for_companies: bool, answer: Ruling) -> None:
    assert ruling(row("BE"), mailing(GENERIC, for_companies=for_companies)) is answer


@pytest.mark.parametrize(
    ("field", "at", "answer"),
    [
        ("last_purchase_at", "2024-11-22", OVER),
        ("last_purchase_at", "2024-11-23", FREE),
        ("last_purchase_at", "2024-11-24", FREE),
        ("last_purchase_at", "2026-11-24", CONSENT),
        ("last_inquiry_at", "2026-05-22", OVER),
        ("last_inquiry_at", "2026-05-23", FREE),
        ("last_inquiry_at", "2026-05-24", FREE),
        ("last_inquiry_at", "2026-11-24", CONSENT),
    ],
)
def test_canadas_windows_close_after_24_and_6_months(field: str, at: str, answer: Ruling) -> None:
    """2 CA (i)."""
    past: dict[str, Any] = {field: day(at)}
    assert ruling(row("CA"), mailing(relationship=Relationship(**past))) is answer


def test_canada_counts_no_purchase_from_somebody_else() -> None:
    past = Relationship(last_purchase_at=day("2026-11-01"), purchased_from="Sudlicht Software AB")
    assert ruling(row("CA"), mailing(relationship=past)) is CONSENT


@pytest.mark.parametrize(
    ("role_named", "no_advertising", "answer"), [(True, False, FREE), (False, False, NO_ROLE), (True, True, CONSENT)]
)
def test_canada_takes_a_published_address_for_offers_that_concern_the_role(
    role_named: bool, no_advertising: bool, answer: Ruling
) -> None:
    """2 CA (ii)."""
    published = replace(PUBLISHED, for_offers=None, no_advertising=no_advertising)
    assert ruling(row("CA"), mailing(role_named=role_named, published=published)) is answer


def test_a_condition_that_is_not_known_here_is_not_met() -> None:
    own = replace(row("FR"), named=Permission("cond", ("full_moon",)), generic=Permission("cond"))
    assert ruling(own, mailing()) is CONSENT
    assert ruling(own, mailing(GENERIC)) is CONSENT


@pytest.mark.parametrize(
    ("cc", "knows"), [("FR", "yes"), ("DE", "yes"), ("IE", "yes"), ("PL", "no"), ("US", "column"), ("CA", "column")]
)
def test_the_exception_for_customers_is_not_known_everywhere(cc: str, knows: str) -> None:
    assert soft_opt_in(row(cc)) == knows
    assert soft_opt_in(replace(row(cc), soft_optin="perhaps")) == "no"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"last_purchase_at": None}, "relationship.last_purchase_at"),
        ({"last_purchase_at": day("2026-11-24")}, "relationship.last_purchase_at"),
        ({"similar_goods": None}, "relationship.similar_goods"),
        ({"similar_goods": False}, "relationship.similar_goods"),
        ({"notice_at_collection": None}, "relationship.notice_at_collection"),
        ({"notice_at_collection": False}, "relationship.notice_at_collection"),
        ({"purchased_from": None}, "relationship.purchased_from"),
        ({"purchased_from": "Sudlicht Software AB"}, "relationship.purchased_from"),
    ],
)
@pytest.mark.parametrize("cc", ["DE", "FR"])
def test_each_condition_of_the_customer_exception_is_asked(cc: str, fields: dict[str, Any], field: str) -> None:
    """Directive 2002/58/EC Art. 13(2)."""
    assert soft_opt_in_gaps(row(cc), mailing(relationship=CUSTOMER)) == ()
    gaps = soft_opt_in_gaps(row(cc), mailing(relationship=replace(CUSTOMER, **fields)))
    assert [gap.field for gap in gaps] == [field]


@pytest.mark.parametrize(("bought", "holds"), [("2025-11-22", False), ("2025-11-23", True), ("2025-11-24", True)])
def test_ireland_lets_the_exception_end_after_12_months(bought: str, holds: bool) -> None:
    """2 IE."""
    at = mailing(relationship=replace(CUSTOMER, last_purchase_at=day(bought)))
    assert (not soft_opt_in_gaps(row("IE"), at)) is holds
    assert not soft_opt_in_gaps(row("FR"), at)


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("a@firm.de", "DE"),
        ("a@firm.co.uk", "GB"),
        ("a@firm.FR", "FR"),
        ("a@xn--e1afmkfd.xn--p1ai", "RU"),
        ("a@firm.example", None),
        ("a@firm.com", None),
        ("a@firm.eu", None),
        ("a@firm.io", None),
        ("a@firm.co", None),
        ("a@firm.app", None),
    ],
)
def test_only_a_top_level_domain_of_one_country_says_where_an_address_belongs(
    address: str, country: str | None
) -> None:
    """Notes to 2A."""
    assert tld_country(address) == country


FORMS = st.none() | st.sampled_from(LegalForm)
MAILINGS = st.builds(
    mailing,
    st.sampled_from(RecipientKind),
    legal_form=FORMS,
    published=st.sampled_from([Published(), PUBLISHED]),
    relationship=st.sampled_from([Relationship(), CUSTOMER]),
    role_named=st.booleans(),
    for_companies=st.booleans(),
)


@given(st.sampled_from(table().countries), MAILINGS)
def test_what_is_not_on_record_never_makes_an_answer_milder(cc: str, at: Mailing) -> None:
    bare = replace(at, published=Published(), relationship=Relationship(), role_named=False, for_companies=False)
    assert ruling(row(cc), bare) >= ruling(row(cc), at)
    unknown = replace(at, legal_form=None)
    if ruling(row(cc), unknown) is FREE and not hinges_on_legal_form(row(cc), unknown):
        assert all(ruling(row(cc), replace(at, legal_form=form)) is FREE for form in LegalForm)
