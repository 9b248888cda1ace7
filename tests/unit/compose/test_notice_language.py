"""Letter and notice speak one language."""

from __future__ import annotations

import pytest

from penstock.compose.notice_language import foreign_blocks
from penstock.model.mail import Letter

BLOCKS = ("identity", "optout")
TWO = '<p data-penstock="identity" {0}>a</p><p data-penstock="optout" {1}>b</p>'


def letter(html: str | None, notice: str | None = "text-1-sv-abc", language: str = "sv") -> Letter:
    return Letter((), "x", html, language, "t", notice)


@pytest.mark.parametrize(
    ("made", "foreign"),
    [
        (letter(TWO.format('lang="sv"', 'lang="SV-fi"')), []),
        (letter(TWO.format('lang="sv"', 'lang="sv"'), language="sv-FI"), []),
        (letter(TWO.format('lang="sv"', 'lang="de"')), ["optout"]),
        (letter(TWO.format("", "")), []),
        (letter(f'<html lang="de"><body>{TWO.format("", "")}</body></html>'), ["identity", "optout"]),
        (letter(f'<html lang="de"><body>{TWO.format(*2 * ["lang=sv"])}</body></html>'), []),
        (letter(TWO.format('lang="sv"', 'lang="sv"'), "text-1-de-abc"), ["identity", "optout"]),
        (letter(None, "text-1-de-abc"), ["identity", "optout"]),
        (letter(None), []),
        (letter("", None), []),
        (letter(None, "text-1-sv-FI-abc"), []),
    ],
)
def test_a_block_in_another_language_than_the_letter_is_found(made: Letter, foreign: list[str]) -> None:
    assert list(foreign_blocks(made, BLOCKS)) == foreign
