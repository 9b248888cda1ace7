"""What a request to Amazon SES v2 may hold: members, types and lengths (service model 2019-09-27 of sesv2)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.testing.esp import Refused

__all__ = ["CREATE_CONTACT", "LIST_CONTACTS", "PUT_SUPPRESSED", "PUT_SUPPRESSION", "SEND", "SEND_BULK"]
__all__ += ["UPDATE_CONTACT", "Blob", "Flag", "Items", "Number", "Shape", "Structure", "Text", "broken"]


def broken(where: str, what: str) -> Refused:
    """A refusal in the words of AWS's validation."""
    found = f"1 validation error detected: Value at '{where}' failed to satisfy constraint: {what}"
    return Refused(f"BadRequestException: {found}")


def _of_type(value: object, kind: type, where: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Refused(f"SerializationException: {where or 'the body'} is of another type")


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `least` to `most` characters, of a pattern, or one of some words."""

    least: int = 0
    most: int | None = None
    pattern: str = ""
    words: tuple[str, ...] = ()

    def check(self, value: object, where: str) -> None:
        """Raises Refused for what is no such string."""
        _of_type(value, str, where)
        text = str(value)
        if len(text) < self.least:
            raise broken(where, f"Member must have length greater than or equal to {self.least}")
        if self.most is not None and len(text) > self.most:
            raise broken(where, f"Member must have length less than or equal to {self.most}")
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise broken(where, "Member must satisfy regular expression pattern")
        if self.words and text not in self.words:
            raise broken(where, f"Member must satisfy enum value set: {', '.join(self.words)}")


@dataclass(frozen=True, slots=True)
class Blob:
    """Octets in base64."""

    def check(self, value: object, where: str) -> None:
        """Raises Refused for what is no base64."""
        _of_type(value, str, where)
        try:
            base64.b64decode(str(value), validate=True)
        except (binascii.Error, ValueError):
            raise Refused(f"SerializationException: {where} is no base64") from None


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def check(self, value: object, where: str) -> None:
        """Raises Refused for anything else."""
        _of_type(value, bool, where)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number."""

    def check(self, value: object, where: str) -> None:
        """Raises Refused for anything else."""
        _of_type(value, int, where)


@dataclass(frozen=True, slots=True)
class Items:
    """A list of at most `most`."""

    item: Shape
    most: int | None = None

    def check(self, value: object, where: str) -> None:
        """Raises Refused for too many and for a wrong one."""
        _of_type(value, list, where)
        assert isinstance(value, list)
        if self.most is not None and len(value) > self.most:
            raise broken(where, f"Member must have length less than or equal to {self.most}")
        for number, each in enumerate(value, 1):
            self.item.check(each, f"{where}.{number}.member")


@dataclass(frozen=True, slots=True)
class Structure:
    """These members and no other; `needed` always."""

    members: Mapping[str, Shape]
    needed: tuple[str, ...] = ()

    def check(self, value: object, where: str) -> None:
        """Raises Refused for unknown and missing members, and for wrong ones."""
        _of_type(value, dict, where)
        assert isinstance(value, dict)
        for name in value:
            if name not in self.members:
                raise broken(_below(where, name), "Member is not described")
        for name in self.needed:
            if value.get(name) is None:
                raise broken(_below(where, name), "Member must not be null")
        for name, each in value.items():
            if each is not None:
                self.members[name].check(each, _below(where, name))


Shape = Text | Blob | Flag | Number | Items | Structure


def _below(where: str, name: str) -> str:
    lowered = name[:1].lower() + name[1:]
    return f"{where}.{lowered}" if where else lowered


_ANY = Text()
_ARN = Text(1)
_SWITCH = Text(words=("ENABLED", "DISABLED"))
_ADDRESSES = Items(_ANY)
_DESTINATION = Structure({"ToAddresses": _ADDRESSES, "CcAddresses": _ADDRESSES, "BccAddresses": _ADDRESSES})
_PART = Structure({"Data": _ANY, "Charset": _ANY}, ("Data",))
_HEADERS = Items(
    Structure({"Name": Text(1, 126, "[!-9;-@A-~]+"), "Value": Text(1, 995, "[ -~]*")}, ("Name", "Value")), 15
)
_ATTACHMENTS = Items(
    Structure(
        {
            "RawContent": Blob(),
            "ContentDisposition": Text(words=("ATTACHMENT", "INLINE")),
            "FileName": Text(0, 255),
            "ContentDescription": Text(0, 1000),
            "ContentId": Text(1, 78),
            "ContentTransferEncoding": Text(words=("BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT")),
            "ContentType": Text(1, 78),
        },
        ("RawContent", "FileName"),
    )
)
_SIMPLE = Structure(
    {
        "Subject": _PART,
        "Body": Structure({"Text": _PART, "Html": _PART}),
        "Headers": _HEADERS,
        "Attachments": _ATTACHMENTS,
    },
    ("Subject", "Body"),
)
_DATA = Text(0, 262144)
_TEMPLATE = Structure(
    {
        "TemplateName": Text(1),
        "TemplateArn": _ARN,
        "TemplateContent": Structure({"Subject": _ANY, "Text": _ANY, "Html": _ANY}),
        "TemplateData": _DATA,
        "Headers": _HEADERS,
        "Attachments": _ATTACHMENTS,
    }
)
_TAGS = Items(Structure({"Name": _ANY, "Value": _ANY}, ("Name", "Value")))
_OF_BOTH: Mapping[str, Shape] = {
    "FromEmailAddress": _ANY,
    "FromEmailAddressIdentityArn": _ARN,
    "ReplyToAddresses": _ADDRESSES,
    "FeedbackForwardingEmailAddress": _ANY,
    "FeedbackForwardingEmailAddressIdentityArn": _ARN,
    "ConfigurationSetName": _ANY,
    "EndpointId": _ANY,
    "TenantName": Text(1),
    "ConfigurationOverrides": Structure(
        {"Tracking": Structure({"OpenTrackingEnabled": _SWITCH, "ClickTrackingEnabled": _SWITCH})}
    ),
}

SEND = Structure(
    {
        **_OF_BOTH,
        "Destination": _DESTINATION,
        "Content": Structure({"Simple": _SIMPLE, "Raw": Structure({"Data": Blob()}, ("Data",)), "Template": _TEMPLATE}),
        "EmailTags": _TAGS,
        "ListManagementOptions": Structure({"ContactListName": _ANY, "TopicName": _ANY}, ("ContactListName",)),
    },
    ("Content",),
)
"""Of SendEmail."""
SEND_BULK = Structure(
    {
        **_OF_BOTH,
        "DefaultEmailTags": _TAGS,
        "DefaultContent": Structure({"Template": _TEMPLATE}),
        "BulkEmailEntries": Items(
            Structure(
                {
                    "Destination": _DESTINATION,
                    "ReplacementTags": _TAGS,
                    "ReplacementEmailContent": Structure(
                        {"ReplacementTemplate": Structure({"ReplacementTemplateData": _DATA})}
                    ),
                    "ReplacementHeaders": _HEADERS,
                },
                ("Destination",),
            )
        ),
    },
    ("DefaultContent", "BulkEmailEntries"),
)
"""Of SendBulkEmail."""
_REASON = Text(words=("BOUNCE", "COMPLAINT"))
_CONFIDENCE = Structure(
    {"ConfidenceVerdictThreshold": Text(words=("MEDIUM", "HIGH", "MANAGED"))}, ("ConfidenceVerdictThreshold",)
)
_CONDITION = Structure(
    {"ConditionThresholdEnabled": _SWITCH, "OverallConfidenceThreshold": _CONFIDENCE}, ("ConditionThresholdEnabled",)
)
PUT_SUPPRESSED = Structure({"EmailAddress": _ANY, "Reason": _REASON, "TenantName": Text(1)}, ("EmailAddress", "Reason"))
"""Of PutSuppressedDestination."""
PUT_SUPPRESSION = Structure(
    {
        "SuppressedReasons": Items(_REASON),
        "ValidationAttributes": Structure({"ConditionThreshold": _CONDITION}, ("ConditionThreshold",)),
    }
)
"""Of PutAccountSuppressionAttributes."""
_WANTED = Text(words=("OPT_IN", "OPT_OUT"))
_CONTACT: Mapping[str, Shape] = {
    "TopicPreferences": Items(
        Structure({"TopicName": _ANY, "SubscriptionStatus": _WANTED}, ("TopicName", "SubscriptionStatus"))
    ),
    "UnsubscribeAll": Flag(),
    "AttributesData": _ANY,
}
CREATE_CONTACT = Structure({"EmailAddress": _ANY, **_CONTACT}, ("EmailAddress",))
"""Of CreateContact; the list stands in the path."""
UPDATE_CONTACT = Structure(_CONTACT)
"""Of UpdateContact; list and address stand in the path."""
_TOPIC_FILTER = Structure({"TopicName": _ANY, "UseDefaultIfPreferenceUnavailable": Flag()})
LIST_CONTACTS = Structure(
    {
        "Filter": Structure({"FilteredStatus": _WANTED, "TopicFilter": _TOPIC_FILTER}),
        "PageSize": Number(),
        "NextToken": _ANY,
    }
)
"""Of ListContacts; the list stands in the path."""
