from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from penstock.testing import FakeClock
from penstock.testing.described import deviations
from penstock.testing.esp import Mood, OnList
from penstock.testing.esps.brevo import FakeBrevo

UUID = "7c1e4f2a-5b1d-4c39-9a70-2f6f6f0d9b11"
MAIL: dict[str, Any] = {
    "sender": {"email": "eva.berg@nordlicht.example", "name": "Eva Berg"},
    "to": [{"email": "anna@firm.example"}],
    "subject": "Grüße",
    "htmlContent": "<p>Hello Anna</p>",
    "textContent": "Hello Anna",
    "replyTo": {"email": "eva.berg@nordlicht.example"},
    "headers": {
        "List-Unsubscribe": "<https://mail.nordlicht.example/u/1>",
        "X-Mailin-Custom": '{"penstock_mail_id": "0123abcd"}',
    },
    "attachment": [{"name": "Angebot.pdf", "content": b64encode(b"%PDF").decode()}],
}
TEXT = {"type": "string", "minLength": 1}
ERROR = {"type": "object", "properties": {"code": TEXT, "message": TEXT}, "required": ["code", "message"]}
ONE = {"type": "object", "properties": {"messageId": TEXT, "batchId": TEXT}, "required": ["messageId"]}
SEVERAL = {
    "type": "object",
    "properties": {"messageIds": {"type": "array", "items": TEXT}, "batchId": TEXT},
    "required": ["messageIds"],
}
BLOCKED = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "contacts": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "email": TEXT,
                    "senderEmail": {"type": "string"},
                    "blockedAt": TEXT,
                    "reason": {
                        "type": "object",
                        "properties": {
                            "code": {
                                "enum": [
                                    "unsubscribedViaMA",
                                    "unsubscribedViaEmail",
                                    "adminBlocked",
                                    "unsubscribedViaApi",
                                    "hardBounce",
                                    "contactFlaggedAsSpam",
                                ]
                            },
                            "message": TEXT,
                        },
                    },
                },
                "required": ["email", "senderEmail", "blockedAt", "reason"],
            },
        },
    },
}

CONTACT = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "email": TEXT,
        "emailBlacklisted": {"type": "boolean"},
        "smsBlacklisted": {"type": "boolean"},
        "createdAt": TEXT,
        "modifiedAt": TEXT,
        "listIds": {"type": "array", "items": {"type": "integer"}},
        "attributes": {"type": "object"},
    },
    "required": ["id", "email", "emailBlacklisted", "smsBlacklisted", "createdAt", "modifiedAt", "listIds"],
}
CONTACTS = {
    "type": "object",
    "properties": {"count": {"type": "integer"}, "contacts": {"type": "array", "items": CONTACT}},
    "required": ["count", "contacts"],
}


class Client:
    """Asks the fake as anybody would; every answer to a mail must have the published fields."""

    def __init__(self, fake: FakeBrevo, session: aiohttp.ClientSession) -> None:
        self.fake = fake
        self._session = session

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any, Any]:
        named = {"api-key": self.fake.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            named.setdefault("content-type", "application/json")
        async with self._session.request(
            method, self.fake.url + path, data=data and BytesIO(data), headers=named
        ) as answer:
            found = await answer.json() if answer.content_length else None
            assert "x-sib-ratelimit-remaining" in answer.headers
            if answer.status >= 400:
                assert deviations(found, ERROR) == []
            return answer.status, found, answer.headers

    async def send(self, body: object, **headers: str) -> tuple[int, Any, Any]:
        status, found, given = await self.ask("POST", "/v3/smtp/email", body, **headers)
        if status < 300:
            assert isinstance(body, dict)
            assert deviations(found, SEVERAL if "messageVersions" in body else ONE) == []
        return status, found, given


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with FakeBrevo(tracks=False) as fake, aiohttp.ClientSession() as session:
        yield Client(fake, session)


def on(name: str, address: str, day: int = 5) -> OnList:
    return OnList(name, address, datetime(2026, 11, day, 7, 30, 15, 250_000, tzinfo=UTC))


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in MAIL.items() if name not in names}


