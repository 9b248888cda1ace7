"""What the check of the legal basis says: its sentences, fields and citations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from penstock.law.consent import GDPR_APPLIES
from penstock.law.permission import SoftGap
from penstock.model.campaign import Campaign
from penstock.model.codes import Code
from penstock.model.contact import Consent, Mechanism
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.stages.checks.basis_rows import COUNTRIES, KIND, CountryRow, Need, country_name, sentence

__all__ = [
    "NAME",
    "NO_CAMPAIGN",
    "NO_CONTACT",
    "NO_COUNTRY",
    "NO_SENDER_COUNTRY",
    "PRIVATE_INTEREST",
    "campaign_faults",
    "consent_fault",
    "consent_missing",
    "consent_words",
    "country_stops",
    "foreign_domain",
    "joined",
    "no_row",
    "soft_opt_in_failed",
    "withdrawn",
]

NAME = "legal_basis"
_CONSENTS = ("consents",)

NO_CAMPAIGN = Reason(
    NAME,
    Verdict.BLOCK,
    Code.NO_LEGAL_BASIS,
    "No campaign says for what purpose and on what basis this mail goes out.",
    Facts(("campaign.basis", "campaign.purpose")),
    "GDPR Art. 6(1)",
)
NO_CONTACT = Reason(
    NAME,
    Verdict.HOLD,
    Code.CONTACT_UNKNOWN,
    "No contact record says in which country and in what role the recipient works.",
    Facts((*COUNTRIES, *KIND)),
    "Directive 2002/58/EC Art. 13",
)
NO_COUNTRY = Reason(
    NAME,
    Verdict.HOLD,
    Code.COUNTRY_UNKNOWN,
    "The recipient's country is not known, so nobody can say which law applies.",
    Facts(COUNTRIES),
    "Directive 2002/58/EC Art. 13",
)
NO_SENDER_COUNTRY = Reason(
    NAME,
    Verdict.HOLD,
    Code.COUNTRY_UNKNOWN,
    "The sender's own country has no row in the table of law, so its rules are not known.",
    Facts(("campaign.controller",)),
    "Directive 2002/58/EC Art. 13",
)
PRIVATE_INTEREST = Reason(
    NAME,
    Verdict.BLOCK,
    Code.NO_LEGAL_BASIS,
    "A legitimate interest does not reach into a private mailbox, and no consent covers it.",
    Facts(("recipient_kind", "campaign.basis", "consents")),
    "GDPR Art. 6(1)(f), Recital 47",
)
_NO_PURPOSE = Reason(
    NAME,
    Verdict.BLOCK,
    Code.NO_LEGAL_BASIS,
    "The campaign names no concrete purpose; “marketing” alone is none.",
    Facts(("campaign.purpose",)),
    "GDPR Art. 5(1)(b)",
)
_NO_PRODUCT = Reason(
    NAME,
    Verdict.BLOCK,
    Code.NO_LEGAL_BASIS,
    "The campaign does not say which product it offers.",
    Facts(("campaign.product",)),
    "GDPR Art. 5(1)(b)",
)
_NO_OWNER = Reason(
    NAME,
    Verdict.BLOCK,
    Code.NO_LEGAL_BASIS,
    "The campaign names nobody who answers for it.",
    Facts(("campaign.owner",)),
    "GDPR Art. 5(2)",
)

_SAYS_NOTHING = frozenset({"marketing", "advertising", "advertisement", "direct", "promotion", "werbung", "reklam"})
_MECHANISMS = {
    Mechanism.DOUBLE_OPT_IN: "double opt-in",
    Mechanism.SINGLE_OPT_IN: "single opt-in",
    Mechanism.WRITTEN: "written",
    Mechanism.ORAL: "oral",
    Mechanism.PRE_TICKED: "pre-ticked box",
}


def campaign_faults(campaign: Campaign) -> tuple[Reason, ...]:
    """A campaign says what for, with which product, and who answers for it."""
    words = set(campaign.purpose.casefold().replace(",", " ").replace(".", " ").split())
    faults = []
    if words <= _SAYS_NOTHING:
        faults.append(_NO_PURPOSE)
    if not campaign.product.strip():
        faults.append(_NO_PRODUCT)
    if not campaign.owner.strip():
        faults.append(_NO_OWNER)
    return tuple(faults)


def no_row(country: str) -> Reason:
    """The country has no row in the table of law."""
    why = f"The table of law has no row for {country}, so nobody can say what is allowed there."
    return Reason(NAME, Verdict.HOLD, Code.COUNTRY_UNKNOWN, why, Facts(COUNTRIES), "Directive 2002/58/EC Art. 13")


def foreign_domain(theirs: str, known: Sequence[str]) -> Reason:
    """The address contradicts the record."""
    why = f"The address belongs to {country_name(theirs)}, the record says {' and '.join(map(country_name, known))}."
    facts = Facts(("address", *COUNTRIES))
    return Reason(NAME, Verdict.HOLD, Code.COUNTRY_UNKNOWN, why, facts, "GDPR Art. 5(1)(d)")


def country_stops(code: Code, rows: Sequence[CountryRow], says: str, fields: tuple[str, ...]) -> Reason:
    """The law of some countries stands against the mail; `says` has a place for their names."""
    verdict = Verdict.BLOCK if code is Code.IMPLIED_CONSENT_EXPIRED else Verdict.HOLD
    names = " and ".join(row.name for row in rows)
    facts = Facts((*COUNTRIES, *fields), tuple(row.record for row in rows))
    return Reason(NAME, verdict, code, sentence(says.format(names)), facts, joined(row.cite for row in rows))


def soft_opt_in_failed(gaps: Sequence[SoftGap], rows: Sequence[CountryRow]) -> Reason:
    """The exception for customers is claimed, and a condition of it is not on record."""
    facts = Facts(tuple(gap.field for gap in gaps), tuple(row.record for row in rows))
    why = f"The exception for existing customers does not hold: {', '.join(gap.says for gap in gaps)}."
    rule = joined(["Directive 2002/58/EC Art. 13(2)", *(row.cite for row in rows)])
    return Reason(NAME, Verdict.BLOCK, Code.SOFT_OPTIN_FAILED, why, facts, rule)


def withdrawn(place: int, consent: Consent, now: datetime) -> Reason:
    """A withdrawal binds, one with a date to come as well: a wrong clock must not keep a refusal from counting."""
    facts = Facts(_CONSENTS, (f"consent:{place}",))
    at = consent.withdrawn_at
    if at is not None and at > now:
        why = "A withdrawal of consent is on record, though with a date to come."
        return Reason(NAME, Verdict.BLOCK, Code.CONSENT_WITHDRAWN, why, facts, "GDPR Art. 7(3)")
    why = f"The consent was withdrawn on {at:%Y-%m-%d}, and no other basis may take its place for this purpose."
    return Reason(NAME, Verdict.BLOCK, Code.CONSENT_WITHDRAWN, why, facts, "GDPR Art. 7(3)")


def consent_missing(needs: Sequence[Need]) -> Reason:
    """Consent is needed and none is on record."""
    return _lacking(needs, Verdict.BLOCK, Code.CONSENT_REQUIRED, "no consent is on record", ())


def consent_fault(
    code: Code, place: int, consent: Consent, needs: Sequence[Need], now: datetime, months: int
) -> Reason:
    """Consent is needed, and this is what is amiss with the one that comes nearest."""
    given = consent.given_at
    which = "the consent on record" if given is None else f"the consent of {given:%Y-%m-%d}"
    verdict, rule = Verdict.BLOCK, "GDPR Art. 7(1)"
    match code:
        case Code.CONSENT_CHANNEL:
            amiss = "is for another channel"
        case Code.CONSENT_CONTROLLER:
            amiss = "was given to somebody else"
        case Code.CONSENT_PURPOSE:
            amiss, rule = "is for another purpose and product", "GDPR Art. 6(1)(a)"
        case Code.CONSENT_UNPROVEN:
            amiss = _unproven(consent)
        case _:
            future = given is not None and given > now
            amiss = "is dated in the future" if future else f"was not used for more than {months} months"
            verdict, rule = Verdict.HOLD, "GDPR Art. 7(1); policy.consent_after_months"
    return _lacking(needs, verdict, code, f"{which} {amiss}", (f"consent:{place}",), rule)


def consent_words(consent: Consent) -> str:
    """The consent that covers a mail, one sentence."""
    how = "" if consent.mechanism is None else f" ({_MECHANISMS[consent.mechanism]})"
    return f"A proven consent of {consent.given_at:%Y-%m-%d}{how} covers it."


def _unproven(consent: Consent) -> str:
    parts = {
        "given_at": consent.given_at,
        "wording": (consent.wording or "").strip(),
        "evidence": (consent.evidence or "").strip(),
        "mechanism": consent.mechanism,
    }
    if consent.mechanism is Mechanism.PRE_TICKED:
        return "came from a pre-ticked box, which is no consent"
    if lacking := [name for name, value in parts.items() if not value]:
        return f"is not proven: {', '.join(lacking)} missing"
    if consent.given_at is not None and consent.given_at < GDPR_APPLIES:
        return "dates from before the GDPR and must be proven again"
    assert consent.mechanism is not None
    return f"is on record as {_MECHANISMS[consent.mechanism]}, which does not prove it there"


def _lacking(
    needs: Sequence[Need], verdict: Verdict, code: Code, amiss: str, records: tuple[str, ...], rule: str = ""
) -> Reason:
    fields = tuple(dict.fromkeys((*_CONSENTS, *(name for need in needs for name in need.fields))))
    facts = Facts(fields, (*records, *(record for need in needs for record in need.records)))
    rules = joined([*(need.rule for need in needs), *([rule] if rule else [])])
    return Reason(NAME, verdict, code, sentence(f"{needs[0].says}, and {amiss}."), facts, rules)


def joined(rules: Iterable[str]) -> str:
    """Several citations as one, each once."""
    return "; ".join(dict.fromkeys(rules))
