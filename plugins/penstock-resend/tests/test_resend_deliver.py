from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from penstock.adapters.http import APART, HttpAdapter, HttpResponse
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.mail import Attachment, Mail, Message
from penstock.model.outcome import Accepted, Failed, TryLater, Uncertain
from penstock.ports import AdapterAddress
from penstock.testing import FakeClock
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import EspContract, finished
from penstock.testing.esps.resend import FakeResend
from penstock.testing.scripted_http import scripted_http
from penstock_resend import adapter
from penstock_resend.deliver import Resend
from penstock_resend.payload import payload

HERE = Path(__file__).parent
DESCRIPTION = json.loads((HERE / "description/resend.json").read_text(encoding="utf-8"))
ANNA, BO, CLEO = (finished(f"{name}@firm.example") for name in ("anna", "bo", "cleo"))
Reply = Callable[[str, Any], tuple[int, Any]]


def sample(name: str) -> Any:
    return json.loads((HERE / f"samples/{name}.json").read_text(encoding="utf-8"))


def an_adapter(endpoint: str = "", place: str = "", key: str = "test-key", **options: str) -> HttpAdapter:
    address = AdapterAddress("main", place, FakeClock(), options, lambda: key, endpoint=endpoint)
    return adapter(address)


class TestContract(EspContract):
    """What every ESP plugin promises; inherited."""

    lost = frozenset({"message-id", "date"})

    def fake(self) -> FakeEsp:
        return FakeResend()

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key=key)


class TestContractOneByOne(TestContract):
    """The same without batches."""

    def adapter(self, fake: FakeEsp, *, key: str = "test-key") -> HttpAdapter:
        return an_adapter(fake.url, key=key, batch="no")


class Server:
    """Answers as a test says, and keeps what was asked."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        self.domains: Any = sample("domains")
        self.domains_status = 200
        self.url = ""

    async def serve(self, request: web.Request) -> web.Response:
        text = await request.text()
        body = json.loads(text) if text else None
        self.asked.append((request.method, request.path_qs, dict(request.headers), body))
        if request.path == "/domains":
            domains = self.domains.pop(0) if isinstance(self.domains, list) else self.domains
            return web.json_response(domains, status=self.domains_status)
        status, answer = self.reply(request.path, body)
        headers = {"retry-after": "7"} if status == 429 else {}
        return web.json_response(answer, status=status, headers=headers)

    @property
    def sent(self) -> list[tuple[str, Any]]:
        return [(path, body) for method, path, _, body in self.asked if method == "POST"]


@asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[Server]:
    server = Server(reply)
    async with scripted_http(server.serve) as server.url:
        yield server


def taking(path: str, body: Any) -> tuple[int, Any]:
    if path == "/emails":
        return 200, sample("sent")
    return 200, {"data": [{"id": f"id-{number}"} for number in range(len(body))]}


async def deliver(server: Server, *mails: Mail, place: str = "", **options: str) -> list[Any]:
    way_out = an_adapter(server.url, place, **options)
    try:
        return list(await way_out.deliver(mails))
    finally:
        await way_out.aclose()


def item(mail: Mail, **how: Any) -> dict[str, Any]:
    made = payload(mail, **{"domain": "", "sandbox": False, "alone": True, **how})
    assert isinstance(made, dict), made
    return made


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value, by the published description; an unknown field is wrong, too."""
    if "oneOf" in schema:
        return min((faults(each, value) for each in schema["oneOf"]), key=len)
    types = {"object": dict, "array": list, "string": str, "boolean": bool}
    if not isinstance(value, types[schema["type"]]):
        return [f"{value!r} is no {schema['type']}"]
    if isinstance(value, list):
        too_many = [f"more than {schema['maxItems']}"] if len(value) > schema.get("maxItems", len(value)) else []
        return too_many + [fault for each in value for fault in faults(schema["items"], each)]
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        missing = [f"{name} is missing" for name in schema.get("required", ()) if name not in value]
        unknown = [f"{name} is not described" for name in value if name not in known]
        wrong = [fault for name in value if name in known for fault in faults(known[name], value[name])]
        return missing + unknown + wrong
    return []


