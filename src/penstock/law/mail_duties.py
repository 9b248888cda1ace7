"""What the law of the countries concerned asks of a mail itself, beyond the notice that every mail carries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from penstock.law.jurisdictions import Table

__all__ = ["EEA", "MailDuties", "mail_duties"]

_EEA = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
EEA = frozenset(_EEA.split())
"""Where the GDPR applies: the European Union and, by the EEA Agreement, Iceland, Liechtenstein and Norway."""


@dataclass(frozen=True, slots=True)
class MailDuties:
    """`unsolicited`, `commercial`: the mail is marked so. `plain_subject`: its subject shows that it advertises.

    `acknowledge`: an opt-out is confirmed by e-mail. `postal_address`: the mail names the sender's. `statutes`: of the
    countries that ask for any of it.
    """

    unsolicited: bool = False
    commercial: bool = False
    plain_subject: bool = False
    acknowledge: bool = False
    postal_address: bool = False
    statutes: tuple[str, ...] = ()


def mail_duties(table: Table, countries: Collection[str | None], on: date) -> MailDuties:
    """The duties of all those countries together, by the table of law of that day; None is a country nobody knows."""
    rows = [table.of(cc, on) for cc in dict.fromkeys(countries)]
    labels = {row.ad_label for row in rows}
    asking = [
        row.statute
        for row in rows
        if row.optout_ack
        or row.postal_address == "mandatory"
        or row.ad_label in ("explicit_unsolicited", "explicit_commercial", "subject_recognisable")
    ]
    return MailDuties(
        unsolicited="explicit_unsolicited" in labels,
        commercial="explicit_commercial" in labels,
        plain_subject="subject_recognisable" in labels,
        acknowledge=any(row.optout_ack for row in rows),
        postal_address=any(row.postal_address == "mandatory" for row in rows),
        statutes=tuple(dict.fromkeys(filter(None, asking))),
    )
