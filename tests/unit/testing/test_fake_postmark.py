from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from penstock.testing.esp import Mood, OnList
from penstock.testing.esps.postmark import FakePostmark

PDF = b64encode(b"%PDF").decode()
MAIL: dict[str, Any] = {
    "From": '"Berg, Eva" <eva.berg@nordlicht.example>',
    "To": "anna@firm.example",
    "Subject": "Grüße",
    "TextBody": "Hello Anna",
    "HtmlBody": "<p>Hello Anna</p>",
    "ReplyTo": "eva.berg@nordlicht.example",
    "Headers": [
        {"Name": "List-Unsubscribe", "Value": "<https://mail.nordlicht.example/u/1>"},
        {"Name": "Message-ID", "Value": "<1@nordlicht.example>"},
    ],
    "Metadata": {"penstock_mail_id": "0123abcd"},
    "TrackOpens": False,
    "TrackLinks": "None",
    "Attachments": [
        {
            "Name": "März.pdf",
            "Content": b64encode(b"%PDF").decode(),
            "ContentType": "application/pdf",
            "ContentID": None,
        }
    ],
    "MessageStream": "outbound",
    "Tag": None,
}
AT = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)
KEEP = {"Name": "X-PM-KeepID", "Value": "true"}
JSON = "application/json"


class Client:
    """Asks the fake as anybody would; every error must be as described."""

    def __init__(self, fake: FakePostmark, session: aiohttp.ClientSession) -> None:
        self.fake = fake
        self._session = session

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        named = {"X-Postmark-Server-Token": self.fake.key, "Accept": JSON}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if data is not None:
            named.setdefault("Content-Type", JSON)
        sent = {name: value for name, value in named.items() if value != "-"}
        stream = None if data is None else BytesIO(data)
        async with self._session.request(method, self.fake.url + path, data=stream, headers=sent) as answer:
            found = json.loads(await answer.read())
            if answer.status >= 400:
                assert set(found) == {"ErrorCode", "Message"}
            return answer.status, found

    async def send(self, body: object, **headers: str) -> tuple[int, Any]:
        return await self.ask("POST", "/email", body, **headers)

    async def code(self, body: object, **headers: str) -> tuple[int, int]:
        status, found = await self.send(body, **headers)
        return status, found["ErrorCode"]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with FakePostmark() as fake, aiohttp.ClientSession() as session:
        yield Client(fake, session)


async def test_a_mail_arrives_as_its_recipient_would_see_it(client: Client) -> None:
    status, answer = await client.send(MAIL)
    assert status == 200
    assert set(answer) == {"To", "SubmittedAt", "MessageID", "ErrorCode", "Message"}
    assert (answer["To"], answer["ErrorCode"], answer["Message"]) == ("anna@firm.example", 0, "OK")
    (arrived,) = client.fake.arrived
    assert (arrived.recipient, arrived.sender) == ("anna@firm.example", MAIL["From"])
    assert (arrived.subject, arrived.text, arrived.html) == ("Grüße", "Hello Anna", "<p>Hello Anna</p>")
    assert (arrived.reply_to, arrived.mail_id) == ("eva.berg@nordlicht.example", "0123abcd")
    assert arrived.attachments == (("März.pdf", b"%PDF"),)
    assert arrived.headers["list-unsubscribe"] == "<https://mail.nordlicht.example/u/1>"
    assert not arrived.tracking


async def test_our_message_id_stays_only_where_it_is_asked_for(client: Client) -> None:
    _, answer = await client.send(MAIL)
    await client.send({**MAIL, "Headers": [*MAIL["Headers"], KEEP]})
    first, second = client.fake.arrived
    assert first.headers["message-id"] == f"<{answer['MessageID']}@mtasv.example>"
    assert second.headers["message-id"] == "<1@nordlicht.example>"
    assert "x-pm-keepid" not in second.headers


async def test_every_recipient_gets_a_mail(client: Client) -> None:
    people = {"To": "Anna <a@firm.example>, b@firm.example", "Cc": '"C, c" <c@firm.example>', "Bcc": "d@firm.example"}
    _, answer = await client.send({**MAIL, **people})
    assert [each.recipient[0] for each in client.fake.arrived] == ["a", "b", "c", "d"]
    assert answer["Cc"] == '"C, c" <c@firm.example>'


