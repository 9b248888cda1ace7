"""Whether a legitimate-interest assessment carries a claim of legitimate interest (GDPR Art. 5(2), 6(1)(f))."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from penstock.law.clocks import months_after
from penstock.model.assessment import Lia, LiaOutcome
from penstock.model.codes import Code

__all__ = ["REVIEW_MONTHS", "LiaFault", "lia_fault", "lia_faults", "unanswered"]

REVIEW_MONTHS = 12
"""An assessment is looked at again within this time."""

_LABELS = {
    "purpose": "the purpose",
    "interest": "the interest",
    "necessity": "why the mail is necessary",
    "reasonable_expectation": "what the recipient expects",
    "impact": "the impact on the recipient",
    "safeguards": "the safeguards",
    "outcome": "the outcome",
    "reviewer": "the reviewer",
    "reviewed_at": "the day of the review",
    "expires_at": "the day it expires",
}


@dataclass(frozen=True, slots=True)
class LiaFault:
    """One thing that stands against an assessment. `fields` are those of `Lia` that it lies in; none: there is no
    assessment. `why` is a sentence."""

    code: Code
    fields: tuple[str, ...]
    why: str


def lia_fault(lia: Lia | None, controller: str, today: date) -> tuple[Code, str] | None:
    """The first fault as code and sentence; None where the assessment carries this controller's claim today."""
    fault = next(iter(lia_faults(lia, controller, today)), None)
    return None if fault is None else (fault.code, fault.why)


def lia_faults(lia: Lia | None, controller: str, today: date) -> tuple[LiaFault, ...]:
    """Everything that stands against the assessment, what is missing before what is out of date.

    LIA_MISSING: there is none, it is another controller's, incomplete, rejected, or its review lies in the future.
    LIA_EXPIRED: it expires `today` or expired before, or its review is more than 12 months ago. `controller` is an id.
    """
    if lia is None:
        return (LiaFault(Code.LIA_MISSING, (), "No assessment of legitimate interest can be read for the campaign."),)
    return (*_missing(lia, controller, today), *_expired(lia, today))


def unanswered(lia: Lia) -> tuple[str, ...]:
    """The fields that an assessment cannot do without and that are empty; blanks answer nothing."""
    return tuple(name for name in _LABELS if not _filled(getattr(lia, name)))


def _missing(lia: Lia, controller: str, today: date) -> Iterator[LiaFault]:
    if not lia.controller or lia.controller != controller:
        said = "was made by another controller" if lia.controller else "does not say which controller made it"
        yield LiaFault(Code.LIA_MISSING, ("controller",), f"The assessment {said}.")
    if empty := unanswered(lia):
        labels = ", ".join(_LABELS[name] for name in empty)
        yield LiaFault(Code.LIA_MISSING, empty, f"The assessment is incomplete; it does not state {labels}.")
    if lia.outcome is LiaOutcome.REJECTED:
        yield LiaFault(Code.LIA_MISSING, ("outcome",), "The assessment was rejected: the interest does not prevail.")
    if lia.reviewed_at is not None and lia.reviewed_at > today:
        why = f"The assessment is said to be reviewed on {lia.reviewed_at}, which is yet to come."
        yield LiaFault(Code.LIA_MISSING, ("reviewed_at",), why)


def _expired(lia: Lia, today: date) -> Iterator[LiaFault]:
    if lia.expires_at is not None and lia.expires_at <= today:
        yield LiaFault(Code.LIA_EXPIRED, ("expires_at",), f"The assessment expired on {lia.expires_at}.")
    reviewed = lia.reviewed_at
    if reviewed is not None and reviewed <= today and months_after(reviewed, REVIEW_MONTHS) < today:
        why = f"The assessment was last reviewed on {reviewed}, more than {REVIEW_MONTHS} months ago."
        yield LiaFault(Code.LIA_EXPIRED, ("reviewed_at",), why)


def _filled(value: object) -> bool:
    match value:
        case str():
            return bool(value.strip())
        case tuple():
            return any(_filled(each) for each in value)
        case _:
            return value is not None