def with_headers(**headers: Any) -> dict[str, Any]:
    return {**MAIL, "headers": {name.replace("_", "-"): value for name, value in headers.items()}}


def versions(*given: object, **common: Any) -> dict[str, Any]:
    return {**without("to"), **common, "messageVersions": list(given)}


async def test_a_mail_arrives_as_its_recipient_would_see_it(client: Client) -> None:
    status, answer, headers = await client.send(MAIL)
    assert status == 201
    (arrived,) = client.fake.arrived
    assert arrived.sender == "Eva Berg <eva.berg@nordlicht.example>"
    assert (arrived.recipient, arrived.subject) == ("anna@firm.example", "Grüße")
    assert (arrived.text, arrived.html) == ("Hello Anna", "<p>Hello Anna</p>")
    assert arrived.reply_to == "eva.berg@nordlicht.example"
    assert arrived.mail_id == "0123abcd"
    assert arrived.attachments == (("Angebot.pdf", b"%PDF"),)
    assert arrived.headers["list-unsubscribe"] == "<https://mail.nordlicht.example/u/1>"
    assert arrived.headers["message-id"] == answer["messageId"]
    assert not arrived.tracking
    assert headers["x-sib-ratelimit-remaining"] == "999"
    assert client.fake.refused == []


async def test_every_recipient_gets_a_mail(client: Client) -> None:
    cc = {"cc": [{"email": "bo@firm.example", "name": "Bo"}], "bcc": [{"email": "cy@firm.example"}]}
    await client.send({**MAIL, **cc})
    assert [each.recipient for each in client.fake.arrived] == [
        "anna@firm.example",
        "bo@firm.example",
        "cy@firm.example",
    ]


@pytest.mark.parametrize(
    ("headers", "tags", "mail_id"),
    [
        ({"X-Mailin-custom": "0123abcd"}, [], "0123abcd"),
        ({"X-Mailin-Custom": "step:1|penstock_mail_id:0123abcd|"}, [], "0123abcd"),
        ({"X-Mailin-Custom": '{"mail-id": "0123abcd", "step": 1}'}, ["campaign"], "0123abcd"),
        ({}, ["0123abcd"], "0123abcd"),
        ({}, ["purchasing", "penstock_mail_id:0123abcd"], "0123abcd"),
        ({}, ["purchasing", "prospecting"], ""),
    ],
)
async def test_our_id_is_found_where_events_bring_it_back(
    client: Client, headers: dict[str, str], tags: list[str], mail_id: str
) -> None:
    status, _, _ = await client.send({**MAIL, "headers": headers, "tags": tags})
    assert status == 201
    assert client.fake.arrived[0].mail_id == mail_id


