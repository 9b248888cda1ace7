"""What makes letters look alike, so that one judgement stands for all of them."""

from __future__ import annotations

import pytest

from penstock.compose.appearance import appearance

LETTER = (
    '<html><style>p{color:red}</style><body><p class="a" title="x">Hello Anna</p><a href="https://a.example/1">x</a>'
)


@pytest.mark.parametrize(
    ("before", "after"),
    [("Anna", "Bo"), ("/1", "/2"), ('title="x"', 'title="y"'), ("Hello", "Don't")],
)
def test_words_and_links_change_nothing(before: str, after: str) -> None:
    assert appearance(LETTER) == appearance(LETTER.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("color:red", "display:none"),
        ("<style>", '<style id="s">'),
        ('class="a"', 'class="b"'),
        ('class="a"', 'class=a style="display:none"'),
        ('class="a"', "class='a' hidden"),
        ('class="a"', "class=a"),
        ("<p ", "<div "),
        ("Hello", "<span hidden>Hello</span>"),
        ("</style>", "/* < > */ p{display:none}</style>"),
        ("</style>", "@media x{a<b{}} p{display:none}</style>"),
        ('title="x"', 'title="x>y" style="display:none"'),
        ('title="x"', "title='x>y' hidden"),
        ('title="x"', 'lang="sv"'),
        ('title="x"', 'width="1"'),
        ('title="x"', 'data-penstock="optout"'),
        ("<style>", '<style media="print">'),
        ("Hello", "<!-- -->Hello"),
    ],
)
def test_elements_and_styles_make_another(before: str, after: str) -> None:
    changed = LETTER.replace(before, after, 1)
    assert changed != LETTER
    assert appearance(LETTER) != appearance(changed)


def test_the_css_of_a_style_with_an_id_counts() -> None:
    named = LETTER.replace("<style>", '<style id="s">')
    assert appearance(named) != appearance(named.replace("color:red", "display:none"))


def test_what_a_comment_swallows_counts() -> None:
    html = "<p>a</p><!-- x --><b>y</b>"
    assert appearance(html) != appearance("<p>a</p><!-- x <b>y</b> -->")


@pytest.mark.parametrize(
    ("css", "alike"),
    [("[data-ogsc] p", True), ("[class~=a]", True), ("a[x-apple-data-detectors]", True), ("a[href*='1']", False)],
)
def test_where_a_stylesheet_chooses_by_addresses_these_count(css: str, alike: bool) -> None:
    chosen = LETTER.replace("</style>", f"{css}{{display:none}}</style>")
    assert (appearance(chosen) == appearance(chosen.replace("/1", "/2"))) is alike
