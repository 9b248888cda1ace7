from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from penstock.testing.described import deviations
from penstock.testing.esp import Mood, OnList
from penstock.testing.esps.resend import FakeResend, ResendDomain

DESCRIPTION = json.loads((Path(__file__).parents[2] / "esp/resend/description.json").read_text(encoding="utf-8"))
SCHEMAS = DESCRIPTION["components"]["schemas"]
MAIL: dict[str, Any] = {
    "from": '"Berg, Eva" <eva.berg@nordlicht.example>',
    "to": ["anna@firm.example"],
    "subject": "Grüße",
    "text": "Hello Anna",
    "html": "<p>Hello Anna</p>",
    "reply_to": "eva.berg@nordlicht.example",
    "headers": {"List-Unsubscribe": "<https://mail.nordlicht.example/u/1>", "Message-ID": "<1@nordlicht.example>"},
    "tags": [{"name": "penstock_mail_id", "value": "0123abcd"}],
    "attachments": [
        {"filename": "März.pdf", "content": b64encode(b"%PDF").decode(), "content_type": "application/pdf"}
    ],
}
MOMENT = datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC)
PLAIN = {key: value for key, value in MAIL.items() if key != "attachments"}


class Client:
    """Asks the fake as anybody would; every good answer must be as described."""

    def __init__(self, fake: FakeResend, session: aiohttp.ClientSession) -> None:
        self.fake = fake
        self._session = session

    async def ask(
        self, method: str, path: str, body: object = None, *, described: str = "", **headers: str
    ) -> tuple[int, Any, Any]:
        named = {"Authorization": f"Bearer {self.fake.key}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        sent = {name: value for name, value in named.items() if value != "-"}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, self.fake.url + path, data=data and BytesIO(data), headers=sent
        ) as answer:
            found = await answer.json()
            if answer.status < 300 and described:
                responses = DESCRIPTION["paths"][described][method.lower()]["responses"]
                assert str(answer.status) in responses
                schema = responses[str(answer.status)]
                assert deviations(found, schema, SCHEMAS) == []
            if answer.status >= 400:
                assert set(found) == {"statusCode", "name", "message"}
                assert found["statusCode"] == answer.status
            return answer.status, found, answer.headers

    async def send(self, body: object, **headers: str) -> tuple[int, Any, Any]:
        return await self.ask("POST", "/emails", body, described="/emails", **headers)

    async def batch(self, body: object, **headers: str) -> tuple[int, Any, Any]:
        described = "" if headers.get("x_batch_validation") == "permissive" else "/emails/batch"
        return await self.ask("POST", "/emails/batch", body, described=described, **headers)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with FakeResend() as fake, aiohttp.ClientSession() as session:
        yield Client(fake, session)


async def test_a_mail_arrives_as_its_recipient_would_see_it(client: Client) -> None:
    status, answer, headers = await client.send(MAIL)
    assert status == 200
    (arrived,) = client.fake.arrived
    assert arrived.recipient == "anna@firm.example"
    assert arrived.sender == MAIL["from"]
    assert (arrived.subject, arrived.text, arrived.html) == ("Grüße", "Hello Anna", "<p>Hello Anna</p>")
    assert arrived.reply_to == "eva.berg@nordlicht.example"
    assert arrived.mail_id == "0123abcd"
    assert arrived.attachments == (("März.pdf", b"%PDF"),)
    assert arrived.headers["list-unsubscribe"] == "<https://mail.nordlicht.example/u/1>"
    assert arrived.headers["message-id"] == f"<{answer['id']}@email.resend.example>"
    assert not arrived.tracking
    assert headers["ratelimit-remaining"] == "4"
    assert deviations(MAIL, SCHEMAS["SendEmailRequest"], SCHEMAS) == []


async def test_every_recipient_gets_a_mail(client: Client) -> None:
    await client.send({**MAIL, "to": ["a@firm.example", "b@firm.example"], "cc": "c@firm.example"})
    assert [each.recipient for each in client.fake.arrived] == ["a@firm.example", "b@firm.example", "c@firm.example"]


