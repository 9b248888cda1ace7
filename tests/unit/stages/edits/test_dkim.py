"""The stage that signs: whom, by what, when, and nothing else."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from tests.unit.compose.dkim_judges import dkimpy_accepts, record_of

from penstock.compose.dkim import DkimKey, DkimSigner
from penstock.errors import ConfigError
from penstock.model.campaign import Stream
from penstock.model.mail import Mail, Message
from penstock.ports import Capabilities, NoOptions, SenderDomain, Services, Signer
from penstock.stages.edits.dkim import Dkim
from penstock.testing import FakeClock, a_letter, some_services

MailOf = Callable[..., Mail]
NOW = datetime.now(UTC)
DATA = b"From: Eva <eva@nordlicht.example>\r\nTo: a@b.example\r\nSubject: x\r\n\r\nHello\r\n"


class KnownSenders:
    """Signers by From domain and the first moment they sign."""

    def __init__(self, *signers: tuple[str, datetime, Signer], loads: Exception | None = None) -> None:
        self._signers = signers
        self._loads = loads

    def load(self) -> None:
        if self._loads is not None:
            raise self._loads

    def any(self) -> bool:
        return True

    def of(self, domain: str, /) -> SenderDomain | None:
        return SenderDomain(domain)

    def signer(self, domain: str, at: datetime, /) -> Signer | None:
        due = [(since, signer) for name, since, signer in self._signers if name == domain and since <= at]
        return max(due, key=lambda each: each[0])[1] if due else None

    def same_organisation(self, one: str, other: str, /) -> bool:
        return one == other


class Stamp:
    """Signs with a line that says what it was asked for."""

    def __init__(self, domain: str = "nordlicht.example", meet: threading.Barrier | None = None) -> None:
        self.domain = domain
        self.threads: set[int] = set()
        self._meet = meet

    def signature(self, data: bytes, at: datetime, headers: frozenset[str] | None = None, /) -> bytes:
        if self._meet is not None and threading.get_ident() not in self.threads:
            self.threads.add(threading.get_ident())
            self._meet.wait(timeout=20)
        self.threads.add(threading.get_ident())
        return f"DKIM-Signature: d={self.domain}; t={at.isoformat()}; h={sorted(headers or [])}\r\n".encode()


def services(*signers: tuple[str, datetime, Signer], **parts: Any) -> Services:
    return some_services(clock=FakeClock(NOW), senders=KnownSenders(*signers), **parts)


async def signed(known: Services, *mails: Mail) -> Sequence[bytes]:
    answers = await Dkim(NoOptions(), known).edit(mails)
    found = []
    for mail, answer in zip(mails, answers, strict=True):
        assert isinstance(answer, Mail)
        assert isinstance(answer.content, Message)
        assert answer == mail.with_content(answer.content)
        assert isinstance(mail.content, Message)
        assert answer.content.letter is mail.content.letter
        found.append(answer.content.data)
    return found


@pytest.fixture(scope="module")
def rsa() -> RSAPrivateKey:
    return generate_private_key(65537, 2048)


async def test_it_puts_a_good_signature_before_the_message_and_changes_nothing_else(
    mail: MailOf, rsa: RSAPrivateKey
) -> None:
    signer = DkimSigner("nordlicht.example", [DkimKey("s1", rsa)])
    known = services(("nordlicht.example", NOW - timedelta(days=1), signer))
    mails = [mail(number, content=Message(DATA.replace(b"Hello", b"Hello %d" % number))) for number in range(1, 40)]
    records = {"s1._domainkey.nordlicht.example": record_of(rsa)}
    for one, data in zip(mails, await signed(known, *mails), strict=True):
        assert isinstance(one.content, Message)
        assert data.endswith(b"\r\n" + one.content.data)
        assert data.startswith(b"DKIM-Signature: ")
        assert dkimpy_accepts(data, records)


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        (b"eva@nordlicht.example", "nordlicht.example"),
        (b'"a, b@c.example" <Eva@NORDLICHT.example>', "nordlicht.example"),
        (b"=?utf-8?q?=C3=85sa?=\r\n <eva@nordlicht.example>", "nordlicht.example"),
        ("Åsa <eva@bücher.example>".encode(), "xn--bcher-kva.example"),
        (b"nobody at all", ""),
        (b"eva@other.example", "other.example"),
    ],
)
async def test_the_domain_in_from_says_who_signs_a_ready_made_message(mail: MailOf, sender: bytes, domain: str) -> None:
    data = b"From: " + sender + b"\r\nSubject: x\r\n\r\nHello\r\n"
    known = services(("nordlicht.example", NOW, Stamp("nordlicht.example")), ("xn--bcher-kva.example", NOW, Stamp("b")))
    (found,) = await signed(known, mail(content=Message(data)))
    stamp = {"nordlicht.example": b"d=nordlicht.example", "xn--bcher-kva.example": b"d=b;"}.get(domain)
    assert found == data if stamp is None else stamp in found


@pytest.mark.parametrize("stream", Stream)
async def test_mail_of_every_stream_is_signed(mail: MailOf, stream: Stream) -> None:
    known = services(("nordlicht.example", NOW, Stamp()))
    (found,) = await signed(known, mail(stream=stream, content=Message(DATA)))
    assert found != DATA


@pytest.mark.parametrize("profile", ["esp", "off"])
async def test_nothing_is_signed_where_the_way_out_signs_or_nobody_may(mail: MailOf, profile: Any) -> None:
    ways = {"main": Capabilities(), "other": Capabilities(dkim=profile)}
    known = services(
        ("nordlicht.example", NOW, Stamp()),
        capabilities=ways,
        routes={"default": "main", "transactional": "other"},
    )
    ours, theirs = await signed(
        known, mail(1, content=Message(DATA)), mail(2, stream=Stream.TRANSACTIONAL, content=Message(DATA))
    )
    assert ours != DATA
    assert theirs == DATA


async def test_only_headers_that_the_way_out_leaves_alone_are_offered_for_signing(mail: MailOf) -> None:
    ways = {"main": Capabilities(dkim_headers=frozenset({"from", "subject"}))}
    known = services(("nordlicht.example", NOW, Stamp()), capabilities=ways)
    (found,) = await signed(known, mail(content=Message(DATA)))
    assert b"h=['from', 'subject']" in found


async def test_a_repeat_is_signed_as_the_first_time_even_where_keys_changed_since(mail: MailOf) -> None:
    begun = NOW - timedelta(days=3)
    old, new = Stamp("old"), Stamp("new")
    known = services(("nordlicht.example", begun, old), ("nordlicht.example", NOW - timedelta(days=1), new))
    again, first = await signed(
        known, mail(1, content=Message(DATA), begun_at=begun), mail(2, content=Message(DATA), begun_at=NOW)
    )
    assert f"d=old; t={begun.isoformat()}".encode() in again
    assert f"d=new; t={NOW.isoformat()}".encode() in first


async def test_a_key_newer_than_the_mail_signs_where_there_is_no_other(mail: MailOf) -> None:
    begun = NOW - timedelta(days=3)
    known = services(("nordlicht.example", NOW - timedelta(days=1), Stamp("new")))
    (found,) = await signed(known, mail(content=Message(DATA), begun_at=begun))
    assert f"d=new; t={begun.isoformat()}".encode() in found


async def test_a_mail_composed_here_keeps_its_letter_and_is_signed_for_the_from_of_it(mail: MailOf) -> None:
    known = services(("nordlicht.example", NOW, Stamp()))
    (found,) = await signed(known, mail(content=Message(DATA, a_letter())))
    assert found.startswith(b"DKIM-Signature: d=nordlicht.example")


async def test_the_time_is_the_present_where_nothing_has_begun(mail: MailOf) -> None:
    (found,) = await signed(services(("nordlicht.example", NOW, Stamp())), mail(content=Message(DATA)))
    assert f"t={NOW.isoformat()}".encode() in found


async def test_a_letter_that_was_not_written_and_a_house_without_senders_pass(mail: MailOf) -> None:
    draft = mail()
    assert list(await Dkim(NoOptions(), services(("nordlicht.example", NOW, Stamp()))).edit([draft])) == [draft]
    done = mail(content=Message(DATA))
    assert list(await Dkim(NoOptions(), some_services()).edit([done])) == [done]


async def test_threads_sign_side_by_side_and_the_loop_stays_free(mail: MailOf) -> None:
    """Each of them waits for the other, in a thread of its own."""
    number = min(2, len(os.sched_getaffinity(0)))
    stamp = Stamp(meet=threading.Barrier(number))
    known = services(("nordlicht.example", NOW, stamp))
    await signed(known, *(mail(each, content=Message(DATA)) for each in range(1, 17)))
    assert len(stamp.threads) == number
    assert threading.get_ident() not in stamp.threads


def test_a_key_that_cannot_be_used_stops_the_start() -> None:
    senders = KnownSenders(loads=ConfigError("no key"))
    with pytest.raises(ConfigError, match="no key"):
        Dkim(NoOptions(), replace(some_services(), senders=senders))
