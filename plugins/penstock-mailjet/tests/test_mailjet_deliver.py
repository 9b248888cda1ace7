from __future__ import annotations

import json
import tomllib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web

from penstock.adapters.http import APART, HttpAdapter, HttpRequest, HttpResponse, Refusal
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Attachment, Envelope, Header, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock, a_letter
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.mailjet import FakeMailjet
from penstock.testing.scripted_http import scripted_http
from penstock_mailjet import adapter
from penstock_mailjet.deliver import Mailjet
from penstock_mailjet.payload import payload

SAMPLES = Path(__file__).parent / "samples"
TRACKING = {"TrackOpens": "disabled", "TrackClicks": "disabled"}


def made(
    endpoint: str = "", key: str = "test-key", secret: str = "test-secret", place: str = "", **options: str
) -> HttpAdapter:
    address = AdapterAddress("main", place, FakeClock(), options, lambda: key, lambda: secret, endpoint)
    return adapter(address)


class TestContract(EspContract):
    """What every ESP plugin promises, against the bundled fake."""

    lost: ClassVar[frozenset[str]] = frozenset({"list-id", "message-id", "date"})

    def fake(self) -> FakeEsp:
        return FakeMailjet()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return made(fake.url, key)


def sample(name: str) -> HttpResponse:
    found = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return HttpResponse(found["status"], found["headers"], json.dumps(found["body"]).encode())


def asked(mail: Mail) -> dict[str, Any]:
    item = payload(mail)
    assert isinstance(item, bytes), item
    found: dict[str, Any] = json.loads(item)
    return found


def refused(mail: Mail) -> Failed:
    answer = payload(mail)
    assert isinstance(answer, Failed)
    assert "@" not in answer.why
    return answer


def with_headers(*headers: Header) -> Mail:
    mail = finished("anna@firm.example")
    assert isinstance(mail.content, Message)
    assert mail.content.letter is not None
    letter = mail.content.letter
    return mail.with_content(Message(mail.content.data, letter.with_headers((*letter.headers, *headers))))


def three() -> list[Mail]:
    return [finished(f"{local}@firm.example") for local in ("anna", "bo", "cy")]


class Server:
    """Answers what it is told to, or each mail with success, and remembers what was asked."""

    def __init__(self, *answers: HttpResponse) -> None:
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        assert (request.method, request.path) == ("POST", "/v3.1/send")
        messages = json.loads(await request.read())["Messages"]
        self.asked.append([message["To"][0]["Email"] for message in messages])
        answer = self.answers.pop(0) if self.answers else taken(messages)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


def taken(messages: Sequence[Mapping[str, Any]]) -> HttpResponse:
    answers = [
        {"Status": "success", "CustomID": each["CustomID"], "To": [{"Email": "x", "MessageID": number}]}
        for number, each in enumerate(messages, 1)
    ]
    return HttpResponse(200, {"content-type": "application/json"}, json.dumps({"Messages": answers}).encode())


@asynccontextmanager
async def answering(*answers: HttpResponse) -> AsyncIterator[Server]:
    server = Server(*answers)
    async with scripted_http(server.serve) as server.url:
        yield server


async def outcomes_of(mails: Sequence[Mail], *answers: HttpResponse, **options: str) -> Sequence[Outcome]:
    async with answering(*answers) as server:
        sending = made(server.url, **options)
        try:
            outcomes = await sending.deliver(mails)
        finally:
            await sending.aclose()
        assert "@" not in repr(outcomes)
        return outcomes


async def outcome_of(answer: HttpResponse, **options: str) -> Outcome:
    (outcome,) = await outcomes_of([finished("anna@firm.example")], answer, **options)
    return outcome


def answer_with(status: int, **message: Any) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps({"Messages": [message]}).encode())


def an_error(code: Any = "mj-0003", status: Any = 400, related: Any = ()) -> dict[str, Any]:
    return {"ErrorCode": code, "StatusCode": status, "ErrorRelatedTo": list(related), "ErrorMessage": "anna@firm"}


