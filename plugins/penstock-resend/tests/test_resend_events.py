from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing.described import deviations
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.resend import FakeResend
from penstock.testing.webhook_contract import SignedWebhookContract
from penstock_resend import codec
from penstock_resend.events import KINDS, ResendCodec

HERE = Path(__file__).parent
DESCRIPTION = json.loads((HERE / "description/resend_returns.json").read_text(encoding="utf-8"))
SECRET = "whsec_" + base64.b64encode(b"twenty-four octets here!").decode()
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def sample(name: str) -> Any:
    return json.loads((HERE / f"samples/{name}.json").read_text(encoding="utf-8"))


def a_codec(secret: str = SECRET) -> ResendCodec:
    return codec(WebhookAddress("main", lambda: secret))


def only(body: Any) -> Event:
    (event,) = a_codec().events(json.dumps(body).encode())
    return event


def sent(**fields: Any) -> dict[str, Any]:
    """The sample of email.sent with other fields in its data; None takes one away."""
    body = next(each["body"] for each in sample("events") if each["name"] == "sent")
    data = {name: value for name, value in {**body["data"], **fields}.items() if value is not None}
    return {**body, "data": data}


def signed(
    body: bytes, at: datetime = NOW, secret: str = SECRET, number: str = "msg_2Lh9KRb0pzN4LePd3XiA4v12Axj"
) -> Any:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    seconds = str(int(at.timestamp()))
    digest = hmac.digest(key, b".".join((number.encode(), seconds.encode(), body)), "sha256")
    signature = "v1," + base64.b64encode(digest).decode()
    return {"svix-id": number, "svix-timestamp": seconds, "svix-signature": signature}


class TestContract(SignedWebhookContract):
    """What every codec promises; inherited. Resend tells of opt-outs by contact, not by mail."""

    kinds = frozenset(EventKind) - {EventKind.UNSUBSCRIBED}
    window = timedelta(minutes=6)

    def fake(self) -> FakeEsp:
        return FakeResend()

    def codec(self, fake: FakeEsp) -> WebhookCodec:
        return a_codec(fake.webhook_key)


@pytest.mark.parametrize("case", sample("events"), ids=lambda case: case["name"])
def test_each_word_of_resend_has_its_meaning(case: dict[str, Any]) -> None:
    event = only(case["body"])
    assert event.kind.value == case["means"]
    assert event.words == case["words"]
    assert event.at == datetime(2026, 11, 22, 8, 59, 30, 126_000, tzinfo=UTC)
    assert event.mail_id == "0123456789abcdef0123456789abcdef"
    assert event.receipt == "56761188-7520-42d8-8898-ff6fc54ce618"
    assert event.recipient == "anna.keller@firm.example"


def test_the_samples_are_as_described_and_name_every_event_of_a_sent_mail() -> None:
    bodies = [case["body"] for case in sample("events")] + [sample("contact_updated")]
    for body in bodies:
        assert deviations(body, DESCRIPTION["events"][body["type"]]) == []
    described = {name for name in DESCRIPTION["events"] if name.startswith("email.")} - {"email.received"}
    assert {body["type"] for body in bodies if body["type"] != "contact.updated"} == described == set(KINDS)


def test_a_contact_that_unsubscribed_is_told_with_its_address() -> None:
    event = only(sample("contact_updated"))
    assert (event.kind, event.recipient, event.mail_id) == (EventKind.UNSUBSCRIBED, "anna.keller@firm.example", "")
    assert event.words == {"event": "contact.updated"}


@pytest.mark.parametrize(
    ("name", "unsubscribed"),
    [
        ("contact.updated", False),
        ("contact.updated", "true"),
        ("contact.deleted", True),
        ("domain.updated", True),
        ("suppression.added", True),
        ("suppression.removed", True),
    ],
)
def test_what_is_not_about_a_mail_tells_nothing(name: str, unsubscribed: object) -> None:
    body = sample("contact_updated")
    body = {**body, "type": name, "data": {**body["data"], "unsubscribed": unsubscribed}}
    assert a_codec().events(json.dumps(body).encode()) == ()


@pytest.mark.parametrize("name", ["email.received", "email.teleported", "Email.Bounced", "anna@firm.example", ""])
def test_an_event_that_is_not_known_is_unknown(name: str) -> None:
    event = only({**sent(), "type": name})
    assert event.kind is EventKind.UNKNOWN
    assert event.words == {"event": name if name.islower() and "@" not in name else "?"}


@pytest.mark.parametrize(
    "bounce",
    [None, "Permanent", {}, {"type": "Permanent"}, {"type": ["Permanent"], "subType": {}}, {"diagnosticCode": "5.1.1"},
     {"type": "permanent", "subType": "NoEmail"}, {"type": "Permanent", "subType": "NoEmail", "diagnosticCode": [7]},
     {"type": "Permanent", "subType": "General", "diagnosticCode": ["x" * 1_000_000 + "5.1.1"]}],
)  # fmt: skip
def test_a_bounce_that_does_not_say_is_soft(bounce: object) -> None:
    event = only({**sent(bounce=bounce), "type": "email.bounced"})
    hard = isinstance(bounce, dict) and bounce.get("diagnosticCode") == [7]
    assert event.kind is (EventKind.BOUNCED_HARD if hard else EventKind.BOUNCED_SOFT)


@pytest.mark.parametrize("subtype", ["Suppressed", "OnAccountSuppressionList"])
def test_a_bounce_off_resends_own_list_never_reached_the_mailbox(subtype: str) -> None:
    bounce = {"type": "Permanent", "subType": subtype, "diagnosticCode": ["smtp; 550 5.1.1"], "message": ""}
    assert only({**sent(bounce=bounce), "type": "email.bounced"}).kind is EventKind.REJECTED