BROKEN: list[tuple[dict[str, Any], int, str]] = [
    ({"from": None}, 422, "validation_error"),
    ({"from": "eva.berg"}, 422, "validation_error"),
    ({"from": "Berg, Eva <eva.berg@nordlicht.example>"}, 422, "validation_error"),
    ({"from": "eva@stranger.example"}, 403, "validation_error"),
    ({"to": []}, 422, "validation_error"),
    ({"to": "nobody"}, 422, "validation_error"),
    ({"to": "änna@firm.example"}, 422, "validation_error"),
    ({"to": [f"p{n}@firm.example" for n in range(51)]}, 422, "validation_error"),
    ({"to": "refused@firm.example"}, 422, "validation_error"),
    ({"to": 7}, 422, "validation_error"),
    ({"subject": ""}, 422, "validation_error"),
    ({"subject": "a\r\nBcc: x@y.example"}, 422, "validation_error"),
    ({"text": 1}, 422, "validation_error"),
    ({"replyTo": "x@firm.example"}, 422, "validation_error"),
    ({"reply_to": "nobody"}, 422, "validation_error"),
    ({"track_opens": False}, 422, "validation_error"),
    ({"headers": {"X-N": 1}}, 422, "validation_error"),
    ({"headers": {"X N": "1"}}, 422, "validation_error"),
    ({"headers": {"X-N": "a\nb"}}, 422, "validation_error"),
    ({"headers": {"Reply-To": "x@firm.example"}}, 422, "validation_error"),
    ({"headers": {"X-N": "1", "x-n": "2"}}, 422, "validation_error"),
    ({"tags": {"name": "value"}}, 422, "validation_error"),
    ({"tags": [{"name": "mail id", "value": "1"}]}, 422, "validation_error"),
    ({"tags": [{"name": "id", "value": "x" * 257}]}, 422, "validation_error"),
    ({"tags": [{"name": "id", "value": "x", "colour": "red"}]}, 422, "validation_error"),
    ({"attachments": "no"}, 422, "validation_error"),
    ({"attachments": [{"filename": "a.pdf"}]}, 422, "invalid_attachment"),
    ({"attachments": [{"content": "AAAA"}]}, 422, "invalid_attachment"),
    ({"attachments": [{"filename": "a.pdf", "content": "%%%"}]}, 422, "invalid_attachment"),
    ({"attachments": [{"filename": "a.pdf", "content": 1}]}, 422, "invalid_attachment"),
    ({"attachments": [{"filename": "a.pdf", "content": "AAAA", "cid": "x"}]}, 422, "validation_error"),
    ({"attachments": [{"filename": "a.bin", "content": "A" * (43 << 20)}]}, 422, "validation_error"),
    ({"scheduled_at": "whenever"}, 422, "validation_error"),
    ({"template": {"id": "t"}}, 422, "validation_error"),
    ({"topic_id": 1}, 422, "validation_error"),
]


@pytest.mark.parametrize(("change", "status", "name"), BROKEN)
async def test_what_the_description_does_not_know_is_refused(
    client: Client, change: dict[str, Any], status: int, name: str
) -> None:
    found, answer, _ = await client.send({**MAIL, **change})
    assert (found, answer["name"]) == (status, name)
    assert len(client.fake.refused) == 1
    assert client.fake.arrived == []


@pytest.mark.parametrize("missing", [("from",), ("to",), ("subject",), ("html", "text")])
async def test_a_field_that_is_missing_is_named(client: Client, missing: tuple[str, ...]) -> None:
    status, answer, _ = await client.send({key: value for key, value in MAIL.items() if key not in missing})
    assert (status, answer["name"]) == (422, "missing_required_field")
    assert missing[0] in answer["message"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 422),
        (b"{}", {"Content_Type": "text/plain"}, 415),
        (MAIL, {"X_Priority": "1"}, 400),
        (MAIL, {"x_batch_validation": "permissive"}, 400),
    ],
)
async def test_a_request_of_another_kind_is_refused(
    client: Client, body: object, headers: dict[str, str], status: int
) -> None:
    assert (await client.send(body, **headers))[0] == status


async def test_a_request_to_send_has_no_query(client: Client) -> None:
    assert (await client.ask("POST", "/emails?dry=1", MAIL))[0] == 400


async def test_keys_are_told_apart_as_documented(client: Client) -> None:
    assert (await client.send(MAIL, Authorization="-"))[1]["name"] == "missing_api_key"
    status, answer, _ = await client.send(MAIL, Authorization="Bearer other")
    assert (status, answer["name"]) == (403, "invalid_api_key")
    assert (await client.send(MAIL, User_Agent=""))[0] == 403
    client.fake.sending_only = True
    assert (await client.ask("GET", "/domains"))[1]["name"] == "restricted_api_key"
    assert (await client.send(MAIL))[0] == 200


