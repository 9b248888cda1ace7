"""Data protection authorities by country (GDPR Art. 13(2)(d), 14(2)(e), 77)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

__all__ = ["Authorities", "Authority"]


@dataclass(frozen=True, slots=True)
class Authority:
    """Where a person can complain."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Authorities:
    """The shipped table. Keys are ISO 3166 alpha-2 codes."""

    by_country: dict[str, Authority]

    @classmethod
    def load(cls) -> Authorities:
        """Read the shipped table."""
        text = resources.files("penstock.law").joinpath("data/authorities.csv").read_text("utf-8")
        return cls({row["cc"]: Authority(row["name"], row["url"]) for row in csv.DictReader(text.splitlines())})

    def of(self, *countries: str | None) -> Authority | None:
        """The authority of the first country that has one here."""
        return next((self.by_country[cc] for cc in countries if cc in self.by_country), None)
