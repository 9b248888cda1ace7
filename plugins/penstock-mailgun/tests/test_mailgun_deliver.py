from __future__ import annotations

import email
import email.policy
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.http import Exchange, HttpAdapter, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.campaign import Stream
from penstock.model.codes import Code
from penstock.model.mail import Envelope, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock, a_letter, a_mail
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.mailgun import FakeMailgun
from penstock.testing.scripted_http import scripted_http
from penstock_mailgun import Mailgun, adapter
from penstock_mailgun.deliver import MAIL_ID, Options

SAMPLES = Path(__file__).parent / "samples"
DESCRIPTION = json.loads((Path(__file__).parents[3] / "tests/esp/mailgun/description.json").read_text("utf-8"))
OPTIONS = Options("mg.nordlicht.example")
RECIPIENT = "anna@firm.example"


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def an_address(place: str = "mg.nordlicht.example", key: str = "test-key", **fields: Any) -> AdapterAddress:
    return AdapterAddress("main", place, FakeClock(), api_key=lambda: key, **fields)


def request_for(mail: Mail, options: Options = OPTIONS) -> HttpRequest:
    request = Mailgun(options, "test-key").request([mail])
    assert isinstance(request, HttpRequest)
    return request


def form_of(request: HttpRequest) -> dict[str, bytes]:
    """The fields of the request as a foreign parser reads them."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.compat32)
    parts = message.get_payload()
    assert isinstance(parts, list)
    form: dict[str, bytes] = {}
    for part in parts:
        name = str(part.get_param("name", header="Content-Disposition"))  # type: ignore[union-attr]
        assert name not in form
        form[name] = b"" if name == "message" else part.get_payload(decode=True)  # type: ignore[union-attr,assignment]
    return form


def answered(body: bytes, status: int = 200) -> Outcome:
    (outcome,) = Mailgun(OPTIONS, "k").outcomes([finished(RECIPIENT)], HttpResponse(status, {}, body))
    return outcome


class TestContract(EspContract):
    """The promises of every ESP plugin; inherited."""

    def fake(self) -> FakeEsp:
        return FakeMailgun()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return adapter(an_address(key=key, endpoint=fake.url))


@dataclass
class Door:
    """A server of this test's own, which answers what it is told and keeps what it got."""

    answers: list[web.Response] = field(default_factory=list)
    tracking: list[web.Response] = field(default_factory=list)
    got: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.got.append((request.method, request.path, request.headers))
        if request.method == "GET":
            return self.tracking.pop(0) if self.tracking else of("tracking_off")
        form = await request.post()
        file = form["message"]
        assert isinstance(file, web.FileField)
        self.messages.append(file.file.read())
        return self.answers.pop(0) if self.answers else of("queued")


