from __future__ import annotations

import json
import tomllib
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from penstock.adapters.http import HttpAdapter, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Attachment, Header, Letter, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.brevo import FakeBrevo
from penstock.testing.scripted_http import scripted_http
from penstock_brevo import Brevo, adapter
from penstock_brevo.payload import MAIL_ID, payload

HERE = Path(__file__).parent
ANNA = finished("anna@firm.example")
FIELDS = {"sender", "to", "subject", "headers", "textContent", "htmlContent", "replyTo", "attachment"}
"""Those of Brevo's description that a mail of ours has."""


def sample(name: str) -> Any:
    return json.loads((HERE / f"samples/{name}.json").read_text(encoding="utf-8"))


def made(endpoint: str = "", key: str = "test-key", place: str = "", **options: str) -> HttpAdapter:
    given = {name: word for name, word in {"tracking": "off", **options}.items() if word != "-"}
    return adapter(AdapterAddress("main", place, FakeClock(), given, lambda: key, endpoint=endpoint))


class TestContract(EspContract):
    """What every ESP plugin promises, against the bundled fake."""

    lost = frozenset({"message-id", "date"})

    def fake(self) -> FakeEsp:
        return FakeBrevo(tracks=False)  # what `tracking=off` vouches for

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return made(fake.url, key)

    async def test_text_alone_arrives_as_text_alone(self) -> None:
        """Not with Brevo, which makes HTML of it or refuses it: such a mail is not offered."""
        (outcome,), fake = await self._sent([finished("anna@firm.example", html=None)])
        assert outcome == Failed("Brevo takes no mail without HTML")
        assert (fake.arrived, fake.refused) == ([], [])


def asked(mail: Mail, **how: Any) -> dict[str, Any]:
    request = Brevo("k", **how).request([mail])
    assert isinstance(request, HttpRequest), request
    found: dict[str, Any] = json.loads(request.body)
    assert set(found) <= FIELDS
    assert all(isinstance(value, str) and value.isascii() for value in found["headers"].values())
    return found


def letter_of(mail: Mail) -> Letter:
    assert isinstance(mail.content, Message)
    assert mail.content.letter is not None
    return mail.content.letter


def with_headers(*headers: Header) -> Mail:
    replaced = {name for name, _ in headers}
    letter = letter_of(ANNA)
    kept = tuple(each for each in letter.headers if each[0] not in replaced)
    return ANNA.with_content(Message(b"", letter.with_headers((*kept, *headers))))


def in_envelope(**fields: str) -> Mail:
    return replace(ANNA, envelope=replace(ANNA.envelope, **fields))


@asynccontextmanager
async def answering(answer: HttpResponse, account: HttpResponse) -> AsyncIterator[tuple[str, list[tuple[str, str]]]]:
    """A server that answers every mail the same, and the account as given."""
    seen: list[tuple[str, str]] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append((request.method, request.path))
        assert request.headers["api-key"] == "test-key"
        given = account if request.method == "GET" else answer
        return web.Response(status=given.status, body=given.body, headers=given.headers)

    async with scripted_http(serve) as url:
        yield url, seen


FIT = HttpResponse(200, {}, json.dumps(sample("account")).encode())
SENT = HttpResponse(201, {}, json.dumps(sample("sent")).encode())


async def outcome_of(answer: HttpResponse, account: HttpResponse = FIT, **options: str) -> Outcome:
    async with answering(answer, account) as (url, _):
        way_out = made(url, **options)
        try:
            (outcome,) = await way_out.deliver([ANNA])
        finally:
            await way_out.aclose()
        assert "@" not in repr(outcome)
        # Which way out it was is the core's to say.
        return replace(outcome, via="") if isinstance(outcome, Accepted | Uncertain) else outcome


