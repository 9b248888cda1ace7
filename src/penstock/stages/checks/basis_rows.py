"""The countries' rows as the check of the legal basis quotes them: names, citations, and why consent is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from penstock.law.jurisdictions import Jurisdiction, Permission
from penstock.model.contact import RecipientKind

__all__ = ["COUNTRIES", "KIND", "CountryRow", "Need", "allowed_words", "country_name", "need_of", "sentence"]

COUNTRIES = ("country", "workplace_country")
KIND = ("recipient_kind", "company.legal_form")

_WITH_ARTICLE = frozenset({"GB", "NL", "US"})
_FREE = {
    RecipientKind.NAMED: "mail to people at their work address",
    RecipientKind.GENERIC: "mail to a company's general mailbox",
    RecipientKind.SOLE_TRADER: "mail to a sole trader",
    RecipientKind.PRIVATE: "mail",
}
_ALLOWED = {
    "profession": "mail to this profession",
    "job_duties": "mail about the recipient's job duties",
    "mainly_business": "mail to business addresses about the work there",
    "solely_related": "mail to business addresses about the work there",
    "impersonal": "mail to a company's general mailbox",
    "for_legal_persons": "mail to a company's general mailbox",
    "corporate_subscriber": "mail to companies and public bodies",
    "address_published_for_purpose": "mail to an address that was published for offers",
    "published_business_contact": "mail to a published business contact",
    "central_published_and_not_sole_trader": "mail to an organisation's published central address",
}
_UNLESS = {
    "impersonal": "the mailbox is a general one and the product is for companies",
    "for_legal_persons": "the mailbox is a general one and the product is for companies",
    "corporate_subscriber": "the recipient is a company or a public body",
    "address_published_for_purpose": "the holder of the address published it for offers",
    "published_business_contact": "the address is published as a business contact",
    "central_published_and_not_sole_trader": "the address is an organisation's published central one",
    "implied_or_express": "a purchase, an inquiry or the published address implies it",
}


@dataclass(frozen=True, slots=True)
class CountryRow:
    """A country's row that applies to a mail, with what people call the country.

    `of_sender`: it applies only because the sender sits there. What it makes of people it knows counts; a record is
    not held for a field that only the recipient's own law asks for.
    """

    rule: Jurisdiction
    name: str
    of_sender: bool = False

    @classmethod
    def of(cls, rule: Jurisdiction, *, of_sender: bool = False) -> CountryRow:
        """The row with the country's English name."""
        return cls(rule, country_name(rule.cc), of_sender)

    @property
    def cite(self) -> str:
        """The statute, country first."""
        return f"{self.rule.cc} {self.rule.statute}"

    @property
    def record(self) -> str:
        """What facts call it."""
        return f"jurisdiction:{self.rule.cc}"


@dataclass(frozen=True, slots=True)
class Need:
    """Why consent is needed: the beginning of a sentence, its rule, the fields and records it rests on."""

    says: str
    rule: str
    fields: tuple[str, ...]
    records: tuple[str, ...] = ()


def need_of(row: CountryRow, permission: Permission) -> Need:
    """The country asks for consent, or what would make it unnecessary is not on record."""
    unless = next((_UNLESS[word] for word in permission.conditions if word in _UNLESS), None)
    says = f"{row.name} asks for prior consent" + (f" unless {unless}" if unless else "")
    fields = (*COUNTRIES, *KIND) + (("published", "relationship") if unless else ())
    return Need(says, row.cite, fields, (row.record,))


def allowed_words(row: CountryRow, permission: Permission, kind: RecipientKind) -> str:
    """Why the mail may go without consent, one sentence."""
    if "implied_or_express" in permission.conditions:
        return sentence(f"{row.name} takes consent as implied by a purchase, an inquiry or a published address.")
    what = next((_ALLOWED[word] for word in permission.conditions if word in _ALLOWED), _FREE[kind])
    return sentence(f"{row.name} allows {what} until refusal (opt-out).")


def sentence(text: str) -> str:
    """The text with a capital letter at its start."""
    return text[0].upper() + text[1:]


@lru_cache(maxsize=512)
def country_name(cc: str) -> str:
    """The English name of a country (ISO 3166) as it stands within a sentence."""
    from babel import Locale

    name = str(Locale("en").territories.get(cc, cc))
    return f"the {name}" if cc in _WITH_ARTICLE else name
