"""Whether an address may be used that was obtained in a certain way."""

from __future__ import annotations

from datetime import datetime

from penstock.law.countries import country_code
from penstock.model.codes import Code
from penstock.model.contact import Contact, SourceMethod, Visibility
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict

__all__ = ["SCRAPED", "against_method"]

_NAME = "provenance"
_METHOD = "source.method"
_VISIBILITY = "source.visibility"
_KASPR = "GDPR Art. 5(1)(a); CNIL SAN-2024-020"
_GUESSING_FORBIDDEN = {"US": ("the United States", "15 USC 7704(b)(1)"), "CA": ("Canada", "PIPEDA section 7.1")}
_HARVESTING_FORBIDDEN = _GUESSING_FORBIDDEN  # both laws name the two in one breath

SCRAPED = Reason(
    _NAME,
    Verdict.HOLD,
    Code.SOURCE_MISSING,
    "The address was taken from a scraped directory; a person must find out where it really comes from.",
    Facts((_METHOD,)),
    "GDPR Art. 5(1)(a), 14(2)(f)",
)
_LIMITED = Reason(
    _NAME,
    Verdict.BLOCK,
    Code.SOURCE_FORBIDDEN,
    "The person had not made the profile visible to everybody, so its data may not be used.",
    Facts((_VISIBILITY,)),
    _KASPR,
)
_MAYBE_LIMITED = Reason(
    _NAME,
    Verdict.BLOCK,
    Code.SOURCE_FORBIDDEN,
    "Nobody recorded that the person had made the profile visible to everybody, so its data may not be used.",
    Facts((_METHOD, _VISIBILITY)),
    _KASPR,
)
_GUESSED = Reason(
    _NAME,
    Verdict.HOLD,
    Code.UNVERIFIED,
    "The address was guessed, and nobody has verified it.",
    Facts((_METHOD, "verified_at", "last_contact_from_person_at")),
    "GDPR Art. 5(1)(d)",
)


def against_method(method: SourceMethod | None, mail: Mail, contact: Contact, now: datetime) -> tuple[Reason, ...]:
    """What stands against a record obtained by this method; nothing for one in order.

    A profile must have been open to everybody, a guess verified; the method itself may be forbidden.
    """
    visibility = contact.source.visibility
    against: tuple[Reason, ...] = ()
    if visibility is Visibility.LIMITED:
        against = (_LIMITED,)
    elif method is SourceMethod.PUBLIC_PROFILE and visibility is not Visibility.PUBLIC:
        against = (_MAYBE_LIMITED,)
    if method is SourceMethod.SCRAPED_DIRECTORY:
        forbidden = [_HARVESTING_FORBIDDEN[place] for place in _places(contact) if place in _HARVESTING_FORBIDDEN]
        return (*against, *([_forbidden(place, rule, "harvested") for place, rule in forbidden] or [SCRAPED]))
    if method is SourceMethod.INFERRED:
        return against + _guessed(mail, contact, now)
    return against


def _guessed(mail: Mail, contact: Contact, now: datetime) -> tuple[Reason, ...]:
    forbidden = [_GUESSING_FORBIDDEN[place] for place in _places(contact) if place in _GUESSING_FORBIDDEN]
    if forbidden:
        return tuple(_forbidden(place, rule, "guessed") for place, rule in forbidden)
    seen = (contact.verified_at, contact.last_contact_from_person_at, *(touch.at for touch in mail.history.person))
    return () if any(at is not None and at <= now for at in seen) else (_GUESSED,)


def _places(contact: Contact) -> list[str | None]:
    """Place of work and seat, each once."""
    return list(dict.fromkeys(country_code(text) for text in (contact.workplace_country, contact.country) if text))


def _forbidden(place: str, rule: str, how: str) -> Reason:
    why = f"The address was {how}, and {how} addresses may not be mailed in {place}."
    facts = Facts((_METHOD, "country", "workplace_country"))
    return Reason(_NAME, Verdict.BLOCK, Code.SOURCE_FORBIDDEN, why, facts, rule)
