from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from penstock.model.event import EventKind
from penstock.testing.described import deviations
from penstock.testing.esp import Happening, Mood, OnList
from penstock.testing.esps.mailjet import FakeMailjet

PDF = {"ContentType": "application/pdf", "Filename": "März.pdf", "Base64Content": b64encode(b"%PDF").decode()}
LOGO = {"ContentType": "image/png", "Filename": "logo.png", "Base64Content": "iVBORw==", "ContentID": "logo"}
MAIL: dict[str, Any] = {
    "From": {"Email": "eva.berg@nordlicht.example", "Name": "Eva Berg"},
    "To": [{"Email": "anna@firm.example", "Name": "Anna"}],
    "ReplyTo": {"Email": "eva.berg@nordlicht.example"},
    "Subject": "Grüße",
    "TextPart": "Hello Anna {{x}}",
    "HTMLPart": "<p>Hello Anna</p>",
    "TrackOpens": "disabled",
    "TrackClicks": "disabled",
    "CustomID": "0123abcd",
    "Headers": {"List-Unsubscribe": "<https://mail.nordlicht.example/u/1>", "References": "<1@nordlicht.example>"},
    "Attachments": [PDF],
    "InlinedAttachments": [LOGO],
}
PLAIN = {name: value for name, value in MAIL.items() if name not in {"HTMLPart", "TrackOpens", "TrackClicks"}}
TEXT = {"type": "string"}
RECIPIENTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["Email", "MessageUUID", "MessageID", "MessageHref"],
        "properties": {"Email": TEXT, "MessageUUID": TEXT, "MessageID": {"type": "integer"}, "MessageHref": TEXT},
    },
}
ERROR = {
    "type": "object",
    "required": ["ErrorIdentifier", "ErrorCode", "StatusCode", "ErrorMessage", "ErrorRelatedTo"],
    "properties": {
        "ErrorIdentifier": TEXT,
        "ErrorCode": TEXT,
        "StatusCode": {"type": "integer"},
        "ErrorMessage": TEXT,
        "ErrorRelatedTo": {"type": "array", "items": TEXT},
    },
}
TAKEN = {
    "type": "object",
    "required": ["Status", "To"],
    "properties": {
        "Status": {"type": "string", "enum": ["success"]},
        "CustomID": TEXT,
        **dict.fromkeys(("To", "Cc", "Bcc"), RECIPIENTS),
    },
}
REFUSED = {
    "type": "object",
    "required": ["Status", "Errors"],
    "properties": {
        "Status": {"type": "string", "enum": ["error"]},
        "Errors": {"type": "array", "minItems": 1, "items": ERROR},
    },
}
ANSWER = {
    "type": "object",
    "required": ["Messages"],
    "properties": {"Messages": {"type": "array", "items": {"oneOf": [TAKEN, REFUSED]}}},
}
"""Answers of the Send API v3.1 as the guide shows them."""
CONTACT = (
    {"ID", "Email", "Name", "CreatedAt", "LastUpdateAt", "LastActivityAt", "DeliveredCount", "UnsubscribedAt"}
    | {"UnsubscribedBy", "IsOptInPending", "IsSpamComplaining", "IsExcludedFromCampaigns"}
    | {"ExclusionFromCampaignsUpdatedAt"}
)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class Client:
    """Asks the fake as anybody would; every answer must be as the guide shows it."""

    def __init__(self, fake: FakeMailjet, session: aiohttp.ClientSession) -> None:
        self.fake = fake
        self._session = session

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        login = b64encode(f"{self.fake.key}:{self.fake.secret}".encode()).decode()
        sent = {"Authorization": f"Basic {login}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, self.fake.url + path, data=data and BytesIO(data), headers=sent
        ) as answer:
            found = await answer.json()
            if "Messages" in found:
                assert deviations(found, ANSWER) == []
            elif answer.status >= 400:
                assert set(found) - {"ErrorCode"} in (
                    {"ErrorIdentifier", "StatusCode", "ErrorMessage"},
                    {"ErrorInfo", "StatusCode", "ErrorMessage"},
                )
                assert found["StatusCode"] == answer.status
            return answer.status, found

    async def send(self, *messages: object, **root: object) -> tuple[int, Any]:
        return await self.ask("POST", "/v3.1/send", {"Messages": list(messages), **root})


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with FakeMailjet() as fake, aiohttp.ClientSession() as session:
        yield Client(fake, session)


