"""A campaign: one purpose, one controller, one audience, one message (contract section 5)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    "Enclosure",
    "MessageSpec",
    "Range",
    "Stream",
    "TemplateFile",
    "asking_key",
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
    uk_representative: str = ""


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

    part: Literal["text", "html", "calendar"]
    language: str
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with every letter, as read. `key` is empty for an attachment; an image is `cid:KEY` in the HTML.

    `name` is what people see, `type` a media type, `digest` the SHA-256 (hex) of `data`, which stands for it wherever
    campaigns are compared, hashed or shown.
    """

    key: str
    name: str
    type: str
    digest: str
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class MessageSpec:
    """What the letter is made of. `fields` are the only contact fields templates see.

    `inline`: styles go into attributes once per template, or in each letter once it is rendered.
    """

    from_: str
    subject: str
    reply_to: str | None = None
    text: str | None = None
    html: str | None = None
    fields: tuple[str, ...] = ()
    fallback_language: str | None = None
    templates: tuple[TemplateFile, ...] = ()
    calendar: str | None = None
    enclosures: tuple[Enclosure, ...] = ()
    inline: Literal["template", "rendered"] = "template"

    @property
    def relayed(self) -> bool:
        """Whether each letter is handed in ready-made by a client of the relay."""
        return not self.templates

    @property
    def enclosed(self) -> int:
        """How many octets the files have that may go with one letter, before they are encoded."""
        return sum(len(each.data) for each in self.enclosures)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as read from its file, templates included. `digest` is the SHA-256 of its content (hex).

    `columns` renames columns of contact files to contact fields. `lia_document` is the assessment that the file
    `lia` names, None where there is none; `dpia_document` the SHA-256 (hex) of the file `dpia` names, None likewise.
    Another assessment makes another campaign, so that an approval binds it too. `reconfirm`: it asks people of whom
    nothing was heard for years whether to go on.
    """

    id: str
    controller: str
    purpose: str
    message: MessageSpec
    product: str = ""
    product_for: Literal["companies", "persons", "both"] = "companies"
    topic: tuple[str, ...] = ()
    owner: str = ""
    tag: str = ""
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
    reconfirm: bool = False
    digest: str = ""

    @property
    def once_key(self) -> str:
        """What a person gets one mail of, ever: the campaign; of all that ask whether to go on, the controller's."""
        return asking_key(self.controller) if self.reconfirm else self.id

    def slim(self) -> Campaign:
        """The same campaign without the octets of its files: their digests stand for them."""
        enclosures = tuple(replace(each, data=b"") for each in self.message.enclosures)
        return replace(self, message=replace(self.message, enclosures=enclosures))


def asking_key(controller: str) -> str:
    """The `once_key` of a controller's question whether to go on; no campaign has such an id."""
    return f"reconfirm {controller}"
