"""What a country's row of the table says about advertising by e-mail to one mailbox (Directive 2002/58/EC Art. 13)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Literal, NamedTuple

from penstock.law.consent import ConsentScope, within_months
from penstock.law.countries import country_code
from penstock.law.jurisdictions import Jurisdiction, Permission
from penstock.model.contact import LegalForm, Published, RecipientKind, Relationship

__all__ = [
    "Mailing",
    "Ruling",
    "SoftGap",
    "column_of",
    "hinges_on_legal_form",
    "ruling",
    "soft_opt_in",
    "soft_opt_in_gaps",
    "tld_country",
]

PURCHASE_MONTHS = 24
INQUIRY_MONTHS = 6
_CORPORATE = frozenset({LegalForm.COMPANY, LegalForm.SCOTTISH_PARTNERSHIP, LegalForm.PUBLIC_BODY})
_SOFT_OPT_IN = re.compile(r"yes(?::([0-9]+)_months)?(?::[0-9]+_conditions)?")
_OWN_LETTERS = {"uk": "GB", "xn--90ae": "BG", "xn--p1ai": "RU", "xn--qxam": "GR"}
# Registered by anybody anywhere, so that they say nothing of a country. None of these countries has a row of its own.
# fmt: off
_FOR_ALL = frozenset({
    "ac", "ad", "ag", "ai", "am", "as", "bz", "cc", "cd", "cf", "co", "cx", "dj", "fm", "ga", "gg", "gl", "gq", "io",
    "je", "la", "ly", "me", "ml", "ms", "mu", "nu", "pw", "sc", "sh", "so", "sr", "st", "tk", "to", "tv", "vc", "vu",
    "ws",
})
# fmt: on


class Ruling(IntEnum):
    """What one country answers, from mild to strict."""

    ALLOWED = 0  # until refusal, or by an implied consent
    NO_ROLE = 1  # allowed only for offers that relate to the recipient's work, and nothing makes sure of that
    FORM_UNKNOWN = 2  # hangs on whether the recipient is a company or a sole trader
    UNCLEAR = 3  # a person decides
    WINDOW_OVER = 4  # an implied consent was there and has run out
    CONSENT = 5  # only with prior consent


@dataclass(frozen=True, slots=True)
class Mailing:
    """What the rows look at. `role_named`: the campaign names the functions it is for, which relevance then asks."""

    kind: RecipientKind
    legal_form: LegalForm | None
    published: Published
    relationship: Relationship
    scope: ConsentScope
    role_named: bool
    for_companies: bool
    now: datetime

    @property
    def concerns_role(self) -> bool:
        """Whether the relevance check makes sure that the offer relates to the work; a department has no function."""
        return self.role_named or self.kind is RecipientKind.GENERIC


def column_of(row: Jurisdiction, mailing: Mailing) -> Permission:
    """The column for the mailbox; a named or generic one of a sole trader is the sole trader's."""
    return row.sole if mailing.legal_form is LegalForm.SOLE_TRADER else row.permission(mailing.kind)


def ruling(row: Jurisdiction, mailing: Mailing) -> Ruling:
    """The country's answer without regard to recorded consents and customers. A private address needs consent."""
    return _ruling(column_of(row, mailing), mailing)


def hinges_on_legal_form(row: Jurisdiction, mailing: Mailing) -> bool:
    """Whether the legal form is unknown and the answer would be stricter for a sole trader."""
    if mailing.legal_form is not None or mailing.kind not in (RecipientKind.NAMED, RecipientKind.GENERIC):
        return False
    return _ruling(row.sole, mailing) > ruling(row, mailing)


def _ruling(permission: Permission, mailing: Mailing) -> Ruling:
    if mailing.kind is RecipientKind.PRIVATE:
        return Ruling.CONSENT
    match permission.kind:
        case "out":
            return Ruling.ALLOWED
        case "review":
            return Ruling.UNCLEAR
        case "cond":
            return max((_condition(word, mailing) for word in permission.conditions), default=Ruling.CONSENT)
        case _:
            return Ruling.CONSENT


