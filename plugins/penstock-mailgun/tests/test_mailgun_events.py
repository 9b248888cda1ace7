from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.model.outcome import Accepted
from penstock.ports import Genuine, WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.mailgun import FakeMailgun
from penstock.testing.webhook_contract import SignedWebhookContract
from penstock_mailgun import codec
from penstock_mailgun.deliver import MAIL_ID, receipt_of

SAMPLES = Path(__file__).parent / "samples"
KEY = "key-0123456789abcdef0123456789abcdef"
OUR_ID = "0123456789abcdef0123456789abcdef"
SIGNED = datetime.fromtimestamp(1_795_337_971, UTC)
TOKEN = "a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0"


def sample(name: str) -> bytes:
    return (SAMPLES / f"event_{name}.json").read_bytes()


def a_codec(key: str = KEY) -> WebhookCodec:
    return codec(WebhookAddress("main", lambda: key))


def event_of(name: str) -> Event:
    (event,) = a_codec().events(sample(name))
    return event


def changed(name: str, **fields: Any) -> bytes:
    """The sample with other fields in its event; a field that is None is left out."""
    body = json.loads(sample(name))
    data = {**body["event-data"], **{key.replace("_", "-"): value for key, value in fields.items()}}
    return json.dumps({**body, "event-data": {key: value for key, value in data.items() if value is not None}}).encode()


def failed(**status: Any) -> Event:
    """A permanent failure, of `reason` and with the delivery status given."""
    reason = status.pop("reason", "generic")
    named = {key.replace("_", "-"): value for key, value in status.items()}
    (event,) = a_codec().events(changed("failed_hard", reason=reason, delivery_status=named))
    return event


def signed(key: str = KEY, **fields: Any) -> bytes:
    """A body whose signature is right for its time and token, whatever these are."""
    time, token = str(fields.get("timestamp", "1795337971")), str(fields.get("token", TOKEN))
    right = hmac.new(key.encode(), f"{time}{token}".encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": time, "token": token, "signature": right, **fields}
    return json.dumps({"signature": {k: v for k, v in signature.items() if v is not None}, "event-data": {}}).encode()


async def verified(body: bytes, *, at: datetime = SIGNED, key: str = KEY) -> Genuine:
    return await a_codec(key).verify(WebhookCall({"content-type": "application/json"}, body, at))


class TestContract(SignedWebhookContract):
    """The promises of every signed codec; inherited."""

    covers_body = False

    def fake(self) -> FakeEsp:
        return FakeMailgun()

    def codec(self, fake: FakeEsp) -> WebhookCodec:
        return a_codec(fake.webhook_key)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("accepted", EventKind.ACCEPTED, {}),
        ("delivered", EventKind.DELIVERED, {"code": "250"}),
        (
            "failed_temporary",
            EventKind.DEFERRED,
            {"severity": "temporary", "reason": "generic", "code": "451", "status": "4.7.1"},
        ),
        (
            "failed_hard",
            EventKind.BOUNCED_HARD,
            {"severity": "permanent", "reason": "bounce", "bounce-type": "hard", "code": "550", "status": "5.1.1"},
        ),
        (
            "failed_full",
            EventKind.BOUNCED_SOFT,
            {"severity": "permanent", "reason": "generic", "bounce-type": "soft", "code": "552", "status": "5.2.2"},
        ),
        (
            "failed_blocked",
            EventKind.BOUNCED_POLICY,
            {"severity": "permanent", "reason": "espblock", "code": "550", "status": "5.7.1"},
        ),
        ("failed_given_up", EventKind.BOUNCED_SOFT, {"severity": "permanent", "reason": "old", "code": "602"}),
        (
            "failed_suppressed",
            EventKind.REJECTED,
            {"severity": "permanent", "reason": "suppress-bounce", "code": "605"},
        ),
        ("rejected", EventKind.REJECTED, {}),
        ("complained", EventKind.COMPLAINED, {}),
        ("unsubscribed", EventKind.UNSUBSCRIBED, {}),
        ("opened", EventKind.OPENED, {}),
        ("clicked", EventKind.CLICKED, {}),
        ("stored", EventKind.UNKNOWN, {}),
    ],
)
def test_each_word_of_mailgun_has_its_kind(name: str, kind: EventKind, words: Mapping[str, str]) -> None:
    event = event_of(name)
    assert event.kind is kind
    assert event.words == {"event": name.partition("_")[0], **words}


def test_an_event_names_our_mail_its_receipt_the_person_and_the_moment() -> None:
    event = event_of("delivered")
    assert event.mail_id == OUR_ID
    assert event.receipt == "20261122085930.1.6F8A52B1C7D3E940"
    assert event.recipient == "anna@firm.example"
    assert event.at == datetime.fromtimestamp(1_795_337_970.104692, UTC)


