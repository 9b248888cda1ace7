"""The fake SendGrid refuses what the published description does not know, and answers in its shapes."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from penstock.model.event import EventKind
from penstock.testing import FakeClock
from penstock.testing.esp import Arrived, Happening, Mood, OnList, PostedCall
from penstock.testing.esps.sendgrid import FakeSendGrid
from penstock.testing.esps.sendgrid_events import bodies
from penstock.testing.esps.sendgrid_fields import SEND, Flag, Many, OneOf, Rule, Table, Text, Whole, Words
from penstock.testing.esps.sendgrid_lists import KINDS

DESCRIPTION = json.loads((Path(__file__).parents[2] / "esp/sendgrid/description.json").read_text(encoding="utf-8"))
Schema = dict[str, Any]
OFF = {name: {"enable": False} for name in ("click_tracking", "open_tracking", "subscription_tracking", "ganalytics")}


def a_body(**fields: object) -> dict[str, Any]:
    person = {"to": [{"email": "anna@firm.example", "name": "Anna"}], "custom_args": {"mail_id": "m1"}}
    return {
        "personalizations": [person],
        "from": {"email": "eva@nordlicht.example", "name": "Eva Berg"},
        "reply_to": {"email": "eva@nordlicht.example"},
        "subject": "Purchasing",
        "content": [{"type": "text/plain", "value": "Hello"}, {"type": "text/html", "value": "<p>Hello</p>"}],
        "tracking_settings": OFF,
        **fields,
    }


def for_one(**fields: object) -> dict[str, Any]:
    """A body whose only personalization has these fields, too."""
    return a_body(personalizations=[{"to": [{"email": "anna@firm.example"}], **fields}])


class Answer:
    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status, self.headers, self.data = status, headers, data

    @property
    def error(self) -> dict[str, Any]:
        (one,) = json.loads(self.data)["errors"]
        assert isinstance(one, dict)
        return one


async def call(
    fake: FakeSendGrid, method: str, path: str, body: object = None, key: str = "test-key", **headers: str
) -> Answer:
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    given = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, fake.url + path, data=io.BytesIO(data) if data else None, headers=given) as answer,
    ):
        return Answer(answer.status, dict(answer.headers), await answer.read())


async def sent(body: object, fake: FakeSendGrid | None = None, **headers: str) -> tuple[Answer, FakeSendGrid]:
    fake = fake or FakeSendGrid()
    async with fake:
        return await call(fake, "POST", "/v3/mail/send", body, **headers), fake


async def arrived(body: object) -> Arrived:
    answer, fake = await sent(body)
    assert (answer.status, fake.refused) == (202, [])
    (one,) = fake.arrived
    return one


def misfits(value: object, schema: Schema, where: str = "") -> Iterator[str]:
    """Where a value is not what a schema of the description says; fields it does not name count."""
    if value is None and schema.get("nullable"):
        return
    kinds = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": int | float}
    if not isinstance(value, kinds[schema["type"]]):
        yield f"{where}: not {schema['type']}"
    elif isinstance(value, dict):
        yield from (f"{where}.{name}: missing" for name in schema.get("required", []) if name not in value)
        for name, inner in value.items():
            if name not in schema["properties"]:
                yield f"{where}.{name}: not described"
            else:
                yield from misfits(inner, schema["properties"][name], f"{where}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from misfits(inner, schema["items"], f"{where}.{number}")


def differences(rule: Rule, schema: Schema, where: str = "") -> Iterator[str]:
    """Where the fake's rules and the description are not of one mind."""
    match rule:
        case Table(fields, needed):
            if set(fields) != set(schema["properties"]) or set(needed) != set(schema.get("required", [])):
                yield where
            for name, inner in fields.items():
                yield from differences(inner, schema["properties"].get(name, {}), f"{where}.{name}")
        case Many(item, _, most, unique):
            if schema["type"] != "array" or most != schema.get("maxItems"):
                yield where
            if unique != schema.get("uniqueItems", False):
                yield f"{where} unique"
            yield from differences(item, schema["items"], f"{where}[]")
        case Text(least, most):
            if schema["type"] != "string" or (least, most) != (schema.get("minLength", 0), schema.get("maxLength")):
                yield where
        case OneOf(words):
            if list(words) != schema["enum"]:
                yield where
        case Words():
            if schema["type"] != ("string" if rule.or_text else "object"):
                yield where
        case Whole() | Flag():
            if schema["type"] != {Whole: "integer", Flag: "boolean"}[type(rule)]:
                yield where
        case _:
            yield f"{where}: unknown rule"


