from __future__ import annotations

import json
import tomllib
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Attachment, Envelope, Header, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock, a_letter
from penstock.testing.described import deviations
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.sendgrid import FakeSendGrid
from penstock.testing.scripted_http import scripted_http
from penstock_sendgrid import SendGrid, adapter
from penstock_sendgrid.deliver import MAIL_ID

SAMPLES = Path(__file__).parent / "samples"
DESCRIPTION = Path(__file__).parents[3] / "tests/esp/sendgrid/description.json"
REQUEST = json.loads(DESCRIPTION.read_text(encoding="utf-8"))["request"]
INVITATION = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
UNKNOWN = HttpResponse(404)
NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)


def made(endpoint: str = "", key: str = "test-key", place: str = "", **options: str) -> HttpAdapter:
    return adapter(AdapterAddress("main", place, FakeClock(NOW), options, lambda: key, endpoint=endpoint))


class TestContract(EspContract):
    """What every ESP plugin promises, against the bundled fake."""

    def fake(self) -> FakeEsp:
        return FakeSendGrid()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return made(fake.url, key)


def asked(mail: Mail, **options: Any) -> dict[str, Any]:
    request = SendGrid("k", **options).request([mail])
    assert isinstance(request, HttpRequest), request
    found: dict[str, Any] = json.loads(request.body)
    assert deviations(found, REQUEST) == []
    return found


def refused(mail: Mail) -> Failed:
    answer = SendGrid("k").request([mail])
    assert isinstance(answer, Failed)
    assert "@" not in answer.why
    return answer


def with_headers(*headers: Header) -> Mail:
    mail = finished("anna@firm.example")
    assert isinstance(mail.content, Message)
    assert mail.content.letter is not None
    letter = mail.content.letter
    return mail.with_content(Message(mail.content.data, letter.with_headers((*letter.headers, *headers))))


def sample(name: str) -> HttpResponse:
    found = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    body = found["body"]
    text = body if isinstance(body, str) else json.dumps(body)
    return HttpResponse(found["status"], found["headers"], text.encode())


@asynccontextmanager
async def answering(answer: HttpResponse, settings: HttpResponse = UNKNOWN) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers every mail the same, and the account's template setting as given."""
    seen: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append(request.path)
        given = settings if request.method == "GET" else answer
        headers = {name: value for name, value in given.headers.items() if name != "content-length"}
        return web.Response(status=given.status, body=given.body, headers=headers)

    async with scripted_http(serve) as url:
        yield url, seen


async def outcome_of(answer: HttpResponse, **options: str) -> Outcome:
    async with answering(answer) as (url, _):
        sending = made(url, **options)
        try:
            (outcome,) = await sending.deliver([finished("anna@firm.example")])
        finally:
            await sending.aclose()
        assert "@" not in repr(outcome)
        return outcome


def test_a_mail_is_one_personalization_with_our_id_and_nothing_tracked() -> None:
    mail = finished("anna@firm.example")
    found = asked(mail)
    assert found["personalizations"] == [
        {"to": [{"email": "anna@firm.example"}], "custom_args": {"penstock_mail_id": mail.id}}
    ]
    assert found["from"] == {"email": "eva.berg@nordlicht.example", "name": "Eva Berg, Nordlicht Software AB"}
    assert found["reply_to"] == {"email": "eva.berg@nordlicht.example"}
    assert [part["type"] for part in found["content"]] == ["text/plain", "text/html"]
    tracking = found["tracking_settings"]
    assert set(tracking) == {"click_tracking", "open_tracking", "subscription_tracking", "ganalytics"}
    assert not any(setting[word] for setting in tracking.values() for word in setting)
    assert found["mail_settings"] == {"footer": {"enable": False}}
    assert "asm" not in found
    assert len(json.dumps(found["personalizations"][0]["custom_args"])) < 10_000


def test_the_request_carries_the_key_and_goes_to_mail_send() -> None:
    request = SendGrid("secret").request([finished("anna@firm.example")])
    assert isinstance(request, HttpRequest)
    assert (request.method, request.path) == ("POST", "/v3/mail/send")
    assert request.headers == {"Authorization": "Bearer secret", "Content-Type": "application/json"}


