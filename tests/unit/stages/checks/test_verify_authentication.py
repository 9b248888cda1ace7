"""AUTH_MISSING: advertising for which nobody of From's organisation answers is blocked."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.mail import Mail, Message
from penstock.model.verdict import Reason, Verdict
from penstock.ports import Capabilities, NoOptions, NoSenders, SenderDomain, Services
from penstock.stages.checks.verify import Verify
from penstock.testing import a_campaign, a_letter, a_mail, some_services


class BouncesTo(NoSenders):
    """One sender whose bounces go to that domain. `asked` counts how often From was looked up."""

    def __init__(self, return_path: str) -> None:
        self._return_path = return_path
        self.asked = 0

    def of(self, domain: str, /) -> SenderDomain | None:
        self.asked += 1
        return SenderDomain("nordlicht.example", self._return_path) if domain == "nordlicht.example" else None


def services(return_path: str, **parts: Any) -> Services:
    return some_services(senders=BouncesTo(return_path), **parts)


def finished(stream: Stream = Stream.PROSPECTING) -> Mail:
    letter = a_letter()
    data = "".join(f"{name}: {value}\r\n" for name, value in letter.headers) + "\r\nHello\r\n"
    return a_mail(None, a_campaign(stream=stream), content=Message(data.encode(), letter))


async def found(known: Services, *mails: Mail) -> list[list[Reason]]:
    judged = await Verify(NoOptions(), known).judge(mails)
    return [[reason for reason in reasons if reason.code is Code.AUTH_MISSING] for reasons in judged]


async def test_advertising_under_a_strange_return_path_is_blocked() -> None:
    ((reason,),) = await found(services("bounce.other.example"), finished())
    assert (reason.verdict, reason.facts.fields) == (Verdict.BLOCK, ("From",))
    assert "bounce.other.example" in reason.why
    assert reason.rule
    assert await found(services("nordlicht.example"), finished()) == [[]]
    assert await found(some_services(), finished()) == [[]]


async def test_it_depends_on_the_way_out_of_the_stream() -> None:
    """A way out that writes a MAIL FROM of its own does not take this one."""
    ways = {"main": Capabilities(), "own": Capabilities(envelope_sender=False)}
    known = services("bounce.other.example", capabilities=ways, routes={"default": "main", "newsletter": "own"})
    prospecting, newsletter = await found(known, finished(), finished(Stream.NEWSLETTER))
    assert prospecting
    assert not newsletter


@pytest.mark.parametrize("stream", [Stream.TRANSACTIONAL, Stream.NOTICE])
async def test_other_mail_is_not_asked(stream: Stream) -> None:
    assert await found(services("bounce.other.example"), finished(stream)) == [[]]


async def test_a_from_is_looked_up_once() -> None:
    senders = BouncesTo("bounce.other.example")
    judged = await found(some_services(senders=senders), *[finished()] * 50)
    assert all(judged)
    assert senders.asked == 1