def test_it_knows_exactly_the_fields_of_the_description() -> None:
    assert [*differences(SEND, DESCRIPTION["request"])] == []


async def test_a_mail_is_taken_with_202_no_body_and_an_id() -> None:
    answer, fake = await sent(a_body())
    assert (answer.status, answer.data) == (202, b"")
    assert re.fullmatch(r"[\w-]{22}", answer.headers["X-Message-Id"])
    assert fake.arrived[0] == Arrived(
        sender="Eva Berg <eva@nordlicht.example>",
        recipient="anna@firm.example",
        subject="Purchasing",
        text="Hello",
        html="<p>Hello</p>",
        headers={},
        reply_to="eva@nordlicht.example",
        mail_id="m1",
    )


async def test_each_personalization_is_a_mail_of_its_own() -> None:
    people = [
        {
            "to": [{"email": f"p{n}@firm.example"}],
            "subject": f"S{n}",
            "headers": {"X-Both": f"own {n}"},
            "custom_args": {"mail_id": f"m{n}"},
            "substitutions": {"-who-": f"P{n}"},
            "from": {"email": f"f{n}@nordlicht.example"},
        }
        for n in (1, 2)
    ]
    content = [{"type": "text/plain", "value": "Hello -who-"}]
    headers = {"X-Both": "all", "X-All": "yes"}
    answer, fake = await sent(a_body(personalizations=people, content=content, headers=headers))
    assert answer.status == 202
    first, second = fake.arrived
    assert (first.subject, first.text, first.mail_id, first.sender) == ("S1", "Hello P1", "m1", "f1@nordlicht.example")
    assert second.headers == {"x-both": "own 2", "x-all": "yes"}
    assert first.html is None


async def test_files_arrive_decoded() -> None:
    file = {"content": base64.b64encode(b"\x00data").decode(), "filename": "Ä.pdf", "type": "application/pdf"}
    assert (await arrived(a_body(attachments=[file]))).attachments == (("Ä.pdf", b"\x00data"),)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"x": "only"}, "only"), ({"a": "1", "penstock-mail-id": "m"}, "m"), ({"a": "1", "b": "2"}, ""), ({}, "")],
)
async def test_our_id_is_found_among_the_arguments(arguments: dict[str, str], name: str) -> None:
    assert (await arrived(for_one(custom_args=arguments))).mail_id == name


@pytest.mark.parametrize("name", OFF)
async def test_whatever_is_not_switched_off_counts_as_tracking(name: str) -> None:
    assert not (await arrived(a_body())).tracking
    left = {key: value for key, value in OFF.items() if key != name}
    assert (await arrived(a_body(tracking_settings=left))).tracking
    assert (await arrived(a_body(tracking_settings={**left, name: {"enable": True}}))).tracking


async def test_links_in_the_text_are_tracked_where_only_that_is_on() -> None:
    clicks = {"click_tracking": {"enable": False, "enable_text": True}}
    assert (await arrived(a_body(tracking_settings={**OFF, **clicks}))).tracking


