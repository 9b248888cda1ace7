from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from botocore.credentials import Credentials, RefreshableCredentials  # type: ignore[import-untyped]
from botocore.exceptions import CredentialRetrievalError  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.http import Exchange, HttpAdapter, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Envelope, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock, a_letter, a_mail
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.ses import FakeSES
from penstock.testing.scripted_http import scripted_http
from penstock_ses import Ses, adapter
from penstock_ses.deliver import MAIL_ID, SIMULATOR, Options
from penstock_ses.signing import Signature

SAMPLES = Path(__file__).parent / "samples"
KEY, SECRET = "AKIAEXAMPLE0000000000", "an/invented+secret"
RECIPIENT = "anna@firm.example"
SEND, ACCOUNT = "/v2/email/outbound-emails", "/v2/email/account"
RECEIPT = "0102019aa8c4d1e2-5b0f3c1e-7a42-4a51-9d3e-2f6c8b1a7e90-000000"
TAKEN = Accepted(RECEIPT, "main")
PLAIN = Options()
MODEL = Session().get_service_model("sesv2")


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def an_address(place: str = "eu-west-1", key: str = KEY, secret: str = SECRET, **fields: Any) -> AdapterAddress:
    return AdapterAddress("main", place, FakeClock(), api_key=lambda: key, password=lambda: secret, **fields)


def exchange_of(way: HttpAdapter) -> Exchange:
    exchange = vars(way)["_exchange"]
    assert isinstance(exchange, Exchange)
    return exchange


async def a_signature(credentials: object = None, endpoint: str = "https://email.eu-west-1.amazonaws.com") -> Signature:
    signature = Signature(credentials or Credentials(KEY, SECRET), "eu-west-1", endpoint)
    await signature.renew()
    return signature


async def request_for(mail: Mail, options: Options = PLAIN) -> HttpRequest | Failed:
    return Ses(options, await a_signature()).request([mail])


async def asked_for(mail: Mail, options: Options = PLAIN) -> Any:
    request = await request_for(mail, options)
    assert isinstance(request, HttpRequest), request
    return json.loads(request.body)


async def bytes_for(mail: Mail, options: Options = PLAIN) -> bytes:
    return base64.b64decode((await asked_for(mail, options))["Content"]["Raw"]["Data"], validate=True)


def words_of(shape: Any, value: str) -> list[str]:
    """The words that may stand there; any where none are listed."""
    return list(getattr(shape, "enum", ())) or [value]


def deviations(value: Any, shape: Any, where: str = "$") -> Iterator[str]:
    """Where a value of JSON is not as botocore's model describes it."""
    match shape.type_name:
        case "structure":
            yield from (f"{where}.{name}: missing" for name in shape.required_members if name not in value)
            for name, each in value.items():
                if name not in shape.members:
                    yield f"{where}.{name}: not described"
                else:
                    yield from deviations(each, shape.members[name], f"{where}.{name}")
        case "list":
            for number, each in enumerate(value):
                yield from deviations(each, shape.member, f"{where}[{number}]")
        case "string" | "blob":
            if not isinstance(value, str):
                yield f"{where}: no text"
            elif not shape.metadata.get("min", 0) <= len(value) <= shape.metadata.get("max", len(value)):
                yield f"{where}: length"
            elif not re.search(shape.metadata.get("pattern", ""), value) or value not in words_of(shape, value):
                yield f"{where}: form"
        case "boolean":
            if not isinstance(value, bool):
                yield f"{where}: neither true nor false"
        case "double":
            if not isinstance(value, int | float):
                yield f"{where}: no number"
        case other:
            yield f"{where}: {other} is not looked at here"


