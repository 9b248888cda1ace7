"""What all rows that apply to a mail come to, before recorded consents are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from penstock.law.jurisdictions import Permission
from penstock.law.permission import (
    Mailing,
    Ruling,
    SoftGap,
    column_of,
    hinges_on_legal_form,
    ruling,
    soft_opt_in,
    soft_opt_in_gaps,
)
from penstock.stages.checks.basis_rows import CountryRow, Need, need_of

__all__ = ["Weighed", "weighed"]

_ASKS = Permission("in")


@dataclass(frozen=True, slots=True)
class Weighed:
    """Each row is in one of these, or in several where it says no for several reasons.

    `allowed` without asking; `customers`: by the exception for existing customers; `needs`: only with consent;
    `stops`: for another reason; `gaps`: the exception is claimed in `not_customers` and lacks these conditions.
    """

    allowed: list[tuple[CountryRow, Permission]] = field(default_factory=list)
    customers: list[CountryRow] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    stops: dict[Ruling, list[CountryRow]] = field(default_factory=dict)
    gaps: dict[str, SoftGap] = field(default_factory=dict)
    not_customers: list[CountryRow] = field(default_factory=list)

    @property
    def lets_go(self) -> bool:
        """Whether every row allows the mail without a recorded consent."""
        return not (self.needs or self.stops or self.gaps)


def weighed(rows: Sequence[CountryRow], mailing: Mailing, *, claimed: bool, consented: bool) -> Weighed:
    """Weigh every row; the strictest decides.

    `claimed`: the mail goes out as one to a customer, so that the exception must hold wherever there is one.
    `consented`: there are recorded consents, so that a run-out implied one is not the last word.
    """
    found = Weighed()
    for row in rows:
        exception = soft_opt_in(row.rule) if claimed else "column"
        if exception == "column":
            _by_column(found, row, mailing, consented=consented)
        elif exception == "no":
            found.needs.append(need_of(row, _ASKS))
        elif gaps := soft_opt_in_gaps(row.rule, mailing):
            found.gaps.update((gap.field, gap) for gap in gaps)
            found.not_customers.append(row)
        else:
            found.customers.append(row)
    return found


def _by_column(found: Weighed, row: CountryRow, mailing: Mailing, *, consented: bool) -> None:
    permission = column_of(row.rule, mailing)
    answer = ruling(row.rule, mailing)
    hinges = not row.of_sender and hinges_on_legal_form(row.rule, mailing)
    unasked = row.of_sender and answer is Ruling.FORM_UNKNOWN
    if (answer is Ruling.ALLOWED and not hinges) or unasked:
        found.allowed.append((row, permission))
        return
    if answer is Ruling.CONSENT or (answer is Ruling.WINDOW_OVER and consented):
        found.needs.append(need_of(row, permission))
    stops = {answer} - {Ruling.ALLOWED, Ruling.CONSENT} | ({Ruling.FORM_UNKNOWN} if hinges else set())
    for stop in sorted(stops):
        found.stops.setdefault(stop, []).append(row)