async def test_a_suppression_group_brings_links_of_sendgrids_own() -> None:
    assert (await arrived(a_body(asm={"group_id": 7}))).tracking


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": (a_body(idempotency_key="x"), "idempotency_key"),
    "unknown field of a person": (for_one(headerz={}), "personalizations.0"),
    "unknown field of a mailbox": (a_body(**{"from": {"email": "e@n.example", "nick": ""}}), "from"),
    "no personalizations": ({key: value for key, value in a_body().items() if key != "personalizations"}, ""),
    "empty personalizations": (a_body(personalizations=[]), "personalizations"),
    "too many personalizations": (a_body(personalizations=[{"to": [{"email": "a@b.example"}]}] * 1001), ""),
    "nobody": (a_body(personalizations=[{"to": []}]), "personalizations.0.to"),
    "no from": ({key: value for key, value in a_body().items() if key != "from"}, "from"),
    "a string for an object": (a_body(**{"from": "eva@nordlicht.example"}), "from"),
    "a number for a string": (a_body(subject=1), "subject"),
    "true for a number": (a_body(send_at=True), "send_at"),
    "an empty subject": (a_body(subject=""), "subject"),
    "no subject": ({key: value for key, value in a_body().items() if key != "subject"}, "subject"),
    "no content": (a_body(content=[]), "content"),
    "empty content": (a_body(content=[{"type": "text/plain", "value": ""}]), "content.0.value"),
    "html before text": (a_body(content=[*reversed(a_body()["content"])]), "content"),
    "no address": (for_one(cc=[{"email": "anna"}]), "personalizations.0.cc.0.email"),
    "an address outside ASCII": (for_one(cc=[{"email": "ä@firm.example"}]), "personalizations.0.cc.0.email"),
    "the same twice": (for_one(cc=[{"email": "Anna@firm.example"}]), "personalizations.0"),
    "a template": (a_body(template_id="d-1"), "template_id"),
    "data for a template": (for_one(dynamic_template_data={}), "personalizations.0.dynamic_template_data"),
    "two kinds of reply": (a_body(reply_to_list=[{"email": "e@n.example"}]), "reply_to_list"),
    "a header with a line break": (a_body(headers={"X-A": "a\r\nBcc: b@c.example"}), "headers"),
    "a header that is no string": (a_body(headers={"X-A": 1}), "headers.X-A"),
    "arguments that are too long": (for_one(custom_args={"a": "x" * 10_000}), "personalizations.0.custom_args"),
    "arguments that are no strings": (for_one(custom_args={"a": 1}), "personalizations.0.custom_args.a"),
    "eleven categories": (a_body(categories=[str(n) for n in range(11)]), "categories"),
    "a category twice": (a_body(categories=["a", "a"]), "categories"),
    "a long category": (a_body(categories=["a" * 256]), "categories.0"),
    "no base64": (a_body(attachments=[{"content": "%", "filename": "a"}]), "attachments.0.content"),
    "a file without a name": (a_body(attachments=[{"content": "YQ=="}]), "attachments.0.filename"),
    "another disposition": (
        a_body(attachments=[{"content": "YQ==", "filename": "a", "disposition": "form"}]),
        "attachments.0.disposition",
    ),
    "an unknown batch": (a_body(batch_id="b"), "batch_id"),
    "a short pool": (a_body(ip_pool_name="a"), "ip_pool_name"),
    "a group without a number": (a_body(asm={}), "asm.group_id"),
    "bypasses together": (
        a_body(mail_settings={"bypass_list_management": {"enable": True}, "bypass_spam_management": {"enable": True}}),
        "mail_settings.bypass_list_management",
    ),
    "too far ahead": (a_body(send_at=int(FakeClock().machine()) + 72 * 3600 + 1), "send_at"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_not_described_is_refused_with_the_fields_name(name: str) -> None:
    body, where = WRONG[name]
    answer, fake = await sent(body, FakeSendGrid(clock=FakeClock()))
    assert answer.status == 400
    assert answer.error["field"] == where or not where
    assert answer.error["message"]
    assert len(fake.refused) == 1
    assert fake.arrived == []


@pytest.mark.parametrize("name", ["x-sg-id", "DKIM-Signature", "Content-Type", "To", "Reply-To", "BCC"])
async def test_reserved_headers_are_refused_for_all_and_for_one(name: str) -> None:
    for body in (a_body(headers={name: "x"}), for_one(headers={name: "x"})):
        answer, _ = await sent(body)
        assert answer.status == 400


async def test_a_refused_recipient_refuses_the_whole_request_and_says_which() -> None:
    people = [{"to": [{"email": f"{local}@firm.example"}]} for local in ("anna", "refused", "bo")]
    answer, fake = await sent(a_body(personalizations=people))
    assert answer.status == 400
    assert answer.error == {"message": "Does not contain a valid address.", "field": "personalizations.1.to.0.email"}
    assert fake.arrived == []


async def test_more_than_1000_recipients_in_all_are_refused() -> None:
    people = [{"to": [{"email": f"p{n}-{m}@firm.example"} for m in range(3)]} for n in range(334)]
    answer, _ = await sent(a_body(personalizations=people))
    assert (answer.status, answer.error["field"]) == (400, "personalizations")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", {}),
        (b"[]", {}),
        (a_body(), {"Content_Type": "text/plain"}),
        (a_body(), {"X_Trace": "1"}),
        (a_body(), {"Idempotency_Key": "1"}),
        (a_body(), {"on_behalf_of": "sub"}),
        (gzip.compress(json.dumps(a_body()).encode()), {"Content_Encoding": "gzip"}),
    ],
)
async def test_other_bodies_and_headers_are_refused(body: object, headers: dict[str, str]) -> None:
    answer, fake = await sent(body, FakeSendGrid(), **headers)
    assert answer.status == 400
    assert fake.arrived == []


