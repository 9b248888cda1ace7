"""What the finished mail must not hide, claim or tell others: subject, images, addresses, appearance."""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.model.campaign import Campaign, Stream, TemplateFile
from penstock.model.codes import Code
from penstock.model.contact import Source, SourceMethod
from penstock.model.mail import History, Letter, Mail
from penstock.ports import Edit, NoOptions
from penstock.stages.checks.verify import Verify
from penstock.stages.edits.compose import Compose
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.stages.edits.notice import Notice, NoticeOptions
from penstock.stages.edits.write import Write
from penstock.testing import a_campaign, a_contact, a_mail, some_services

SERVICES = some_services()
ADDRESS = "anna.keller@muster-werk.example"
PAGE = "<!doctype html><html><head><style>%s</style></head><body>%s</body></html>"
LETTER = "<p>Good day {{ given_name }}, our purchasing software makes orders easy to follow.</p>"
TEXT = "Good day {{ given_name }}, our purchasing software makes orders easy to follow.\n"


def campaign(html: str = PAGE % ("", LETTER), text: str = TEXT, language: str = "", **changes: Any) -> Campaign:
    told = {key: changes.pop(key) for key in ("subject", "from_", "reply_to", "fallback_language") if key in changes}
    files = (
        TemplateFile("html", language, f"letter.{language}.html.j2", html),
        TemplateFile("text", language, f"letter.{language}.txt.j2", text),
    )
    made = a_campaign(digest="", **changes)
    fields = ("given_name", "company.name", "reason", "language", "source.reference", "flags")
    return replace(made, message=replace(made.message, templates=files, fields=fields, **told))


def same(letter: Letter) -> Letter:
    return letter


async def finished(mail: Mail, change: Callable[[Letter], Letter] = same) -> Mail:
    edits: list[Edit] = [
        Compose(NoOptions(), SERVICES),
        Notice(NoticeOptions(), SERVICES),
        ListUnsubscribe(NoOptions(), SERVICES),
    ]
    for edit in edits:
        [found] = await edit.edit([mail])
        assert isinstance(found, Mail), found
        mail = found
    assert isinstance(mail.content, Letter)
    [found] = await Write(NoOptions(), SERVICES).edit([mail.with_content(change(mail.content))])
    assert isinstance(found, Mail), found
    return found


async def found(*mails: Mail, verify: Verify | None = None) -> list[set[tuple[Code | None, str]]]:
    answers = await (verify or Verify(NoOptions(), SERVICES)).judge(mails)
    assert all("anna" not in reason.why.lower() for answer in answers for reason in answer)
    return [{(reason.code, reason.facts.fields[0] if reason.code else "") for reason in each} for each in answers]


async def judged(
    made: Campaign, change: Callable[[Letter], Letter] = same, **fields: Any
) -> set[tuple[Code | None, str]]:
    [answer] = await found(await finished(a_mail(a_contact(ADDRESS), made, **fields), change))
    return answer


FINE: set[tuple[Code | None, str]] = {(None, "")}
TRACKED = Code.TRACKING_WITHOUT_CONSENT
DECEPTIVE = Code.SUBJECT_DECEPTIVE


async def test_an_ordinary_letter_is_fine() -> None:
    assert await judged(campaign()) == FINE


def header(name: str, value: str) -> Callable[[Letter], Letter]:
    return lambda letter: letter.with_headers(tuple((k, value if k == name else v) for k, v in letter.headers))


@pytest.mark.parametrize("subject", ["\u200b", "\u00ad \u2060", "\u00a0", " "])
async def test_a_subject_that_shows_nothing_is_empty(subject: str) -> None:
    assert await judged(campaign(), header("Subject", subject)) == {(Code.HEADER_INVALID, "Subject")}


@pytest.mark.parametrize(
    ("subject", "text", "changes", "expected"),
    [
        ("An offer", TEXT, {}, FINE),
        ("Purchasing, easier", "Good day.\n", {}, FINE),
        ("PURCHASES and more", "Good day.\n", {}, FINE),
        ("An offer", "Good day.\n", {}, {(DECEPTIVE, "Subject")}),
        ("An offer", "Good day.\n", {"topic": ()}, FINE),
        ("An offer", "Good day.\n", {"topic": ("achats", "Einkauf")}, {(DECEPTIVE, "Subject")}),
        ("Ein Angebot", "Guten Tag.\n", {"language": "de"}, FINE),
        (
            "Ein Angebot",
            "Guten Tag.\n",
            {"language": "de", "translations": {"de": {"purchasing": "Beschaffung"}}},
            {(DECEPTIVE, "Subject")},
        ),
        ("Beschaffungen", "Hallo.\n", {"language": "de", "translations": {"de": {"purchasing": "Beschaffung"}}}, FINE),
        ("Inkop", "Hej.\n", {"language": "sv", "topic": ("Inköp",), "fallback_language": "sv"}, FINE),
        ("INKÖPEN", "Hej.\n", {"language": "sv", "topic": ("inkop",), "fallback_language": "sv"}, FINE),
        (
            "Gåvor",
            "Hej.\n",
            {"language": "sv", "topic": ("inköp",), "fallback_language": "sv"},
            {(DECEPTIVE, "Subject")},
        ),
    ],
)
async def test_subject_and_letter_beside_the_topic_deceive_where_the_topic_is_told_in_that_language(
    subject: str, text: str, changes: dict[str, Any], expected: set[tuple[Code | None, str]]
) -> None:
    html = PAGE % ("", "<p>x</p>")
    made = campaign(html, text, subject=subject, **changes)
    contact = a_contact(ADDRESS, language=changes.get("language", "en"))
    [answer] = await found(await finished(a_mail(contact, made)))
    assert answer == expected