def test_a_mail_is_one_message_with_our_id_and_nothing_tracked() -> None:
    mail = finished("anna@firm.example")
    found = asked(mail)
    assert found["To"] == [{"Email": "anna@firm.example"}]
    assert found["From"] == {"Email": "eva.berg@nordlicht.example", "Name": "Eva Berg, Nordlicht Software AB"}
    assert found["ReplyTo"] == {"Email": "eva.berg@nordlicht.example"}
    assert found["CustomID"] == mail.id
    assert {name: found[name] for name in TRACKING} == TRACKING
    assert set(found) == {
        *("From", "To", "ReplyTo", "Subject", "TextPart", "HTMLPart", "TrackOpens", "TrackClicks"),
        *("Headers", "CustomID"),
    }


def test_without_html_tracking_is_not_named_because_it_may_not_be() -> None:
    assert not {"HTMLPart", *TRACKING} & set(asked(finished("anna@firm.example", html=None)))
    assert "TextPart" not in asked(finished("anna@firm.example", text=""))


def test_the_request_holds_all_messages_in_order_under_both_keys() -> None:
    request = Mailjet("key", "secret").request(three())
    assert isinstance(request, HttpRequest)
    assert (request.method, request.path) == ("POST", "/v3.1/send")
    assert request.headers == {
        "Authorization": f"Basic {b64encode(b'key:secret').decode()}",
        "Content-Type": "application/json",
    }
    found = json.loads(request.body)
    assert [message["To"][0]["Email"][0] for message in found["Messages"]] == ["a", "b", "c"]
    assert set(found) == {"Messages"}
    assert Mailjet("key", "secret").request(three()) == request


def test_our_headers_go_along_and_references_name_the_mail() -> None:
    mail = with_headers(("In-Reply-To", "<0@firm.example>"), ("References", "<0@firm.example>"))
    assert isinstance(mail.content, Message)
    assert mail.content.letter is not None
    own = mail.content.letter.header("Message-ID")
    headers = asked(mail)["Headers"]
    assert headers["References"] == f"<0@firm.example> {own}"
    assert headers["In-Reply-To"] == "<0@firm.example>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["Feedback-ID"] == "a1b2c3:prospecting::psdeadbeef"
    assert asked(finished("anna@firm.example"))["Headers"]["References"] == own


def test_headers_that_mailjet_refuses_or_obeys_stay_out() -> None:
    names = ("X-Mailer", "User-Agent", "X-Feedback-Id", "X-Mailjet-TrackOpen", "X-MJ-TemplateLanguage", "Received")
    headers = asked(with_headers(*((name, "1") for name in names)))["Headers"]
    assert not {name.lower() for name in headers} & {*(name.lower() for name in names), "message-id", "date", "list-id"}
    assert {"message-id", "date", "list-id", "sender", "x-mailer"} <= Mailjet.capabilities.lost_headers
    assert not {"from", "to", "subject", "reply-to", "list-unsubscribe"} & Mailjet.capabilities.lost_headers


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("Grüße <liste.nordlicht.example>", "=?utf-8?b?R3LDvMOfZQ==?= <liste.nordlicht.example>"),
        ("Grüße", "=?utf-8?b?R3LDvMOfZQ==?="),
    ],
)
def test_header_values_beyond_ascii_are_encoded_here(value: str, sent: str) -> None:
    assert asked(with_headers(("X-Note", value)))["Headers"]["X-Note"] == sent


def test_attachments_and_images_have_their_forms() -> None:
    files = (
        Attachment("Preise.csv", "text/csv", b"a;b"),
        Attachment("logo.png", "image/png", b"\x89PNG", cid="logo@nordlicht.example"),
    )
    found = asked(finished("anna@firm.example", attachments=files))
    (csv,), (logo,) = found["Attachments"], found["InlinedAttachments"]
    assert (csv["ContentType"], csv["Filename"], b64decode(csv["Base64Content"])) == ("text/csv", "Preise.csv", b"a;b")
    assert "ContentID" not in csv
    assert (logo["ContentID"], b64decode(logo["Base64Content"])) == ("logo@nordlicht.example", b"\x89PNG")