async def test_a_mail_arrives_as_its_recipient_would_see_it(client: Client) -> None:
    status, answer = await client.send(MAIL)
    assert status == 200
    (arrived,) = client.fake.arrived
    assert (arrived.recipient, arrived.sender) == ("anna@firm.example", "Eva Berg <eva.berg@nordlicht.example>")
    assert (arrived.subject, arrived.text, arrived.html) == ("Grüße", "Hello Anna {{x}}", "<p>Hello Anna</p>")
    assert arrived.reply_to == "eva.berg@nordlicht.example"
    assert arrived.mail_id == answer["Messages"][0]["CustomID"] == "0123abcd"
    assert arrived.attachments == (("März.pdf", b"%PDF"), ("logo.png", b"\x89PNG"))
    assert arrived.headers["list-unsubscribe"] == "<https://mail.nordlicht.example/u/1>"
    assert arrived.headers["references"] == "<1@nordlicht.example>"
    (told,) = answer["Messages"][0]["To"]
    assert arrived.headers["message-id"] == f"<{told['MessageUUID']}@mailjet.example>"
    assert told["MessageHref"].endswith(str(told["MessageID"]))
    assert not arrived.tracking
    assert client.fake.refused == []


async def test_every_recipient_gets_a_mail_once(client: Client) -> None:
    several = [{"Email": f"{local}@firm.example"} for local in ("a", "b", "A")]
    _, answer = await client.send({**MAIL, "To": several, "Cc": [{"Email": "c@firm.example"}], "Bcc": several[:1]})
    assert [each.recipient for each in client.fake.arrived] == ["a@firm.example", "b@firm.example", "c@firm.example"]
    assert [len(answer["Messages"][0][name]) for name in ("To", "Cc", "Bcc")] == [2, 1, 0]


@pytest.mark.parametrize(
    ("change", "tracked"),
    [
        ({}, False),
        ({"TrackOpens": "account_default"}, True),
        ({"TrackClicks": "enabled"}, True),
        ({"URLTags": "source=mail"}, True),
        ({"TrackOpens": None}, True),
        ({"TrackOpens": None, "TrackClicks": None, "HTMLPart": None}, False),
    ],
)
async def test_a_mail_is_tracked_unless_the_request_disables_it(
    client: Client, change: dict[str, Any], tracked: bool
) -> None:
    assert (await client.send({**MAIL, **change}))[0] == 200
    assert client.fake.arrived[0].tracking is tracked


async def test_template_marks_are_processed_only_where_that_is_asked_for(client: Client) -> None:
    await client.send(MAIL, {**MAIL, "TemplateLanguage": True})
    assert [each.text for each in client.fake.arrived] == ["Hello Anna {{x}}", "Hello Anna "]