@pytest.mark.parametrize("name", ["TrackOpens", "TrackLinks"])
async def test_tracking_that_is_not_switched_off_counts_as_on(client: Client, name: str) -> None:
    await client.send({key: value for key, value in MAIL.items() if key != name})
    await client.send({**MAIL, name: True if name == "TrackOpens" else "HtmlOnly"})
    assert [each.tracking for each in client.fake.arrived] == [True, True]


async def test_what_server_and_stream_do_by_themselves_counts_as_tracking(client: Client) -> None:
    await client.send({**MAIL, "MessageStream": "broadcast"})
    assert (await client.ask("PUT", "/server", {"TrackOpens": True}))[1]["TrackOpens"] is True
    await client.send(MAIL)
    client.fake.account.track_opens = False
    client.fake.account.streams[1].unsubscribe = "Custom"
    await client.send({**MAIL, "MessageStream": "broadcast"})
    assert [each.tracking for each in client.fake.arrived] == [True, True, False]


BROKEN: list[tuple[dict[str, Any], int]] = [
    ({"From": None}, 300),
    ({"From": "eva.berg"}, 300),
    ({"From": "Berg, Eva <eva.berg@nordlicht.example>"}, 300),
    ({"From": "Dr. Berg <eva.berg@nordlicht.example>"}, 300),
    ({"From": "eva.berg@nordlicht.example, bo@nordlicht.example"}, 300),
    ({"From": "eva@stranger.example"}, 400),
    ({"To": ""}, 300),
    ({"To": "nobody"}, 300),
    ({"To": "änna@firm.example"}, 300),
    ({"To": ".anna@firm.example"}, 300),
    ({"To": "an..na@firm.example"}, 300),
    ({"To": "anna@firm_.example"}, 300),
    ({"To": "a@firm.example b@firm.example"}, 300),
    ({"To": ["anna@firm.example"]}, 403),
    ({"To": ",".join(f"p{n}@firm.example" for n in range(51))}, 300),
    ({"Cc": "nobody"}, 300),
    ({"ReplyTo": "nobody"}, 300),
    ({"Subject": "a\r\nBcc: x@y.example"}, 300),
    ({"Subject": 7}, 403),
    ({"Subject": 0}, 403),
    ({"TextBody": "", "HtmlBody": None}, 300),
    ({"TextBody": "x" * ((5 << 20) + 1)}, 300),
    ({"Tag": "x" * 1001}, 300),
    ({"ReplyToo": "x@firm.example"}, 403),
    ({"InlineCss": True}, 403),
    ({"TrackOpens": "no"}, 403),
    ({"TrackLinks": "Off"}, 300),
    ({"MessageStream": "other"}, 1235),
    ({"MessageStream": "inbound"}, 1235),
    ({"Headers": {"X-N": "1"}}, 403),
    ({"Headers": [{"Name": "X-N", "Value": 1}]}, 403),
    ({"Headers": [{"Name": "X-N", "Value": "1", "Colour": "red"}]}, 403),
    ({"Headers": [{"Name": "X N", "Value": "1"}]}, 300),
    ({"Headers": [{"Name": "X-N", "Value": "a\nb"}]}, 300),
    ({"Headers": [{"Name": "Reply-To", "Value": "x@firm.example"}]}, 300),
    ({"Headers": [{"Name": "Content-Type", "Value": "text/plain"}]}, 300),
    ({"Headers": [{"Name": "X-PM-Tag", "Value": "t"}]}, 300),
    ({"Headers": ["X-N: 1"]}, 402),
    ({"Metadata": {"x" * 21: "1"}}, 300),
    ({"Metadata": {"": "1"}}, 300),
    ({"Metadata": {"id": "x" * 81}}, 300),
    ({"Metadata": {"id": 1}}, 300),
    ({"Metadata": {f"k{n}": "1" for n in range(11)}}, 300),
    ({"Attachments": [{"Name": "a.pdf", "ContentType": "application/pdf"}]}, 300),
    ({"Attachments": [{"Name": "a.pdf", "Content": "%%%", "ContentType": "application/pdf"}]}, 300),
    ({"Attachments": [{"Name": "a.EXE", "Content": "AAAA", "ContentType": "a/b"}]}, 411),
    ({"Attachments": [{"Name": "a", "Content": "AAAA", "ContentType": "a/b", "Size": 3}]}, 403),
    ({"Attachments": [{"Name": "a.dat", "Content": "A" * (11 << 20), "ContentType": "a/b"}]}, 300),
    ({"To": "refused@firm.example"}, 406),
]