BROKEN: list[tuple[object, str]] = [
    (without("sender"), "missing_parameter"),
    (without("to"), "missing_parameter"),
    (without("subject"), "missing_parameter"),
    (without("htmlContent"), "missing_parameter"),
    ({**MAIL, "htmlContent": ""}, "missing_parameter"),
    ({**MAIL, "sender": {"name": "Eva"}}, "missing_parameter"),
    ({**MAIL, "to": [{"name": "Anna"}]}, "missing_parameter"),
    ({**MAIL, "attachment": [{"content": "AAAA"}]}, "missing_parameter"),
    ({**MAIL, "attachment": [{"name": "a.pdf"}]}, "missing_parameter"),
    ({**MAIL, "sender": "eva.berg@nordlicht.example"}, "invalid_parameter"),
    ({**MAIL, "sender": {"id": 7}}, "invalid_parameter"),
    ({**MAIL, "sender": {"email": "eva.berg"}}, "invalid_parameter"),
    ({**MAIL, "sender": {"email": "eva.berg@nordlicht.example", "name": "x" * 71}}, "invalid_parameter"),
    ({**MAIL, "to": []}, "invalid_parameter"),
    ({**MAIL, "to": "anna@firm.example"}, "invalid_parameter"),
    ({**MAIL, "to": [{"email": "nobody"}]}, "invalid_parameter"),
    ({**MAIL, "to": [{"email": "änna@firm.example"}]}, "invalid_parameter"),
    ({**MAIL, "to": [{"email": "anna@firm.example", "name": ""}]}, "invalid_parameter"),
    ({**MAIL, "to": [{"email": "anna@firm.example", "colour": "red"}]}, "invalid_parameter"),
    ({**MAIL, "to": [{"email": "refused@firm.example"}]}, "invalid_parameter"),
    ({**MAIL, "to": [{"email": f"p{n}@firm.example"} for n in range(2001)]}, "invalid_parameter"),
    ({**MAIL, "cc": []}, "invalid_parameter"),
    ({**MAIL, "subject": "a\r\nBcc: x@y.example"}, "invalid_parameter"),
    ({**MAIL, "textContent": 1}, "invalid_parameter"),
    ({**MAIL, "replyTo": "eva.berg@nordlicht.example"}, "invalid_parameter"),
    ({**MAIL, "replyTo": [{"email": "eva.berg@nordlicht.example"}]}, "invalid_parameter"),
    ({**MAIL, "colour": "red"}, "invalid_parameter"),
    ({**MAIL, "trackOpens": False}, "invalid_parameter"),
    ({**MAIL, "templateId": 1}, "invalid_parameter"),
    ({**MAIL, "params": []}, "invalid_parameter"),
    ({**MAIL, "params": {"x": "y" * (100 << 10)}}, "invalid_parameter"),
    ({**MAIL, "tags": "one"}, "invalid_parameter"),
    ({**MAIL, "tags": [""]}, "invalid_parameter"),
    ({**MAIL, "tags": [1]}, "invalid_parameter"),
    ({**MAIL, "scheduledAt": "whenever"}, "invalid_parameter"),
    ({**MAIL, "batchId": "1"}, "invalid_parameter"),
    ({**MAIL, "batchId": "7c1e4f2a-5b1d-1c39-9a70-2f6f6f0d9b11"}, "invalid_parameter"),
    ({**MAIL, "attachment": []}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a.exe", "content": "AAAA"}]}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a", "content": "AAAA"}]}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a.pdf", "content": "%%%"}]}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a.pdf", "content": "ü"}]}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a.pdf", "content": ""}]}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a.pdf", "url": "a.pdf"}]}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a.png", "content": "AAAA", "contentId": "x"}]}, "invalid_parameter"),
    ({**MAIL, "attachment": [{"name": "a.zip", "content": "A" * (22 << 20)}]}, "invalid_parameter"),
    ({**MAIL, "headers": []}, "invalid_parameter"),
    (with_headers(X_N=1), "invalid_parameter"),
    (with_headers(X_N="a\nb"), "invalid_parameter"),
    ({**MAIL, "headers": {"X N": "1"}}, "invalid_parameter"),
    ({**MAIL, "headers": {"X-N": "1", "x-n": "2"}}, "invalid_parameter"),
    (with_headers(Message_ID="<1@nordlicht.example>"), "invalid_parameter"),
    (with_headers(Reply_To="eva.berg@nordlicht.example"), "invalid_parameter"),
    (with_headers(Content_Language="en"), "invalid_parameter"),
    (with_headers(X_Sib_Sandbox="yes"), "invalid_parameter"),
    (with_headers(idempotencyKey="k1"), "invalid_parameter"),
    (b"{", "bad_request"),
    ([], "invalid_parameter"),
]


@pytest.mark.parametrize(("body", "code"), BROKEN)
async def test_what_the_description_does_not_know_is_refused(client: Client, body: object, code: str) -> None:
    status, answer, _ = await client.send(body)
    assert (status, answer["code"]) == (400, code)
    assert len(client.fake.refused) == 1
    assert client.fake.arrived == []


