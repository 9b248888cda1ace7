"""What people could not see or read."""

from __future__ import annotations

import pytest

from penstock.compose.visibility import hidden_blocks
from penstock.compose.wording import deceptive_prefix, names_controller, pixels, placeholder

BLOCK = '<p data-penstock="optout"{}>Unsubscribe</p>'


def page(block: str, body: str = "", css: str = "") -> str:
    return f"<html><head><style>{css}</style></head><body{body}>{block}</body></html>"


@pytest.mark.parametrize(
    "html",
    [
        page(BLOCK.format(' style="display:none"')),
        page(BLOCK.format(' style="visibility: hidden"')),
        page(BLOCK.format(' style="opacity:0"')),
        page(BLOCK.format(' style="font-size:0"')),
        page(BLOCK.format(' style="font-size:9px"')),
        page(BLOCK.format(' style="font-size:0.7em"')),
        page(BLOCK.format(' style="font-size:13px"'), ' style="font-size:18px"'),
        page(BLOCK.format(' style="color:#ffffff"')),
        page(BLOCK.format(' style="color:#eeeeee"')),
        page(BLOCK.format(' style="color:#333;background-color:#222"')),
        page(BLOCK.format(" hidden")),
        page(f'<div style="display: none !important">{BLOCK.format("")}</div>'),
        page(f'<div style="max-height:0;overflow:hidden">{BLOCK.format("")}</div>'),
        page('<p data-penstock="optout"><img src="x" alt="Unsubscribe"></p>'),
        page(BLOCK.format(""), css="p { display: none !important }"),
        page(BLOCK.format(""), css="@media screen { [data-penstock=optout] { font-size: 0 } }"),
    ],
)
def test_a_block_that_cannot_be_read_is_reported_with_its_reason(html: str) -> None:
    [(block, why)] = hidden_blocks(html, ["identity", "optout"])
    assert block == "optout"
    assert why


@pytest.mark.parametrize(
    "html",
    [
        page(BLOCK.format("")),
        page(BLOCK.format(' style="font-size:13px;color:#444444"'), ' style="font-size:16px"'),
        page(BLOCK.format(' style="font-size:0.85em"'), ' style="font-size:20px"'),
        page(BLOCK.format(' style="color:#dddddd"'), ' style="background-color:#111111"'),
        page(BLOCK.format(' style="display:none"') + BLOCK.format("")),
        page(BLOCK.format(""), css=".preheader { display: none }"),
        page(BLOCK.format(' style="font-size:small;color:navy"')),
    ],
)
def test_a_block_that_can_be_read_is_fine(html: str) -> None:
    assert list(hidden_blocks(html, ["optout"])) == []


@pytest.mark.parametrize(
    "subject", ["Re: offer", "RE:offer", "Fwd: x", "AW: Angebot", "SV: erbjudande", "Re[2]: x", "TR : offre", " wg: x"]
)
def test_a_subject_that_pretends_a_conversation_is_found(subject: str) -> None:
    assert deceptive_prefix(subject)


@pytest.mark.parametrize(
    "subject",
    ["Refit your line: offer", "Real savings", "Reduce: costs", "Svar på frågor", "Offer: re: order", "Award: 2026"],
)
def test_an_honest_subject_is_not(subject: str) -> None:
    assert not deceptive_prefix(subject)


@pytest.mark.parametrize(
    "image",
    [
        '<img src="x" width="1" height="1">',
        "<img width=0 src=x>",
        '<IMG SRC=x style="height:1px">',
        "<img src='x' style='width: 0'/>",
        "<img height='1px'>",
    ],
)
def test_a_tracking_pixel_is_found(image: str) -> None:
    assert pixels(f"<p>x</p>{image}")


@pytest.mark.parametrize(
    "image",
    [
        '<img width="100" height="10">',
        '<img style="max-width:100%;height:120px">',
        "<img src='1x1.png'>",
        "<p width=1>",
    ],
)
def test_an_ordinary_image_is_not(image: str) -> None:
    assert not pixels(image)


def test_template_marks_are_found_but_braces_of_a_stylesheet_are_none() -> None:
    assert placeholder("Hello {{ name }}") == "{{"
    assert placeholder("{% if x %}") == "{%"
    assert placeholder("left }} over") == "}}"
    assert placeholder("a { b } {c} { {") is None
    css = "<style>@media x{.a{color:red}}</style>"
    assert placeholder(css + "<p>x</p>", html=True) is None
    assert placeholder(css + "<p>}}</p>", html=True) == "}}"


@pytest.mark.parametrize(
    ("shown", "fine"),
    [
        ("Eva Berg, Nordlicht Software AB", True),
        ("NORDLICHT", True),
        ("Eva from Nordlicht", True),
        ("Eva Berg", False),
        ("Nordlichter", False),
        ("", False),
    ],
)
def test_the_name_in_from_says_which_company_writes(shown: str, fine: bool) -> None:
    assert names_controller(shown, "Nordlicht Software AB") is fine
