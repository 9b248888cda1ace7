"""Styles move into attributes and every template tag comes through."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.compose.inlining import Inlined, Inliner
from penstock.compose.masker import mask
from penstock.compose.plaintext import template_to_text
from penstock.compose.sandbox import Compiled, Sandbox, translator_of

CSS = (
    "<style>.p { color: red; margin: 0 } td { width: {{ w }}px } @media (max-width: 9px) { .p { color: blue } }</style>"
)
VALUES = {"a": True, "b": False, "w": 7, "name": "A > B", "xs": ["1", "2"], "url": "x.example"}


def page(body: str, css: str = CSS) -> str:
    return f"<!doctype html>\n<html lang='en'><head>{css}</head><body>{body}</body></html>\n"


def rendered(source: str) -> str:
    made = Sandbox(html=True).compiled(source, "x", translator_of({}))
    assert isinstance(made, Compiled)
    words = made.render(VALUES)
    assert isinstance(words, str)
    return words


def seen(html: str) -> tuple[list[str], list[str], int]:
    from lxml.html import document_fromstring

    root = document_fromstring(html)
    words = root.body.text_content().split()
    return words, [a.get("href", "") for a in root.iter("a")], len(list(root.iter()))


@pytest.mark.parametrize(
    "tagged",
    [
        "<p class='p'>Dear {{ name|default('a > b') }},</p>",
        '<p {% if a %}class="p"{% else %}class="q" id="x"{% endif %}>x</p>',
        '<p {% if a %}hidden{% endif %} class="p">x</p>',
        '<p class="p{% if b %} wide{% endif %}">x</p>',
        '<td {{ name }} class="x">y</td>',
        '<a href="https://{{ url }}/?a=1&amp;b={{ w }}">{{ url }}</a>',
        "<table><tr><th>h</th></tr>{% for x in xs %}<tr class='p'><td>{{ x }}</td></tr>{% endfor %}</table>",
        "<ul>{% for x in xs %}<li>{{ x }}{% endfor %}</ul>",
        "<!--[if mso]><table><tr><td>{{ w }}<![endif]-->x<!--[if mso]></td></tr></table><![endif]-->",
        "<![if !mso]><p>x</p><![endif]>",
        "<!-- {% if a %} note {% endif %} -->",
        "{% raw %}{{ not rendered }}{% endraw %}",
        '{{ "}}" }} {{ \'%}\' }} {# a " comment #}',
        "{% if a %}<div>{% endif %}x{% if a %}</div>{% endif %}",
        "<textarea>{{ name }} <b></textarea>",
        "<img src='cid:{{ w }}' alt='say \"{{ name }}\"'>",
        "<p class=p data-x={{ w }}>x</p>",
    ],
)
def test_template_tags_come_through_wherever_they_stand(tagged: str) -> None:
    source = page(tagged)
    found = Inliner().inlined(source)
    assert found.whole
    assert (
        re.findall(r"\{[{%#].*?[}%#]\}", found.html.partition("<body>")[2])
        == re.findall(r"\{[{%#].*?[}%#]\}", source.partition("<body>")[2])
        or "width:{{ w }}px" in found.html
    )
    assert seen(rendered(found.html))[:2] == seen(rendered(source))[:2]


def test_styles_are_inlined_and_the_stylesheet_stays_for_media_queries() -> None:
    html = Inliner().inlined(page('<p class="p">x</p><table><tr><td>y</td></tr></table>')).html
    assert '<p class="p" style="color:red; margin:0">' in html
    assert '<td style="width:{{ w }}px">' in html
    assert "@media (max-width: 9px) { .p { color: blue } }" in html
    assert html.startswith("<!doctype html>\n<html")


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_style_attribute_with_tags_comes_after_what_the_stylesheet_says(quote: str) -> None:
    html = (
        Inliner()
        .inlined(
            page(f"<p class=p style={quote}{{% if a %}}color: green;{{% endif %}} top: {{{{ w }}}}px{quote}>x</p>")
        )
        .html
    )
    assert 'style="color:red; margin:0; {% if a %}color: green;{% endif %} top: {{ w }}px"' in html
    assert "color: green; top: 7px" in rendered(html)


def test_a_stylesheet_with_statements_stays_as_it_is_and_others_are_inlined() -> None:
    css = CSS + "<style>{% if a %}.q { color: green }{% endif %}</style>"
    html = Inliner().inlined(page('<p class="p q">x</p>', css)).html
    assert "{% if a %}.q { color: green }{% endif %}" in html
    assert '<p class="p q" style="margin:0">' in html  # its colour may be the other's


def test_an_entity_for_a_brace_never_becomes_a_template_tag() -> None:
    html = Inliner().inlined(page("<p>&#123;&#123; 1 + 1 &#125;&#125; &lbrace;% x %&rbrace;</p>")).html
    assert "{{ 1 + 1 }} {% x %}" in " ".join(seen(rendered(html))[0])


def test_nothing_is_fetched() -> None:
    links = '<link rel="stylesheet" href="http://192.0.2.1/x.css"><link rel="stylesheet" href="/etc/passwd">'
    html = Inliner().inlined(page("<p>x</p>", links)).html
    assert 'href="http://192.0.2.1/x.css"' in html


def test_words_that_look_like_our_tokens_are_words() -> None:
    found = Inliner().inlined(page("<p>psm1x psm {{ name }} psmq0x</p>"))
    assert found.html.partition("<p")[2].endswith(">psm1x psm {{ name }} psmq0x</p></body></html>\n")
    assert template_to_text("<p>psm1x psm {{ name }} psmq0x</p>") == "psm1x psm {{ name }} psmq0x\n"


def test_a_template_that_numbers_its_elements_as_we_do_stays_as_it_is() -> None:
    source = page("<p data-psm='1'>{{ name }}</p>")
    assert Inliner().inlined(source) == Inlined(source, whole=False)


def test_inlining_runs_are_counted() -> None:
    inliner = Inliner()
    inliner.inlined(page("<p>x</p>"))
    inliner.inlined(page("<p>y</p>"))
    assert inliner.runs == 2


CSS_PIECES = [
    *(
        "p",
        ".p",
        "{",
        "}",
        ":",
        ";",
        "color: red",
        "@media screen {",
        "@import 'x';",
        "url(",
        ")",
        '"',
        "'",
        "/*",
        "*/",
    ),
    *(
        "\\",
        "\\000041",
        "{{ w }}",
        "p:nth-child(2n+1)",
        "::before",
        "a:not(",
        "[x=",
        "]",
        ">",
        "+",
        "*",
        "!important",
        "é",
        "\0",
    ),
    *(
        "margin: 1px 2px",
        "font: 12px/1.5 Arial",
        "@font-face{",
        "U+26",
        "<!--",
        "-->",
        "--x: 1",
        "\n",
        ",",
        "#",
        ".",
        "|",
    ),
]
FRAGMENTS = st.sampled_from(
    [
        "<p class='p'>Hello {{ name }}</p>",
        "{% if a %}<b>yes</b>{% endif %}",
        "{% if b %}<b>no</b>{% else %}<i>else</i>{% endif %}",
        "<table>{% for x in xs %}<tr><td>{{ x }}</td></tr>{% endfor %}</table>",
        "<a href='https://{{ url }}'>{{ url }}</a>",
        "<!-- {{ name }} -->",
        "text &amp; more ",
        "<br>",
        "<div style='top: {{ w }}px' class=p>x</div>",
        "{# note #}",
        "<p>ü 日本 👋</p>",
        "<p {% if a %}title='t'{% endif %}>z</p>",
        "{% set k = 1 %}",
        "<td>",
        "</p>",
        "<!--[if mso]>{{ w }}<![endif]-->",
    ]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(FRAGMENTS, max_size=7).map("".join))
def test_a_rendered_letter_says_the_same_before_and_after(body: str) -> None:
    source = page(body)
    assert seen(rendered(Inliner().inlined(source).html)) == seen(rendered(source))


@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_masked_html_holds_no_template_tag_and_nothing_is_lost(body: str) -> None:
    masked = mask(page(body))
    assert "{{" not in masked.html.replace("&", "")
    assert masked.restyled({}) == page(body)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(CSS_PIECES), max_size=14).map("".join))
def test_no_stylesheet_breaks_a_template(css: str) -> None:
    source = page("<p class='p'>Hello {{ name }}</p>", f"<style>{css}</style>")
    found = Inliner().inlined(source)
    assert re.sub(r' style="[^"]*"', "", found.html) == source


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<style",
        "<a ",
        "<a b='",
        '<p style="',
        "<![if ",
        "<?",
        "<td>",
        "<td></p>",
        "{{ a }}",
        "<a {{ a }}",
        "<style>",
    ],
)
def test_masking_takes_time_in_proportion_to_the_template(piece: str) -> None:
    start = time.process_time()
    mask(piece * 20_000)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("css", "body", "style"),
    [
        (".a { color: red } {% if a %}.a { color: blue }{% endif %}", "<p class='a'>x</p>", None),
        (".a { color: red } {{ name }} { color: blue }", "<p class='a'>x</p>", 'style="color:red"'),
        ("td { color: red } td + td { color: blue }", "<td>{% if a %}x{% endif %}</td>", None),
        ("td { color: red; margin: 0 } td + td { color: blue }", "<td>{% if a %}x{% endif %}</td>", 'style="margin:0"'),
        (".a p { color: red }", "<div class=a>{% if a %}<p>x</p>{% endif %}</div>", '<p style="color:red">'),
        ("p { color: red } p:hover { color: blue }", "<p>{% if a %}x{% endif %}</p>", 'style="color:red"'),
        (".a { color: red } .b { color: blue }", '<p class="a{% if b %} b{% endif %}">x</p>', None),
        (".a { color: red !important }", "<p class=a>x</p>", 'style="color:red !important"'),
        ("@import url(http://192.0.2.1/x.css); p { color: red }", "<p>x</p>", 'style="color:red"'),
        ("p { font-family: 'A', \"B\" }", "<p>x</p>", "style=\"font-family:'A', 'B'\""),
    ],
)
def test_only_what_is_sure_for_every_contact_is_inlined(css: str, body: str, style: str | None) -> None:
    html = Inliner().inlined(page(body, f"<style>{css}</style>")).html.partition("<body>")[2]
    assert style in html if style else "style=" not in html