BROKEN: list[tuple[dict[str, Any], int, str, str]] = [
    ({"From": None}, 400, "mj-0003", "From"),
    ({"From": "eva.berg@nordlicht.example"}, 400, "mj-0004", "From"),
    ({"From": {"Email": "eva.berg@nordlicht.example", "Nick": "Eva"}}, 400, "mj-0004", "From"),
    ({"From": {"Email": "eva.berg@nordlicht.example", "Name": "a\r\nBcc: x"}}, 400, "mj-0004", "From"),
    ({"From": {"Name": "Eva"}}, 400, "mj-0003", "From.Email"),
    ({"From": {"Email": ""}}, 400, "mj-0012", "From.Email"),
    ({"From": {"Email": "eva.berg"}}, 400, "mj-0013", "From.Email"),
    ({"From": {"Email": "eva@stranger.example"}}, 403, "send-0008", "From"),
    ({"Sender": {"Email": "eva.berg@nordlicht.example"}}, 403, "send-0006", "SenderID"),
    ({"ReplyTo": [{"Email": "eva.berg@nordlicht.example"}]}, 400, "mj-0004", "ReplyTo"),
    ({"ReplyTo": {"Email": "nobody"}}, 400, "mj-0013", "ReplyTo.Email"),
    ({"To": None}, 400, "mj-0003", "To"),
    ({"To": []}, 400, "mj-0007", "To"),
    ({"To": {"Email": "anna@firm.example"}}, 400, "mj-0004", "To"),
    ({"To": ["anna@firm.example"]}, 400, "mj-0004", "To"),
    ({"To": [{"Email": "nobody"}]}, 400, "mj-0013", "To[0].Email"),
    ({"To": [{"Email": "anna@firm"}]}, 400, "mj-0013", "To[0].Email"),
    ({"To": [{"Email": f"p{n}@firm.example"} for n in range(51)]}, 400, "send-0015", "To"),
    ({"Subject": 7}, 400, "mj-0004", "Subject"),
    ({"Subject": "x" * 256}, 400, "mj-0006", "Subject"),
    ({"URLTags": "x" * 257}, 400, "mj-0006", "URLTags"),
    ({"TextPart": None, "HTMLPart": None, "TrackOpens": None, "TrackClicks": None}, 400, "send-0003", "HTMLPart"),
    ({"TemplateID": 7}, 400, "send-0010", "TemplateID"),
    ({"TemplateErrorDeliver": True}, 400, "send-0016", "TemplateLanguage"),
    ({"DeduplicateCampaign": True}, 400, "send-0012", "CustomCampaign"),
    ({"MonitoringCategory": "mine"}, 400, "send-0013", "MonitoringCategory"),
    ({"Priority": 9}, 400, "mj-0005", "Priority"),
    ({"Priority": True}, 400, "mj-0004", "Priority"),
    ({"TrackOpens": "no"}, 400, "mj-0005", "TrackOpens"),
    ({"TrackClicks": False}, 400, "mj-0004", "TrackClicks"),
    ({"HTMLPart": None}, 400, "mj-0005", "TrackOpens"),
    ({"CustomID": 7}, 400, "mj-0004", "CustomID"),
    ({"Headers": []}, 400, "mj-0004", "Headers"),
    ({"Headers": {"X-N": 1}}, 400, "mj-0004", 'Headers["X-N"]'),
    ({"Headers": {"X N": "1"}}, 400, "mj-0004", 'Headers["X N"]'),
    ({"Headers": {"X-N": "a\nb"}}, 400, "mj-0004", 'Headers["X-N"]'),
    ({"Headers": {"X-N": "1", "x-n": "2"}}, 400, "mj-0004", "Headers"),
    *(
        ({"Headers": {name: "x"}}, 400, "send-0011", f'Headers["{name}"]')
        for name in ("Message-ID", "Date", "List-Id", "Reply-To", "DKIM-Signature", "X-MJ-CustomID", "x-mailer")
    ),
    ({"Attachments": ["a"]}, 400, "mj-0004", "Attachments"),
    ({"Attachments": [{**PDF, "ContentID": "x"}]}, 400, "mj-0004", "Attachments"),
    ({"Attachments": [{**PDF, "Filename": ""}]}, 400, "mj-0012", "Attachments[0].Filename"),
    ({"Attachments": [{**PDF, "Base64Content": "%%%"}]}, 400, "mj-0004", "Attachments[0].Base64Content"),
    ({"InlinedAttachments": [PDF]}, 400, "mj-0003", "InlinedAttachments[0].ContentID"),
    ({"Attachments": [{**PDF, "Base64Content": "AAAA" * (5 << 20)}]}, 400, "mj-0011", "Attachments"),
]


@pytest.mark.parametrize(("change", "status", "code", "related"), BROKEN)
async def test_what_the_guide_does_not_allow_is_refused_for_the_message(
    client: Client, change: dict[str, Any], status: int, code: str, related: str
) -> None:
    found, answer = await client.send({**MAIL, **change})
    (error, *_) = answer["Messages"][0]["Errors"]
    assert (found, error["StatusCode"], error["ErrorCode"]) == (status, status, code)
    assert related in error["ErrorRelatedTo"]
    assert client.fake.refused
    assert client.fake.arrived == []