def is_signed(request: web.BaseRequest, body: bytes, secret: str = SECRET) -> bool:
    """Signature Version 4, worked out from AWS's description of it."""
    written = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=[^/]+/(\d{8})/([a-z0-9-]+)/ses/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        request.headers.get("Authorization", ""),
    )
    if written is None:
        return False
    day, region, names, given_signature = written.groups()
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names.split(";"))
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"{request.method}\n{request.path}\n\n{headers}\n{names}\n{digest}".encode()
    scope = f"{day}/{region}/ses/aws4_request"
    told = f"AWS4-HMAC-SHA256\n{request.headers['X-Amz-Date']}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    key = f"AWS4{secret}".encode()
    for word in (day, region, "ses", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return hmac.new(key, told.encode(), "sha256").hexdigest() == given_signature and "host" in names.split(";")


class TestContract(EspContract):
    """The promises of every ESP plugin; inherited."""

    lost = frozenset({"date", "message-id"})

    def fake(self) -> FakeEsp:
        return FakeSES()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return adapter(an_address(secret=key, endpoint=fake.url))


@dataclass
class Door:
    """A server of this test's own, which answers what it is told and keeps what it got."""

    answers: list[web.Response] = field(default_factory=list)
    accounts: list[web.Response] = field(default_factory=list)
    got: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    signed: list[bool] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.got.append((request.method, request.path))
        self.headers.append(request.headers)
        self.signed.append(is_signed(request, body))
        if request.method == "GET":
            return self.accounts.pop(0) if self.accounts else of("account")
        self.bodies.append(json.loads(body))
        return self.answers.pop(0) if self.answers else of("accepted")


def of(name: str, status: int = 200, error: str = "") -> web.Response:
    headers = {"x-amzn-ErrorType": error} if error else {}
    return web.Response(body=sample(name), status=status, content_type="application/json", headers=headers)


def account(**changes: Any) -> web.Response:
    return web.json_response({**json.loads(sample("account")), **changes})


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


async def test_a_mail_goes_out_signed_after_a_look_at_the_account() -> None:
    async with a_door() as door:
        assert await delivered(door) == [TAKEN]
        assert await delivered(door, finished(RECIPIENT, text="Grüße")) == [TAKEN]
    assert door.got == [("GET", ACCOUNT), ("POST", SEND)] * 2
    assert door.signed == [True] * 4
    assert "Content-Type" not in door.headers[0]
    assert door.headers[1]["Content-Type"] == "application/json"


async def test_a_request_says_what_ses_must_know_and_switches_tracking_off() -> None:
    mail = finished(RECIPIENT)
    asked = await asked_for(mail)
    assert base64.b64decode(asked.pop("Content")["Raw"]["Data"]) == await bytes_for(mail)
    assert asked == {
        "Destination": {"ToAddresses": [RECIPIENT]},
        "EmailTags": [{"Name": MAIL_ID, "Value": mail.id}],
        "ConfigurationOverrides": {
            "Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"},
        },
    }


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options("penstock", "bounces@nordlicht.example", "ours", sandbox=True),
        Options("x" * 64),
    ],
)
async def test_a_request_is_what_botocores_model_describes(options: Options) -> None:
    operation = MODEL.operation_model("SendEmail")
    assert (operation.http["method"], operation.http["requestUri"]) == ("POST", SEND)
    assert list(deviations(await asked_for(finished(RECIPIENT), options), operation.input_shape)) == []


async def test_a_tag_is_of_the_form_that_the_model_tells_in_words() -> None:
    asked = await asked_for(finished(RECIPIENT))
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", word) for tag in asked["EmailTags"] for word in tag.values())


def test_the_answers_that_are_read_here_are_as_the_model_describes_them() -> None:
    look = MODEL.operation_model("GetAccount")
    assert (look.http["method"], look.http["requestUri"]) == ("GET", ACCOUNT)
    for name in ("account", "account_in_sandbox"):
        assert list(deviations(json.loads(sample(name)), look.output_shape)) == []
    sent = MODEL.operation_model("SendEmail").output_shape
    assert list(deviations(json.loads(sample("accepted")), sent)) == []


