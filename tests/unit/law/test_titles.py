"""The shipped taxonomy against tables of real job titles that were written before it and independently of it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from penstock.law.taxonomy import Taxonomy
from penstock.model.contact import Function

TABLES = sorted((Path(__file__).parent / "titles").glob("*.csv"))
LANGUAGES = ["da", "de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv"]
TAXONOMY = Taxonomy.load()


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def found(title: str, language: str) -> str:
    match = TAXONOMY.function_of(title, language)
    return match.function.value if match else ""


def test_every_language_has_its_table_with_titles_and_near_misses() -> None:
    assert [table.stem for table in TABLES] == LANGUAGES
    for table in TABLES:
        real = [row for row in rows(table) if not row["not_function"]]
        misses = [row for row in rows(table) if row["not_function"]]
        assert len(real) >= 40
        assert len(misses) >= 15
        assert {row["function"] for row in real} == {function.value for function in Function}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_real_titles_are_recognised(table: Path) -> None:
    wrong = {
        row["title"]: (found(row["title"], table.stem), row["function"])
        for row in rows(table)
        if row["function"] and found(row["title"], table.stem) != row["function"]
    }
    assert wrong == {}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_near_misses_are_not_taken_for_what_they_look_like(table: Path) -> None:
    wrong = {
        row["title"]: row["not_function"]
        for row in rows(table)
        if row["not_function"] and found(row["title"], table.stem) == row["not_function"]
    }
    assert wrong == {}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.stem)
def test_the_language_of_the_contact_is_not_needed(table: Path) -> None:
    """Titles of one language are recognised although the record names another or none."""
    unknown = [
        row["title"] for row in rows(table) if row["function"] and TAXONOMY.function_of(row["title"], None) is None
    ]
    assert unknown == []
