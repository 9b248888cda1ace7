"""Draft → letter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from penstock.model.campaign import Stream, TemplateFile
from penstock.model.codes import Code
from penstock.model.mail import Letter, Mail, Message
from penstock.model.verdict import Reason, Verdict
from penstock.ports import NoOptions, Services
from penstock.stages.edits.compose import Compose

MailOf = Callable[..., Mail]
SPOKEN = (TemplateFile("text", "", "letter.txt.j2", "Hello"), TemplateFile("text", "sv", "letter.sv.txt.j2", "Hej"))


async def stopped(services: Services, mail: Mail) -> Reason:
    [reason] = await Compose(NoOptions(), services).edit([mail])
    assert isinstance(reason, Reason), reason
    return reason


async def test_a_draft_becomes_a_letter_to_exactly_one_address(
    mail: MailOf, composed: Callable[[Mail], Awaitable[Mail]]
) -> None:
    letter = (await composed(mail(reply_to=None))).content
    assert isinstance(letter, Letter)
    assert letter.headers == (
        ("From", "Eva Berg, Nordlicht Software AB <eva.berg@nordlicht.example>"),
        ("To", "Anna Keller <anna.keller1@muster-werk.example>"),
        ("Subject", "Achats sans tableur"),
    )
    assert letter.text == "Bonjour Anna"
    assert letter.html is not None
    assert '<p style="margin:0">Bonjour Anna</p>' in letter.html


@pytest.mark.parametrize(("given", "family"), [(None, "Keller"), ("Anna", None), (None, None), ("", "Keller")])
async def test_half_a_name_is_not_shown(
    given: str | None, family: str | None, mail: MailOf, composed: Callable[[Mail], Awaitable[Mail]]
) -> None:
    letter = (await composed(mail(given_name=given, family_name=family, templates=SPOKEN))).content
    assert isinstance(letter, Letter)
    assert letter.header("To") == "anna.keller1@muster-werk.example"


@pytest.mark.parametrize(
    ("contact", "language", "words"),
    [
        ({"language": "sv", "country": "DE"}, "sv", "Hej"),
        ({"language": None, "country": "SE"}, "sv", "Hej"),
        ({"language": None, "country": "CH", "fallback_language": "sv"}, "sv", "Hej"),
        ({"language": None, "country": None, "fallback_language": "sv"}, "sv", "Hej"),
        ({"language": "pl", "country": "SE"}, "en", "Hello"),
    ],
)
async def test_the_language_is_the_contacts_then_the_countrys_then_the_campaigns(
    contact: dict[str, str | None], language: str, words: str, mail: MailOf, composed: Callable[[Mail], Awaitable[Mail]]
) -> None:
    letter = (await composed(mail(templates=SPOKEN, **contact))).content
    assert isinstance(letter, Letter)
    assert letter.text == words
    assert letter.language == language


async def test_without_any_language_a_commercial_mail_is_held_and_another_goes_in_english(
    mail: MailOf, services: Services
) -> None:
    lost = mail(language=None, country="CH", templates=SPOKEN)
    reason = await stopped(services, lost)
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.LANGUAGE_MISSING)
    [found] = await Compose(NoOptions(), services).edit([replace(lost, stream=Stream.TRANSACTIONAL)])
    assert isinstance(found, Mail)
    [found] = await Compose(NoOptions(), replace(services, fallback_language="sv")).edit([lost])
    assert isinstance(found, Mail)
    assert isinstance(found.content, Letter)
    assert found.content.text == "Hej"


async def test_a_template_fault_blocks_and_names_file_line_and_variable_but_no_value(
    mail: MailOf, services: Services
) -> None:
    reason = await stopped(services, mail(given_name=None, family_name="Zanna-Kell"))
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.RENDER_FAILED)
    assert "letter.html.j2:2" in reason.why
    assert reason.facts.fields == ("given_name",)
    assert "Zanna" not in reason.why


@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ({"family_name": "Keller\r\nBcc: x@y.example"}, "To"),
        ({"given_name": "Anna\0"}, "To"),
        ({"subject": "{{ given_name }}", "given_name": "a\nX-Evil: 1", "family_name": None}, "Subject"),
        ({"subject": "{{ given_name }}", "given_name": "\u2028", "family_name": None}, "Subject"),
        ({"subject": " "}, "Subject"),
        ({"from_": "Eva\r\n <eva@nordlicht.example>"}, "From"),
        ({"from_": "Eva Berg"}, "From"),
        ({"reply_to": "nobody"}, "Reply-To"),
    ],
)
async def test_headers_cannot_be_injected(
    changes: dict[str, str], header: str, mail: MailOf, services: Services
) -> None:
    reason = await stopped(services, mail(templates=SPOKEN, **changes))
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.HEADER_INVALID)
    assert reason.facts.fields == (header,)
    assert "evil" not in reason.why.lower()
    assert "y.example" not in reason.why


async def test_the_domain_of_from_becomes_its_a_label(
    mail: MailOf, composed: Callable[[Mail], Awaitable[Mail]]
) -> None:
    letter = (await composed(mail(from_="Nordlicht <eva@müller.example>"))).content
    assert isinstance(letter, Letter)
    assert letter.header("From") == "Nordlicht <eva@xn--mller-kva.example>"


async def test_answers_come_in_order_and_other_content_passes_unchanged(mail: MailOf, services: Services) -> None:
    relayed = replace(mail(3), content=Message(b"x"))
    batch = [mail(1), mail(2, given_name=None), relayed, mail(4)]
    found = await Compose(NoOptions(), services).edit(batch)
    assert [type(one) for one in found] == [Mail, Reason, Mail, Mail]
    assert found[2] is relayed
    last = found[3]
    assert isinstance(last, Mail)
    assert last.id == batch[3].id


async def test_a_draft_without_campaign_cannot_be_written(mail: MailOf, services: Services) -> None:
    assert (await stopped(services, mail(campaign=None))).code is Code.RENDER_FAILED