TO = [{"email": "bo@firm.example"}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (versions(), "invalid_parameter"),
        (versions({}), "missing_parameter"),
        ({**MAIL, "messageVersions": [{}]}, "missing_parameter"),
        (versions("bo"), "invalid_parameter"),
        (versions({"to": TO, "headers": {}}), "invalid_parameter"),
        (versions({"to": TO, "tags": ["x"]}), "invalid_parameter"),
        (versions({"to": TO, "sender": MAIL["sender"]}), "invalid_parameter"),
        (versions({"to": [{"email": f"p{n}@firm.example"} for n in range(100)]}), "invalid_parameter"),
        (versions(*({"to": [{"email": f"p{n}@firm.example"}] * 50} for n in range(41))), "invalid_parameter"),
        (versions(*[{"to": TO}] * 1001), "invalid_parameter"),
        (versions(*({"to": TO, "params": {"x": "y" * (99 << 10)}} for _ in range(11))), "invalid_parameter"),
        (versions({"to": TO}, {"to": [{"email": "refused@firm.example"}]}), "invalid_parameter"),
        (
            {
                **without("to", "htmlContent", "textContent"),
                "messageVersions": [{"to": TO, "htmlContent": "<p>Hi</p>"}],
            },
            "invalid_parameter",
        ),
    ],
)
async def test_versions_have_limits_of_their_own(client: Client, body: object, code: str) -> None:
    status, answer, _ = await client.send(body)
    assert (status, answer["code"]) == (400, code)
    assert client.fake.arrived == []


async def test_each_version_is_a_mail_with_an_id_of_its_own(client: Client) -> None:
    first = {"to": TO, "subject": "Hello {{params.name}}", "params": {"name": "Bo"}, "textContent": "Bo"}
    status, answer, _ = await client.send(versions(first, {"to": [{"email": "cy@firm.example"}]}))
    assert status == 201
    assert len(set(answer["messageIds"])) == 2
    bo, cy = client.fake.arrived
    assert (bo.recipient, bo.subject, bo.text, bo.html) == ("bo@firm.example", "Hello Bo", "Bo", "<p>Hello Anna</p>")
    assert (cy.recipient, cy.subject, cy.text) == ("cy@firm.example", "Grüße", "Hello Anna")
    assert bo.headers["list-unsubscribe"] == cy.headers["list-unsubscribe"]
    assert [bo.headers["message-id"], cy.headers["message-id"]] == answer["messageIds"]


async def test_a_request_has_a_key_a_type_and_no_strange_headers(client: Client) -> None:
    status, answer, _ = await client.send(MAIL, api_key="wrong")
    assert (status, answer["code"]) == (401, "unauthorized")
    assert (await client.send(MAIL, X_Priority="1"))[0] == 400
    assert (await client.send(MAIL, Authorization="Bearer test-key"))[0] == 400
    assert (await client.send(MAIL, content_type="text/plain"))[0] == 400
    assert (await client.ask("POST", "/v3/smtp/email?dry=1", MAIL))[0] == 400
    assert client.fake.arrived == []


async def test_an_account_tracks_until_its_support_switched_that_off(client: Client) -> None:
    async with FakeBrevo() as fake:
        await Client(fake, client._session).send(MAIL)
        assert fake.arrived[0].tracking


async def test_without_a_list_unsubscribe_of_ones_own_brevo_puts_one_in(client: Client) -> None:
    await client.send({**MAIL, "headers": {}})
    (arrived,) = client.fake.arrived
    assert "brevo.example" in arrived.headers["list-unsubscribe"]
    assert arrived.tracking


@pytest.mark.parametrize("value", ["Grüße", "=?utf-8?b?R3LDvMOfZQ==?="])
async def test_header_values_beyond_ascii_are_garbled(client: Client, value: str) -> None:
    await client.send(with_headers(X_Note=value))
    assert client.fake.arrived[0].headers["x-note"] == "GrÃ¼Ã\x9fe"


