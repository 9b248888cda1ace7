from __future__ import annotations

import unicodedata

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.countries import country_code, official_language

LANGUAGES = ("de", "en", "fr", "sv", "es", "it", "nl", "pl", "da", "fi", "pt", "cs")
NOT_ISO = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
RULED = (
    "AT", "BE", "BG", "HR", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HU", "IE", "IT", "LV", "LT",
    "LU", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "IS", "LI", "NO", "GB", "CH", "US", "CA", "RU",
)  # fmt: skip


@pytest.mark.parametrize(("text", "cc"), [("FR", "FR"), ("fr", "FR"), (" Se ", "SE"), ("uk", "GB"), ("EL", "GR")])
def test_a_code_is_read_in_any_case(text: str, cc: str) -> None:
    assert country_code(text) == cc


def test_there_are_as_many_codes_as_iso_3166_assigns() -> None:
    letters = [chr(n) for n in range(ord("A"), ord("Z") + 1)]
    assert sum(country_code(a + b) == a + b for a in letters for b in letters) == 249


@pytest.mark.parametrize("code", sorted(NOT_ISO))
def test_codes_that_iso_does_not_assign_to_a_country_are_unknown(code: str) -> None:
    assert country_code(code) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_country_of_the_rule_table_is_known_by_its_name_in_every_language(language: str) -> None:
    names = Locale(language).territories
    for cc in RULED:
        assert country_code(names[cc]) == cc
        assert country_code(names[cc].upper()) == cc
        bare = "".join(c for c in unicodedata.normalize("NFKD", names[cc]) if not unicodedata.combining(c))
        assert country_code(bare) == cc


@pytest.mark.parametrize(
    ("name", "cc"),
    [
        ("USA", "US"), ("U.S.A.", "US"), ("United States of America", "US"), ("EE. UU.", "US"),
        ("Great Britain", "GB"), ("England", "GB"), ("Scotland", "GB"), ("Wales", "GB"), ("Northern Ireland", "GB"),
        ("Großbritannien", "GB"), ("Angleterre", "GB"), ("U.K.", "GB"),
        ("Republic of Ireland", "IE"), ("Éire", "IE"),
        ("Holland", "NL"), ("The Netherlands", "NL"), ("Netherlands (Kingdom of the)", "NL"),
        ("Czech Republic", "CZ"), ("Tschechien", "CZ"), ("Česká republika", "CZ"),
        ("Schweiz", "CH"), ("suisse", "CH"), ("Österreich", "AT"), ("OESTERREICH", "AT"), ("Osterreich", "AT"),
        ("Hellas", "GR"), ("Ελλάδα", "GR"), ("ΕΛΛΑΔΑ", "GR"), ("Magyarország", "HU"), ("Suomi", "FI"),
        ("Turkey", "TR"), ("Türkiye", "TR"), ("South Korea", "KR"), ("Korea, Republic of", "KR"),
        ("Côte d'Ivoire", "CI"), ("Cote d’Ivoire", "CI"), ("Bosnia & Herzegovina", "BA"), ("Россия", "RU"),
    ],
)  # fmt: skip
def test_the_usual_other_names_are_known(name: str, cc: str) -> None:
    assert country_code(name) == cc


@pytest.mark.parametrize(
    "text", ["", "   ", "-", "Atlantis", "XQ", "Europe", "EU", "D", "Congo", "Kongo", "Frankreichs", "12"]
)
def test_what_names_no_country_is_unknown(text: str) -> None:
    assert country_code(text) is None


@given(st.text(max_size=30))
def test_what_is_found_is_a_code_that_stands_for_itself(text: str) -> None:
    cc = country_code(text)
    assert cc is None or country_code(cc) == cc


@pytest.mark.parametrize(
    ("cc", "language"),
    [
        ("FR", "fr"), ("DE", "de"), ("AT", "de"), ("LI", "de"), ("SE", "sv"), ("GB", "en"), ("US", "en"), ("AU", "en"),
        ("NZ", "en"), ("IE", "en"), ("ES", "es"), ("IT", "it"), ("PL", "pl"), ("DK", "da"), ("PT", "pt"), ("BR", "pt"),
        ("NL", "nl"), ("CZ", "cs"), ("se", "sv"), ("UK", "en"),
    ],
)  # fmt: skip
def test_a_country_with_one_official_language_speaks_it(cc: str, language: str) -> None:
    assert official_language(cc) == language


@pytest.mark.parametrize("cc", ["BE", "CH", "FI", "LU", "CA", "MT", "CY", "NO", "GR", "HU", "ZA", "XX", "", "France"])
def test_several_or_other_official_languages_are_none(cc: str) -> None:
    assert official_language(cc) is None
