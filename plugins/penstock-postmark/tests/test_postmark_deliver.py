from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from penstock.adapters.http import APART, HttpAdapter, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Attachment, Envelope, Header, Mail, Message
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock, a_letter
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.postmark import FakePostmark
from penstock.testing.scripted_http import scripted_http
from penstock_postmark import adapter
from penstock_postmark.deliver import Postmark
from penstock_postmark.payload import MAIL_ID, payload

SAMPLES = Path(__file__).parent / "samples"
INVITATION = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
ANNA, BO, CLEO = (finished(f"{name}@firm.example") for name in ("anna", "bo", "cleo"))
Reply = Callable[[list[dict[str, Any]]], tuple[int, Any]]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


ERRORS: list[dict[str, Any]] = sample("errors")


def made(endpoint: str = "", key: str = "test-key", place: str = "", **options: str) -> HttpAdapter:
    return adapter(AdapterAddress("main", place, FakeClock(), options, lambda: key, endpoint=endpoint))


def taking(items: list[dict[str, Any]]) -> tuple[int, Any]:
    """Everybody is accepted, except `refused`, which is inactive."""
    answers: list[dict[str, Any]] = []
    for number, item in enumerate(items):
        if item["To"].startswith("refused@"):
            answers.append({"ErrorCode": 406, "Message": f"Found inactive addresses: {item['To']}."})
        else:
            answers.append({"To": item["To"], "MessageID": f"id-{number}", "ErrorCode": 0, "Message": "OK"})
    return 200, answers


def answering(status: int, answer: Any) -> Reply:
    return lambda items: (status, answer)


