"""The fake Mailgun refuses what the published description does not know, and answers in its shapes."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from penstock.model.event import EventKind
from penstock.testing.described import deviations
from penstock.testing.esp import Arrived, Happening, Mood, OnList
from penstock.testing.esp_contract import finished
from penstock.testing.esps.mailgun import FakeMailgun
from penstock.testing.esps.mailgun_fields import FIELDS, MIME_FIELDS, REQUIRED

DESCRIPTION = json.loads((Path(__file__).parents[2] / "esp/mailgun/description.json").read_text(encoding="utf-8"))
OPERATIONS = DESCRIPTION["operations"]
MESSAGES, WHOLE = "/v3/nordlicht.example/messages", "/v3/nordlicht.example/messages.mime"
EVENT, EVENT_FIELDS = DESCRIPTION["event"], DESCRIPTION["event_fields"]
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
EARLIER = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)
UNKNOWN_TYPE = {"type": "object"}
"""How the description writes a moment, although its examples are text."""
FIELDS_NOW = {
    "from": "Eva Berg <eva@nordlicht.example>",
    "to": "anna@firm.example",
    "subject": "Purchasing",
    "text": "Hello",
    "o:tracking": "no",
    "v:mail_id": "m1",
}
Part = tuple[str, str | bytes]


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    """What is wrong with a value, by the description; a field that is not described is wrong, too."""
    if UNKNOWN_TYPE in (schema, *schema.get("allOf", [])):
        return [] if isinstance(value, str) else [f"{value!r} is no text"]
    types = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int}
    found = [] if isinstance(value, types[schema["type"]]) else [f"{value!r} is no {schema['type']}"]
    if found:
        return found
    for part in schema.get("allOf", []):
        found += faults(part, value)
    if isinstance(value, dict) and "properties" in schema:
        found += [f"{name} is missing" for name in schema.get("required", []) if name not in value]
        found += [f"{name} is not described" for name in value if name not in schema["properties"]]
        for name in value.keys() & schema["properties"].keys():
            found += faults(schema["properties"][name], value[name])
    if isinstance(value, list):
        found += [fault for item in value for fault in faults(schema["items"], item)]
    return found


async def call(
    fake: FakeMailgun,
    method: str,
    path: str,
    parts: Iterable[Part] = (),
    *,
    key: str = "test-key",
    data: Any = None,
    described: str = "",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """Status and answer; `described` names the operation whose answers it must match."""
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in parts:
        form.add_field(name, value, filename=None if isinstance(value, str) else f"{name}.bin")
    auth = {"Authorization": aiohttp.encode_basic_auth("api", key)}
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, fake.url + path, data=data or (form if parts else None), headers={**auth, **(headers or {})}
        ) as got,
    ):
        text = await got.text()
        answer = json.loads(text) if got.content_type == "application/json" else text
    if described:
        assert faults(OPERATIONS[described]["responses"][str(got.status)], answer) == []
    return got.status, answer


async def send(fake: FakeMailgun, path: str = MESSAGES, *more: Part, **replaced: str | None) -> tuple[int, Any]:
    fields = {**(FIELDS_NOW if path == MESSAGES else {"to": "anna@firm.example", "v:mail_id": "m1"}), **replaced}
    parts: list[Part] = [(name, value) for name, value in fields.items() if value is not None]
    kind = "messages" if path == MESSAGES else "messages.mime"
    return await call(fake, "POST", path, [*parts, *more], described=f"POST /v3/{{domain_name}}/{kind}")


async def the_mail(replaced: Mapping[str, str | None], *more: Part, whole: bool = False) -> Arrived:
    async with FakeMailgun() as fake:
        status, answer = await send(fake, WHOLE if whole else MESSAGES, *more, **replaced)
        assert (status, answer["message"]) == (200, "Queued. Thank you."), answer
        (arrived,) = fake.arrived
    return arrived


def a_message(**letter: object) -> bytes:
    content: Any = finished("anna@firm.example", **letter).content
    assert isinstance(content.data, bytes)
    return content.data


def test_the_fields_are_those_of_the_description() -> None:
    for path, whole, known in (("messages", False, FIELDS), ("messages.mime", True, MIME_FIELDS)):
        form = OPERATIONS[f"POST /v3/{{domain_name}}/{path}"]["request"]["multipart/form-data"]
        examples = {"h:X-My-Header", "v:my-var"}
        described = {name: tuple(each.get("enum", ())) for name, each in form["properties"].items()}
        assert {name: words for name, words in described.items() if name not in examples} == dict(known)
        assert set(form["required"]) == set(REQUIRED[whole])


async def test_fields_become_the_mail() -> None:
    fields = {"html": "<p>Hello</p>", "h:Reply-To": "eva@nordlicht.example", "h:List-Id": "<l>"}
    arrived = await the_mail(fields, ("attachment", b"\x00\xff"))
    assert (arrived.recipient, arrived.subject, arrived.text, arrived.html) == (
        "anna@firm.example",
        "Purchasing",
        "Hello",
        "<p>Hello</p>",
    )
    assert (arrived.reply_to, arrived.headers["list-id"]) == ("eva@nordlicht.example", "<l>")
    assert arrived.attachments == (("attachment.bin", b"\x00\xff"),)
    assert (arrived.mail_id, arrived.tracking, arrived.raw) == ("m1", False, None)


async def test_a_finished_message_arrives_as_it_is() -> None:
    data = a_message(text="Grüße")
    arrived = await the_mail({"o:tracking": "no"}, ("message", data), whole=True)
    assert arrived.raw == data
    assert arrived.text.strip() == "Grüße"
    assert arrived.headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "eva.berg@nordlicht.example" in arrived.sender
    assert (arrived.mail_id, arrived.tracking) == ("m1", False)


async def test_the_answer_names_the_message_id_that_was_handed_in() -> None:
    async with FakeMailgun() as fake:
        _, answer = await send(fake, WHOLE, ("message", a_message()))
        assert answer["id"] == fake.arrived[0].headers["message-id"]
        assert answer["id"].endswith(".0123456789ab@nordlicht.example>")


@pytest.mark.parametrize(
    "replaced",
    [
        {"o:tracking": None},
        {"o:tracking": "yes"},
        {"o:tracking": "htmlonly"},
        {"o:tracking-opens": "yes"},
        {"o:tracking-clicks": "htmlonly"},
        {"o:tracking": None, "o:tracking-opens": "no"},
        {"text": "leave: %unsubscribe_url%"},
    ],
)
async def test_whatever_counts_or_adds_a_link_is_tracking(replaced: dict[str, str | None]) -> None:
    assert (await the_mail(replaced)).tracking


async def test_opens_and_clicks_may_be_switched_off_one_by_one() -> None:
    off: dict[str, str | None] = {"o:tracking": None, "o:tracking-opens": "false", "o:tracking-clicks": "no"}
    assert not (await the_mail(off)).tracking


async def test_a_domain_that_adds_its_unsubscribe_link_tracks() -> None:
    async with FakeMailgun() as fake:
        fake.tracking["unsubscribe"]["active"] = True
        await send(fake)
        assert fake.arrived[0].tracking


async def test_in_test_mode_nobody_gets_it() -> None:
    async with FakeMailgun() as fake:
        status, _ = await send(fake, **{"o:testmode": "yes"})
        assert (status, fake.arrived) == (200, [])


async def test_recipient_variables_make_single_mails() -> None:
    people = {"anna@firm.example": {"id": "m1", "name": "Anna"}, "bo@firm.example": {"id": "m2", "name": "Bo"}}
    async with FakeMailgun() as fake:
        await send(
            fake,
            to=", ".join(people),
            text="Hello %recipient.name% %recipient.other%",
            **{"recipient-variables": json.dumps(people), "v:mail_id": "%recipient.id%"},
        )
        first, second = fake.arrived
    assert (first.text, second.text) == ("Hello Anna %recipient.other%", "Hello Bo %recipient.other%")
    assert (first.mail_id, second.mail_id) == ("m1", "m2")
    assert (first.headers["to"], second.headers["to"]) == tuple(people)


async def test_without_recipient_variables_all_see_each_other() -> None:
    async with FakeMailgun() as fake:
        await send(fake, MESSAGES, ("to", "bo@firm.example"))
        assert [each.headers["to"] for each in fake.arrived] == ["anna@firm.example, bo@firm.example"] * 2


@pytest.mark.parametrize(
    ("replaced", "more", "word"),
    [
        ({"colour": "red"}, (), "unknown parameter"),
        ({"o:colour": "red"}, (), "unknown parameter"),
        ({"h:": "red"}, (), "unknown parameter"),
        ({"v:": "red"}, (), "unknown parameter"),
        ({"message": "red"}, (), "unknown parameter"),
        ({"from": None}, (), "from parameter is missing"),
        ({"subject": ""}, (), "subject parameter is missing"),
        ({"to": None}, (), "to parameter is missing"),
        ({"text": None}, (), "Need at least one"),
        ({"template": "welcome"}, (), "template not found"),
        ({"t:text": "yes"}, (), "need a template"),
        ({}, (("subject", "Again"),), "stands twice"),
        ({"attachment": "text"}, (), "not a file"),
        ({}, (("html", b"<p>"),), "is a file"),
        ({"to": "no address"}, (), "not a valid address"),
        ({"cc": "refused@firm.example"}, (), "not a valid address"),
        ({"to": ", ".join(f"p{n}@firm.example" for n in range(1001))}, (), "at most 1000"),
        ({"o:tracking": "maybe"}, (), "none of"),
        ({"o:testmode": "no"}, (), "none of"),
        ({"o:deliverytime": "tomorrow"}, (), "RFC 2822"),
        ({"o:deliver-within": "soon"}, (), "its form"),
        ({"o:deliverytime-optimize-period": "90h"}, (), "its form"),
        ({"o:secondary-dkim-public": "a.example/s1"}, (), "needs o:secondary-dkim"),
        ({"h:X-A": "a\nBcc: b@firm.example"}, (), "line break"),
        ({"v:long": "x" * 16 * 1024}, (), "16KB"),
        ({"recipient-variables": "{"}, (), "no JSON"),
        ({"recipient-variables": "[]"}, (), "no dictionary"),
    ],
)
async def test_what_breaks_the_description_is_refused(
    replaced: dict[str, str | None], more: tuple[Part, ...], word: str
) -> None:
    async with FakeMailgun() as fake:
        status, answer = await send(fake, MESSAGES, *more, **replaced)
        assert status == 400
        assert word in answer["message"]
        assert fake.refused == [answer["message"]]
        assert fake.arrived == []


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ((), "message parameter is missing"),
        ((("message", "From: a@b.example\r\n\r\nHello"),), "not a file"),
        ((("message", b"no message"),), "no MIME message"),
        ((("message", b"From: a@b.example\r\n\r\n"), ("subject", "Hello")), "unknown parameter"),
        ((("message", b"From: a@b.example\r\n\r\n"), ("html", "Hello")), "unknown parameter"),
    ],
)
async def test_a_finished_message_is_a_file_and_has_no_other_parts(parts: tuple[Part, ...], word: str) -> None:
    async with FakeMailgun() as fake:
        status, answer = await send(fake, WHOLE, *parts)
        assert status == 400
        assert word in answer["message"]


async def test_too_large_is_refused() -> None:
    async with FakeMailgun() as fake:
        huge = aiohttp.FormData(default_to_multipart=True)
        for name, value in FIELDS_NOW.items():
            huge.add_field(name, value)
        huge.add_field("attachment", io.BytesIO(b"x" * (25 * 1024 * 1024 + 1)), filename="a")
        status, answer = await call(fake, "POST", MESSAGES, data=huge)
        assert (status, answer) == (413, {"message": "the message is larger than 25 MB"})


async def test_json_unknown_headers_and_query_are_refused() -> None:
    async with FakeMailgun() as fake:
        json_type = {"Content-Type": "application/json"}
        assert (await call(fake, "POST", MESSAGES, data=b"{}", headers=json_type))[0] == 400
        parts = list(FIELDS_NOW.items())
        assert (await call(fake, "POST", MESSAGES, parts, headers={"Idempotency-Key": "k"}))[0] == 400
        assert (await call(fake, "POST", f"{MESSAGES}?to=x", parts))[0] == 400
        assert len(fake.refused) == 3


async def test_a_form_without_files_may_come_urlencoded_but_no_message() -> None:
    async with FakeMailgun() as fake:
        assert (await call(fake, "POST", MESSAGES, data=FIELDS_NOW))[0] == 200
        assert (await call(fake, "POST", WHOLE, data=FIELDS_NOW))[0] == 400


async def test_an_unknown_domain_or_path_is_told() -> None:
    async with FakeMailgun(domain="nordlicht.example") as fake:
        parts = list(FIELDS_NOW.items())
        assert (await call(fake, "POST", "/v3/other.example/messages", parts))[0] == 404
        assert (await call(fake, "POST", MESSAGES, parts))[0] == 200
        assert (await call(fake, "GET", "/v3/nordlicht.example/nothing"))[0] == 404
        assert await call(fake, "POST", "/v3") == (200, "Mailgun Magnificent API")


async def test_a_wrong_key_is_told_in_two_ways() -> None:
    async with FakeMailgun() as fake:
        sending, tracking = "POST /v3/{domain_name}/messages", "GET /v3/domains/{name}/tracking"
        parts = list(FIELDS_NOW.items())
        assert await call(fake, "POST", MESSAGES, parts, key="no", described=sending) == (401, "Forbidden")
        place = "/v3/domains/nordlicht.example/tracking"
        assert (await call(fake, "GET", place, key="no", described=tracking))[0] == 401
        assert fake.arrived == []


@pytest.mark.parametrize(
    ("mood", "status", "taken"),
    [(Mood.RATE_LIMIT, 429, 0), (Mood.BAD_KEY, 401, 0), (Mood.SERVER_ERROR, 500, 0), (Mood.ACCEPT_THEN_ERROR, 500, 1)],
)
async def test_moods_answer_as_described(mood: Mood, status: int, taken: int) -> None:
    async with FakeMailgun(moods=[mood]) as fake:
        got, answer = await send(fake)
        assert (got, len(fake.arrived)) == (status, taken)
        if status == 429:
            assert "try again after 7 seconds" in answer["message"]


async def test_tracking_settings_are_read_and_written() -> None:
    async with FakeMailgun() as fake:
        place, base = "/v3/domains/nordlicht.example/tracking", "/v3/domains/{name}/tracking"
        _, before = await call(fake, "GET", place, described=f"GET {base}")
        assert not any(before["tracking"][part]["active"] for part in ("open", "click", "unsubscribe"))
        for part, word in (("open", "true"), ("click", "htmlonly"), ("unsubscribe", "true")):
            status, _ = await call(fake, "PUT", f"{place}/{part}", [("active", word)], described=f"PUT {base}/{part}")
            assert status == 200
        _, after = await call(fake, "GET", place)
        assert all(after["tracking"][part]["active"] for part in ("open", "click", "unsubscribe"))
        assert (await call(fake, "PUT", f"{place}/open", [("active", "htmlonly")]))[0] == 400
        assert (await call(fake, "PUT", f"{place}/open", [("colour", "red")]))[0] == 400
        assert (await call(fake, "POST", place, [("active", "true")]))[0] == 404


@pytest.mark.parametrize("name", ["bounces", "unsubscribes", "complaints"])
async def test_suppressions_are_added_paged_looked_up_and_removed(name: str) -> None:
    base, one = f"/v3/{{domain_name}}/{name}", f"/v3/{{domain_name}}/{name}/{{address}}"
    path = f"/v3/nordlicht.example/{name}"
    async with FakeMailgun() as fake:
        records = json.dumps([{"address": f"p{n}@firm.example"} for n in range(5)]).encode()
        as_json = {"Content-Type": "application/json"}
        status, _ = await call(fake, "POST", path, data=records, described=f"POST {base}", headers=as_json)
        assert status == 200
        found, url = [], f"{path}?limit=2"
        while url:
            _, page = await call(fake, "GET", url, described=f"GET {base}")
            found += [each["address"] for each in page["items"]]
            url = page["paging"]["next"].removeprefix(fake.url) if page["items"] else ""
        assert found == [f"p{n}@firm.example" for n in range(5)]
        assert (await call(fake, "GET", f"{path}/p1@firm.example", described=f"GET {one}"))[0] == 200
        assert (await call(fake, "DELETE", f"{path}/p1@firm.example", described=f"DELETE {one}"))[0] == 200
        assert (await call(fake, "GET", f"{path}/p1@firm.example", described=f"GET {one}"))[0] == 404
        assert (await call(fake, "DELETE", path, described=f"DELETE {base}"))[0] == 200
        assert fake.listed == []


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"{", "no JSON"),
        (b"{}", "no list"),
        (json.dumps([{"address": "a@firm.example"}] * 1001).encode(), "less than 1000"),
        (b'[{"colour": "red"}]', "address is missing"),
        (b'[{"address": "a@firm.example", "colour": "red"}]', "unknown parameter"),
    ],
)
async def test_wrong_suppressions_are_refused(body: bytes, word: str) -> None:
    async with FakeMailgun() as fake:
        path, as_json = "/v3/nordlicht.example/unsubscribes", {"Content-Type": "application/json"}
        status, answer = await call(fake, "POST", path, data=body, headers=as_json)
        assert status == 400
        assert word in answer["message"]


async def test_a_page_beyond_the_limit_is_refused() -> None:
    async with FakeMailgun() as fake:
        for query in ("limit=1001", "limit=x", "page=third", "colour=red"):
            assert (await call(fake, "GET", f"/v3/nordlicht.example/bounces?{query}"))[0] == 400


def happened(kind: EventKind, key: str = "k", **headers: str) -> Happening:
    arrived = Arrived(
        sender="eva.berg@nordlicht.example",
        recipient="Anna Keller <anna@firm.example>",
        subject="Words",
        text="Words",
        html=None,
        headers=headers,
        mail_id="m1",
    )
    return Happening(kind, arrived, key, NOW - timedelta(seconds=30))


def told(fake: FakeMailgun, *happenings: Happening, at: datetime = NOW) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in fake.calls(happenings, at)]


@pytest.mark.parametrize("kind", sorted(EventKind))
def test_an_event_is_as_described_and_names_person_time_and_our_id(kind: EventKind) -> None:
    (call,) = told(FakeMailgun(), happened(kind))
    event = call["event-data"]
    assert set(call) == {"signature", "event-data"}
    assert deviations(event, EVENT) == []
    assert set(EVENT_FIELDS[event["event"]]) - {"recipient-provider", *event} == set()
    assert event["recipient"] == "anna@firm.example"
    assert event["user-variables"] == {"penstock-mail-id": "m1"}
    assert event["timestamp"] == (NOW - timedelta(seconds=30)).timestamp()
    assert len(event["id"]) == 22


@pytest.mark.parametrize(
    ("kind", "event", "severity", "status"),
    [
        (EventKind.ACCEPTED, "accepted", None, None),
        (EventKind.DEFERRED, "failed", "temporary", (451, "4.7.1")),
        (EventKind.DELIVERED, "delivered", None, (250, None)),
        (EventKind.BOUNCED_HARD, "failed", "permanent", (550, "5.1.1")),
        (EventKind.BOUNCED_SOFT, "failed", "permanent", (552, "5.2.2")),
        (EventKind.BOUNCED_POLICY, "failed", "permanent", (550, "5.7.1")),
        (EventKind.REJECTED, "failed", "permanent", (605, None)),
        (EventKind.COMPLAINED, "complained", None, None),
        (EventKind.UNSUBSCRIBED, "unsubscribed", None, None),
        (EventKind.OPENED, "opened", None, None),
        (EventKind.CLICKED, "clicked", None, None),
        (EventKind.UNKNOWN, "stored", None, None),
    ],
)
def test_each_kind_has_mailguns_words(
    kind: EventKind, event: str, severity: str | None, status: tuple[int, str | None] | None
) -> None:
    (call,) = told(FakeMailgun(), happened(kind))
    found = call["event-data"]
    assert (found["event"], found.get("severity")) == (event, severity)
    delivery = found.get("delivery-status")
    assert (delivery and (delivery["code"], delivery.get("enhanced-code"))) == status


def test_a_call_is_signed_over_time_and_token_with_the_keys_of_this_account() -> None:
    fake, other = FakeMailgun(), FakeMailgun()
    signature = told(fake, happened(EventKind.OPENED))[0]["signature"]
    signed = (signature["timestamp"] + signature["token"]).encode()
    assert signature["signature"] == hmac.new(fake.webhook_key.encode(), signed, hashlib.sha256).hexdigest()
    assert signature["timestamp"] == str(int(NOW.timestamp()))
    assert len(signature["token"]) == 50
    assert fake.webhook_key.startswith("key-")
    assert fake.webhook_key not in {other.webhook_key, fake.key}


def test_each_event_is_a_call_of_its_own_and_keeps_its_id_when_told_again() -> None:
    fake = FakeMailgun()
    kinds = (EventKind.DELIVERED, EventKind.OPENED)
    first, second = told(fake, *(happened(kind, kind.value) for kind in kinds))
    (again,) = told(fake, happened(kinds[0], kinds[0].value), at=NOW + timedelta(hours=1))
    assert first["event-data"] == again["event-data"]
    assert first["signature"]["token"] != again["signature"]["token"]
    assert first["event-data"]["id"] != second["event-data"]["id"]


def test_the_message_id_comes_back_without_brackets_and_is_made_where_there_was_none() -> None:
    fake = FakeMailgun(domain="mg.nordlicht.example")
    known, made = told(
        fake, happened(EventKind.OPENED, **{"message-id": "<1.a@nordlicht.example>"}), happened(EventKind.OPENED)
    )
    assert known["event-data"]["message"]["headers"] == {"message-id": "1.a@nordlicht.example"}
    assert made["event-data"]["message"]["headers"]["message-id"].endswith("@mg.nordlicht.example")


async def test_what_is_listed_is_shown_with_its_time_and_one_record_holds_all_tags() -> None:
    async with FakeMailgun() as fake:
        names = ("unsubscribes", "unsubscribes.prospecting", "bounces", "complaints")
        fake.listed += [OnList(name, "anna@firm.example", EARLIER) for name in names]
        fake.listed.append(OnList("unsubscribes.news.letter", "bo@firm.example", EARLIER))
        shown = {}
        for name in ("bounces", "unsubscribes", "complaints"):
            described = f"GET /v3/{{domain_name}}/{name}"
            _, page = await call(fake, "GET", f"/v3/nordlicht.example/{name}", described=described)
            shown[name] = page["items"]
    at = "Mon, 05 Oct 2026 07:30:00 UTC"
    anna = {"address": "anna@firm.example", "created_at": at}
    assert shown == {
        "bounces": [{**anna, "code": "550", "error": ""}],
        "unsubscribes": [
            {**anna, "tags": ["*", "prospecting"]},
            {"address": "bo@firm.example", "created_at": at, "tags": ["news.letter"]},
        ],
        "complaints": [anna],
    }


async def test_what_is_added_stands_on_the_list_of_its_tag_once() -> None:
    async with FakeMailgun() as fake:
        path, as_json = "/v3/nordlicht.example/unsubscribes", {"Content-Type": "application/json"}
        created = "Mon, 05 Oct 2026 07:30:00 UTC"
        record = {"address": "anna@firm.example", "tags": ["prospecting"], "created_at": created}
        for _ in range(2):
            body = json.dumps([record, {"address": "bo@firm.example"}]).encode()
            assert (await call(fake, "POST", path, data=body, headers=as_json))[0] == 200
        assert (await call(fake, "POST", path, [("address", "cy@firm.example"), ("tags", "news")]))[0] == 200
        found = [(each.list_name, each.address) for each in fake.listed]
        assert found == [
            ("unsubscribes.prospecting", "anna@firm.example"),
            ("unsubscribes", "bo@firm.example"),
            ("unsubscribes.news", "cy@firm.example"),
        ]
        assert fake.listed[0].at == EARLIER


async def test_removing_takes_an_address_off_its_list_and_leaves_the_others() -> None:
    async with FakeMailgun() as fake:
        for name in ("unsubscribes", "unsubscribes.news", "bounces"):
            fake.listed.append(OnList(name, "anna@firm.example", EARLIER))
        fake.listed.append(OnList("unsubscribes", "bo@firm.example", EARLIER))
        assert (await call(fake, "DELETE", "/v3/nordlicht.example/unsubscribes/anna@firm.example"))[0] == 200
        left = [(each.list_name, each.address) for each in fake.listed]
        assert left == [("bounces", "anna@firm.example"), ("unsubscribes", "bo@firm.example")]


async def test_a_bounce_keeps_what_was_said_of_it() -> None:
    async with FakeMailgun() as fake:
        path = "/v3/nordlicht.example/bounces"
        parts = [("address", "anna@firm.example"), ("code", "551"), ("error", "moved")]
        assert (await call(fake, "POST", path, parts))[0] == 200
        _, found = await call(fake, "GET", f"{path}/anna@firm.example")
        assert (found["code"], found["error"]) == ("551", "moved")


@pytest.mark.parametrize(
    ("record", "word"),
    [
        ({"created_at": "yesterday"}, "RFC 2822"),
        ({"created_at": 7}, "RFC 2822"),
        ({"tags": 7}, "its type"),
        ({"tags": [7]}, "its type"),
        ({"code": "550"}, "unknown parameter"),
    ],
)
async def test_a_record_with_a_wrong_field_adds_nothing(record: dict[str, Any], word: str) -> None:
    async with FakeMailgun() as fake:
        path, as_json = "/v3/nordlicht.example/unsubscribes", {"Content-Type": "application/json"}
        body = json.dumps([{"address": "bo@firm.example"}, {"address": "anna@firm.example", **record}]).encode()
        status, answer = await call(fake, "POST", path, data=body, headers=as_json)
        assert (status, fake.listed) == (400, [])
        assert word in answer["message"]
