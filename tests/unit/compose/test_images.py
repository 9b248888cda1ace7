"""Images in templates: which are used, what they are called in the mail, what lint says of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from penstock.compose.image_findings import image_findings
from penstock.compose.images import attachments_for, image_uses, with_content_ids
from penstock.compose.templates import LetterTemplate, Rendered, TemplateShelf
from penstock.compose.wording import pixels
from penstock.model.campaign import Campaign, Enclosure, TemplateFile
from penstock.model.contact import Contact

LOGO = Enclosure("logo", "logo.png", "image/png", "a1b2c3d4e5f60718", b"png")
HERO = Enclosure("hero", "hero.jpg", "image/jpeg", "ffeeddccbbaa9988", b"jpg")
PDF = Enclosure("", "a.pdf", "application/pdf", "00", b"%PDF")
LOGO_ID = "logo.a1b2c3d4e5f6@penstock"


def html(source: str, language: str = "") -> TemplateFile:
    return TemplateFile("html", language, f"letter.{language}.html.j2", source)


@pytest.mark.parametrize(
    "markup",
    [
        '<img src="cid:logo">',
        "<img src='cid:logo' alt=x>",
        "<img src=cid:logo>",
        '<IMG SRC=" CID:logo ">',
        '<td background="cid:logo">',
        '<td style="background:url(cid:logo)">',
        "<td style=\"background:url('cid:logo')\">",
        '<td style="background:url(&quot;cid:logo&quot;)">',
        "<style>td { background: url(cid:logo) }</style>",
        '<!--[if mso]><v:fill src="cid:logo"/><![endif]-->',
        '<img srcset="a.png 1x, cid:logo 2x">',
    ],
)
def test_a_use_is_found_wherever_an_address_may_stand(markup: str) -> None:
    assert image_uses(f"<p>\n{markup}</p>") == [(2, "logo")]
    written = with_content_ids(markup, [LOGO, PDF])
    assert f"cid:{LOGO_ID}" in written
    assert "cid:logo" not in written.replace(LOGO_ID, "").lower() + "|"


@pytest.mark.parametrize("text", ["acid:logo", "<p>We say cid:logo here</p>", '<a href="https://x.example/?cid:logo">'])
def test_words_that_only_look_like_it_stay(text: str) -> None:
    assert image_uses(text) == []
    assert with_content_ids(text, [LOGO]) == text


def test_a_longer_key_that_begins_alike_is_another() -> None:
    assert with_content_ids('<img src="cid:logo2"><img src="cid:logo.x">', [LOGO]).count("@") == 0


def test_only_what_the_html_shows_goes_along_and_every_attachment() -> None:
    found = attachments_for('<img src="cid:logo"><img src="cid:logo">', (LOGO, HERO, PDF))
    assert [(file.name, file.cid, file.data) for file in found] == [
        ("logo.png", LOGO_ID, b"png"),
        ("a.pdf", "", b"%PDF"),
    ]
    assert [file.name for file in attachments_for(None, (LOGO, HERO, PDF))] == ["a.pdf"]


def test_the_html_is_rewritten_once_per_version_and_each_language_brings_its_own(
    campaign: Callable[..., Campaign],
) -> None:
    files = [html('<p>Hello</p><img src="cid:logo" alt="Nordlicht">'), html('<img src="cid:hero">', "fr")]
    made = campaign(files, enclosures=(LOGO, HERO, PDF))
    shelf = TemplateShelf()
    english, french = shelf.letter_template(made, "en"), shelf.letter_template(made, "fr")
    assert isinstance(english, LetterTemplate)
    assert isinstance(french, LetterTemplate)
    assert [file.name for file in english.attachments] == ["logo.png", "a.pdf"]
    assert [file.name for file in french.attachments] == ["hero.jpg", "a.pdf"]
    rendered = english.render(Contact("anna@m.example"))
    assert isinstance(rendered, Rendered)
    assert f'src="cid:{LOGO_ID}"' in str(rendered.html)
    assert "Nordlicht" in rendered.text
    assert shelf.letter_template(made, "en") is english
    assert shelf.inliner.runs == 2


def test_other_octets_make_another_template_version(campaign: Callable[..., Campaign]) -> None:
    other = Enclosure("logo", "logo.png", "image/png", "f" * 16, b"other")
    made = [
        TemplateShelf().letter_template(campaign([html('<img src="cid:logo">')], enclosures=(each,)), "en")
        for each in (LOGO, other)
    ]
    assert len({each.version for each in made if isinstance(each, LetterTemplate)}) == 2


def test_lint_tells_images_that_are_missing_unused_or_hardly_shown(campaign: Callable[..., Campaign]) -> None:
    svg = Enclosure("mark", "mark.svg", "image/svg+xml", "0", b"<svg/>")
    template = html('<img src="cid:logo">\n<img src="cid:lgoo">\n<img src="cid:{{ given_name }}"><img src="cid:mark">')
    found = [*image_findings(campaign([template], enclosures=(LOGO, HERO, svg, PDF)))]
    assert [(each.level, each.where, each.what) for each in found] == [
        ("error", "letter..html.j2:2", "cid:lgoo is none of the images"),
        ("error", "letter..html.j2:3", "names an image by a variable"),
        ("warning", "[message] images.hero", "is shown by no template and is not sent"),
        ("warning", "[message] images.mark", "image/svg+xml is not shown by many mail programs"),
    ]


def test_a_campaign_whose_images_are_all_there_and_used_has_no_findings(campaign: Callable[..., Campaign]) -> None:
    files = [html('<img src="cid:logo">'), html('<img src="cid:hero">', "fr"), TemplateFile("text", "", "a", "cid:x")]
    assert [*image_findings(campaign(files, enclosures=(LOGO, HERO, PDF)))] == []


@pytest.mark.parametrize(
    ("image", "found"),
    [
        ('<img src="cid:dot@penstock" width="1" height="1">', False),
        ("<img width=1 src='cid:dot@penstock'>", False),
        ('<img src="https://x.example/dot.png" width="1">', True),
        ('<img src="cid:dot@penstock" width="1" srcset="https://x.example/dot.png 2x">', True),
        ('<img data-src="cid:dot" src="http://x.example/dot.png" width="1">', True),
        ('<img data-src="cid:dot" width="1">', True),
    ],
)
def test_an_image_that_comes_along_is_no_tracking_pixel(image: str, found: bool) -> None:
    assert pixels(f"<p>x</p>{image}") is found
