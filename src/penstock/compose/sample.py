"""An invented contact with every field filled, to try templates on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from penstock.model.contact import (
    Company,
    Contact,
    Function,
    LegalForm,
    Published,
    RecipientKind,
    Relationship,
    Seniority,
    Source,
    SourceMethod,
    Visibility,
)

__all__ = ["sample_contact", "without"]

_DAY = datetime(2026, 1, 15, tzinfo=UTC)


def sample_contact(language: str) -> Contact:
    """Nobody's record: reserved domains, invented words."""
    company = Company(
        name="Muster Werk GmbH",
        id="XX-000000000",
        domains=("muster-werk.example",),
        legal_form=LegalForm.COMPANY,
        industry="C28",
        activity="machinery",
        employees=120,
        revenue=9_500_000.0,
        region="XX-YY",
    )
    return Contact(
        address="anna.keller@muster-werk.example",
        given_name="Anna",
        family_name="Keller",
        language=language,
        country="DE",
        workplace_country="DE",
        recipient_kind=RecipientKind.NAMED,
        title="Head of Purchasing",
        function=Function.PURCHASING,
        seniority=Seniority.HEAD,
        born=_DAY.date().replace(year=1980),
        company=company,
        source=_source(),
        verified_at=_DAY,
        reason="a sample reason",
        last_contact_from_person_at=_DAY,
        relationship=Relationship(_DAY, _DAY, similar_goods=True, notice_at_collection=True, purchased_from="Sample"),
        published=Published("https://muster-werk.example", _DAY, for_offers=True, no_advertising=False),
        notice_given_at=_DAY,
    )


def _source() -> Source:
    return Source(
        method=SourceMethod.OWN_SITE,
        reference="https://muster-werk.example/team",
        collected_at=_DAY,
        collected_by="e.berg",
        supplier="Sample Supplier",
        visibility=Visibility.PUBLIC,
        why="sample",
    )


def without(contact: Contact, field: str) -> Contact:
    """The same contact with one field, such as `company.name`, unknown."""
    group, _, name = field.rpartition(".")
    if not group:
        return replace(contact, **_blank(name))
    changed: dict[str, Any] = {group: replace(getattr(contact, group), **_blank(name))}
    return replace(contact, **changed)


def _blank(name: str) -> dict[str, Any]:
    return {name: () if name in {"flags", "domains"} else None}
