"""The headers by which a mail program unsubscribes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from penstock.model.codes import Code
from penstock.model.mail import Letter, Mail
from penstock.model.verdict import Reason, Verdict
from penstock.ports import NoOptions, Services
from penstock.stages.edits.list_unsubscribe import ListUnsubscribe
from penstock.testing import FakeClock

MailOf = Callable[..., Mail]
Composed = Callable[[Mail], Awaitable[Mail]]


class Pages:
    """The public pages; `calls` counts who asked."""

    def __init__(self, *faults: str) -> None:
        self._faults = faults
        self.calls = 0

    async def fault(self) -> str:
        self.calls += 1
        return self._faults[min(self.calls, len(self._faults)) - 1]


async def headed(services: Services, mail: Mail) -> Letter:
    [found] = await ListUnsubscribe(NoOptions(), services).edit([mail])
    assert isinstance(found, Mail), found
    assert isinstance(found.content, Letter)
    return found.content


async def test_one_https_link_and_one_mailto_with_tokens_of_their_own(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    letter = await headed(services, await composed(mail(9)))
    value = letter.header("List-Unsubscribe") or ""
    match = re.fullmatch(
        r"<https://mail\.nordlicht\.example/u/(\S+)>, "
        r"<mailto:unsub\+(\S+)@reply\.nordlicht\.example\?subject=unsubscribe>",
        value,
    )
    assert match
    assert services.tokens.read(match[1]) == ("header", f"{9:032x}")
    assert services.tokens.read(match[2]) == ("mailto", f"{9:032x}")
    assert len(f"unsub+{match[2]}") <= 64
    assert letter.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"


async def test_no_mailto_is_offered_where_nobody_reads_it(mail: MailOf, composed: Composed, services: Services) -> None:
    letter = await headed(replace(services, reply_domain=""), await composed(mail()))
    assert "mailto" not in (letter.header("List-Unsubscribe") or "")


async def test_list_and_feedback_ids_are_stable_and_say_nothing_of_the_recipient(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    one, other = [await headed(services, await composed(mail(number))) for number in (1, 2)]
    for name in ("List-Id", "Feedback-ID"):
        assert one.header(name) == other.header(name)
    assert one.header("List-Id") == "purchasing software <purchasing-2026.list.nordlicht.example>"
    fields = (one.header("Feedback-ID") or "").split(":")
    assert len(fields) == 4
    assert re.fullmatch(r"[a-z0-9]{5,15}", fields[3])
    assert "purchasing" not in fields[0]


@pytest.mark.parametrize("name", ["A.B_c", "x" * 64, "..", "Grüße"])
async def test_any_campaign_id_makes_a_dot_atom(
    name: str, mail: MailOf, composed: Composed, services: Services
) -> None:
    letter = await headed(services, await composed(mail(id=name, product="words " * 30)))
    match = re.fullmatch(r"(.{1,60}) <([a-z0-9-]+(?:\.[a-z0-9-]+)+)>", letter.header("List-Id") or "")
    assert match
    assert len(match[2]) <= 255


@pytest.mark.parametrize("url", ["", "http://mail.nordlicht.example"])
async def test_without_an_https_address_the_mail_is_blocked(
    url: str, mail: MailOf, composed: Composed, services: Services
) -> None:
    [reason] = await ListUnsubscribe(NoOptions(), replace(services, base_url=url)).edit([await composed(mail())])
    assert isinstance(reason, Reason)
    assert (reason.verdict, reason.code) == (Verdict.BLOCK, Code.UNSUB_BROKEN)
    assert "web.base_url" in reason.why


async def test_while_nobody_could_opt_out_advertising_is_held(
    mail: MailOf, composed: Composed, services: Services
) -> None:
    clock, pages = FakeClock(), Pages("GET answers 502", "GET answers 502", "")
    stage = ListUnsubscribe(NoOptions(), replace(services, public_pages=pages, clock=clock))
    mails = [await composed(mail(number)) for number in (1, 2)]
    for passed, calls in ((0, 1), (29, 1), (1, 2)):
        clock.advance(timedelta(seconds=passed))
        for reason in await stage.edit(mails):
            assert isinstance(reason, Reason)
            assert (reason.verdict, reason.code) == (Verdict.HOLD, Code.UNSUB_BROKEN)
            assert "GET answers 502" in reason.why
        assert pages.calls == calls
    clock.advance(timedelta(seconds=30))
    assert all(isinstance(each, Mail) for each in await stage.edit(mails)), "they work again"
