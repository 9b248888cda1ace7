"""The table of law: which country allows what, on which day, and who signed that off. Not legal advice."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from importlib.resources import files

from penstock.errors import InvalidInput
from penstock.law.jurisdiction import Jurisdiction, Permission, SignOff, stricter
from penstock.law.jurisdiction_rows import TableRow, mark_of, read_rows
from penstock.law.version import POLICY

__all__ = ["ANY", "Jurisdiction", "Permission", "SignOff", "Table", "policy_warnings", "stricter"]

ANY = "**"
"""The code of the row for every country without one."""

_CACHE = 4096
_MONTHS_FRESH = 12
_NAMED = 8  # countries in one warning


class Table:
    """The rows of one version, `YYYY-MM`, several a country by day; own rows go before shipped ones.

    `signoffs` are those that stand outside of the rows, by country code or `*`. Raises InvalidInput where the row for
    unlisted countries is missing.
    """

    __slots__ = ("_known", "_rows", "_signoffs", "version")

    def __init__(
        self, version: str, rows: Iterable[TableRow], signoffs: Mapping[str, Sequence[SignOff]] | None = None
    ) -> None:
        self.version = version
        self._rows: dict[str, list[TableRow]] = {}
        for row in rows:
            self._rows.setdefault(row.rule.cc, []).append(row)
        if ANY not in self._rows:
            raise InvalidInput(f"the table of law has no row {ANY}", mend="it is the rule for every other country")
        for found in self._rows.values():
            found.sort(key=lambda row: (row.own, row.applies_from), reverse=True)
        self._signoffs = dict(signoffs or {})
        self._known: dict[tuple[str | None, date], Jurisdiction] = {}

    @classmethod
    def load(cls) -> Table:
        """The shipped table."""
        text = (files("penstock.law") / "data" / "jurisdictions.csv").read_text("utf-8")
        return cls(POLICY, read_rows(text, "jurisdictions.csv"))

    def over(self, own: Iterable[TableRow], signoffs: Mapping[str, Sequence[SignOff]]) -> Table:
        """This table below rows and sign-offs of one's own."""
        return Table(self.version, (*self.rows, *own), signoffs)

    @property
    def rows(self) -> tuple[TableRow, ...]:
        """Every row, of every day; own ones and newer ones first within a country."""
        return tuple(row for found in self._rows.values() for row in found)

    @property
    def countries(self) -> tuple[str, ...]:
        """Every country that has a row of its own, in the table's order."""
        return tuple(cc for cc in self._rows if cc != ANY)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that the table says; sign-offs apart."""
        parts = [self.version]
        parts += [f"{row.applies_from}\x1f{row.own}\x1f{mark_of(row.rule)}" for row in self.rows]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def listed(self, cc: str | None) -> bool:
        """Whether the country has a row of its own, of whatever day."""
        return cc in self._rows and cc != ANY

    def of(self, cc: str | None, on: date) -> Jurisdiction:
        """The country's newest row that is in force that day; the `**` row where there is none, the strictest of all.

        `signed_off` is filled from the sign-offs given by that day.
        """
        found = self._known.get((cc, on))
        if found is None:
            if len(self._known) >= _CACHE:
                self._known.clear()
            row = self.row(cc, on)
            found = self._known[cc, on] = replace(row.rule, signed_off=self._signed(row, on))
        return found

    def row(self, cc: str | None, on: date) -> TableRow:
        """The row that `of` answers from, with its place."""
        own = self._rows.get(cc, ()) if cc is not None else ()
        rest = self._rows[ANY]
        return next((row for row in (*own, *rest) if row.applies_from <= on), rest[-1])

    def _signed(self, row: TableRow, on: date) -> SignOff | None:
        inside = row.rule.signed_off
        if inside is not None and inside.at <= on:
            return replace(inside, table=self.version)
        mark = mark_of(row.rule)
        given = [*self._signoffs.get(row.rule.cc, ()), *self._signoffs.get("*", ())]
        holds = [
            each
            for each in given
            if each.table == self.version and each.at <= on and (each.row == mark or not (each.row or row.own))
        ]
        return max(holds, key=lambda each: each.at, default=None)


def policy_warnings(table: Table, countries: Collection[str], on: date) -> list[str]:
    """What somebody who relies on the table for these countries should know, a sentence each; empty when nothing."""
    warnings = []
    if on > _fresh_until(table.version):
        warnings.append(f"the table of law {table.version} is older than {_MONTHS_FRESH} months: update Penstock")
    wanted = sorted(set(countries))
    if unlisted := [cc for cc in wanted if not table.listed(cc)]:
        warnings.append(f"no row of the table of law is for {_few(unlisted)}: mail there is held")
    if unsigned := [cc for cc in wanted if table.listed(cc) and table.of(cc, on).signed_off is None]:
        mend = "penstock policy signoff --by NAME --at DATE"
        warnings.append(f"no lawyer has signed off the rules of table {table.version} for {_few(unsigned)}: {mend}")
    return warnings


def _few(countries: Sequence[str]) -> str:
    if len(countries) <= _NAMED:
        return ", ".join(countries)
    return f"{', '.join(countries[:3])} and {len(countries) - 3} more"


def _fresh_until(version: str) -> date:
    """The last day of its freshness. The version is a month, counted from its first day."""
    year, month = (int(part) for part in version.split("-")[:2])
    months = year * 12 + month - 1 + _MONTHS_FRESH
    return date(months // 12, months % 12 + 1, 1)