def _condition(word: str, mailing: Mailing) -> Ruling:
    """One condition of an opt-out; one that is not known here cannot be met."""
    published = mailing.published
    match word:
        case "profession" | "job_duties":
            return Ruling.ALLOWED if mailing.concerns_role else Ruling.NO_ROLE
        case "solely_related":
            if not mailing.for_companies:
                return Ruling.CONSENT
            return Ruling.ALLOWED if mailing.concerns_role else Ruling.NO_ROLE
        case "mainly_business":
            return Ruling.ALLOWED  # private addresses never come here
        case "impersonal":
            return _met(mailing.kind is RecipientKind.GENERIC)
        case "for_legal_persons":
            return _met(mailing.for_companies)
        case "address_published_for_purpose":
            return _met(_is_published(published, mailing.now) and published.for_offers is True)
        case "published_business_contact":
            return _met(_is_published(published, mailing.now))
        case "central_published_and_not_sole_trader":
            if mailing.kind is not RecipientKind.GENERIC or not _is_published(published, mailing.now):
                return Ruling.CONSENT
            return _by_form(mailing.legal_form, mailing.legal_form is not LegalForm.SOLE_TRADER)
        case "corporate_subscriber":
            return _by_form(mailing.legal_form, mailing.legal_form in _CORPORATE)
        case "implied_or_express":
            return _implied(mailing)
        case _:
            return Ruling.CONSENT


def _met(condition: bool) -> Ruling:
    return Ruling.ALLOWED if condition else Ruling.CONSENT


def _by_form(legal_form: LegalForm | None, allowed: bool) -> Ruling:
    return Ruling.FORM_UNKNOWN if legal_form is None else _met(allowed)


def _is_published(published: Published, now: datetime) -> bool:
    """Where and when it was seen, and that the page does not forbid advertising: all three on record."""
    seen = published.seen_at is not None and published.seen_at <= now
    return seen and bool(published.url and published.url.strip()) and published.no_advertising is False


def _implied(mailing: Mailing) -> Ruling:
    """CASL s. 10(9)-(10): a purchase, an inquiry or a published address; the last day of a window counts."""
    now, past = mailing.now, mailing.relationship
    bought = past.last_purchase_at if past.purchased_from is None or _from_us(mailing) else None
    if within_months(bought, PURCHASE_MONTHS, now) or within_months(past.last_inquiry_at, INQUIRY_MONTHS, now):
        return Ruling.ALLOWED
    if _is_published(mailing.published, now):
        return Ruling.ALLOWED if mailing.concerns_role else Ruling.NO_ROLE
    over = any(at is not None and at <= now for at in (bought, past.last_inquiry_at))
    return Ruling.WINDOW_OVER if over else Ruling.CONSENT


def _from_us(mailing: Mailing) -> bool:
    return mailing.scope.is_controller(mailing.relationship.purchased_from)


class SoftGap(NamedTuple):
    """A condition of the customer exception that is not met: the contact field, and what is wrong as a phrase."""

    field: str
    says: str


def soft_opt_in(row: Jurisdiction) -> Literal["yes", "no", "column"]:
    """Whether the country knows the exception for existing customers (Art. 13(2)).

    `column`: it has a rule for mailboxes that holds for customers, too. A word that is not known is a no.
    """
    if _SOFT_OPT_IN.fullmatch(row.soft_optin):
        return "yes"
    return "column" if row.soft_optin == "n/a" or row.soft_optin.startswith("implied") else "no"


def soft_opt_in_gaps(row: Jurisdiction, mailing: Mailing) -> tuple[SoftGap, ...]:
    """What is missing for the customer exception of a country that has it; empty when it holds.

    That the offer to opt out stands in every message and that nobody objected are other stages' concern.
    """
    return tuple(_gaps(row, mailing))


def _gaps(row: Jurisdiction, mailing: Mailing) -> Iterator[SoftGap]:
    known = _SOFT_OPT_IN.fullmatch(row.soft_optin)
    months = int(known[1]) if known is not None and known[1] else None
    past = mailing.relationship
    bought = past.last_purchase_at
    if bought is None:
        yield SoftGap("relationship.last_purchase_at", "no purchase is on record")
    elif bought > mailing.now:
        yield SoftGap("relationship.last_purchase_at", "the purchase is dated in the future")
    elif months is not None and not within_months(bought, months, mailing.now):
        yield SoftGap("relationship.last_purchase_at", f"the last purchase is more than {months} months ago")
    if past.similar_goods is not True:
        yield SoftGap("relationship.similar_goods", "nothing says that the offer is for similar goods")
    if past.notice_at_collection is not True:
        yield SoftGap("relationship.notice_at_collection", "no opt-out was offered when the address was collected")
    if not _from_us(mailing):
        yield SoftGap("relationship.purchased_from", "nothing says that the purchase was from this sender")


def tld_country(address: str) -> str | None:
    """The country whose top-level domain an address uses (ISO 3166); None for one that anybody anywhere registers."""
    tld = address.rpartition(".")[2].lower()
    if (own := _OWN_LETTERS.get(tld)) is not None:
        return own
    return country_code(tld) if len(tld) == 2 and tld not in _FOR_ALL else None
