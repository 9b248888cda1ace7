"""The calls of the fake Amazon SES: records in the form that its guide shows, in messages that SNS signed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from penstock.model.event import EventKind
from penstock.testing.esp import Arrived, Happening, OnList, PostedCall
from penstock.testing.esps.ses import FakeSES

HAPPENED = datetime(2026, 11, 22, 8, 59, 30, 123_000, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ARRIVED = Arrived(
    sender="Eva Berg <eva.berg@nordlicht.example>",
    recipient="anna@firm.example",
    subject="Grüße",
    text="Hello",
    html=None,
    headers={"message-id": "<1@nordlicht.example>", "references": "<0123abcd@nordlicht.example>"},
    mail_id="0123abcd",
)
NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
MEMBERS: dict[str, tuple[str, set[str]]] = {
    "Bounce": (
        "bounce",
        {"bounceType", "bounceSubType", "bouncedRecipients", "timestamp", "feedbackId", "reportingMTA", "remoteMtaIp"},
    ),
    "Complaint": (
        "complaint",
        {"complainedRecipients", "timestamp", "feedbackId", "complaintSubType", "userAgent"}
        | {"complaintFeedbackType", "arrivalDate"},
    ),
    "Delivery": (
        "delivery",
        {"timestamp", "processingTimeMillis", "recipients", "smtpResponse", "reportingMTA", "remoteMtaIp"},
    ),
    "Send": ("send", set()),
    "Reject": ("reject", {"reason"}),
    "Open": ("open", {"ipAddress", "timestamp", "userAgent"}),
    "Click": ("click", {"ipAddress", "timestamp", "userAgent", "link", "linkTags"}),
    "DeliveryDelay": (
        "deliveryDelay",
        {"delayType", "delayedRecipients", "expirationTime", "reportingMTA", "timestamp"},
    ),
    "Subscription": (
        "subscription",
        {"contactList", "timestamp", "source", "newTopicPreferences", "oldTopicPreferences"},
    ),
}
"""Of the guide's page on the contents of event data: type, its member, and what that may hold."""
MAIL = {"timestamp", "messageId", "source", "sourceArn", "sendingAccountId", "destination", "headersTruncated"}
MAIL |= {"headers", "commonHeaders", "tags"}
OPTIONAL = {"reportingMTA", "remoteMtaIp"}


FAKE = FakeSES()
"""For all that does not change it: a pair of keys takes a while to be made."""


def happening(kind: EventKind, key: str = "one", arrived: Arrived = ARRIVED) -> Happening:
    return Happening(kind, arrived, key, HAPPENED)


def called(kind: EventKind, fake: FakeSES | None = None, key: str = "one", at: datetime = NOW) -> PostedCall:
    (call,) = (fake or FAKE).calls([happening(kind, key)], at)
    return call


def record(kind: EventKind, fake: FakeSES | None = None, key: str = "one") -> dict[str, Any]:
    told = json.loads(json.loads(called(kind, fake, key).body)["Message"])
    assert isinstance(told, dict)
    return told


def check(fake: FakeSES, call: PostedCall, names: tuple[str, ...] = NOTIFICATION) -> None:
    """As the developer guide of SNS says. Raises InvalidSignature."""
    body = json.loads(call.body)
    text = "".join(f"{name}\n{body[name]}\n" for name in names)
    key = x509.load_pem_x509_certificate(fake.webhook_key.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    kind = hashes.SHA1() if body["SignatureVersion"] == "1" else hashes.SHA256()
    key.verify(base64.b64decode(body["Signature"]), text.encode(), padding.PKCS1v15(), kind)


@pytest.mark.parametrize("kind", EventKind)
def test_every_record_has_the_members_that_the_guide_names(kind: EventKind) -> None:
    told = record(kind)
    member, allowed = MEMBERS[told["eventType"]]
    assert set(told) == {"eventType", "mail", member}
    assert set(told["mail"]) == MAIL
    assert allowed - OPTIONAL <= set(told[member]) <= allowed
    assert told["mail"]["destination"] == ["anna@firm.example"]
    assert told["mail"]["tags"]["penstock_mail_id"] == ["0123abcd"]
    assert {"name": "References", "value": "<0123abcd@nordlicht.example>"} in told["mail"]["headers"]
    times = {told["mail"]["timestamp"], told[member].get("timestamp")}
    assert "2026-11-22T08:59:30.123Z" in times


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (EventKind.BOUNCED_HARD, ("Permanent", "NoEmail", "5.1.1")),
        (EventKind.BOUNCED_SOFT, ("Transient", "MailboxFull", "5.2.2")),
        (EventKind.BOUNCED_POLICY, ("Transient", "ContentRejected", "5.7.1")),
    ],
)
def test_bounces_have_sess_classes_and_the_servers_status(kind: EventKind, expected: tuple[str, str, str]) -> None:
    bounce = record(kind)["bounce"]
    (person,) = bounce["bouncedRecipients"]
    assert (bounce["bounceType"], bounce["bounceSubType"], person["status"]) == expected
    assert person["emailAddress"] == "anna@firm.example"
    assert f"<{person['emailAddress']}>" in person["diagnosticCode"]


