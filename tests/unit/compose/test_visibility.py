"""What people could not see or read."""

from __future__ import annotations

import time

import pytest

from penstock.compose.colour import colour_in, contrast, laid_over
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


DARK = "@media (prefers-color-scheme: dark)"


@pytest.mark.parametrize(
    ("style", "why"),
    [
        ("position:absolute;left:-9999px", "left"),
        ("position:fixed;top:-100em", "top"),
        ("margin-left:-9999px", "margin-left"),
        ("text-indent:-999em", "text-indent"),
        ("position:absolute;clip:rect(0,0,0,0)", "clip"),
        ("clip:rect(1px 1px 1px 1px);position:absolute", "clip"),
        ("clip-path:inset(50%)", "clip-path"),
        ("clip-path:circle(0)", "clip-path"),
        ("overflow:hidden;height:0", "height"),
        ("overflow:hidden;max-height:1px", "max-height"),
        ("overflow:hidden;width:1px", "width"),
        ("line-height:0", "lines"),
        ("line-height:1px", "lines"),
        ("line-height:20%", "lines"),
        ("transform:scale(0)", "transform"),
        ("transform:translateX(-9999px)", "transform"),
        ("opacity:0.05", "opacity"),
        ("opacity:2%", "opacity"),
        ("visibility:collapse", "visibility"),
        ("mso-hide:all", "mso-hide"),
        ("content-visibility:hidden", "content-visibility"),
        ("color:transparent", "colour"),
        ("color:rgba(0,0,0,0.1)", "colour"),
        ("color:rgb(250 250 250)", "colour"),
        ("color:#fffffe00", "colour"),
        ("color:whitesmoke", "colour"),
        ("background:#444 url(x.png);color:#333", "colour"),
        ("font:1px Arial;font-size:1px", "type"),
        ("font-size:40%", "type"),
    ],
)
def test_ways_to_hide_a_block_are_known_in_attributes_and_class_rules_and_around_it(style: str, why: str) -> None:
    hostile = ";".join(f"{each} !important" for each in style.split(";"))
    for html in (
        page(BLOCK.format(f' style="{style}"')),
        page(BLOCK.format(' class="fine"'), css=f".fine {{ {style} }}"),
        page(f'<div class="legal">{BLOCK.format("")}</div>', css=f"body div.legal {{ {style} }}"),
        page(BLOCK.format(' style="color:#444"'), css=f"[data-penstock] {{ {hostile} }}"),
        page(f'<div style="{style}">{BLOCK.format("")}</div>'),
        page(BLOCK.format(""), css=f"{DARK} {{ p {{ {style} }} }}"),
        page(BLOCK.format(""), css=f"@media (max-width: 480px) {{ p {{ {style} }} }}"),
    ):
        [(block, found)] = hidden_blocks(html, ["optout"])
        assert block == "optout"
        assert why in found


@pytest.mark.parametrize(
    "html",
    [
        page(f"<details>{BLOCK.format('')}</details>"),
        page(f"<noscript>{BLOCK.format('')}</noscript>"),
        page(f"<textarea>{BLOCK.format('')}</textarea>"),
        page(f"<!-- {BLOCK.format('')} -->"),
        page(BLOCK.format(""), ' text="#ffffff"'),
        page(f'<font color="white">{BLOCK.format("")}</font>'),
        page(f'<table bgcolor="#000000"><tr><td>{BLOCK.format("")}</td></tr></table>'),
        page('<p data-penstock="optout">a <span style="display:none">long text that says how to object</span></p>'),
        page('<p data-penstock="optout">How to stop these mails: <a href="x" style="color:#fff">Unsubscribe</a></p>'),
        page('<p data-penstock="optout">How to stop these mails: <a href="x">here</a></p>', css="a { color: #ffffff }"),
        page(BLOCK.format(""), css=f"{DARK} {{ body {{ background: #111111 }} }}"),
        page(BLOCK.format(' style="color:#444"'), css=f"{DARK} {{ body {{ background: #222 !important }} }}"),
        page(BLOCK.format(' style="background:#fff"'), css=f"{DARK} {{ p {{ color: #eee !important }} }}"),
        page(BLOCK.format(' style="background:#fff"'), css="[data-ogsc] p { color: #eee !important }"),
        '<html><head><style media="(prefers-color-scheme: dark)">p { color: #fff }</style></head><body>'
        + BLOCK.format("")
        + "</body></html>",
        page('<div style="font-size:10px">' + BLOCK.format(' style="font-size:1em"') + "</div>"),
        page(BLOCK.format(""), css="p { color: #fff } p { color: red; color: #fff }"),
    ],
)
def test_a_block_is_hidden_by_what_stands_around_it_in_it_or_in_dark_mode(html: str) -> None:
    assert [block for block, _ in hidden_blocks(html, ["optout"])] == ["optout"]


