"""What one country says about unsolicited e-mail: one row of the table of law."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal, assert_never

from penstock.model.contact import RecipientKind

__all__ = ["CONDITIONS", "Jurisdiction", "Permission", "PermissionKind", "SignOff", "stricter"]

PermissionKind = Literal["in", "out", "review", "cond"]

CONDITIONS = (
    "impersonal",
    "for_legal_persons",
    "job_duties",
    "profession",
    "mainly_business",
    "solely_related",
    "address_published_for_purpose",
    "published_business_contact",
    "central_published_and_not_sole_trader",
    "corporate_subscriber",
    "implied_or_express",
)
"""Every condition there is; one that nobody judges would never be met or, worse, never be asked."""

_PLACE = {name: place for place, name in enumerate(CONDITIONS)}
_STRICTNESS: dict[PermissionKind, int] = {"out": 0, "cond": 1, "review": 2, "in": 3}


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a kind of mailbox may be mailed without asking.

    `in`: prior consent. `out`: until refusal. `cond`: until refusal where all `conditions` hold, else `in`. `review`:
    unclear, a person decides. Conditions are kept in one order, each once.
    """

    kind: PermissionKind
    conditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        ordered = sorted(set(self.conditions), key=lambda name: (_PLACE.get(name, len(_PLACE)), name))
        object.__setattr__(self, "conditions", tuple(ordered))

    def laxer_than(self, other: Permission) -> bool:
        """Whether a mail may go by this one that may not go by the other."""
        return stricter(self, other) != self


def stricter(one: Permission, other: Permission) -> Permission:
    """What satisfies both: in > review > cond > out; of two `cond` the conditions of both.

    Country-of-origin freedom does not cover unsolicited e-mail (Directive 2000/31/EC, Annex), so seat, place of work
    and sender's country all count.
    """
    if one.kind == other.kind == "cond":
        return Permission("cond", one.conditions + other.conditions)
    return one if _STRICTNESS[one.kind] >= _STRICTNESS[other.kind] else other


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who confirmed a row, and when. `table`: the version of the table it was given for; empty where it stands in the
    row itself. `row`: the mark of the only row it is for; empty for every shipped row of the table.
    """

    by: str
    at: date
    table: str = ""
    row: str = ""


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """One row, with the words of `jurisdictions.csv`; `cc` is ISO 3166 alpha-2, or `**` for every unlisted country.

    `optout_days_max` is the legal limit in days, `bd` behind it for business days; `optout_link_valid_days` and
    `proof_years` are least durations, None where the law names none. `proof`: mechanisms that prove a consent, or
    `any_proven`. `effective_from`: the first day the row is applied, never before the GDPR (25 May 2018).
    """

    cc: str
    named: Permission
    generic: Permission
    sole: Permission
    soft_optin: str
    ext_register: str
    optout_ack: bool
    ad_label: str
    postal_address: str
    optout_days_max: str
    optout_link_valid_days: int | None
    proof: tuple[str, ...]
    proof_years: int | None
    role_relevance: bool
    confidence: str
    statute: str
    conditions: str
    effective_from: date
    signed_off: SignOff | None = None

    def permission(self, kind: RecipientKind) -> Permission:
        """The column for a kind of mailbox."""
        match kind:
            case RecipientKind.NAMED:
                return self.named
            case RecipientKind.GENERIC:
                return self.generic
            case RecipientKind.SOLE_TRADER | RecipientKind.PRIVATE:
                return self.sole
            case _:
                assert_never(kind)