async def test_our_bytes_arrive_with_their_message_id_in_references() -> None:
    mail = finished(RECIPIENT, text="Grüße")
    assert isinstance(mail.content, Message)
    head = f"References: <{mail.id}.0123456789ab@nordlicht.example>\r\n".encode()
    assert await bytes_for(mail) == head + mail.content.data


@pytest.mark.parametrize(
    ("head", "added"),
    [
        (b"From: a@b.example\r\nMessage-Id:\r\n <1@b.example>\r\n", True),
        (b"message-id : <1@b.example>\r\nFrom: a@b.example\r\n", True),
        (b"Message-ID: <1@b.example>\r\nReferences: <0@b.example>\r\n", False),
        (b"REFERENCES:\r\n <0@b.example>\r\nMessage-ID: <1@b.example>\r\n", False),
        (b"DKIM-Signature: v=1; h=from:references\r\nMessage-ID: <1@b.example>\r\n", False),
        (b"From: a@b.example\r\n", False),
        (b"Message-ID: 1\r\n", False),
    ],
)
async def test_references_are_added_only_where_nothing_is_lost_by_it(head: bytes, added: bool) -> None:
    data = head + b"\r\nMessage-ID: <2@b.example>\r\n"
    mail = finished(RECIPIENT).with_content(Message(data))
    assert await bytes_for(mail) == (b"References: <1@b.example>\r\n" if added else b"") + data


async def test_our_own_signature_does_not_keep_references_away() -> None:
    data = b"DKIM-Signature: v=1; h=from:subject\r\nMessage-ID: <1@b.example>\r\n\r\nHello\r\n"
    mail = finished(RECIPIENT).with_content(Message(data))
    assert await bytes_for(mail, Options(dkim="ours")) == b"References: <1@b.example>\r\n" + data


async def test_options_reach_the_request() -> None:
    asked = await asked_for(finished(RECIPIENT), Options("penstock", "bounces@nordlicht.example", sandbox=True))
    assert asked["ConfigurationSetName"] == "penstock"
    assert asked["FeedbackForwardingEmailAddress"] == "bounces@nordlicht.example"
    assert asked["Destination"] == {"ToAddresses": [SIMULATOR]}


async def test_nothing_stands_beside_the_message_that_ses_would_write_over_it() -> None:
    asked = await asked_for(finished(RECIPIENT), Options("penstock", "bounces@nordlicht.example"))
    assert not {"FromEmailAddress", "ReplyToAddresses", "ListManagementOptions"} & set(asked)


async def test_a_repeat_is_the_identical_mail() -> None:
    assert await asked_for(finished(RECIPIENT)) == await asked_for(finished(RECIPIENT))


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
async def test_an_address_that_could_be_read_as_a_list_is_not_sent(recipient: str, status: str) -> None:
    failed = await request_for(replace(finished(RECIPIENT), envelope=Envelope("eva.berg@nordlicht.example", recipient)))
    assert isinstance(failed, Failed)
    assert failed.status == status
    assert failed.code == (Code.SMTPUTF8_UNSUPPORTED if status == "5.6.7" else None)
    assert "firm" not in failed.why


async def test_the_null_sender_is_not_sent() -> None:
    failed = await request_for(replace(finished(RECIPIENT), envelope=Envelope("", RECIPIENT)))
    assert isinstance(failed, Failed)
    assert "null sender" in failed.why


@pytest.mark.parametrize(
    "data",
    [
        b"X-SES-CONFIGURATION-SET: tracked\r\nSubject: a\r\n\r\nb",
        b"Subject: a\r\nx-ses-list-management-options: list\r\n\r\nb",
        b"Subject: a\nX-Ses-Message-Tags: t=1\r\n\r\nb",
        b"Subject: a\rX-SES-Message-Tags: t=1\r\n\r\nb",
        b"Subject: a\r\nNo blank line: b\r\n",
        b"Subject: a\r\n\r\n" + b"x" * 999 + b"\r\n",
        b"Subject: " + b"x" * 1000 + b"\r\n\r\nb",
    ],
)
async def test_a_message_that_ses_would_obey_or_could_not_read_is_not_sent(data: bytes) -> None:
    failed = await request_for(finished(RECIPIENT).with_content(Message(data)))
    assert isinstance(failed, Failed)
    assert failed.status == "5.6.0"


