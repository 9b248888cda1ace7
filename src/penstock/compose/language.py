"""Which language a mail is written in (contract section 7)."""

from __future__ import annotations

from penstock.law.countries import official_language
from penstock.model.mail import Mail

__all__ = ["direction", "mail_language"]

_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


def direction(language: str) -> str:
    """`rtl` or `ltr`, as HTML's `dir` wants it."""
    return "rtl" if language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def mail_language(mail: Mail, fallback: str | None) -> str | None:
    """The contact's language, else the country's single official one, else the campaign's or our fallback."""
    contact = mail.contact
    if contact is not None:
        if contact.language:
            return contact.language
        country = contact.country or contact.workplace_country
        official = official_language(country) if country else None
        if official is not None:
            return official
    chosen = mail.campaign.message.fallback_language if mail.campaign is not None else None
    return chosen or fallback
