from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from penstock.errors import ConfigError, InvalidInput, WebhookRejected
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall, WebhookCodec
from penstock.testing.esp import FakeEsp
from penstock.testing.esps.ses import FakeSES
from penstock.testing.webhook_contract import SignedWebhookContract
from penstock_ses import codec
from penstock_ses.events import KINDS, SesCodec
from penstock_ses.sns import Certificates

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TOPIC = "arn:aws:sns:eu-west-1:111122223333:penstock"
HOST = "https://sns.eu-west-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
NAMES = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


@cache
def a_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def a_certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, NOW, NOW + timedelta(days=365))
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def message(record: object = None, **fields: Any) -> dict[str, Any]:
    """A notification as SNS makes it, not signed yet; None takes a field away."""
    told = record if isinstance(record, str) else json.dumps(record or sample("events")[0]["record"])
    made = {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": told,
        "Timestamp": "2026-11-22T08:59:40.003Z",
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE,
        "UnsubscribeURL": f"{HOST}/?Action=Unsubscribe&SubscriptionArn={TOPIC}:c9135db0",
        **fields,
    }
    return {name: value for name, value in made.items() if value is not None}


def confirmation(kind: str = "SubscriptionConfirmation", **fields: Any) -> dict[str, Any]:
    token = "2336412f37f"
    query = urlencode({"Action": "ConfirmSubscription", "TopicArn": TOPIC, "Token": token})
    text = f"You have chosen to subscribe to the topic {TOPIC}."
    return message(text, **{"Type": kind, "Token": token, "SubscribeURL": f"{HOST}/?{query}", **fields})


def call(fields: Mapping[str, Any], *, key: rsa.RSAPrivateKey | None = None, at: datetime = NOW) -> WebhookCall:
    """Signed as SNS's description has it."""
    text = "".join(f"{name}\n{fields[name]}\n" for name in NAMES if name in fields)
    algorithm = hashes.SHA1() if fields.get("SignatureVersion") == "1" else hashes.SHA256()
    signature = (key or a_key()).sign(text.encode("utf-8", "replace"), PKCS1v15(), algorithm)
    signed = {**fields, "Signature": base64.b64encode(signature).decode()}
    return raw(signed, at)


def raw(fields: Mapping[str, Any], at: datetime = NOW) -> WebhookCall:
    headers = {
        "content-type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": str(fields.get("Type")),
        "x-amz-sns-message-id": str(fields.get("MessageId")),
        "x-amz-sns-topic-arn": str(fields.get("TopicArn")),
    }
    return WebhookCall(headers, json.dumps(fields, indent=2).encode(), at)


