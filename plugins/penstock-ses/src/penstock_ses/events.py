"""SES's events, as Amazon SNS brings them: one record in each call, as text in the notification's Message.

Sources: the SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS", its examples and
"Amazon SNS notification contents for Amazon SES"; for mail by SMTP "Specify your configuration set when you send
email".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from penstock.errors import ConfigError, InvalidInput
from penstock.model.event import Event, EventKind
from penstock.ports import Genuine, WebhookAddress, WebhookCall
from penstock_ses.bounce import bounce_kind, bounce_words, status_of
from penstock_ses.deliver import MAIL_ID
from penstock_ses.sns import NOTIFICATION, Certificates, SnsProof, moment, sns_fields

__all__ = ["KINDS", "SesCodec", "codec"]

KINDS: Mapping[str, tuple[EventKind, str, str]] = {
    "Send": (EventKind.ACCEPTED, "send", ""),
    "DeliveryDelay": (EventKind.DEFERRED, "deliveryDelay", "delayedRecipients"),
    "Delivery": (EventKind.DELIVERED, "delivery", ""),
    # Which of them: penstock_ses.bounce.
    "Bounce": (EventKind.BOUNCED_SOFT, "bounce", "bouncedRecipients"),
    "Complaint": (EventKind.COMPLAINED, "complaint", ""),
    # Only where it is an opt-out.
    "Subscription": (EventKind.UNSUBSCRIBED, "subscription", ""),
    "Open": (EventKind.OPENED, "open", ""),
    "Click": (EventKind.CLICKED, "click", ""),
    "Reject": (EventKind.REJECTED, "reject", ""),
    "Rendering Failure": (EventKind.REJECTED, "failure", ""),
}
"""SES's names of events → kind, the object that tells more, and its list with a status for each recipient. Any other
is unknown."""
_COMPLAINTS: Mapping[str, EventKind] = {
    "abuse": EventKind.COMPLAINED,
    "auth-failure": EventKind.COMPLAINED,
    "fraud": EventKind.COMPLAINED,
    # It takes a complaint back; nobody is taken off our list for that.
    "not-spam": EventKind.UNKNOWN,
    "other": EventKind.COMPLAINED,
    "virus": EventKind.COMPLAINED,
}
"""Types of feedback (IANA, MARF parameters)."""
_DELAYS = frozenset({
    "BYOIPHostNameLookupUnavailable", "General", "IPFailure", "InternalFailure", "MailboxFull", "RecipientServerError",
    "SendingDeferral", "SpamDetected", "TransientCommunicationFailure", "Undetermined",
})  # fmt: skip
_SUPPRESSED = frozenset({"OnAccountSuppressionList", "OnTenantSuppressionList"})
_SETTING_UP = "Successfully validated SNS topic"
"""SES's word to a topic when it is made a destination of events: no record, and no mail."""
_SET_UP = "AmazonSnsSubscriptionSucceeded"
_TOPIC = re.compile(r"arn:aws(?:-[a-z]{1,10}){0,3}:sns:[a-z0-9-]{1,40}:\d{12}:[A-Za-z0-9_-]{1,256}", re.ASCII)
_NAME = re.compile(r"[A-Za-z]{1,30}(?: [A-Za-z]{1,30})?")
_ID = re.compile(r"[A-Za-z0-9._-]{1,200}")
_MAIL_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
_ADDRESS = re.compile(r"[^\s<>@]{1,256}@[^\s<>@]{1,255}")
_NO_OBJECT: Mapping[str, Any] = {}


def codec(address: WebhookAddress) -> SesCodec:
    """`topics` are the ARNs of the SNS topics that may call; a key is not needed. Raises ConfigError without any."""
    where = f"adapters.{address.name}.webhook.topics"
    mend = 'topics = ["arn:aws:sns:REGION:ACCOUNT:NAME"]'
    if not address.topics:
        raise ConfigError("no SNS topic is named whose calls are taken", where=where, mend=mend)
    if not all(_TOPIC.fullmatch(each) for each in address.topics):
        raise ConfigError("this is no ARN of an SNS topic", where=where, mend=mend)
    return SesCodec(SnsProof(frozenset(address.topics), Certificates(address.fetch)))


class SesCodec:
    """SNS's signatures, and SES's events."""

    signed = True
    needs_path = False
    refused = 403

    def __init__(self, proof: SnsProof) -> None:
        self._proof = proof

    async def verify(self, call: WebhookCall, /) -> Genuine:
        """Of a topic that is allowed, signed by SNS. One that asks to confirm a subscription names where."""
        return await self._proof.genuine(call)

    def events(self, body: bytes, /) -> Sequence[Event]:
        """The events of a record, one for each recipient with a status of its own. Raises InvalidInput."""
        fields = sns_fields(body)
        kind, message = fields.get("Type"), fields.get("Message")
        if not isinstance(kind, str) or not isinstance(message, str):
            raise InvalidInput("a body that is no message of SNS")
        if kind != NOTIFICATION or message.startswith(_SETTING_UP):
            return ()
        record = sns_fields(message.encode("utf-8", "surrogatepass"))
        name = record.get("eventType", record.get("notificationType"))
        if name == _SET_UP:
            return ()
        if not isinstance(name, str) or not isinstance(record.get("mail"), dict):
            raise InvalidInput("a message that is no event of SES")
        return _events(name, record, fields)

    def marks(self, mail_id: str, /) -> Sequence[tuple[str, str]]:
        """The tag that names the mail; SES takes it off. No header switches its tracking off."""
        return [("X-SES-MESSAGE-TAGS", f"{MAIL_ID}={mail_id}")] if _MAIL_ID.fullmatch(mail_id) else []


