"""Which countries' rows apply to a mail: the recipient's place of work and seat, and the sender's own country."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from penstock.law.consent import accepted_mechanisms
from penstock.law.countries import country_code
from penstock.law.jurisdictions import Table
from penstock.model.codes import Code
from penstock.model.contact import Mechanism
from penstock.model.verdict import Reason
from penstock.stages.checks import basis_reasons as says
from penstock.stages.checks.basis_rows import CountryRow

__all__ = ["Place", "place_of"]

_UNSIGNED = "Nobody has signed off the rules of {} yet."


@dataclass(frozen=True, slots=True)
class Place:
    """The rows that apply, the proofs of consent that all of them take, and the holds that nothing lifts."""

    rows: tuple[CountryRow, ...]
    mechanisms: frozenset[Mechanism]
    holds: tuple[Reason, ...]


def place_of(
    table: Table, on: date, *, stated: tuple[str, ...], domain: str | None, sender: str | None, signed_only: bool
) -> Place:
    """The rows of that day, place of work first and the sender's last, each once.

    `stated`: what the record says of place of work and seat; `domain`: the country of the address's top-level domain;
    `sender`: the sender's country; `signed_only`: a row that nobody signed off holds the mail.
    """
    holds = [] if stated else [says.NO_COUNTRY]
    codes = [country_code(country) or country for country in stated]
    rows: dict[str, CountryRow] = {}
    for cc in dict.fromkeys(codes):
        if (row := _row(table, cc, on)) is None:
            holds.append(says.no_row(cc))
        else:
            rows[cc] = row
    if domain is not None and codes and domain not in codes:
        holds.append(says.foreign_domain(domain, codes))
    own = None if sender is None else country_code(sender)
    if own is None or (row := _row(table, own, on, of_sender=True)) is None:
        holds.append(says.NO_SENDER_COUNTRY)
    else:
        rows.setdefault(own, row)
    applying = tuple(rows.values())
    if signed_only and (unsigned := [row for row in applying if row.rule.signed_off is None]):
        holds.append(says.country_stops(Code.NO_LEGAL_BASIS, unsigned, _UNSIGNED, ()))
    return Place(applying, accepted_mechanisms(row.rule.proof for row in applying), tuple(holds))


def _row(table: Table, cc: str, on: date, *, of_sender: bool = False) -> CountryRow | None:
    rule = table.of(cc, on)
    return CountryRow.of(rule, of_sender=of_sender) if rule.cc == cc else None