async def test_several_errors_of_a_message_are_told_at_once(client: Client) -> None:
    _, answer = await client.send({**MAIL, "Subject": "x" * 256, "To": []})
    assert [error["ErrorCode"] for error in answer["Messages"][0]["Errors"]] == ["mj-0007", "mj-0006"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "mj-0002"),
        ([], "mj-0002"),
        ({}, "mj-0003"),
        ({"Messages": {}}, "mj-0002"),
        ({"Messages": []}, "mj-0007"),
        ({"Messages": [7]}, "mj-0002"),
        ({"Messages": [PLAIN] * 51}, "mj-0008"),
        ({"Messages": [PLAIN], "SandBox": True}, "mj-0002"),
        ({"Messages": [PLAIN], "SandboxMode": "true"}, "mj-0002"),
        ({"Messages": [{**PLAIN, "Colour": "red"}]}, "mj-0002"),
        ({"Messages": [{**PLAIN, "HtmlPart": "<p>x</p>"}]}, "mj-0002"),
        ({"Messages": [PLAIN], "Globals": {"Colour": "red"}}, "mj-0002"),
    ],
)
async def test_a_request_that_is_wrong_as_a_whole_sends_nothing(client: Client, body: object, code: str) -> None:
    status, answer = await client.ask("POST", "/v3.1/send", body)
    assert (status, answer["ErrorCode"]) == (400, code)
    assert len(client.fake.refused) == 1
    assert client.fake.arrived == []


@pytest.mark.parametrize("headers", [{"Content_Type": "text/plain"}, {"X_Priority": "1"}, {"Idempotency_Key": "1"}])
async def test_a_header_that_is_not_described_is_refused(client: Client, headers: dict[str, str]) -> None:
    assert (await client.ask("POST", "/v3.1/send", {"Messages": [PLAIN]}, **headers))[0] == 400
    assert client.fake.arrived == []


async def test_a_refused_recipient_fails_alone_inside_a_4xx(client: Client) -> None:
    mails = [{**PLAIN, "To": [{"Email": f"{local}@firm.example"}]} for local in ("anna", "refused", "bo")]
    status, answer = await client.send(*mails)
    assert status == 400
    assert [each["Status"] for each in answer["Messages"]] == ["success", "error", "success"]
    (error,) = answer["Messages"][1]["Errors"]
    assert (error["ErrorCode"], error["ErrorRelatedTo"]) == ("mj-0013", ["To[0].Email"])
    assert "refused@firm.example" in error["ErrorMessage"]
    assert [each.recipient for each in client.fake.arrived] == ["anna@firm.example", "bo@firm.example"]
    assert client.fake.refused == []


async def test_what_holds_for_all_is_completed_by_each(client: Client) -> None:
    common = {"From": MAIL["From"], "Subject": "for all", "TextPart": "Hello"}
    own = {"To": [{"Email": "bo@firm.example"}], "Subject": "for Bo"}
    status, _ = await client.send({"To": MAIL["To"]}, own, Globals=common, AdvanceErrorHandling=True)
    assert status == 200
    assert [each.subject for each in client.fake.arrived] == ["for all", "for Bo"]


async def test_in_the_sandbox_all_is_checked_and_nothing_arrives(client: Client) -> None:
    status, answer = await client.send(MAIL, SandboxMode=True)
    assert status == 200
    (told,) = answer["Messages"][0]["To"]
    assert (told["MessageID"], told["MessageUUID"]) == (0, "")
    assert client.fake.arrived == []
    assert (await client.send({**MAIL, "Subject": 7}, SandboxMode=True))[0] == 400


@pytest.mark.parametrize("login", [b"test-key:other", b"other:test-secret", b"test-key", b""])
async def test_key_and_secret_are_both_needed(client: Client, login: bytes) -> None:
    basic = f"Basic {b64encode(login).decode()}"
    status, answer = await client.ask("POST", "/v3.1/send", {"Messages": [PLAIN]}, Authorization=basic)
    assert (status, answer["ErrorCode"]) == (401, "mj-0015")
    client.fake.secret = "another"
    assert (await client.send(PLAIN))[0] == 200
    assert len(client.fake.arrived) == 1