def replying_to(value: str) -> Mail:
    letter = a_letter()
    return finished("anna@firm.example").with_content(
        Message(b"", letter.with_headers((*letter.headers, ("Reply-To", value))))
    )


def test_one_reply_address_goes_with_its_name() -> None:
    name = "Berg, Eva"
    found = asked(replying_to(f"{name} <eva@nordlicht.example>"))
    assert found["ReplyTo"] == {"Email": "eva@nordlicht.example", "Name": name}
    assert "ReplyTo" not in asked(finished("anna@firm.example").with_content(Message(b"", a_letter())))


@pytest.mark.parametrize(
    "value",
    [
        "Eva <eva@nordlicht.example>, Bo <bo@nordlicht.example>",
        "eva@nordlicht.example, bo@nordlicht.example",
        "eva@nordlicht.example, Bo <bo@nordlicht.example>",
    ],
)
def test_several_reply_addresses_cannot_be_said(value: str) -> None:
    assert "Reply-To" in refused(replying_to(value)).why


def test_what_mailjet_has_no_words_for_fails_before_it_leaves() -> None:
    mail = finished("anna@firm.example")
    whole = a_letter()
    subject = whole.with_headers(tuple((n, "x" * 256 if n == "Subject" else v) for n, v in whole.headers))
    file = Attachment("a.csv", "text/csv", b"a")
    assert "return path" in refused(replace(mail, envelope=Envelope("", "anna@firm.example"))).why
    assert "ASCII" in refused(finished("änna@firm.example")).why
    assert "contact list" in refused(finished("k7w2x@Lists.Mailjet.com")).why
    assert "names no sender" in refused(mail.with_content(Message(b"", whole.with_headers(whole.headers[1:])))).why
    assert "without a text" in refused(finished("anna@firm.example", text="", html=None)).why
    assert "255" in refused(mail.with_content(Message(b"", subject))).why
    assert (
        "calendar"
        in refused(finished("anna@firm.example", calendar="BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n")).why
    )
    assert "one of each" in refused(with_headers(("x-note", "a"), ("X-Note", "b"))).why
    assert "50 header" in refused(with_headers(*((f"X-N{n}", "1") for n in range(50)))).why
    assert "50 attachments" in refused(finished("anna@firm.example", attachments=(file,) * 51)).why
    assert "without content" in refused(finished("anna@firm.example", attachments=(replace(file, data=b""),))).why
    assert "surrogate" in refused(mail.with_content(Message(b"", a_letter(text="\ud800")))).why
    signed = b'From: eva@nordlicht.example\r\nContent-Type: multipart/signed; boundary="x"\r\n\r\n--x--\r\n'
    assert "taken apart" in refused(mail.with_content(Message(signed))).why


def test_attachments_beyond_15_megabytes_are_not_tried() -> None:
    big = Attachment("big.bin", "application/octet-stream", bytes(7_500_001))
    letter = a_letter(attachments=(big, big))
    assert refused(finished("anna@firm.example").with_content(Message(b"", letter))).status == "5.3.4"


def test_capabilities_say_what_is_lost() -> None:
    can = Mailjet.capabilities
    assert (can.permission, can.dkim, can.max_batch) == ("consent", "esp", 50)
    assert not any((can.idempotent, can.raw_message, can.envelope_sender, can.null_sender, can.date, can.message_id))


async def test_accepted_with_mailjets_id_of_the_message() -> None:
    assert await outcome_of(sample("accepted")) == Accepted("70650219165027401", "main")


