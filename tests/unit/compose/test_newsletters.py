"""Newsletters as people really write them go through inlining unharmed: each of these files is nasty in its own way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import css_inline
import pytest
from lxml.html import document_fromstring

from penstock.compose.inlining import Inliner
from penstock.compose.masker import mask
from penstock.compose.plaintext import template_to_text, without_gaps
from penstock.compose.sandbox import Blank, Compiled, Nest, Sandbox, translator_of

FILES = sorted((Path(__file__).parent / "newsletters").glob("*.html.j2"))
NAMES = [path.name.partition(".")[0] for path in FILES]
SOURCES = {name: path.read_text(encoding="utf-8") for name, path in zip(NAMES, FILES, strict=True)}
INLINED = {name: Inliner().inlined(source) for name, source in SOURCES.items()}
TAGS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
COMMENTS = re.compile(r"<!--.*?-->|<!\[.*?\]>|<!doctype[^>]*>|<\?[^>]*>", re.DOTALL | re.IGNORECASE)
CONTACTS: dict[str, dict[str, Any]] = {
    "full": {"given_name": 'Zoë "Z" <b>', "family_name": "O'Neill & Co", "reason": "your plant > Lyon"},
    "bare": {"given_name": "Anna", "family_name": Blank("family_name"), "reason": Blank("reason"), "flags": ()},
    "one": {"given_name": "Anna", "family_name": "Keller", "reason": Blank("reason"), "flags": ("x",)},
}


def values(contact: str) -> dict[str, Any]:
    company = Nest("company", {"name": "Muster & Söhne <GmbH>"})
    return {"company": company, "width": 7, "language": "fr", "flags": ("a", "b", "c"), **CONTACTS[contact]}


def rendered(source: str, contact: str = "full", *, html: bool = True) -> str:
    made = Sandbox(html=html).compiled(source, "newsletter", translator_of({"News": "Nouvelles"}))
    assert isinstance(made, Compiled), made
    words = made.render(values(contact))
    assert isinstance(words, str), words
    return words


def appearance(html: str) -> Iterator[tuple[str, dict[str, str], dict[str, str], str, str]]:
    """Each element with its attributes, the styles that stylesheet and attribute together give it, and its words."""
    html = re.sub(r"<style media=.print.>.*?</style>", "", html, flags=re.DOTALL)
    resolved = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True).inline(html)
    for element in document_fromstring(re.sub(r"<\?xml[^>]*>", "", resolved)).iter():
        told = dict(element.attrib)
        styles = dict(part.partition(":")[::2] for part in re.split(r";\s*(?![^(]*\))", told.pop("style", "")) if part)
        plain = {
            name.strip().lower(): value.replace('"', "'").replace(" !important", "").strip().lower()
            for name, value in styles.items()
        }
        yield str(element.tag), {**told}, plain, element.text or "", element.tail or ""


def spelled(css: str) -> str:
    """Two ways to write a value are one."""
    css = re.sub(r"#([0-9a-f])([0-9a-f])([0-9a-f])(?![0-9a-f])", r"#\1\1\2\2\3\3", css)
    return re.sub(r"[\s'\"]", "", css)


def test_there_are_at_least_twelve_of_them() -> None:
    assert len(FILES) >= 12


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_newsletter_changes_but_its_style_attributes(name: str) -> None:
    source, found = SOURCES[name], INLINED[name]
    assert found.whole
    assert TAGS.findall(found.html.replace(" style=", ""))  # there is something to lose
    spans = [tag.style for tag in mask(source).tags if tag.style]
    bare = "".join(
        source[a:b] for a, b in zip([0, *(b for _, b in spans)], [*(a for a, _ in spans), None], strict=True)
    )
    rest = iter(found.html)
    assert all(character in rest for character in bare)
    assert COMMENTS.findall(found.html) == COMMENTS.findall(source)


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_rendered_newsletter_looks_the_same_with_its_styles_inlined(name: str, contact: str) -> None:
    before, after = rendered(SOURCES[name], contact), rendered(INLINED[name].html, contact)
    assert COMMENTS.findall(after) == COMMENTS.findall(before)
    wanted, seen = list(appearance(before)), list(appearance(after))
    assert [each[:2] + each[3:] for each in seen] == [each[:2] + each[3:] for each in wanted]
    for (tag, _, style, *_), (_, _, expected, *_) in zip(seen, wanted, strict=True):
        assert {k: spelled(v) for k, v in style.items()} == {k: spelled(v) for k, v in expected.items()}, tag


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_newsletter_inlined_twice_is_inlined_once(name: str, contact: str) -> None:
    again = Inliner().inlined(INLINED[name].html)
    assert list(appearance(rendered(again.html, contact))) == list(appearance(rendered(INLINED[name].html, contact)))


def plain(source: str, contact: str = "full") -> str:
    return without_gaps(rendered(template_to_text(source), contact, html=False))


def shown(html: str) -> list[str]:
    """The words that a browser shows."""
    body = document_fromstring(re.sub(r"<\?xml[^>]*>|<!--.*?-->", "", html, flags=re.DOTALL)).body
    for element in list(body.iter("script", "svg")):
        element.drop_tree()
    for image in body.iter("img"):
        image.text = image.get("alt")
    for element in body.iter("p", "div", "td", "th", "li", "h1", "table", "br", "tr", "textarea", "pre", "center", "a"):
        element.tail = f" {element.tail or ''}"
    for element in body.iter("textarea"):
        element.text = re.sub(r"<[^>]*>", " ", element.text or "")
    return re.findall(r"\w+", body.text_content())


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("name", NAMES)
def test_the_text_part_says_what_the_newsletter_shows(name: str, contact: str) -> None:
    source = SOURCES[name].replace("{{ not.rendered }} {% if %} <b>bold</b>", "")
    html = rendered(source, contact)
    text = plain(source, contact)
    words = iter(re.findall(r"\w+", text))
    missing = [word for word in shown(html) if word not in words]
    assert not missing
    said = text.replace("</td>", "").replace("&nbsp;", "")  # two of them print these as words
    assert not re.search(r"&(?:eacute|euro|quot|copy);|psm\d|</?(?:td|p|table|a)\b", said)
    assert "\n\n\n" not in text
    for link in document_fromstring(re.sub(r"<\?xml[^>]*>", "", html)).iter("a"):
        href = link.get("href") or ""
        assert not href or href in text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h1>A</h1>b<h2>C</h2><p>d</p>", "A\n\nb\n\nC\n\nd"),
        ("<ul><li>a<li>b<ul><li>c</li></ul></li></ul>", "- a\n- b\n\n  - c"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<ol>{% for f in flags %}<li>{{ f }}</li>{% endfor %}</ol>", "- a\n- b\n- c"),
        ("<table><tr><th>a</th><th>b</th></tr><tr><td>c</td><td>d</td></tr></table>e", "a b\nc d\n\ne"),
        ("<pre>a  b\n\n\n\tc</pre>d", "a  b\n\n    c\n\nd"),
        ("a<br>b<hr>c", "a\nb\n\n---\n\nc"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "a\nb"),
        ("<img alt='A &amp; B' src=x><img alt='' src=y><img src=z>", "A & B"),
        ("<a href='https://n.example/?a=1&copy=2&amp;b=3'>x</a>", "x <https://n.example/?a=1&copy=2&b=3>"),
        ("<a href='https://n.example'><img alt='Logo' src=x></a>", "Logo <https://n.example>"),
        (
            "<a href='mailto:a@n.example?subject=x'>write</a> <a href='tel:+46'>call</a>",
            "write <a@n.example> call <+46>",
        ),
        ("<a href='mailto:a@n.example'>a@n.example</a> <a href='#top'>up</a> <a name=x>y</a>", "a@n.example up y"),
        ("<div style='color:red; display: none'>h<div>i</div><br>j</div>k<p hidden>l</p>", "k"),
        ("&lt;b&gt; 5&nbsp;&euro; &#x1F44B; &#123;&#123;", "<b> 5\u00a0€ 👋 {{"),
        ("<p>{{ company.name|e }}</p>", "Muster & Söhne <GmbH>"),
        ("<a href='https://n.example/{{ language }}'>{{ 'a > b' }}</a>", "a > b <https://n.example/fr>"),
        ("<!--[if mso]>x<![endif]--><!--[if !mso]><!-->y<!--<![endif]--><![if !mso]>z<![endif]>", "yz"),
    ],
)
def test_the_text_part_is_written_as_people_write_text(html: str, text: str) -> None:
    assert plain(html) == text