async def test_a_line_may_have_a_thousand_octets_and_a_body_may_speak_of_ses() -> None:
    data = b"Subject: a\r\n\r\nX-SES-Test: t\r\n" + b"x" * 998 + b"\r\n"
    assert await bytes_for(finished(RECIPIENT).with_content(Message(data))) == data


async def test_what_is_no_finished_message_fails() -> None:
    for mail in (a_mail(), a_mail(content=a_letter())):
        assert isinstance(await request_for(mail), Failed)


async def test_40_mebibytes_are_the_limit() -> None:
    head = b"Subject: a\r\n\r\n"
    lines = b"x" * 62 + b"\r\n"
    data = head + lines * ((40 << 20) // 64)
    mail = finished(RECIPIENT)
    assert isinstance(await request_for(mail.with_content(Message(data[: 40 << 20]))), HttpRequest)
    failed = await request_for(mail.with_content(Message(data[: (40 << 20) + 1])))
    assert failed == Failed("larger than the 40 MB that SES takes", "5.3.4")


async def test_an_id_that_is_no_tag_is_not_sent() -> None:
    assert isinstance(await request_for(replace(finished(RECIPIENT), id="a@b")), Failed)


async def answered(body: bytes, status: int = 200, error: str = "") -> Outcome:
    response = HttpResponse(status, {"x-amzn-errortype": error} if error else {}, body)
    (outcome,) = Ses(Options(), await a_signature()).outcomes([finished(RECIPIENT)], response)
    return outcome


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b'{"MessageId": "0102',
        b"[]",
        b'"x"',
        b"{}",
        b'{"MessageId": ""}',
        b'{"MessageId": 7}',
        b'{"MessageId": "a@b.example"}',
        b'{"messageId": "1"}',
        b"\xff\xfe",
    ],
)
async def test_a_200_that_cannot_be_understood_is_in_doubt(body: bytes) -> None:
    assert isinstance(await answered(body), Uncertain)


async def test_only_a_200_is_a_yes() -> None:
    assert isinstance(await answered(sample("accepted"), 202), Uncertain)


@given(st.binary(max_size=300), st.sampled_from([200, 202, 400, 404, 413, 422]), st.text(max_size=40))
async def test_no_answer_makes_the_plugin_fall(body: bytes, status: int, error: str) -> None:
    Ses(Options(), await a_signature()).refusal(HttpResponse(status, {"x-amzn-errortype": error}, body))
    outcome = await answered(body, status, error)
    assert isinstance(outcome, Accepted | Uncertain if status < 300 else Failed)


