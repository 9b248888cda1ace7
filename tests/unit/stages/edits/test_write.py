"""Letter → bytes."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

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


async def test_bytes_pass_unchanged_and_a_draft_cannot_be_written(mail: MailOf, services: Services) -> None:
    done = mail(content=Message(b"From: x\r\n\r\n"))
    found = await Write(NoOptions(), services).edit([done, mail(content=Draft())])
    assert found[0] is done
    assert isinstance(found[1], Reason)


async def test_a_date_does_not_depend_on_the_locale_or_on_the_batch(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    batch = [await composed(mail(number)) for number in range(1, 6)]
    together = await Write(NoOptions(), services).edit(batch)
    for draft, one in zip(batch, together, strict=True):
        assert isinstance(one, Mail)
        assert one.content == await written(services, draft)