def test_a_person_on_the_suppression_list_is_rejected_as_a_bounce_of_the_account() -> None:
    fake = FakeSES(listed=[OnList("COMPLAINT", "Anna@firm.example", HAPPENED)])
    assert record(EventKind.REJECTED, fake)["bounce"]["bounceSubType"] == "OnAccountSuppressionList"
    fake.account.suppressed_reasons = ["BOUNCE"]
    assert record(EventKind.REJECTED, fake)["reject"] == {"reason": "Bad content"}


def test_who_unsubscribes_wants_nothing_more_and_the_unknown_event_is_a_new_subscription() -> None:
    out, again = (record(kind)["subscription"] for kind in (EventKind.UNSUBSCRIBED, EventKind.UNKNOWN))
    assert out["newTopicPreferences"] == again["oldTopicPreferences"]
    assert out["newTopicPreferences"]["unsubscribeAll"] is True
    assert again["newTopicPreferences"]["unsubscribeAll"] is False


def test_a_mail_is_named_by_the_id_and_the_tags_it_was_sent_with() -> None:
    fake = FakeSES()
    fake.tags["0107-7"] = {"penstock_mail_id": "m7", "other": "x"}
    sent = Arrived(
        "e@nordlicht.example", "a@firm.example", "S", "T", None, {"message-id": "<0107-7@x.amazonses.example>"}
    )
    (call,) = fake.calls([happening(EventKind.DELIVERED, arrived=sent)], NOW)
    mail = json.loads(json.loads(call.body)["Message"])["mail"]
    assert mail["messageId"] == "0107-7"
    assert (mail["tags"]["penstock_mail_id"], mail["tags"]["other"]) == (["m7"], ["x"])


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_notification_is_signed_as_sns_signs(version: str) -> None:
    fake = FakeSES(signature_version=version)
    call = called(EventKind.DELIVERED, fake)
    check(fake, call)
    body = json.loads(call.body)
    assert (body["SignatureVersion"], body["TopicArn"], body["Type"]) == (version, fake.topic, "Notification")
    assert body["Timestamp"] == "2026-11-22T09:00:00.000Z"
    assert body["SigningCertURL"].startswith("https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-")
    assert body["SigningCertURL"].endswith(".pem")


def test_a_changed_message_or_another_fakes_key_does_not_hold() -> None:
    fake = FakeSES()
    call = called(EventKind.DELIVERED, fake)
    for other, body in ((fake, call.body.replace(b"anna", b"bo")), (FakeSES(), call.body)):
        with pytest.raises(InvalidSignature):
            check(other, PostedCall(call.headers, body))


def test_headers_repeat_what_the_body_says() -> None:
    fake = FakeSES()
    call = called(EventKind.DELIVERED, fake)
    body = json.loads(call.body)
    assert call.headers["content-type"] == "text/plain; charset=UTF-8"
    assert call.headers["x-amz-sns-message-type"] == "Notification"
    assert call.headers["x-amz-sns-message-id"] == body["MessageId"]
    assert call.headers["x-amz-sns-topic-arn"] == fake.topic
    assert call.headers["x-amz-sns-subscription-arn"] in body["UnsubscribeURL"]


def test_an_event_told_again_has_the_same_ids_and_another_has_others() -> None:
    fake = FakeSES()
    first, later = (called(EventKind.COMPLAINED, fake, at=NOW + timedelta(hours=n)) for n in (0, 1))
    ids = [json.loads(each.body)["MessageId"] for each in (first, later, called(EventKind.COMPLAINED, fake, "two"))]
    assert ids[0] == ids[1] != ids[2]
    feedback = [record(EventKind.COMPLAINED, fake, key)["complaint"]["feedbackId"] for key in ("one", "one", "two")]
    assert feedback[0] == feedback[1] != feedback[2]


def test_each_mail_is_told_of_by_a_call_of_its_own() -> None:
    told = [happening(EventKind.DELIVERED, str(number)) for number in range(3)]
    assert len(FakeSES().calls(told, NOW)) == 3


def test_a_subscription_is_to_be_confirmed() -> None:
    fake = FakeSES()
    call = fake.confirmation(NOW)
    check(fake, call, CONFIRMATION)
    body = json.loads(call.body)
    assert body["Type"] == call.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert body["Token"] in body["SubscribeURL"]
    assert body["SubscribeURL"].startswith("https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&")


def test_the_certificate_is_that_of_sns_and_each_fake_has_its_own() -> None:
    fake = FakeSES()
    certificate = x509.load_pem_x509_certificate(fake.webhook_key.encode())
    assert "sns.amazonaws.com" in certificate.subject.rfc4514_string()
    assert certificate.not_valid_before_utc < NOW < certificate.not_valid_after_utc
    assert fake.webhook_key == fake.webhook_key != FakeSES().webhook_key


async def test_calls_are_posted_as_they_are() -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        got.append((dict(request.headers), await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/webhooks/main", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/main"
    fake = FakeSES()
    assert await fake.post(url, [happening(EventKind.DELIVERED)], NOW) == [200]
    await runner.cleanup()
    ((headers, body),) = got
    check(fake, PostedCall({}, body))
    assert headers["x-amz-sns-message-type"] == "Notification"