def of(name: str, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(body=sample(name), status=status, content_type="application/json", headers=headers)


@asynccontextmanager
async def a_door() -> AsyncIterator[Door]:
    door = Door()
    async with scripted_http(door.answer) as door.url:
        yield door


async def delivered(door: Door, *mails: Mail, **options: str) -> list[Outcome]:
    way = adapter(an_address(endpoint=door.url, options=options))
    try:
        return [*await way.deliver(mails or (finished(RECIPIENT),))]
    finally:
        await way.aclose()


async def test_our_bytes_arrive_as_they_are() -> None:
    mail = finished(RECIPIENT, text="Grüße\r\n--=_x\r\n")
    assert isinstance(mail.content, Message)
    async with a_door() as door:
        assert await delivered(door, mail) == [Accepted("20261122090000.1.6F8A52B1C7D3E940", via="main")]
        assert door.messages == [mail.content.data]
        (_, read, _), (method, path, headers) = door.got
    assert (read, method, path) == (
        "/v3/domains/mg.nordlicht.example/tracking",
        "POST",
        "/v3/mg.nordlicht.example/messages.mime",
    )
    assert headers["Authorization"] == "Basic " + b64encode(b"api:test-key").decode()


def test_a_request_says_what_mailgun_must_know_and_switches_tracking_off() -> None:
    mail = finished(RECIPIENT)
    assert form_of(request_for(mail)) == {
        "to": RECIPIENT.encode(),
        "o:tracking": b"no",
        "o:tracking-clicks": b"no",
        "o:tracking-opens": b"no",
        "o:dkim": b"yes",
        "o:tag": b"prospecting",
        "o:suppress-headers": b"X-Mailgun-Variables,X-Mailgun-Tag",
        f"v:{MAIL_ID}": mail.id.encode(),
        "message": b"",
    }


@pytest.mark.parametrize("options", [OPTIONS, Options("a.example", testmode=True, dkim="ours", tag="winter")])
def test_a_request_is_what_the_description_describes(options: Options) -> None:
    described = DESCRIPTION["operations"]["POST /v3/{domain_name}/messages.mime"]["request"]["multipart/form-data"]
    form = form_of(request_for(finished(RECIPIENT), options))
    assert set(described["required"]) <= set(form)
    for name, value in form.items():
        schema = described["properties"].get(name, {} if name.startswith("v:") else None)
        assert schema is not None, name
        assert value.decode() in schema.get("enum", [value.decode()])


def test_options_reach_the_request() -> None:
    form = form_of(request_for(finished(RECIPIENT), Options("a.example", testmode=True, dkim="ours", tag="winter")))
    assert (form["o:testmode"], form["o:dkim"], form["o:tag"]) == (b"yes", b"no", b"winter")


def test_the_tag_is_the_stream() -> None:
    mail = replace(finished(RECIPIENT), stream=Stream.TRANSACTIONAL)
    assert form_of(request_for(mail))["o:tag"] == b"transactional"


def test_a_repeat_is_the_identical_request() -> None:
    assert request_for(finished(RECIPIENT)) == request_for(finished(RECIPIENT))


@given(st.binary(max_size=200))
def test_no_message_can_end_its_own_part(data: bytes) -> None:
    mail = finished(RECIPIENT)
    hostile = b"Subject: x\r\n\r\n" + data + f"\r\n--penstock-{mail.id}--\r\n".encode() + data
    request = request_for(mail.with_content(Message(hostile)))
    boundary = request.headers["Content-Type"].partition('"')[2].rstrip('"')
    assert boundary.encode() not in hostile
    assert request.body.count(f"--{boundary}\r\n".encode()) == 9
    assert request.body.endswith(hostile + f"\r\n--{boundary}--\r\n".encode())


@pytest.mark.parametrize(
    ("recipient", "status"),
    [
        ("büro@firm.example", "5.6.7"),
        ('"a,b"@firm.example', "5.1.3"),
        ("a,b@firm.example", "5.1.3"),
        ("a<b@firm.example>", "5.1.3"),
        ("anna @firm.example", "5.1.3"),
        ("anna@firm.example\r\nX: y", "5.1.3"),
    ],
)
def test_an_address_that_could_be_read_as_a_list_is_not_sent(recipient: str, status: str) -> None:
    mail = replace(finished(RECIPIENT), envelope=Envelope("eva.berg@nordlicht.example", recipient))
    failed = Mailgun(OPTIONS, "k").request([mail])
    assert isinstance(failed, Failed)
    assert failed.status == status
    assert "firm" not in failed.why


@pytest.mark.parametrize(
    "head",
    [
        b"X-Mailgun-Track: yes\r\nSubject: a\r\n\r\nb",
        b"Subject: a\r\nx-mailgun-drop-message: yes\r\n\r\nb",
        b"Subject: a\nX-MAILGUN-Tag: t\r\n\r\nb",
        b"Subject: a\r\nX-Mailgun-Variables: {}",
    ],
)
def test_a_message_that_would_command_mailgun_is_not_sent(head: bytes) -> None:
    failed = Mailgun(OPTIONS, "k").request([finished(RECIPIENT).with_content(Message(head))])
    assert isinstance(failed, Failed)
    assert failed.status == "5.6.0"


def test_the_body_may_speak_of_mailgun() -> None:
    request = request_for(finished(RECIPIENT).with_content(Message(b"Subject: a\r\n\r\nX-Mailgun-Tag: t\r\n")))
    assert b"\r\n\r\nX-Mailgun-Tag: t\r\n" in request.body


def test_what_is_no_finished_message_fails() -> None:
    for mail in (a_mail(), a_mail(content=a_letter())):
        assert isinstance(Mailgun(OPTIONS, "k").request([mail]), Failed)


def test_25_mebibytes_are_the_limit() -> None:
    head = b"Subject: a\r\n\r\n"
    fits = finished(RECIPIENT).with_content(Message(head + b"x" * ((25 << 20) - len(head))))
    request_for(fits)
    assert isinstance(fits.content, Message)
    failed = Mailgun(OPTIONS, "k").request([fits.with_content(Message(fits.content.data + b"x"))])
    assert failed == Failed("larger than the 25 MiB that Mailgun takes", "5.3.4")


def test_the_receipt_holds_no_at_sign() -> None:
    assert answered(sample("queued")) == Accepted("20261122090000.1.6F8A52B1C7D3E940")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b'{"id": "<1@mg.nordlicht.example>", "mess',
        b"[]",
        b'"Queued"',
        b'{"message": "Queued. Thank you."}',
        b'{"id": "", "message": "Queued. Thank you."}',
        b'{"id": 7, "message": "Queued. Thank you."}',
        b'{"id": "<1@mg.nordlicht.example>", "message": "Something else"}',
        b'{"id": "<1@mg.nordlicht.example>"}',
        b"\xff\xfe",
    ],
)
def test_a_200_that_cannot_be_understood_is_in_doubt(body: bytes) -> None:
    assert isinstance(answered(body), Uncertain)