@pytest.mark.parametrize(("change", "code"), BROKEN)
async def test_what_the_documentation_does_not_know_is_refused(
    client: Client, change: dict[str, Any], code: int
) -> None:
    assert await client.code({**MAIL, **change}) == (422, code)
    assert len(client.fake.refused) == 1
    assert client.fake.arrived == []


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"X_Colour": "red"}, 422, 403),
        ({"Accept": "*/*"}, 422, 409),
        ({"Content_Type": "text/plain"}, 422, 409),
        ({"X_Postmark_Server_Token": "wrong"}, 401, 10),
        ({"X_Postmark_Server_Token": "-"}, 401, 10),
    ],
)
async def test_headers_must_be_as_described(client: Client, headers: dict[str, str], status: int, code: int) -> None:
    assert await client.code(MAIL, **headers) == (status, code)
    assert client.fake.arrived == []


async def test_a_request_to_send_has_no_parameters(client: Client) -> None:
    status, answer = await client.ask("POST", "/email?colour=red", MAIL)
    assert (status, answer["ErrorCode"]) == (422, 403)


async def test_a_token_is_the_same_in_any_case(client: Client) -> None:
    assert await client.code(MAIL, X_Postmark_Server_Token="TEST-Key") == (200, 0)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
async def test_what_is_no_message_is_refused(client: Client, body: bytes) -> None:
    assert await client.code(body) == (422, 402)


async def test_the_token_for_tests_looks_and_sends_nothing(client: Client) -> None:
    assert await client.code(MAIL, X_Postmark_Server_Token="POSTMARK_API_TEST") == (200, 0)
    assert await client.code({**MAIL, "To": "x"}, X_Postmark_Server_Token="POSTMARK_API_TEST") == (422, 300)
    assert client.fake.arrived == []


async def test_a_batch_answers_for_each_message_within_200(client: Client) -> None:
    mails = [MAIL, {**MAIL, "To": "refused@firm.example"}, {**MAIL, "Colour": "red"}, {**MAIL, "To": "bo@firm.example"}]
    status, answers = await client.ask("POST", "/email/batch", mails)
    assert status == 200
    assert [each["ErrorCode"] for each in answers] == [0, 406, 403, 0]
    assert set(answers[1]) == {"ErrorCode", "Message"}
    assert [each.recipient for each in client.fake.arrived] == ["anna@firm.example", "bo@firm.example"]
    assert len({answers[0]["MessageID"], answers[3]["MessageID"]}) == 2
    assert len(client.fake.refused) == 1


@pytest.mark.parametrize(("body", "code"), [([{"To": "x"}] * 501, 410), ({}, 402)])
async def test_a_batch_is_a_list_of_at_most_500(client: Client, body: object, code: int) -> None:
    status, answer = await client.ask("POST", "/email/batch", body)
    assert (status, answer["ErrorCode"]) == (422, code)


async def test_a_request_that_is_too_large_is_413(client: Client) -> None:
    status, _ = await client.send({**MAIL, "TextBody": "x" * (21 << 20)})
    assert status == 413


@pytest.mark.parametrize("trouble", [405, 412, 413])
async def test_trouble_with_the_account_meets_every_message(client: Client, trouble: int) -> None:
    client.fake.trouble = trouble
    assert await client.code(MAIL) == (422, trouble)
    _, answers = await client.ask("POST", "/email/batch", [MAIL, MAIL])
    assert [each["ErrorCode"] for each in answers] == [trouble, trouble]
    assert client.fake.arrived == []


async def test_who_is_inactive_gets_nothing_and_the_others_do(client: Client) -> None:
    _, answer = await client.send({**MAIL, "To": "refused@firm.example, anna@firm.example"})
    assert answer["ErrorCode"] == 0
    assert "refused@firm.example" in answer["Message"]
    assert [each.recipient for each in client.fake.arrived] == ["anna@firm.example"]


SUPPRESSIONS = "/message-streams/outbound/suppressions"


