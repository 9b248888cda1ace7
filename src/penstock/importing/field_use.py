"""Which fields of a contact any campaign uses: what nobody uses should not be kept (GDPR Art. 5(1)(c))."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter

from penstock.model.campaign import Campaign
from penstock.model.contact import Company, Contact, Published, Relationship, Source

__all__ = ["FieldUse", "contact_fields", "unused_fields"]

_TABLES = {"company": Company, "source": Source, "relationship": Relationship, "published": Published}
_RELEVANCE = "relevance"


def contact_fields() -> tuple[str, ...]:
    """Every field of a contact by its dotted name."""
    found: list[str] = []
    for field in fields(Contact):
        table = _TABLES.get(field.name)
        found += [field.name] if table is None else [f"{field.name}.{leaf.name}" for leaf in fields(table)]
    return tuple(found)


def unused_fields(campaigns: Iterable[Campaign], reads: Iterable[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """The fields that no campaign's template, audience or stage looks at.

    `reads` are the configured stages by name with what each reads. The stage that compares contacts with the audience
    reads what the audience of a campaign asks for, and no more.
    """
    used = {field for name, found in reads if name != _RELEVANCE for field in found}
    for campaign in campaigns:
        used |= {*campaign.message.fields, *_asked(campaign)}
    return tuple(field for field in contact_fields() if field not in used and field.partition(".")[0] not in used)


def _asked(campaign: Campaign) -> set[str]:
    audience = campaign.audience
    asked = {
        "country": audience.countries,
        "workplace_country": audience.countries,
        "company.industry": audience.industries,
        "function": audience.functions,
        "title": audience.functions,
        "seniority": audience.seniority,
        "company.employees": audience.employees,
        "company.region": audience.regions,
    }
    return {field for field, wanted in asked.items() if wanted}


class FieldUse:
    """Counts the rows of a file that fill fields which no campaign uses."""

    def __init__(self, campaigns: Sequence[Campaign], unused: Sequence[str]) -> None:
        self.campaigns = tuple(campaign.id for campaign in campaigns)
        """The campaigns asked; with none of them nothing can be said."""
        self.rows: Counter[str] = Counter()
        """By field, for fields that any row fills."""
        self._unused = [(field, attrgetter(field)) for field in unused] if campaigns else []

    def count(self, contact: Contact) -> None:
        """Look at one row."""
        for field, read in self._unused:
            value = read(contact)
            if value is not None and value != ():
                self.rows[field] += 1
