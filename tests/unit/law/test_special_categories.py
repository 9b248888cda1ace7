from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.special_categories import SpecialCategories

WORDS = SpecialCategories.load()


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Trade Union Secretary", "union"),
        ("Betriebsratsvorsitzende", "union"),
        ("IG-Metall-Gewerkschaftssekretär", "union"),
        ("Délégué syndical", "union"),
        ("facklig förtroendeman", "union"),
        ("Delegada sindical", "union"),
        ("Delegato SINDACALE", "union"),
        ("Przewodniczący związku zawodowego", "union"),
        ("Tillidsrepræsentant", "union"),
        ("luottamusmies", "union"),
        ("Pfarrer", "religion"),
        ("Kirchenmusiker", "religion"),
        ("Kyrkoherde", "religion"),
        ("church administrator", "religion"),
        ("Proboszcz, parafia", "religion"),
        ("Chair of a political party", "politics"),
        ("Parteivorsitzender", "politics"),
        ("partisekreterare", "politics"),
        ("Schwerbehindertenvertretung", "health"),
        ("patientföreningen", "health"),
    ],
)
def test_a_title_or_an_activity_hints(text: str, category: str) -> None:
    hint = WORDS.in_text(text)
    assert hint is not None
    assert hint.category == category


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Head of Purchasing",
        "Health & Safety Manager",
        "Leiter Gesundheitswirtschaft",
        "European Union sales",
        "third-party logistics",
        "Union",
        "Churchill Pumps",
        "Partner Manager",
        "medical devices",
        "trade finance, union of cooperatives",
    ],
)
def test_ordinary_words_of_business_do_not(text: str) -> None:
    assert WORDS.in_text(text) is None


@pytest.mark.parametrize(
    ("column", "category"),
    [
        ("Religion", "religion"),
        ("Konfession", "religion"),
        ("union_member", "union"),
        ("party", "politics"),
        ("health.notes", "health"),
        ("Behinderung", "health"),
        ("ethnicity", "origin"),
        ("sexual orientation", "orientation"),
    ],
)
def test_a_column_name_hints_by_more_words(column: str, category: str) -> None:
    hint = WORDS.in_column(column)
    assert hint is not None
    assert hint.category == category


@pytest.mark.parametrize("column", ["address", "company.name", "E-Mail", "Telefon", "source.reference", ""])
def test_ordinary_columns_do_not(column: str) -> None:
    assert WORDS.in_column(column) is None


@given(st.text(max_size=60))
def test_any_text_is_answered_the_same_twice(text: str) -> None:
    assert WORDS.in_text(text) == WORDS.in_text(text)


def test_nothing_is_forgotten_of_long_files_but_the_oldest_answers() -> None:
    words = SpecialCategories([("union", "any", "shop steward*")])
    assert not any(words.in_text(f"title {number}") for number in range(25_000))
    assert words.in_text("Shop stewards") is not None
