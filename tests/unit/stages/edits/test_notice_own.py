"""Texts of the house's own that say more than the shipped ones: links in any block, any address, any language."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml.html import document_fromstring

from penstock.compose.notice_text import BLOCKS, NoticeShelf
from penstock.law.taxonomy import Taxonomy
from penstock.model.contact import Source, SourceMethod
from penstock.model.legal_text import LegalTexts
from penstock.model.mail import History, Letter, Mail
from penstock.ports import Services
from penstock.stages.edits.notice import Notice, NoticeOptions

MailOf = Callable[..., Mail]
Composed = Callable[[Mail], Awaitable[Mail]]
OwnText = Callable[..., LegalTexts]
SHIPPED = NoticeShelf(Path(__file__).parents[4] / "templates/notices")
ADDRESSES = (
    "https://nordlicht.example/privacy?lang=en&amp=1&copy=2",
    "https://nordlicht.example/a;b=1,2/Data_(EU)",
    "https://nordlicht.example/it's",
)


async def noticed(services: Services, *mails: Mail, preferences: bool = False) -> list[Letter]:
    letters = []
    for found in await Notice(NoticeOptions(preferences), services).edit(mails):
        assert isinstance(found, Mail), found
        assert isinstance(found.content, Letter)
        letters.append(found.content)
    return letters


def targets(letter: Letter, block: str) -> list[str]:
    found = document_fromstring(letter.html or "").xpath("//*[@data-penstock=$block]//a/@href", block=block)
    return [str(each) for each in found]


@pytest.mark.parametrize(("variant", "block"), [(variant, block) for variant in BLOCKS for block in BLOCKS[variant]])
async def test_the_links_of_the_mail_may_stand_in_every_block(
    variant: str, block: str, mail: MailOf, composed: Composed, services: Services, own_text: OwnText
) -> None:
    given = SHIPPED.file("en").table[variant][block]
    starts = dict.fromkeys(each[:18] for each in (given if isinstance(given, list) else [given]))
    texts = own_text("en", *((each, f"({{{{ optout_url }}}}; {{{{ preferences_url }}}}) {each}") for each in starts))
    drafts = [
        replace(mail(number, language="en", history=History(noticed=variant == "regular")), id=f"{17 * number:032x}")
        for number in range(4)
    ]
    told = replace(services, legal_texts=texts)
    letters = await noticed(told, *[await composed(each) for each in drafts], preferences=True)
    for draft, letter in zip(drafts, letters, strict=True):
        optout = f"https://mail.nordlicht.example/u/{services.tokens.sign('body', draft.id)}"
        page = f"https://mail.nordlicht.example/p/{services.tokens.sign('page', draft.id)}"
        assert ".invalid" not in letter.text + (letter.html or "")
        assert f"({optout}; {page})" in letter.text
        assert targets(letter, block)[:2] == [optout, page]
        assert ">Unsubscribe</a>; " in (letter.html or "")


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_is_a_link_as_a_whole(
    address: str, mail: MailOf, composed: Composed, services: Services, own_text: OwnText
) -> None:
    controller = replace(services.controllers["nordlicht"], privacy_url=address)
    source = Source(SourceMethod.OWN_SITE, address, datetime(2026, 11, 10, tzinfo=UTC))
    texts = own_text(
        "en", ("You have the right to", "({{ controller.privacy_url }}), {{ controller.privacy_url }}. You")
    )
    told = replace(services, controllers={"nordlicht": controller}, legal_texts=texts)
    [letter] = await noticed(told, await composed(mail(language="en", source=source)))
    assert targets(letter, "source") == [address]
    assert targets(letter, "rights").count(address) == 3
    for element in document_fromstring(letter.html or "").xpath("//*[@data-penstock='source']//a"):
        assert element.text_content() == address


async def test_a_date_in_a_language_without_known_months_is_spelled_in_digits(
    mail: MailOf, composed: Composed, services: Services, own_text: OwnText
) -> None:
    texts = own_text("tlh", ('language = "en"', 'language = "tlh"'))
    draft = await composed(mail(language="tlh", translations={"tlh": {}}))
    [letter] = await noticed(replace(services, legal_texts=texts), draft)
    assert "2026-11-10" in letter.text


async def test_one_title_is_read_in_the_language_of_each_contact(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    told = replace(services, taxonomy=Taxonomy([("fr", "purchasing", "cadre"), ("it", "hr", "cadre")]))
    changes: dict[str, Any] = {"title": "Cadre", "translations": {}}
    drafts = [await composed(mail(number, language=each, **changes)) for number, each in enumerate(("fr", "it"))]
    found = await noticed(told, *drafts)
    assert ["purchasing" in found[0].text, "human resources" in found[1].text] == [True, True]