def test_the_receipt_is_the_one_of_the_answer_to_the_mail() -> None:
    answered = Accepted(receipt_of("<20261122085930.1.6F8A52B1C7D3E940@mg.nordlicht.example>"))
    assert event_of("delivered").receipt == answered.receipt


def test_the_key_is_mailguns_id_within_its_day() -> None:
    """An id is unique within a day only."""
    (event,) = a_codec().events(changed("opened"))
    (next_day,) = a_codec().events(changed("opened", timestamp=1_795_337_970.1 + 86_400))
    assert event.key == event_of("opened").key == "-laxIqj9QWubsjY_3pTq_g.20261122"
    assert next_day.key != event.key


@pytest.mark.parametrize("identity", [None, "", 7, {"a": 1}, "two words", "anna@firm.example", "x" * 300])
def test_an_event_without_an_id_has_a_key_of_what_does_not_change(identity: object) -> None:
    (event,) = a_codec().events(changed("opened", id=identity))
    (again,) = a_codec().events(changed("opened", id=identity, ip="192.0.2.78", tags=[]))
    (click,) = a_codec().events(changed("clicked", id=identity))
    assert event.key == again.key != click.key
    assert "@" not in event.key
    assert len(event.key) == 73


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", EventKind.BOUNCED_HARD),
        ("5.1.2", EventKind.BOUNCED_HARD),
        ("5.1.3", EventKind.BOUNCED_HARD),
        ("5.1.6", EventKind.BOUNCED_HARD),
        ("5.1.10", EventKind.BOUNCED_HARD),
        ("5.2.1", EventKind.BOUNCED_HARD),
        ("5.1.0", EventKind.BOUNCED_SOFT),
        ("5.1.4", EventKind.BOUNCED_SOFT),
        ("5.1.7", EventKind.BOUNCED_POLICY),
        ("5.1.8", EventKind.BOUNCED_POLICY),
        ("5.2.2", EventKind.BOUNCED_SOFT),
        ("5.2.0", EventKind.BOUNCED_SOFT),
        ("5.3.4", EventKind.BOUNCED_SOFT),
        ("5.4.1", EventKind.BOUNCED_SOFT),
        ("5.7.1", EventKind.BOUNCED_POLICY),
        ("5.7.26", EventKind.BOUNCED_POLICY),
        ("4.1.1", EventKind.BOUNCED_SOFT),
        ("4.7.0", EventKind.BOUNCED_SOFT),
        ("2.1.5", EventKind.BOUNCED_SOFT),
    ],
)
def test_a_failure_for_good_is_told_apart_by_its_status(status: str, kind: EventKind) -> None:
    for told in ({"enhanced_code": status}, {"message": f"{status} Words"}, {"message": f"550-{status} Words"}):
        event = failed(code=550, **told)
        assert (event.kind, event.words["status"]) == (kind, status)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ({}, EventKind.BOUNCED_SOFT),
        ({"reason": "bounce"}, EventKind.BOUNCED_SOFT),
        ({"bounce_type": "hard"}, EventKind.BOUNCED_SOFT),
        ({"reason": "bounce", "bounce_type": "hard"}, EventKind.BOUNCED_HARD),
        ({"reason": "bounce", "bounce_type": "hard", "enhanced_code": "5.1.0"}, EventKind.BOUNCED_HARD),
        ({"reason": "bounce", "bounce_type": "soft", "enhanced_code": "5.1.1"}, EventKind.BOUNCED_SOFT),
        ({"reason": "bounce", "bounce_type": "hard", "enhanced_code": "5.2.2"}, EventKind.BOUNCED_SOFT),
        ({"reason": "bounce", "bounce_type": "hard", "enhanced_code": "5.7.1"}, EventKind.BOUNCED_POLICY),
        ({"bounce_type": "soft", "enhanced_code": "5.7.1"}, EventKind.BOUNCED_POLICY),
        ({"reason": "delayed-bounce", "enhanced_code": "5.1.1"}, EventKind.BOUNCED_HARD),
        ({"reason": "espblock", "enhanced_code": "5.1.1"}, EventKind.BOUNCED_POLICY),
        ({"reason": "blacklisted"}, EventKind.BOUNCED_POLICY),
        ({"reason": "spam"}, EventKind.BOUNCED_POLICY),
        ({"reason": "greylisted", "enhanced_code": "5.1.1"}, EventKind.BOUNCED_SOFT),
        ({"reason": "suppress-complaint"}, EventKind.REJECTED),
        ({"reason": "suppress-unsubscribe"}, EventKind.REJECTED),
        ({"code": 605, "enhanced_code": "5.1.1"}, EventKind.REJECTED),
        ({"code": 606}, EventKind.REJECTED),
        ({"code": 607}, EventKind.REJECTED),
        ({"message": "The user 5.1.1 wrote this"}, EventKind.BOUNCED_SOFT),
        ({"message": "5.1.1.9 is no status"}, EventKind.BOUNCED_SOFT),
        ({"enhanced_code": 5.1, "message": ["5.1.1"], "code": "550"}, EventKind.BOUNCED_SOFT),
    ],
)
def test_in_doubt_no_mailbox_is_taken_for_dead(status: dict[str, Any], kind: EventKind) -> None:
    assert failed(**status).kind is kind


