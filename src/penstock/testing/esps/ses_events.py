"""The event records that the fake Amazon SES publishes of its mails.

Source: SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS" and its examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from penstock.model.event import EventKind
from penstock.testing.esp import Arrived, Happening
from penstock.testing.esps.ses_topic import moment, uuid_of

__all__ = ["SUBJECT", "message_id_of", "record"]

SUBJECT = "Amazon SES Email Event Notification"
_ACCOUNT = "111122223333"
_TYPES: Mapping[EventKind, tuple[str, str]] = {
    EventKind.ACCEPTED: ("Send", "send"),
    EventKind.DEFERRED: ("DeliveryDelay", "deliveryDelay"),
    EventKind.DELIVERED: ("Delivery", "delivery"),
    EventKind.BOUNCED_HARD: ("Bounce", "bounce"),
    EventKind.BOUNCED_SOFT: ("Bounce", "bounce"),
    EventKind.BOUNCED_POLICY: ("Bounce", "bounce"),
    EventKind.COMPLAINED: ("Complaint", "complaint"),
    EventKind.UNSUBSCRIBED: ("Subscription", "subscription"),
    EventKind.OPENED: ("Open", "open"),
    EventKind.CLICKED: ("Click", "click"),
    EventKind.REJECTED: ("Reject", "reject"),
    EventKind.UNKNOWN: ("Subscription", "subscription"),
}
"""The event's type and the member that tells of it. `unknown` is a subscription that a contact made anew."""
_BOUNCES: Mapping[EventKind, tuple[str, str, str, str]] = {
    EventKind.BOUNCED_HARD: ("Permanent", "NoEmail", "5.1.1", "smtp; 550 5.1.1 <{}>: user unknown"),
    EventKind.BOUNCED_SOFT: ("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 <{}>: mailbox full"),
    EventKind.BOUNCED_POLICY: ("Transient", "ContentRejected", "5.7.1", "smtp; 554 5.7.1 mail to <{}> is spam"),
}
"""Type, sub-type, status and what the recipient's server said; servers quote the address."""
_SUPPRESSED = (
    "Permanent",
    "OnAccountSuppressionList",
    "5.1.1",
    "Amazon SES did not send the message to this address because it is on the suppression list for your account.",
)
_AT_ONCE = frozenset({EventKind.ACCEPTED, EventKind.REJECTED})
"""Told with the time of the mail only."""
_BEFORE = timedelta(minutes=3)
"""How long the mail was under way until the other events."""
_AGENT = {"ipAddress": "192.0.2.44", "userAgent": "Mozilla/5.0 (X11; Linux x86_64)"}


def record(
    happening: Happening, tags: Mapping[str, str], *, suppressed: bool, configuration_set: str
) -> dict[str, Any]:
    """One record. `tags` are the mail's; `suppressed`: the recipient stands on the account's suppression list."""
    kind, arrived = happening.kind, happening.arrived
    bounce = _BOUNCES.get(kind)
    if kind is EventKind.REJECTED and suppressed:
        bounce = _SUPPRESSED
    name, member = ("Bounce", "bounce") if bounce else _TYPES[kind]
    told = _bounce(happening, bounce) if bounce else _of(happening)
    sent = happening.at if kind in _AT_ONCE else happening.at - _BEFORE
    mail = {"timestamp": moment(sent), **_mail(arrived, tags, configuration_set)}
    return {"eventType": name, "mail": mail, member: told}


def message_id_of(arrived: Arrived) -> str:
    """The id that the answer gave for it; for a mail that was never sent, one of its own."""
    local, _, domain = arrived.headers.get("message-id", "").strip("<>").partition("@")
    if domain.endswith(".amazonses.example"):
        return local
    return f"0107019a00000000-{uuid_of(f'mail {arrived.mail_id} to {arrived.recipient}')}-000000"


