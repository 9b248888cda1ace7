from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.campaign import COMMERCIAL, Stream
from penstock.model.codes import Code
from penstock.model.mail import Attachment, Envelope, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock, a_letter
from penstock.testing.esp import Arrived, FakeEsp, Mood
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.postmark import FakePostmark
from penstock.testing.esps.resend import FakeResend
from penstock.testing.esps.sendgrid import FakeSendGrid
from penstock_anymail import adapter
from penstock_anymail.backend import backend_maker
from penstock_anymail.letter import MAIL_ID, letter

INVITATION = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
EVERY_BACKEND = {
    "brevo": {"tracking": "off"},
    "mailersend": {},
    "mailgun": {},
    "mailjet": {},
    "mailtrap": {"tracking": "off"},
    "mandrill": {},
    "postal": {"tracking": "off"},
    "postmark": {},
    "resend": {"tracking": "off"},
    "scaleway": {"tracking": "off", "project_id": "p"},
    "sendgrid": {},
    "sparkpost": {},
    "unisender_go": {},
}


def made(place: str, endpoint: str = "", *, key: str = "test-key", secret: str = "", **options: str) -> HttpAdapter:
    address = AdapterAddress("main", place, FakeClock(), options, lambda: key, lambda: secret, endpoint)
    return adapter(address)


def receipt(address: str = "anna@firm.example", **content: object) -> Mail:
    """A transactional mail."""
    return replace(finished(address, **content), stream=Stream.TRANSACTIONAL)


class Turned(HttpAdapter):
    """The contract's mails are advertising: here they go as transactional ones."""

    def __init__(self, inner: HttpAdapter) -> None:
        self.capabilities = inner.capabilities
        self._inner = inner

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        return await self._inner.deliver([replace(mail, stream=Stream.TRANSACTIONAL) for mail in mails])

    async def aclose(self) -> None:
        await self._inner.aclose()


class TestContractThroughSendGrid(EspContract):
    """What every ESP plugin promises, through anymail's backend for SendGrid."""

    def fake(self) -> FakeEsp:
        return FakeSendGrid()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return Turned(made("sendgrid", f"{fake.url}/v3", key=key))


class TestContractThroughPostmark(EspContract):
    """The same through anymail's backend for Postmark, which reads answers more closely."""

    def fake(self) -> FakeEsp:
        return FakePostmark()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return Turned(made("postmark", fake.url, key=key))


async def outcome(mail: Mail, *moods: Mood, place: str = "sendgrid", **options: str) -> tuple[Outcome, FakeEsp]:
    fake: FakeEsp = FakeResend() if place == "resend" else FakeSendGrid()
    async with fake:
        fake.moods += moods
        way = made(place, fake.url if place == "resend" else f"{fake.url}/v3", **options)
        try:
            (found,) = await way.deliver([mail])
            return found, fake
        finally:
            await way.aclose()


def test_the_scheme_is_found_by_its_entry_point() -> None:
    (point,) = entry_points(group="penstock.adapters", name="anymail")
    assert point.load() is adapter


@pytest.mark.parametrize("stream", sorted(COMMERCIAL))
async def test_advertising_does_not_leave_this_way(stream: Stream) -> None:
    found, fake = await outcome(replace(receipt(), stream=stream))
    assert found == Failed("this way out takes no advertising")
    assert fake.requests == []


@pytest.mark.parametrize("stream", sorted(set(Stream) - COMMERCIAL))
async def test_all_other_mail_leaves(stream: Stream) -> None:
    found, fake = await outcome(replace(receipt(), stream=stream))
    assert isinstance(found, Accepted)
    assert found.via == "main"
    assert len(fake.arrived) == 1


async def test_a_reply_names_the_mail_although_its_id_is_replaced() -> None:
    mail = receipt()
    _, fake = await outcome(mail)
    (arrived,) = fake.arrived
    assert arrived.headers["references"] == f"<{mail.id}.0123456789ab@nordlicht.example>"
    assert "message-id" not in arrived.headers


async def test_a_backend_that_cannot_say_so_is_vouched_for() -> None:
    mail = receipt()
    found, fake = await outcome(mail, place="resend", tracking="off")
    assert isinstance(found, Accepted)
    assert found.receipt
    (arrived,) = fake.arrived
    assert json.loads(arrived.headers["x-metadata"]) == {MAIL_ID: mail.id}


@pytest.mark.parametrize("backend", sorted(name for name, options in EVERY_BACKEND.items() if "tracking" in options))
def test_tracking_that_no_request_can_switch_off_is_refused_at_start(backend: str) -> None:
    options = {name: value for name, value in EVERY_BACKEND[backend].items() if name != "tracking"}
    with pytest.raises(ConfigError, match=r"tracking off.*\?tracking=off"):
        made(backend, "https://esp.example/api", **options)


async def test_an_image_shown_by_the_html_goes_inline() -> None:
    picture = Attachment("logo.png", "image/png", b"\x89PNG", "logo@nordlicht.example")
    found, fake = await outcome(receipt(attachments=(picture,)))
    assert isinstance(found, Accepted), fake.refused
    assert fake.arrived[0].attachments == (("logo.png", b"\x89PNG"),)
    message = letter(receipt(attachments=(picture,)), {})
    assert not isinstance(message, Failed)
    (part,) = message.attachments
    assert (part["Content-ID"], part.get_content_disposition()) == ("<logo@nordlicht.example>", "inline")


