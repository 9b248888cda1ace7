"""Advertising that another program wrote, on its way through the edits and the last check."""

from __future__ import annotations

import email
import email.policy
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from penstock.compose.notice_text import BLOCKS
from penstock.model.campaign import Campaign, MessageSpec, Stream
from penstock.model.codes import Code
from penstock.model.contact import Contact, Source, SourceMethod
from penstock.model.mail import History, Mail, Message
from penstock.model.verdict import Reason, Verdict
from penstock.ports import Edit, NoOptions, Services
from penstock.stages.checks.verify import Verify
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.stages.edits.notice import Notice, NoticeOptions
from penstock.stages.edits.write import Write
from penstock.testing.samples import a_mail, some_services

FROM = '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
ADDRESS = "anna.keller@muster-werk.example"
HTML = "<html><body><h1>Purchasing</h1><p>Software for <a href='https://nordlicht.example/p'>purchasing</a></p>{}"


def written(*, text: str | None = "Purchasing software", html: str | None = None, charset: str = "utf-8") -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = FROM, f"Anna Keller <{ADDRESS}>, b@muster-werk.example"
    message["Subject"], message["X-Penstock-Campaign"] = "Purchasing without spreadsheets", "letters"
    message["List-Unsubscribe"] = "<https://crm.example/u/1>"
    if text is not None:
        message.set_content(text, charset=charset)
    if html is not None and text is not None:
        message.add_alternative(html, subtype="html")
    elif html is not None:
        message.set_content(html, subtype="html")
    return message.as_bytes(policy=email.policy.SMTP)


def relayed(data: bytes, **changes: object) -> Mail:
    campaign = Campaign(
        "letters", "nordlicht", "an offer of purchasing software", MessageSpec(FROM, ""), product="purchasing software"
    )
    contact = Contact(
        ADDRESS,
        language="de",
        country="DE",
        source=Source(SourceMethod.EVENT, collected_at=datetime(2026, 11, 1, tzinfo=UTC)),
    )
    mail = a_mail()
    mail = replace(
        mail, campaign=campaign, contact=contact, content=Message(data), stream=Stream.PROSPECTING,
        envelope=replace(mail.envelope, recipient=ADDRESS),
    )  # fmt: skip
    return replace(mail, **changes)  # type: ignore[arg-type]


@pytest.fixture
def services() -> Services:
    return some_services()


async def walked(services: Services, mail: Mail) -> Mail | Reason:
    edits: Sequence[Edit] = (
        Notice(NoticeOptions(), services), ListUnsubscribe(NoOptions(), services), Write(NoOptions(), services)
    )  # fmt: skip
    for edit in edits:
        [found] = await edit.edit([mail])
        if isinstance(found, Reason):
            return found
        mail = found
    return mail


async def verified(services: Services, mail: Mail) -> set[Code | None]:
    [reasons] = await Verify(NoOptions(), services).judge([mail])
    return {reason.code for reason in reasons}


@pytest.mark.parametrize("noticed", [False, True])
@pytest.mark.parametrize(
    ("text", "html"),
    [("Purchasing software", None), ("Purchasing software\n", HTML), (None, HTML), ("Größe, purchasing\n", HTML)],
)
async def test_every_part_gets_the_blocks_and_passes_the_last_check(
    services: Services, text: str | None, html: str | None, noticed: bool
) -> None:
    done = await walked(services, relayed(written(text=text, html=html), history=History(noticed=noticed)))
    assert isinstance(done, Mail), done
    assert await verified(services, done) == {None}
    assert isinstance(done.content, Message)
    read = email.message_from_bytes(done.content.data, policy=email.policy.default)
    assert read["To"] == ADDRESS
    assert read["List-Unsubscribe"].startswith("<https://mail.nordlicht.example/u/")
    assert (len(read.get_all("List-Unsubscribe", [])), read["X-Penstock-Campaign"]) == (1, None)
    blocks = BLOCKS["regular" if noticed else "first"]
    if text is not None:
        plain = read.get_body(("plain",))
        assert plain is not None
        assert "Nordlicht Software AB" in plain.get_content()
        assert plain.get_content().replace("\r\n", "\n").count("\n\n") >= len(blocks)
    if html is not None:
        page = read.get_body(("html",))
        assert page is not None
        assert [f'data-penstock="{block}"' in page.get_content() for block in blocks] == [True] * len(blocks)
    assert done.content.notice_version


async def test_the_notice_is_in_the_contacts_language_and_without_one_the_mail_waits(services: Services) -> None:
    done = await walked(services, relayed(written()))
    assert isinstance(done, Mail)
    assert isinstance(done.content, Message)
    assert "Impressum" in done.content.data.decode() or "Widerspruch" in done.content.data.decode()
    stateless = relayed(written(), contact=Contact(ADDRESS, source=Source(SourceMethod.EVENT)))
    held = await walked(services, stateless)
    assert isinstance(held, Reason)
    assert (held.verdict, held.code) == (Verdict.HOLD, Code.LANGUAGE_MISSING)