@pytest.mark.parametrize(("mood", "status"), [(Mood.RATE_LIMIT, 429), (Mood.BAD_KEY, 401), (Mood.SERVER_ERROR, 500)])
async def test_in_a_bad_mood_nothing_is_taken(client: Client, mood: Mood, status: int) -> None:
    client.fake.moods.append(mood)
    assert (await client.send(MAIL))[0] == status
    assert client.fake.arrived == []


async def test_all_may_be_taken_before_it_fails(client: Client) -> None:
    client.fake.moods.append(Mood.ACCEPT_THEN_ERROR)
    assert (await client.send(MAIL))[0] == 500
    assert len(client.fake.arrived) == 1


@pytest.mark.parametrize(
    ("sender", "status"), [("eva.berg@nordlicht.example", 200), ("*@nordlicht.example", 200), ("x@y.example", 403)]
)
async def test_only_senders_of_the_account_send(client: Client, sender: str, status: int) -> None:
    client.fake.account.senders = [sender]
    assert (await client.send(PLAIN))[0] == status
    assert (await client.ask("GET", "/v3/REST/sender"))[1]["Data"][0]["Email"] == sender


async def test_a_mail_in_doubt_is_found_by_its_custom_id(client: Client) -> None:
    _, answer = await client.send(MAIL, {**MAIL, "CustomID": "other"})
    _, found = await client.ask("GET", "/v3/REST/message?CustomID=0123abcd")
    assert [each["ID"] for each in found["Data"]] == [answer["Messages"][0]["To"][0]["MessageID"]]
    assert (await client.ask("GET", "/v3/REST/message"))[1]["Count"] == 2


async def test_an_excluded_contact_still_gets_mail_through_the_send_api(client: Client) -> None:
    added = {"Email": "anna@firm.example", "IsExcludedFromCampaigns": "true"}
    status, made = await client.ask("POST", "/v3/REST/contact", added)
    assert status == 201
    assert set(made["Data"][0]) == CONTACT
    assert made["Data"][0]["IsExcludedFromCampaigns"] is True
    await client.send(MAIL)
    assert len(client.fake.arrived) == 1


async def test_whom_the_lists_name_is_a_contact_and_changes_are_seen_there(client: Client) -> None:
    at = datetime(2026, 10, 5, 7, 30, tzinfo=UTC)
    client.fake.listed = [OnList("IsExcludedFromCampaigns", "Anna@firm.example", at)]
    client.fake.listed += [OnList("IsSpamComplaining", "bo@firm.example", at)]
    _, found = await client.ask("GET", "/v3/REST/contact")
    assert [(each["Email"], each["IsExcludedFromCampaigns"], each["IsSpamComplaining"]) for each in found["Data"]] == [
        ("Anna@firm.example", True, False),
        ("bo@firm.example", False, True),
    ]
    assert found["Data"][0]["ExclusionFromCampaignsUpdatedAt"] == "2026-10-05T07:30:00Z"
    assert set(found["Data"][0]) == CONTACT
    for _ in range(2):
        await client.ask("PUT", "/v3/REST/contact/bo@firm.example", {"IsExcludedFromCampaigns": "true"})
    assert [(each.list_name, each.address) for each in client.fake.listed] == [
        ("IsExcludedFromCampaigns", "Anna@firm.example"),
        ("IsSpamComplaining", "bo@firm.example"),
        ("IsExcludedFromCampaigns", "bo@firm.example"),
    ]
    await client.ask("PUT", "/v3/REST/contact/anna@firm.example", {"IsExcludedFromCampaigns": False})
    assert [each.address for each in client.fake.listed] == ["bo@firm.example"] * 2