async def test_the_notice_which_always_names_the_product_is_no_word_of_the_letter() -> None:
    made = campaign(PAGE % ("", "<p>x</p>"), "Good day.\n", subject="An offer", product="purchasing software")
    mail = await finished(a_mail(a_contact(ADDRESS), made))
    assert "purchasing" in getattr(mail.content, "letter").text  # noqa: B009 - a Message
    assert await found(mail) == [{(DECEPTIVE, "Subject")}]


async def test_a_claimed_order_is_deceptive_on_first_contact_and_never_to_customers() -> None:
    made = campaign(subject="{{ company.name }}: Order confirmation 4711")
    assert await judged(made) == {(DECEPTIVE, "Subject")}
    assert await judged(made, history=History(noticed=True)) == FINE
    assert await judged(replace(made, stream=Stream.CUSTOMER), stream=Stream.CUSTOMER) == FINE


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"reply_to": "noreply@nordlicht.example"}, {(Code.HEADER_INVALID, "Reply-To")}),
        ({"reply_to": "Eva <do-not-reply@nordlicht.example>"}, {(Code.HEADER_INVALID, "Reply-To")}),
        ({"reply_to": None, "from_": "Nordlicht <no.reply@nordlicht.example>"}, {(Code.HEADER_INVALID, "From")}),
        ({"from_": "Nordlicht <noreply@nordlicht.example>"}, FINE),
        ({"reply_to": "nora.reply@nordlicht.example"}, FINE),
    ],
)
async def test_somebody_must_read_what_is_answered(
    changes: dict[str, Any], expected: set[tuple[Code | None, str]]
) -> None:
    assert await judged(campaign(**changes)) == expected


@pytest.mark.parametrize(
    "address",
    [
        "https://img.nordlicht.example/{{ given_name }}.png",
        "https://n.example/?c={{ company.name|urlencode }}",
        "https://n.example/{% if reason %}{{ reason }}{% endif %}",
    ],
)
async def test_an_address_with_a_field_of_the_contact_tracks(address: str) -> None:
    image = PAGE % ("", f'{LETTER}<img src="{address}" width="200" alt="x">')
    assert await judged(campaign(image)) == {(TRACKED, "message")}
    assert await judged(campaign(text=f"{TEXT}See {address}\n")) == {(TRACKED, "message")}


@pytest.mark.parametrize(
    "address",
    ["https://n.example/{{ language }}", "{{ source.reference }}", "mailto:eva@n.example?subject={{ company.name }}"],
)
async def test_an_address_that_many_share_or_that_is_the_contacts_own_is_fine(address: str) -> None:
    assert await judged(campaign(PAGE % ("", f'{LETTER}<a href="{address}">x</a>'))) == FINE


def added(url: str) -> Callable[[Letter], Letter]:
    return lambda letter: replace(letter, html=(letter.html or "").replace("</p>", f'</p><img src="{url}">', 1))


SHA, MD5 = hashlib.sha256(ADDRESS.encode()).hexdigest(), hashlib.md5(ADDRESS.encode()).hexdigest()


@pytest.mark.parametrize(
    "url",
    [
        f"https://t.example/o.png?u={ADDRESS}",
        "https://t.example/o.png?u=Anna.Keller%40muster-werk.example",
        "//t.example/o.png?u=anna.keller&#64;muster-werk.example",
        f"https://t.example/{SHA}.png",
        f"https://t.example/?h={MD5.upper()}",
        f"https://t.example/{hashlib.sha1(ADDRESS.encode()).hexdigest()}",
        f"https://t.example/{b64encode(ADDRESS.encode()).decode()}",
        f"https://t.example/{urlsafe_b64encode(ADDRESS.encode()).decode().rstrip('=')}",
    ],
)
async def test_an_address_that_another_stage_has_put_in_is_read(url: str) -> None:
    assert await judged(campaign(), added(url)) == {(TRACKED, "html")}