async def test_a_suppression_is_of_one_stream_and_ends_when_it_is_deleted(client: Client) -> None:
    entry = {"Suppressions": [{"EmailAddress": "Anna@firm.example"}, {"EmailAddress": "nobody"}]}
    _, answer = await client.ask("POST", SUPPRESSIONS, entry)
    assert [each["Status"] for each in answer["Suppressions"]] == ["Suppressed", "Failed"]
    assert await client.code(MAIL) == (422, 406)
    client.fake.account.streams[1].unsubscribe = "Custom"
    assert await client.code({**MAIL, "MessageStream": "broadcast"}) == (200, 0)
    _, answer = await client.ask("POST", f"{SUPPRESSIONS}/delete", entry)
    assert answer["Suppressions"][0] == {"EmailAddress": "Anna@firm.example", "Status": "Deleted", "Message": None}
    assert await client.code(MAIL) == (200, 0)


async def test_what_is_added_by_request_stands_on_the_list_of_that_stream_once(client: Client) -> None:
    client.fake.listed = [OnList("outbound.HardBounce", "bo@firm.example", AT)]
    entries = [{"EmailAddress": f"{name}@firm.example"} for name in ("anna", "ANNA", "bo")]
    for _ in range(2):
        await client.ask("POST", SUPPRESSIONS, {"Suppressions": entries})
    await client.ask("POST", SUPPRESSIONS.replace("outbound", "broadcast"), {"Suppressions": entries[:1]})
    assert [(each.list_name, each.address) for each in client.fake.listed] == [
        ("outbound.HardBounce", "bo@firm.example"),
        ("outbound.ManualSuppression", "anna@firm.example"),
        ("broadcast.ManualSuppression", "anna@firm.example"),
    ]
    await client.ask("POST", f"{SUPPRESSIONS}/delete", {"Suppressions": entries})
    assert [each.list_name for each in client.fake.listed] == ["broadcast.ManualSuppression"]


@pytest.mark.parametrize("method", ["dump", "", "delete"])
async def test_a_stream_that_is_not_there_has_no_suppressions(client: Client, method: str) -> None:
    path = f"/message-streams/other/suppressions/{method}".rstrip("/")
    body = None if method == "dump" else {"Suppressions": [{"EmailAddress": "anna@firm.example"}]}
    _, answer = await client.ask("POST" if body else "GET", path, body)
    assert answer["ErrorCode"] == 1226


@pytest.mark.parametrize(
    ("name", "reason", "origin"),
    [
        ("outbound.HardBounce", "HardBounce", "Recipient"),
        ("outbound.SpamComplaint", "SpamComplaint", "Recipient"),
        ("outbound.ManualSuppression", "ManualSuppression", "Customer"),
        ("outbound.ManualSuppression.Recipient", "ManualSuppression", "Recipient"),
        ("outbound.ManualSuppression.Admin", "ManualSuppression", "Admin"),
    ],
)
async def test_the_name_of_a_list_says_why_and_who(client: Client, name: str, reason: str, origin: str) -> None:
    client.fake.listed = [OnList(name, "anna@firm.example", AT)]
    _, answer = await client.ask("GET", f"{SUPPRESSIONS}/dump")
    (shown,) = answer["Suppressions"]
    assert (shown["SuppressionReason"], shown["Origin"]) == (reason, origin)
    assert await client.code(MAIL) == (422, 406)


async def test_a_complaint_cannot_be_deleted(client: Client) -> None:
    client.fake.listed = [OnList("outbound.SpamComplaint", "Anna@firm.example", AT)]
    entry = {"Suppressions": [{"EmailAddress": "anna@firm.example"}]}
    _, answer = await client.ask("POST", f"{SUPPRESSIONS}/delete", entry)
    assert answer["Suppressions"][0]["Status"] == "Failed"
    assert await client.code(MAIL) == (422, 406)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["anna", "bo"]),
        ("?SuppressionReason=hardbounce", ["anna"]),
        ("?Origin=Customer", ["bo"]),
        ("?EmailAddress=bo@firm.example", ["bo"]),
        ("?fromdate=2026-11-22", ["bo"]),
        ("?todate=2026-11-21", ["anna"]),
    ],
)
async def test_the_dump_of_a_stream_can_be_narrowed(client: Client, query: str, found: list[str]) -> None:
    client.fake.listed = [
        OnList("outbound.HardBounce", "anna@firm.example", AT),
        OnList("outbound.ManualSuppression", "bo@firm.example", datetime(2026, 11, 22, 5, 0, tzinfo=UTC)),
        OnList("broadcast.HardBounce", "cleo@firm.example", AT),
    ]
    _, answer = await client.ask("GET", f"{SUPPRESSIONS}/dump{query}")
    assert [each["EmailAddress"].partition("@")[0] for each in answer["Suppressions"]] == found
    assert set(answer["Suppressions"][0]) == {"EmailAddress", "SuppressionReason", "Origin", "CreatedAt"}
    assert {each["CreatedAt"] for each in answer["Suppressions"]} <= {
        "2026-11-21T08:00:00-05:00",
        "2026-11-22T00:00:00-05:00",
    }