@given(st.binary(max_size=300), st.sampled_from([200, 202, 400, 404, 413, 422]))
def test_no_answer_makes_the_plugin_fall(body: bytes, status: int) -> None:
    response = HttpResponse(status, {}, body)
    mailgun = Mailgun(OPTIONS, "k")
    mailgun.refusal(response)
    assert isinstance(answered(body, status), Accepted | Uncertain if status < 300 else Failed)


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        (
            "refused_recipient",
            400,
            Failed("HTTP 400: the recipient is not a valid address", "5.1.3", Code.INVALID_ADDRESS),
        ),
        ("refused_options", 400, Failed("HTTP 400: the message is refused")),
        ("no_domain", 413, Failed("HTTP 413: too large", "5.3.4")),
        ("forbidden", 422, Failed("HTTP 422: the message is refused")),
    ],
)
async def test_a_fault_of_the_mail_fails_the_mail(name: str, status: int, expected: Failed) -> None:
    async with a_door() as door:
        door.answers = [of(name, status)]
        first, second = await delivered(door, finished(RECIPIENT), finished("bo@firm.example"))
    assert {type(first), type(second)} == {Failed, Accepted}
    assert expected in {first, second}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("refused_unverified", 400),
        ("refused_sandbox", 403),
        ("refused_unverified", 403),
        ("forbidden", 401),
        ("no_domain", 404),
        ("no_domain", 402),
    ],
)
async def test_a_fault_of_the_account_burns_no_mail(name: str, status: int) -> None:
    async with a_door() as door:
        door.answers = [of(name, status)]
        with pytest.raises(AdapterUnavailable) as fault:
            await delivered(door)
    assert "@" not in str(fault.value)


async def test_the_welcome_of_a_wrong_address_is_a_fault_of_the_account() -> None:
    async with a_door() as door:
        door.answers = [web.Response(text="Mailgun Magnificent API")]
        with pytest.raises(AdapterUnavailable):
            await delivered(door)


@pytest.mark.parametrize("status", [429, 400, 403])
async def test_a_limit_is_waited_for_whatever_its_status(status: int) -> None:
    async with a_door() as door:
        door.answers = [of("limited", status)]
        (outcome,) = await delivered(door)
        assert outcome == TryLater("a sending limit is reached", timedelta(seconds=120), Code.RATE_BACKOFF)
        door.answers = [of("limited", status, {"Retry-After": "12"})]
        (outcome,) = await delivered(door)
        assert isinstance(outcome, TryLater)
        assert outcome.after == timedelta(seconds=12)


async def test_a_server_error_is_in_doubt() -> None:
    async with a_door() as door:
        door.answers = [web.json_response({"message": "Internal Server Error"}, status=500)]
        (outcome,) = await delivered(door)
    assert isinstance(outcome, Uncertain)


async def test_a_refusal_that_quotes_the_subject_is_no_fault_of_the_account() -> None:
    body = json.dumps({"message": "bad header: Domain x is not allowed to send"}).encode()
    assert Mailgun(OPTIONS, "k").refusal(HttpResponse(400, {}, body)) is None