async def test_parameters_in_the_path_are_refused() -> None:
    async with FakeSendGrid() as fake:
        assert (await call(fake, "POST", "/v3/mail/send?sandbox=1", a_body())).status == 400


async def test_gzip_is_taken_where_the_account_has_it() -> None:
    body = gzip.compress(json.dumps(a_body()).encode())
    answer, _ = await sent(body, FakeSendGrid(compression=True), Content_Encoding="gzip")
    assert answer.status == 202


async def test_too_large_a_message_is_413() -> None:
    answer, fake = await sent(a_body(content=[{"type": "text/plain", "value": "x" * (30 << 20)}]))
    assert (answer.status, answer.error["message"]) == (413, "content too large")
    assert fake.arrived == []


async def test_the_sandbox_checks_answers_200_and_sends_nothing() -> None:
    answer, fake = await sent(a_body(mail_settings={"sandbox_mode": {"enable": True}}))
    assert (answer.status, answer.data, fake.arrived) == (200, b"", [])
    answer, _ = await sent(a_body(mail_settings={"sandbox_mode": {"enable": True}}, subject=1))
    assert answer.status == 400


async def test_a_rate_limit_says_when_in_seconds_or_as_a_moment() -> None:
    answer, _ = await sent(a_body(), FakeSendGrid(moods=[Mood.RATE_LIMIT]))
    assert (answer.status, answer.headers["X-RateLimit-Remaining"], answer.headers["X-RateLimit-Reset"]) == (
        429,
        "0",
        "7",
    )
    answer, _ = await sent(a_body(), FakeSendGrid(moods=[Mood.RATE_LIMIT], clock=FakeClock()))
    assert int(answer.headers["X-RateLimit-Reset"]) == FakeClock().machine() + 7


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("POST", "/v3/mail/send", "wrong", 401),
        ("GET", "/v3/mail/send", "test-key", 405),
        ("POST", "/v3/mail/sendx", "test-key", 404),
        ("GET", "/v3/suppression/others", "test-key", 404),
        ("GET", "/v3/mail/batch/unknown", "test-key", 400),
    ],
)
async def test_errors_have_the_shape_of_the_description(method: str, path: str, key: str, status: int) -> None:
    async with FakeSendGrid() as fake:
        answer = await call(fake, method, path, a_body() if method == "POST" else None, key)
    assert answer.status == status
    schema = DESCRIPTION["answers"]["POST /v3/mail/send"][str(status)]
    assert [*misfits(json.loads(answer.data), schema)] == []