async def test_many_contacts_are_excluded_by_a_job(client: Client) -> None:
    people = [{"Email": f"p{n}@firm.example", "IsExcludedFromCampaigns": True, "Name": f"P{n}"} for n in range(3)]
    status, made = await client.ask("POST", "/v3/REST/contact/managemanycontacts", {"Contacts": people})
    assert status == 201
    number = made["Data"][0]["JobID"]
    _, job = await client.ask("GET", f"/v3/REST/contact/managemanycontacts/{number}")
    assert set(job["Data"][0]) == {"Status", "JobStart", "JobEnd", "Count", "Error", "ErrorFile"}
    assert (job["Data"][0]["Status"], job["Data"][0]["Count"]) == ("Completed", 3)
    assert [each.address for each in client.fake.listed] == [each["Email"] for each in people]
    assert (await client.ask("GET", "/v3/REST/contact/p1@firm.example"))[1]["Data"][0]["Name"] == "P1"


async def test_contacts_are_sorted_counted_and_paged(client: Client) -> None:
    client.fake.listed += [OnList("IsExcludedFromCampaigns", f"p{n:04}@firm.example", NOW) for n in range(1_203)]
    client.fake.contacts.met("other@firm.example")

    async def found(query: str) -> Any:
        return (await client.ask("GET", f"/v3/REST/contact?IsExcludedFromCampaigns=true&{query}"))[1]

    assert (await found("countOnly=1")) == {"Count": 1_203, "Data": [], "Total": 1_203}
    assert [(await found(f"Limit=1000&Offset={start}"))["Count"] for start in (0, 1_000, 2_000)] == [1_000, 203, 0]
    assert (await found("Limit=0"))["Count"] == 1_000
    assert (await found("Sort=Email+DESC&Limit=1"))["Data"][0]["Email"] == "p1202@firm.example"
    assert (await found("Sort=ID&Limit=1"))["Data"][0]["Email"] == "p0000@firm.example"


async def test_a_deleted_contact_is_told_once_and_keeps_its_settings_without_its_address(client: Client) -> None:
    client.fake.listed.append(OnList("IsExcludedFromCampaigns", "anna@firm.example", NOW))
    _, found = await client.ask("GET", "/v3/REST/contact/anna@firm.example")
    number = found["Data"][0]["ID"]
    for _ in range(2):
        _, erased = await client.ask("DELETE", f"/v4/contacts/{number}")
        assert erased["Data"][0]["Name"] == "Anonymized"
        assert erased["Data"][0]["IsExcludedFromCampaigns"] is True
    assert client.fake.erased == ["anna@firm.example"]
    assert "anna" not in client.fake.listed[0].address
    assert (await client.ask("POST", "/v3/REST/contact", {"Email": "anna@firm.example"}))[0] == 201