@pytest.mark.parametrize("severity", [None, "", "eternal", 7, ["permanent"]])
def test_a_failure_of_unknown_severity_is_unknown(severity: object) -> None:
    (event,) = a_codec().events(changed("failed_hard", severity=severity))
    assert event.kind is EventKind.UNKNOWN


@pytest.mark.parametrize(
    "word", ["email_validation", "list_uploaded", "failed temporary", "Delivered", "", None, 7, {}]
)
def test_a_word_that_mailgun_does_not_have_for_mails_is_unknown(word: object) -> None:
    (event,) = a_codec().events(changed("delivered", event=word))
    assert event.kind is EventKind.UNKNOWN


@pytest.mark.parametrize(
    "name", ["failed_temporary", "failed_hard", "failed_full", "failed_blocked", "failed_suppressed", "rejected"]
)
def test_free_text_stays_behind(name: str) -> None:
    """It may hold addresses."""
    for word, value in event_of(name).words.items():
        assert "@" not in value, word
        assert " " not in value, word


def test_a_reason_that_is_a_sentence_is_no_word() -> None:
    assert "reason" not in failed(reason="anna@firm.example is gone").words


@pytest.mark.parametrize(
    "fields",
    [
        {"user_variables": None},
        {"user_variables": []},
        {"user_variables": {MAIL_ID: 7}},
        {"user_variables": {MAIL_ID: "anna@firm.example"}},
        {"user_variables": {MAIL_ID: "x" * 300}},
        {"message": {"headers": []}},
        {"message": {"headers": {"message-id": 7}}},
        {"message": {"headers": {"message-id": ""}}},
        {"recipient": 7},
        {"recipient": "x" * 400},
        {"recipient": "anna@firm.example\nbo@firm.example"},
        {"recipient": "\ud800@firm.example"},
        {"delivery_status": 7},
        {"delivery_status": {"code": {}, "enhanced-code": {}, "message": 10**300}},
    ],
)
def test_what_is_strange_is_left_out(fields: dict[str, Any]) -> None:
    (event,) = a_codec().events(changed("delivered", **fields))
    assert event.kind is EventKind.DELIVERED
    if "user_variables" in fields:
        assert event.mail_id == ""
    if "message" in fields:
        assert event.receipt == ""
    if "recipient" in fields:
        assert event.recipient == ""
    if "delivery_status" in fields:
        assert event.words == {"event": "delivered"}


@pytest.mark.parametrize("timestamp", [None, "soon", True, -1, 0, 1e300, 10**400, 1_795_337_970_104_692_000, [], {}])
def test_an_event_without_a_time_happened_when_it_was_signed(timestamp: object) -> None:
    (event,) = a_codec().events(changed("delivered", timestamp=timestamp))
    assert event.at == SIGNED


@pytest.mark.parametrize(
    "body",
    [
        b'{"event-data": {"event": "complained"}}',
        b'{"event-data": {"event": "complained"}, "signature": {"timestamp": "soon"}}',
        b'{"event-data": []}',
        b'{"signature": {"timestamp": "1795337971"}}',
        b"event=complained&recipient=anna%40firm.example",
        b'{"event-data": {"event": "complained", "timestamp": 1795337970.1, "deep": ' + b"[" * 100_000,
        b'{"event-data": {"event": "complained", "timestamp": 1795337970.1}, "a": "' + b"x" * (256 << 10) + b'"}',
        b'{"event-data": {"event": "complained", "timestamp": ' + b"1" * 5_000 + b"}}",
    ],
)
def test_a_body_that_is_not_mailguns_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput) as told:
        a_codec().events(body)
    assert "@" not in str(told.value)