def _events(name: str, record: Mapping[str, Any], fields: Mapping[str, Any]) -> list[Event]:
    kind, part_name, list_name = KINDS.get(name, (EventKind.UNKNOWN, "", ""))
    mail, part = _object(record["mail"]), _object(record.get(part_name))
    at = _time(part, mail, fields)
    receipt, mail_id = _matching(mail.get("messageId"), _ID), _mail_id(mail)
    sent_to = _addresses(mail.get("destination"))
    found = []
    for number, about in enumerate(_objects(part.get(list_name)) or [_NO_OBJECT]):
        found.append(
            Event(
                _kind(name, kind, part, about, sent_to),
                _key(name, part, receipt or str(fields.get("MessageId")), number),
                at,
                mail_id=mail_id,
                receipt=receipt,
                recipient=_recipient(part, about, sent_to),
                words={"event": _matching(name, _NAME) or "?", **_words(name, part, about)},
            )
        )
    return found


def _kind(
    name: str, kind: EventKind, part: Mapping[str, Any], about: Mapping[str, Any], sent_to: Sequence[str]
) -> EventKind:
    match name:
        case "Bounce":
            found = bounce_kind(part, about)
            # A mail that was sent on and came back from there says nothing of the mailbox that we wrote to.
            elsewhere = _address(about.get("emailAddress")).lower() not in {each.lower() for each in sent_to}
            return EventKind.BOUNCED_SOFT if found is EventKind.BOUNCED_HARD and elsewhere else found
        case "Complaint" if _one_of(part.get("complaintSubType"), _SUPPRESSED):
            return EventKind.REJECTED
        case "Complaint":
            return _COMPLAINTS.get(str(part.get("complaintFeedbackType")), kind)
        case "Subscription":
            return kind if _opts_out(part) else EventKind.UNKNOWN
    return kind


def _words(name: str, part: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, str]:
    match name:
        case "Bounce":
            return bounce_words(part, about)
        case "Complaint":
            said = {
                "feedback": _one_of(part.get("complaintFeedbackType"), _COMPLAINTS),
                "subtype": _one_of(part.get("complaintSubType"), _SUPPRESSED),
            }
        case "DeliveryDelay":
            said = {"type": _one_of(part.get("delayType"), _DELAYS), "status": status_of(about)}
        case _:
            said = {}
    return {word: value for word, value in said.items() if value}


def _opts_out(subscription: Mapping[str, Any]) -> bool:
    """Whether something was left: everything, or a topic that was not left before."""
    new, old = _object(subscription.get("newTopicPreferences")), _object(subscription.get("oldTopicPreferences"))
    return new.get("unsubscribeAll") is True or bool(_left(new) - _left(old))


def _left(preferences: Mapping[str, Any]) -> set[str]:
    topics = _objects(preferences.get("topicSubscriptionStatus"))
    return {str(each.get("topicName")) for each in topics if each.get("subscriptionStatus") == "OptOut"}


def _recipient(part: Mapping[str, Any], about: Mapping[str, Any], sent_to: Sequence[str]) -> str:
    """Whom the mail went to; of several the one it is about, if it is about one."""
    if len(sent_to) == 1:
        return sent_to[0]
    if about:
        return _address(about.get("emailAddress"))
    complained = [_address(each.get("emailAddress")) for each in _objects(part.get("complainedRecipients"))]
    named = complained or _addresses(part.get("recipients"))
    return named[0] if len(named) == 1 else ""


def _key(name: str, part: Mapping[str, Any], of: str, number: int) -> str:
    """SNS's id is another one for every topic and destination that tells the same; these are not."""
    found = (part.get(each) for each in ("feedbackId", "timestamp", "link", "userAgent"))
    stable = [each if isinstance(each, str) else None for each in found]
    return hashlib.sha256(json.dumps([name, of, number, *stable]).encode()).hexdigest()


def _time(part: Mapping[str, Any], mail: Mapping[str, Any], fields: Mapping[str, Any]) -> datetime:
    """Of the event; of the mail where the event has none, which happens as soon as it is sent."""
    for text in (part.get("timestamp"), mail.get("timestamp"), fields.get("Timestamp")):
        if (at := moment(text)) is not None:
            return at
    raise InvalidInput("an event of SES without a time")


def _mail_id(mail: Mapping[str, Any]) -> str:
    values = _object(mail.get("tags")).get(MAIL_ID)
    return _matching(values[0], _MAIL_ID) if isinstance(values, list) and len(values) == 1 else ""


def _addresses(values: object) -> list[str]:
    return [_address(each) for each in values] if isinstance(values, list) else []


def _address(value: object) -> str:
    return _matching(value, _ADDRESS)


def _matching(value: object, form: re.Pattern[str]) -> str:
    return value if isinstance(value, str) and form.fullmatch(value) and value.isprintable() else ""


def _one_of(value: object, words: Mapping[str, object] | frozenset[str]) -> str:
    return value if isinstance(value, str) and value in words else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NO_OBJECT


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