@pytest.mark.parametrize("value", ["=?nosuch?b?R3I=?=", "=?utf-8?b?R?="])
async def test_words_that_cannot_be_decoded_arrive_as_they_are(client: Client, value: str) -> None:
    await client.send(with_headers(X_Note=value))
    assert client.fake.arrived[0].headers["x-note"] == value


async def test_orders_to_brevo_do_not_arrive(client: Client) -> None:
    await client.send(with_headers(idempotencyKey=UUID, **{"sender.ip": "192.0.2.7"}))
    assert not {"idempotencykey", "sender.ip"} & set(client.fake.arrived[0].headers)


async def test_in_the_sandbox_a_mail_is_checked_and_dropped(client: Client) -> None:
    assert (await client.send(with_headers(X_Sib_Sandbox="drop")))[0] == 201
    assert (await client.send({**with_headers(X_Sib_Sandbox="drop"), "to": []}))[0] == 400
    assert client.fake.arrived == []


@pytest.mark.parametrize("name", ["idempotencyKey", "Idempotency-Key", "idempotencykey"])
async def test_a_key_is_good_for_one_request_in_half_an_hour(client: Client, name: str) -> None:
    client.fake.clock = clock = FakeClock()
    mail = {**MAIL, "headers": {name: UUID}}
    assert (await client.send(mail))[0] == 201
    clock.advance(timedelta(seconds=1799))
    status, answer, _ = await client.send(mail)
    assert (status, answer["code"]) == (400, "duplicate_parameter")
    assert len(client.fake.arrived) == 1
    clock.advance(timedelta(seconds=1))
    assert (await client.send(mail))[0] == 201
    assert len(client.fake.arrived) == 2


async def test_what_was_taken_without_an_answer_is_not_taken_twice(client: Client) -> None:
    client.fake.moods.append(Mood.ACCEPT_THEN_ERROR)
    mail = with_headers(idempotencyKey=UUID)
    assert (await client.send(mail))[0] == 500
    assert (await client.send(mail))[1]["code"] == "duplicate_parameter"
    assert len(client.fake.arrived) == 1


async def test_a_refused_request_leaves_its_key_free(client: Client) -> None:
    mail = with_headers(idempotencyKey=UUID)
    assert (await client.send({**mail, "to": [{"email": "nobody"}]}))[0] == 400
    assert (await client.send(mail))[0] == 201


async def test_what_is_scheduled_is_accepted_for_later(client: Client) -> None:
    later = {"scheduledAt": "2026-12-01T08:00:00.000Z", "batchId": UUID}
    status, answer, _ = await client.send({**MAIL, **later})
    assert (status, answer["batchId"]) == (202, UUID)


async def test_credits_and_the_relay_belong_to_the_account(client: Client) -> None:
    assert (await client.ask("GET", "/v3/account"))[1]["relay"]["enabled"]
    client.fake.account.credits = 0
    assert (await client.send(MAIL))[:2][0] == 402
    client.fake.account.relay = False
    status, answer, _ = await client.send(MAIL)
    assert (status, answer["code"]) == (403, "permission_denied")
    assert not (await client.ask("GET", "/v3/account"))[1]["relay"]["enabled"]
    assert client.fake.arrived == []


async def test_too_much_at_once_is_told_in_its_headers(client: Client) -> None:
    client.fake.moods.append(Mood.RATE_LIMIT)
    status, answer, headers = await client.send(MAIL)
    assert (status, answer["code"]) == (429, "too_many_requests")
    assert (headers["x-sib-ratelimit-remaining"], headers["x-sib-ratelimit-reset"]) == ("0", "7")
    assert "retry-after" not in headers
    assert client.fake.arrived == []


