from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.model.event import EventKind
from penstock.testing.described import deviations
from penstock.testing.esp import Arrived, Happening
from penstock.testing.esps.mailjet import FakeMailjet

WHOLE, WORD, TRUTH = {"type": "integer"}, {"type": "string"}, {"type": "boolean"}
CLIENT = dict.fromkeys(("ip", "geo", "agent"), WORD)
ERROR_TABLE = {
    "error_related_to": {"type": "string", "enum": ["recipient", "domain", "spam", "system", "mailjet"]},
    "error": {
        "type": "string",
        "enum": [
            "user unknown",
            "mailbox inactive",
            "quota exceeded",
            "invalid domain",
            "no mail host",
            "relay/access denied",
            "greylisted",
            "sender blocked",
            "content blocked",
            "policy issue",
            "system issue",
            "protocol issue",
            "connection issue",
            "preblocked",
            "duplicate in campaign",
        ],
    },
}
OF_EVERY_EVENT = {
    **dict.fromkeys(("time", "MessageID", "mj_campaign_id", "mj_contact_id"), WHOLE),
    **dict.fromkeys(("event", "email", "customcampaign", "CustomID", "Payload", "Message_GUID"), WORD),
}
OF_ONE_EVENT: dict[str, dict[str, Any]] = {
    "sent": {"mj_message_id": WORD, "smtp_reply": WORD},
    "open": CLIENT,
    "click": {"url": WORD, **CLIENT},
    "bounce": {"blocked": TRUTH, "hard_bounce": TRUTH, **ERROR_TABLE},
    "blocked": ERROR_TABLE,
    "spam": {"source": WORD},
    "unsub": {"mj_list_id": WHOLE, **CLIENT},
}
"""Events of version 1 and 2 as the guide lists their properties."""
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ARRIVED = Arrived("eva.berg@nordlicht.example", "anna@firm.example", "Words", "Words", None, {}, mail_id="0123abcd")


def told(fake: FakeMailjet, *happenings: Happening) -> list[Any]:
    """What the calls say; each carries the login."""
    calls = fake.calls(happenings, NOW)
    login = b64encode(fake.webhook_key.encode()).decode()
    assert all(
        dict(each.headers) == {"content-type": "application/json", "authorization": f"Basic {login}"} for each in calls
    )
    return [json.loads(each.body) for each in calls]


def happened(kind: EventKind, key: str = "1", at: datetime = NOW, arrived: Arrived = ARRIVED) -> Happening:
    return Happening(kind, arrived, key, at)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (EventKind.DEFERRED, "bounce"),
        (EventKind.DELIVERED, "sent"),
        (EventKind.BOUNCED_HARD, "bounce"),
        (EventKind.BOUNCED_SOFT, "bounce"),
        (EventKind.BOUNCED_POLICY, "bounce"),
        (EventKind.COMPLAINED, "spam"),
        (EventKind.UNSUBSCRIBED, "unsub"),
        (EventKind.OPENED, "open"),
        (EventKind.CLICKED, "click"),
        (EventKind.REJECTED, "blocked"),
    ],
)
def test_an_event_is_as_the_guide_shows_it(kind: EventKind, name: str) -> None:
    ((event,),) = told(FakeMailjet(), happened(kind, at=NOW - timedelta(milliseconds=1)))
    described = {**OF_EVERY_EVENT, **OF_ONE_EVENT[name]}
    schema = {"type": "object", "required": sorted(described), "properties": described}
    assert deviations(event, schema) == []
    assert (event["event"], event["CustomID"], event["email"]) == (name, "0123abcd", "anna@firm.example")
    assert event["time"] == int(NOW.timestamp()) - 1


def test_bounces_differ_in_their_error() -> None:
    kinds = (EventKind.BOUNCED_HARD, EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY, EventKind.DEFERRED)
    (events,) = told(FakeMailjet(), *map(happened, kinds))
    assert [each["error"] for each in events] == ["user unknown", "quota exceeded", "policy issue", "greylisted"]
    assert [each["blocked"] for each in events] == [True, False, False, False]


def test_that_a_mail_was_accepted_is_not_told_and_a_mended_address_is_an_event_of_its_own() -> None:
    fake = FakeMailjet()
    assert told(fake, happened(EventKind.ACCEPTED)) == []
    ((event,),) = told(fake, happened(EventKind.UNKNOWN))
    assert event["event"] == "typofix"


def test_events_of_a_second_come_together_in_version_2_only() -> None:
    opened = happened(EventKind.OPENED)
    three = (opened, replace(opened, kind=EventKind.CLICKED), replace(opened, at=NOW + timedelta(seconds=1)))
    assert [[each["event"] for each in call] for call in told(FakeMailjet(), *three)] == [["open", "click"], ["open"]]
    assert [each["event"] for each in told(FakeMailjet(grouped=False), *three)] == ["open", "click", "open"]


def test_an_event_told_again_is_the_same_and_another_is_not() -> None:
    fake = FakeMailjet()
    first, again = (fake.calls([happened(EventKind.OPENED)], at) for at in (NOW, NOW + timedelta(hours=3)))
    assert first == again
    numbers = [told(fake, happened(EventKind.OPENED, key))[0][0]["MessageID"] for key in ("1", "2")]
    assert numbers[0] != numbers[1]
    assert fake.webhook_key != FakeMailjet().webhook_key
    assert FakeMailjet(webhook_key="user:word").webhook_key == "user:word"