async def test_in_the_sandbox_a_mail_is_checked_and_not_sent() -> None:
    request = Mailjet("key", "secret", sandbox=True).request(three())
    assert isinstance(request, HttpRequest)
    assert json.loads(request.body)["SandboxMode"] is True
    assert await outcome_of(sample("sandbox"), sandbox="yes") == Accepted("sandbox", "main")
    assert isinstance(await outcome_of(sample("sandbox")), Uncertain)


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(200, {}, b""),
        HttpResponse(200, {}, b"<html>hello</html>"),
        HttpResponse(200, {}, b"[]"),
        HttpResponse(200, {}, b'{"Messages": []}'),
        HttpResponse(200, {}, b'{"Messages": {}}'),
        HttpResponse(200, {}, b'{"Messages": [1]}'),
        HttpResponse(200, {}, b"[" * 90_000),
        answer_with(200),
        answer_with(200, Status="queued"),
        answer_with(200, Status="error"),
        answer_with(200, Status="error", Errors=[1]),
        answer_with(200, Status="success"),
        answer_with(200, Status="success", To=[]),
        answer_with(200, Status="success", To=[{"MessageID": "x"}]),
        answer_with(200, Status="success", To=[{"MessageID": True}]),
        answer_with(200, Status="success", To=[{"MessageID": 1}, {"MessageID": 2}]),
        answer_with(200, Status="success", To=[{"MessageID": 1}], Errors=[an_error()]),
        answer_with(200, Status="success", To=[{"MessageID": 1}], CustomID="another"),
        answer_with(400, Status="error", Errors=[an_error("mj-0099", 500)]),
        sample("partly"),
        sample("server_error"),
        HttpResponse(502, {}, b""),
        HttpResponse(408, {}, b""),
        HttpResponse(409, {}, b""),
    ],
)
async def test_an_answer_that_is_not_mailjets_leaves_a_doubt(answer: HttpResponse) -> None:
    assert isinstance(await outcome_of(answer), Uncertain)


@pytest.mark.parametrize(
    ("name", "status", "code", "says"),
    [
        ("bad_recipient", "5.1.3", Code.INVALID_ADDRESS, "recipient"),
        ("bad_sender_address", "", None, "(mj-0013, From.Email)"),
        ("two_errors", "", None, "(mj-0004, mj-0005, HTMLPart, TemplateID, To)"),
        ("no_content", "", None, "send-0003"),
        ("forbidden_header", "", None, '(send-0011, Headers["Message-Id"])'),
        ("long_subject", "", None, "(mj-0006, Subject)"),
        ("too_many", "", None, "(mj-0008, Attachments)"),
        ("malformed", "", None, "HTTP 400 mj-0002"),
        ("too_large", "5.3.4", None, "mj-0011"),
    ],
)
async def test_a_mail_that_is_refused_has_failed(name: str, status: str, code: Code | None, says: str) -> None:
    outcome = await outcome_of(sample(name))
    assert isinstance(outcome, Failed)
    assert (outcome.status, outcome.code) == (status, code)
    assert says in outcome.why


@pytest.mark.parametrize("body", [b"", b"no", b"[]", b'{"ErrorCode":7}', b"\xff", b"null", b'{"Messages":[]}'])
async def test_an_error_in_other_words_has_failed_too(body: bytes) -> None:
    assert await outcome_of(HttpResponse(400, {}, body)) == Failed("HTTP 400: Mailjet refuses the request")


async def test_codes_and_fields_that_are_no_names_are_not_repeated() -> None:
    error = an_error("anna@firm.example", "x", ["anna@firm.example", 7, 'Headers["anna@firm.example"]'])
    outcome = await outcome_of(answer_with(400, Status="error", Errors=[error, {"ErrorRelatedTo": "To"}]))
    assert outcome == Failed("Mailjet refuses the mail")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wrong_key", "the key is refused"),
        ("suspended", "suspended"),
        ("unauthorised_sender", "not authorised"),
        ("sender_not_validated", "not validated"),
    ],
)
async def test_a_fault_of_the_account_closes_the_way_out_and_burns_no_mail(name: str, says: str) -> None:
    with pytest.raises(AdapterUnavailable, match=says):
        await outcome_of(sample(name))


@pytest.mark.parametrize("code", ["send-0006", "mj-0001", "another"])
def test_an_account_fault_of_every_mail_is_one_of_the_request(code: str) -> None:
    message = {"Status": "error", "Errors": [an_error(code, 403)]}
    body = json.dumps({"Messages": [message, message]}).encode()
    refusal = Mailjet("key", "secret").refusal(HttpResponse(200, {}, body))
    assert isinstance(refusal, Refusal)
    assert refusal.scope == "account"


