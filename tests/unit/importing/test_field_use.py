from __future__ import annotations

from dataclasses import replace

from penstock.importing.field_use import FieldUse, contact_fields, unused_fields
from penstock.model.campaign import Audience, Campaign, MessageSpec, Range
from penstock.model.contact import Company, Contact, Function
from penstock.sources.cell import contact_readers

READS = (
    ("address", ("address", "flags", "campaign.basis")),
    ("relevance", ("function", "company.region", "company.employees", "country")),
    ("legal_basis", ("relationship", "consents")),
)
MESSAGE = MessageSpec("a@b.example", "subject", fields=("given_name", "company.name"))
CAMPAIGN = Campaign("autumn", "nordlicht", "offer", MESSAGE)
ANNA = Contact("a@b.example", given_name="Anna", title="Buyer", company=Company(region="SE-O", domains=()))


def test_every_field_that_a_file_may_fill_is_known() -> None:
    assert set(contact_fields()) == {"address", *contact_readers(str)}


def test_what_no_template_stage_or_audience_looks_at_is_unused() -> None:
    unused = set(unused_fields([CAMPAIGN], READS))
    assert {"title", "function", "company.region", "company.employees", "seniority"} <= unused
    assert not {"address", "flags", "given_name", "company.name", "consents"} & unused
    assert not any(field.startswith("relationship.") for field in unused)


def test_a_field_is_used_as_soon_as_one_campaign_asks_for_it() -> None:
    asking = replace(CAMPAIGN, audience=Audience(functions=(Function.HR,), employees=Range(50), regions=("SE-O",)))
    assert {"title", "function", "company.region", "company.employees"}.isdisjoint(
        unused_fields([CAMPAIGN, asking], READS)
    )


def test_rows_are_counted_where_they_fill_an_unused_field() -> None:
    use = FieldUse([CAMPAIGN], unused_fields([CAMPAIGN], READS))
    for contact in (ANNA, ANNA, replace(ANNA, title=None)):
        use.count(contact)
    assert (use.campaigns, use.rows) == (("autumn",), {"title": 2, "company.region": 3})


def test_without_a_campaign_nothing_is_said() -> None:
    use = FieldUse([], unused_fields([], READS))
    use.count(ANNA)
    assert (use.campaigns, dict(use.rows)) == ((), {})
