from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.http import HttpResponse
from penstock.errors import ConfigError, InvalidInput
from penstock.model.event import Event, EventKind
from penstock.model.outcome import Accepted
from penstock.ports import WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing.esp import FakeEsp
from penstock.testing.esp_contract import finished
from penstock.testing.esps.brevo import FakeBrevo
from penstock.testing.webhook_contract import WebhookContract
from penstock_brevo import Brevo, codec
from penstock_brevo.bounce import bounce
from penstock_brevo.events import KINDS, BrevoCodec

HERE = Path(__file__).parent
ANNA = finished("anna@firm.example")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
EVENTS: list[dict[str, Any]] = json.loads((HERE / "samples/events.json").read_text(encoding="utf-8"))


def a_codec(secret: str = "", topics: tuple[str, ...] = ()) -> BrevoCodec:
    return codec(WebhookAddress("main", lambda: secret, topics))


def read(body: Any) -> list[Event]:
    return list(a_codec().events(body if isinstance(body, bytes) else json.dumps(body).encode()))


def sent(**fields: Any) -> dict[str, Any]:
    """The sample of `request` with other fields; None takes one away."""
    named = {name.replace("_", "-") if name == "message_id" else name: value for name, value in fields.items()}
    return {name: value for name, value in {**EVENTS[0]["body"], **named}.items() if value is not None}


def only(**fields: Any) -> Event:
    (event,) = read(sent(**fields))
    return event


class TestContract(WebhookContract):
    """What every codec promises; inherited."""

    def fake(self) -> FakeEsp:
        return FakeBrevo()

    def codec(self, fake: FakeEsp) -> WebhookCodec:
        return a_codec()


@pytest.mark.parametrize("case", EVENTS, ids=lambda case: case["name"])
def test_each_word_of_brevo_has_its_meaning(case: dict[str, Any]) -> None:
    (event,) = read(case["body"])
    assert event.kind.value == case["means"]
    assert event.words == case["words"]
    assert event.at == datetime(2026, 11, 22, 8, 59, 30, 126_000, tzinfo=UTC)
    assert event.mail_id == "0123456789abcdef0123456789abcdef"
    assert event.receipt == "202611220959.48212345678"
    assert event.recipient == "anna@firm.example"


def test_the_samples_have_every_word_of_the_table() -> None:
    assert {case["body"]["event"] for case in EVENTS} == {*KINDS, "list_addition"}


def test_the_receipt_is_the_one_of_the_answer() -> None:
    told = "<202611210900.48212345678@smtp-relay.mailin.fr>"
    (outcome,) = Brevo("k").outcomes([ANNA], HttpResponse(201, {}, json.dumps({"messageId": told}).encode()))
    assert isinstance(outcome, Accepted)
    for written in (told, told.strip("<>"), f" {told}"):
        assert only(message_id=written).receipt == outcome.receipt


def test_a_batch_is_a_list_of_events() -> None:
    events = read([case["body"] for case in EVENTS])
    assert [each.kind.value for each in events] == [case["means"] for case in EVENTS]
    assert read([]) == []


def test_of_a_batch_what_cannot_be_read_is_left_out() -> None:
    odd = [{}, 7, None, [], {"event": "spam"}, {"event": 7, "ts_epoch": 1}, {"event": "spam", "ts_epoch": "soon"}]
    assert len(read([*odd, sent(), *odd])) == 1
    with pytest.raises(InvalidInput):
        read(odd)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 1_795_337_970.126),
        ({"ts_epoch": 1_795_337_980}, 1_795_337_980),
        ({"ts_epoch": None}, 1_795_337_970),
        ({"ts_epoch": None, "ts_event": None, "ts": 1_795_337_960}, 1_795_337_960),
        ({"ts_epoch": "1795337970126", "ts_event": True}, 1_795_337_970),
        ({"ts_epoch": 10**30, "ts_event": -1}, 1_795_337_970),
        ({"ts_epoch": 0}, 1_795_337_970),
        ({"ts_epoch": 99_999_999_999}, 1_795_337_970),
    ],
)
def test_the_time_is_the_best_that_is_told(fields: dict[str, Any], expected: float) -> None:
    assert only(**fields).at.timestamp() == expected