def test_requests_keep_to_the_published_description() -> None:
    files = (
        Attachment("a.png", "image/png", b"\x00", cid="logo@nordlicht.example"),
        Attachment("b.pdf", "application/pdf", b"\x01"),
    )
    for mail in (ANNA, finished("anna@firm.example", html=None), finished("anna@firm.example", attachments=files)):
        assert faults(DESCRIPTION["request"], item(mail)) == []
    assert faults(DESCRIPTION["request"], {"from": "x", "to": 3, "colour": "red"})
    for name, part in (("sent", "answer"), ("batch", "batch_answer"), ("domains", "domains")):
        assert faults(DESCRIPTION[part], sample(name)) == []


def test_the_mail_becomes_fields() -> None:
    made = item(ANNA)
    assert made["from"] == '"Eva Berg, Nordlicht Software AB" <eva.berg@nordlicht.example>'
    assert made["to"] == ["anna@firm.example"]
    assert made["reply_to"] == ["eva.berg@nordlicht.example"]
    assert made["tags"] == [{"name": "penstock_mail_id", "value": ANNA.id}]
    headers = made["headers"]
    assert headers["List-Unsubscribe"] == f"<https://mail.nordlicht.example/u/{ANNA.id}>"
    assert headers["References"] == f"<{ANNA.id}.0123456789ab@nordlicht.example>"
    assert not {"message-id", "date", "from", "to", "subject"} & {name.lower() for name in headers}


def test_nothing_is_scheduled_and_no_topic_of_resend_decides() -> None:
    assert not {"scheduled_at", "topic_id", "template", "cc", "bcc"} & item(ANNA).keys()


def test_a_text_is_never_made_up_from_the_html() -> None:
    assert item(finished("anna@firm.example", text=""))["text"].strip() == ""


def with_headers(*more: tuple[str, str]) -> Mail:
    content = ANNA.content
    assert isinstance(content, Message)
    assert content.letter is not None
    return ANNA.with_content(replace(content, letter=content.letter.with_headers((*content.letter.headers, *more))))


def test_references_of_a_reply_stay_before_ours() -> None:
    made = item(with_headers(("References", "<one@firm.example>")))
    assert made["headers"]["References"].startswith(f"<one@firm.example> <{ANNA.id}.")


def test_header_values_beyond_ascii_are_encoded_words_and_keep_their_token() -> None:
    made = item(with_headers(("X-Place", "Malmö"), ("X-List", "Köp <a.list.nordlicht.example>")))
    place, name = made["headers"]["X-Place"], made["headers"]["X-List"]
    assert f"{place}{name}".isascii()
    assert str(make_header(decode_header(place))) == "Malmö"
    words, _, token = name.partition(" ")
    assert (str(make_header(decode_header(words))), token) == ("Köp", "<a.list.nordlicht.example>")


def test_files_are_base64_with_their_type_and_content_id() -> None:
    made = item(
        finished(
            "anna@firm.example",
            attachments=(Attachment("a.png", "image/png", b"\x00\xff", cid="logo@nordlicht.example"),),
        )
    )
    assert made["attachments"] == [
        {
            "filename": "a.png",
            "content": base64.b64encode(b"\x00\xff").decode(),
            "content_type": "image/png",
            "content_id": "logo@nordlicht.example",
        }
    ]


def in_envelope(**fields: str) -> Mail:
    return replace(ANNA, envelope=replace(ANNA.envelope, **fields))