async def test_mail_to_the_blocked_is_accepted_and_does_not_arrive(client: Client) -> None:
    blocked = [on("hardBounce", "Anna@firm.example"), on("unsubscribedViaEmail", "bo@firm.example")]
    client.fake.listed += [*blocked, on("contactFlaggedAsSpam", "eve@firm.example")]
    client.fake.listed.append(on("emailBlacklisted", "dora@firm.example"))
    client.fake.lists.bound["bo@firm.example"] = ("other@nordlicht.example",)
    client.fake.lists.bound["eve@firm.example"] = ("other@nordlicht.example", "eva.berg@nordlicht.example")
    client.fake.account.blocked_domains.append("stopped.example")
    for name in ("anna@firm", "bo@firm", "cy@stopped", "dora@firm", "eve@firm"):
        assert (await client.send({**MAIL, "to": [{"email": f"{name}.example"}]}))[0] == 201
    assert [each.recipient for each in client.fake.arrived] == ["bo@firm.example", "dora@firm.example"]


async def test_blocked_contacts_are_listed_by_page_and_unblocked(client: Client) -> None:
    client.fake.listed += [on("hardBounce", f"p{n}@firm.example", n + 1) for n in range(3)]
    client.fake.listed += [on("emailBlacklisted", "x@firm.example"), on("unsubscribedViaEmail", "eve@firm.example", 20)]
    client.fake.lists.bound["eve@firm.example"] = ("eva.berg@nordlicht.example",)
    status, page, _ = await client.ask("GET", "/v3/smtp/blockedContacts?limit=2&offset=1&sort=asc")
    assert status == 200
    assert deviations(page, BLOCKED) == []
    assert (page["count"], [each["email"] for each in page["contacts"]]) == (4, ["p1@firm.example", "p2@firm.example"])
    newest = (await client.ask("GET", "/v3/smtp/blockedContacts"))[1]["contacts"][0]
    assert (newest["email"], newest["reason"]["code"]) == ("eve@firm.example", "unsubscribedViaEmail")
    assert (newest["senderEmail"], newest["blockedAt"]) == ("eva.berg@nordlicht.example", "2026-11-20T07:30:15.250Z")
    path = "/v3/smtp/blockedContacts?senders=eva.berg@nordlicht.example&startDate=2026-11-01&endDate=2026-11-21"
    assert (await client.ask("GET", path))[1]["count"] == 1
    days = "/v3/smtp/blockedContacts?startDate=2026-11-02&endDate=2026-11-03"
    assert (await client.ask("GET", days))[1]["count"] == 2
    assert (await client.ask("DELETE", "/v3/smtp/blockedContacts/p0%40firm.example"))[0] == 204
    assert (await client.ask("POST", "/v3/smtp/deleteHardbounces", {"contactEmail": "p1@firm.example"}))[0] == 204
    assert [each.address for each in client.fake.listed] == ["p2@firm.example", "x@firm.example", "eve@firm.example"]
    assert (await client.ask("POST", "/v3/smtp/deleteHardbounces", {"endDate": "2026-11-02"}))[0] == 204
    assert len(client.fake.listed) == 3
    assert (await client.ask("POST", "/v3/smtp/deleteHardbounces", {"endDate": "2026-11-21"}))[0] == 204
    assert (await client.ask("DELETE", "/v3/smtp/blockedContacts/eve@firm.example"))[0] == 204
    assert client.fake.listed == [on("emailBlacklisted", "x@firm.example")]
    assert client.fake.lists.bound == {}
    assert client.fake.refused == []


async def test_lists_may_be_given_anew(client: Client) -> None:
    client.fake.listed = [on("adminBlocked", "anna@firm.example")]
    assert (await client.ask("GET", "/v3/smtp/blockedContacts"))[1]["count"] == 1