def test_a_mail_is_one_request_with_our_id_and_our_headers() -> None:
    found = asked(ANNA)
    assert found["sender"] == {"email": "eva.berg@nordlicht.example", "name": "Eva Berg, Nordlicht Software AB"}
    assert found["to"] == [{"email": "anna@firm.example"}]
    assert found["replyTo"] == {"email": "eva.berg@nordlicht.example"}
    assert found["subject"] == "Muster Werk SA: purchasing without spreadsheets"
    assert found["textContent"] == "Hello Anna"
    assert "Hello Anna" in found["htmlContent"]
    headers = found["headers"]
    assert headers[MAIL_ID] == ANNA.id
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "Feedback-ID"):
        assert headers[name] == letter_of(ANNA).header(name)
    assert headers["References"] == letter_of(ANNA).header("Message-ID")
    assert {"X-Sib-Sandbox", "Message-ID", "Date", "From", "To", "Subject"}.isdisjoint(headers)


def test_the_request_carries_the_key_and_goes_to_smtp_email() -> None:
    request = Brevo("secret").request([ANNA])
    assert isinstance(request, HttpRequest)
    assert (request.method, request.path) == ("POST", "/v3/smtp/email")
    assert request.headers == {"api-key": "secret", "Accept": "application/json", "Content-Type": "application/json"}


def test_the_same_mail_has_the_same_idempotency_key_and_another_has_another() -> None:
    keys = [asked(mail)["headers"]["idempotencyKey"] for mail in (ANNA, ANNA, finished("bo@firm.example"))]
    assert keys[0] == keys[1] != keys[2]
    assert all(UUID(key).version == 4 and str(UUID(key)) == key for key in keys)
    first, again = (Brevo("k").request([ANNA]) for _ in range(2))
    assert first == again
    assert not Brevo.capabilities.idempotent


def test_the_sandbox_is_a_header_in_the_body() -> None:
    assert asked(ANNA, sandbox=True)["headers"]["X-Sib-Sandbox"] == "drop"


def test_older_references_come_before_our_message_id() -> None:
    mail = with_headers(("References", "<first@firm.example>"))
    expected = f"<first@firm.example> {letter_of(ANNA).header('Message-ID')}"
    assert asked(mail)["headers"]["References"] == expected


@pytest.mark.parametrize(
    "name", ["X-Mailin-custom", "X-Sib-Sandbox", "idempotencyKey", "Idempotency-Key", "sender.ip", "X-Mailin-Tag"]
)
def test_a_header_of_the_mail_gives_brevo_no_orders(name: str) -> None:
    headers = asked(with_headers((name, "drop")))["headers"]
    assert "drop" not in headers.values()
    assert name.lower() in Brevo.capabilities.lost_headers


def test_of_a_list_id_beyond_ascii_the_identifier_stays() -> None:
    mail = with_headers(("List-Id", "Einkauf für Köln <einkauf.list.nordlicht.example>"))
    assert asked(mail)["headers"]["List-Id"] == "<einkauf.list.nordlicht.example>"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Eva Berg", "Eva Berg"), ("Berg, Eva", "Berg, Eva"), ("Åsa Öberg", "Åsa Öberg"), ("", None)],
)
def test_a_senders_name_is_sent_as_it_is(name: str, expected: str | None) -> None:
    mail = with_headers(("From", f"{name} <eva.berg@nordlicht.example>"))
    assert asked(mail)["sender"].get("name") == expected


def test_a_name_that_brevo_would_drop_is_sent_as_encoded_words() -> None:
    name = asked(with_headers(("From", "Åsa Öberg, Nordlicht AB <asa@nordlicht.example>")))["sender"]["name"]
    assert name.isascii()
    assert str(make_header(decode_header(name))) == "Åsa Öberg, Nordlicht AB"


def test_a_name_for_replies_beyond_ascii_is_left_out() -> None:
    mail = with_headers(("Reply-To", "Åsa Öberg <asa@nordlicht.example>"))
    assert asked(mail)["replyTo"] == {"email": "asa@nordlicht.example"}


def test_files_go_along_with_their_names() -> None:
    files = (Attachment("Angebot.pdf", "application/pdf", b"%PDF"), Attachment("März.CSV", "text/csv", b"a;b"))
    found = asked(finished("anna@firm.example", attachments=files))["attachment"]
    assert [(each["name"], b64decode(each["content"])) for each in found] == [
        ("Angebot.pdf", b"%PDF"),
        ("März.CSV", b"a;b"),
    ]
    assert all(set(each) == {"name", "content"} for each in found)