@pytest.mark.parametrize(
    ("name", "status", "error", "expected"),
    [
        ("rejected", 400, "MessageRejected", Failed("HTTP 400 MessageRejected: SES refuses the mail")),
        (
            "bad_address",
            400,
            "BadRequestException:http://internal.example/",
            Failed("HTTP 400 BadRequestException: SES finds an address of the mail wrong", "5.1.3"),
        ),
        (
            "barred",
            400,
            "MessageRejected",
            Failed("HTTP 400 MessageRejected: SES does not deliver to this recipient", "5.1.1"),
        ),
        (
            "too_large",
            400,
            "BadRequestException",
            Failed("HTTP 400 BadRequestException: SES finds the mail too large", "5.3.4"),
        ),
        ("rejected", 413, "", Failed("HTTP 413: SES finds the mail too large", "5.3.4")),
        ("rejected", 400, "anna@firm.example", Failed("HTTP 400: SES refuses the mail")),
    ],
)
async def test_a_fault_of_the_mail_fails_the_mail(name: str, status: int, error: str, expected: Failed) -> None:
    async with a_door() as door:
        door.answers = [of(name, status, error)]
        first, second = await delivered(door, finished(RECIPIENT), finished("bo@firm.example"))
    assert {type(first), type(second)} == {Failed, Accepted}
    assert expected in {first, second}


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("account_suspended", 400, "AccountSuspendedException"),
        ("sending_paused", 400, "SendingPausedException"),
        ("unverified", 400, "MailFromDomainNotVerifiedException"),
        ("unverified", 400, "MessageRejected"),
        ("no_configuration_set", 404, "NotFoundException"),
        ("no_configuration_set", 400, "NotFoundException"),
        ("access_denied", 403, "AccessDeniedException"),
        ("access_denied", 400, "AccessDeniedException"),
        ("unknown_key", 403, "UnrecognizedClientException"),
        ("bad_signature", 403, "InvalidSignatureException"),
        ("bad_signature", 400, "SignatureDoesNotMatch"),
        ("unknown_key", 403, "ExpiredTokenException"),
        ("bad_signature", 400, "RequestExpired"),
        ("bad_signature", 403, ""),
    ],
)
async def test_a_fault_of_the_account_burns_no_mail(name: str, status: int, error: str) -> None:
    async with a_door() as door:
        door.answers = [of(name, status, error)]
        with pytest.raises(AdapterUnavailable) as fault:
            await delivered(door)
    assert "@" not in str(fault.value)
    assert "123456789012" not in str(fault.value)


def test_every_error_of_the_model_is_sorted() -> None:
    """Those that are not the mail's fault; MessageRejected and BadRequestException are."""
    for shape in MODEL.operation_model("SendEmail").error_shapes:
        body = json.dumps({"message": "in words", "__type": f"com.amazonaws.ses#{shape.name}"}).encode()
        status = shape.metadata["error"]["httpStatusCode"]
        found = Ses(Options(), Signature(None, "", "")).refusal(HttpResponse(status, {}, body))
        scope = found.scope if found else "mail"
        expected = {"TooManyRequestsException": "later", "LimitExceededException": "later"}
        expected |= {"MessageRejected": "mail", "BadRequestException": "mail"}
        assert scope == expected.get(shape.name, "account"), shape.name


@pytest.mark.parametrize(
    ("name", "status", "error", "after"),
    [
        ("throttled", 429, "TooManyRequestsException", timedelta(seconds=30)),
        ("throttled", 400, "ThrottlingException", timedelta(seconds=30)),
        ("throttled", 400, "Throttling", timedelta(seconds=30)),
        ("quota_used", 400, "ThrottlingException", timedelta(minutes=10)),
        ("quota_used", 400, "LimitExceededException", timedelta(minutes=10)),
        ("throttled", 503, "ServiceUnavailable", timedelta(seconds=30)),
        ("throttled", 503, "", timedelta(seconds=30)),
        ("throttled", 408, "RequestTimeoutException", timedelta(seconds=30)),
        ("throttled", 408, "", timedelta(seconds=30)),
    ],
)
async def test_a_limit_is_waited_for_whatever_its_status(name: str, status: int, error: str, after: timedelta) -> None:
    async with a_door() as door:
        door.answers = [of(name, status, error)]
        (outcome,) = await delivered(door)
    assert isinstance(outcome, TryLater)
    assert (outcome.after, outcome.code) == (after, Code.RATE_BACKOFF)


@pytest.mark.parametrize("error", ["InternalFailure", "InternalServerError", "AccountSuspendedException", ""])
async def test_a_server_error_is_in_doubt(error: str) -> None:
    async with a_door() as door:
        door.answers = [of("throttled", 500, error)]
        (outcome,) = await delivered(door)
    assert isinstance(outcome, Uncertain)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"SendingEnabled": False}, "switched off"),
        ({"EnforcementStatus": "SHUTDOWN"}, "reputation"),
        ({"ProductionAccessEnabled": False}, "sandbox"),
        ({"SendQuota": {"Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": 200.0}}, "quota"),
        ({"SendQuota": {"Max24HourSend": 0, "MaxSendRate": 0, "SentLast24Hours": 0}}, "quota"),
    ],
)
async def test_an_account_that_may_not_send_closes_the_way_before_the_first_mail(
    changes: dict[str, Any], why: str
) -> None:
    async with a_door() as door:
        door.accounts = [account(**changes)]
        with pytest.raises(AdapterUnavailable, match=why):
            await delivered(door)
        assert door.bodies == []