@pytest.mark.parametrize("mood", [Mood.BAD_KEY, Mood.SERVER_ERROR, Mood.RATE_LIMIT])
async def test_moods_answer_in_sendgrids_shape(mood: Mood) -> None:
    answer, _ = await sent(a_body(), FakeSendGrid(moods=[mood]))
    assert [*misfits(json.loads(answer.data), DESCRIPTION["answers"]["POST /v3/mail/send"]["400"])] == []


async def test_a_batch_can_be_made_asked_for_and_used() -> None:
    async with FakeSendGrid() as fake:
        made = await call(fake, "POST", "/v3/mail/batch")
        number = json.loads(made.data)["batch_id"]
        asked = await call(fake, "GET", f"/v3/mail/batch/{number}")
        assert (await call(fake, "POST", "/v3/mail/send", a_body(batch_id=number))).status == 202
    assert (made.status, asked.status) == (201, 200)
    for key, answer in (("POST /v3/mail/batch", made), ("GET /v3/mail/batch/{batch_id}", asked)):
        assert [*misfits(json.loads(answer.data), DESCRIPTION["answers"][key][str(answer.status)])] == []


LISTED_AT = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)


def put(fake: FakeSendGrid, name: str, *locals_: str) -> None:
    fake.listed += [OnList(name, f"{local}@firm.example", LISTED_AT) for local in locals_]


def on(fake: FakeSendGrid, name: str) -> list[str]:
    return [each.address for each in fake.listed if each.list_name == name]


def listed(fake: FakeSendGrid, method: str, path: str, answer: Answer) -> object:
    """What the answer holds, once it fits the description."""
    described = re.sub(r"(?<=/)[^/]+@[^/]+$", "{email}", path.partition("?")[0])
    described = re.sub(r"(?<=groups/)\d+", "{group_id}", described)
    schema = DESCRIPTION["answers"][f"{method} {described}"][str(answer.status)]
    if schema is None:
        assert answer.data == b""
        return None
    value = json.loads(answer.data)
    assert [*misfits(value, schema)] == []
    return value


@pytest.mark.parametrize("kind", KINDS)
async def test_each_list_is_paged_and_shaped_as_described(kind: str) -> None:
    async with FakeSendGrid() as fake:
        put(fake, kind, *(f"p{n}" for n in range(5)))
        path = f"/v3/suppression/{kind}?limit=2&offset=4"
        page = listed(fake, "GET", path, await call(fake, "GET", path))
        assert isinstance(page, list)
        assert [each["email"] for each in page] == ["p4@firm.example"]
        assert page[0]["created"] == LISTED_AT.timestamp()
        for wrong in ("limit=501", "limit=0", "page=2", "offset=-1"):
            assert (await call(fake, "GET", f"/v3/suppression/{kind}?{wrong}")).status == 400


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("email=anna", ["anna"]),
        ("email=%25nna", ["anna", "johanna"]),
        ("email=%25a%25firm", ["anna", "carl", "johanna"]),
        ("email=a.na", []),
        ("start_time=1791185400", ["anna", "bo", "carl", "johanna"]),
        ("start_time=1791185401", []),
        ("end_time=1791185399", []),
        ("end_time=1791185400", ["anna", "bo", "carl", "johanna"]),
    ],
)
async def test_entries_are_found_by_address_and_time(asked: str, found: list[str]) -> None:
    assert LISTED_AT.timestamp() == 1_791_185_400
    async with FakeSendGrid() as fake:
        put(fake, "bounces", "anna", "bo", "carl", "johanna")
        path = f"/v3/suppression/bounces?{asked}"
        page = listed(fake, "GET", path, await call(fake, "GET", path))
        assert isinstance(page, list)
        assert [each["email"].partition("@")[0] for each in page] == found


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "unsubscribes"])
async def test_entries_can_be_asked_for_and_removed(kind: str) -> None:
    path = f"/v3/suppression/{kind}"
    async with FakeSendGrid() as fake:
        put(fake, kind, *(f"p{n}" for n in range(4)))
        put(fake, "unsubscribes", "p0")
        one = f"{path}/p0@firm.example"
        assert len(listed(fake, "GET", one, await call(fake, "GET", one)) or ()) == 1  # type: ignore[arg-type]
        listed(fake, "DELETE", one, await call(fake, "DELETE", one))
        assert (await call(fake, "DELETE", one)).status == 404
        listed(fake, "DELETE", path, await call(fake, "DELETE", path, {"emails": ["p1@firm.example"]}))
        assert on(fake, kind) == ["p2@firm.example", "p3@firm.example"]
        assert (await call(fake, "DELETE", path, {"emails": [], "delete_all": True})).status == 400
        listed(fake, "DELETE", path, await call(fake, "DELETE", path, {"delete_all": True}))
        assert on(fake, kind) == []
        assert on(fake, "unsubscribes") == ["p0@firm.example"]