def _mail(arrived: Arrived, tags: Mapping[str, str], configuration_set: str) -> dict[str, Any]:
    domain = arrived.sender.rpartition("@")[2].rstrip(">")
    message_id = message_id_of(arrived)
    headers = {"from": arrived.sender, "to": arrived.recipient, "subject": arrived.subject, **arrived.headers}
    own = {
        "ses:operation": "SendRawEmail",
        "ses:configuration-set": configuration_set,
        "ses:source-ip": "192.0.2.1",
        "ses:from-domain": domain,
        "ses:caller-identity": "penstock",
    }
    return {
        "source": arrived.sender,
        "sourceArn": f"arn:aws:ses:eu-central-1:{_ACCOUNT}:identity/{domain}",
        "sendingAccountId": _ACCOUNT,
        "messageId": message_id,
        "destination": [arrived.recipient],
        "headersTruncated": False,
        "headers": [{"name": name.title(), "value": value} for name, value in headers.items()],
        "commonHeaders": {
            "from": [arrived.sender],
            "to": [arrived.recipient],
            "messageId": message_id,
            "subject": arrived.subject,
        },
        "tags": {name: [value] for name, value in {**own, **tags}.items()},
    }


def _bounce(happening: Happening, bounce: tuple[str, str, str, str]) -> dict[str, Any]:
    kind, sub_kind, status, text = bounce
    address = happening.arrived.recipient
    person = {
        "emailAddress": address,
        "action": "failed",
        "status": status,
        "diagnosticCode": text.format(address),
    }
    return {
        "feedbackId": _feedback_id(happening),
        "bounceType": kind,
        "bounceSubType": sub_kind,
        "bouncedRecipients": [person],
        "timestamp": moment(happening.at),
        "remoteMtaIp": "192.0.2.25",
        "reportingMTA": "dns; a1-2.smtp-out.eu-central-1.amazonses.example",
    }


def _of(happening: Happening) -> dict[str, Any]:
    """The member of an event that is no bounce; an empty one tells of a mail that SES took."""
    at = moment(happening.at)
    match happening.kind:
        case EventKind.DEFERRED:
            return _delay(happening)
        case EventKind.DELIVERED:
            return _delivery(happening)
        case EventKind.COMPLAINED:
            return _complaint(happening)
        case EventKind.UNSUBSCRIBED | EventKind.UNKNOWN as kind:
            return _subscription(at, out=kind is EventKind.UNSUBSCRIBED)
        case EventKind.OPENED:
            return {"timestamp": at, **_AGENT}
        case EventKind.CLICKED:
            link = f"https://nordlicht.example/offer?for={happening.arrived.recipient}"
            return {"timestamp": at, **_AGENT, "link": link, "linkTags": None}
        case EventKind.REJECTED:
            return {"reason": "Bad content"}
    return {}


def _delay(happening: Happening) -> dict[str, Any]:
    person = {
        "emailAddress": happening.arrived.recipient,
        "status": "4.4.1",
        "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
    }
    return {
        "timestamp": moment(happening.at),
        "delayType": "TransientCommunicationFailure",
        "expirationTime": moment(happening.at + timedelta(hours=14)),
        "delayedRecipients": [person],
    }


def _delivery(happening: Happening) -> dict[str, Any]:
    address = happening.arrived.recipient
    return {
        "timestamp": moment(happening.at),
        "processingTimeMillis": 1893,
        "recipients": [address],
        "smtpResponse": f"250 2.6.0 <{address}> Message received",
        "remoteMtaIp": "192.0.2.25",
        "reportingMTA": "a1-2.smtp-out.eu-central-1.amazonses.example",
    }


def _complaint(happening: Happening) -> dict[str, Any]:
    return {
        "feedbackId": _feedback_id(happening),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": happening.arrived.recipient}],
        "timestamp": moment(happening.at),
        "userAgent": "Feedback-Loop/2.0",
        "complaintFeedbackType": "abuse",
        "arrivalDate": moment(happening.at),
    }


def _subscription(at: str, *, out: bool) -> dict[str, Any]:
    def preferences(wanted: bool) -> dict[str, Any]:
        status = "OptIn" if wanted else "OptOut"
        topics = [{"topicName": "offers", "subscriptionStatus": status}]
        return {"unsubscribeAll": not wanted, "topicSubscriptionStatus": topics}

    return {
        "contactList": "contacts",
        "timestamp": at,
        "source": "UnsubscribeHeader" if out else "Preference center",
        "newTopicPreferences": preferences(not out),
        "oldTopicPreferences": preferences(out),
    }


def _feedback_id(happening: Happening) -> str:
    return f"0107019a00000001-{uuid_of(f'feedback {happening.key}')}-000000"