async def test_ids_and_tokens_of_the_mail_outside_our_own_links_track() -> None:
    mail = replace(a_mail(a_contact(ADDRESS), campaign()), contact_id="c0ffee-4711")
    token = SERVICES.tokens.sign("body", mail.id)
    other = SERVICES.tokens.sign("body", "f" * 32)
    for tracked, url in [
        (True, f"https://t.example/{mail.id}.png"),
        (True, "https://t.example/?c=C0FFEE-4711"),
        (True, f"https://mail.nordlicht.example/open/{token}"),
        (False, f"https://mail.nordlicht.example/u/{token}"),
        (False, f"https://mail.nordlicht.example/p/{token}"),
        (False, f"https://t.example/{other}"),
        (False, f"https://t.example/{'0123456789abcdef' * 4}"),
    ]:
        [answer] = await found(await finished(mail, added(url)))
        assert answer == ({(TRACKED, "html")} if tracked else FINE), url


async def test_the_address_may_stand_in_the_words_and_in_the_contacts_own_page() -> None:
    words = campaign(text=TEXT + "We write to {{ reason }}, see https://n.example/.\n")
    contact = a_contact(
        ADDRESS, reason=ADDRESS, source=Source(SourceMethod.OWN_SITE, f"https://muster-werk.example/?m={ADDRESS}&x=1")
    )
    assert await found(await finished(a_mail(contact, words))) == [FINE]


async def test_each_mail_is_searched_for_its_own_address_and_others_are_not_blamed() -> None:
    made = campaign()
    plain, other = (
        a_mail(a_contact(ADDRESS), made),
        a_mail(a_contact("per@muster-werk.example", given_name="Per"), made),
    )
    link = "<a href='https://t.example/?u=per@muster-werk.example'>x</a>"
    bad = await finished(
        other, lambda letter: replace(letter, html=(letter.html or "").replace("</p>", f"</p>{link}", 1))
    )
    answers = await found(await finished(plain), bad, await finished(plain))
    assert answers == [FINE, {(TRACKED, "html")}, FINE]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<img src="https://i.example/a.png" alt="All about our offer of purchasing software">', True),
        (
            '<table background="https://i.example/a.png"><tr><td><img src="cid:x">{{ given_name }}</td></tr></table>',
            True,
        ),
        ('<div style="background:url(https://i.example/a.png)">&nbsp;</div>', True),
        (
            '<p style="display:none">'
            + "Words that nobody ever sees here. " * 3
            + '</p><img src="https://i.example/a">',
            True,
        ),
        (f'{LETTER}<img src="https://i.example/a.png">', False),
        ("<p>Hello</p>", False),
    ],
)
async def test_a_letter_of_images_alone_hides_what_it_is(body: str, expected: bool) -> None:
    assert await judged(campaign(PAGE % ("", body))) == ({(DECEPTIVE, "html")} if expected else FINE)


@pytest.mark.parametrize(
    "css",
    [
        "@media (prefers-color-scheme: dark) { p { color: #ffffff !important } }",
        "@media screen and (prefers-color-scheme:dark) { [data-penstock] { display: none !important } }",
        "@media (max-width: 480px) { body > div { max-height: 0 !important; overflow: hidden } }",
        "[data-ogsc] p { color: #fefefe !important }",
        "div { position: absolute !important; left: -9999px }",
    ],
)
async def test_blocks_must_be_readable_in_dark_mode_and_on_telephones(css: str) -> None:
    assert (Code.NOTICE_MISSING, "html") in await judged(campaign(PAGE % (css, LETTER)))


async def test_where_the_contact_decides_how_a_letter_looks_each_appearance_is_judged() -> None:
    made = campaign(PAGE % ("", "<div{% if flags %} style='display:none'{% endif %}>" + LETTER))
    shown = await finished(a_mail(a_contact(ADDRESS), made))
    hidden = await finished(a_mail(a_contact(ADDRESS, flags=("x",)), made))
    one, other, again = await found(shown, hidden, shown)
    assert one == again == FINE
    assert (Code.UNSUB_BROKEN, "html") in other


async def test_a_wrapper_that_only_some_letters_have_is_seen() -> None:
    made = campaign(PAGE % ("", LETTER + "{% if flags %}<noscript>{% endif %}"))
    shown = await finished(a_mail(a_contact(ADDRESS), made))
    hidden = await finished(a_mail(a_contact(ADDRESS, flags=("x",)), made))
    one, other = await found(shown, hidden)
    assert one == FINE
    assert (Code.UNSUB_BROKEN, "html") in other


async def test_blocks_swallowed_by_a_comment_are_not_there() -> None:
    def swallowed(letter: Letter) -> Letter:
        return replace(
            letter, html=(letter.html or "").replace("</p><div", "</p><!-- <div", 1).replace("</body>", "--></body>")
        )

    assert (Code.UNSUB_BROKEN, "html") in await judged(campaign(), swallowed)