async def test_a_batch_is_refused_as_a_whole_unless_asked_otherwise(client: Client) -> None:
    mails = [{**PLAIN, "to": f"{local}@firm.example"} for local in ("anna", "refused", "bo")]
    assert (await client.batch(mails))[0] == 422
    assert client.fake.arrived == []
    client.fake.refused.clear()
    status, answer, _ = await client.batch(mails, x_batch_validation="permissive")
    assert status == 200
    assert len(answer["data"]) == 2
    assert [error["index"] for error in answer["errors"]] == [1]
    assert [each.recipient for each in client.fake.arrived] == ["anna@firm.example", "bo@firm.example"]
    assert client.fake.refused == []


async def test_a_batch_answers_an_id_for_each_mail(client: Client) -> None:
    status, answer, _ = await client.batch([PLAIN, {**PLAIN, "to": "bo@firm.example"}])
    assert status == 200
    assert len({each["id"] for each in answer["data"]}) == 2


@pytest.mark.parametrize("body", [[], {}, [PLAIN] * 101, [MAIL], [{**PLAIN, "scheduled_at": "2026-12-01T08:00:00"}]])
async def test_a_batch_has_its_own_limits(client: Client, body: object) -> None:
    assert (await client.batch(body))[0] == 422
    assert client.fake.arrived == []


async def test_in_a_permissive_batch_a_broken_mail_is_remembered(client: Client) -> None:
    _, answer, _ = await client.batch([PLAIN, {**PLAIN, "colour": "red"}], x_batch_validation="permissive")
    assert [error["index"] for error in answer["errors"]] == [1]
    assert client.fake.refused == ["validation_error: Unknown field `colour`."]
    assert (await client.batch([PLAIN], x_batch_validation="lax"))[0] == 400


async def test_a_repeat_under_the_same_key_sends_nothing_twice(client: Client) -> None:
    first = await client.send(MAIL, Idempotency_Key="k1")
    again = await client.send(dict(reversed(MAIL.items())), Idempotency_Key="k1")
    assert first[1] == again[1]
    assert len(client.fake.arrived) == 1
    status, answer, _ = await client.send({**MAIL, "subject": "other"}, Idempotency_Key="k1")
    assert (status, answer["name"]) == (409, "invalid_idempotent_request")
    await client.send(MAIL, Idempotency_Key="k2")
    assert len(client.fake.arrived) == 2


async def test_a_repeat_of_what_was_taken_without_an_answer_gets_its_id(client: Client) -> None:
    client.fake.moods.append(Mood.ACCEPT_THEN_ERROR)
    assert (await client.send(MAIL, Idempotency_Key="k1"))[0] == 500
    assert (await client.send(MAIL, Idempotency_Key="k1"))[0] == 200
    assert len(client.fake.arrived) == 1


async def test_a_refused_request_leaves_its_key_free(client: Client) -> None:
    assert (await client.send({**MAIL, "to": "nobody"}, Idempotency_Key="k1"))[0] == 422
    assert (await client.send(MAIL, Idempotency_Key="k1"))[0] == 200


@pytest.mark.parametrize(("key", "status"), [("", 400), ("x" * 257, 400), ("busy", 409)])
async def test_keys_have_a_length_and_one_user_at_a_time(client: Client, key: str, status: int) -> None:
    client.fake.busy.add("busy")
    assert (await client.send(MAIL, Idempotency_Key=key))[0] == status


@pytest.mark.parametrize("setting", ["open_tracking", "click_tracking"])
async def test_tracking_is_a_setting_of_the_domain(client: Client, setting: str) -> None:
    _, listed, _ = await client.ask("GET", "/domains", described="/domains")
    (domain,) = listed["data"]
    assert not domain[setting]
    path = f"/domains/{domain['id']}"
    await client.ask("PATCH", path, {setting: True}, described="/domains/{domain_id}")
    assert (await client.ask("GET", path, described="/domains/{domain_id}"))[1][setting]
    await client.send(MAIL)
    assert client.fake.arrived[0].tracking


async def test_only_verified_domains_send(client: Client) -> None:
    client.fake.account.domains = [ResendDomain("nordlicht.example", status="pending")]
    assert (await client.send(MAIL))[0] == 403


async def test_too_much_at_once_is_told_with_its_headers(client: Client) -> None:
    client.fake.moods.append(Mood.RATE_LIMIT)
    status, answer, headers = await client.send(MAIL)
    assert (status, answer["name"]) == (429, "rate_limit_exceeded")
    assert headers["retry-after"] == headers["ratelimit-reset"] == "7"
    assert headers["ratelimit-remaining"] == "0"
    assert client.fake.arrived == []


