"""A legitimate-interest assessment (LIA): what a controller wrote down before claiming the interest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

__all__ = ["Benefit", "Lia", "LiaOutcome"]


class Benefit(StrEnum):
    """To whom the processing is of use."""

    US = "us"
    RECIPIENT = "recipient"
    THIRD_PARTY = "third_party"
    BOTH = "both"


class LiaOutcome(StrEnum):
    """What the reviewer decided."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Lia:
    """The assessment as its file says it; whether it carries a campaign is judged in `penstock.law.assessment`.

    `controller` is the id of one of the config. Empty text, an empty list and None mean: not answered. `reviewed_at`
    and `expires_at` are days; on the day it expires the assessment
    holds no more.
    """

    id: str
    controller: str = ""
    purpose: str = ""
    interest: str = ""
    benefit_to_whom: Benefit | None = None
    interest_link: str = ""
    necessity: str = ""
    reasonable_expectation: str = ""
    impact: str = ""
    safeguards: tuple[str, ...] = ()
    outcome: LiaOutcome | None = None
    reviewer: str = ""
    reviewed_at: date | None = None
    expires_at: date | None = None