async def test_groups_and_the_global_list_take_and_give_back() -> None:
    person = "anna@firm.example"
    async with FakeSendGrid() as fake:
        for path in ("/v3/asm/groups/7/suppressions", "/v3/asm/suppressions/global"):
            for _ in range(2):
                added = await call(fake, "POST", path, {"recipient_emails": [person]})
                assert listed(fake, "POST", path, added) == {"recipient_emails": [person]}
            assert (await call(fake, "POST", path, {"recipient_emails": ["x"]})).status == 400
            assert (await call(fake, "POST", path, {"emails": []})).status == 400
            assert (await call(fake, "POST", path + "?a=b", {"recipient_emails": []})).status == 400
        assert [each.list_name for each in fake.listed] == ["group-7", "unsubscribes"]
        group = "/v3/asm/groups/7/suppressions"
        assert listed(fake, "GET", group, await call(fake, "GET", group)) == [person]
        for path in ("/v3/asm/groups", "/v3/asm/groups/7"):
            listed(fake, "GET", path, await call(fake, "GET", path))
        everywhere = f"/v3/asm/suppressions/global/{person}"
        assert listed(fake, "GET", everywhere, await call(fake, "GET", everywhere)) == {"recipient_email": person}
        for path in (f"{group}/{person}", everywhere):
            listed(fake, "DELETE", path, await call(fake, "DELETE", path))
        assert json.loads((await call(fake, "GET", everywhere)).data) == {}
        assert (await call(fake, "GET", "/v3/asm/groups/8/suppressions")).status == 404
        assert fake.listed == []


async def test_groups_can_be_searched_and_are_told_of_a_person() -> None:
    async with FakeSendGrid() as fake:
        put(fake, "group-7", "anna", "bo")
        put(fake, "unsubscribes", "carl")
        search = "/v3/asm/groups/7/suppressions/search"
        wanted = {"recipient_emails": ["bo@firm.example", "carl@firm.example"]}
        assert listed(fake, "POST", search, await call(fake, "POST", search, wanted)) == ["bo@firm.example"]
        everyone = listed(fake, "GET", "/v3/asm/suppressions", await call(fake, "GET", "/v3/asm/suppressions"))
        assert isinstance(everyone, list)
        assert [(each["email"], each["group_id"]) for each in everyone] == [
            ("anna@firm.example", 7),
            ("bo@firm.example", 7),
        ]
        for person, suppressed in (("anna", True), ("carl", False)):
            path = f"/v3/asm/suppressions/{person}@firm.example"
            about = listed(fake, "GET", path, await call(fake, "GET", path))
            assert isinstance(about, dict)
            assert [each["suppressed"] for each in about["suppressions"]] == [suppressed]