async def test_suppressions_are_added_listed_and_taken_back(client: Client) -> None:
    one = {"described": "/suppressions"}
    made = (await client.ask("POST", "/suppressions", {"email": "Anna@firm.example"}, **one))[1]
    many = {"emails": ["bo@firm.example", "cy@firm.example"]}
    await client.ask("POST", "/suppressions/batch/add", many, described="/suppressions/batch/add")
    client.fake.listed.append(OnList("bounce", "di@firm.example", MOMENT))
    first = (await client.ask("GET", "/suppressions?limit=3", **one))[1]
    assert [each["email"] for each in first["data"]] == ["anna@firm.example", "bo@firm.example", "cy@firm.example"]
    assert first["has_more"]
    last = (await client.ask("GET", f"/suppressions?after={first['data'][-1]['id']}", **one))[1]
    assert [each["origin"] for each in last["data"]] == ["bounce"]
    assert last["data"][0]["created_at"] == "2026-11-22 09:00:00.250+00"
    assert not last["has_more"]
    before = (await client.ask("GET", f"/suppressions?limit=1&before={last['data'][0]['id']}", **one))[1]
    assert [each["email"] for each in before["data"]] == ["cy@firm.example"]
    assert before["has_more"]
    assert not (await client.ask("GET", f"/suppressions?before={before['data'][0]['id']}", **one))[1]["has_more"]
    bounces = (await client.ask("GET", "/suppressions?origin=bounce", **one))[1]
    assert bounces["data"] == last["data"]
    named = {"described": "/suppressions/{suppression}"}
    assert (await client.ask("GET", "/suppressions/bo@firm.example", **named))[1]["email"] == "bo@firm.example"
    await client.ask("DELETE", f"/suppressions/{made['id']}", **named)
    await client.ask("POST", "/suppressions/batch/remove", many, described="/suppressions/batch/remove")
    assert [each.address for each in client.fake.listed] == ["di@firm.example"]
    assert client.fake.refused == []


async def test_a_page_has_one_side(client: Client) -> None:
    made = (await client.ask("POST", "/suppressions", {"email": "anna@firm.example"}))[1]["id"]
    assert (await client.ask("GET", f"/suppressions?after={made}"))[0] == 200
    assert (await client.ask("GET", f"/suppressions?after={made}&before={made}"))[0] == 422


async def test_what_is_on_the_list_already_stays_as_it_is(client: Client) -> None:
    client.fake.listed.append(OnList("complaint", "Anna@firm.example", MOMENT))
    for address in ("anna@firm.example", "bo@firm.example", "bo@firm.example"):
        status, _, _ = await client.ask("POST", "/suppressions", {"email": address}, described="/suppressions")
        assert status == 201
    await client.ask("POST", "/suppressions/batch/add", {"emails": ["cy@firm.example", "Cy@firm.example"]})
    assert [(each.list_name, each.address) for each in client.fake.listed] == [
        ("complaint", "Anna@firm.example"),
        ("manual", "bo@firm.example"),
        ("manual", "cy@firm.example"),
    ]


@pytest.mark.parametrize("origin", ["bounce", "complaint", "manual"])
async def test_mail_to_the_suppressed_is_accepted_and_does_not_arrive(client: Client, origin: str) -> None:
    client.fake.listed.append(OnList(origin, "Anna@firm.example", MOMENT))
    status, answer, _ = await client.send(MAIL)
    assert status == 200
    assert client.fake.arrived == []
    shown = (await client.ask("GET", f"/emails/{answer['id']}", described="/emails/{email_id}"))[1]
    assert shown["last_event"] == "suppressed"


async def test_a_contact_is_erased(client: Client) -> None:
    client.fake.account.contacts.add("anna@firm.example")
    status, answer, _ = await client.ask("DELETE", "/contacts/anna@firm.example", described="/contacts/{id}")
    assert (status, answer["deleted"]) == (200, True)
    assert client.fake.account.contacts == set()
    assert client.fake.erased == ["anna@firm.example"]


async def test_contacts_are_made_and_shown_page_by_page(client: Client) -> None:
    for number in range(3):
        made = {"email": f"P{number}@firm.example"}
        assert (await client.ask("POST", "/contacts", made, described="/contacts"))[0] == 201
    _, first, _ = await client.ask("GET", "/contacts?limit=2", described="/contacts")
    _, last, _ = await client.ask("GET", f"/contacts?limit=2&after={first['data'][-1]['id']}", described="/contacts")
    assert (first["has_more"], last["has_more"]) == (True, False)
    people = {each["email"] for each in (*first["data"], *last["data"])}
    assert people == {"p0@firm.example", "p1@firm.example", "p2@firm.example"}