@pytest.mark.parametrize(
    "changes",
    [
        {"EnforcementStatus": "PROBATION"},
        {"SendQuota": {"Max24HourSend": -1.0, "MaxSendRate": 500.0, "SentLast24Hours": 9e6}},
        {"SendQuota": {}},
        {"SendQuota": None},
    ],
)
async def test_an_account_that_may_send_is_used(changes: dict[str, Any]) -> None:
    async with a_door() as door:
        door.accounts = [account(**changes)]
        assert await delivered(door) == [TAKEN]


async def test_an_account_in_the_sandbox_may_write_to_the_simulator() -> None:
    async with a_door() as door:
        door.accounts = [of("account_in_sandbox")]
        assert await delivered(door, sandbox="yes") == [TAKEN]
        assert [body["Destination"] for body in door.bodies] == [{"ToAddresses": [SIMULATOR]}]


async def test_a_key_that_may_only_send_needs_our_word_for_the_account() -> None:
    async with a_door() as door:
        door.accounts = [of("access_denied", 403, "AccessDeniedException")]
        with pytest.raises(AdapterUnavailable, match="settings=unread"):
            await delivered(door)
        assert await delivered(door, settings="unread") == [TAKEN]
        assert [method for method, _ in door.got] == ["GET", "POST"]


@pytest.mark.parametrize(
    ("name", "status", "error", "why"),
    [
        ("bad_signature", 403, "InvalidSignatureException", "clock"),
        ("unknown_key", 403, "UnrecognizedClientException", "access key"),
        ("unknown_key", 401, "", "key is refused"),
        ("account", 404, "UnknownOperationException", "address of SES"),
        ("account", 302, "", "address of SES"),
    ],
)
async def test_a_look_that_is_refused_closes_the_way(name: str, status: int, error: str, why: str) -> None:
    async with a_door() as door:
        door.accounts = [of(name, status, error)]
        with pytest.raises(AdapterUnavailable, match=why):
            await delivered(door)
        assert door.bodies == []


async def test_a_page_for_people_is_not_taken_for_an_account() -> None:
    async with a_door() as door:
        door.accounts = [web.Response(text="<html>Welcome</html>", content_type="text/html")]
        with pytest.raises(AdapterUnavailable, match="address of SES"):
            await delivered(door)


@pytest.mark.parametrize(
    ("status", "error"), [(429, "TooManyRequestsException"), (429, ""), (400, "Throttling"), (500, "")]
)
async def test_an_account_that_cannot_be_read_just_now_is_asked_for_again(status: int, error: str) -> None:
    async with a_door() as door:
        door.accounts = [of("throttled", status, error)]
        way = adapter(an_address(endpoint=door.url))
        with pytest.raises(AdapterUnavailable, match="could not be read"):
            await way.deliver([finished(RECIPIENT)])
        assert [*await way.deliver([finished(RECIPIENT)])] == [TAKEN]
        await way.aclose()


async def test_nobody_at_the_endpoint_is_no_fault_of_a_mail() -> None:
    way = adapter(an_address(endpoint="http://127.0.0.1:9"))
    with pytest.raises(AdapterUnavailable, match="could not be read"):
        await way.deliver([finished(RECIPIENT)])
    await way.aclose()


def rented(fetch: Callable[[], dict[str, str]], left: timedelta, clock: FakeClock | None = None) -> Any:
    """Keys of a role, which run out."""
    now = clock.now if clock else lambda: datetime.now(UTC)
    return RefreshableCredentials(KEY, SECRET, "first", now() + left, fetch, "test", now)