async def test_unsubscribe_tracking_that_is_on_closes_the_way_before_the_first_mail() -> None:
    async with a_door() as door:
        door.tracking = [of("tracking_on")]
        with pytest.raises(AdapterUnavailable, match="unsubscribe tracking is on"):
            await delivered(door)
        assert door.messages == []


async def test_settings_are_read_once() -> None:
    async with a_door() as door:
        way = adapter(an_address(endpoint=door.url))
        await way.deliver([finished(RECIPIENT)])
        await way.deliver([finished(RECIPIENT)])
        await way.aclose()
        assert [method for method, *_ in door.got] == ["GET", "POST", "POST"]


async def test_a_key_that_may_only_send_needs_our_word_that_tracking_is_off() -> None:
    async with a_door() as door:
        door.tracking = [of("forbidden", 401)]
        with pytest.raises(AdapterUnavailable, match="may not read"):
            await delivered(door)
        assert isinstance((await delivered(door, unsubscribe_tracking="off"))[0], Accepted)
        assert [method for method, *_ in door.got] == ["GET", "POST"]


@pytest.mark.parametrize("status", [200, 429, 500])
async def test_settings_that_cannot_be_read_just_now_are_asked_for_again(status: int) -> None:
    async with a_door() as door:
        door.tracking = [web.json_response({}, status=status)]
        way = adapter(an_address(endpoint=door.url))
        with pytest.raises(AdapterUnavailable, match="could not be read"):
            await way.deliver([finished(RECIPIENT)])
        assert isinstance((await way.deliver([finished(RECIPIENT)]))[0], Accepted)
        await way.aclose()


async def test_a_domain_that_mailgun_does_not_know_is_a_fault_of_the_account() -> None:
    async with a_door() as door:
        door.tracking = [of("no_domain", 404)]
        with pytest.raises(AdapterUnavailable, match="region"):
            await delivered(door)


def exchange_of(way: HttpAdapter) -> Exchange:
    exchange = vars(way)["_exchange"]
    assert isinstance(exchange, Exchange)
    return exchange


@pytest.mark.parametrize(
    ("options", "endpoint", "host"),
    [
        ({}, "", "https://api.mailgun.net"),
        ({"region": "us"}, "", "https://api.mailgun.net"),
        ({"region": "eu"}, "", "https://api.eu.mailgun.net"),
        ({"region": "eu"}, "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
    ],
)
def test_the_region_names_the_host(options: dict[str, str], endpoint: str, host: str) -> None:
    assert exchange_of(adapter(an_address(options=options, endpoint=endpoint))).endpoint == host


@pytest.mark.parametrize(
    "options",
    [
        {"regoin": "eu"},
        {"region": "de"},
        {"testmode": "maybe"},
        {"dkim": "off"},
        {"unsubscribe_tracking": "on"},
        {"tag": ""},
        {"tag": "a b"},
        {"tag": "a,b"},
        {"tag": "x" * 129},
        {"tag": "ä"},
        {"tag": "a\r\n"},
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_at_start(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        adapter(an_address(options=options))


@pytest.mark.parametrize(
    "place", ["", "mg", "mg.nordlicht.example/v3", "mg nordlicht.example", "a@b.example", "../x.y"]
)
def test_the_sending_domain_is_needed_at_start(place: str) -> None:
    with pytest.raises(ConfigError, match=r"adapters\.main\.url"):
        adapter(an_address(place))


def test_the_key_is_needed_at_start() -> None:
    with pytest.raises(ConfigError, match=r"adapters\.main\.api_key"):
        adapter(an_address(key=""))


def test_an_endpoint_in_the_clear_is_refused_at_start() -> None:
    with pytest.raises(ConfigError):
        adapter(an_address(endpoint="http://mailgun.example"))


def test_who_signs_is_known_to_the_pipeline() -> None:
    assert adapter(an_address()).capabilities.dkim == "esp"
    ours = adapter(an_address(options={"dkim": "ours"})).capabilities
    assert (ours.dkim, ours.raw_message, ours.permission) == ("ours", True, "consent")
    assert {ours.idempotent, ours.envelope_sender, ours.null_sender} == {False}
    assert ours.lost_headers == frozenset()


def test_the_entry_point_leads_to_the_adapter() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    assert '[project.entry-points."penstock.adapters"]\nmailgun = "penstock_mailgun:adapter"' in text
    assert EntryPoint("mailgun", "penstock_mailgun:adapter", "penstock.adapters").load() is adapter