def test_a_repeat_is_the_identical_request() -> None:
    mail = finished("anna@firm.example")
    assert SendGrid("k").request([mail]) == SendGrid("k").request([mail])


def test_our_headers_go_along_and_references_name_the_mail() -> None:
    headers = asked(with_headers(("In-Reply-To", "<0@firm.example>"), ("References", "<0@firm.example>")))["headers"]
    own = headers["Message-ID"]
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["References"] == f"{own} <0@firm.example>"
    assert headers["In-Reply-To"] == "<0@firm.example>"
    assert asked(finished("anna@firm.example"))["headers"]["References"] == own


def test_headers_that_sendgrid_reserves_or_obeys_stay_out() -> None:
    reserved = ("X-SG-ID", "x-sg-eid", "Received", "DKIM-Signature", "X-SMTPAPI", "Content-Language", "Sender", "Cc")
    headers = asked(with_headers(*((name, "value") for name in reserved)))["headers"]
    assert not {name.lower() for name in headers} & {name.lower() for name in reserved}
    assert {"x-sg-id", "x-smtpapi", "received", "dkim-signature", "date"} <= SendGrid.capabilities.lost_headers


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Grüße <liste.nordlicht.example>", "=?utf-8?b?R3LDvMOfZQ==?= <liste.nordlicht.example>"),
        ("Grüße", "=?utf-8?b?R3LDvMOfZQ==?="),
    ],
)
def test_header_values_beyond_ascii_are_encoded_here(value: str, sent: str) -> None:
    assert asked(with_headers(("X-Note", value)))["headers"]["X-Note"] == sent


def test_a_long_value_becomes_several_encoded_words_on_one_line() -> None:
    value = asked(with_headers(("X-Note", "ü" * 60)))["headers"]["X-Note"]
    words = value.split(" ")
    assert len(words) > 1
    assert all(len(word) <= 75 and word.startswith("=?utf-8?") for word in words)


def test_a_header_twice_cannot_be_said() -> None:
    assert "twice" in refused(with_headers(("x-note", "a"), ("X-Note", "b"))).why


def test_several_reply_addresses_go_as_a_list() -> None:
    mail = finished("anna@firm.example")
    letter = a_letter()
    several = letter.with_headers((*letter.headers, ("Reply-To", "Eva <eva@nordlicht.example>, bo@nordlicht.example")))
    found = asked(mail.with_content(Message(b"", several)))
    assert "reply_to" not in found
    assert found["reply_to_list"] == [
        {"email": "eva@nordlicht.example", "name": "Eva"},
        {"email": "bo@nordlicht.example"},
    ]


def test_without_reply_to_there_is_none() -> None:
    found = asked(finished("anna@firm.example").with_content(Message(b"", a_letter())))
    assert not {"reply_to", "reply_to_list"} & set(found)


def test_attachments_images_and_invitations_have_their_forms() -> None:
    files = (
        Attachment("Preise.csv", "text/csv", b"a;b"),
        Attachment("logo.png", "image/png", b"\x89PNG", cid="logo@nordlicht.example"),
    )
    found = asked(finished("anna@firm.example", attachments=files, calendar=INVITATION))
    csv, logo = found["attachments"]
    assert (csv["type"], csv["filename"], csv["disposition"]) == ("text/csv", "Preise.csv", "attachment")
    assert b64decode(csv["content"]) == b"a;b"
    assert (logo["disposition"], logo["content_id"]) == ("inline", "logo@nordlicht.example")
    assert [part["type"] for part in found["content"]] == ["text/plain", "text/html", "text/calendar"]