def test_a_text_that_is_not_there_is_left_out() -> None:
    assert "textContent" not in asked(finished("anna@firm.example", text=""))


def with_file(name: str, data: bytes = b"x", cid: str = "") -> Mail:
    return finished("anna@firm.example", attachments=(Attachment(name, "application/octet-stream", data, cid),))


@pytest.mark.parametrize(
    ("mail", "why"),
    [
        (in_envelope(sender=""), "null sender"),
        (in_envelope(recipient="änna@firm.example"), "ASCII addresses"),
        (with_headers(("From", "Eva <evä@nordlicht.example>")), "ASCII addresses"),
        (with_headers(("Reply-To", "evä@nordlicht.example")), "ASCII addresses"),
        (with_headers(("From", "Eva")), "names no sender"),
        (with_headers(("Subject", "")), "without a subject"),
        (finished("anna@firm.example", html=None), "without HTML"),
        (with_headers(("X-Firm", "Köln")), "not ASCII"),
        (with_headers(("List-Id", "Köln")), "not ASCII"),
        (with_headers(("X-Firm", "a"), ("x-firm", "b")), "twice"),
        (with_headers(("Reply-To", "a@firm.example, b@firm.example")), "one address for replies"),
        (
            finished("anna@firm.example", calendar="BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"),
            "calendar",
        ),
        (with_file("a.dwg"), "name ends"),
        (with_file("pdf"), "name ends"),
        (with_file("logo.png", cid="logo@nordlicht.example"), "images"),
        (with_file("a.pdf", b""), "empty attachment"),
        (replace(ANNA, id="no id"), "id does not fit"),
        (with_headers(("Subject", "half \ud83d")), "half a character"),
        (
            ANNA.with_content(Message(b"Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n")),
            "without loss",
        ),
    ],
)
def test_what_brevo_cannot_express_fails_before_it_is_sent(mail: Mail, why: str) -> None:
    answer = Brevo("k").request([mail])
    assert isinstance(answer, Failed)
    assert why in answer.why
    assert "@" not in answer.why


def test_capabilities_say_what_is_lost() -> None:
    can = Brevo.capabilities
    assert (can.permission, can.dkim) == ("consent", "esp")
    assert not any((can.raw_message, can.envelope_sender, can.null_sender, can.message_id, can.date, can.smtputf8))
    assert {"message-id", "date", "sender"} <= can.lost_headers
    assert Brevo.per_request == 1


async def test_accepted_with_brevos_id() -> None:
    assert await outcome_of(SENT) == Accepted("202611210900.48212345678")


async def test_in_the_sandbox_the_answer_is_the_same() -> None:
    assert await outcome_of(SENT, sandbox="yes") == Accepted("202611210900.48212345678")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b'{"messageId": "<2026',
        b"[]",
        b"{}",
        b"null",
        b"\xff",
        b"[" * 90_000,
        b'{"messageId": 7}',
        b'{"messageId": ""}',
        b'{"messageId": "<@relay.example>"}',
        b'{"messageId": "not an id"}',
        b'{"messageIds": []}',
        b'{"code": "missing_parameter", "message": "in a 201"}',
    ],
)
async def test_a_2xx_without_an_id_leaves_a_doubt(body: bytes) -> None:
    assert await outcome_of(HttpResponse(201, {}, body)) == Uncertain("an answer without the mail's id")


KINDS = {"failed": Failed, "recipient": Failed, "size": Failed, "uncertain": Uncertain, "later": TryLater}


