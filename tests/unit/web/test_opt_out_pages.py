"""The words and languages of the opt-out page."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.model.campaign import Controller
from penstock.templates import template_folder
from penstock.web.opt_out_pages import OptOutPages, PageKind, wanted_language

PAGES = OptOutPages(template_folder())
NORDLICHT = Controller(
    "nordlicht", 'Nordlicht <b>&"Söner"</b> {ask} AB', "Storgatan 1", "SE", contact="privacy@nordlicht.example",
    phone="+46 8 000 00 00", privacy_url="https://nordlicht.example/privacy",
)  # fmt: skip
KINDS: tuple[PageKind, ...] = ("ask", "done", "away")
CONTRAST = 4.5  # WCAG 2.2, 1.4.3


def page(kind: PageKind = "ask", controller: Controller | None = NORDLICHT, language: str = "en") -> str:
    return bytes(PAGES.page(kind, controller, language=language).body).decode()


def test_there_is_a_page_in_four_languages() -> None:
    assert PAGES.languages == ("de", "en", "fr", "sv")


@pytest.mark.parametrize("language", PAGES.languages)
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_names_its_language_and_company_and_leaves_no_gap(kind: PageKind, language: str) -> None:
    text = page(kind, language=language)
    assert f'<html lang="{language}" dir="ltr">' in text
    assert html.escape(NORDLICHT.legal_name, quote=True).replace("&quot;", "&#34;") in text
    assert "<b>" not in text
    assert not re.search(r"\{\w*\}", text.replace("{ask} AB", "").partition("</style>")[2])
    assert ("<button" in text) == (kind == "ask")
    assert 'href="mailto:privacy@nordlicht.example"' in text
    assert 'href="tel:+4680000000"' in text


@pytest.mark.parametrize("language", PAGES.languages)
def test_without_a_known_company_the_page_still_makes_sense(language: str) -> None:
    text = page(controller=None, language=language)
    assert "<section>" not in text
    assert "None" not in text


def test_only_web_addresses_become_links() -> None:
    text = page(controller=replace(NORDLICHT, privacy_url="javascript:alert(1)", contact="Postbox 7", phone=""))
    assert 'href="' not in text
    assert "<dt>Contact</dt>" in text


def test_the_page_is_sound_html_with_one_heading_and_a_named_form() -> None:
    class Reader(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []
            self.seen: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.seen.append(tag)
            if tag not in {"meta", "input"}:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(page())
    assert reader.open == []
    assert reader.seen.count("h1") == 1
    assert {"title", "main", "form", "button"} <= set(reader.seen)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_stands_out_from_what_is_behind_it(scheme: int) -> None:
    style = page().partition("<style>")[2]
    colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]+)", re.findall(r":root\{([^}]*)\}", style)[scheme]))
    for ink, paper in (("ink", "card"), ("on-act", "act"), ("act", "card"), ("on-note", "note")):
        light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= CONTRAST, (ink, paper)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("it", "en"),
        ("sv", "sv"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("it, de;q=0.3, sv;q=0.4", "sv"),
        ("DE-de", "de"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=x, fr;q=-1, sv;level=1", "en"),
        ("de;q=9, fr;q=1", "de"),
    ],
)
def test_the_browsers_language_is_the_best_of_those_there_are(accepted: str, language: str) -> None:
    assert wanted_language(accepted, PAGES.languages) == language


@given(st.text())
def test_whatever_a_browser_says_there_is_a_language(accepted: str) -> None:
    assert wanted_language(accepted, PAGES.languages) in PAGES.languages


@given(st.lists(st.from_regex(r"\A[a-z*]{1,3}(-[A-Z]{2})?(;q=[\d.]{0,5})?\Z"), max_size=30))
def test_every_list_of_languages_can_be_read(ranges: list[str]) -> None:
    assert wanted_language(",".join(ranges), PAGES.languages) in PAGES.languages


@pytest.mark.parametrize(("known", "shown"), [("fr", "fr"), ("fr-CA", "fr"), ("SV", "sv"), ("it", "de"), (None, "de")])
def test_the_recipients_language_wins_over_the_browsers(known: str | None, shown: str) -> None:
    assert PAGES.page("ask", language=known, accepted="de").headers["content-language"] == shown