async def test_signed_mail_waits_for_a_person(services: Services) -> None:
    sealed = 'Content-Type: multipart/signed; boundary=b; protocol="application/pgp-signature"'
    parts = "--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    data = f"From: {FROM}\r\nTo: {ADDRESS}\r\nSubject: s\r\nMIME-Version: 1.0\r\n{sealed}\r\n\r\n{parts}"
    held = await walked(services, relayed(data.encode()))
    assert isinstance(held, Reason)
    assert (held.verdict, held.code) == (Verdict.HOLD, Code.MESSAGE_UNTOUCHABLE)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda data: data.replace(b"One-Click", b"Two-Click"), Code.UNSUB_BROKEN),
        (lambda data: data.replace(b"/u/", b"/v/", 2), Code.UNSUB_BROKEN),
        (lambda data: data.replace(b"data-penstock=", b"data-other="), Code.NOTICE_MISSING),
        (lambda data: data.replace(b"\r\nTo: ", b"\r\nTo: b@muster-werk.example, "), Code.MULTI_RECIPIENT),
        (lambda data: data.replace(b"Berg, Nordlicht Software AB", b"Berg"), Code.HEADER_INVALID),
    ],
)
async def test_the_last_check_reads_the_octets_that_leave(services: Services, spoil: object, code: Code) -> None:
    done = await walked(services, relayed(written(text="Purchasing\n", html=HTML)))
    assert isinstance(done, Mail)
    assert isinstance(done.content, Message)
    spoiled = spoil(done.content.data)  # type: ignore[operator]
    assert spoiled != done.content.data
    assert code in await verified(services, done.with_content(done.content.with_data(spoiled)))


@pytest.mark.parametrize(
    ("html", "code"),
    [
        (HTML.format(f"<a href='https://crm.example/?to={ADDRESS}'>x</a>"), Code.TRACKING_WITHOUT_CONSENT),
        (HTML.format("<img src='https://crm.example/o.gif' width=1 height=1>"), Code.TRACKING_WITHOUT_CONSENT),
        (HTML.format("{{ company.name }}"), Code.PLACEHOLDER_LEFT),
        ("<style>div{display:none}</style>" + HTML, Code.UNSUB_BROKEN),
    ],
)
async def test_what_the_other_program_wrote_is_judged_as_our_own(services: Services, html: str, code: Code) -> None:
    done = await walked(services, relayed(written(text="Purchasing\n", html=html)))
    assert isinstance(done, Mail)
    assert code in await verified(services, done)


@pytest.mark.parametrize("spelled", ["to: ", "TO: ", "To:", "To:\r\n "])
async def test_a_to_is_found_however_its_name_is_written(services: Services, spelled: str) -> None:
    data = written().replace(
        f"To: Anna Keller <{ADDRESS}>, b@muster-werk.example".encode(), f"{spelled}{ADDRESS}".encode()
    )
    assert spelled.encode() in data
    done = await walked(services, relayed(data))
    assert isinstance(done, Mail), done
    assert await verified(services, done) == {None}


async def test_a_from_under_an_international_domain_leaves(services: Services) -> None:
    data = "From: eva@bücher.example\r\nTo: a@b.example\r\nSubject: s\r\n\r\nbody\r\n".encode()
    mail = relayed(data, stream=Stream.TRANSACTIONAL, campaign=None, contact=None)
    [done] = await Write(NoOptions(), services).edit([mail])
    assert isinstance(done, Mail), done
    assert isinstance(done.content, Message)
    assert b"by xn--bcher-kva.example with penstock" in done.content.data
    assert b"From: eva@b\xc3\xbccher.example" in done.content.data


async def test_a_repeat_is_the_identical_message(services: Services) -> None:
    data = written(html=HTML)  # its boundary is random
    once, again = [await walked(services, relayed(data)) for _ in range(2)]
    assert isinstance(once, Mail)
    assert once == again


PARA = "<p>Software for purchasing, which many makers of machines use to order what they need.</p>"
PIXEL = "<img src='https://crm.example/o.gif?k=x93' width=1 height=1 alt=x>"
PICTURE = "<img src='https://crm.example/o.gif?k=x93' width=600 height=300 alt=x>"
PREHEADER = "<div style='display:none'>Software for purchasing, which many makers of machines use</div>"
HASH = "https://crm.example/?u=" + hashlib.sha256(ADDRESS.encode()).hexdigest()


