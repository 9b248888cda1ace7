"""Whether signs of high risk come together that call for a data protection impact assessment (DPIA)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated, ClassVar

from pydantic import Field

from penstock.law.clocks import months_after
from penstock.model.codes import Code
from penstock.model.contact import Contact, Flag, SourceMethod
from penstock.model.mail import Mail
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import COMMERCIAL_STREAMS, Phase, Services

__all__ = ["ImpactAssessment", "ImpactAssessmentOptions"]

_NAME = "impact_assessment"
_RULE = "GDPR Art. 35(1); WP 248 rev.01"
_SOURCE = ("source.method", "source.supplier", "source.visibility")
_READS = ("flags", "born", *_SOURCE, "campaign.dpia")
_ENOUGH = 2
_MONTHS = 12
_COMBINED = frozenset({SourceMethod.INFERRED, SourceMethod.SCRAPED_DIRECTORY})
_COVERED = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="The campaign shows an impact assessment.",
        facts=Facts(("campaign.dpia",)),
        rule=_RULE,
    ),
)
_LOW = (
    Reason(
        _NAME,
        Verdict.SEND,
        why="Fewer than two signs of high risk come together.",
        facts=Facts(_READS),
        rule=_RULE,
    ),
)
_NO_CONTACT = (
    Reason(
        _NAME,
        Verdict.HOLD,
        Code.CONTACT_UNKNOWN,
        "No contact record says what data are used and where they come from.",
        Facts(_READS),
        _RULE,
    ),
)


@dataclass(frozen=True, slots=True)
class ImpactAssessmentOptions:
    """What holds for the whole house, and its numbers.

    `contacts_known` is how many contacts there are; from `large_scale` on the processing is on a large scale. Persons
    younger than `minor_under` years are vulnerable. `new_technology` and `scoring` say that the house uses them.
    """

    large_scale: Annotated[int, Field(ge=1)] = 10_000
    contacts_known: Annotated[int, Field(ge=0)] = 0
    minor_under: Annotated[int, Field(ge=1, le=150)] = 18
    new_technology: bool = False
    scoring: bool = False


@dataclass(frozen=True, slots=True)
class _Sign:
    """One criterion of WP 248 rev.01, section III.B; `fields` are those of the contact it was seen in."""

    label: str
    fields: tuple[str, ...] = ()


class ImpactAssessment:
    """Holds mails for which two of the nine criteria of WP 248 rev.01 are met and no impact assessment is shown.

    Three of the nine are never met: no decision here has legal effect, nobody is kept from a right or a service, and
    nobody is monitored, as opens are not tracked.
    """

    Options: ClassVar[type] = ImpactAssessmentOptions
    name = _NAME
    phase = Phase.JUDGE
    hears = False
    streams = COMMERCIAL_STREAMS
    reads: tuple[str, ...] = _READS
    needs: tuple[str, ...] = ("clock",)

    def __init__(self, options: ImpactAssessmentOptions, services: Services) -> None:
        self._clock = services.clock
        self._minor_months = options.minor_under * _MONTHS
        self._house = tuple(_of_the_house(options))
        self._plain = _judged(self._house)
        # What the signs of one person can be is a handful of combinations.
        self._with = lru_cache(maxsize=64)(self._weighed)

    async def judge(self, mails: Sequence[Mail], /) -> Sequence[Sequence[Reason]]:
        """No store call at all."""
        adult_since = months_after(self._clock.now().date(), -self._minor_months)
        return [self._reasons(mail, adult_since) for mail in mails]

    def _reasons(self, mail: Mail, adult_since: date) -> tuple[Reason, ...]:
        campaign, contact = mail.campaign, mail.contact
        if campaign is not None and campaign.dpia_document is not None:
            return _COVERED
        if contact is None:
            return _NO_CONTACT
        young = contact.born is not None and contact.born > adult_since
        combined = _combines(contact)
        if not (contact.flags or young or combined):
            return self._plain
        return self._with(contact.flags, young, combined)

    def _weighed(self, flags: tuple[Flag, ...], young: bool, combined: bool) -> tuple[Reason, ...]:
        return _judged((*_of_the_person(flags, young=young, combined=combined), *self._house))


def _of_the_house(options: ImpactAssessmentOptions) -> Iterator[_Sign]:
    if options.contacts_known >= options.large_scale:
        yield _Sign("processing on a large scale")
    if options.new_technology:
        yield _Sign("new technology")
    if options.scoring:
        yield _Sign("evaluation or scoring of persons")


def _of_the_person(flags: tuple[Flag, ...], *, young: bool, combined: bool) -> Iterator[_Sign]:
    if Flag.SPECIAL_CATEGORY in flags:
        yield _Sign("sensitive data", ("flags",))
    if young or Flag.MINOR in flags:
        yield _Sign("a vulnerable person", ("flags", "born"))
    if combined:
        yield _Sign("matched or combined data sets", _SOURCE)


def _combines(contact: Contact) -> bool:
    """Inferred and scraped records are put together; so is a supplier's record that also knows a public profile."""
    source = contact.source
    if source.method in _COMBINED:
        return True
    bought = source.supplier is not None or source.method is SourceMethod.SUPPLIER
    return bought and (source.method is SourceMethod.PUBLIC_PROFILE or source.visibility is not None)


def _judged(signs: tuple[_Sign, ...]) -> tuple[Reason, ...]:
    if len(signs) < _ENOUGH:
        return _LOW
    labels = " and ".join([", ".join(sign.label for sign in signs[:-1]), signs[-1].label])
    why = f"Signs of high risk come together ({labels}), and the campaign shows no impact assessment."
    fields = tuple(dict.fromkeys(name for sign in signs for name in sign.fields))
    return (Reason(_NAME, Verdict.HOLD, Code.DPIA_MISSING, why, Facts((*fields, "campaign.dpia")), _RULE),)
