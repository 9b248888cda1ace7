"""What lint finds before any contact is touched."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from penstock.compose.lint import Finding, lint
from penstock.law.jurisdictions import SignOff, Table
from penstock.model.campaign import Audience, Basis, Campaign, Stream, TemplateFile
from penstock.model.contact import Function
from penstock.ports import NoSenders, Services


class SignedElsewhere(NoSenders):
    """There are senders, but none answers for this From."""

    def any(self) -> bool:
        return True


def text(source: str, language: str = "") -> TemplateFile:
    return TemplateFile("text", language, f"letter.{language}.txt.j2" if language else "letter.txt.j2", source)


def errors(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.level == "error"]


def has(found: list[Finding], level: str, where: str, words: str) -> bool:
    return any(f.level == level and where in f.where and words in f.what for f in found)


def test_a_sound_campaign_has_nothing_to_report(campaign: Callable[..., Campaign], services: Services) -> None:
    audience = Audience(countries=("SE",), functions=(Function.PURCHASING,))
    letter = text("Hello {{ given_name|default('there') }}.\n")
    made = campaign([letter], fields=("given_name",), basis=Basis.CONSENT, audience=audience)
    signed = Table.load().over((), {"SE": (SignOff("M. Ostrander", date(2026, 11, 1), "2026-11"),)})
    known = replace(services, jurisdictions=signed, senders=SignedElsewhere())
    assert lint(made, known) == []
    (said,) = lint(made, replace(known, senders=NoSenders()))
    assert (said.level, said.where) == ("warning", "[[sender]]")


def test_undeclared_unknown_and_unused_fields_are_told_apart(
    campaign: Callable[..., Campaign], services: Services
) -> None:
    made = campaign([text("\n{{ given_name }} {{ nickname }} {{ company.name }}")], fields=("company.name", "reason"))
    found = lint(made, services)
    assert has(found, "error", "letter.txt.j2:2", "given_name is used but not declared")
    assert has(found, "error", "letter.txt.j2:2", "nickname is unknown")
    assert has(found, "warning", "fields", "reason is declared but not used")
    assert not has(found, "error", "", "company.name")


def test_a_missing_translation_is_an_error(campaign: Callable[..., Campaign], services: Services) -> None:
    made = campaign(
        [text("Hello"), text("Bonjour {{ t('you') }}", "fr")],
        translations={"sv": {"purchasing without spreadsheets": "inköp"}},
    )
    found = lint(made, services)
    assert has(found, "error", "[message] subject:1", "has no translation into fr")
    assert has(found, "error", "letter.fr.txt.j2:1", "has no translation into fr")
    assert not has(found, "error", "", "into sv")
    assert not has(found, "error", "", "into en")


@pytest.mark.parametrize(
    ("changes", "where", "words"),
    [
        ({"from_": "Eva Berg"}, "from", "no address"),
        ({"from_": "Eva Berg <eva@nordlicht.example>"}, "from", "does not say which company"),
        ({"from_": "Nordlicht\r\nBcc: x <eva@nordlicht.example>"}, "from", "line break"),
        ({"reply_to": "no-reply@nordlicht.example"}, "reply_to", "no-reply"),
        ({"reply_to": "noreply@nordlicht.example"}, "reply_to", "no-reply"),
        ({"subject": "Re: purchasing"}, "subject", "pretends"),
        ({"subject": "{{ purchasing"}, "subject", ""),
        ({"controller": "nobody"}, "controller", "not among"),
    ],
)
def test_headers_are_judged(
    changes: dict[str, str], where: str, words: str, campaign: Callable[..., Campaign], services: Services
) -> None:
    assert has(lint(campaign(**changes), services), "error", where, words)


def test_a_subject_beside_the_topic_is_a_warning(campaign: Callable[..., Campaign], services: Services) -> None:
    assert has(lint(campaign(subject="Great news"), services), "warning", "subject", "topic")
    assert not errors(lint(campaign(subject="Great news"), services))


def test_a_commercial_campaign_needs_an_https_address_for_links(
    campaign: Callable[..., Campaign], services: Services
) -> None:
    for url in ("", "http://mail.nordlicht.example"):
        assert has(lint(campaign(), replace(services, base_url=url)), "error", "base_url", "https")
    assert not errors(lint(campaign(stream=Stream.TRANSACTIONAL), replace(services, base_url="")))


def test_links_without_tls_and_pixels_are_found_in_html(campaign: Callable[..., Campaign], services: Services) -> None:
    html = '<p>\n<a href="http://n.example">x</a><img src="https://n.example/o.gif" width="1" height="1"></p>'
    found = lint(campaign([TemplateFile("html", "", "letter.html.j2", html)]), services)
    assert has(found, "warning", "letter.html.j2:2", "http://")
    assert has(found, "error", "letter.html.j2", "one pixel")


def test_a_field_without_default_is_a_warning_that_names_it(
    campaign: Callable[..., Campaign], services: Services
) -> None:
    found = lint(campaign([text("a\nb {{ company.name }}")], fields=("company.name",)), services)
    assert has(found, "warning", "letter.txt.j2:2", "without company.name")


def test_a_language_without_a_notice_is_reported(campaign: Callable[..., Campaign], services: Services) -> None:
    found = lint(campaign([text("Jó napot", "hu")]), services)
    assert has(found, "error", "notices/hu", "held")
    assert not next(each for each in found if each.where == "notices/hu").stops
    assert not has(lint(campaign([text("Hei", "fi")]), services), "error", "notices/fi", "")


@pytest.mark.parametrize(
    "source",
    [
        "{% for a in range(900) %}{% for b in range(900) %}.{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 'a' * 99999999 }}",
        "{% for x in %}",
        "{{ " + "(" * 5000,
    ],
)
def test_templates_that_would_run_away_end_soon_as_an_error(
    source: str, campaign: Callable[..., Campaign], services: Services
) -> None:
    start = time.perf_counter()
    assert errors(lint(campaign([text(source)]), services))
    assert time.perf_counter() - start < 15


def page(body: str, css: str = "") -> TemplateFile:
    source = f"<!doctype html><html><head><style>{css}</style></head><body>\n{body}</body></html>"
    return TemplateFile("html", "", "letter.html.j2", source)


def test_an_address_that_tells_who_opens_it_is_an_error(campaign: Callable[..., Campaign], services: Services) -> None:
    html = page('<a href="https://n.example/{{ language }}?c={{ company.id }}">x</a>')
    found = lint(campaign([html], fields=("company.id", "language")), services)
    assert has(found, "error", "letter.html.j2:2", "carries company.id")
    assert not has(found, "error", "", "carries language")
    told = lint(campaign([html], fields=("company.id", "language"), stream=Stream.TRANSACTIONAL), services)
    assert not has(told, "error", "", "carries")


def test_a_claimed_order_is_an_error(campaign: Callable[..., Campaign], services: Services) -> None:
    assert has(lint(campaign(subject="Order confirmation 4711"), services), "error", "subject", "claims an order")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<img src="https://n.example/offer.png" alt="Offer">', True),
        ('<img src="https://n.example/offer.png"><p>{{ reason }}</p>', False),
        ('<img src="https://n.example/offer.png"><p>Purchasing without any spreadsheets at all</p>', False),
    ],
)
def test_a_letter_of_images_alone_is_an_error(
    body: str, expected: bool, campaign: Callable[..., Campaign], services: Services
) -> None:
    found = lint(campaign([page(body)], fields=("reason",)), services)
    assert has(found, "error", "letter.html.j2", "in images alone") is expected


@pytest.mark.parametrize(
    ("css", "body", "expected"),
    [
        ("@media (prefers-color-scheme: dark) { p { color: #fff !important } }", "<p>Hello</p>", True),
        ("div { max-height: 0; overflow: hidden }", "<p>Hello</p>", True),
        (".mine p { color: #fff !important }", "<p>Hello</p>", False),
        ("", "<div style='display:none'><p>Hello</p>", True),
        ("", "{% if reason %}<div style='display:none'>{% endif %}<p>Hello</p>", False),
    ],
)
def test_styles_that_make_the_added_blocks_unreadable_are_a_warning(
    css: str, body: str, expected: bool, campaign: Callable[..., Campaign], services: Services
) -> None:
    found = lint(campaign([page(body, css)], fields=("reason",)), services)
    assert has(found, "warning", "letter.html.j2", "added blocks unreadable") is expected
