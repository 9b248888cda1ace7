"""The fake SendGrid refuses what the published description does not know, and answers in its shapes."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from penstock.testing import FakeClock
from penstock.testing.esp import Arrived, Mood
from penstock.testing.esps.sendgrid import FakeSendGrid
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
        fake.lists.lists[kind] += [f"p{n}@firm.example" for n in range(5)]
        path = f"/v3/suppression/{kind}?limit=2&offset=4"
        page = listed(fake, "GET", path, await call(fake, "GET", path))
        assert isinstance(page, list)
        assert [each["email"] for each in page] == ["p4@firm.example"]
        assert (await call(fake, "GET", f"/v3/suppression/{kind}?limit=501")).status == 400
        assert (await call(fake, "GET", f"/v3/suppression/{kind}?page=2")).status == 400


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "unsubscribes"])
async def test_entries_can_be_asked_for_and_removed(kind: str) -> None:
    path = f"/v3/suppression/{kind}"
    async with FakeSendGrid() as fake:
        fake.lists.lists[kind] += [f"p{n}@firm.example" for n in range(4)]
        one = f"{path}/p0@firm.example"
        assert len(listed(fake, "GET", one, await call(fake, "GET", one)) or ()) == 1  # type: ignore[arg-type]
        listed(fake, "DELETE", one, await call(fake, "DELETE", one))
        assert (await call(fake, "DELETE", one)).status == 404
        listed(fake, "DELETE", path, await call(fake, "DELETE", path, {"emails": ["p1@firm.example"]}))
        assert fake.lists.lists[kind] == ["p2@firm.example", "p3@firm.example"]
        listed(fake, "DELETE", path, await call(fake, "DELETE", path, {"delete_all": True}))
        assert fake.lists.lists[kind] == []


async def test_groups_and_the_global_list_take_and_give_back() -> None:
    person = "anna@firm.example"
    async with FakeSendGrid() as fake:
        for path in ("/v3/asm/groups/7/suppressions", "/v3/asm/suppressions/global"):
            added = await call(fake, "POST", path, {"recipient_emails": [person]})
            assert listed(fake, "POST", path, added) == {"recipient_emails": [person]}
            assert (await call(fake, "POST", path, {"recipient_emails": ["x"]})).status == 400
            assert (await call(fake, "POST", path, {"emails": []})).status == 400
        group = "/v3/asm/groups/7/suppressions"
        assert listed(fake, "GET", group, await call(fake, "GET", group)) == [person]
        listed(fake, "GET", "/v3/asm/groups", await call(fake, "GET", "/v3/asm/groups"))
        everywhere = f"/v3/asm/suppressions/global/{person}"
        assert listed(fake, "GET", everywhere, await call(fake, "GET", everywhere)) == {"recipient_email": person}
        for path in (f"{group}/{person}", everywhere):
            listed(fake, "DELETE", path, await call(fake, "DELETE", path))
        assert json.loads((await call(fake, "GET", everywhere)).data) == {}
        assert (await call(fake, "GET", "/v3/asm/groups/8/suppressions")).status == 404


async def test_what_is_suppressed_is_taken_and_not_sent() -> None:
    for kind, reaches in (("unsubscribes", False), ("bounces", False), ("blocks", True)):
        fake = FakeSendGrid()
        fake.lists.lists[kind].append("anna@firm.example")
        answer, _ = await sent(a_body(), fake)
        assert (answer.status, len(fake.arrived)) == (202, int(reaches))
    fake.lists.groups[7].append("anna@firm.example")
    await sent(a_body(asm={"group_id": 7}), fake)
    assert len(fake.arrived) == 1
    await sent(a_body(asm={"group_id": 7}, mail_settings={"bypass_list_management": {"enable": True}}), fake)
    assert len(fake.arrived) == 2


async def test_the_erasure_of_recipients_is_accepted_with_a_number() -> None:
    async with FakeSendGrid() as fake:
        answer = await call(fake, "POST", "/v3/recipients/erasejob", {"email_addresses": ["anna@firm.example"]})
        assert (answer.status, json.loads(answer.data)) == (202, {"job_id": "erase-1"})
        assert fake.lists.erased == ["anna@firm.example"]
        assert (await call(fake, "POST", "/v3/recipients/erasejob", {"email_addresses": []})).status == 400
