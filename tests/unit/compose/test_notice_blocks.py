"""The blocks of one mail's notice: with and without HTML, and said once for contacts of whom the same is said."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.compose.notice_blocks import OPTOUT_MARK, NoticeForm, Written, notice_form
from penstock.compose.notice_text import BLOCKS, NoticeShelf
from penstock.compose.sandbox import Nest
from penstock.templates import template_folder

FIELDS = ("legal_name", "address", "registration", "contact", "phone", "privacy_url", "eu_representative")
CONTROLLER = dict.fromkeys((*FIELDS, "uk_representative"), "") | {"storage_locations": (), "recipients": ()}
SOURCE = Nest("source", {"reference": "", "collected_at": "", "supplier": "", "phrase": "from a register"})
OTHER = Nest("source", {"reference": "", "collected_at": "", "supplier": "", "phrase": "from your site"})
LINKS = ("https://m.example/u/1", "")


@pytest.fixture
def form() -> NoticeForm:
    constants: dict[str, Any] = {
        "controller": Nest("controller", CONTROLLER | {"legal_name": "Muster AB", "contact": "a@muster.example"}),
        "authority": Nest("authority", {"name": "", "url": ""}),
        "basis": "legitimate_interest",
        "purpose": "an offer",
        "product": "a product",
        "optout_url": OPTOUT_MARK,
        "preferences_url": "",
        "reply_phrase": "no",
        "reply_possible": False,
    }
    made = notice_form(NoticeShelf(template_folder() / "notices").text("en"), "first", constants)
    assert isinstance(made, NoticeForm), made
    return made


def written(form: NoticeForm, *, html_too: bool, **said: Any) -> Written:
    values = {"function": "", "industry": "", "reason": "", "source": SOURCE} | said
    made = form.written(values, *LINKS, 7, html_too=html_too)
    assert isinstance(made, Written), made
    return made


def test_without_html_the_text_is_the_same(form: NoticeForm) -> None:
    plain, both = written(form, html_too=False), written(form, html_too=True)
    assert plain.text == both.text
    assert (plain.markup(), [*both.html]) == ("", [*BLOCKS["first"]])
    assert written(form, html_too=False) == plain  # also where the HTML is known by now


def test_what_was_said_without_html_is_said_in_html_where_it_is_asked_for(form: NoticeForm) -> None:
    written(form, html_too=False, reason="a plant")
    both = written(form, html_too=True, reason="a plant")
    assert "a plant" in both.html["reason"]
    assert "from a register" in both.html["source"]


def test_contacts_of_whom_something_else_is_said_get_their_own(form: NoticeForm) -> None:
    one, two = written(form, html_too=True, reason="a plant"), written(form, html_too=True, source=OTHER)
    assert ("a plant" in one.text, "a plant" in two.text) == (True, False)
    assert ("from a register" in one.text, "from a register" in two.text) == (True, False)
    assert "from your site" in two.html["source"]