def test_an_error_of_the_account_counts_whatever_the_status_below_500() -> None:
    body = json.dumps({"ErrorCode": "mj-0015", "StatusCode": 401}).encode()
    message = {"Status": "error", "Errors": [an_error("send-0008", 403)]}
    asking = Mailjet("key", "secret")
    assert asking.refusal(HttpResponse(400, {}, body)) == Refusal("account", "HTTP 400: the key is refused")
    assert asking.refusal(HttpResponse(200, {}, body)) is None
    assert asking.refusal(HttpResponse(500, {}, body)) is None
    assert asking.refusal(HttpResponse(502, {}, json.dumps({"Messages": [message]}).encode())) is None


async def test_a_mail_at_fault_itself_does_not_close_the_way_out() -> None:
    errors = [an_error("send-0008", 403, ["From"]), an_error("mj-0006", 400, ["Subject"])]
    outcome = await outcome_of(answer_with(403, Status="error", Errors=errors))
    assert outcome == Failed("Mailjet refuses the mail (mj-0006, send-0008, From, Subject)")


async def test_a_refused_mail_does_not_make_the_others_fail() -> None:
    first, second, third = await outcomes_of(three(), sample("partly"))
    assert (first, third) == (Accepted("70650219165027401", "main"), Accepted("70650219165027402", "main"))
    assert second == Failed("mj-0013: Mailjet refuses the recipient's address", "5.1.3", Code.INVALID_ADDRESS)


async def test_a_forbidden_sender_among_others_does_not_send_the_others_again() -> None:
    """The status 403 is that of one mail: the others were taken, and the way out stays open."""
    async with answering(sample("partly_forbidden")) as server:
        sending = made(server.url)
        first, second = await sending.deliver(three()[:2])
        assert isinstance(first, Accepted)
        assert isinstance(second, TryLater)
        assert "not authorised" in second.why
        assert second.attempt_used
        (later,) = await sending.deliver(three()[2:])
        await sending.aclose()
        assert isinstance(later, Accepted)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 503])
@pytest.mark.parametrize("of_one", [401, 403, 429])
async def test_one_refused_mail_leaves_the_accepted_ones_accepted(status: int, of_one: int) -> None:
    good = {"Status": "success", "To": [{"Email": "x", "MessageID": 7}]}
    bad = {"Status": "error", "Errors": [an_error("mj-0029", of_one)]}
    body = json.dumps({"Messages": [good, bad, good]}).encode()
    async with answering(HttpResponse(status, {"retry-after": "900"}, body)) as server:
        sending = made(server.url)
        first, second, third = await sending.deliver(three())
        again = await sending.deliver(three())
        await sending.aclose()
    assert first == third == Accepted("7", "main")
    assert isinstance(second, TryLater)
    assert (second.code is Code.RATE_BACKOFF) == (of_one == 429)
    assert all(isinstance(outcome, Accepted) for outcome in again)  # nothing closed the way out
    assert len(server.asked) == 2


async def test_too_much_for_every_mail_is_too_much_for_the_request() -> None:
    body = json.dumps({"Messages": [{"Status": "error", "Errors": [an_error("mj-0029", 429)]}] * 3}).encode()
    outcomes = await outcomes_of(three(), HttpResponse(429, {"retry-after": "7"}, body))
    for outcome in outcomes:
        assert isinstance(outcome, TryLater)
        assert (outcome.after, outcome.code) == (timedelta(seconds=7), Code.RATE_BACKOFF)


async def test_too_much_at_once_may_concern_one_mail_or_all() -> None:
    outcome = await outcome_of(sample("rate_limited"))
    assert isinstance(outcome, TryLater)
    assert (outcome.after, outcome.code) == (timedelta(seconds=30), Code.RATE_BACKOFF)
    outcome = await outcome_of(answer_with(429, Status="error", Errors=[an_error("mj-0029", 429)]))
    assert isinstance(outcome, TryLater)
    assert outcome.code is Code.RATE_BACKOFF


