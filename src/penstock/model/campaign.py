"""A campaign: one purpose, one controller, one audience, one message (contract section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from penstock.model.assessment import Lia
from penstock.model.contact import Function, Seniority
from penstock.model.moment import Moment

__all__ = [
    "COMMERCIAL",
    "Audience",
    "Basis",
    "Campaign",
    "Caps",
    "Controller",
    "MessageSpec",
    "Range",
    "Stream",
    "TemplateFile",
]


class Stream(StrEnum):
    """What kind of mail it is; which codes bind depends on it (contract section 3)."""

    PROSPECTING = "prospecting"
    NEWSLETTER = "newsletter"
    CUSTOMER = "customer"
    TRANSACTIONAL = "transactional"
    NOTICE = "notice"

    @property
    def commercial(self) -> bool:
        """True for streams that all rules of advertising bind."""
        return self in COMMERCIAL


COMMERCIAL = frozenset({Stream.PROSPECTING, Stream.NEWSLETTER, Stream.CUSTOMER})


class Basis(StrEnum):
    """The GDPR basis a campaign names (Art. 6(1))."""

    CONSENT = "consent"
    LEGITIMATE_INTEREST = "legitimate_interest"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Controller:
    """The organisation that answers for a mail (GDPR Art. 4(7)); what the identity block says."""

    id: str
    legal_name: str
    address: str
    country: str
    registration: str = ""
    contact: str = ""
    phone: str = ""
    privacy_url: str = ""
    storage_locations: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    eu_representative: str = ""


@dataclass(frozen=True, slots=True)
class Range:
    """An inclusive range of head counts; None is open."""

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom the offer concerns. An empty list or None asks nothing of that dimension."""

    countries: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    functions: tuple[Function, ...] = ()
    seniority: tuple[Seniority, ...] = ()
    employees: Range | None = None
    regions: tuple[str, ...] = ()
    unknown: Literal["hold", "pass"] = "hold"


@dataclass(frozen=True, slots=True)
class Caps:
    """Rolling windows such as `"5/30d"`, counted across campaigns."""

    person: tuple[str, ...] = ()
    company: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TemplateFile:
    """One template as read: `language` is empty for the default. `name` is the path in the campaign's words."""

    part: Literal["text", "html"]
    language: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """What the letter is made of. `fields` are the only contact fields templates see."""

    from_: str
    subject: str
    reply_to: str | None = None
    text: str | None = None
    html: str | None = None
    fields: tuple[str, ...] = ()
    fallback_language: str | None = None
    templates: tuple[TemplateFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as read from its file, templates included. `digest` is the SHA-256 of its content (hex).

    `columns` renames columns of contact files to contact fields. `lia_document` is the assessment that the file
    `lia` names, None where there is none; `dpia_document` the SHA-256 (hex) of the file `dpia` names, None likewise.
    Another assessment makes another campaign, so that an approval binds it too.
    """

    id: str
    controller: str
    purpose: str
    message: MessageSpec
    product: str = ""
    product_for: Literal["companies", "persons", "both"] = "companies"
    topic: tuple[str, ...] = ()
    owner: str = ""
    channel: str = "email"
    stream: Stream = Stream.PROSPECTING
    basis: Basis = Basis.LEGITIMATE_INTEREST
    lia: str | None = None
    starts_at: Moment | None = None
    expires_at: Moment | None = None
    audience: Audience = field(default_factory=Audience)
    caps: Caps = field(default_factory=Caps)
    translations: dict[str, dict[str, str]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    lia_document: Lia | None = None
    dpia: str | None = None
    dpia_document: str | None = None
    digest: str = ""