def test_of_several_recipients_none_is_named() -> None:
    assert only(sent(to=["a@firm.example", "b@firm.example"])).recipient == ""
    for strange in ("a@firm.example", [], [7], ["nobody"], ["a@firm.example\n"], ["a" * 400 + "@firm.example"], None):
        assert only(sent(to=strange)).recipient == ""


def test_ids_that_are_none_are_left_out() -> None:
    strange_tags: tuple[Any, ...] = (None, [], {"x": "y"}, {"penstock_mail_id": 7}, {"penstock_mail_id": "a@b.example"})
    for tags in strange_tags:
        assert only(sent(tags=tags)).mail_id == ""
    for strange in (None, 7, "anna@firm.example", "x" * 201):
        assert only(sent(email_id=strange)).receipt == ""


def test_keys_tell_events_apart_and_repetitions_together() -> None:
    again = {"data": sent()["data"], **{name: sent()[name] for name in ("created_at", "type")}}
    keys = [
        only(body).key
        for body in (
            sent(),
            {**sent(), "type": "email.delivered"},
            {**sent(), "created_at": "2026-11-22T08:59:30.127Z"},
            sent(email_id="another"),
            sent(email_id=None),
            sent(email_id=None, subject="Other"),
        )
    ]
    assert only(again).key == keys[0]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "at", [None, 7, "", "soon", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-11-22" + "0" * 100]
)
def test_an_event_without_a_time_is_none(at: object) -> None:
    with pytest.raises(InvalidInput):
        only({**sent(), "created_at": at})


def test_times_without_a_zone_and_in_other_forms_are_read() -> None:
    for text in ("2026-11-22T08:59:30", "2026-11-22 08:59:30+00", "2026-11-22T09:59:30+01:00"):
        assert only({**sent(), "created_at": text}).at == datetime(2026, 11, 22, 8, 59, 30, tzinfo=UTC)


@pytest.mark.parametrize("data", [None, [], "x", 7])
def test_an_event_without_data_is_none(data: object) -> None:
    with pytest.raises(InvalidInput):
        only({**sent(), "data": data})


async def test_a_call_is_proven_by_its_secret_and_known_by_its_id() -> None:
    call = WebhookCall(signed(b"{}"), b"{}", NOW)
    genuine = await a_codec().verify(call)
    assert (genuine.mark, genuine.visit) == ("svix:msg_2Lh9KRb0pzN4LePd3XiA4v12Axj", "")
    later = NOW + timedelta(hours=10)
    again = WebhookCall(signed(b"{}", later), b"{}", later)
    assert (await a_codec().verify(again)).mark == genuine.mark


async def test_while_secrets_change_any_of_the_signatures_proves() -> None:
    headers = signed(b"{}")
    other = signed(b"{}", secret="whsec_" + base64.b64encode(b"x" * 24).decode())["svix-signature"]
    for signatures in (f"{other} {headers['svix-signature']}", f"v1a,xyz {headers['svix-signature']} {other}"):
        await a_codec().verify(WebhookCall({**headers, "svix-signature": signatures}, b"{}", NOW))
    for signatures in (other, f"{other} {other}", headers["svix-signature"].replace("v1,", "v2,"), " " * 2_000):
        with pytest.raises(WebhookRejected):
            await a_codec().verify(WebhookCall({**headers, "svix-signature": signatures}, b"{}", NOW))


async def test_five_minutes_of_difference_are_borne_and_no_more() -> None:
    call = WebhookCall(signed(b"{}"), b"{}", NOW)
    for seconds in (-300, 300):
        await a_codec().verify(replace(call, received_at=NOW + timedelta(seconds=seconds)))
    for seconds in (-301, 301):
        with pytest.raises(WebhookRejected):
            await a_codec().verify(replace(call, received_at=NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("value", ["", " ", "x y", "é", "١٢٣", "1" * 13, "A" * 3_000, "\ud800"])
async def test_headers_that_no_honest_caller_sends_prove_nothing(name: str, value: str) -> None:
    with pytest.raises(WebhookRejected) as told:
        await a_codec().verify(WebhookCall({**signed(b"{}"), name: value}, b"{}", NOW))
    assert str(told.value) == "not proven"


async def test_each_of_the_three_headers_is_signed() -> None:
    headers = signed(b"{}")
    for name, value in (("svix-id", "msg_other"), ("svix-timestamp", str(int(NOW.timestamp()) + 1))):
        with pytest.raises(WebhookRejected):
            await a_codec().verify(WebhookCall({**headers, name: value}, b"{}", NOW))


@pytest.mark.parametrize("secret", ["", "re_123", "whsec_", "whsec_%%%%", "whsec_YWJj", "whsec_é", SECRET[6:]])
def test_what_is_no_signing_secret_is_refused_at_start(secret: str) -> None:
    with pytest.raises(ConfigError) as told:
        a_codec(secret)
    assert len(secret) < 7 or secret not in str(told.value)


def test_resend_has_no_header_fields_for_mail_by_smtp() -> None:
    assert a_codec().marks("m1") == ()


def test_the_digest_is_that_of_svix() -> None:
    """By the steps that Svix documents, written out."""
    headers = signed(b'{"a": 1}')
    text = f"{headers['svix-id']}.{headers['svix-timestamp']}." + '{"a": 1}'
    key = base64.b64decode(SECRET.split("_")[1])
    digest = hmac.new(key, text.encode(), hashlib.sha256).digest()
    assert headers["svix-signature"] == f"v1,{base64.b64encode(digest).decode()}"