async def test_who_opts_out_of_a_topic_is_listed_there_and_gets_other_mail(client: Client) -> None:
    out, back = ([{"id": "topic-1", "subscription": choice}] for choice in ("opt_out", "opt_in"))
    await client.ask("POST", "/contacts", {"email": "anna@firm.example", "topics": out}, described="/contacts")
    assert [(each.list_name, each.address) for each in client.fake.listed] == [("topic-1", "anna@firm.example")]
    assert (await client.ask("GET", "/suppressions", described="/suppressions"))[1]["data"] == []
    await client.send(MAIL)
    assert len(client.fake.arrived) == 1
    path, described = "/contacts/anna@firm.example/topics", "/contacts/{contact_id}/topics"
    assert (await client.ask("PATCH", path, {"topics": out}, described=described))[0] == 200
    assert len(client.fake.listed) == 1
    await client.ask("PATCH", path, {"topics": back}, described=described)
    assert client.fake.listed == []


async def test_erasing_is_remembered_where_there_is_no_contact_too(client: Client) -> None:
    assert (await client.ask("DELETE", "/contacts/bo@firm.example"))[0] == 404
    assert (await client.ask("DELETE", "/contacts/no-such-id"))[0] == 404
    assert client.fake.erased == ["bo@firm.example"]
    assert client.fake.refused == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("POST", "/v3/mail/send", {}, 404),
        ("PUT", "/emails", {}, 405),
        ("GET", "/emails/unknown", None, 404),
        ("GET", "/domains/unknown", None, 404),
        ("GET", "/domains?colour=red", None, 422),
        ("GET", "/suppressions?limit=101", None, 422),
        ("GET", "/suppressions?origin=whim", None, 422),
        ("GET", "/suppressions?after=unknown", None, 422),
        ("GET", "/suppressions?after=a&before=b", None, 422),
        ("GET", "/suppressions?colour=red", None, 422),
        ("GET", "/suppressions/unknown", None, 404),
        ("POST", "/suppressions?origin=manual", {"email": "a@firm.example"}, 422),
        ("POST", "/suppressions", {"email": "a@firm.example", "origin": "manual"}, 422),
        ("POST", "/suppressions/batch/add", {"emails": ["a@firm.example"], "origin": "manual"}, 422),
        ("DELETE", "/contacts/a@firm.example?hard=1", None, 422),
        ("POST", "/suppressions", {}, 422),
        ("POST", "/suppressions", {"email": "nobody"}, 422),
        ("POST", "/suppressions", {"emails": []}, 422),
        ("POST", "/suppressions/batch/add", {"emails": []}, 422),
        ("POST", "/suppressions/batch/add", {"emails": [f"p{n}@firm.example" for n in range(101)]}, 422),
        ("POST", "/suppressions/batch/remove", {"emails": ["a@firm.example"], "ids": ["1"]}, 422),
        ("POST", "/suppressions/batch/remove", {"ids": []}, 422),
        ("POST", "/suppressions/batch/remove", {"ids": ["unknown"]}, 404),
        ("DELETE", "/contacts/unknown", None, 404),
        ("GET", "/contacts?limit=0", None, 422),
        ("GET", "/contacts?colour=red", None, 422),
        ("POST", "/contacts", {"email": "nobody"}, 422),
        ("POST", "/contacts", {}, 422),
        ("POST", "/contacts", {"email": "a@firm.example", "colour": "red"}, 422),
        ("POST", "/contacts", {"email": "a@firm.example", "topics": [{"id": "1", "subscription": "maybe"}]}, 422),
        ("PATCH", "/contacts/a@firm.example/topics", {"topics": []}, 404),
        ("PATCH", "/contacts/a@firm.example/topics", {"topics": "1"}, 422),
    ],
)
async def test_other_requests_are_checked_as_well(
    client: Client, method: str, path: str, body: object, status: int
) -> None:
    assert (await client.ask(method, path, body))[0] == status


async def test_settings_of_a_domain_are_yes_or_no(client: Client) -> None:
    path = f"/domains/{client.fake.account.domains[0].id}"
    assert (await client.ask("PATCH", path, {"open_tracking": "no"}))[0] == 422
    assert (await client.ask("PATCH", path, {"colour": "red"}))[0] == 422