class Web:
    """What is fetched from where."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = [*answers]
        self.asked: list[str] = []

    async def fetch(self, address: str) -> bytes:
        self.asked.append(address)
        answer = self.answers.pop(0) if self.answers else a_certificate(a_key())
        if answer is None:
            raise WebhookRejected("the document cannot be fetched")
        return answer


def a_codec(web: Web | None = None, *topics: str) -> SesCodec:
    return codec(WebhookAddress("main", topics=topics or (TOPIC,), fetch=(web or Web()).fetch))


def events(record: object) -> list[Event]:
    return [*a_codec().events(json.dumps(message(record)).encode())]


def only(record: object) -> Event:
    (event,) = events(record)
    return event


def bounced(**fields: Any) -> dict[str, Any]:
    """The record of a mailbox that is not there, with other fields in its mail."""
    record = next(each["record"] for each in sample("events") if each["name"] == "no such mailbox")
    return {**record, "mail": {**record["mail"], **fields}}


class TestContract(SignedWebhookContract):
    """What every codec promises; inherited."""

    signature_version = "1"

    def fake(self) -> FakeEsp:
        return FakeSES(signature_version=self.signature_version)

    def codec(self, fake: FakeEsp) -> WebhookCodec:
        assert isinstance(fake, FakeSES)
        return codec(WebhookAddress("main", topics=(fake.topic,), fetch=Web(*[fake.webhook_key.encode()] * 3).fetch))

    async def test_a_changed_body_is_refused(self) -> None:
        """SNS signs the values of the fields, so that white space after the object changes nothing."""
        fake = self.fake()
        its_codec = self.codec(fake)
        (posted,) = fake.calls(self._happened(min(self.kinds)), NOW)
        genuine = WebhookCall(posted.headers, posted.body, NOW)
        assert await its_codec.verify(genuine) == await its_codec.verify(replace(genuine, body=posted.body + b" "))
        for body in (posted.body.replace(b"person0", b"person9"), posted.body[:-1], posted.body + b"}"):
            assert body != posted.body
            with pytest.raises(WebhookRejected):
                await its_codec.verify(replace(genuine, body=body))


class TestContractOfVersion2(TestContract):
    """The same, signed with SHA-256."""

    signature_version = "2"


async def test_the_fakes_confirmation_is_visited_at_sns() -> None:
    fake = FakeSES()
    asked = fake.confirmation(NOW)
    its_codec = codec(WebhookAddress("main", topics=(fake.topic,), fetch=Web(fake.webhook_key.encode()).fetch))
    genuine = await its_codec.verify(WebhookCall(asked.headers, asked.body, NOW))
    assert genuine.visit == json.loads(asked.body)["SubscribeURL"]
    assert its_codec.events(asked.body) == ()


@pytest.mark.parametrize("case", sample("events"), ids=lambda case: case["name"])
def test_each_word_of_ses_has_its_meaning(case: dict[str, Any]) -> None:
    event = only(case["record"])
    assert event.kind.value == case["means"]
    assert event.words == case["words"]
    early = event.words["event"] in {"Send", "Reject", "Rendering Failure"}
    assert event.at == datetime(2026, 11, 22, 8, 59, *((0, 12_000) if early else (30, 126_000)), tzinfo=UTC)
    assert event.mail_id == "0123456789abcdef0123456789abcdef"
    assert event.receipt == "0102019aa8c4d1e2-5b0f3c1e-7a42-4a51-9d3e-2f6c8b1a7e90-000000"
    assert event.recipient == "anna.keller@firm.example"


def test_the_samples_name_every_event() -> None:
    assert {case["record"]["eventType"] for case in sample("events")} == set(KINDS)


def test_a_notification_of_the_domain_has_no_tags_and_the_same_key() -> None:
    event = only(sample("notification"))
    record = {name: value for name, value in sample("notification").items() if name != "notificationType"}
    assert (event.kind, event.mail_id) == (EventKind.BOUNCED_HARD, "")
    assert event.receipt.startswith("0102019aa8c4d1e2")
    assert only({**record, "eventType": "Bounce"}).key == event.key


@pytest.mark.parametrize("name", ["Received", "Teleported", "bounce", "anna@firm.example", "", "x" * 100])
def test_an_event_that_is_not_known_is_unknown(name: str) -> None:
    event = only({**bounced(), "eventType": name})
    assert event.kind is EventKind.UNKNOWN
    assert event.words == {"event": name if 0 < len(name) < 30 and "@" not in name else "?"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Notification", "Successfully validated SNS topic for Amazon SES event publishing."),
        ("Notification", '{"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed"}'),
        ("SubscriptionConfirmation", "You have chosen to subscribe"),
        ("UnsubscribeConfirmation", "You have chosen to deactivate"),
    ],
)
def test_what_is_about_no_mail_tells_nothing(kind: str, text: str) -> None:
    assert a_codec().events(json.dumps(message(text, Type=kind)).encode()) == ()


@pytest.mark.parametrize(
    "text",
    ["", "Hello", "[]", "7", "{}", '{"eventType": 7}', '{"eventType": "Bounce"}', '{"eventType": "Send", "mail": []}',
     '{"eventType": "Send", "mail": {}}', "[" * 100_000, '{"a":' * 100_000, "\ud800", '{"foo": 1}'],
)  # fmt: skip
def test_a_message_that_is_no_event_of_ses_is_told(text: str) -> None:
    fields = message(text, Timestamp=None)
    with pytest.raises(InvalidInput) as told:
        a_codec().events(json.dumps(fields).encode())
    assert "Hello" not in str(told.value)


def test_a_body_larger_than_any_of_sns_is_not_read() -> None:
    with pytest.raises(InvalidInput):
        a_codec().events(json.dumps(message("Hello" * 500_000)).encode())


@pytest.mark.parametrize("strange", [None, [], {}, 7, "x", ["x"], [7], [{}], [{"emailAddress": ["a"]}], [[[]]]])
def test_strange_content_is_never_a_hard_bounce_or_a_crash(strange: Any) -> None:
    for case in sample("events"):
        record = case["record"]
        parts = [name for name in record if name not in {"eventType", "mail"}]
        for part in parts:
            every = [{**record, part: strange}]
            every += [{**record, part: {**record[part], name: strange}} for name in record[part]]
            every += [{**record, "mail": {**record["mail"], name: strange}} for name in record["mail"]]
            for each in every:
                for event in events(each):
                    assert event.kind is not EventKind.BOUNCED_HARD or case["means"] == "bounced_hard"
                    assert all("@" not in word for word in event.words.values())


def test_values_nested_too_deep_do_not_crash() -> None:
    record = json.dumps(bounced())
    for depth in (700, 900, *range(950, 1_000, 5), 100_000):
        deep = "[" * depth + "]" * depth
        for name in ("feedbackId", "timestamp"):
            text = re.sub(rf'(?<="bounce": ){{(.*?)"{name}": "[^"]*"', rf'{{\1"{name}": {deep}', record)
            assert deep in text
            try:
                assert only(text).kind is EventKind.BOUNCED_HARD
            except InvalidInput:
                assert depth > 700


@pytest.mark.parametrize(
    "subtype",
    ["Suppressed", "OnAccountSuppressionList", "OnTenantSuppressionList", "EmailValidationSuppressed",
     "UnsubscribedRecipient"],
)  # fmt: skip
def test_what_ses_itself_did_not_offer_is_rejected_and_no_bounce(subtype: str) -> None:
    record = bounced()
    record["bounce"] = {**record["bounce"], "bounceSubType": subtype}
    event = only(record)
    assert (event.kind, event.words["subtype"]) == (EventKind.REJECTED, subtype)


@pytest.mark.parametrize("subtype", [None, "", "general", "OnAnotherSuppressionList"])
def test_a_permanent_bounce_of_a_subtype_that_is_not_known_is_soft(subtype: str | None) -> None:
    record = bounced()
    record["bounce"] = {**record["bounce"], "bounceSubType": subtype}
    event = only(record)
    assert event.kind is EventKind.BOUNCED_SOFT
    assert event.words == {"event": "Bounce", "type": "Permanent", "status": "5.1.1"}


def test_a_mail_that_was_sent_on_and_came_back_is_no_hard_bounce() -> None:
    event = only(bounced(destination=["office@firm.example"]))
    assert (event.kind, event.recipient) == (EventKind.BOUNCED_SOFT, "office@firm.example")
    assert only(bounced(destination=["Anna.Keller@FIRM.example"])).kind is EventKind.BOUNCED_HARD
    assert only(bounced(destination=[])).kind is EventKind.BOUNCED_SOFT


def test_each_of_several_recipients_has_its_own_event() -> None:
    record = bounced(destination=["anna.keller@firm.example", "bo@firm.example", "cleo@firm.example"])
    other = {"emailAddress": "bo@firm.example", "status": "5.2.2", "action": "failed"}
    record["bounce"] = {**record["bounce"], "bouncedRecipients": [*record["bounce"]["bouncedRecipients"], other]}
    first, second = events(record)
    assert (first.kind, first.recipient) == (EventKind.BOUNCED_HARD, "anna.keller@firm.example")
    assert (second.kind, second.recipient) == (EventKind.BOUNCED_SOFT, "bo@firm.example")
    assert first.key != second.key
    assert first.receipt == second.receipt


def test_of_several_who_may_have_complained_none_is_named() -> None:
    record = next(each["record"] for each in sample("events") if each["name"] == "complaint")
    for subtype in ("OnAccountSuppressionList", "OnTenantSuppressionList"):
        refused = only({**record, "complaint": {**record["complaint"], "complaintSubType": subtype}})
        assert (refused.kind, refused.words["subtype"]) == (EventKind.REJECTED, subtype)
    both = ["anna.keller@firm.example", "bo@firm.example"]
    record["mail"]["destination"] = both
    assert only(record).recipient == "anna.keller@firm.example"
    record["complaint"]["complainedRecipients"] = [{"emailAddress": each} for each in both]
    event = only(record)
    assert (event.kind, event.recipient) == (EventKind.COMPLAINED, "")


def test_keys_tell_events_apart_and_repetitions_together() -> None:
    clicked = next(each["record"] for each in sample("events") if each["name"] == "click")
    records = [each["record"] for each in sample("events") if each["name"] in {"send", "open", "click", "reject"}]
    records.append({**clicked, "click": {**clicked["click"], "link": "https://nordlicht.example/other"}})
    records.append({**clicked, "click": {**clicked["click"], "timestamp": "2026-11-22T08:59:30.127Z"}})
    records.append({**clicked, "mail": {**clicked["mail"], "messageId": "another"}})
    keys = [only(each).key for each in records]
    assert len(set(keys)) == len(keys) == 7
    again = json.dumps(message(records[0], MessageId="another", Timestamp="2026-11-22T09:30:00.000Z")).encode()
    assert [each.key for each in a_codec().events(again)] == keys[:1]


def test_ids_that_are_none_are_left_out() -> None:
    strange_tags: tuple[Any, ...] = (None, {}, {"penstock_mail_id": "x"}, {"penstock_mail_id": []})
    for tags in (*strange_tags, {"penstock_mail_id": ["a@b.example"]}, {"penstock_mail_id": ["a", "b"]}):
        assert only(bounced(tags=tags)).mail_id == ""
    for strange in (None, 7, "anna@firm.example", "x" * 201):
        event = only(bounced(messageId=strange))
        assert event.receipt == ""
        assert event.key


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("subject", [None, "Amazon SES Email Event Notification"])
async def test_a_notification_is_proven_by_its_signature(version: str, subject: str | None) -> None:
    web = Web()
    its_codec = a_codec(web)
    genuine = await its_codec.verify(call(message(SignatureVersion=version, Subject=subject)))
    assert genuine == Genuine("sns:22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "")
    assert web.asked == [CERTIFICATE]


async def test_headers_that_a_proxy_took_away_are_not_missed_and_others_must_agree() -> None:
    genuine = call(message())
    await a_codec().verify(replace(genuine, headers={}))
    for name in ("x-amz-sns-message-type", "x-amz-sns-message-id", "x-amz-sns-topic-arn"):
        with pytest.raises(WebhookRejected):
            await a_codec().verify(replace(genuine, headers={**genuine.headers, name: "other"}))


@pytest.mark.parametrize("name", [*NAMES, "Signature", "SignatureVersion", "SigningCertURL"])
@pytest.mark.parametrize("value", [None, "", "other", 7, [], {}, "\ud800", "x" * 5_000, "ü", "\n"])
async def test_every_field_that_is_signed_or_proves_must_be_as_it_was(name: str, value: Any) -> None:
    for fields in (message(), message(Subject="S"), confirmation()):
        adds_a_subject = (name, value) == ("Subject", "other") and fields["Type"] == "Notification"
        if name not in fields and not adds_a_subject and name != "Signature":
            continue
        signed = json.loads(call(fields).body)
        spoilt = {each: kept for each, kept in {**signed, name: value}.items() if kept is not None}
        if spoilt == signed:
            continue
        web = Web()
        with pytest.raises(WebhookRejected) as told:
            await a_codec(web).verify(raw(spoilt))
        assert str(told.value) == "not proven"
        assert web.asked in ([], [CERTIFICATE])


async def test_fields_that_are_strange_prove_nothing_even_when_they_are_signed() -> None:
    for fields in ({"MessageId": "x" * 200}, {"MessageId": "a b"}, {"Type": "Other"}, {"SignatureVersion": "3"}):
        with pytest.raises(WebhookRejected):
            await a_codec().verify(call(message(**fields)))


async def test_only_topics_that_are_allowed_are_heard_and_nothing_is_fetched_for_others() -> None:
    web = Web()
    other = TOPIC.replace("111122223333", "444455556666")
    for headers in (None, {}, {"x-amz-sns-topic-arn": TOPIC}):
        forged = call(message(TopicArn=other))
        with pytest.raises(WebhookRejected):
            await a_codec(web).verify(forged if headers is None else replace(forged, headers=headers))
    assert web.asked == []
    await a_codec(web, other, TOPIC).verify(call(message(TopicArn=other)))


@pytest.mark.parametrize(
    "address",
    [
        CERTIFICATE.replace("https", "http"),
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/x.pem",
        "https://sns.eu-west-1.amazonaws.com:444/x.pem",
        "https://evil.s3.amazonaws.com/x.pem",
        "https://sns.a.b.amazonaws.com/x.pem",
        "https://snsXeu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem?y=1",
        "https://sns.eu-west-1.amazonaws.com/x.pem#y",
        "https://sns.eu-west-1.amazonaws.com/../x.pem",
        "https://sns.eu-west-1.amazonaws.com/x.pem\n",
        "https://sns.eu-west-1.amazonaws.com/?Action=Publish&x=.pem",
        "https://sns.eu-west-1.amazonaws.com/x",
        "https://sns.eu-west-1.amazonaws.cn/x.pem",
        "HTTPS://SNS.eu-west-1.amazonaws.com/x.pem",
        "https://sns.eu-west-1.amazonaws.com\\@evil.example/x.pem",
    ],
)
async def test_certificates_are_fetched_from_sns_only(address: str) -> None:
    web = Web()
    with pytest.raises(WebhookRejected):
        await a_codec(web).verify(call(message(SigningCertURL=address)))
    assert web.asked == []


async def test_china_has_a_host_of_its_own() -> None:
    web = Web()
    topic = "arn:aws-cn:sns:cn-north-1:111122223333:penstock"
    address = "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0a.pem"
    await a_codec(web, topic).verify(call(message(TopicArn=topic, SigningCertURL=address)))
    assert web.asked == [address]


async def test_a_certificate_is_fetched_once_and_few_are_kept() -> None:
    web = Web()
    certificates = Certificates(web.fetch)
    addresses = [f"{HOST}/SimpleNotificationService-{number}.pem" for number in range(9)]
    for address in (*addresses[:8], *addresses[:8]):
        await certificates.key(address)
    assert web.asked == addresses[:8]
    await certificates.key(addresses[8])
    await certificates.key(addresses[7])
    assert web.asked == addresses
    await certificates.key(addresses[0])
    assert web.asked == [*addresses, addresses[0]]


async def test_a_certificate_that_cannot_be_fetched_is_asked_for_twice_and_not_remembered() -> None:
    web = Web(None)
    await a_codec(web).verify(call(message()))
    assert len(web.asked) == 2
    web = Web(None, None)
    its_codec = a_codec(web)
    with pytest.raises(WebhookRejected):
        await its_codec.verify(call(message()))
    await its_codec.verify(call(message()))
    assert len(web.asked) == 3


@pytest.mark.parametrize("kind", ["other", "none", "html", "curve", "short"])
async def test_what_is_no_certificate_of_sns_proves_nothing(kind: str) -> None:
    documents: dict[str, Callable[[], bytes]] = {
        "other": lambda: a_certificate(rsa.generate_private_key(65537, 2048)),
        "none": lambda: b"",
        "html": lambda: b"<html></html>",
        "curve": lambda: a_certificate(ec.generate_private_key(ec.SECP256R1())),
        "short": lambda: a_certificate(a_key(1024)),
    }
    key = a_key(1024) if kind == "short" else a_key()
    with pytest.raises(WebhookRejected):
        await a_codec(Web(documents[kind]())).verify(call(message(), key=key))


async def test_a_call_may_be_a_day_old_and_five_minutes_ahead() -> None:
    genuine = call(message(Timestamp="2026-11-22T09:00:00.000Z"))
    for within in (timedelta(minutes=-5), timedelta(hours=24, minutes=30)):
        await a_codec().verify(replace(genuine, received_at=NOW + within))
    for without in (timedelta(minutes=-5, seconds=-1), timedelta(hours=24, minutes=30, seconds=1)):
        with pytest.raises(WebhookRejected):
            await a_codec().verify(replace(genuine, received_at=NOW + without))


@pytest.mark.parametrize(
    "at", ["", "soon", "2026-11-22", "2026-11-22T09:00:00", "2026-11-22T09:00:00+00:00", "2026-13-22T09:00:00Z",
           "2026-11-22T09:00:00.Z", "٢026-11-22T09:00:00Z", "2026-11-22T09:00:00Z" + " " * 9_000],
)  # fmt: skip
async def test_a_time_that_is_none_proves_nothing(at: str) -> None:
    with pytest.raises(WebhookRejected):
        await a_codec().verify(call(message(Timestamp=at)))


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b"{}"])
async def test_a_body_that_is_none_of_sns_proves_nothing(body: bytes) -> None:
    web = Web()
    with pytest.raises(WebhookRejected):
        await a_codec(web).verify(WebhookCall({}, body, NOW))
    assert web.asked == []


async def test_a_body_larger_than_any_of_sns_proves_nothing() -> None:
    with pytest.raises(WebhookRejected):
        await a_codec().verify(call(message("x" * (2 << 20))))


async def test_a_subscription_is_confirmed_at_sns() -> None:
    fields = confirmation()
    genuine = await a_codec().verify(call(fields))
    assert genuine == Genuine("sns:22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", fields["SubscribeURL"])


async def test_the_end_of_a_subscription_is_not_undone() -> None:
    genuine = await a_codec().verify(call(confirmation("UnsubscribeConfirmation")))
    assert genuine.visit == ""


@pytest.mark.parametrize(
    "address",
    [
        f"http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2",
        f"https://evil.example/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2",
        f"https://sns.eu-west-1.amazonaws.com@evil.example/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}x&Token=2",
        f"{HOST}/?Action=DeleteTopic&TopicArn={TOPIC}&Token=2",
        f"{HOST}/?Action=ConfirmSubscription&Action=DeleteTopic&TopicArn={TOPIC}&Token=2",
        f"{HOST}/?Token=2",
        f"{HOST}/x?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2\n",
        f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=" + "2" * 2_000,
    ],
)
async def test_a_subscription_is_confirmed_nowhere_else(address: str) -> None:
    with pytest.raises(WebhookRejected):
        await a_codec().verify(call(confirmation(SubscribeURL=address)))


@pytest.mark.parametrize(
    "topics",
    [(), ("",), ("penstock",), (TOPIC, "x"), (f"{TOPIC} ",), (TOPIC.replace("sns", "sqs"),), (TOPIC + "\n",),
     (TOPIC.replace("111122223333", "1"),), (f"{TOPIC}:c9135db0",)],
)  # fmt: skip
def test_what_is_no_topic_is_refused_at_start(topics: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as told:
        codec(WebhookAddress("main", topics=topics))
    assert "adapters.main.webhook.topics" in str(told.value)


def test_mail_by_smtp_is_named_by_a_tag() -> None:
    assert a_codec().marks("0123abcd") == [("X-SES-MESSAGE-TAGS", "penstock_mail_id=0123abcd")]
    for strange in ("", "a b", "a, b=c", "a\r\nb", "ü"):
        assert a_codec().marks(strange) == []


def test_calls_are_signed_and_need_no_secret_path() -> None:
    assert (a_codec().signed, a_codec().needs_path, a_codec().refused) == (True, False, 403)
