from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from penstock.model.event import EventKind
from penstock.testing.described import deviations
from penstock.testing.esp import Arrived, Happening, OnList, PostedCall
from penstock.testing.esps.resend import FakeResend

DESCRIPTION = json.loads((Path(__file__).parents[2] / "esp/resend/description.json").read_text(encoding="utf-8"))
SCHEMAS = DESCRIPTION["components"]["schemas"]
HAPPENED = datetime(2026, 11, 22, 8, 59, 30, 123_000, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ARRIVED = Arrived(
    sender="Eva Berg <eva.berg@nordlicht.example>",
    recipient="anna@firm.example",
    subject="Grüße",
    text="Hello",
    html=None,
    headers={"message-id": "<1@nordlicht.example>", "date": "-", "list-id": "<news.nordlicht.example>"},
    mail_id="0123abcd",
)


def happening(kind: EventKind, key: str = "one", arrived: Arrived = ARRIVED) -> Happening:
    return Happening(kind, arrived, key, HAPPENED)


def told(kind: EventKind, fake: FakeResend | None = None) -> Any:
    (call,) = (fake or FakeResend()).calls([happening(kind)], NOW)
    return json.loads(call.body)


def signature_of(call: PostedCall, secret: str) -> str:
    """As Svix describes it: the secret is base64 behind its prefix."""
    signed = f"{call.headers['svix-id']}.{call.headers['svix-timestamp']}.{call.body.decode()}"
    key = b64decode(secret.split("_", 1)[1])
    return "v1," + b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()


@pytest.mark.parametrize("kind", list(EventKind))
@pytest.mark.parametrize("listed", [False, True])
def test_every_kind_is_told_as_described(kind: EventKind, listed: bool) -> None:
    fake = FakeResend(listed=[OnList("complaint", "Anna@firm.example", NOW)] if listed else [])
    event = told(kind, fake)
    assert deviations(event, DESCRIPTION["webhooks"][event["type"]], SCHEMAS) == []
    assert event["created_at"] == "2026-11-22T08:59:30.123Z"


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (EventKind.ACCEPTED, "email.sent"),
        (EventKind.DEFERRED, "email.delivery_delayed"),
        (EventKind.DELIVERED, "email.delivered"),
        (EventKind.BOUNCED_HARD, "email.bounced"),
        (EventKind.BOUNCED_SOFT, "email.bounced"),
        (EventKind.BOUNCED_POLICY, "email.bounced"),
        (EventKind.COMPLAINED, "email.complained"),
        (EventKind.OPENED, "email.opened"),
        (EventKind.CLICKED, "email.clicked"),
        (EventKind.REJECTED, "email.failed"),
        (EventKind.UNKNOWN, "email.scheduled"),
    ],
)
def test_an_event_of_a_mail_names_it_and_brings_our_id_back(kind: EventKind, word: str) -> None:
    event = told(kind)
    assert event["type"] == word
    data = event["data"]
    assert data["tags"] == {"penstock_mail_id": "0123abcd"}
    assert (data["from"], data["to"], data["subject"]) == (ARRIVED.sender, ["anna@firm.example"], "Grüße")
    assert data["headers"] == [{"name": "list-id", "value": "<news.nordlicht.example>"}]
    assert data["created_at"] != event["created_at"]


@pytest.mark.parametrize(
    ("kind", "bounce", "status"),
    [
        (EventKind.BOUNCED_HARD, ("Permanent", "General"), "550 5.1.1"),
        (EventKind.BOUNCED_SOFT, ("Transient", "MailboxFull"), "552 5.2.2"),
        (EventKind.BOUNCED_POLICY, ("Transient", "ContentRejected"), "550 5.7.1"),
    ],
)
def test_bounces_are_told_apart_by_type_and_status(kind: EventKind, bounce: tuple[str, str], status: str) -> None:
    found = told(kind)["data"]["bounce"]
    assert (found["type"], found["subType"]) == bounce
    (said,) = found["diagnosticCode"]
    assert said.startswith(f"smtp; {status} ")


def test_an_opt_out_is_a_changed_contact_and_names_no_mail() -> None:
    event = told(EventKind.UNSUBSCRIBED)
    assert event["type"] == "contact.updated"
    assert (event["data"]["email"], event["data"]["unsubscribed"]) == ("anna@firm.example", True)
    assert "email_id" not in event["data"]


@pytest.mark.parametrize(("origin", "reason"), [("bounce", "previous_bounce"), ("complaint", "previous_complaint")])
def test_a_mail_to_the_suppressed_is_told_as_such(origin: str, reason: str) -> None:
    event = told(EventKind.REJECTED, FakeResend(listed=[OnList(origin, "Anna@firm.example", NOW)]))
    assert event["type"] == "email.suppressed"
    assert event["data"]["suppressed"]["reason"] == reason


def test_calls_are_signed_with_the_secret_of_their_own_fake() -> None:
    fake, other = FakeResend(), FakeResend()
    assert fake.webhook_key.startswith("whsec_")
    assert fake.webhook_key != other.webhook_key
    first, second = fake.calls([happening(EventKind.OPENED), happening(EventKind.CLICKED, "two")], NOW)
    assert first.headers["svix-id"] != second.headers["svix-id"]
    for call in (first, second):
        assert call.headers["svix-timestamp"] == str(int(NOW.timestamp()))
        assert call.headers["svix-signature"] == signature_of(call, fake.webhook_key)
        assert call.headers["svix-signature"] != signature_of(call, other.webhook_key)


def test_a_repetition_has_the_same_id_and_body_and_its_own_time() -> None:
    fake = FakeResend()
    (first,) = fake.calls([happening(EventKind.DELIVERED)], NOW)
    (again,) = fake.calls([happening(EventKind.DELIVERED)], NOW + timedelta(minutes=5))
    assert (first.headers["svix-id"], first.body) == (again.headers["svix-id"], again.body)
    assert first.headers["svix-signature"] != again.headers["svix-signature"]


async def test_a_mail_that_was_taken_is_named_by_the_id_of_the_answer_and_by_its_tags() -> None:
    tags = [{"name": "penstock_mail_id", "value": "0123abcd"}, {"name": "stream", "value": "news"}]
    mail = {"from": "eva@nordlicht.example", "to": "anna@firm.example", "subject": "Words", "text": "x", "tags": tags}
    async with FakeResend() as fake, aiohttp.ClientSession(headers={"Authorization": f"Bearer {fake.key}"}) as session:
        async with session.post(f"{fake.url}/emails", json=mail) as answer:
            mail_id = (await answer.json())["id"]
        (call,) = fake.calls([happening(EventKind.DELIVERED, arrived=fake.arrived[0])], NOW)
    data = json.loads(call.body)["data"]
    assert data["email_id"] == mail_id
    assert data["tags"] == {"penstock_mail_id": "0123abcd", "stream": "news"}
    assert "headers" not in data


async def test_calls_are_posted_one_by_one_as_they_were_made() -> None:
    got: list[tuple[str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        got.append((request.headers["svix-signature"], await request.read()))
        return web.Response(status=200 + len(got))

    app = web.Application()
    app.router.add_post("/webhooks/main", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    fake = FakeResend()
    happened = [happening(EventKind.DELIVERED), happening(EventKind.OPENED, "two")]
    try:
        assert await fake.post(f"http://{host}:{port}/webhooks/main", happened, NOW) == [201, 202]
    finally:
        await runner.cleanup()
    assert got == [(call.headers["svix-signature"], call.body) for call in fake.calls(happened, NOW)]