def test_what_sendgrid_has_no_words_for_fails_before_it_leaves() -> None:
    mail = finished("anna@firm.example")
    assert "null sender" in refused(replace(mail, envelope=Envelope("", "anna@firm.example"))).why
    assert "ASCII" in refused(finished("änna@firm.example")).why
    assert "subject" in refused(mail.with_content(Message(b"", a_letter(headers=a_letter().headers[:2])))).why
    assert "sender" in refused(mail.with_content(Message(b"", a_letter(headers=a_letter().headers[1:])))).why
    assert "text" in refused(finished("anna@firm.example", text="", html=None)).why
    assert "empty" in refused(finished("anna@firm.example", attachments=(Attachment("a", "text/csv", b""),))).why
    assert "surrogate" in refused(mail.with_content(Message(b"", a_letter(text="\ud800")))).why
    signed = b'From: eva@nordlicht.example\r\nContent-Type: multipart/signed; boundary="x"\r\n\r\n--x--\r\n'
    assert "taken apart" in refused(mail.with_content(Message(signed))).why


def test_a_mail_beyond_30_megabytes_is_not_tried() -> None:
    big = Attachment("big.bin", "application/octet-stream", bytes(23_000_000))
    failed = refused(finished("anna@firm.example").with_content(Message(b"", a_letter(attachments=(big,)))))
    assert failed.status == "5.3.4"


def test_capabilities_say_what_is_lost() -> None:
    can = SendGrid.capabilities
    assert can.permission == "consent"
    assert not any((can.idempotent, can.raw_message, can.envelope_sender, can.null_sender, can.date))
    assert can.dkim == "esp"


async def test_accepted_with_the_id_of_the_message() -> None:
    assert await outcome_of(sample("accepted")) == Accepted("Ua9z9lSTSaqYBWJe_Xfc-Q", via="main")


@pytest.mark.parametrize("receipt", ["anna@firm.example", "x" * 201, "a b"])
async def test_a_strange_id_is_no_receipt(receipt: str) -> None:
    assert await outcome_of(HttpResponse(202, {"x-message-id": receipt})) == Accepted("", via="main")


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(200),
        HttpResponse(200, {}, b"<html>hello</html>"),
        HttpResponse(202, {}, b"<html>hello</html>"),
        HttpResponse(204),
        sample("server_error"),
        HttpResponse(502, {}, b""),
    ],
)
async def test_an_answer_that_is_not_sendgrids_leaves_a_doubt(answer: HttpResponse) -> None:
    assert isinstance(await outcome_of(answer), Uncertain)


@pytest.mark.parametrize(
    ("name", "status", "code", "says"),
    [
        ("bad_recipient", "5.1.3", Code.INVALID_ADDRESS, "recipient"),
        ("bad_content", "", None, "(content.0.value, subject)"),
        ("bad_request", "", None, "HTTP 400"),
        ("too_large", "5.3.4", None, "too large"),
    ],
)
async def test_a_mail_that_is_refused_has_failed(name: str, status: str, code: Code | None, says: str) -> None:
    outcome = await outcome_of(sample(name))
    assert isinstance(outcome, Failed)
    assert (outcome.status, outcome.code) == (status, code)
    assert says in outcome.why


@pytest.mark.parametrize(
    "body",
    [b"", b"no", b"[]", b'{"errors":{}}', b'{"errors":[1,{"field":7,"message":7}]}', b"\xff", b"[" * 90_000, b"null"],
)
async def test_an_error_in_other_words_has_failed_too(body: bytes) -> None:
    assert await outcome_of(HttpResponse(400, {}, body)) == Failed("HTTP 400: SendGrid refuses the mail")


async def test_a_field_that_is_no_name_is_not_repeated() -> None:
    body = json.dumps({"errors": [{"field": "anna@firm.example", "message": "anna@firm.example"}]}).encode()
    assert await outcome_of(HttpResponse(400, {}, body)) == Failed("HTTP 400: SendGrid refuses the mail")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wrong_key", "the key is refused"),
        ("no_credits", "credits"),
        ("unverified_sender", "sender identity"),
        ("forbidden", "may not send"),
        ("not_found", "not the address"),
        ("method_not_allowed", "not the address"),
        ("bad_pool", "IP pool"),
    ],
)
async def test_a_fault_of_the_account_closes_the_way_out_and_burns_no_mail(name: str, says: str) -> None:
    with pytest.raises(AdapterUnavailable, match=says):
        await outcome_of(sample(name))