@pytest.mark.parametrize("path", [SUPPRESSIONS, f"{SUPPRESSIONS}/delete"])
@pytest.mark.parametrize("entries", [[], [{"EmailAddress": "a@b.example"}] * 51, ["a@b.example"], [{"Email": "a"}]])
async def test_a_list_of_suppressions_is_as_described(client: Client, path: str, entries: list[Any]) -> None:
    assert (await client.ask("POST", path, {"Suppressions": entries}))[0] == 422


async def test_the_server_and_its_streams_can_be_looked_at(client: Client) -> None:
    _, server = await client.ask("GET", "/server")
    assert (server["TrackOpens"], server["TrackLinks"]) == (False, "None")
    _, streams = await client.ask("GET", "/message-streams")
    assert [each["ID"] for each in streams["MessageStreams"]] == ["outbound", "broadcast", "inbound"]
    client.fake.account.streams[0].archived = True
    for query, count in (("?MessageStreamType=Broadcasts", 1), ("?IncludeArchivedStreams=true", 3), ("", 2)):
        assert (await client.ask("GET", f"/message-streams{query}"))[1]["TotalCount"] == count
    _, stream = await client.ask("GET", "/message-streams/broadcast")
    assert stream["SubscriptionManagementConfiguration"] == {"UnsubscribeHandlingType": "Postmark"}
    assert (await client.ask("GET", "/message-streams/other"))[1]["ErrorCode"] == 1226
    assert await client.code(MAIL) == (422, 1235)


async def test_data_is_removed_by_the_accounts_own_token(client: Client) -> None:
    asked = {"RequestedBy": "eva@nordlicht.example", "RequestedFor": "anna@firm.example", "NotifyWhenCompleted": False}
    assert (await client.ask("POST", "/data-removals", asked))[0] == 401
    token = {"X_Postmark_Server_Token": "-", "X_Postmark_Account_Token": client.fake.account_key}
    assert await client.ask("POST", "/data-removals", asked, **token) == (200, {"ID": 1, "Status": "Pending"})
    assert await client.ask("GET", "/data-removals/1", **token) == (200, {"ID": 1, "Status": "Done"})
    assert (await client.ask("GET", "/data-removals/2", **token))[0] == 404
    nobody = {**asked, "RequestedBy": "nobody"}
    assert (await client.ask("POST", "/data-removals", nobody, **token))[1]["ErrorCode"] == 300
    del asked["RequestedBy"]
    assert (await client.ask("POST", "/data-removals", asked, **token))[0] == 422
    assert client.fake.erased == ["anna@firm.example"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/emails", 404),
        ("GET", "/email", 405),
        ("DELETE", "/server", 404),
        ("GET", "/server?colour=red", 422),
        ("GET", f"{SUPPRESSIONS}/dump?colour=red", 422),
        ("POST", "/email/withTemplate", 422),
    ],
)
async def test_a_path_that_is_not_described_is_refused(client: Client, method: str, path: str, status: int) -> None:
    assert (await client.ask(method, path, {} if method == "POST" else None))[0] == status


@pytest.mark.parametrize(("mood", "status"), [(Mood.RATE_LIMIT, 429), (Mood.SERVER_ERROR, 500), (Mood.BAD_KEY, 401)])
async def test_moods_come_in_postmarks_words(client: Client, mood: Mood, status: int) -> None:
    client.fake.moods = [mood]
    assert (await client.send(MAIL))[0] == status
    assert client.fake.arrived == []
    assert await client.code(MAIL) == (200, 0)
