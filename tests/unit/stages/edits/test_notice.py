"""The mandatory notice on a letter."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from lxml.html import document_fromstring

from penstock.compose.notice_text import BLOCKS
from penstock.errors import ConfigError
from penstock.model.campaign import TemplateFile
from penstock.model.codes import Code
from penstock.model.contact import Function, RecipientKind, Source, SourceMethod
from penstock.model.legal_text import LegalTexts
from penstock.model.mail import History, Letter, Mail
from penstock.model.verdict import Reason, Verdict
from penstock.ports import Services
from penstock.stages.edits.notice import Notice, NoticeOptions

OwnText = Callable[..., LegalTexts]
MailOf = Callable[..., Mail]
Composed = Callable[[Mail], Awaitable[Mail]]
LANGUAGES = ["cs", "da", "de", "en", "es", "fi", "fr", "it", "nl", "pl", "pt", "sv"]
LINE = "\n" + "-" * 40 + "\n\n"


async def noticed(services: Services, mail: Mail, options: NoticeOptions | None = None) -> Letter:
    [found] = await Notice(options or NoticeOptions(), services).edit([mail])
    assert isinstance(found, Mail), found
    assert isinstance(found.content, Letter)
    return found.content


def paragraphs(letter: Letter) -> list[str]:
    return letter.text.partition(LINE)[2].removesuffix("\n").split("\n\n")


def marked(letter: Letter) -> list[str]:
    assert letter.html is not None
    return [element.get("data-penstock") for element in document_fromstring(letter.html).xpath("//*[@data-penstock]")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("variant", ["first", "regular"])
async def test_every_block_stands_in_text_and_html_in_its_order(
    language: str, variant: str, mail: MailOf, composed: Composed, services: Services
) -> None:
    history = History(noticed=variant == "regular")
    draft = await composed(mail(language=language, translations={language: {}}, history=history))
    letter = await noticed(services, draft)
    wanted = list(BLOCKS["first" if variant == "first" else "regular"])
    assert marked(letter) == wanted
    found = paragraphs(letter)
    assert len(found) == len(wanted)
    assert "Nordlicht Software AB" in found[0]
    assert "/u/" in found[-2]
    assert "privacy@nordlicht.example" in found[-1]
    assert letter.notice is not None
    assert letter.notice.startswith(f"penstock-notice-1-{language}-")
    assert letter.text.startswith("Bonjour Anna\n\n" + "-" * 40 + "\n\n")
    for block in document_fromstring(letter.html or "").xpath("//*[@data-penstock]"):
        assert (block.get("lang"), block.get("dir")) == (language, "ltr")


async def test_the_first_contact_notice_has_a_visible_heading_for_the_objection(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    letter = await noticed(services, await composed(mail(language="en")))
    assert paragraphs(letter)[4].startswith("Your right to object\nYou can object")
    assert "<strong>Your right to object</strong>" in (letter.html or "")


async def test_the_notice_says_what_is_known_of_this_contact(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    letter = await noticed(services, await composed(mail(language="en")))
    found = paragraphs(letter)
    assert "you work in purchasing in an industry our offer is made for" in found[1]
    assert "What prompted us: your site shows a new plant." in found[1]
    assert "from your company's public website" in found[2]
    assert "on 10 November 2026" in found[2]
    assert "https://muster-werk.example/team" in found[2]
    assert "CNIL" in found[3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"function": Function.HR}, "you work in human resources"),
        ({"title": None}, "your company belongs to an industry"),
        ({"kind": RecipientKind.GENERIC}, "your company belongs to an industry"),
    ],
)
async def test_the_function_is_the_contacts_or_read_from_the_title_but_none_of_a_generic_mailbox(
    changes: dict[str, object], words: str, mail: MailOf, composed: Composed, services: Services
) -> None:
    letter = await noticed(services, await composed(mail(language="en", **changes)))
    assert words in paragraphs(letter)[1]


async def test_values_of_the_contact_cannot_break_paragraphs_or_html(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    bad = "a\n\nb <script>x</script>\n" + "-" * 40 + "\n"
    letter = await noticed(services, await composed(mail(language="en", reason=bad)))
    assert len(letter.text.rpartition(LINE)[2].split("\n\n")) == 7
    assert "<script>" not in (letter.html or "")
    assert "&lt;script&gt;" in (letter.html or "")


async def test_links_are_this_mails_own_and_separate_by_purpose(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    options = NoticeOptions(preferences=True)
    letter = await noticed(services, await composed(mail(7, language="en")), options)
    token = letter.text.partition("https://mail.nordlicht.example/u/")[2].split()[0]
    assert services.tokens.read(token) == ("body", f"{7:032x}")
    assert f'href="https://mail.nordlicht.example/u/{token}"' in (letter.html or "")
    page = letter.text.partition("https://mail.nordlicht.example/p/")[2].split()[0]
    assert services.tokens.read(page) == ("page", f"{7:032x}")
    assert ".invalid" not in letter.text + (letter.html or "")
    plain = await noticed(services, await composed(mail(7, language="en")))
    assert "/p/" not in plain.text


async def test_a_reply_is_promised_only_where_somebody_reads_it(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    draft = await composed(mail(language="en"))
    assert "No, thanks" in (await noticed(services, draft)).text
    assert "No, thanks" not in (await noticed(replace(services, reply_domain=""), draft)).text


async def test_woven_blocks_are_not_repeated_in_html_but_the_text_has_all(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    html = '<html lang="x"><body><p data-penstock="reason">We met.</p><p data-penstock="optout">gone</p></body></html>'
    files = (TemplateFile("html", "", "l.html.j2", html), TemplateFile("text", "", "l.txt.j2", "x"))
    letter = await noticed(services, await composed(mail(templates=files)))
    assert sorted(marked(letter)) == sorted([*BLOCKS["first"], "optout"])
    assert len(paragraphs(letter)) == 7
    assert 'lang="x"' in (letter.html or "")


async def test_the_root_gets_language_and_direction_of_the_letter(
    mail: MailOf, composed: Composed, services: Services, own_text: OwnText
) -> None:
    texts = own_text("ar", ('language = "en"', 'language = "ar"'), ('direction = "ltr"', 'direction = "rtl"'))
    letter = await noticed(
        replace(services, legal_texts=texts), await composed(mail(language="ar", translations={"ar": {}}))
    )
    assert '<html lang="ar" dir="rtl">' in (letter.html or "")
    assert '<p data-penstock="optout" lang="ar" dir="rtl"' in (letter.html or "")


@pytest.mark.parametrize(("languages", "used"), [((), "en"), (("sv",), "sv"), (("sv-FI",), "sv")])
async def test_letter_and_notice_speak_one_language(
    languages: tuple[str, ...], used: str, mail: MailOf, composed: Composed, services: Services
) -> None:
    letter = await noticed(
        services, await composed(mail(language="sv-FI", translations={key: {} for key in languages}))
    )
    assert letter.language.partition("-")[0] == used
    assert f"-{used}-" in (letter.notice or "")


async def test_a_letter_in_a_language_without_a_notice_is_held(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    draft = await composed(mail(language="hu", translations={"hu": {}}))
    [reason] = await Notice(NoticeOptions(), services).edit([draft])
    assert isinstance(reason, Reason)
    assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.LANGUAGE_MISSING)
    letter = await noticed(services, await composed(mail(language="hu")))
    assert "-en-" in (letter.notice or "")


@pytest.mark.parametrize("html", ["<p>x</p>", "<BODY><p>x</p></BODY>", "<p>a</body>b</p></body>", ""])
async def test_html_of_any_shape_gets_the_blocks(
    html: str, mail: MailOf, composed: Composed, services: Services, with_html: Callable[[Mail, str], Mail]
) -> None:
    letter = await noticed(services, with_html(await composed(mail()), html))
    assert marked(letter) == list(BLOCKS["first"])


async def test_a_letter_without_html_stays_without(mail: MailOf, composed: Composed, services: Services) -> None:
    files = (TemplateFile("text", "", "l.txt.j2", "x"),)
    letter = await noticed(services, await composed(mail(templates=files)))
    assert letter.html is None
    assert len(paragraphs(letter)) == 7


async def test_what_is_missing_holds_the_mail(mail: MailOf, composed: Composed, services: Services) -> None:
    draft = await composed(mail())
    cases = {
        Code.NOTICE_MISSING: replace(draft, campaign=None),
        Code.SOURCE_MISSING: await composed(mail(source=Source())),
    }
    for code, one in cases.items():
        [reason] = await Notice(NoticeOptions(), services).edit([one])
        assert isinstance(reason, Reason)
        assert (reason.verdict, reason.code) == (Verdict.HOLD, code)
    [reason] = await Notice(NoticeOptions(), replace(services, controllers={})).edit([draft])
    assert isinstance(reason, Reason)
    assert reason.code is Code.NOTICE_MISSING


async def test_a_notice_file_that_cannot_be_used_is_an_error_of_the_configuration(
    mail: MailOf, composed: Composed, services: Services, tmp_path: Path
) -> None:
    folder = tmp_path / "notices" / "fr"
    folder.mkdir(parents=True)
    draft = await composed(mail(translations={"fr": {}}))
    for text in ("id = ", 'id = "x"\nversion = 1\n', 'id = "x"\nversion = 1\nlanguage = "de"\n'):
        (folder / "notice.toml").write_text(text)
        with pytest.raises(ConfigError, match=r"notice\.toml"):
            await Notice(NoticeOptions(), replace(services, templates=tmp_path)).edit([draft])


async def test_mails_of_one_batch_keep_their_own_reason_source_and_link(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    said = ["your site shows a new plant", "see https://optout.invalid/ & more", "your site shows a new plant", ""]
    places = [f"https://muster-werk.example/{number}" for number in range(len(said))]
    drafts = [
        mail(number, language="en", reason=reason or None, source=Source(SourceMethod.REGISTRY, place))
        for number, (reason, place) in enumerate(zip(said, places, strict=True))
    ]
    drafts = [replace(each, id=f"{number:032x}") for number, each in enumerate(drafts)]
    batch = [await composed(each) for each in drafts]
    together = await Notice(NoticeOptions(), services).edit(batch)
    for one, found, reason, place in zip(batch, together, said, places, strict=True):
        assert isinstance(found, Mail)
        assert found.content == await noticed(services, one)
        assert isinstance(found.content, Letter)
        blocks = paragraphs(found.content)
        assert (f"What prompted us: {reason}." in blocks[1]) == bool(reason)
        assert blocks[2].endswith(f"Reference: {place}")
        token = services.tokens.sign("body", one.id)
        assert f"/u/{token}" in blocks[5]
        assert found.content.html is not None
        assert found.content.html.count(f'/u/{token}"') == 1