async def test_keys_of_a_role_are_renewed_in_time_and_their_token_goes_along() -> None:
    fetched: list[str] = []

    def fetch() -> dict[str, str]:
        fetched.append("")
        until = (datetime.now(UTC) + timedelta(hours=6)).isoformat()
        return {"access_key": "ASIA2", "secret_key": "other", "token": "second", "expiry_time": until}

    signature = await a_signature(rented(fetch, timedelta(hours=6)))
    assert signature.headers("GET", ACCOUNT, b"")["X-Amz-Security-Token"] == "first"
    await signature.renew()
    assert fetched == []
    signature = await a_signature(rented(fetch, timedelta(minutes=5)))
    await asyncio.gather(signature.renew(), signature.renew())
    assert len(fetched) == 1
    assert signature.headers("GET", ACCOUNT, b"")["X-Amz-Security-Token"] == "second"


async def test_keys_that_run_out_while_we_send_are_renewed() -> None:
    clock = FakeClock()

    def fetch() -> dict[str, str]:
        until = (clock.now() + timedelta(hours=6)).isoformat()
        return {"access_key": "ASIA2", "secret_key": "other", "token": "second", "expiry_time": until}

    signature = await a_signature(rented(fetch, timedelta(hours=6), clock))
    clock.advance(timedelta(hours=5, minutes=55))
    assert signature.headers("GET", ACCOUNT, b"")["X-Amz-Security-Token"] == "first"
    await signature.renew()
    assert signature.headers("GET", ACCOUNT, b"")["X-Amz-Security-Token"] == "second"


async def test_keys_that_cannot_be_had_burn_no_mail() -> None:
    def fetch() -> dict[str, str]:
        raise CredentialRetrievalError(provider="role", error_msg="arn:aws:iam::123456789012:role/eva")

    with pytest.raises(AdapterUnavailable, match="CredentialRetrievalError") as fault:
        await a_signature(rented(fetch, timedelta(minutes=-1)))
    assert "123456789012" not in str(fault.value)


async def test_the_signature_is_for_the_region_and_changes_with_the_body() -> None:
    signature = await a_signature()
    one, other = signature.headers("POST", SEND, b"{}"), signature.headers("POST", SEND, b"[]")
    assert f"Credential={KEY}/" in one["Authorization"]
    assert "/eu-west-1/ses/aws4_request" in one["Authorization"]
    assert SECRET not in repr(one)
    assert one["Authorization"] != other["Authorization"]


@pytest.fixture
def nothing_of_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine on which AWS finds nothing, whatever the developer has."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_DEFAULT_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return monkeypatch