@pytest.mark.parametrize(
    ("mail", "how", "why"),
    [
        (in_envelope(sender=""), {}, "empty return path"),
        (in_envelope(recipient="änna@firm.example"), {}, "ASCII"),
        (with_headers(("List-Id", "<again>")), {}, "two header fields"),
        (
            finished("anna@firm.example", calendar="BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"),
            {},
            "calendar",
        ),
        (replace(ANNA, id="no tag"), {}, "tag"),
        (ANNA, {"domain": "other.example"}, "domain"),
        (
            finished("anna@firm.example", attachments=(Attachment("a", "text/plain", b"a"),)),
            {"alone": False},
            "no attachments in a batch",
        ),
        (
            ANNA.with_content(Message(b"Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--\r\n")),
            {},
            "without loss",
        ),
    ],
)
def test_what_resend_cannot_express_fails_before_it_is_sent(mail: Mail, how: dict[str, Any], why: str) -> None:
    made = payload(mail, **{"domain": "", "sandbox": False, "alone": True, **how})
    assert isinstance(made, Failed)
    assert why in made.why
    assert "@" not in made.why


def test_more_than_40_mb_fail() -> None:
    big = finished("anna@firm.example", attachments=(Attachment("a", "text/plain", b"a" * 30_000_000),))
    answer = Resend("key").request([big])
    assert isinstance(answer, Failed)
    assert "40 MB" in answer.why


def test_the_same_request_has_the_same_key_and_another_has_another() -> None:
    esp = Resend("key")
    first, again, other, batch = (esp.request(mails) for mails in ([ANNA], [ANNA], [BO], [ANNA, BO]))
    keys = []
    for request in (first, again, other, batch):
        assert not isinstance(request, Failed)
        keys.append(request.headers["Idempotency-Key"])
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
    assert all(1 <= len(key) <= 256 for key in keys)
    assert not esp.capabilities.idempotent


@pytest.mark.parametrize("error", sample("errors"), ids=lambda error: f"{error['statusCode']}-{error['name']}")
async def test_every_documented_error_is_sorted(error: dict[str, Any]) -> None:
    async with serving(lambda path, body: (error["statusCode"], error)) as server:
        if error["means"] == "account":
            with pytest.raises(AdapterUnavailable) as raised:
                await deliver(server, ANNA)
            assert "@" not in str(raised.value)
            return
        (outcome,) = await deliver(server, ANNA)
    kinds = {"failed": Failed, "uncertain": Uncertain, "later": TryLater}
    assert isinstance(outcome, kinds[error["means"]])
    assert "@" not in repr(outcome)
    if error["statusCode"] == 429:
        assert isinstance(outcome, TryLater)
        assert outcome.after == timedelta(seconds=7)


async def test_a_refused_address_is_told_from_other_refusals() -> None:
    fault = {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}
    async with serving(lambda path, body: (422, fault)) as server:
        (outcome,) = await deliver(server, ANNA)
    assert outcome == Failed("Resend refused the mail: HTTP 422 validation_error, its address", "5.1.3")


async def test_three_mails_are_one_request() -> None:
    async with serving(taking) as server:
        outcomes = await deliver(server, ANNA, BO, CLEO)
    assert outcomes == [Accepted(f"id-{number}", "main") for number in range(3)]
    ((path, body),) = server.sent
    assert path == "/emails/batch"
    assert [each["to"] for each in body] == [["anna@firm.example"], ["bo@firm.example"], ["cleo@firm.example"]]


async def test_without_batches_each_mail_is_a_request() -> None:
    async with serving(taking) as server:
        await deliver(server, ANNA, BO, batch="no")
    assert [path for path, _ in server.sent] == ["/emails", "/emails"]


async def test_a_refused_batch_is_halved_until_the_mail_at_fault_stands_alone() -> None:
    def reply(path: str, body: Any) -> tuple[int, Any]:
        items = body if isinstance(body, list) else [body]
        if any("mail57@firm.example" in each["to"] for each in items):
            return 422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}
        return taking(path, body)

    mails = [finished(f"mail{number}@firm.example") for number in range(100)]
    async with serving(reply) as server:
        outcomes = await deliver(server, *mails)
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [number != 57 for number in range(100)]
    assert isinstance(outcomes[57], Failed)
    assert len(server.sent) <= 1 + 2 * 7


