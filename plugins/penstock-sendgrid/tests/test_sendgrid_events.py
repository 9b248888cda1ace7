from __future__ import annotations

import json
import tomllib
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.sendgrid import FakeSendGrid
from penstock.testing.webhook_contract import SignedWebhookContract
from penstock_sendgrid import EventWebhook, codec
from penstock_sendgrid.deliver import MAIL_ID

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)
OURS = "0123456789abcdef0123456789abcdef"
PAIR = ec.generate_private_key(ec.SECP256R1())


def shown(pair: Any, encoding: Encoding = Encoding.DER) -> str:
    """The public key as SendGrid shows it."""
    octets: bytes = pair.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    return octets.decode() if encoding is Encoding.PEM else b64encode(octets).decode()


def made(key: str = "") -> EventWebhook:
    return codec(WebhookAddress("main", lambda: key or shown(PAIR)))


class TestContract(SignedWebhookContract):
    """What every ESP that signs its calls promises, against the bundled fake."""

    def fake(self) -> FakeEsp:
        return FakeSendGrid()

    def codec(self, fake: FakeEsp) -> WebhookCodec:
        return made(fake.webhook_key)


def a_call(body: bytes = b"[]", at: datetime = NOW, **headers: str) -> WebhookCall:
    stamp = str(int(at.timestamp()))
    signature = b64encode(PAIR.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    ours = {
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": stamp,
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return WebhookCall(ours, body, NOW)


def sample(name: str = "events") -> list[Event]:
    return list(made().events((SAMPLES / f"{name}.json").read_bytes()))


def read(**changed: Any) -> Event:
    told = {"event": "bounce", "timestamp": 1795251570, "sg_event_id": "e1", **changed}
    (event,) = made().events(json.dumps([told]).encode())
    return event


async def refused(call: WebhookCall, key: str = "") -> None:
    with pytest.raises(WebhookRejected):
        await made(key).verify(call)


def test_every_word_of_sendgrid_has_one_meaning() -> None:
    assert [event.kind for event in sample()] == [
        EventKind.ACCEPTED,
        EventKind.DEFERRED,
        EventKind.DELIVERED,
        EventKind.BOUNCED_HARD,
        EventKind.BOUNCED_HARD,
        EventKind.BOUNCED_SOFT,
        EventKind.BOUNCED_POLICY,
        EventKind.BOUNCED_SOFT,
        EventKind.REJECTED,
        EventKind.OPENED,
        EventKind.CLICKED,
        EventKind.COMPLAINED,
        EventKind.UNSUBSCRIBED,
        EventKind.UNSUBSCRIBED,
        EventKind.UNKNOWN,
        EventKind.UNKNOWN,
    ]


def test_an_event_names_mail_person_time_and_the_id_of_our_receipt() -> None:
    event = sample()[2]
    assert (event.mail_id, event.receipt, event.recipient) == (OURS, "wrfRRvF7Q0GgwUo2CvDmEA", "anna@firm.example")
    assert event.at == datetime(2026, 11, 21, 8, 59, 30, tzinfo=UTC)
    assert event.key == "ZXZlbnQtdelivered"
    assert "anna" not in repr(event)


def test_words_are_names_and_codes_and_no_text() -> None:
    words = [dict(event.words) for event in sample()]
    assert words[1] == {"event": "deferred", "status": "4.7.1"}
    assert words[3] == {"event": "bounce", "type": "bounce", "classification": "invalid", "status": "5.1.1"}
    assert words[7] == {"event": "bounce", "type": "blocked", "classification": "unclassified"}
    assert words[8] == {"event": "dropped", "reason": "bounced address"}
    assert words[10] == {"event": "click"}
    assert not any("@" in value or "firm" in value for each in words for value in each.values())


def test_events_of_early_days_and_without_an_id_can_be_told_apart() -> None:
    dropped, opened = sample("events_early")
    assert (dropped.kind, dropped.recipient, dropped.receipt, dropped.mail_id) == (EventKind.REJECTED, "", "", OURS)
    assert dropped.key.startswith("of-")
    assert dropped.key == sample("events_early")[0].key
    assert dropped.key != read(event="dropped", sg_event_id=None, reason="Invalid").key
    assert (opened.receipt, opened.mail_id) == ("14c5d75ce93.dfd.64b469", "")


@pytest.mark.parametrize(
    ("code", "group", "kind", "meant"),
    [
        ("5.1.1", "Invalid Address", "bounce", EventKind.BOUNCED_HARD),
        ("5.1.1", None, "bounce", EventKind.BOUNCED_HARD),
        ("5.1.2", "Unclassified", "bounce", EventKind.BOUNCED_HARD),
        ("5.1.10", "Invalid", "bounce", EventKind.BOUNCED_HARD),
        ("5.2.1", "Mailbox Unavailable", "bounce", EventKind.BOUNCED_HARD),
        (None, "Invalid", "bounce", EventKind.BOUNCED_HARD),
        ("5.1.0", "Invalid Address", "bounce", EventKind.BOUNCED_HARD),
        ("5.1.1", "Technical Failure", "bounce", EventKind.BOUNCED_SOFT),
        ("5.1.1", "Invalid Address", "blocked", EventKind.BOUNCED_SOFT),
        ("5.1.1", None, "blocked", EventKind.BOUNCED_SOFT),
        ("5.1.0", None, "bounce", EventKind.BOUNCED_SOFT),
        ("5.2.2", "Invalid Address", "bounce", EventKind.BOUNCED_SOFT),
        ("5.2.2", None, "blocked", EventKind.BOUNCED_SOFT),
        ("5.0.0", "Mailbox Unavailable", "bounce", EventKind.BOUNCED_SOFT),
        ("5.0.0", "Unclassified", "bounce", EventKind.BOUNCED_SOFT),
        ("5.4.4", "Technical", "blocked", EventKind.BOUNCED_SOFT),
        ("4.0.0", None, "blocked", EventKind.BOUNCED_SOFT),
        ("4.7.0", "Frequency or Volume Too High", "blocked", EventKind.BOUNCED_SOFT),
        ("4.2.1", "Invalid", "bounce", EventKind.BOUNCED_SOFT),
        (None, None, None, EventKind.BOUNCED_SOFT),
        (None, "colour", "colour", EventKind.BOUNCED_SOFT),
        ("5.7.1", None, "bounce", EventKind.BOUNCED_POLICY),
        ("5.7.1", "Invalid Address", "bounce", EventKind.BOUNCED_POLICY),
        ("5.1.1", "Reputation", "bounce", EventKind.BOUNCED_POLICY),
        ("5.1.8", "Invalid", "bounce", EventKind.BOUNCED_POLICY),
        ("4.7.0", "Reputation", "blocked", EventKind.BOUNCED_POLICY),
        ("5.0.0", "Content", "blocked", EventKind.BOUNCED_POLICY),
        ("5.4.5", "Frequency or Volume", "blocked", EventKind.BOUNCED_POLICY),
        ("5.0.0", None, "blocked", EventKind.BOUNCED_POLICY),
        (None, None, "blocked", EventKind.BOUNCED_POLICY),
    ],
)
def test_hard_is_only_what_nothing_speaks_against(
    code: str | None, group: str | None, kind: str | None, meant: EventKind
) -> None:
    assert read(status=code, bounce_classification=group, type=kind).kind is meant


def test_the_code_is_read_at_the_beginning_of_the_reason_where_there_is_no_status() -> None:
    assert read(reason="550 5.1.1 no such user", type="bounce").kind is EventKind.BOUNCED_HARD
    assert read(reason="no such user, 550 5.1.1", type="bounce").kind is EventKind.BOUNCED_SOFT
    assert read(reason="550-5.2.2 full", status="full", type="bounce").words["status"] == "5.2.2"


@pytest.mark.parametrize(
    "reason", ["Bounced Address", "Unsubscribed Address", "Spam Reporting Address", "Invalid", "a new reason", 7, None]
)
def test_what_sendgrid_dropped_is_no_bounce_and_no_complaint(reason: Any) -> None:
    event = read(event="dropped", reason=reason, status="5.1.1", type="bounce")
    assert event.kind is EventKind.REJECTED
    assert event.words.get("reason", "") in {"", *map(str.lower, filter(lambda r: isinstance(r, str), [reason]))}
    assert "new" not in event.words.get("reason", "")


@pytest.mark.parametrize(
    "word", ["group_resubscribe", "account_status_change", "Bounce", "delivered ", "a@firm.example"]
)
def test_any_other_word_is_unknown(word: str) -> None:
    event = read(event=word)
    assert event.kind is EventKind.UNKNOWN
    assert "@" not in str(event.words)


@pytest.mark.parametrize(
    "told", [{MAIL_ID: OURS}, {"unique_args": {MAIL_ID: OURS}}, {MAIL_ID: 7, "unique_args": {MAIL_ID: OURS}}]
)
def test_our_id_comes_back_beside_the_fields_or_among_the_arguments(told: dict[str, Any]) -> None:
    assert read(**told).mail_id == OURS


@pytest.mark.parametrize("written", [None, 7, "", "x" * 101, "an id", "a@b", ["x"], {"x": 1}])
def test_what_cannot_be_our_id_or_receipt_or_address_is_left_out(written: Any) -> None:
    event = read(**{MAIL_ID: written, "sg_message_id": ["x"], "email": written})
    assert (event.mail_id, event.receipt) == ("", "")
    assert event.recipient in {"", "a@b"}
    assert read(sg_message_id="anna@firm.example").receipt == ""
    assert read(sg_message_id="filter0093p1las1.9128.5717FB8127.0").receipt == ""
    assert read(email="a" * 320 + "@firm.example").recipient == ""
    assert read(email="anna@firm.example\r\nX").recipient == ""


@pytest.mark.parametrize("at", ["1795251570", 1795251570.0, 1795251570])
def test_the_time_is_seconds_since_1970(at: Any) -> None:
    assert read(timestamp=at).at == datetime(2026, 11, 21, 8, 59, 30, tzinfo=UTC)


def test_an_event_that_cannot_be_read_is_left_out_of_many() -> None:
    good = {"event": "spamreport", "timestamp": 1795251570, "sg_event_id": "e1"}
    bad: list[Any] = [7, {}, {"event": "open"}, {"timestamp": 1795251570}, {**good, "event": ["x"]}]
    times: list[Any] = [True, "soon", -1, 10**400, float("nan"), float("inf"), None, []]
    bad += [{**good, "timestamp": at} for at in times]
    events = made().events(json.dumps([*bad, good]).encode())
    assert [event.kind for event in events] == [EventKind.COMPLAINED]
    with pytest.raises(InvalidInput):
        made().events(json.dumps(bad).encode())


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"7", b"[", b"[" * 100_000, b"\xff", b"<html>", b'[{"timestamp": ' + b"9" * 5_000 + b"}]"]
)
def test_a_body_that_is_no_list_of_events_is_told(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        made().events(body)


def test_an_empty_list_holds_no_events() -> None:
    assert list(made().events(b"[]")) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("event", "timestamp", "email", "sg_event_id", "sg_message_id", "smtp-id", "reason", "status", "type",
          "bounce_classification", "unique_args", MAIL_ID)  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_strange_content_never_ends_in_anything_but_events_or_invalid_input(told: dict[str, Any]) -> None:
    body = json.dumps([{"timestamp": 1795251570, "event": "bounce", **told}]).encode()
    try:
        events = made().events(body)
    except InvalidInput:
        return
    assert all(event.kind in EventKind and event.key and "@" not in str(event.words) for event in events)


async def test_a_call_is_proved_by_its_signature_over_time_and_raw_body() -> None:
    genuine = await made().verify(a_call(b'[{"x": "\xc3\xa9"}]'))
    assert (len(genuine.mark), genuine.visit) == (64, "")
    await refused(replace(a_call(b"[1]"), body=b"[2]"))
    await refused(a_call(x_twilio_email_event_webhook_timestamp=str(int(NOW.timestamp()) + 1)))
    await refused(a_call(), shown(ec.generate_private_key(ec.SECP256R1())))


async def test_another_valid_signature_of_the_same_call_has_the_same_mark() -> None:
    """Whoever has (r, s) can write (r, -s)."""
    call = a_call()
    again = a_call()
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    first = PAIR.sign(call.headers["x-twilio-email-event-webhook-timestamp"].encode() + b"[]", ec.ECDSA(SHA256()))
    r, s = utils.decode_dss_signature(first)
    turned = b64encode(utils.encode_dss_signature(r, order - s)).decode()
    marks = {
        (await made().verify(each)).mark
        for each in (call, again, a_call(x_twilio_email_event_webhook_signature=turned))
    }
    assert len(marks) == 1
    assert (await made().verify(a_call(b"[1]"))).mark not in marks


@pytest.mark.parametrize(
    ("age", "taken"),
    [
        (timedelta(hours=24, minutes=29), True),
        (timedelta(hours=24, minutes=31), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
async def test_the_window_is_the_day_in_which_sendgrid_repeats(age: timedelta, taken: bool) -> None:
    call = a_call(at=NOW - age)
    if taken:
        assert (await made().verify(call)).mark
    else:
        await refused(call)


@pytest.mark.parametrize(
    "stamp",
    ["", "soon", "1" * 5_000, "-1795251570", "1795251570.5", "１７９５２５１５７０", " 1795251570", "99999999999"],
)
async def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    await refused(a_call(x_twilio_email_event_webhook_timestamp=stamp))


@pytest.mark.parametrize("signature", ["", "%", "ü", "A" * 100_000, "AAAA", "MEUCIQ==", "\0", "MEUCIQ"])
async def test_a_signature_that_is_none_is_refused(signature: str) -> None:
    await refused(a_call(x_twilio_email_event_webhook_signature=signature))


async def test_a_call_without_the_headers_is_refused() -> None:
    await refused(WebhookCall({}, b"[]", NOW))


async def test_the_key_may_come_as_pem_or_broken_into_lines() -> None:
    line = shown(PAIR)
    for key in (shown(PAIR, Encoding.PEM), f"{line[:64]}\n{line[64:]}\n", f" {line} "):
        assert (await made(key).verify(a_call())).mark


@pytest.mark.parametrize(
    "key",
    [
        "SG.abc",
        "AAAA",
        "ü",
        shown(ec.generate_private_key(ec.SECP384R1())),
        shown(ed25519.Ed25519PrivateKey.generate()),
    ],
    ids=["an API key", "no key", "no base64", "another curve", "another kind"],
)
def test_a_key_that_is_none_is_refused_at_start(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(key)
    assert key not in str(caught.value)


def test_without_a_key_there_is_no_codec() -> None:
    with pytest.raises(ConfigError, match="no key"):
        codec(WebhookAddress("main"))


def test_marks_name_the_mail_and_switch_off_what_would_change_it() -> None:
    ((name, value),) = made().marks(OURS)
    asked = json.loads(value)
    assert (name, asked["unique_args"]) == ("X-SMTPAPI", {"penstock_mail_id": OURS})
    assert {"clicktrack", "opentrack", "subscriptiontrack"} <= set(asked["filters"])
    assert all(each == {"settings": {"enable": 0}} for each in asked["filters"].values())


def test_it_signs_needs_no_path_and_is_found_through_its_entry_point() -> None:
    assert (EventWebhook.signed, EventWebhook.needs_path, EventWebhook.refused) == (True, False, 403)
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    point = EntryPoint("sendgrid", project["entry-points"]["penstock.webhooks"]["sendgrid"], "penstock.webhooks")
    assert point.load() is codec
