"""A row of the table of law in words for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.law.jurisdiction import Jurisdiction, Permission

__all__ = ["NOT_ADVICE", "card", "permission_words", "record", "table_line", "table_title"]

NOT_ADVICE = "Not legal advice: a reading of the law that your lawyer confirms, row by row (penstock policy signoff)."

_CONDITIONS = {
    "impersonal": "the address names no person",
    "for_legal_persons": "the product is meant for legal persons",
    "job_duties": "the offer concerns the person's job duties",
    "profession": "the topic relates to the person's profession",
    "mainly_business": "the address is used mainly for business",
    "solely_related": "the message relates solely to that business",
    "address_published_for_purpose": "its holder published the address for such offers",
    "published_business_contact": "it is a published business contact",
    "central_published_and_not_sole_trader": "it is the published central address of an organisation",
    "corporate_subscriber": "the subscriber is a company, LLP, Scottish partnership or public body",
    "implied_or_express": "consent is implied (purchase 24 months, inquiry 6 months, published for the role)",
}
_SOFT_OPTIN = {
    "yes": "may be mailed about own similar goods where the opt-out was offered at collection and in every mail",
    "yes:4_conditions": "may be mailed about own similar goods where all four conditions of the statute hold",
    "yes:12_months": "may be mailed about own similar goods within 12 months of the sale or last use",
    "no": "no exception for them",
    "n/a": "no exception is needed: the rules above hold",
    "implied_24m_6m": "implied consent: 24 months after a purchase, 6 months after an inquiry",
}
_LABELS = {
    "none": "none asked for",
    "recognisable": "recognisable as advertising",
    "subject_recognisable": "recognisable as advertising by its subject",
    "ad_identified": "identified as advertising",
    "explicit_commercial": "marked as a commercial message",
    "explicit_unsolicited": "marked as an unsolicited commercial message",
}


def permission_words(permission: Permission) -> str:
    """One sentence without its full stop."""
    match permission.kind:
        case "in":
            return "only with prior consent"
        case "out":
            return "allowed until refusal"
        case "review":
            return "the law is unclear: held until a person decides; a proven consent settles it"
        case "cond":
            held = " and ".join(_CONDITIONS[name] for name in permission.conditions)
            return f"allowed until refusal where {held}; else only with prior consent"


def card(country: str, rule: Jurisdiction, table: str, place: str) -> list[str]:
    """The lines of one country's card. `place` is where the row stands; `**` answers for a country without one."""
    rows = [
        ("named person", permission_words(rule.named)),
        ("company mailbox", permission_words(rule.generic)),
        ("sole, private", permission_words(rule.sole)),
        ("customers", _SOFT_OPTIN[rule.soft_optin]),
        ("statute", rule.statute),
        ("in detail", rule.conditions),
        ("relevance", "the offer must relate to the person's role" if rule.role_relevance else ""),
        ("proof", _proof(rule)),
        ("opt-out", _optout(rule)),
        ("register", f"{rule.ext_register}: looked up for every mail" if rule.ext_register else ""),
        ("label", _LABELS[rule.ad_label]),
        ("postal address", "in every mail" if rule.postal_address == "mandatory" else "as part of the legal footer"),
        ("confidence", rule.confidence),
        ("signed off", _signed(rule)),
    ]
    whose = "" if rule.cc == country else ": as every country without a row of its own"
    lines = [f"{country} {_name(country)}{whose}  (table {table}, since {rule.effective_from}, {place})"]
    for title, text in rows:
        if text:
            lines += textwrap.wrap(text, 118, initial_indent=f"  {title:16}", subsequent_indent=" " * 18)
    return lines


def _name(cc: str) -> str:
    if cc == "**":
        return "every other country"
    from babel import Locale

    return str(Locale("en").territories.get(cc, ""))


def _proof(rule: Jurisdiction) -> str:
    names = " or ".join(name.replace("_", " ") for name in rule.proof)
    words = "any proven consent" if rule.proof == ("any_proven",) else f"only a consent that is {names}"
    return f"{words}, its proof kept {rule.proof_years} years" if rule.proof_years else words


def _optout(rule: Jurisdiction) -> str:
    days = rule.optout_days_max.removesuffix("bd")
    limit = f"{days} {'business ' if rule.optout_days_max.endswith('bd') else ''}days"
    parts = ["effective before the next mail", f"legal limit {'at once' if days == '0' else limit}"]
    if rule.optout_link_valid_days is not None:
        parts.append(f"the link works for {rule.optout_link_valid_days} days")
    if rule.optout_ack:
        parts.append("each is acknowledged by e-mail")
    return "; ".join(parts)


def _signed(rule: Jurisdiction) -> str:
    signed = rule.signed_off
    return f"{signed.by}, {signed.at}" if signed else "by nobody yet"


def table_title() -> str:
    """The head of `table_line`."""
    return (
        f"{'cc':3} {'named':8} {'generic':8} {'sole':8} {'customers':17} {'register':9} {'confidence':11}"
        "signed off (* where conditions hold)"
    )


def table_line(rule: Jurisdiction) -> str:
    """The row in short."""
    kinds: Sequence[str] = [
        "out*" if each.kind == "cond" else each.kind for each in (rule.named, rule.generic, rule.sole)
    ]
    columns = " ".join(f"{kind:8}" for kind in kinds)
    return (
        f"{rule.cc:3} {columns} {rule.soft_optin:17} {rule.ext_register or '–':9} {rule.confidence:11}"
        f"{_signed(rule) if rule.signed_off else '–'}"
    )


def record(country: str, rule: Jurisdiction, table: str, place: str) -> dict[str, Any]:
    """The row for programs; `cc` in it is `**` for a country without one."""
    signed = rule.signed_off
    return {
        "country": country,
        **asdict(rule),
        "effective_from": rule.effective_from.isoformat(),
        "signed_off": {"by": signed.by, "at": signed.at.isoformat(), "table": signed.table} if signed else None,
        "table": table,
        "place": place,
        "notice": NOT_ADVICE,
    }