def head(kind: str) -> str:
    fields = f"From: {FROM}\r\nTo: {ADDRESS}\r\nSubject: Purchasing\r\nMIME-Version: 1.0\r\n"
    return f"{fields}Content-Type: {kind}\r\n\r\n"


def of_parts(kind: str, *parts: str) -> bytes:
    whole = "".join(f"--x\r\n{part}\r\n" for part in ("Content-Type: text/plain\r\n\r\nPurchasing", *parts))
    return f"{head(f'multipart/{kind}; boundary=x')}{whole}--x--\r\n".encode()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (PARA + f"<a href='{HASH}'>x</a>", PARA + "<a href='https://crm.example/'>x</a>", None),
        (PARA + "<a href='https://crm.example/'>x</a>", PARA + f"<a href='{HASH}'>x</a>", "tracking_without_consent"),
        (PARA + PICTURE, PARA + PIXEL, "tracking_without_consent"),
        (PARA + PIXEL, PARA + PICTURE, None),
        (PARA + PICTURE, "<p></p>" + PICTURE, "subject_deceptive"),
        (PARA + PICTURE, "<p>&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;</p>" + PICTURE, "subject_deceptive"),
        ("<p></p>" + PICTURE, PARA + PICTURE, None),
        (PREHEADER + PARA + PICTURE, PREHEADER + "<p>x</p>" + PICTURE, "subject_deceptive"),
        (PREHEADER + "<p>x</p>" + PICTURE, PREHEADER + PARA + PICTURE, None),
        ("<div lang=de>" + PARA, "<div lang=sv>" + PARA, None),
        (PARA + "<!-- a --><b>x</b>", PARA + "<!-- a <b>x</b> -->", None),
    ],
)
async def test_what_was_found_in_one_message_is_not_said_of_the_next(
    services: Services, first: str, second: str, expected: str | None
) -> None:
    verify = Verify(NoOptions(), services)
    for html in (first, second, first, second):
        done = await walked(services, relayed(f"{head('text/html; charset=utf-8')}{html}\r\n".encode()))
        assert isinstance(done, Mail), done
        [reasons] = await verify.judge([done])
        alone = await verified(services, done)
        assert {reason.code for reason in reasons} == alone
    assert {code and code.name.lower() for code in alone} == {expected}


@pytest.mark.parametrize("kind", ["text/x-amp-html", "text/watch-html", "text/enriched", "image/png"])
async def test_advertising_with_a_form_that_takes_no_notice_waits_for_a_person(services: Services, kind: str) -> None:
    data = of_parts("alternative", f"Content-Type: {kind}\r\n\r\nPurchasing", f"Content-Type: text/html\r\n\r\n{PARA}")
    held = await walked(services, relayed(data))
    assert isinstance(held, Reason)
    assert (held.verdict, held.code) == (Verdict.HOLD, Code.MESSAGE_UNTOUCHABLE)


async def test_a_form_with_a_file_name_gets_the_notice(services: Services) -> None:
    named = f"Content-Type: text/html\r\nContent-Disposition: inline; filename=a.html\r\n\r\n{PARA}"
    done = await walked(services, relayed(of_parts("alternative", named)))
    assert isinstance(done, Mail), done
    assert isinstance(done.content, Message)
    assert done.content.data.count(b'data-penstock=3D"optout"') == 1
    assert await verified(services, done) == {None}


@pytest.mark.parametrize("found", [PIXEL, f"<a href='{HASH}'>x</a>", f"<a href='https://crm.example/{ADDRESS}'>x</a>"])
@pytest.mark.parametrize(
    "part",
    [
        "Content-Type: text/html\r\n\r\n{}",
        "Content-Type: text/html\r\nContent-Disposition: attachment; filename=a.html\r\n\r\n{}",
        "Content-Type: multipart/signed; boundary=y\r\n\r\n--y\r\nContent-Type: text/html\r\n\r\n{}\r\n--y--",
        "Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n{}",
    ],
)
async def test_tracking_is_found_in_every_part(services: Services, part: str, found: str) -> None:
    done = await walked(services, relayed(of_parts("mixed", part.format(PARA))))
    assert isinstance(done, Mail), done
    assert await verified(services, done) == {None}
    done = await walked(services, relayed(of_parts("mixed", part.format(PARA + found))))
    assert isinstance(done, Mail), done
    assert await verified(services, done) == {Code.TRACKING_WITHOUT_CONSENT}


async def test_a_link_in_a_further_text_is_found(services: Services) -> None:
    for words, expected in (("Purchasing", None), (f"see {HASH}", Code.TRACKING_WITHOUT_CONSENT)):
        done = await walked(services, relayed(of_parts("mixed", f"Content-Type: text/plain\r\n\r\n{words}")))
        assert isinstance(done, Mail), done
        assert await verified(services, done) == {expected}
