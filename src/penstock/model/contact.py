"""A contact: a person's or a company's mailbox, what we know of it and where we got it (contract section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from penstock.model.moment import Moment

__all__ = [
    "Company",
    "Consent",
    "Contact",
    "Flag",
    "Function",
    "LegalForm",
    "Mechanism",
    "Published",
    "RecipientKind",
    "Relationship",
    "Seniority",
    "Source",
    "SourceMethod",
    "Visibility",
]


class RecipientKind(StrEnum):
    """Whose mailbox it is; the law differs by it."""

    NAMED = "named"
    GENERIC = "generic"
    SOLE_TRADER = "sole_trader"
    PRIVATE = "private"


class LegalForm(StrEnum):
    """Legal form of the company, as far as rules ask for it."""

    COMPANY = "company"
    PARTNERSHIP = "partnership"
    SCOTTISH_PARTNERSHIP = "scottish_partnership"
    SOLE_TRADER = "sole_trader"
    PUBLIC_BODY = "public_body"


class Function(StrEnum):
    """The profession, coarse: what an offer can relate to."""

    PURCHASING = "purchasing"
    HR = "hr"
    IT = "it"
    FINANCE = "finance"
    MARKETING = "marketing"
    SALES = "sales"
    OPERATIONS = "operations"
    PRODUCTION = "production"
    ENGINEERING = "engineering"
    QUALITY = "quality"
    LOGISTICS = "logistics"
    LEGAL = "legal"
    MANAGEMENT = "management"
    RESEARCH = "research"
    CUSTOMER_SERVICE = "customer_service"
    FACILITIES = "facilities"
    SAFETY = "safety"


class Seniority(StrEnum):
    """Position in the hierarchy."""

    OWNER = "owner"
    EXECUTIVE = "executive"
    HEAD = "head"
    MANAGER = "manager"
    SPECIALIST = "specialist"
    ASSISTANT = "assistant"


class SourceMethod(StrEnum):
    """How an address was obtained."""

    OWN_SITE = "own_site"
    REGISTRY = "registry"
    PUBLIC_PROFILE = "public_profile"
    EVENT = "event"
    REFERRAL = "referral"
    WEB_FORM = "web_form"
    CUSTOMER = "customer"
    SUPPLIER = "supplier"
    SCRAPED_DIRECTORY = "scraped_directory"
    INFERRED = "inferred"


class Visibility(StrEnum):
    """How far the holder of a public profile opened it."""

    PUBLIC = "public"
    LIMITED = "limited"
    UNKNOWN = "unknown"


class Mechanism(StrEnum):
    """How a consent was given; a pre-ticked box is never one (GDPR Art. 4(11))."""

    DOUBLE_OPT_IN = "double_opt_in"
    SINGLE_OPT_IN = "single_opt_in"
    WRITTEN = "written"
    ORAL = "oral"
    PRE_TICKED = "pre_ticked"


class Flag(StrEnum):
    """Marks that stop or hold a mail whatever else is known."""

    MINOR = "minor"
    SPECIAL_CATEGORY = "special_category"
    RESTRICTED = "restricted"


@dataclass(frozen=True, slots=True)
class Company:
    """The employer. `industry` is a NACE Rev. 2.1 code, `employees` a head count, `revenue` in euro per year."""

    name: str | None = None
    id: str | None = None
    domains: tuple[str, ...] = ()
    legal_form: LegalForm | None = None
    industry: str | None = None
    activity: str | None = None
    employees: Annotated[int, Field(ge=0)] | None = None
    revenue: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Provenance of the record (GDPR Art. 14(2)(f))."""

    method: SourceMethod | None = None
    reference: str | None = None
    collected_at: Moment | None = None
    collected_by: str | None = None
    supplier: str | None = None
    visibility: Visibility | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent as proved (GDPR Art. 7(1)). `evidence` is a digest or a reference."""

    channel: str | None = None
    controller: str | None = None
    purpose: str | None = None
    given_at: Moment | None = None
    wording: str | None = None
    mechanism: Mechanism | None = None
    evidence: str | None = None
    withdrawn_at: Moment | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    """What makes the person a customer (Directive 2002/58/EC Art. 13(2))."""

    last_purchase_at: Moment | None = None
    last_inquiry_at: Moment | None = None
    similar_goods: bool | None = None
    notice_at_collection: bool | None = None
    purchased_from: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """How the address was made public by its holder."""

    url: str | None = None
    seen_at: Moment | None = None
    for_offers: bool | None = None
    no_advertising: bool | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Everything kept of one mailbox. `address` is the exact form; None everywhere means unknown."""

    address: str
    given_name: str | None = None
    family_name: str | None = None
    language: str | None = None
    country: str | None = None
    workplace_country: str | None = None
    recipient_kind: RecipientKind | None = None
    title: str | None = None
    function: Function | None = None
    seniority: Seniority | None = None
    born: date | None = None
    flags: tuple[Flag, ...] = ()
    company: Company = field(default_factory=Company)
    source: Source = field(default_factory=Source)
    verified_at: Moment | None = None
    reason: str | None = None
    last_contact_from_person_at: Moment | None = None
    consents: tuple[Consent, ...] = ()
    relationship: Relationship = field(default_factory=Relationship)
    published: Published = field(default_factory=Published)
    notice_given_at: Moment | None = None