@pytest.mark.parametrize("error", sample("errors"), ids=lambda error: f"{error['status']}-{error['code']}")
async def test_every_documented_error_is_sorted(error: dict[str, Any]) -> None:
    body = json.dumps({"code": error["code"], "message": error["message"]}).encode()
    answer = HttpResponse(error["status"], {}, body)
    if error["means"] == "account":
        with pytest.raises(AdapterUnavailable) as caught:
            await outcome_of(answer)
        assert "@" not in str(caught.value)
        assert "192.0.2.7" not in str(caught.value)
        return
    outcome = await outcome_of(answer)
    assert isinstance(outcome, KINDS[error["means"]])
    if isinstance(outcome, Failed):
        told = {"recipient": ("5.1.3", Code.INVALID_ADDRESS), "size": ("5.3.4", None), "failed": ("", None)}
        assert (outcome.status, outcome.code) == told[error["means"]]
        assert error["means"] != "failed" or error["code"] in outcome.why


async def test_too_much_at_once_waits_for_the_reset() -> None:
    headers = {"x-sib-ratelimit-limit": "1000", "x-sib-ratelimit-remaining": "0", "x-sib-ratelimit-reset": "7"}
    outcome = await outcome_of(HttpResponse(429, headers, b'{"code": "too_many_requests", "message": "wait"}'))
    assert isinstance(outcome, TryLater)
    assert outcome.after == timedelta(seconds=7)


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"code": 7}', b"\xff", b'{"code": "anna@firm.example"}'])
async def test_an_error_in_other_words_has_failed_too(body: bytes) -> None:
    assert await outcome_of(HttpResponse(400, {}, body)) == Failed("HTTP 400: Brevo refuses the mail")


async def test_an_account_without_transactional_mail_is_not_used() -> None:
    off = {**sample("account"), "relay": {"enabled": False}}
    async with answering(SENT, HttpResponse(200, {}, json.dumps(off).encode())) as (url, seen):
        way_out = made(url)
        with pytest.raises(AdapterUnavailable, match="switched off"):
            await way_out.deliver([ANNA])
        await way_out.aclose()
        assert seen == [("GET", "/v3/account")]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_is_refused_is_found_before_the_first_mail(status: int) -> None:
    async with answering(SENT, HttpResponse(status)) as (url, seen):
        way_out = made(url)
        with pytest.raises(AdapterUnavailable, match=f"HTTP {status}"):
            await way_out.deliver([ANNA])
        await way_out.aclose()
        assert seen == [("GET", "/v3/account")]


@pytest.mark.parametrize(
    "account", [HttpResponse(404), HttpResponse(500), HttpResponse(200), HttpResponse(200, {}, b'{"relay": 1}'), FIT]
)
async def test_an_account_that_does_not_tell_is_no_hindrance_and_is_asked_once(account: HttpResponse) -> None:
    async with answering(SENT, account) as (url, seen):
        way_out = made(url)
        outcomes = await way_out.deliver([ANNA, finished("bo@firm.example")])
        outcomes = [*outcomes, *await way_out.deliver([ANNA])]
        await way_out.aclose()
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert seen == [("GET", "/v3/account"), *[("POST", "/v3/smtp/email")] * 3]


@pytest.mark.parametrize(
    "options",
    [
        {"tracking": "-"},
        {"tracking": "on"},
        {"sandbox": "maybe"},
        {"connections": "0"},
        {"connections": "201"},
        {"connections": "many"},
        {"colour": "red"},
        {"place": "api.brevo.example"},
        {"key": ""},
        {"key": "two words"},
        {"key": "line\nbreak"},
        {"key": "schlüssel"},
        {"endpoint": "http://api.brevo.example"},
    ],
)
def test_what_cannot_be_meant_is_refused_at_start(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**options)
    assert "two words" not in str(caught.value)


async def test_the_host_is_brevos() -> None:
    way_out = made()
    assert way_out._exchange.endpoint == "https://api.brevo.com"  # noqa: SLF001
    await way_out.aclose()


def test_payload_and_request_agree() -> None:
    item = payload(ANNA, sandbox=False)
    assert isinstance(item, dict)
    found = asked(ANNA)
    found["headers"].pop("idempotencyKey")
    assert found == item


def test_it_is_found_through_its_entry_point() -> None:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    point = EntryPoint("brevo", project["entry-points"]["penstock.adapters"]["brevo"], "penstock.adapters")
    assert point.load() is adapter
