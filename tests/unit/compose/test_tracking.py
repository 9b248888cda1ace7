"""Addresses in templates that tell who opens them."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from penstock.compose.tracking import PersonalUrl, campaign_urls, personal_urls
from penstock.model.campaign import Campaign, TemplateFile


@pytest.mark.parametrize(
    ("source", "line", "field"),
    [
        ('<a href="https://n.example/?q={{ address }}">', 1, "address"),
        ("<p>\n<IMG\nSRC='https://n.example/{{ given_name|lower }}.gif'>", 3, "given_name"),
        ("<a href=https://n.example/{{ company['name'] }}>", 1, "company.name"),
        ("<a href=https://n.example/{{ company[language] }}>", 1, "company"),
        ('<img srcset="a.png 1x, https://n.example/{{ company.id }} 2x">', 1, "company.id"),
        ('<td background="https://n.example/{{ title }}">', 1, "title"),
        ('<p style="background:url(https://n.example/{{ born }}.png)">', 1, "born"),
        ("<style>\np{background:url({{ reason }})}</style>", 2, "reason"),
        ('<!--[if mso]><v:rect href="https://n.example/{{ address }}"><![endif]-->', 1, "address"),
        ("see\nhttps://n.example/?u={{ address|urlencode }} or not", 2, "address"),
        ('{% set u = "https://n.example/" ~ address %}<img src="{{ u }}">', 1, "address"),
        ('{% set n = namespace(x="") %}{% set n.x = title %}<a href="https://n.example/{{ n.x }}">', 1, "title"),
        ('{% set u %}https://n.example/?{{ title }}{% endset %}<a href="{{ u }}">', 1, "title"),
        ('{% with v = title %}<a href="https://n.example/{{ v }}">{% endwith %}', 1, "title"),
        ('{% for f in flags %}<a href="https://n.example/{{ f }}">{% endfor %}', 1, "flags"),
        ('{% macro l(x) %}<a href="https://n.example/{{ x }}">{% endmacro %}{{ l(title) }}', 1, "title"),
        ('{% macro l() %}{{ title }}{% endmacro %}<a href="https://n.example/{{ l() }}">', 1, "title"),
        ('<a href="https://n.example/?{{ source.reference }}">', 1, "source.reference"),
        ("<a href=\"https://n.example/{{ title if reason else 'x' }}\">", 1, "title"),
        ('<a href="{% if reason %}https://n.example/{{ title }}{% endif %}">', 1, "title"),
    ],
)
def test_an_address_that_carries_a_field_is_found_with_its_line(source: str, line: int, field: str) -> None:
    assert PersonalUrl(line, field) in list(personal_urls(source))


@pytest.mark.parametrize(
    "source",
    [
        '<a href="https://n.example/{{ language }}/{{ company.industry }}?c={{ country }}&f={{ function }}">',
        '<a href="{{ source.reference }}">x</a> <a href="{{ published.url }}">y</a>',
        '<a href="https://www.{{ company.domains|first }}/x">your site</a>',
        '<a href="mailto:eva@n.example?subject={{ company.name }}">{{ given_name }}</a>',
        '<img src="cid:{{ language }}" alt="{{ given_name }}"><a href="#{{ title }}">x</a>',
        "<a href=\"https://n.example/{{ 'a' if reason else 'b' }}\">",
        '<a href="{% if reason %}https://n.example/a{% else %}https://n.example/b{% endif %}">{{ reason }}</a>',
        '<p title="{{ given_name }}">{{ company.name }}: {{ address }} https://n.example {{ title }}</p>',
        '{% set u = "https://n.example/" ~ language %}<a href="{{ u }}">',
        '<a href="{# {{ address }} #}https://n.example">',
        "{{ broken",
    ],
)
def test_what_many_share_and_what_is_the_contacts_own_tells_nobody(source: str) -> None:
    assert list(personal_urls(source)) == []


def test_a_letter_is_judged_by_the_files_of_its_language(campaign: Callable[..., Campaign]) -> None:
    files = [
        TemplateFile("text", "", "l.txt.j2", "https://n.example/{{ title }}"),
        TemplateFile("text", "fr", "l.fr.txt.j2", "Bonjour"),
        TemplateFile("html", "fr", "l.fr.html.j2", "<a href='https://n.example/{{ address }}'>x</a>"),
    ]
    made = campaign(files)
    assert [(name, url.field) for name, url in campaign_urls(made, "en")] == [("l.txt.j2", "title")]
    assert [(name, url.field) for name, url in campaign_urls(made, "fr")] == [("l.fr.html.j2", "address")]
    assert len(list(campaign_urls(made))) == 2


@pytest.mark.parametrize(
    "piece", ['href="', 'href="{{ a }}', "url(", "https://", "href='", "{{ title }}", "url({{ a }}"]
)
def test_searching_takes_time_in_proportion_to_the_template(piece: str) -> None:
    started = time.process_time()
    list(personal_urls(piece * 5_000))
    assert time.process_time() - started < 5