async def test_too_few_answers_put_all_mails_in_doubt() -> None:
    assert len(Mailjet("key", "secret").outcomes(three(), sample("accepted"))) == 3
    for status in (200, 400, 403):
        answer = replace(sample("accepted"), status=status)
        assert all(isinstance(outcome, Uncertain) for outcome in await outcomes_of(three(), answer))


async def test_a_request_that_is_refused_as_a_whole_is_halved() -> None:
    async with answering(sample("too_large"), sample("malformed")) as server:
        sending = made(server.url)
        outcomes = await sending.deliver(three())
        await sending.aclose()
        assert [len(each) for each in server.asked[:1]] == [3]
        assert sorted(len(each) for each in server.asked[1:]) in ([1, 2], [1, 1, 1, 2])
        assert all(isinstance(outcome, Accepted | Failed) for outcome in outcomes)
        assert APART not in outcomes


async def test_a_mail_that_cannot_be_said_is_taken_out_of_its_request() -> None:
    mails = three()
    mails[1] = finished("änna@firm.example")
    async with answering() as server:
        sending = made(server.url)
        outcomes = await sending.deliver(mails)
        alone = await sending.deliver([mails[1]])
        await sending.aclose()
        assert server.asked == [["anna@firm.example"], ["cy@firm.example"]]
    assert [type(outcome) for outcome in outcomes] == [Accepted, Failed, Accepted]
    assert "ASCII" in repr(outcomes[1])
    assert alone == [outcomes[1]]


async def test_mails_beside_one_that_cannot_be_said_go_apart_if_they_are_refused_together() -> None:
    mails = [*three(), finished("änna@firm.example"), *three()]
    async with answering(sample("too_large"), sample("too_large")) as server:
        sending = made(server.url)
        outcomes = await sending.deliver(mails)
        await sending.aclose()
        assert [len(each) for each in server.asked[:2]] == [3, 1]
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds.count(Failed) == 2
    assert kinds.count(Accepted) == 5
    assert APART not in outcomes


async def test_mails_of_which_none_can_be_said_ask_nothing() -> None:
    async with answering() as server:
        sending = made(server.url)
        outcomes = await sending.deliver([finished(f"ä{n}@firm.example") for n in range(3)])
        await sending.aclose()
        assert server.asked == []
    assert all(isinstance(outcome, Failed) and "ASCII" in outcome.why for outcome in outcomes)


async def test_a_key_that_is_refused_midway_leaves_the_rest_for_later() -> None:
    async with answering(sample("malformed"), sample("wrong_key"), sample("wrong_key")) as server:
        sending = made(server.url)
        outcomes = await sending.deliver(three())
        await sending.aclose()
    assert all(isinstance(outcome, TryLater) and not outcome.attempt_used for outcome in outcomes)


async def test_50_mails_go_in_one_request() -> None:
    async with answering() as server:
        sending = made(server.url)
        outcomes = await sending.deliver([finished(f"p{n}@firm.example") for n in range(101)])
        await sending.aclose()
        assert sorted(map(len, server.asked)) == [1, 50, 50]
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)


@pytest.mark.parametrize(
    "options",
    [
        {"region": "eu"},
        {"sandbox": "maybe"},
        {"exclude": "maybe"},
        {"colour": "red"},
        {"place": "nordlicht.example"},
        {"key": ""},
        {"secret": ""},
        {"key": "two words"},
        {"key": "key:secret"},
        {"secret": "line\nbreak"},
        {"secret": "schlüssel"},
        {"endpoint": "http://api.mailjet.example"},
    ],
)
def test_what_cannot_be_meant_is_refused_at_start(options: Mapping[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**options)
    for secret in ("two words", "key:secret", "schlüssel"):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(("options", "host"), [({}, "api.mailjet.com"), ({"region": "us"}, "api.us.mailjet.com")])
def test_the_region_is_the_host(options: dict[str, str], host: str) -> None:
    assert made(**options)._exchange.endpoint == f"https://{host}"  # noqa: SLF001


def test_it_is_found_through_its_entry_point() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    point = EntryPoint("mailjet", project["entry-points"]["penstock.adapters"]["mailjet"], "penstock.adapters")
    assert point.load() is adapter