async def test_who_is_added_to_a_group_that_does_not_exist_is_suppressed_everywhere() -> None:
    async with FakeSendGrid() as fake:
        body = {"recipient_emails": ["anna@firm.example"]}
        assert (await call(fake, "POST", "/v3/asm/groups/8/suppressions", body)).status == 201
        assert on(fake, "unsubscribes") == ["anna@firm.example"]


async def test_what_is_suppressed_is_taken_and_not_sent() -> None:
    for kind in ("unsubscribes", "bounces", "invalid_emails", "spam_reports", "blocks"):
        fake = FakeSendGrid()
        put(fake, kind, "anna")
        answer, _ = await sent(a_body(), fake)
        assert (answer.status, len(fake.arrived)) == (202, int(kind == "blocks"))
    put(fake, "group-7", "anna")
    await sent(a_body(asm={"group_id": 7}), fake)
    assert len(fake.arrived) == 1
    await sent(a_body(asm={"group_id": 7}, mail_settings={"bypass_list_management": {"enable": True}}), fake)
    assert len(fake.arrived) == 2


async def test_the_erasure_of_recipients_is_accepted_with_a_number() -> None:
    path = "/v3/recipients/erasejob"
    async with FakeSendGrid() as fake:
        people = {"email_addresses": ["anna@firm.example", "bo@firm.example", "anna@firm.example"]}
        jobs = [listed(fake, "POST", path, await call(fake, "POST", path, people)) for _ in range(2)]
        assert jobs[0] != jobs[1]
        assert fake.erased == ["anna@firm.example", "bo@firm.example"]
        too_long = [f"{'x' * 50}{n}@firm.example" for n in range(4_999)]
        too_many = [f"{n}@firm.example" for n in range(5_001)]
        for wrong in ([], too_long, too_many, ["no address"]):
            assert (await call(fake, "POST", path, {"email_addresses": wrong})).status == 400
        assert len(fake.erased) == 2


NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ALWAYS = {"email", "timestamp", "event", "sg_event_id", "sg_message_id", "penstock_mail_id"}
SAID: dict[EventKind, tuple[str, set[str]]] = {
    EventKind.ACCEPTED: ("processed", {"smtp-id"}),
    EventKind.DEFERRED: ("deferred", {"smtp-id", "response", "attempt", "tls"}),
    EventKind.DELIVERED: ("delivered", {"smtp-id", "response", "ip", "tls"}),
    **{
        kind: ("bounce", {"smtp-id", "reason", "status", "type", "bounce_classification", "ip", "tls"})
        for kind in (EventKind.BOUNCED_HARD, EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY)
    },
    EventKind.COMPLAINED: ("spamreport", set()),
    EventKind.UNSUBSCRIBED: ("unsubscribe", {"ip", "useragent"}),
    EventKind.OPENED: ("open", {"ip", "useragent", "sg_machine_open", "sg_content_type"}),
    EventKind.CLICKED: ("click", {"ip", "useragent", "url", "url_offset"}),
    EventKind.REJECTED: ("dropped", {"smtp-id", "reason", "status"}),
    EventKind.UNKNOWN: ("group_resubscribe", {"smtp-id", "asm_group_id", "ip", "useragent"}),
}
"""The reference page's names of events and of their properties."""


def happened(*kinds: EventKind, mail: Arrived | None = None) -> list[Happening]:
    mail = mail or Arrived("eva@nordlicht.example", "anna@firm.example", "S", "T", None, {}, mail_id="m1")
    return [Happening(kind, mail, f"{kind} {number}", NOW) for number, kind in enumerate(kinds)]


def events(posted: PostedCall) -> list[dict[str, Any]]:
    read = json.loads(posted.body)
    assert isinstance(read, list)
    return read