@pytest.mark.parametrize(
    ("mail", "why"),
    [
        (replace(receipt(), envelope=Envelope("", "anna@firm.example")), "empty return path"),
        (replace(receipt(), envelope=Envelope("eva@nordlicht.example", "änna@firm.example")), "ASCII"),
        (receipt(headers=(*a_letter().headers, ("X-A", "1"), ("x-a", "2"))), "stands there twice"),
        (receipt(attachments=(Attachment("a.txt", "text/plain", b"\xff"),)), "no words"),
        (replace(receipt(), content=Message(b"Content-Type: multipart/signed; boundary=x\r\n\r\n--x--")), "apart"),
    ],
)
async def test_what_cannot_be_expressed_has_failed_and_nothing_is_offered(mail: Mail, why: str) -> None:
    found, fake = await outcome(mail)
    assert isinstance(found, Failed)
    assert why in found.why
    assert fake.requests == []


async def test_an_address_beyond_ascii_says_which_rule_it_breaks() -> None:
    found, _ = await outcome(replace(receipt(), envelope=Envelope("eva@nordlicht.example", "änna@firm.example")))
    assert isinstance(found, Failed)
    assert (found.status, found.code) == ("5.6.7", Code.SMTPUTF8_UNSUPPORTED)


async def test_what_the_backend_has_no_words_for_fails_alone() -> None:
    found, fake = await outcome(receipt(calendar=INVITATION), place="resend", tracking="off")
    assert found == Failed("the backend has no words for this mail: AnymailUnsupportedFeature")
    assert fake.requests == []


async def test_a_rate_limit_waits_as_long_as_the_esp_asks() -> None:
    found, _ = await outcome(receipt(), Mood.RATE_LIMIT)
    assert isinstance(found, TryLater)
    assert found.after == timedelta(seconds=7)


async def test_nobody_listens_and_nothing_is_used_up() -> None:
    way = made("sendgrid", "http://127.0.0.1:1")
    with pytest.raises(AdapterUnavailable, match="no request left"):
        await way.deliver([receipt()])
    await way.aclose()


async def test_two_adapters_of_one_process_keep_their_settings_apart() -> None:
    async with FakeSendGrid(key="first-key") as one, FakePostmark(key="second-key") as other:
        ways = [made("sendgrid", f"{one.url}/v3", key="first-key"), made("postmark", other.url, key="second-key")]
        for way in ways:
            (found,) = await way.deliver([receipt()])
            assert isinstance(found, Accepted)
            await way.aclose()


class Crowded(FakeSendGrid):
    """Takes nothing until three requests are under way, and counts how many ever were."""

    def __init__(self) -> None:
        super().__init__()
        self.under_way = self.most = 0
        self._full = asyncio.Event()

    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == 3:
            self._full.set()
        await asyncio.wait_for(self._full.wait(), 20)
        taken = await super().take(request)
        self.under_way -= 1
        return taken


async def test_mails_go_side_by_side_on_as_many_connections_as_are_allowed() -> None:
    async with Crowded() as fake:
        way = made("sendgrid", f"{fake.url}/v3", connections="3")
        found = await way.deliver([receipt(f"p{number}@firm.example") for number in range(9)])
        await way.aclose()
    assert len({each.receipt for each in found if isinstance(each, Accepted)}) == 9
    assert fake.most == 3


@pytest.mark.parametrize("backend", sorted(EVERY_BACKEND))
def test_every_backend_of_anymail_can_be_named(backend: str) -> None:
    secret = "secret-key" if backend == "mailjet" else ""
    assert made(backend, "https://esp.example/api", secret=secret, **EVERY_BACKEND[backend]).name == "main"


def test_a_class_of_somebody_else_is_named_by_its_path() -> None:
    assert made("anymail.backends.sparkpost.EmailBackend").name == "main"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: made(""), "no backend of django-anymail is named"),
        (lambda: made("sparkpst"), r"there is no such backend.*sparkpost"),
        (lambda: made("anymail.backends.sparkpost.Nobody"), "there is no such backend"),
        (lambda: made("json.JSONDecoder"), "no backend of django-anymail that sends"),
        (lambda: made("test"), "no backend of django-anymail is named"),
        (lambda: made("anymail.backends.test.EmailBackend"), "no backend of django-anymail that sends"),
        (lambda: made("amazon_ses"), "repeats requests"),
        (lambda: made("sparkpost", key=""), "no api_key is set"),
        (lambda: made("sparkpost", key="a b"), "characters that no key has"),
        (lambda: made("sparkpost", secret="s"), "takes no password"),
        (lambda: made("mailjet"), "the secret key"),
        (lambda: made("sparkpost", sub_account="7"), "sub_account: the backend knows no such option"),
        (lambda: made("sparkpost", api_token="x"), "api_token: cannot stand in an address"),
        (lambda: made("sparkpost", debug_api_requests="yes"), "cannot stand in an address"),
        (lambda: made("sparkpost", tracking="on"), "tracking: expected"),
        (lambda: made("sparkpost", connections="0"), "connections: 1 to 32"),
        (lambda: made("scaleway", tracking="off"), "needs a setting: scaleway_project_id"),
        (lambda: made("postal"), "needs a setting: postal_api_url"),
        (lambda: made("sparkpost", "http://esp.example"), "keys in the clear"),
    ],
)
def test_an_address_that_cannot_work_is_refused_at_start(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as raised:
        make()
    assert "test-key" not in str(raised.value)


def test_an_option_of_the_backend_reaches_it() -> None:
    backend = backend_maker(AdapterAddress("main", "sparkpost", FakeClock(), {"subaccount": "7"}, lambda: "k"))()
    assert (backend.subaccount, backend.api_key, backend.timeout) == ("7", "k", (10.0, 60.0))