async def test_contacts_are_made_blacklisted_and_shown(client: Client) -> None:
    client.fake.clock = clock = FakeClock()
    client.fake.listed.append(on("emailBlacklisted", "old@firm.example"))
    made = {"email": "Anna@firm.example", "emailBlacklisted": True, "attributes": {"LASTNAME": "Keller"}}
    assert (await client.ask("POST", "/v3/contacts", made))[:2] == (201, {"id": 1})
    assert (await client.ask("POST", "/v3/contacts", made))[1]["code"] == "duplicate_parameter"
    assert (await client.ask("POST", "/v3/contacts", {**made, "updateEnabled": True}))[0] == 204
    assert client.fake.listed[1:] == [OnList("emailBlacklisted", "anna@firm.example", clock.now())]
    status, page, _ = await client.ask("GET", "/v3/contacts?limit=1&offset=1")
    assert (status, page["count"], deviations(page, CONTACTS)) == (200, 2, [])
    assert [each["email"] for each in page["contacts"]] == ["anna@firm.example"]
    assert (await client.ask("PUT", "/v3/contacts/1", {"emailBlacklisted": False}))[0] == 204
    _, anna, _ = await client.ask("GET", "/v3/contacts/anna@firm.example?identifierType=email_id")
    assert deviations(anna, CONTACT) == []
    assert not anna["emailBlacklisted"]
    assert [each.address for each in client.fake.listed] == ["old@firm.example"]


async def test_a_contact_may_refuse_mail_of_single_senders(client: Client) -> None:
    refusing = {"smtpBlacklistSender": ["eva.berg@nordlicht.example"]}
    made = {"email": "anna@firm.example", "updateEnabled": True, **refusing}
    assert (await client.ask("POST", "/v3/contacts", made))[0] == 201
    assert (await client.ask("PUT", "/v3/contacts/1", {"smtpBlacklistSender": ["news@nordlicht.example"]}))[0] == 204
    found = (await client.ask("GET", "/v3/smtp/blockedContacts?sort=asc"))[1]["contacts"]
    assert [each["senderEmail"] for each in found] == ["eva.berg@nordlicht.example", "news@nordlicht.example"]
    await client.send(MAIL)
    await client.send({**MAIL, "sender": {"email": "ida@nordlicht.example"}})
    assert [each.sender for each in client.fake.arrived] == ["ida@nordlicht.example"]


async def test_domains_are_blocked_and_unblocked(client: Client) -> None:
    assert (await client.ask("POST", "/v3/smtp/blockedDomains", {"domain": "stopped.example"}))[0] == 201
    assert (await client.ask("GET", "/v3/smtp/blockedDomains"))[1] == {"domains": ["stopped.example"]}
    assert (await client.ask("DELETE", "/v3/smtp/blockedDomains/stopped.example"))[0] == 204
    assert client.fake.account.blocked_domains == []


async def test_logs_and_contacts_are_erased(client: Client) -> None:
    first = (await client.send(MAIL))[1]["messageId"]
    await client.send(MAIL)
    encoded = first.replace("<", "%3C").replace(">", "%3E").replace("@", "%40")
    assert (await client.ask("DELETE", f"/v3/smtp/log/{encoded}?from_date=2026-11-21&to_date=2026-11-22"))[0] == 204
    assert (len(client.fake.lists.log), client.fake.erased) == (1, [])
    assert (await client.ask("DELETE", "/v3/smtp/log/anna@firm.example"))[0] == 204
    assert client.fake.lists.log == {}
    client.fake.listed += [on("emailBlacklisted", "anna@firm.example"), on("hardBounce", "anna@firm.example")]
    assert (await client.ask("DELETE", "/v3/contacts/Anna%40firm.example?identifierType=email_id"))[0] == 204
    assert client.fake.lists.contacts == {}
    assert client.fake.listed == [on("hardBounce", "anna@firm.example")]
    assert client.fake.erased == ["anna@firm.example"]


async def test_whom_nobody_knows_was_asked_for_all_the_same(client: Client) -> None:
    """404 is an answer, no breach of the description."""
    assert (await client.ask("DELETE", "/v3/smtp/log/anna@firm.example"))[0] == 404
    assert (await client.ask("DELETE", "/v3/contacts/bo@firm.example"))[0] == 404
    assert (client.fake.erased, client.fake.refused) == (["anna@firm.example", "bo@firm.example"], [])


