from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web

from penstock.model.event import EventKind
from penstock.testing.esp import Arrived, Happening
from penstock.testing.esps.postmark import FakePostmark

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MAIL: dict[str, Any] = {
    "From": "Eva Berg <eva.berg@nordlicht.example>",
    "To": "Anna <anna@firm.example>, bo@firm.example",
    "Subject": "Words",
    "TextBody": "Words",
    "Metadata": {"order": "7", "our_mail_id": "0123abcd"},
    "Tag": "autumn",
    "TrackOpens": False,
    "TrackLinks": "None",
}
COMMON = {"RecordType", "MessageID", "MessageStream", "Tag", "Metadata"}
BOUNCE = COMMON | {
    "ID", "Type", "TypeCode", "Name", "ServerID", "Description", "Details", "Email", "From", "BouncedAt",
    "DumpAvailable", "Inactive", "CanActivate", "Subject",
}  # fmt: skip
READ = COMMON | {"Recipient", "ReceivedAt", "UserAgent", "OS", "Client", "Geo", "Platform"}
FIELDS = {
    "Bounce": BOUNCE,
    "SpamComplaint": BOUNCE,
    "Delivery": COMMON | {"ServerID", "Recipient", "DeliveredAt", "Details"},
    "SubscriptionChange": COMMON
    | {"ServerID", "ChangedAt", "Recipient", "Origin", "SuppressSending", "SuppressionReason"},
    "Open": READ | {"FirstOpen", "ReadSeconds"},
    "Click": READ | {"ClickLocation", "OriginalLink"},
}
"""Of the examples in Postmark's documentation; Content is left out, as it is unless a webhook asks for it."""
BOUNCES = {
    EventKind.BOUNCED_HARD: ("HardBounce", 1, "550 5.1.1"),
    EventKind.BOUNCED_SOFT: ("SoftBounce", 4096, "552 5.2.2"),
    EventKind.BOUNCED_POLICY: ("Blocked", 100006, "550 5.7.1"),
    EventKind.DEFERRED: ("Transient", 2, "451 4.4.1"),
    EventKind.COMPLAINED: ("SpamComplaint", 100001, ""),
    EventKind.REJECTED: ("SMTPApiError", 100007, ""),
    EventKind.UNKNOWN: ("AutoResponder", 64, ""),
}
TOLD = sorted(set(EventKind) - {EventKind.ACCEPTED})


def happened(kind: EventKind, key: str = "one", **fields: Any) -> Happening:
    arrived = Arrived(
        "Eva Berg <eva.berg@nordlicht.example>", "anna@firm.example", "Words", "Words", None, {}, mail_id="0123abcd"
    )
    return Happening(kind, replace(arrived, **fields), key, NOW)


def told(kind: EventKind, **fields: Any) -> Any:
    (call,) = FakePostmark().calls([happened(kind, **fields)], NOW)
    return json.loads(call.body)


async def sent(fake: FakePostmark, mail: dict[str, Any]) -> Any:
    headers = {"X-Postmark-Server-Token": fake.key, "Accept": "application/json", "Content-Type": "application/json"}
    body = BytesIO(json.dumps(mail).encode())
    async with aiohttp.ClientSession() as session, session.post(f"{fake.url}/email", data=body, headers=headers) as got:
        return await got.json()


@pytest.mark.parametrize("kind", TOLD)
def test_a_call_has_the_fields_of_its_record_type(kind: EventKind) -> None:
    call = told(kind)
    assert set(call) == FIELDS[call["RecordType"]]
    assert call["Metadata"] == {"penstock_mail_id": "0123abcd"}
    assert call.get("Email", call.get("Recipient")) == "anna@firm.example"
    assert str(UUID(call["MessageID"])) == call["MessageID"]
    (at,) = [value for name, value in call.items() if name.endswith("At")]
    assert at == "2026-11-22T09:00:00.0000000Z"


@pytest.mark.parametrize("kind", BOUNCES)
def test_bounces_have_postmarks_types_and_what_the_server_said(kind: EventKind) -> None:
    call, (name, code, status) = told(kind), BOUNCES[kind]
    assert call["RecordType"] == ("SpamComplaint" if kind is EventKind.COMPLAINED else "Bounce")
    assert (call["Type"], call["TypeCode"]) == (name, code)
    assert re.sub(r"^smtp;", "", call["Details"]).startswith(status)
    assert "anna@firm.example" in call["Details"]
    assert 0 < call["ID"] < 2**63
    assert call["From"] == "eva.berg@nordlicht.example"
    assert call["Inactive"] == (kind in {EventKind.BOUNCED_HARD, EventKind.COMPLAINED})


def test_who_unsubscribes_is_suppressed_by_the_recipient() -> None:
    call = told(EventKind.UNSUBSCRIBED)
    assert (call["SuppressSending"], call["SuppressionReason"]) == (True, "ManualSuppression")
    assert call["Origin"] == "Recipient"


def test_what_postmark_does_not_tell_makes_no_call() -> None:
    assert FakePostmark().calls([happened(EventKind.ACCEPTED)], NOW) == []


def test_each_event_has_a_call_of_its_own_that_is_repeated_unchanged() -> None:
    fake = FakePostmark()
    several = [happened(kind, key) for kind in TOLD for key in ("one", "other")]
    calls = fake.calls(several, NOW)
    assert len({call.headers["x-pm-webhook-trace-id"] for call in calls}) == len(calls) == len(several)
    numbers = [json.loads(call.body).get("ID") for call in calls]
    assert len(set(numbers) - {None}) == 2 * len(BOUNCES)
    assert fake.calls(several, NOW + timedelta(hours=1)) == calls
    assert fake.webhook_key == ""
    assert all(set(call.headers) == {"content-type", "user-agent", "x-pm-webhook-trace-id"} for call in calls)


def test_a_mail_without_our_id_brings_none_back() -> None:
    assert told(EventKind.DELIVERED, mail_id="")["Metadata"] == {}


async def test_a_mail_that_was_taken_comes_back_with_its_own_id_stream_tag_and_metadata() -> None:
    async with FakePostmark() as fake:
        answers = [await sent(fake, MAIL)]
        kept = [{"Name": "X-PM-KeepID", "Value": "true"}, {"Name": "Message-ID", "Value": "<1@nordlicht.example>"}]
        answers.append(await sent(fake, {**MAIL, "Headers": kept, "MessageStream": "broadcast"}))
        happenings = [Happening(EventKind.DELIVERED, each, each.recipient, NOW) for each in fake.arrived]
        calls = [json.loads(call.body) for call in fake.calls(happenings, NOW)]
    assert [call["Recipient"] for call in calls] == ["anna@firm.example", "bo@firm.example"] * 2
    assert [call["MessageID"] for call in calls] == [each["MessageID"] for each in answers for _ in range(2)]
    assert [call["MessageStream"] for call in calls] == ["outbound"] * 2 + ["broadcast"] * 2
    assert all(call["Metadata"] == MAIL["Metadata"] and call["Tag"] == "autumn" for call in calls)


async def test_calls_carry_the_login_that_stands_in_the_address() -> None:
    got: list[web.BaseRequest] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        got.append(request)
        return web.Response()

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    statuses = await FakePostmark().post(f"http://hook:secret@{host}:{port}/", [happened(EventKind.OPENED)], NOW)
    await runner.cleanup()
    assert statuses == [200]
    assert b64decode(got[0].headers["Authorization"].removeprefix("Basic ")) == b"hook:secret"