async def test_contacts_are_listed_changed_and_erased(client: Client) -> None:
    await client.send({**MAIL, "To": [{"Email": f"{local}@firm.example"} for local in ("anna", "bo", "cy")]})
    _, page = await client.ask("GET", "/v3/REST/contact?Limit=2&Offset=1")
    assert [each["Email"] for each in page["Data"]] == ["bo@firm.example", "cy@firm.example"]
    assert (await client.ask("GET", "/v3/REST/contact?Limit=1"))[1]["Data"][0]["Email"] == "anna@firm.example"
    assert (await client.ask("GET", "/v3/REST/contact?Limit=1"))[1]["Count"] == 1
    number = page["Data"][0]["ID"]
    _, changed = await client.ask("PUT", f"/v3/REST/contact/{number}", {"IsExcludedFromCampaigns": True})
    assert changed["Data"][0]["ExclusionFromCampaignsUpdatedAt"]
    _, excluded = await client.ask("GET", "/v3/REST/contact?IsExcludedFromCampaigns=true")
    assert [each["ID"] for each in excluded["Data"]] == [number]
    assert (await client.ask("GET", "/v3/REST/contact/Bo@firm.example"))[1]["Data"][0]["ID"] == number
    status, erased = await client.ask("DELETE", f"/v4/contacts/{number}")
    assert status == 200
    assert erased["Data"][0]["Name"] == "Anonymized"
    assert erased["Data"][0]["Email"].endswith("@domain.invalid")
    assert (await client.ask("GET", "/v3/REST/contact/bo@firm.example"))[0] == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nowhere", None, 404),
        ("POST", "/v3/send", {}, 404),
        ("GET", "/v3.1/send", None, 405),
        ("GET", "/v3/REST/contact?Colour=red", None, 400),
        ("GET", "/v3/REST/contact?Limit=1001", None, 400),
        ("GET", "/v3/REST/contact?Limit=-1", None, 400),
        ("GET", "/v3/REST/contact?IsExcludedFromCampaigns=perhaps", None, 400),
        ("GET", "/v3/REST/contact?Sort=Name", None, 400),
        ("GET", "/v3/REST/contact/7", None, 404),
        ("GET", "/v3/REST/contact/anna@firm.example?Limit=1", None, 400),
        ("GET", "/v3/REST/contact/managemanycontacts/54321", None, 404),
        ("GET", "/v3/REST/contact/managemanycontacts/x", None, 404),
        ("POST", "/v3/REST/contact/managemanycontacts", {}, 400),
        ("POST", "/v3/REST/contact/managemanycontacts", {"Contacts": []}, 400),
        ("POST", "/v3/REST/contact/managemanycontacts", {"Contacts": [{"Name": "P"}]}, 400),
        ("POST", "/v3/REST/contact/managemanycontacts", {"Contacts": [{"Email": "p@firm.example", "Age": 7}]}, 400),
        ("POST", "/v3/REST/contact/managemanycontacts", {"Contacts": [{"Email": "p@firm.example"}], "List": 1}, 400),
        (
            "POST",
            "/v3/REST/contact/managemanycontacts",
            {"Contacts": [{"Email": "p@firm.example"}], "ContactsLists": [{"ListID": 1, "Action": "unsub"}]},
            400,
        ),
        ("GET", "/v3/REST/sender?Limit=1", None, 400),
        ("GET", "/v3/REST/message?Colour=red", None, 400),
        ("POST", "/v3/REST/contact", {}, 400),
        ("POST", "/v3/REST/contact", [], 400),
        ("POST", "/v3/REST/contact", b"{", 400),
        ("POST", "/v3/REST/contact", {"Email": "anna@firm.example"}, 400),
        ("POST", "/v3/REST/contact", {"Email": "nobody"}, 400),
        ("POST", "/v3/REST/contact", {"Email": 7}, 400),
        ("POST", "/v3/REST/contact", {"Email": "bo@firm.example", "Colour": "red"}, 400),
        ("POST", "/v3/REST/contact", {"Email": "bo@firm.example", "IsExcludedFromCampaigns": "yes"}, 400),
        ("PUT", "/v3/REST/contact/anna@firm.example", {"Email": "bo@firm.example"}, 400),
        ("DELETE", "/v4/contacts/anna@firm.example", None, 404),
        ("DELETE", "/v4/contacts/7", None, 404),
    ],
)
async def test_other_requests_are_checked_as_well(
    client: Client, method: str, path: str, body: object, status: int
) -> None:
    client.fake.contacts.met("anna@firm.example")
    assert (await client.ask(method, path, body))[0] == status
    assert bool(client.fake.refused) == (status == 400 and body != {"Email": "anna@firm.example"})


async def test_events_of_a_mail_name_it_as_the_answer_did(client: Client) -> None:
    _, answer = await client.send(MAIL)
    (sent,) = answer["Messages"][0]["To"]
    kinds = (EventKind.DELIVERED, EventKind.OPENED)
    (call,) = client.fake.calls([Happening(kind, client.fake.arrived[0], kind, NOW) for kind in kinds], NOW)
    events = json.loads(call.body)
    assert {each["MessageID"] for each in events} == {sent["MessageID"]}
    assert {each["Message_GUID"] for each in events} == {sent["MessageUUID"]}
    assert events[0]["mj_message_id"] == str(sent["MessageID"])
    _, contact = await client.ask("GET", "/v3/REST/contact/anna@firm.example")
    assert events[0]["mj_contact_id"] == contact["Data"][0]["ID"]