class Server:
    """Answers batches by a function and settings as told."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.url = ""
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.sent: list[list[dict[str, Any]]] = []
        self.headers: dict[str, str] = {}
        self.settings: dict[str, tuple[int, Any]] = {
            "/server": (200, sample("server")),
            "/message-streams/outbound": (200, sample("stream")),
        }

    async def serve(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path_qs, dict(request.headers)))
        if request.method == "GET":
            status, answer = self.settings.get(request.path, (404, {}))
        else:
            items = await request.json()
            self.sent.append(items)
            status, answer = self.reply(items)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return web.Response(status=status, text=text, content_type="application/json", headers=self.headers)


@asynccontextmanager
async def serving(reply: Reply = taking) -> AsyncIterator[Server]:
    server = Server(reply)
    async with scripted_http(server.serve) as server.url:
        yield server


async def deliver(server: Server, *mails: Mail, **options: str) -> Sequence[Outcome]:
    way_out = made(server.url, **options)
    try:
        outcomes = await way_out.deliver(mails)
    finally:
        await way_out.aclose()
    assert "@" not in repr(outcomes)
    return outcomes


class TestContract(EspContract):
    """What every ESP plugin promises; inherited."""

    lost = frozenset({"date"})

    def fake(self) -> FakeEsp:
        return FakePostmark()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return made(fake.url, key)


def asked(mail: Mail, stream: str = "outbound") -> dict[str, Any]:
    item = payload(mail, stream)
    assert isinstance(item, dict), item
    return item


def headers_of(mail: Mail) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in asked(mail)["Headers"]}


def refused(mail: Mail) -> Failed:
    answer = Postmark("k").request([mail])
    assert isinstance(answer, Failed)
    assert "@" not in answer.why
    return answer


def with_headers(*headers: Header) -> Mail:
    assert isinstance(ANNA.content, Message)
    assert ANNA.content.letter is not None
    letter = ANNA.content.letter
    return ANNA.with_content(Message(ANNA.content.data, letter.with_headers((*letter.headers, *headers))))


def test_a_mail_is_one_object_with_our_id_and_nothing_tracked() -> None:
    item = asked(ANNA)
    assert item["From"] == '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
    assert (item["To"], item["ReplyTo"]) == ("anna@firm.example", "eva.berg@nordlicht.example")
    assert item["Metadata"] == {"penstock_mail_id": ANNA.id}
    assert (item["TrackOpens"], item["TrackLinks"]) == (False, "None")
    assert item["MessageStream"] == "outbound"
    assert not {"Cc", "Bcc", "Tag", "Attachments"} & set(item)
    assert len(MAIL_ID) <= 20
    assert len(ANNA.id) <= 80


async def test_the_request_carries_the_token_and_goes_to_the_batch_path() -> None:
    async with serving() as server:
        await deliver(server, ANNA, BO, settings="unread")
    ((method, path, headers),) = server.asked
    assert (method, path) == ("POST", "/email/batch")
    assert headers["X-Postmark-Server-Token"] == "test-key"
    assert (headers["Accept"], headers["Content-Type"]) == ("application/json", "application/json")
    assert [item["To"] for item in server.sent[0]] == ["anna@firm.example", "bo@firm.example"]


def test_a_repeat_is_the_identical_request() -> None:
    first = Postmark("k").request([ANNA, BO])
    assert isinstance(first, HttpRequest)
    assert first == Postmark("k").request([ANNA, BO])


def test_our_headers_go_along_the_message_id_is_kept_and_references_name_the_mail() -> None:
    headers = headers_of(with_headers(("References", "<0@firm.example>"), ("In-Reply-To", "<0@firm.example>")))
    own = headers["Message-ID"]
    assert headers["X-PM-KeepID"] == "true"
    assert headers["References"] == f"{own} <0@firm.example>"
    assert headers["In-Reply-To"] == "<0@firm.example>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"] == f"<https://mail.nordlicht.example/u/{ANNA.id}>"
    assert headers_of(ANNA)["References"] == own


def test_without_a_message_id_nothing_is_kept_or_referred_to() -> None:
    headers = headers_of(ANNA.with_content(Message(b"", a_letter())))
    assert not {"Message-ID", "X-PM-KeepID", "References"} & set(headers)


def test_orders_to_postmark_and_traces_stay_out() -> None:
    names = (
        "X-PM-Tag",
        "x-pm-trackopens",
        "X-PM-Message-Stream",
        "X-PM-KeepID",
        "Received",
        "DKIM-Signature",
        "Sender",
    )
    headers = headers_of(with_headers(*((name, "value") for name in names)))
    assert not {name.lower() for name in headers} & ({name.lower() for name in names} - {"x-pm-keepid"})
    assert headers["X-PM-KeepID"] == "true"
    assert {name.lower() for name in names} <= Postmark.capabilities.lost_headers


@pytest.mark.parametrize("value", ["Grüße <liste.nordlicht.example>", "Grüße", "ü" * 60])
def test_header_values_beyond_ascii_are_encoded_here(value: str) -> None:
    sent = headers_of(with_headers(("X-Note", value)))["X-Note"]
    assert sent.isascii()
    assert "\n" not in sent
    assert str(make_header(decode_header(sent))).replace("> ", ">") == value
    assert sent.endswith(" <liste.nordlicht.example>") == ("<" in value)


def test_a_header_may_stand_twice() -> None:
    headers = [each["Value"] for each in asked(with_headers(("X-N", "a"), ("x-n", "b")))["Headers"]]
    assert headers.count("a") == headers.count("b") == 1


def test_text_alone_html_alone_and_both() -> None:
    assert {"TextBody", "HtmlBody"} <= set(asked(ANNA))
    assert "HtmlBody" not in asked(finished("anna@firm.example", html=None))
    assert "TextBody" not in asked(finished("anna@firm.example", text=""))


def test_attachments_and_images_have_their_forms() -> None:
    files = (
        Attachment("Preise – März.csv", "text/csv", b"a;b"),
        Attachment("logo.png", "image/png", b"\x89PNG", cid="logo@nordlicht.example"),
    )
    csv, logo = asked(finished("anna@firm.example", attachments=files))["Attachments"]
    assert (csv["Name"], csv["ContentType"], b64decode(csv["Content"])) == ("Preise – März.csv", "text/csv", b"a;b")
    assert "ContentID" not in csv
    assert logo["ContentID"] == "cid:logo@nordlicht.example"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("", "eva@nordlicht.example"),
        ("Eva Berg", "Eva Berg <eva@nordlicht.example>"),
        ("Berg, Eva", '"Berg, Eva" <eva@nordlicht.example>'),
        ('"Berg, Eva"', '"Berg, Eva" <eva@nordlicht.example>'),
        ('Eva "E" Berg', '"Eva \\"E\\" Berg" <eva@nordlicht.example>'),
    ],
)
def test_names_with_marks_are_quoted(name: str, sent: str) -> None:
    letter = a_letter(headers=(("From", f"{name} <eva@nordlicht.example>".strip()), ("Subject", "S")))
    assert asked(ANNA.with_content(Message(b"", letter)))["From"] == sent


def test_what_postmark_cannot_express_fails_before_it_leaves() -> None:
    assert "empty return path" in refused(replace(ANNA, envelope=Envelope("", "anna@firm.example"))).why
    assert refused(finished("änna@firm.example")).status == "5.6.7"
    assert "sender" in refused(ANNA.with_content(Message(b"", a_letter(headers=a_letter().headers[1:])))).why
    assert "body" in refused(finished("anna@firm.example", text="", html=None)).why
    assert "calendar" in refused(finished("anna@firm.example", calendar=INVITATION)).why
    assert "id" in refused(replace(ANNA, id="x" * 81)).why
    long = a_letter(headers=(*a_letter().headers[:2], ("Subject", "x" * 2001)))
    assert "2000" in refused(ANNA.with_content(Message(b"", long))).why
    assert refused(ANNA.with_content(Message(b"", a_letter(text="x" * 5_300_000)))).status == "5.3.4"
    image = Attachment("a.png", "image/png", b"a", cid="läufer")
    assert "Content-ID" in refused(ANNA.with_content(Message(b"", a_letter(attachments=(image,))))).why
    assert "surrogate" in refused(ANNA.with_content(Message(b"", a_letter(text="\ud800")))).why
    signed = b'From: eva@nordlicht.example\r\nContent-Type: multipart/signed; boundary="x"\r\n\r\n--x--\r\n'
    assert "taken apart" in refused(ANNA.with_content(Message(signed))).why


@pytest.mark.parametrize("text", ["{{{ pm:unsubscribe }}}", "{{pm:unsubscribe_url}}", "{{{PM:unsubscribe}}}"])
def test_a_placeholder_of_postmarks_own_link_is_not_sent(text: str) -> None:
    assert "placeholder" in refused(finished("anna@firm.example", text=text)).why
    assert "{{x}}" in asked(finished("anna@firm.example", text="{{x}} pm:x"))["TextBody"]


def test_a_mail_beyond_10_megabytes_is_not_tried() -> None:
    big = Attachment("big.bin", "application/octet-stream", bytes(8_000_000))
    assert refused(ANNA.with_content(Message(b"", a_letter(attachments=(big,))))).status == "5.3.4"


def test_capabilities_say_what_is_lost() -> None:
    can = Postmark.capabilities
    assert (can.permission, can.dkim, can.max_batch) == ("consent", "esp", 500)
    assert not any((can.idempotent, can.raw_message, can.envelope_sender, can.null_sender, can.date, can.smtputf8))


async def test_one_mail_that_cannot_be_expressed_fails_alone() -> None:
    bad = finished("bo@firm.example", calendar=INVITATION)
    async with serving() as server:
        outcomes = await deliver(server, ANNA, bad, CLEO)
    assert [type(each) for each in outcomes] == [Accepted, Failed, Accepted]
    assert sorted(item["To"] for batch in server.sent for item in batch) == ["anna@firm.example", "cleo@firm.example"]


async def test_a_batch_beyond_50_megabytes_goes_in_parts() -> None:
    big = Attachment("big.bin", "application/octet-stream", bytes(7_000_000))
    mails = [finished(f"p{n}@firm.example").with_content(Message(b"", a_letter(attachments=(big,)))) for n in range(6)]
    assert Postmark("k").request(mails) is APART
    async with serving() as server:
        outcomes = await deliver(server, *mails)
    assert all(isinstance(each, Accepted) for each in outcomes)
    assert [len(batch) for batch in server.sent] == [3, 3]


async def test_more_than_500_mails_are_several_requests() -> None:
    async with serving() as server:
        outcomes = await deliver(server, *[ANNA] * 501)
    assert sorted(len(batch) for batch in server.sent) == [1, 500]
    assert len(outcomes) == 501


async def test_accepted_with_postmarks_ids() -> None:
    async with serving(answering(200, sample("batch"))) as server:
        outcomes = await deliver(server, ANNA, BO, CLEO)
    assert isinstance(outcomes[1], Accepted)
    assert outcomes[1].receipt == "b7bc2f4a-e38e-4336-af7d-e6c392c2f817"
    assert len(set(outcomes)) == 3


async def test_errors_inside_200_are_read_mail_by_mail() -> None:
    async with serving(answering(200, sample("batch_partly"))) as server:
        first, second, third = await deliver(server, ANNA, BO, CLEO)
    assert isinstance(first, Accepted)
    assert isinstance(third, Accepted)
    assert second == Failed("Postmark's error 406: the recipient bounced, complained or unsubscribed there", "5.7.1")


@pytest.mark.parametrize(
    "answer",
    [
        "<html>hello</html>",
        "",
        "[" * 90_000,
        {},
        [],
        [{"ErrorCode": 0, "MessageID": "1"}],
        ["a", "b"],
        [{"ErrorCode": 0, "MessageID": "1"}] * 3,
        [{"MessageID": "1"}] * 2,
        [{"ErrorCode": "0", "MessageID": "1"}] * 2,
        [{"ErrorCode": False, "MessageID": "1"}] * 2,
        [{"ErrorCode": 0}] * 2,
        [{"ErrorCode": 0, "MessageID": "anna@firm.example"}] * 2,
        [{"ErrorCode": 0, "MessageID": "1", "To": to} for to in ("bo@firm.example", "anna@firm.example")],
    ],
)
async def test_an_answer_that_does_not_add_up_leaves_a_doubt(answer: Any) -> None:
    async with serving(answering(200, answer)) as server:
        outcomes = await deliver(server, ANNA, BO)
    assert [type(each) for each in outcomes] == [Uncertain, Uncertain]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error['code']}-{error['means']}")
async def test_each_documented_error_of_a_request_means_what_it_should(error: dict[str, Any]) -> None:
    body = {"ErrorCode": error["code"], "Message": error["message"]}
    async with serving(answering(error["status"], body)) as server:
        if error["means"] == "account":
            with pytest.raises(AdapterUnavailable):
                await deliver(server, ANNA, BO)
            assert len(server.sent) == 1
            return
        outcomes = await deliver(server, ANNA)
    kind = {"later": TryLater, "recipient": Failed, "failed": Failed, "uncertain": Uncertain}[error["means"]]
    assert isinstance(outcomes[0], kind)
    assert (getattr(outcomes[0], "code", None) is Code.INVALID_ADDRESS) == (error["means"] == "recipient")


@pytest.mark.parametrize(
    "error", [each for each in ERRORS if each["status"] < 500], ids=lambda error: f"{error['code']}-{error['means']}"
)
async def test_the_same_error_inside_200_burns_no_other_mail(error: dict[str, Any]) -> None:
    answer = [
        {"ErrorCode": 0, "MessageID": "1", "Message": "OK"},
        {"ErrorCode": error["code"], "Message": error["message"]},
    ]
    async with serving(answering(200, answer)) as server:
        first, second = await deliver(server, ANNA, BO)
    assert isinstance(first, Accepted)
    assert first.receipt == "1"
    assert isinstance(second, Failed if error["means"] in {"failed", "recipient"} else TryLater)


@pytest.mark.parametrize("code", [400, 405, 412, 413, 1235])
async def test_a_fault_of_the_account_in_every_item_closes_the_way_out(code: int) -> None:
    async with serving(answering(200, [{"ErrorCode": code, "Message": "?"}] * 2)) as server:
        way_out = made(server.url)
        for _ in range(2):
            with pytest.raises(AdapterUnavailable):
                await way_out.deliver([ANNA, BO])
        await way_out.aclose()
    assert len(server.sent) == 1


async def test_maintenance_or_pace_in_every_item_waits() -> None:
    async with serving(answering(200, [{"ErrorCode": 429, "Message": "?"}])) as server:
        (outcome,) = await deliver(server, ANNA)
    assert outcome == TryLater("Postmark's error 429: too much at once", timedelta(seconds=30), Code.RATE_BACKOFF)


async def test_too_much_at_once_waits_as_the_header_asks() -> None:
    async with serving(answering(429, {"ErrorCode": 429, "Message": "?"})) as server:
        server.headers, server.settings["/server"] = {"Retry-After": "7"}, (200, sample("server"))
        (outcome,) = await deliver(server, ANNA)
    assert isinstance(outcome, TryLater)
    assert outcome.after == timedelta(seconds=7)


async def test_a_batch_refused_as_a_whole_is_halved_until_the_mail_at_fault_stands_alone() -> None:
    def picky(items: list[dict[str, Any]]) -> tuple[int, Any]:
        bad = any(item["To"].startswith("bo@") for item in items)
        return (422, {"ErrorCode": 403, "Message": "?"}) if bad else taking(items)

    async with serving(picky) as server:
        outcomes = await deliver(server, ANNA, CLEO, BO, ANNA, CLEO)
    assert [type(each) for each in outcomes] == [Accepted, Accepted, Failed, Accepted, Accepted]
    assert outcomes[2] == Failed("Postmark's error 403: the JSON does not fit")


@pytest.mark.parametrize("place", range(8))
async def test_a_part_of_a_batch_that_is_refused_sends_no_other_part_twice(place: int) -> None:
    """The batch goes in parts because one mail cannot be expressed; another one is why a part is refused."""
    taken: list[str] = []

    def picky(items: list[dict[str, Any]]) -> tuple[int, Any]:
        if any(item["To"].startswith("bo@") for item in items):
            return 422, {"ErrorCode": 403, "Message": "?"}
        taken.extend(item["To"] for item in items)
        return taking(items)

    mails = [finished(f"p{number}@firm.example") for number in range(7)]
    mails[3] = finished("bad@firm.example", calendar=INVITATION)
    mails.insert(place, BO)
    async with serving(picky) as server:
        outcomes = await deliver(server, *mails)
    assert sorted(taken) == [f"p{number}@firm.example" for number in (0, 1, 2, 4, 5, 6)]
    sent = [mail.envelope.recipient for mail, each in zip(mails, outcomes, strict=True) if isinstance(each, Accepted)]
    assert sorted(sent) == sorted(taken)


async def test_a_half_that_finds_the_account_shut_does_not_lose_the_other() -> None:
    def shutting(items: list[dict[str, Any]]) -> tuple[int, Any]:
        if len(items) == 2:
            return 422, {"ErrorCode": 300, "Message": "?"}
        return taking(items) if items[0]["To"].startswith("anna") else (401, {"ErrorCode": 10, "Message": "?"})

    async with serving(shutting) as server:
        first, second = await deliver(server, ANNA, BO)
    assert isinstance(first, Accepted | TryLater)
    assert isinstance(second, TryLater)
    assert not second.attempt_used


@pytest.mark.parametrize(("status", "kind"), [(413, Failed), (400, Failed), (408, Uncertain), (425, Uncertain)])
async def test_answers_in_other_words_are_sorted_by_status(status: int, kind: type[Outcome]) -> None:
    async with serving(answering(status, "no JSON")) as server:
        (outcome,) = await deliver(server, ANNA)
    assert isinstance(outcome, kind)
    assert (getattr(outcome, "status", "") == "5.3.4") == (status == 413)


@pytest.mark.parametrize("status", [301, 404, 405, 406, 415])
async def test_a_server_that_speaks_something_else_burns_no_mail(status: int) -> None:
    async with serving(answering(status, "")) as server:
        with pytest.raises(AdapterUnavailable):
            await deliver(server, ANNA, BO)
    assert len(server.sent) == 1


@pytest.mark.parametrize("told", [{"TrackOpens": True}, {"TrackOpens": None}, {}])
async def test_a_server_that_counts_opens_or_does_not_tell_is_not_used(told: dict[str, Any]) -> None:
    server_settings = {key: value for key, value in sample("server").items() if key != "TrackOpens"} | told
    async with serving() as server:
        server.settings["/server"] = (200, server_settings)
        with pytest.raises(AdapterUnavailable, match="open tracking is on"):
            await deliver(server, ANNA)
        assert server.sent == []
        assert len(await deliver(server, ANNA, settings="unread")) == 1


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": "Postmark"}}, "manages unsubscribes"),
        ({"SubscriptionManagementConfiguration": {}}, "manages unsubscribes"),
        ({"SubscriptionManagementConfiguration": None}, "manages unsubscribes"),
        ({"MessageStreamType": "Inbound"}, "no stream to send through"),
        ({"ArchivedAt": "2026-01-01T00:00:00Z"}, "no stream to send through"),
    ],
)
async def test_a_stream_that_would_add_its_own_links_is_not_used(told: dict[str, Any], says: str) -> None:
    async with serving() as server:
        server.settings["/message-streams/outbound"] = (200, sample("stream") | told)
        with pytest.raises(AdapterUnavailable, match=says):
            await deliver(server, ANNA)
        assert server.sent == []


@pytest.mark.parametrize("kind", ["Custom", "custom", "none"])
async def test_a_broadcast_stream_whose_unsubscribes_are_ours_is_used_and_named_in_each_mail(kind: str) -> None:
    own = {"MessageStreamType": "Broadcasts", "SubscriptionManagementConfiguration": {"UnsubscribeHandlingType": kind}}
    async with serving() as server:
        server.settings["/message-streams/offers"] = (200, sample("stream") | own)
        await deliver(server, ANNA, stream="offers")
    assert server.sent[0][0]["MessageStream"] == "offers"


@pytest.mark.parametrize(
    ("path", "status", "answer", "says"),
    [
        ("/server", 401, {"ErrorCode": 10, "Message": "?"}, "token is refused"),
        ("/server", 200, "a page for people", "not the address"),
        ("/server", 404, {}, "not the address"),
        ("/server", 429, {}, "could not be read"),
        ("/server", 500, {}, "could not be read"),
        ("/message-streams/outbound", 422, {"ErrorCode": 1226, "Message": "?"}, "no such message stream"),
        ("/message-streams/outbound", 404, {}, "not the address"),
    ],
)
async def test_settings_that_cannot_be_read_stop_the_way_out(path: str, status: int, answer: Any, says: str) -> None:
    async with serving() as server:
        server.settings[path] = (status, answer)
        with pytest.raises(AdapterUnavailable, match=says):
            await deliver(server, ANNA)
        assert server.sent == []


async def test_a_passing_fault_while_settings_are_read_closes_nothing() -> None:
    async with serving() as server:
        way_out = made(server.url)
        server.settings["/server"] = (503, {})
        with pytest.raises(AdapterUnavailable):
            await way_out.deliver([ANNA])
        server.settings["/server"] = (200, sample("server"))
        assert isinstance((await way_out.deliver([ANNA]))[0], Accepted)
        await way_out.aclose()


async def test_the_sandbox_uses_postmarks_test_token_and_reads_no_settings() -> None:
    async with serving(answering(200, sample("sandbox"))) as server:
        (outcome,) = await deliver(server, ANNA, sandbox="yes")
    assert isinstance(outcome, Accepted)
    assert [headers["X-Postmark-Server-Token"] for _, _, headers in server.asked] == ["POSTMARK_API_TEST"]


@pytest.mark.parametrize(
    ("place", "options", "key"),
    [
        ("", {"streams": "a"}, "k"),
        ("", {"stream": ""}, "k"),
        ("", {"stream": "a/b"}, "k"),
        ("", {"sandbox": "1"}, "k"),
        ("", {"settings": "off"}, "k"),
        ("", {"connections": "0"}, "k"),
        ("", {"connections": "201"}, "k"),
        ("", {"connections": "²"}, "k"),
        ("somewhere", {}, "k"),
        ("", {}, ""),
        ("", {}, "two words"),
        ("", {}, "schlüssel"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_start(place: str, options: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigError):
        made(key=key, place=place, **options)


def test_it_is_found_through_its_entry_point() -> None:
    (point,) = [point for point in entry_points(group="penstock.adapters") if point.name == "postmark"]
    assert point.load() is adapter


def test_an_answer_is_read_as_octets_of_any_kind() -> None:
    esp = Postmark("k")
    assert esp.refusal(HttpResponse(422, {}, b"\xff")) is None
    assert esp.outcomes([ANNA], HttpResponse(422, {}, b"null")) == [Failed("HTTP 422: Postmark refuses the mail")]