async def test_senders_are_listed(client: Client) -> None:
    (sender,) = (await client.ask("GET", "/v3/senders"))[1]["senders"]
    assert (sender["email"], sender["active"]) == ("eva.berg@nordlicht.example", True)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v3/nowhere", None, 404),
        ("POST", "/smtp/email", {}, 404),
        ("POST", "/v3/mail/send", {}, 404),
        ("GET", "/v3/smtp/email", None, 405),
        ("PATCH", "/v3/smtp/blockedDomains", {}, 404),
        ("GET", "/v3/smtp/blockedContacts?colour=red", None, 400),
        ("GET", "/v3/smtp/blockedContacts?limit=101", None, 400),
        ("GET", "/v3/smtp/blockedContacts?limit=many", None, 400),
        ("GET", "/v3/smtp/blockedContacts?startDate=2026-11-01", None, 400),
        ("GET", "/v3/smtp/blockedContacts?startDate=1&endDate=2", None, 400),
        ("GET", "/v3/smtp/blockedContacts?sort=up", None, 400),
        ("DELETE", "/v3/smtp/blockedContacts/unknown@firm.example", None, 404),
        ("DELETE", "/v3/smtp/blockedContacts/nobody", None, 400),
        ("POST", "/v3/smtp/blockedDomains", {"domain": "x@firm.example"}, 400),
        ("POST", "/v3/smtp/blockedDomains", {"name": "firm.example"}, 400),
        ("DELETE", "/v3/smtp/blockedDomains/firm.example", None, 404),
        ("POST", "/v3/smtp/deleteHardbounces", {"email": "x@firm.example"}, 400),
        ("POST", "/v3/smtp/deleteHardbounces", b"{", 400),
        ("DELETE", "/v3/smtp/log/nobody", None, 400),
        ("DELETE", "/v3/smtp/log/nobody@firm.example", None, 404),
        ("DELETE", "/v3/smtp/log/nobody@firm.example?day=1", None, 400),
        ("DELETE", "/v3/contacts/nobody@firm.example", None, 404),
        ("DELETE", "/v3/contacts/7", None, 404),
        ("DELETE", "/v3/contacts/nobody@firm.example?identifierType=ext_id", None, 400),
        ("DELETE", "/v3/contacts/nobody@firm.example?day=1", None, 400),
        ("GET", "/v3/contacts/nobody@firm.example", None, 404),
        ("GET", "/v3/contacts?limit=1001", None, 400),
        ("GET", "/v3/contacts?page=1", None, 400),
        ("PUT", "/v3/contacts/nobody@firm.example", {"emailBlacklisted": True}, 404),
        ("POST", "/v3/contacts", {"emailBlacklisted": True}, 400),
        ("POST", "/v3/contacts", {"email": "x@firm.example", "emailBlacklisted": "yes"}, 400),
        ("POST", "/v3/contacts", {"email": "x@firm.example", "blocked": True}, 400),
        ("POST", "/v3/contacts", {"email": "x@firm.example", "smtpBlacklistSender": ["a@firm.example"]}, 400),
        ("POST", "/v3/contacts", {"email": "x@firm.example", "updateEnabled": True, "smtpBlacklistSender": "a"}, 400),
        ("PATCH", "/v3/contacts/nobody@firm.example", {}, 404),
        ("GET", "/v2/contacts", None, 404),
        ("GET", "/v3/account?all=1", None, 400),
        ("GET", "/v3/senders?all=1", None, 400),
        ("GET", "/v3/smtp/blockedDomains?all=1", None, 400),
    ],
)
async def test_other_requests_are_checked_as_well(
    client: Client, method: str, path: str, body: object, status: int
) -> None:
    assert (await client.ask(method, path, body))[0] == status