def test_a_key_is_needed_at_start(nothing_of_aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no AWS credentials"):
        adapter(an_address(key="", secret=""))


@pytest.mark.parametrize(("key", "secret", "named"), [(KEY, "", "password"), ("", SECRET, "api_key")])
def test_half_a_key_is_refused_at_start(key: str, secret: str, named: str) -> None:
    with pytest.raises(ConfigError, match=rf"adapters\.main\.{named}"):
        adapter(an_address(key=key, secret=secret))


@pytest.mark.parametrize(("key", "secret"), [("AKIA 1", SECRET), (KEY, "se\ncret"), ("schlüssel", SECRET)])
def test_what_is_no_key_is_refused_at_start_without_repeating_it(key: str, secret: str) -> None:
    with pytest.raises(ConfigError) as fault:
        adapter(an_address(key=key, secret=secret))
    assert key not in str(fault.value)
    assert secret not in str(fault.value)


async def test_keys_come_from_the_environment_where_none_are_configured(nothing_of_aws: pytest.MonkeyPatch) -> None:
    nothing_of_aws.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    nothing_of_aws.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    async with a_door() as door:
        way = adapter(an_address(key="", secret="", endpoint=door.url))
        assert [*await way.deliver([finished(RECIPIENT)])] == [TAKEN]
        await way.aclose()
    assert "Credential=AKIAENVIRONMENT/" in door.headers[0]["Authorization"]
    assert door.signed == [True, True]


async def test_keys_and_region_come_from_a_profile(nothing_of_aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = f"[profile mail]\nregion = eu-north-1\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = {SECRET}\n"
    (tmp_path / "config").write_text(text, "utf-8")
    async with a_door() as door:
        way = adapter(an_address("", key="", secret="", endpoint=door.url, options={"profile": "mail"}))
        assert [*await way.deliver([finished(RECIPIENT)])] == [TAKEN]
        await way.aclose()
    assert "Credential=AKIAPROFILE/" in door.headers[0]["Authorization"]
    assert "/eu-north-1/ses/" in door.headers[0]["Authorization"]
    with pytest.raises(ConfigError, match="ProfileNotFound"):
        adapter(an_address(key="", secret="", options={"profile": "other"}))
    with pytest.raises(ConfigError, match="access key already"):
        adapter(an_address(options={"profile": "mail"}))


@pytest.mark.parametrize(
    ("place", "host"),
    [
        ("eu-west-1", "https://email.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "https://email.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "https://email.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_region_names_the_host(place: str, host: str) -> None:
    assert exchange_of(adapter(an_address(place))).endpoint == host
    assert exchange_of(adapter(an_address(place, endpoint="http://127.0.0.1:9"))).endpoint == "http://127.0.0.1:9"


@pytest.mark.parametrize("place", ["", "europe", "eu-west-1/x", "a@b.example", "eu west 1"])
def test_a_region_of_aws_is_needed_at_start(place: str, nothing_of_aws: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"adapters\.main\.url") as fault:
        adapter(an_address(place))
    assert "@" not in str(fault.value)


@pytest.mark.parametrize(
    "options",
    [
        {"configurationset": "a"},
        {"configuration_set": ""},
        {"configuration_set": "a b"},
        {"configuration_set": "x" * 65},
        {"feedback": ""},
        {"feedback": "Eva <eva@nordlicht.example>"},
        {"dkim": "off"},
        {"sandbox": "maybe"},
        {"settings": "no"},
        {"connections": "0"},
        {"connections": "201"},
        {"connections": "x"},
        {"profile": "nobody"},
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_at_start(options: dict[str, str]) -> None:
    with pytest.raises(ConfigError):
        adapter(an_address(options=options))


def test_a_region_at_another_endpoint_is_of_its_form_all_the_same() -> None:
    way = adapter(an_address("local-1", endpoint="http://127.0.0.1:9"))
    assert exchange_of(way).endpoint == "http://127.0.0.1:9"
    with pytest.raises(ConfigError, match=r"adapters\.main\.url"):
        adapter(an_address("eu-west-1\r\nX: y", endpoint="http://127.0.0.1:9"))


def test_an_endpoint_in_the_clear_is_refused_at_start() -> None:
    with pytest.raises(ConfigError):
        adapter(an_address(endpoint="http://ses.example"))


def test_who_signs_and_what_is_lost_is_known_to_the_pipeline() -> None:
    esp = adapter(an_address()).capabilities
    assert (esp.dkim, esp.dkim_headers, esp.raw_message, esp.permission) == ("esp", None, True, "consent")
    assert {esp.idempotent, esp.envelope_sender, esp.null_sender, esp.message_id, esp.date, esp.smtputf8} == {False}
    assert esp.lost_headers == {"date", "message-id", "return-path"}
    ours = adapter(an_address(options={"dkim": "ours"})).capabilities
    assert ours.dkim == "ours"
    assert ours.dkim_headers is not None
    assert {"from", "to", "subject", "list-unsubscribe", "list-unsubscribe-post"} < ours.dkim_headers
    assert not {"message-id", "date", "return-path", "bounces-to"} & ours.dkim_headers


def test_the_entry_point_leads_to_the_adapter() -> None:
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8")
    assert '[project.entry-points."penstock.adapters"]\nses = "penstock_ses:adapter"' in text
    assert EntryPoint("ses", "penstock_ses:adapter", "penstock.adapters").load() is adapter