@pytest.mark.parametrize("place", range(8))
async def test_a_part_of_a_batch_that_is_refused_sends_no_other_part_twice(place: int) -> None:
    """The batch goes in parts because of one mail's file; another mail is why a part is refused."""
    taken: list[str] = []

    def reply(path: str, body: Any) -> tuple[int, Any]:
        items = body if isinstance(body, list) else [body]
        if any("bo@firm.example" in each["to"] for each in items):
            return 422, {"statusCode": 422, "name": "validation_error", "message": "Invalid `to` field."}
        taken.extend(each["to"][0] for each in items)
        return taking(path, body)

    mails = [finished(f"mail{number}@firm.example") for number in range(7)]
    mails[3] = finished("mail3@firm.example", attachments=(Attachment("a", "text/plain", b"a"),))
    mails.insert(place, BO)
    async with serving(reply) as server:
        outcomes = await deliver(server, *mails)
    assert sorted(taken) == [f"mail{number}@firm.example" for number in range(7)]
    assert [isinstance(outcome, Failed) for outcome in outcomes] == [number == place for number in range(8)]


async def test_a_mail_that_cannot_be_in_a_batch_goes_alone() -> None:
    filed = finished("dora@firm.example", attachments=(Attachment("a", "text/plain", b"a"),))
    async with serving(taking) as server:
        outcomes = await deliver(server, ANNA, filed, in_envelope(sender=""), BO)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted, Failed, Accepted]
    assert all(outcome is not APART for outcome in outcomes)
    with_files = [body for path, body in server.sent if path == "/emails" and "attachments" in body]
    assert [each["to"] for each in with_files] == [["dora@firm.example"]]


async def test_what_meets_a_closed_way_out_while_a_batch_is_halved_is_tried_later() -> None:
    def reply(path: str, body: Any) -> tuple[int, Any]:
        if isinstance(body, list) and len(body) == 4:
            return 422, {"statusCode": 422, "name": "missing_required_field", "message": "?"}
        if "bo@firm.example" in json.dumps(body):
            return 401, {"statusCode": 401, "name": "missing_api_key", "message": "?"}
        return taking(path, body)

    async with serving(reply) as server:
        outcomes = await deliver(server, ANNA, BO, CLEO, finished("dora@firm.example"))
    assert [type(outcome) for outcome in outcomes[:2]] == [TryLater, TryLater]
    assert not outcomes[0].attempt_used
    assert all(isinstance(outcome, Accepted | TryLater) for outcome in outcomes[2:])


async def test_a_name_of_an_error_that_is_not_documented_stays_out_of_our_words() -> None:
    async with serving(lambda path, body: (422, {"name": "anna@firm.example", "message": "?"})) as server:
        (outcome,) = await deliver(server, ANNA)
    assert outcome == Failed("Resend refused the mail: HTTP 422")


def read(count: int, answer: Any, status: int = 200) -> list[Any]:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return list(Resend("key").outcomes([ANNA] * count, HttpResponse(status, {}, body)))


def test_errors_inside_a_200_are_read_first() -> None:
    first, second, third = read(3, sample("batch_partly"))
    assert first == Accepted("ae2014de-c168-4c61-8267-70d2662a1ce1")
    assert isinstance(second, Failed)
    assert "@" not in second.why
    assert third == Accepted("5c36e5c3-2d0c-4a4f-9b3e-1d2f3a4b5c6d")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>Welcome</html>",
        b'{"data": [{"id": "a"}, {"i',
        [],
        {},
        {"data": None},
        {"data": [{"id": "a"}, {"id": "b"}]},
        {"data": [{"id": "a"}, {"id": "b"}, "c"]},
        {"data": [{"id": "a"}], "errors": [{"index": 1}]},
        {"data": [{"id": "a"}, {"id": "b"}], "errors": [{"index": 3}]},
        {"data": [{"id": "a"}, {"id": "b"}], "errors": [{"index": "1"}]},
        {"data": [{"id": "a"}], "errors": [{"index": 1}, {"index": 1}]},
        {"data": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "errors": [{"index": "1"}]},
        {"statusCode": 422, "name": "validation_error", "message": "in a 200"},
    ],
)
def test_a_200_that_does_not_add_up_is_uncertain(answer: Any) -> None:
    assert all(isinstance(outcome, Uncertain) for outcome in read(3, answer))