@pytest.mark.parametrize("status", [406, 415])
async def test_a_server_that_speaks_something_else_burns_no_mail(status: int) -> None:
    with pytest.raises(AdapterUnavailable, match="v3 interface"):
        await outcome_of(HttpResponse(status))


async def test_too_much_at_once_waits_for_the_reset() -> None:
    answer = sample("rate_limited")
    reset = datetime.fromtimestamp(int(answer.headers["x-ratelimit-reset"]), UTC)
    outcome = await outcome_of(answer)
    assert isinstance(outcome, TryLater)
    assert outcome.after == reset - NOW
    assert timedelta(0) < reset - NOW < timedelta(days=1)


@pytest.mark.parametrize("answer", [sample("unavailable"), HttpResponse(408)])
async def test_what_was_certainly_not_taken_is_tried_later(answer: HttpResponse) -> None:
    assert isinstance(await outcome_of(answer), TryLater)


async def test_in_the_sandbox_a_mail_is_checked_and_not_delivered() -> None:
    assert asked(finished("anna@firm.example"), sandbox=True)["mail_settings"]["sandbox_mode"] == {"enable": True}
    assert await outcome_of(HttpResponse(200), sandbox="yes") == Accepted("sandbox", via="main")
    assert isinstance(await outcome_of(HttpResponse(200, {}, b"<html>"), sandbox="yes"), Uncertain)


def test_the_pool_is_named_in_each_request() -> None:
    assert asked(finished("anna@firm.example"), pool="offers")["ip_pool_name"] == "offers"


async def test_an_account_whose_template_wraps_every_mail_is_not_used() -> None:
    on = HttpResponse(200, {}, b'{"enabled": true, "html_content": "<p><% body %></p>"}')
    async with answering(sample("accepted"), on) as (url, seen):
        sending = made(url)
        with pytest.raises(AdapterUnavailable, match="legacy template"):
            await sending.deliver([finished("anna@firm.example")])
        await sending.aclose()
        assert seen == ["/v3/mail_settings/template"]


@pytest.mark.parametrize(
    "settings", [HttpResponse(200, {}, b'{"enabled": false}'), HttpResponse(403), HttpResponse(200)]
)
async def test_a_template_that_is_off_or_unreadable_is_no_hindrance(settings: HttpResponse) -> None:
    async with answering(sample("accepted"), settings) as (url, seen):
        sending = made(url)
        outcomes = await sending.deliver([finished("anna@firm.example"), finished("bo@firm.example")])
        await sending.aclose()
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert seen == ["/v3/mail_settings/template", "/v3/mail/send", "/v3/mail/send"]


@pytest.mark.parametrize(
    "options",
    [
        {"region": "us"},
        {"sandbox": "maybe"},
        {"pool": "a"},
        {"pool": "a" * 65},
        {"connections": "0"},
        {"connections": "201"},
        {"connections": "many"},
        {"colour": "red"},
        {"place": "api.sendgrid.example"},
        {"key": ""},
        {"key": "two words"},
        {"key": "line\nbreak"},
        {"key": "schlüssel"},
        {"endpoint": "http://api.sendgrid.example"},
    ],
)
def test_what_cannot_be_meant_is_refused_at_start(options: Mapping[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**options)
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize(("options", "host"), [({}, "api.sendgrid.com"), ({"region": "eu"}, "api.eu.sendgrid.com")])
def test_the_region_is_the_host(options: dict[str, str], host: str) -> None:
    assert made(**options)._exchange.endpoint == f"https://{host}"  # noqa: SLF001


def test_the_mail_id_has_the_name_that_events_will_bring() -> None:
    assert MAIL_ID == "penstock_mail_id"


def test_it_is_found_through_its_entry_point() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    point = EntryPoint("sendgrid", project["entry-points"]["penstock.adapters"]["sendgrid"], "penstock.adapters")
    assert point.load() is adapter
