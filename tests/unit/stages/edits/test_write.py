"""Letter → bytes."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.mail import Draft, Letter, Mail, Message
from penstock.model.verdict import Reason, Verdict
from penstock.ports import NoOptions, Services
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.stages.edits.write import Write

MailOf = Callable[..., Mail]
Composed = Callable[[Mail], Awaitable[Mail]]


async def written(services: Services, mail: Mail) -> Message:
    [found] = await Write(NoOptions(), services).edit([mail])
    assert isinstance(found, Mail), found
    assert isinstance(found.content, Message)
    return found.content


async def test_headers_leave_in_their_order(mail: MailOf, composed: Composed, services: Services) -> None:
    [draft] = await ListUnsubscribe(NoOptions(), services).edit([await composed(mail())])
    assert isinstance(draft, Mail)
    message = email.message_from_bytes((await written(services, draft)).data, policy=email.policy.default)
    assert message.keys() == [
        "Date", "From", "To", "Subject", "Message-ID", "Reply-To", "List-Unsubscribe", "List-Unsubscribe-Post",
        "List-Id", "Feedback-ID", "MIME-Version", "Content-Type",
    ]  # fmt: skip
    assert message["Date"] == "Fri, 20 Nov 2026 08:00:00 +0000"
    assert message["Message-ID"].startswith(f"<{1:032x}.")
    assert message["Message-ID"].endswith("@nordlicht.example>")


async def test_a_repeat_is_the_identical_payload_and_another_begin_is_not(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    draft = await composed(mail())
    begun = datetime(2026, 11, 19, 23, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    one = await written(services, replace(draft, begun_at=begun))
    other = await written(services, replace(draft, begun_at=begun.astimezone(UTC)))
    assert one.data == other.data
    assert b"Date: Thu, 19 Nov 2026 21:30:05 +0000\r\n" in one.data
    assert (await written(services, draft)).data != one.data


async def test_the_message_keeps_its_letter_with_all_headers(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    message = await written(services, await composed(mail()))
    assert message.letter is not None
    assert message.letter.header("date") == "Fri, 20 Nov 2026 08:00:00 +0000"
    assert message.letter.header("MIME-Version") == "1.0"


@pytest.mark.parametrize(
    ("headers", "text", "code"),
    [
        ((("From", "a@b.example"), ("Subject", "a\r\nBcc: x@y.example")), "t", Code.HEADER_INVALID),
        ((("From", "a@b.example"), ("Content-Type", "text/html")), "t", Code.HEADER_INVALID),
        ((("From", "a@b.example"),), "half \ud800", Code.RENDER_FAILED),
    ],
)
async def test_what_cannot_be_written_blocks_and_is_not_quoted(
    headers: tuple[tuple[str, str], ...], text: str, code: Code, mail: MailOf, services: Services
) -> None:
    letter = Letter(headers, text, None, "en", "t1")
    [reason] = await Write(NoOptions(), services).edit([mail(content=letter)])
    assert isinstance(reason, Reason)
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, code)
    assert "y.example" not in reason.why


async def test_what_is_written_passes_unchanged_and_a_draft_cannot_be_written(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    [done] = await Write(NoOptions(), services).edit([await composed(mail(1))])
    assert isinstance(done, Mail)
    found = await Write(NoOptions(), services).edit([done, mail(content=Draft())])
    assert found[0] is done
    assert isinstance(found[1], Reason)


async def test_a_relayed_message_gets_what_it_lacks_and_keeps_the_rest(mail: MailOf, services: Services) -> None:
    signed = b"DKIM-Signature: v=1; h=from; b=x\r\n"
    data = (
        signed + b"From: Eva <eva@nordlicht.example>\r\nTo: x@y.example, z@y.example\r\nBCC: z@y.example\r\n"
        b"X-Penstock-Stream: transactional\r\nX-PENSTOCK-Odd: 1\r\nReturn-Path: <a@b.example>\r\n\r\nbody\r\n.\r\n"
    )
    draft = mail(content=Message(data), stream=Stream.TRANSACTIONAL)
    [found], [again] = [await Write(NoOptions(), services).edit([draft]) for _ in range(2)]
    assert isinstance(found, Mail)
    assert found == again
    assert isinstance(found.content, Message)
    head, _, body = found.content.data.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert names == [b"Received", b"Date", b"Message-ID", b"DKIM-Signature", b"From", b"To"]
    assert b"x@y.example, z@y.example" in head
    assert body == b"body\r\n.\r\n"
    assert draft.envelope.recipient.encode() not in head  # the trace tells nothing of anybody


async def test_relayed_advertising_names_its_one_recipient(mail: MailOf, services: Services) -> None:
    data = (
        b"Date: today\r\nMessage-ID: <own@shop.example>\r\nFrom: eva@nordlicht.example\r\n"
        b"To: a@b.example,\r\n c@d.example\r\nCc: e@f.example\r\n\r\nbody\r\n"
    )
    draft = mail(content=Message(data))
    [found] = await Write(NoOptions(), services).edit([draft])
    assert isinstance(found, Mail)
    assert isinstance(found.content, Message)
    assert f"\r\nTo: {draft.envelope.recipient}\r\n".encode() in found.content.data
    assert b"Cc:" not in found.content.data
    assert found.content.data.count(b"Message-ID:") == found.content.data.count(b"Date:") == 1


async def test_a_relayed_message_without_a_sound_head_is_blocked(mail: MailOf, services: Services) -> None:
    [found] = await Write(NoOptions(), services).edit([mail(content=Message(b"no head at all"))])
    assert isinstance(found, Reason)
    assert (found.verdict, found.code) == (Verdict.BLOCK, Code.HEADER_INVALID)


async def test_a_date_does_not_depend_on_the_locale_or_on_the_batch(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    batch = [await composed(mail(number)) for number in range(1, 6)]
    together = await Write(NoOptions(), services).edit(batch)
    for draft, one in zip(batch, together, strict=True):
        assert isinstance(one, Mail)
        assert one.content == await written(services, draft)