@pytest.mark.parametrize(
    "html",
    [
        page(f"<details open>{BLOCK.format('')}</details>"),
        page(BLOCK.format(' style="color:#444;background:#fff"'), css=f"{DARK} {{ body {{ background: #111 }} }}"),
        page(BLOCK.format(' style="color:#444"'), css="p { color: #fff }"),
        page(BLOCK.format(' style="color:#444"'), css="[data-penstock] { color: #fff }"),
        page(BLOCK.format(""), css="@media print { p { display: none } }"),
        page(BLOCK.format(""), css="@media (max-width: 480px) { .wide { display: none !important } }"),
        page(BLOCK.format(""), css="p:hover,p::before { display: none } p:nth-child(9) { opacity: 0 }"),
        page(BLOCK.format(""), css="p { color: #fff } body p { color: #333 }"),
        page(BLOCK.format(""), css="p { color: #333 !important } body p { color: #fff }"),
        page(BLOCK.format(""), css="!! { p } } broken ((("),
        page(f'<div style="visibility:hidden">{BLOCK.format(chr(32) + chr(115) + "tyle=visibility:visible")}</div>'),
        page('<p data-penstock="optout">Unsubscribe by a reply to us <span style="display:none">!</span></p>'),
        page(f'<div style="line-height:0">{BLOCK.format(" style=line-height:1.5")}</div>'),
        page(f'<div style="margin:-4px 0 0 -4px;position:relative;left:-8px">{BLOCK.format("")}</div>'),
        page(f'<div style="height:40px;overflow:hidden;width:9em">{BLOCK.format("")}</div>'),
        page(BLOCK.format(' style="background:#111;color:#eee"')),
    ],
)
def test_what_hides_nothing_is_not_blamed(html: str) -> None:
    assert list(hidden_blocks(html, ["optout"])) == []


@pytest.mark.parametrize("css", ["p{color:" + "(" * 5000, "a " * 3000 + "{x:y}", "p{}" * 5000, "@media x{" * 3000])
def test_a_monstrous_stylesheet_is_judged_in_sensible_time(css: str) -> None:
    started = time.process_time()
    assert list(hidden_blocks(page(BLOCK.format(""), css=css), ["optout"])) == []
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#fff", (1, 1, 1, 1)),
        ("url(white.png) #00ff00 no-repeat", (0, 1, 0, 1)),
        ("rgba(255, 0, 0, 50%)", (1, 0, 0, 0.5)),
        ("rgb(0 0 100%)", (0, 0, 1, 1)),
        ("navy", (0, 0, 128 / 255, 1)),
        ("#11223344", (17 / 255, 34 / 255, 51 / 255, 68 / 255)),
        ("none", None),
        ("var(--x)", None),
        ("rgb(a,b,c)", None),
        ("rgb(1)", None),
        ("no-white-space", None),
    ],
)
def test_colours_are_read_in_the_ways_letters_spell_them(text: str, expected: tuple[float, ...] | None) -> None:
    assert colour_in(text) == (expected if expected is None else pytest.approx(expected))


def test_the_contrast_of_black_and_white_is_the_greatest() -> None:
    black, white = (0.0, 0.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0)
    assert contrast(black, white) == pytest.approx(21)
    assert contrast(laid_over((0.0, 0.0, 0.0, 0.0), white), white) == 1


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
    assert placeholder("Dear *|FNAME|*,") == "*|"
    assert placeholder("a *|* b *| c |* * | *") is None
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