@pytest.mark.parametrize(
    "body",
    [
        sent(event=None),
        sent(event=7),
        sent(ts=None, ts_event=None, ts_epoch=None),
        {"items": [{"Uuid": ["1"], "Subject": "Words"}]},
        b"[" * 100_000,
        b'{"event": "spam", "ts": ' + b"9" * 5_000 + b"}",
        b"\xff",
    ],
)
def test_a_body_that_tells_no_event_is_told(body: Any) -> None:
    with pytest.raises(InvalidInput) as told:
        read(body)
    assert "@" not in str(told.value)


@pytest.mark.parametrize("value", [7, [], {}, "", "a b", "x" * 201, "anna@firm.example", '{"id": "\u00e9"}', None])
def test_an_id_of_another_form_is_none(value: Any) -> None:
    assert only(**{"X-Mailin-custom": value}).mail_id == ""


@pytest.mark.parametrize("value", [7, "", "<>", "<@relay.brevo.example>", "two words", None, {"a": "b"}])
def test_a_message_id_of_another_form_is_no_receipt(value: Any) -> None:
    assert only(message_id=value).receipt == ""


@pytest.mark.parametrize("value", [7, "", "nobody", "a@b\r\nBcc: c@d", "x" * 320 + "@firm.example", None])
def test_an_address_of_another_form_is_none(value: Any) -> None:
    assert only(email=value).recipient == ""


def test_an_unknown_word_is_unknown_and_odd_words_are_not_kept() -> None:
    assert (only(event="opted_in").kind, only(event="opted_in").words) == (EventKind.UNKNOWN, {"event": "opted_in"})
    assert only(event="anna@firm.example").words == {"event": "?"}
    assert only(event="Hard_Bounce").kind is EventKind.UNKNOWN


def test_the_key_is_of_the_event_and_not_of_the_webhook() -> None:
    keys = {
        only(**fields).key
        for fields in (
            {},
            {"event": "delivered"},
            {"email": "bo@firm.example"},
            {"message_id": "<other@relay.brevo.example>"},
            {"ts_epoch": 1_795_337_971_000},
            {"ts_event": 1_795_337_971},
            {"link": "https://nordlicht.example/"},
        )
    }
    assert len(keys) == 7
    assert only(id=7, date="2026-11-22 10:59:30", tags=["x"], reason="other words").key == only().key
    assert only(link={"deep": []}).key == only().key


@given(st.text() | st.none() | st.integers() | st.lists(st.text()))
def test_no_reason_makes_a_soft_bounce_hard_or_leaves_its_words(reason: object) -> None:
    kind, words = bounce("soft_bounce", reason)
    assert kind in {EventKind.BOUNCED_SOFT, EventKind.BOUNCED_POLICY}
    assert all(set(word) <= set("0123456789.") for word in words.values())


@given(st.integers(0, 999), st.integers(0, 999), st.sampled_from([3, 4, 5, 6, 7]))
def test_only_a_lost_mailbox_is_hard(subject: int, detail: int, place: int) -> None:
    kind, _ = bounce("hard_bounce", f"550 5.{place}.{detail} words {subject}")
    assert kind is (EventKind.BOUNCED_POLICY if place == 7 else EventKind.BOUNCED_SOFT)


async def test_calls_are_known_by_their_body_and_prove_nothing_themselves() -> None:
    codec = a_codec()
    assert (codec.signed, codec.needs_path, codec.refused) == (False, True, 403)
    marks = [(await codec.verify(WebhookCall({}, body, NOW))).mark for body in (b"{}", b"{} ", b"{}", b"")]
    assert marks[0] == marks[2]
    assert len(set(marks)) == 3


@pytest.mark.parametrize("settings", [{"secret": "a-key"}, {"topics": ("arn:aws:sns:eu-north-1:1:main",)}])
def test_what_would_prove_nothing_is_refused_at_start(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as told:
        a_codec(**settings)
    assert "a-key" not in str(told.value)


def test_mail_handed_over_by_smtp_has_our_id_in_brevos_field() -> None:
    assert a_codec().marks("0123abcd") == (("X-Mailin-custom", "0123abcd"),)


def test_the_codec_is_found_by_its_name() -> None:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    written = project["entry-points"]["penstock.webhooks"]["brevo"]
    assert EntryPoint("brevo", written, "penstock.webhooks").load() is codec
