"""Where a person can complain."""

from __future__ import annotations

from penstock.law.authorities import Authorities

EEA_AND_NEIGHBOURS = [
    "AT",
    "BE",
    "BG",
    "HR",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HU",
    "IE",
    "IT",
    "LV",
    "LT",
    "LU",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
    "IS",
    "LI",
    "NO",
    "GB",
    "CH",
]


def test_every_country_of_the_eea_has_an_authority_with_an_https_address() -> None:
    table = Authorities.load()
    for country in EEA_AND_NEIGHBOURS:
        authority = table.of(country)
        assert authority is not None, country
        assert authority.name
        assert authority.url.startswith("https://")


def test_the_first_country_that_has_one_counts() -> None:
    table = Authorities.load()
    assert table.of("ZZ", None, "SE") == table.of("SE")
    assert table.of("ZZ", None) is None