@pytest.mark.parametrize("answer", [{"id": ""}, {"id": 7}, {"id": "anna@firm.example"}, {"name": "validation_error"}])
def test_an_answer_without_an_id_of_resend_is_uncertain(answer: Any) -> None:
    (outcome,) = read(1, answer)
    assert isinstance(outcome, Uncertain)
    assert "@" not in outcome.why


@pytest.mark.parametrize("word", ["open_tracking", "click_tracking"])
@pytest.mark.parametrize("value", [True, None])
async def test_a_domain_that_tracks_is_not_used(word: str, value: bool | None) -> None:
    async with serving(taking) as server:
        server.domains["data"][0][word] = value
        with pytest.raises(AdapterUnavailable, match="tracking is on"):
            await deliver(server, ANNA)
        assert server.sent == []
        assert len(await deliver(server, ANNA, settings="unread")) == 1


async def test_only_the_named_domain_counts_and_all_pages_are_read() -> None:
    own, other = dict(sample("domains")["data"][0]), dict(sample("domains")["data"][0])
    other |= {"id": "first", "name": "other.example", "open_tracking": True}
    async with serving(taking) as server:
        server.domains = [{"data": [other], "has_more": True}, {"data": [own], "has_more": False}]
        await deliver(server, ANNA, place="nordlicht.example")
        assert [path for _, path, _, _ in server.asked[:2]] == ["/domains?limit=100", "/domains?limit=100&after=first"]
        server.domains = [{"data": [other], "has_more": False}]
        with pytest.raises(AdapterUnavailable, match="no such domain"):
            await deliver(server, ANNA, place="nordlicht.example")


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        (401, {"name": "restricted_api_key", "message": "?"}, "settings=unread"),
        (400, {"name": "validation_error", "message": "API key is invalid"}, "the key is refused"),
        (200, "a page for people", "not the address"),
        (404, {}, "not the address"),
        (429, {}, "could not be read"),
        (500, {}, "could not be read"),
    ],
)
async def test_settings_that_cannot_be_read_stop_the_way_out(status: int, answer: Any, why: str) -> None:
    async with serving(taking) as server:
        server.domains_status, server.domains = status, answer
        with pytest.raises(AdapterUnavailable, match=why):
            await deliver(server, ANNA)
        assert server.sent == []


async def test_a_passing_fault_while_settings_are_read_closes_nothing() -> None:
    async with serving(taking) as server:
        way_out = an_adapter(server.url)
        server.domains_status = 503
        with pytest.raises(AdapterUnavailable):
            await way_out.deliver([ANNA])
        server.domains_status = 200
        assert isinstance((await way_out.deliver([ANNA]))[0], Accepted)
        await way_out.aclose()


async def test_the_sandbox_turns_every_mail_to_resends_own_recipient() -> None:
    async with serving(taking) as server:
        await deliver(server, ANNA, BO, sandbox="yes")
    ((_, body),) = server.sent
    assert [each["to"] for each in body] == [["delivered@resend.dev"]] * 2
    assert "firm.example" not in json.dumps([each["to"] for each in body])


@pytest.mark.parametrize(
    ("place", "options", "key"),
    [
        ("", {"batches": "no"}, "k"),
        ("", {"batch": "maybe"}, "k"),
        ("", {"sandbox": "1"}, "k"),
        ("", {"settings": "off"}, "k"),
        ("not a domain", {}, "k"),
        ("", {}, ""),
        ("", {}, "two words"),
        ("", {}, "line\nbreak"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused_at_start(place: str, options: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigError):
        an_adapter("", place, key, **options)


def test_an_endpoint_in_the_clear_is_refused_unless_it_is_this_machine() -> None:
    with pytest.raises(ConfigError):
        an_adapter("http://api.firm.example")


async def test_a_consent_only_service_says_so() -> None:
    way_out = an_adapter()
    can = way_out.capabilities
    assert (can.permission, can.raw_message, can.message_id, can.date, can.null_sender) == (
        "consent", False, False, False, False,
    )  # fmt: skip
    await way_out.aclose()
