from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from aiohttp import web

from penstock.model.event import EventKind
from penstock.testing.described import deviations
from penstock.testing.esp import Arrived, Happening
from penstock.testing.esps.brevo import FakeBrevo

NOW = datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC)
TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer"}
EVENT = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("event", "email", "date", "message-id", "subject", "sending_ip", "mirror_link"), TEXT),
        **dict.fromkeys(("id", "ts", "ts_event", "ts_epoch", "contact_id"), NUMBER),
        **dict.fromkeys(("X-Mailin-custom", "reason", "link", "user_agent", "device_used"), TEXT),
    },
    "required": ["event", "email", "id", "date", "ts", "message-id", "ts_event", "ts_epoch"],
}
ARRIVED = Arrived("eva.berg@nordlicht.example", "anna@firm.example", "Grüße", "Hello", None, {}, mail_id="0123abcd")


def happening(kind: EventKind = EventKind.DELIVERED, key: str = "k", at: datetime = NOW, **more: Any) -> Happening:
    arrived = Arrived(**{name: getattr(ARRIVED, name) for name in Arrived.__slots__} | more)
    return Happening(kind, arrived, key, at)


def told(*happenings: Happening, fake: FakeBrevo | None = None) -> list[Any]:
    return [json.loads(call.body) for call in (fake or FakeBrevo()).calls(happenings, NOW)]


@pytest.mark.parametrize(
    ("kind", "word", "reason"),
    [
        (EventKind.ACCEPTED, "request", ""),
        (EventKind.DEFERRED, "deferred", "4.7.1"),
        (EventKind.DELIVERED, "delivered", ""),
        (EventKind.BOUNCED_HARD, "hard_bounce", "5.1.1 <anna@firm.example>"),
        (EventKind.BOUNCED_SOFT, "soft_bounce", "5.2.2"),
        (EventKind.BOUNCED_POLICY, "hard_bounce", "5.7.1"),
        (EventKind.COMPLAINED, "spam", ""),
        (EventKind.UNSUBSCRIBED, "unsubscribed", ""),
        (EventKind.OPENED, "unique_opened", ""),
        (EventKind.CLICKED, "click", ""),
        (EventKind.REJECTED, "blocked", "blacklist user"),
        (EventKind.UNKNOWN, "list_addition", ""),
    ],
)
def test_every_kind_of_event_has_brevos_word(kind: EventKind, word: str, reason: str) -> None:
    (event,) = told(happening(kind))
    assert deviations(event, EVENT) == []
    assert (event["event"], event["email"], event["X-Mailin-custom"]) == (word, "anna@firm.example", "0123abcd")
    assert bool(reason) == ("reason" in event)
    assert reason in event.get("reason", "")


def test_what_was_sent_comes_back_as_it_was() -> None:
    headers = {"message-id": "<1@smtp-relay.brevo.example>", "x-mailin-custom": '{"mail-id": "0123abcd"}'}
    (event,) = told(happening(headers=headers))
    assert (event["message-id"], event["X-Mailin-custom"]) == (headers["message-id"], headers["x-mailin-custom"])
    assert event["subject"] == "Grüße"
    (anothers,) = told(happening(mail_id=""))
    assert "X-Mailin-custom" not in anothers


@pytest.mark.parametrize(
    ("at", "date"),
    [
        (NOW, "2026-11-22 10:00:00"),
        (datetime(2026, 7, 1, 23, 30, tzinfo=UTC), "2026-07-02 01:30:00"),
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), "2026-03-29 01:59:00"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "2026-03-29 03:00:00"),
        (datetime(2026, 10, 25, 0, 59, tzinfo=UTC), "2026-10-25 02:59:00"),
        (datetime(2026, 10, 25, 1, 0, tzinfo=UTC), "2026-10-25 02:00:00"),
        (datetime(2026, 11, 22, 4, 0, tzinfo=timezone(timedelta(hours=-5))), "2026-11-22 10:00:00"),
    ],
)
def test_the_date_is_central_european_and_the_others_count_from_1970(at: datetime, date: str) -> None:
    (event,) = told(happening(at=at))
    assert event["date"] == date
    assert event["ts_event"] == int(at.timestamp())
    assert event["ts_epoch"] == round(at.timestamp() * 1000)


def test_an_event_told_again_is_the_same_and_others_differ() -> None:
    fake = FakeBrevo()
    assert fake.calls([happening()], NOW) == fake.calls([happening()], NOW + timedelta(hours=1))
    assert told(happening())[0] != told(happening(key="other"))[0]


def test_each_event_comes_alone_unless_the_webhook_is_batched() -> None:
    several = [happening(key=str(number)) for number in range(1_001)]
    assert all(isinstance(each, dict) for each in told(*several[:3]))
    assert [len(batch) for batch in told(*several, fake=FakeBrevo(batched=True))] == [500, 500, 1]
    assert told(fake=FakeBrevo(batched=True)) == []


async def test_calls_carry_the_login_of_their_address() -> None:
    seen: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        seen.append(b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode())
        return web.Response(status=200 if request.content_type == "application/json" else 400)

    app = web.Application()
    app.router.add_post("/webhooks/main", serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake, other = FakeBrevo(), FakeBrevo()
    try:
        url = "http://{}:{}/webhooks/main".format(*runner.addresses[0][:2])
        assert await fake.post(url, [happening(), happening(key="other")], NOW) == [200, 200]
    finally:
        await runner.cleanup()
    assert seen == [fake.webhook_key] * 2
    assert fake.webhook_key != other.webhook_key
    assert ":" in fake.webhook_key