def test_every_kind_of_event_has_the_properties_of_the_reference() -> None:
    (posted,) = FakeSendGrid().calls(happened(*EventKind), NOW)
    assert set(SAID) == set(EventKind)
    for kind, event in zip(EventKind, events(posted), strict=True):
        name, others = SAID[kind]
        assert (event["event"], set(event)) == (name, ALWAYS | others)
        assert (event["email"], event["timestamp"]) == ("anna@firm.example", int(NOW.timestamp()))
        assert event["penstock_mail_id"] == "m1"


def test_bounces_differ_in_type_class_and_status_and_quote_the_address() -> None:
    kinds = (EventKind.BOUNCED_HARD, EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY)
    (posted,) = FakeSendGrid().calls(happened(*kinds), NOW)
    assert [(each["type"], each["bounce_classification"], each["status"]) for each in events(posted)] == [
        ("bounce", "Invalid Address", "5.1.1"),
        ("blocked", "Mailbox Unavailable", "5.2.2"),
        ("blocked", "Reputation", "5.7.1"),
    ]
    assert all("<anna@firm.example>" in each["reason"] for each in events(posted))


def test_an_events_id_is_its_own_and_stays() -> None:
    fake = FakeSendGrid()
    first, again = (
        [each["sg_event_id"] for each in events(fake.calls(happened(*EventKind), NOW)[0])] for _ in range(2)
    )
    assert first == again
    assert len(set(first)) == len(EventKind)


async def test_events_name_a_mail_by_the_answers_id_and_the_arguments_it_was_sent_with() -> None:
    answer, fake = await sent(for_one(custom_args={"our_mail_id": "m7", "step": "2"}))
    (posted,) = fake.calls(happened(EventKind.DELIVERED, mail=fake.arrived[0]), NOW)
    (event,) = events(posted)
    assert event["sg_message_id"].partition(".")[0] == answer.headers["X-Message-Id"]
    assert (event["our_mail_id"], event["step"]) == ("m7", "2")
    assert "penstock_mail_id" not in event


async def test_what_is_dropped_for_a_list_can_be_told_by_its_name_too() -> None:
    fake = FakeSendGrid()
    put(fake, "bounces", "anna")
    answer, _ = await sent(for_one(custom_args={"penstock_mail_id": "m1"}), fake)
    (event,) = events(fake.calls(happened(EventKind.REJECTED), NOW)[0])
    assert event["sg_message_id"].startswith(answer.headers["X-Message-Id"] + ".")


def verified(fake: FakeSendGrid, posted: PostedCall) -> bool:
    """As the page on the signed webhook has it: ECDSA with SHA-256 over timestamp and raw body."""
    key = load_der_public_key(base64.b64decode(fake.webhook_key, validate=True))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    signature = base64.b64decode(posted.headers["x-twilio-email-event-webhook-signature"], validate=True)
    signed = posted.headers["x-twilio-email-event-webhook-timestamp"].encode() + posted.body
    try:
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def test_calls_are_signed_with_a_key_of_the_fakes_own() -> None:
    fake, other = FakeSendGrid(), FakeSendGrid()
    (posted,) = fake.calls(happened(EventKind.OPENED), NOW)
    assert verified(fake, posted)
    assert not verified(other, posted)
    assert not verified(fake, PostedCall(posted.headers, posted.body.rstrip()))
    assert posted.headers["x-twilio-email-event-webhook-timestamp"] == str(int(NOW.timestamp()))


def test_events_are_collected_up_to_768_kilobytes_a_call() -> None:
    fake = FakeSendGrid()
    calls = fake.calls(happened(*[EventKind.BOUNCED_HARD] * 4_000), NOW)
    assert len(calls) > 1
    assert sum(len(events(each)) for each in calls) == 4_000
    assert all(len(each.body) <= 769 << 10 and verified(fake, each) for each in calls)
    assert [*bodies([])] == []
    assert fake.calls([], NOW) == []