@given(st.binary(max_size=300))
def test_no_body_makes_the_codec_fall(body: bytes) -> None:
    try:
        events = a_codec().events(body)
    except InvalidInput:
        return
    assert all(event.kind is EventKind.UNKNOWN for event in events)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["id", "timestamp", "reason", "recipient", "message", "user-variables", "delivery-status"]),
        _VALUES,
    )
)
def test_whatever_an_event_holds_it_is_no_dead_mailbox_without_proof(fields: dict[str, object]) -> None:
    data = {"event": "failed", "severity": "permanent", **fields}
    body = {"signature": {"timestamp": "1795337971"}, "event-data": data}
    (event,) = a_codec().events(json.dumps(body).encode())
    assert event.kind is EventKind.BOUNCED_SOFT
    assert all("@" not in value for value in (event.key, event.receipt, event.mail_id))


async def test_the_token_is_the_mark() -> None:
    assert await verified(signed()) == Genuine(TOKEN)


async def test_each_sample_is_signed() -> None:
    marks = {(await verified(path.read_bytes())).mark for path in SAMPLES.glob("event_*.json")}
    assert len(marks) == 14


async def test_the_time_may_be_a_number() -> None:
    assert await verified(signed(timestamp=1_795_337_971)) == Genuine(TOKEN)


async def test_a_domain_of_a_subaccount_is_signed_by_the_account_above() -> None:
    body = json.loads(signed())
    right = body["signature"]["signature"]
    body["signature"] |= {"signature": "0" * 64, "parent-signature": right.upper()}
    assert await verified(json.dumps(body).encode()) == Genuine(TOKEN)


@pytest.mark.parametrize(
    ("after", "taken"),
    [
        (timedelta(hours=24, minutes=9), True),
        (timedelta(hours=24, minutes=11), False),
        (timedelta(minutes=-4), True),
        (timedelta(minutes=-6), False),
    ],
)
async def test_a_call_is_taken_for_a_day_and_not_before_its_time(after: timedelta, *, taken: bool) -> None:
    if taken:
        await verified(signed(), at=SIGNED + after)
        return
    with pytest.raises(WebhookRejected):
        await verified(signed(), at=SIGNED + after)


@pytest.mark.parametrize(
    "fields",
    [
        {"timestamp": None},
        {"timestamp": True},
        {"timestamp": "1795337971.0"},
        {"timestamp": "179533797１"},
        {"timestamp": "17953379710"},
        {"timestamp": 10**400},
        {"timestamp": -1_795_337_971},
        {"token": None},
        {"token": ""},
        {"token": TOKEN[:-1]},
        {"token": TOKEN + "0"},
        {"token": 7},
        {"token": "ü" * 50},
        {"token": [TOKEN]},
        {"signature": None},
        {"signature": ""},
        {"signature": "0" * 64},
        {"signature": "ü" * 64},
        {"signature": ["0" * 64]},
        {"signature": True},
        {"signature": "0" * 64, "parent-signature": "1" * 64},
    ],
)
async def test_what_is_not_proven_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(WebhookRejected):
        await verified(signed(**fields))


async def test_time_and_token_cannot_be_shifted_against_each_other() -> None:
    """The signature covers the two without anything between them."""
    body = json.loads(signed(token="7" * 50))
    body["signature"] |= {"timestamp": "17953379717", "token": "7" * 49}
    with pytest.raises(WebhookRejected):
        await verified(json.dumps(body).encode())


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"\xff", b'{"signature": "x"}', b'{"signature": []}', b"[" * 100_000,
     b'{"signature": ' * 50_000, signed()[:-1] + b" " * (256 << 10) + b"}"],
)  # fmt: skip
async def test_a_body_without_a_signature_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookRejected) as told:
        await verified(body)
    assert TOKEN not in str(told.value)


async def test_another_key_is_refused() -> None:
    with pytest.raises(WebhookRejected):
        await verified(signed(key="another"))
    with pytest.raises(WebhookRejected):
        await verified(signed(), key=KEY[:-1])


def test_the_codec_says_what_mailgun_needs() -> None:
    made = a_codec()
    assert (made.signed, made.needs_path, made.refused) == (True, True, 406)


def test_without_a_key_there_is_no_codec() -> None:
    with pytest.raises(ConfigError) as told:
        codec(WebhookAddress("main"))
    assert told.value.where == "adapters.main.webhook.key"


def test_mail_by_smtp_names_itself_and_is_not_tracked() -> None:
    marks = dict(a_codec().marks(OUR_ID))
    assert json.loads(marks.pop("X-Mailgun-Variables")) == {MAIL_ID: OUR_ID}
    assert marks == {
        "X-Mailgun-Suppress-Headers": "X-Mailgun-Variables",
        "X-Mailgun-Track": "no",
        "X-Mailgun-Track-Clicks": "no",
        "X-Mailgun-Track-Opens": "no",
    }


def test_the_entry_point_finds_the_codec() -> None:
    assert EntryPoint("mailgun", "penstock_mailgun:codec", "penstock.webhooks").load() is codec
