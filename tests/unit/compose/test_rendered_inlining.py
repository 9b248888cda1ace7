"""Stylesheets that only rendered HTML can resolve."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from penstock.compose.fault import TemplateFault
from penstock.compose.rendered_inlining import RenderedInliner
from penstock.compose.templates import LetterTemplate, Rendered, TemplateShelf
from penstock.model.campaign import Campaign, TemplateFile
from penstock.model.contact import Contact, Flag

PLACES = (
    "<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'x'>\n<html><head><style>td{color:red}"
    "tr:nth-child(even) td{color:blue}@media (max-width:9px){td{color:green!important}}</style>"
    "<style media='print'>td{color:black}</style></head><body><![if !mso]><table>{% for f in flags %}"
    "<TR><td>{{ f }}</TD></TR>{% endfor %}</table><![endif]><!--[if mso]>x<![endif]--></body></html>"
)
FLAGS = Contact("a@firm.example", flags=cast("tuple[Flag, ...]", ("a", "b", "c & d")))


def template(made: Campaign, shelf: TemplateShelf | None = None) -> LetterTemplate | TemplateFault:
    return (shelf or TemplateShelf()).letter_template(made, "en")


def html(made: Campaign) -> str:
    found = template(made)
    assert isinstance(found, LetterTemplate), found
    letter = found.render(FLAGS)
    assert isinstance(letter, Rendered), letter
    assert letter.html is not None
    return letter.html


@pytest.fixture
def places(campaign: Callable[..., Campaign]) -> Callable[..., Campaign]:
    def made(inline: str, source: str = PLACES) -> Campaign:
        return campaign([TemplateFile("html", "", "l.html.j2", source)], fields=("flags",), inline=inline)

    return made


def test_places_among_repeated_elements_are_resolved_in_each_letter(places: Callable[..., Campaign]) -> None:
    plain = html(places("template"))
    assert "<td>" in plain
    assert "style=" not in plain.partition("<body>")[2]
    styled = html(places("rendered"))
    assert styled.count('style="color: red;"') == 2
    assert styled.count('style="color: blue;"') == 1
    assert styled.replace(' style="color: red;"', "").replace(' style="color: blue;"', "") == plain


def test_premailer_does_not_run_where_the_rendered_letter_is_inlined(places: Callable[..., Campaign]) -> None:
    shelf = TemplateShelf()
    assert isinstance(template(places("rendered"), shelf), LetterTemplate)
    assert shelf.inliner.runs == 0


def test_a_letter_cannot_be_written_where_css_inline_is_not_installed(places: Callable[..., Campaign]) -> None:
    def missing() -> RenderedInliner:
        raise ImportError("css_inline")

    found = template(places("rendered"), TemplateShelf(missing))
    assert isinstance(found, TemplateFault)
    assert "css-inline, which is not installed" in str(found)
    assert isinstance(template(places("template"), TemplateShelf(missing)), LetterTemplate)


def test_nothing_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text("p { color: red }")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.css"
        page = (
            f"<link rel=stylesheet href='{url}'><link rel=stylesheet href='file://{tmp_path}/x.css'>"
            f"<link rel=stylesheet href='{tmp_path}/x.css'><style>@import url({url});</style><p>x</p>"
        )
        assert RenderedInliner().inlined(page) == page
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "page", ["<style>div{a:b}</style>" + "<div>" * 50_000, "<p data-psm='1'>x</p>", "<p>\ud800</p>"]
)
def test_what_cannot_be_inlined_is_said_and_the_process_lives(page: str) -> None:
    start = time.process_time()
    assert RenderedInliner().inlined(page) is None
    assert time.process_time() - start < 5


def test_a_letter_that_cannot_be_inlined_is_a_fault_of_that_letter(places: Callable[..., Campaign]) -> None:
    found = template(places("rendered", "<p>" + "{% for f in flags %}<i>{% endfor %}" * 300 + "</p>"))
    assert isinstance(found, LetterTemplate)
    assert isinstance(found.render(FLAGS), TemplateFault)
    assert isinstance(found.render(Contact("a@firm.example", flags=cast("tuple[Flag, ...]", ("a",)))), Rendered)
