"""Whether the offer concerns the person's work: the campaign's audience against what the contact states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar

from penstock.law.countries import country_code
from penstock.law.nace import industry_matches, normal_nace
from penstock.model.campaign import Audience, Range
from penstock.model.codes import Code
from penstock.model.contact import Contact, Function, RecipientKind, Seniority
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, NoOptions, Phase, Services

__all__ = ["Relevance"]

_NAME = "relevance"
_READS = (
    "country",
    "workplace_country",
    "company.industry",
    "function",
    "title",
    "seniority",
    "company.employees",
    "company.region",
    "campaign.audience",
)
_COUNTRY_FIELDS = ("country", "workplace_country")
_FUNCTION_FIELDS = ("function", "title")
_INDUSTRY_FIELDS = ("company.industry",)
_SENIORITY_FIELDS = ("seniority",)
_EMPLOYEES_FIELDS = ("company.employees",)
_REGION_FIELDS = ("company.region",)

# Where the law itself asks that the message relates to the recipient's work.
_RULES = {
    "FR": "CPCE L.34-5; campaign audience",
    "FI": "Act 917/2014 section 200; campaign audience",
    "IE": "S.I. 336/2011 reg. 13; campaign audience",
}
_RULE = "GDPR Recital 47; campaign audience"
_MANY = 8
_ANY_SIZE = Range()

_NO_AUDIENCE = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The campaign sets no bounds to its audience.",
        facts=Facts(("campaign.audience",)),
        rule="campaign audience",
    ),
)
_NO_CAMPAIGN = (
    Reason(
        _NAME,
        Verdict.HOLD,
        Code.NOT_RELEVANT,
        "No campaign says whom the offer concerns.",
        Facts(("campaign.audience",)),
        _RULE,
    ),
)
_NO_CONTACT = (
    Reason(
        _NAME,
        Verdict.HOLD,
        Code.CONTACT_UNKNOWN,
        "No contact record says what work the person does.",
        Facts(_READS),
        _RULE,
    ),
)


class _Fit(StrEnum):
    MATCH = "match"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"
    UNCLEAR = "unclear"  # stated, but not so that anybody could rely on it: no campaign lets it pass


@dataclass(frozen=True, slots=True)
class _Finding:
    """One dimension. `why` is a phrase for a match ("works in hr"), a sentence for anything else."""

    fit: _Fit
    why: str
    fields: tuple[str, ...]


class Relevance:
    """Compares each dimension the campaign asks about: match, mismatch or unknown.

    A mismatch blocks, whatever else fits; an unknown holds or passes as `audience.unknown` says, but an unknown
    profession never passes where the law asks for it, and what is stated wrongly or contradicts itself never passes.
    A value that is only less precise than asked (`C` where `C28` is wanted) is unknown. A generic mailbox has no
    function and no seniority.
    """

    Options: ClassVar[type] = NoOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("taxonomy", "clock", "jurisdictions")

    def __init__(self, _options: NoOptions, services: Services) -> None:
        self._services = services
        self._role_matters = lru_cache(maxsize=1_000)(
            lambda country, today: services.jurisdictions.of(country_code(country), today).role_relevance
        )
        # Titles, codes and places repeat from contact to contact; what they mean does not change.
        self._from_title = lru_cache(maxsize=20_000)(_title_reader(services))
        self._industry = lru_cache(maxsize=5_000)(_industry)
        self._region = lru_cache(maxsize=5_000)(_region)
        self._country = lru_cache(maxsize=5_000)(_country)

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """No store call at all."""
        today = self._services.clock.now().date()
        return [self._reasons(mail, today) for mail in mails]

    def _law_asks(self, contact: Contact, today: date) -> bool:
        """Whether a country of the record has the offer relate to the profession, so that no campaign may guess it."""
        return any(
            self._role_matters(country, today) for country in (contact.country, contact.workplace_country) if country
        )

    def _reasons(self, mail: Mail, today: date) -> tuple[Reason, ...]:
        if mail.campaign is None:
            return _NO_CAMPAIGN
        if mail.contact is None:
            return _NO_CONTACT
        audience = mail.campaign.audience
        findings = self._findings(audience, mail.contact, generic=mail.kind is RecipientKind.GENERIC)
        if not findings:
            return _NO_AUDIENCE
        rule = _RULES.get(mail.contact.workplace_country or mail.contact.country or "", _RULE)
        by_law = audience.unknown == "pass" and self._law_asks(mail.contact, today)
        reasons = [_against(f, rule, audience, by_law=by_law) for f in findings if f.fit is not _Fit.MATCH]
        if matches := [f for f in findings if f.fit is _Fit.MATCH]:
            reasons.append(_in_favour(matches, rule))
        return tuple(reasons)

    def _findings(self, audience: Audience, contact: Contact, *, generic: bool) -> list[_Finding]:
        company = contact.company
        found = []
        if audience.functions and not generic:
            found.append(self._function(audience.functions, contact))
        if audience.seniority and not generic:
            found.append(_position(contact.seniority, audience.seniority))
        if audience.industries:
            found.append(self._industry(company.industry, company.activity, audience.industries))
        if audience.employees is not None and audience.employees != _ANY_SIZE:
            found.append(_size(company.employees, audience.employees))
        if audience.regions:
            found.append(self._region(company.region, audience.regions))
        if audience.countries:
            found.append(self._country(contact.country, contact.workplace_country, audience.countries))
        return found

    def _function(self, wanted: tuple[Function, ...], contact: Contact) -> _Finding:
        function, how = contact.function, ""
        if function is None and contact.title:
            function = self._from_title(contact.title, contact.language)
            how = f" (title “{contact.title}”)"
        if function is None:
            said = f"The title “{contact.title}” names" if contact.title else "The record states"
            return _Finding(_Fit.UNKNOWN, f"{said} no profession that is known here.", _FUNCTION_FIELDS)
        label = _label(function)
        if function in wanted and contact.function is not None and contact.title:
            titled = self._from_title(contact.title, contact.language)
            if titled is not None and titled not in wanted:
                why = f"The record states {label}, but the title “{contact.title}” means {_label(titled)}."
                return _Finding(_Fit.UNCLEAR, why, _FUNCTION_FIELDS)
        if function in wanted:
            return _Finding(_Fit.MATCH, f"works in {label}{how}", _FUNCTION_FIELDS)
        why = f"The person works in {label}{how}; the offer is for {_some(map(_label, wanted))}."
        return _Finding(_Fit.MISMATCH, why, _FUNCTION_FIELDS)


def _title_reader(services: Services) -> Callable[[str, str | None], Function | None]:
    def read(title: str, language: str | None) -> Function | None:
        match = services.taxonomy.function_of(title, language)
        return None if match is None else match.function

    return read


def _industry(code: str | None, activity: str | None, wanted: tuple[str, ...]) -> _Finding:
    normal = normal_nace(code) if code else None
    if normal is None and code:
        return _Finding(_Fit.UNCLEAR, "The company's industry is no code of NACE Rev. 2.1.", _INDUSTRY_FIELDS)
    if normal is None:
        return _Finding(_Fit.UNKNOWN, "The company's industry is not known.", _INDUSTRY_FIELDS)
    label = f"{activity} ({normal})" if activity else f"industry {normal}"
    if any(industry_matches(normal, one) for one in wanted):
        return _Finding(_Fit.MATCH, label, _INDUSTRY_FIELDS)
    if any(industry_matches(one, normal) for one in wanted):
        why = f"The company's industry is only known as {normal}; the offer is for {_some(wanted)}."
        return _Finding(_Fit.UNKNOWN, why, _INDUSTRY_FIELDS)
    why = f"The company works in {label}; the offer is for {_some(wanted)}."
    return _Finding(_Fit.MISMATCH, why, _INDUSTRY_FIELDS)


def _position(seniority: Seniority | None, wanted: tuple[Seniority, ...]) -> _Finding:
    if seniority is None:
        return _Finding(_Fit.UNKNOWN, "The person's position is not known.", _SENIORITY_FIELDS)
    if seniority in wanted:
        return _Finding(_Fit.MATCH, f"position {seniority}", _SENIORITY_FIELDS)
    why = f"The person's position is {seniority}; the offer is for {_some(wanted)}."
    return _Finding(_Fit.MISMATCH, why, _SENIORITY_FIELDS)


def _size(employees: int | None, wanted: Range) -> _Finding:
    if employees is None:
        return _Finding(_Fit.UNKNOWN, "The number of employees is not known.", _EMPLOYEES_FIELDS)
    if wanted.min is not None and employees < wanted.min:
        why = f"The company has {employees} employees; the offer is for {wanted.min} and more."
        return _Finding(_Fit.MISMATCH, why, _EMPLOYEES_FIELDS)
    if wanted.max is not None and employees > wanted.max:
        why = f"The company has {employees} employees; the offer is for {wanted.max} and fewer."
        return _Finding(_Fit.MISMATCH, why, _EMPLOYEES_FIELDS)
    return _Finding(_Fit.MATCH, f"{employees} employees", _EMPLOYEES_FIELDS)


def _region(region: str | None, wanted: tuple[str, ...]) -> _Finding:
    """ISO 3166-2 codes: `FR` holds `FR-IDF`."""
    if not region:
        return _Finding(_Fit.UNKNOWN, "The company's region is not known.", _REGION_FIELDS)
    if any(_holds(one, region) for one in wanted):
        return _Finding(_Fit.MATCH, f"region {region}", _REGION_FIELDS)
    if any(_holds(region, one) for one in wanted):
        why = f"The company's region is only known as {region}; the offer is for {_some(wanted)}."
        return _Finding(_Fit.UNKNOWN, why, _REGION_FIELDS)
    why = f"The company's region is {region}; the offer is for {_some(wanted)}."
    return _Finding(_Fit.MISMATCH, why, _REGION_FIELDS)


def _holds(wide: str, narrow: str) -> bool:
    wide, narrow = wide.strip().upper(), narrow.strip().upper()
    return narrow == wide or narrow.startswith(wide + "-")


def _country(seat: str | None, workplace: str | None, wanted: tuple[str, ...]) -> _Finding:
    """Seat and place of work must both be wanted, as far as they are known."""
    known = list(dict.fromkeys(_iso(country) for country in (workplace, seat) if country))
    if not known:
        return _Finding(_Fit.UNKNOWN, "The country is not known.", _COUNTRY_FIELDS)
    allowed = {_iso(country) for country in wanted}
    if strange := [country for country in known if country not in allowed]:
        why = f"The offer is for {_some(wanted)}, not for {' and '.join(strange)}."
        return _Finding(_Fit.MISMATCH, why, _COUNTRY_FIELDS)
    return _Finding(_Fit.MATCH, f"country {' and '.join(known)}", _COUNTRY_FIELDS)


def _iso(country: str) -> str:
    """The ISO 3166 code; a country nobody knows stays itself and so matches only itself."""
    return country_code(country) or country.strip().upper()


def _against(finding: _Finding, rule: str, audience: Audience, *, by_law: bool) -> Reason:
    facts = Facts((*finding.fields, "campaign.audience"))
    if finding.fit is _Fit.MISMATCH:
        return Reason(_NAME, Verdict.BLOCK, Code.NOT_RELEVANT, finding.why, facts, rule)
    if finding.fit is _Fit.UNCLEAR:
        return Reason(_NAME, Verdict.HOLD, Code.NOT_RELEVANT, finding.why, facts, rule)
    if by_law and finding.fields is _FUNCTION_FIELDS:
        why = f"{finding.why} The law here asks that the offer relates to it, so no campaign may let this pass."
        return Reason(_NAME, Verdict.HOLD, Code.NOT_RELEVANT, why, facts, rule)
    if audience.unknown == "pass":
        return Reason(_NAME, Verdict.SEND, None, f"{finding.why} The campaign lets this pass.", facts, rule)
    return Reason(_NAME, Verdict.HOLD, Code.NOT_RELEVANT, finding.why, facts, rule)


def _in_favour(matches: Sequence[_Finding], rule: str) -> Reason:
    phrase = ", ".join(finding.why for finding in matches)
    fields = (*(name for finding in matches for name in finding.fields), "campaign.audience")
    return Reason(_NAME, Verdict.SEND, None, f"{phrase[0].upper()}{phrase[1:]}.", Facts(fields), rule)


def _label(function: Function) -> str:
    """The word as people write it; `hr` and `it` are abbreviations."""
    return function.upper() if function in (Function.HR, Function.IT) else function.replace("_", " ")


def _some(values: Iterable[str]) -> str:
    """A list for a sentence, cut when it would be the whole sentence."""
    words = list(values)
    return ", ".join(words[:_MANY]) + (" and others" if len(words) > _MANY else "")
