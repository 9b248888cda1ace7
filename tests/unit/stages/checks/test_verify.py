"""The last look at the finished mail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from penstock.compose.notice_text import BLOCKS
from penstock.law.taxonomy import Taxonomy
from penstock.model.campaign import Campaign, Controller, MessageSpec, Stream, TemplateFile
from penstock.model.codes import Code
from penstock.model.contact import Contact, RecipientKind, Source, SourceMethod
from penstock.model.identity import Identity
from penstock.model.keyring import Keyring, Secret
from penstock.model.mail import Draft, Envelope, History, Letter, Mail, Message
from penstock.model.tokens import SignedTokens
from penstock.model.verdict import Reason, Verdict
from penstock.ports import Edit, NoOptions, Rates, Services, Suppressions
from penstock.stages.checks.verify import Verify
from penstock.stages.edits.compose import Compose
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.stages.edits.notice import Notice, NoticeOptions
from penstock.stages.edits.write import Write

ADDRESS = "anna.keller@muster-werk.example"
LINK = "https://mail.nordlicht.example"
HTML = "<html><head><style>@media x{.a{color:red}}</style></head><body><p>Hello</p>%s</body></html>"


class StoppedClock:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

    def machine(self) -> float:
        return 0.0


@pytest.fixture(scope="module")
def own_services() -> Services:
    secret = Secret("k", b"k" * 32)
    controller = Controller(
        "nordlicht", "Nordlicht Software AB", "Storgatan 1, Stockholm", "SE", contact="a@nordlicht.example"
    )
    return Services(
        clock=StoppedClock(),
        suppressions=cast("Suppressions", None),
        rates=cast("Rates", None),
        tokens=SignedTokens(Keyring((secret,), (secret,), (secret,))),
        taxonomy=Taxonomy([("en", "purchasing", "purchasing")]),
        controllers={"nordlicht": controller},
        templates=Path(__file__).parents[4] / "templates",
        base_url="https://mail.nordlicht.example",
        reply_domain="reply.nordlicht.example",
    )


def draft(
    *, more: str = "", subject: str = "Offer", from_: str = "Nordlicht <eva@nordlicht.example>", **changes: Any
) -> Mail:
    files = (
        TemplateFile("html", "", "l.html.j2", HTML % more),
        TemplateFile("text", "", "l.txt.j2", "Hello {{ given_name }}"),
    )
    message = MessageSpec(from_=from_, subject=subject, templates=files, fields=("given_name",))
    contact = Contact(
        ADDRESS, given_name="Anna", family_name="Keller", language="en", source=Source(SourceMethod.EVENT)
    )
    mail = Mail(
        id=f"{5:032x}",
        envelope=Envelope("b@nordlicht.example", ADDRESS),
        stream=Stream.PROSPECTING,
        controller="nordlicht",
        campaign=Campaign("c", "nordlicht", "an offer", message),
        contact=contact,
        kind=RecipientKind.NAMED,
        identity=Identity(b"", (), (), None, None),
        content=Draft(),
    )
    return replace(mail, **changes)


@pytest.fixture
def finished(own_services: Services) -> Callable[..., Awaitable[Mail]]:
    """Walk a draft through the edits of its stream; `change` works on the letter before it is written."""

    async def walked(mail: Mail, change: Callable[[Letter], Letter] = lambda letter: letter) -> Mail:
        edits: list[Edit] = [Compose(NoOptions(), own_services)]
        if mail.stream.commercial:
            edits += [Notice(NoticeOptions(), own_services), ListUnsubscribe(NoOptions(), own_services)]
        for edit in edits:
            [found] = await edit.edit([mail])
            assert isinstance(found, Mail), found
            mail = found
        assert isinstance(mail.content, Letter)
        [found] = await Write(NoOptions(), own_services).edit([replace(mail, content=change(mail.content))])
        assert isinstance(found, Mail), found
        return found

    return walked


async def judged(services: Services, *mails: Mail) -> list[Reason]:
    [*answers] = await Verify(NoOptions(), services).judge(mails)
    assert len(answers) == len(mails)
    return [reason for answer in answers for reason in answer]


async def codes(services: Services, mail: Mail) -> set[Code | None]:
    found = await judged(services, mail)
    assert all(reason.why and "anna" not in reason.why.lower() for reason in found)
    assert all((reason.verdict is Verdict.SEND) == (reason.code is None) for reason in found)
    return {reason.code for reason in found}


def html(old: str, new: str) -> Callable[[Letter], Letter]:
    return lambda letter: replace(letter, html=(letter.html or "").replace(old, new))


def text(old: str, new: str) -> Callable[[Letter], Letter]:
    return lambda letter: replace(letter, text=letter.text.replace(old, new))


def headers(*drop: str, add: tuple[tuple[str, str], ...] = ()) -> Callable[[Letter], Letter]:
    return lambda letter: replace(letter, headers=tuple(h for h in letter.headers if h[0] not in drop) + add)


@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("stream", list(Stream))
async def test_what_the_edits_make_is_fine(
    noticed: bool, stream: Stream, finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    mail = await finished(draft(stream=stream, history=History(noticed=noticed)))
    [reason] = await judged(own_services, mail)
    assert (reason.verdict, reason.code) == (Verdict.SEND, None)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (headers(add=(("Cc", "x@y.example"),)), Code.MULTI_RECIPIENT),
        (headers(add=(("bcc", "x@y.example"),)), Code.MULTI_RECIPIENT),
        (headers("To", add=(("To", "other@muster-werk.example"),)), Code.MULTI_RECIPIENT),
        (headers("To", add=(("To", f"a, b, c <x@y.example> <{ADDRESS}>"),)), None),
        (headers("To"), Code.HEADER_INVALID),
        (headers("Subject"), Code.HEADER_INVALID),
        (headers(add=(("subject", "again"),)), Code.HEADER_INVALID),
        (headers(add=(("Reply-To", "a@b.example"), ("reply-to", "c@d.example"))), Code.HEADER_INVALID),
        (headers("From", add=(("From", "Eva Berg <eva@nordlicht.example>"),)), Code.HEADER_INVALID),
        (headers("List-Unsubscribe"), Code.UNSUB_BROKEN),
        (headers("List-Unsubscribe-Post"), Code.UNSUB_BROKEN),
        (headers("List-Unsubscribe-Post", add=(("List-Unsubscribe-Post", "x"),)), Code.UNSUB_BROKEN),
        (headers("List-Unsubscribe", add=(("List-Unsubscribe", "<mailto:a@b.example>"),)), Code.UNSUB_BROKEN),
        (headers("List-Unsubscribe", add=(("List-Unsubscribe", f"<{LINK}/u/forged>"),)), Code.UNSUB_BROKEN),
        (headers(add=(("list-unsubscribe", "<https://mail.nordlicht.example/u/x>"),)), Code.UNSUB_BROKEN),
        (lambda letter: replace(letter, text="Hello"), Code.NOTICE_MISSING),
        (text("\n\nYour right to object", " x"), Code.NOTICE_MISSING),
        (lambda letter: replace(letter, html="<p>Hello</p>"), Code.NOTICE_MISSING),
        (html('data-penstock="rights"', ""), Code.NOTICE_MISSING),
        (lambda letter: replace(letter, notice=None), Code.NOTICE_MISSING),
        (html('data-penstock="rights" lang="en"', 'data-penstock="rights" lang="de"'), Code.NOTICE_MISSING),
        (lambda letter: replace(letter, language="de"), Code.NOTICE_MISSING),
        (text("/u/", "/v/"), Code.UNSUB_BROKEN),
        (html("/u/", "/v/"), Code.UNSUB_BROKEN),
        (html("<body>", '<body><div style="display:none">'), Code.UNSUB_BROKEN),
        (html("color:#444444", "color:#fdfdfd"), Code.NOTICE_MISSING),
        (lambda letter: replace(letter, text="{{ x }}" + letter.text), Code.PLACEHOLDER_LEFT),
        (html("Hello", "{% x %}"), Code.PLACEHOLDER_LEFT),
        (headers("Subject", add=(("Subject", "x }} y"),)), Code.PLACEHOLDER_LEFT),
        (html("Hello", '<img src="x" width="1">'), Code.TRACKING_WITHOUT_CONSENT),
    ],
)
async def test_what_is_wrong_with_the_finished_mail_is_found(
    change: Callable[[Letter], Letter],
    code: Code | None,
    finished: Callable[..., Awaitable[Mail]],
    own_services: Services,
) -> None:
    assert code in await codes(own_services, await finished(draft(), change))


async def test_a_pretended_answer_is_deceptive_on_first_contact_only(
    finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    assert await codes(own_services, await finished(draft(subject="Re: offer"))) == {Code.SUBJECT_DECEPTIVE}
    again = draft(subject="Re: offer", history=History(noticed=True))
    assert await codes(own_services, await finished(again)) == {None}


@pytest.mark.parametrize("stream", [Stream.TRANSACTIONAL, Stream.NOTICE])
async def test_other_streams_are_judged_by_headers_and_placeholders_alone(
    stream: Stream, finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    pixel = await finished(draft(stream=stream, subject="Re: yours", more='<img width="1">'))
    assert await codes(own_services, pixel) == {None}
    copied = await finished(draft(stream=stream), headers(add=(("Cc", "x@y.example"),)))
    assert await codes(own_services, copied) == {Code.HEADER_INVALID}
    left = await finished(draft(stream=stream), lambda letter: replace(letter, text="{{ x }}"))
    assert await codes(own_services, left) == {Code.PLACEHOLDER_LEFT}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"\r\nSubject:", b"\nSubject:"),
        lambda data: data + b"\n.\r\nMAIL FROM:<x@y.example>\r\n",
        lambda data: data + b"x" * 999 + b"\r\n",
        lambda data: data.replace(b"Hello", b"x" * 5000),
        lambda data: data + b"\r",
    ],
)
async def test_lines_are_judged_on_the_bytes(
    spoil: Callable[[bytes], bytes], finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    mail = await finished(draft())
    assert isinstance(mail.content, Message)
    spoiled = replace(mail, content=replace(mail.content, data=spoil(mail.content.data)))
    assert Code.HEADER_INVALID in await codes(own_services, spoiled)
    longest = replace(mail, content=replace(mail.content, data=mail.content.data + b"x" * 998 + b"\r\n"))
    assert await codes(own_services, longest) == {None}


async def test_blocks_may_stand_in_any_order_but_each_must_be_marked(
    finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    swapped = html('"identity"', '"x"'), html('"contact"', '"identity"'), html('"x"', '"contact"')

    def change(letter: Letter) -> Letter:
        for step in swapped:
            letter = step(letter)
        return letter

    assert await codes(own_services, await finished(draft(), change)) == {None}
    for block in BLOCKS["first"]:
        lacking = await finished(draft(), html(f'data-penstock="{block}"', f'data-penstock="{block}s"'))
        [missing] = [reason for reason in await judged(own_services, lacking) if "lacks" in reason.why]
        assert missing.why.endswith(f"the blocks {block}")


async def test_an_image_in_some_mails_of_a_template_is_seen_in_those(
    finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    plain, pixel = await finished(draft()), await finished(draft(), html("Hello", '<img src="x" width="1">'))
    found = await judged(own_services, plain, pixel, plain)
    assert [reason.code for reason in found] == [None, Code.TRACKING_WITHOUT_CONSENT, None]


async def test_a_token_of_another_mail_is_broken(
    finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    mail = replace(await finished(draft()), id=f"{6:032x}")
    assert await codes(own_services, mail) == {Code.UNSUB_BROKEN}


async def test_content_that_was_never_written_or_completed_here_does_not_go(own_services: Services) -> None:
    assert await codes(own_services, draft()) == {Code.RENDER_FAILED}
    bare = await codes(own_services, draft(content=Message(b"From: x\r\n\r\n")))
    assert bare >= {Code.HEADER_INVALID, Code.NOTICE_MISSING, Code.UNSUB_BROKEN, Code.MULTI_RECIPIENT}


async def test_everything_wrong_is_said_and_answers_keep_their_order(
    finished: Callable[..., Awaitable[Mail]], own_services: Services
) -> None:
    good = await finished(draft())
    bad = await finished(draft(subject="Re: x", more="<img width=1>"))
    answers = await Verify(NoOptions(), own_services).judge([good, bad, good])
    assert [{reason.code for reason in answer} for answer in answers] == [
        {None},
        {Code.SUBJECT_DECEPTIVE, Code.TRACKING_WITHOUT_CONSENT},
        {None},
    ]


READY = (
    b"Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nFrom: a@sender.example\r\nTo: b@firm.example\r\n"
    b"Subject: Order\r\n\r\nHello\r\n"
)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((b"", b""), {None}),
        ((b"Subject: Order\r\n", b""), {None}),
        ((b"Date:", b"X-Date:"), {Code.HEADER_INVALID}),
        ((b"To: b", b"Bcc: c@firm.example\r\nTo: b"), {Code.HEADER_INVALID}),
        ((b"Subject", b"Subject: other\r\nSubject"), {Code.HEADER_INVALID}),
        ((b"Hello", b"Hello\nthere"), {Code.HEADER_INVALID}),
        ((b"Hello", b"x" * 999), {Code.HEADER_INVALID}),
        ((b"Hello", b"Hello {{ name }}"), {Code.PLACEHOLDER_LEFT}),
        ((b"Order", b"Order {{ number }}"), {Code.PLACEHOLDER_LEFT}),
    ],
)
async def test_a_ready_made_message_is_looked_at_as_a_whole(
    own_services: Services, change: tuple[bytes, bytes], expected: set[Code | None]
) -> None:
    mail = draft(stream=Stream.TRANSACTIONAL, content=Message(READY.replace(*change, 1)))
    assert await codes(own_services, mail) == expected
