from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.law.contact_reason import SHORTEST_REASON, is_specific


@pytest.mark.parametrize(
    "reason",
    [
        "your site shows a new plant in Lyon",
        "ni söker två inköpare till Borås",
        "we met at the fair",
        "a potential customer of our pumps in Lyon",
        "Potential customer, as the new plant in Lyon needs forty suppliers by the spring of next year",
    ],
)
def test_a_reason_about_the_person_is_specific(reason: str) -> None:
    assert is_specific(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "   ",
        "interested",
        "a lead",
        "potential customer",
        "  Potential   Customer! ",
        "Potenzieller Kunde.",
        "möglicher Kunde",
        "MÖGLICHER KUNDE",
        "Client potentiel",
        "Intérêt légitime",
        "“legitimate interest”",
        "sales-prospect",
    ],
)
def test_a_phrase_that_fits_everybody_is_not(reason: str) -> None:
    assert not is_specific(reason)


def test_the_twelfth_character_decides() -> None:
    assert not is_specific("x" * (SHORTEST_REASON - 1))
    assert is_specific("x" * SHORTEST_REASON)
    assert not is_specific("a  new   pla")


@given(st.text(max_size=60), st.sampled_from([" ", "\t", "\n", "  "]))
def test_outer_space_changes_nothing(reason: str, space: str) -> None:
    assert is_specific(f"{space}{reason}{space}") == is_specific(reason)
