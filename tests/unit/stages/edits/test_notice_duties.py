"""What single countries ask of a mail beyond its blocks, and which legal texts may leave at all."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from lxml.html import document_fromstring

from penstock.model.campaign import Basis, TemplateFile
from penstock.model.codes import Code
from penstock.model.contact import Source, SourceMethod
from penstock.model.legal_text import LegalTexts
from penstock.model.mail import History, Letter, Mail
from penstock.model.verdict import Reason, Verdict
from penstock.ports import Services
from penstock.stages.edits.notice import Notice, NoticeOptions

MailOf = Callable[..., Mail]
Composed = Callable[[Mail], Awaitable[Mail]]
OwnText = Callable[..., LegalTexts]


@pytest.fixture
def finished(composed: Composed, services: Services) -> Callable[..., Awaitable[Letter]]:
    """The letter with its notice."""

    async def made(draft: Mail, **changes: Any) -> Letter:
        [found] = await Notice(NoticeOptions(), replace(services, **changes)).edit([await composed(draft)])
        assert isinstance(found, Mail), found
        assert isinstance(found.content, Letter)
        return found.content

    return made


@pytest.fixture
def refused(composed: Composed, services: Services) -> Callable[..., Awaitable[Reason]]:
    """Why there is none."""

    async def made(draft: Mail, **changes: Any) -> Reason:
        [found] = await Notice(NoticeOptions(), replace(services, **changes)).edit([await composed(draft)])
        assert isinstance(found, Reason), found
        return found

    return made


def controller_of(services: Services, **changes: Any) -> dict[str, Any]:
    return {"controllers": {"nordlicht": replace(services.controllers["nordlicht"], **changes)}}


def labels(letter: Letter) -> list[str]:
    found = document_fromstring(letter.html or "<p>x</p>").xpath("//*[@data-penstock='label']")
    return [element.text_content() for element in found]


@pytest.mark.parametrize(
    ("country", "label"),
    [
        ("CZ", "Commercial communication"),
        ("JP", "Commercial communication"),
        ("BG", "Unsolicited commercial communication"),
        ("FR", None),
        ("SE", None),
    ],
)
async def test_a_country_that_asks_for_a_label_gets_it_as_the_first_line_of_both_parts(
    country: str, label: str | None, mail: MailOf, finished: Callable[..., Awaitable[Letter]]
) -> None:
    letter = await finished(mail(language="en", country=country))
    assert labels(letter) == ([label] if label else [])
    assert letter.text.startswith(f"{label}\n\nBonjour" if label else "Bonjour")
    first = document_fromstring(letter.html or "").body[0]
    assert (first.get("data-penstock") == "label") == bool(label)
    if label:
        assert (letter.html or "").index("<body") < (letter.html or "").index(label)
        assert (first.get("lang"), first.get("dir")) == ("en", "ltr")


async def test_only_an_unsolicited_mail_to_bulgaria_says_in_its_subject_that_it_is_one(
    mail: MailOf, finished: Callable[..., Awaitable[Letter]]
) -> None:
    wild = await finished(mail(language="en", country="BG"))
    assert wild.header("Subject") == "Unsolicited commercial communication: Achats sans tableur"
    asked = await finished(mail(language="en", country="BG", basis=Basis.CONSENT))
    assert asked.header("Subject") == "Achats sans tableur"
    assert labels(asked) == []


@pytest.mark.parametrize(
    ("topic", "translated", "marked"),
    [
        (("ACHATS",), {}, False),
        (("purchasing",), {"purchasing": "achats"}, False),
        (("laser",), {}, True),
        ((), {}, True),
    ],
)
async def test_a_subject_to_austria_shows_the_topic_or_is_marked(
    topic: tuple[str, ...],
    translated: dict[str, str],
    marked: bool,
    mail: MailOf,
    finished: Callable[..., Awaitable[Letter]],
) -> None:
    draft = mail(language="en", country="AT")
    assert draft.campaign is not None
    campaign = replace(draft.campaign, topic=topic, translations={"en": translated})
    letter = await finished(replace(draft, campaign=campaign))
    assert (letter.header("Subject") or "").startswith("Commercial communication: ") == marked
    assert labels(letter) == []


@pytest.mark.parametrize("country", ["BE", "SK", "FR"])
async def test_belgium_and_slovakia_are_promised_an_acknowledgement_in_the_optout_block(
    country: str, mail: MailOf, finished: Callable[..., Awaitable[Letter]]
) -> None:
    letter = await finished(mail(language="en", country=country, history=History(noticed=True)))
    (block,) = document_fromstring(letter.html or "").xpath("//*[@data-penstock='optout']")
    promised = country != "FR"
    assert ("We confirm your opt-out by e-mail." in block.text_content()) == promised
    assert ("<br>\nWe confirm" in (letter.html or "")) == promised
    *_, optout, _ = letter.text.split("\n\n")
    assert optout.endswith("\nWe confirm your opt-out by e-mail.") == promised
    assert "/u/" in optout


async def test_the_place_of_work_and_the_senders_country_count_as_well(
    mail: MailOf, finished: Callable[..., Awaitable[Letter]], services: Services
) -> None:
    assert labels(await finished(mail(language="en", workplace_country="CZ")))
    assert labels(await finished(mail(language="en"), **controller_of(services, country="CZ")))


@pytest.mark.parametrize("country", ["US", "CA"])
async def test_where_the_law_asks_for_a_postal_address_a_notice_without_one_is_held(
    country: str,
    mail: MailOf,
    finished: Callable[..., Awaitable[Letter]],
    refused: Callable[..., Awaitable[Reason]],
    services: Services,
    own_text: OwnText,
) -> None:
    draft = mail(language="en", country=country)
    assert "Storgatan 1, 111 22 Stockholm, Sweden" in (await finished(draft)).text
    reason = await refused(draft, **controller_of(services, address=" "))
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.NOTICE_MISSING)
    silent = own_text("en", ("{{ controller.address", "{{ ''"))
    reason = await refused(draft, legal_texts=silent)
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.NOTICE_MISSING)
    assert "Storgatan" not in (await finished(mail(language="en"), legal_texts=silent)).text.partition("------")[2]


@pytest.mark.parametrize(
    ("country", "seat", "eu", "uk"),
    [("GB", "US", False, True), ("FR", "US", True, False), ("GB", "GB", False, False), ("CH", "US", False, False)],
)
async def test_the_representative_of_the_recipients_side_is_named(
    country: str,
    seat: str,
    eu: bool,
    uk: bool,
    mail: MailOf,
    finished: Callable[..., Awaitable[Letter]],
    services: Services,
) -> None:
    told = controller_of(services, country=seat, eu_representative="Rep One SA", uk_representative="Rep Two Ltd")
    letter = await finished(mail(language="en", country=country), **told)
    assert ("Rep One SA" in letter.text, "Rep Two Ltd" in letter.text) == (eu, uk)
    assert ("Rep Two Ltd" in (letter.html or "")) == uk


async def test_a_text_that_lacks_what_the_country_asks_for_is_held(
    mail: MailOf, refused: Callable[..., Awaitable[Reason]], services: Services, own_text: OwnText
) -> None:
    source = (services.templates / "notices/en/notice.toml").read_text()
    (line,) = re.findall(r"^commercial = .*\n", source, re.MULTILINE)
    reason = await refused(mail(language="en", country="CZ"), legal_texts=own_text("en", (line, "")))
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.NOTICE_MISSING)
    assert "commercial" in reason.why
    assert "480/2004" in (reason.rule or "")


async def test_an_inferred_address_is_said_to_be_derived_and_its_reference_is_told_once(
    mail: MailOf, finished: Callable[..., Awaitable[Letter]]
) -> None:
    source = Source(SourceMethod.INFERRED, "https://muster-werk.example/imprint")
    letter = await finished(mail(language="en", source=source))
    assert letter.text.count("https://muster-werk.example/imprint") == 1
    assert "derived" in letter.text


async def test_a_block_is_worded_differently_from_mail_to_mail_but_the_same_at_every_try(
    mail: MailOf, finished: Callable[..., Awaitable[Letter]]
) -> None:
    drafts = [mail(number, language="en", history=History(noticed=True)) for number in range(1, 40)]
    told = [(await finished(draft)).text.partition("-" * 40)[2] for draft in drafts]
    again = [(await finished(draft)).text.partition("-" * 40)[2] for draft in drafts]
    assert told == again
    reasons = {text.split("\n\n")[2] for text in told}
    contacts = {text.split("\n\n")[4] for text in told}
    assert len(reasons) == len(contacts) == 3


@pytest.mark.parametrize("woven", ["", " ", "<br>", "&nbsp;&#8203;", "<!-- We met. -->", "<style>p{}</style>"])
async def test_a_woven_block_that_says_nothing_does_not_count(
    woven: str, mail: MailOf, finished: Callable[..., Awaitable[Letter]]
) -> None:
    html = f'<html><body><div data-penstock="reason">{woven}</div><p>Hello</p></body></html>'
    files = (TemplateFile("html", "", "l.html.j2", html), TemplateFile("text", "", "l.txt.j2", "x"))
    letter = await finished(mail(language="en", templates=files))
    assert "What prompted us" in (letter.html or "")


async def test_a_text_nobody_approved_is_held_and_says_what_to_do(
    mail: MailOf,
    finished: Callable[..., Awaitable[Letter]],
    refused: Callable[..., Awaitable[Reason]],
    own_text: OwnText,
) -> None:
    change = ("This commercial e-mail comes from", "This advertising comes from")
    draft = mail(language="en")
    assert "This advertising comes from" in (await finished(draft, legal_texts=own_text("en", change))).text
    reason = await refused(draft, legal_texts=own_text("en", change, approved=False))
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.NOTICE_MISSING)
    assert "penstock-notice" in reason.why
    assert "penstock notices approve en" in reason.why
