"""What SendGrid's published description (OpenAPI, mail v3) lets a request to send contain."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from penstock.testing.esp import Refused

__all__ = ["SEND", "Flag", "Many", "OneOf", "Rule", "Table", "Text", "Whole", "Words", "broken"]

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}


class Rule(Protocol):
    """Looks at one value of the body. Raises Refused."""

    def __call__(self, value: object, where: str) -> None:
        """`where` is the dotted path of the value, as SendGrid's `field`."""
        ...


def broken(where: str, what: str) -> Refused:
    """A refusal that names the field it is about."""
    return Refused(f"{where}: {what}")


def _of_type(value: object, kind: type, where: str) -> None:
    if type(value) is not kind:
        given = _KINDS.get(type(value), "null")
        raise broken(where, f"Invalid type. Expected: {_KINDS[kind]}, given: {given}.")


@dataclass(frozen=True, slots=True)
class Text:
    """A string of `least` to `most` characters; `email` asks for an address, `base64` for encoded octets."""

    least: int = 0
    most: int | None = None
    email: bool = False
    base64: bool = False

    def __call__(self, value: object, where: str) -> None:
        """Refuse what is no such string."""
        _of_type(value, str, where)
        assert isinstance(value, str)
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            raise broken(where, f"The length must be at least {self.least} and at most {self.most}.")
        if self.email and (not _ADDRESS.fullmatch(value) or value.startswith("refused@")):
            raise broken(where, "Does not contain a valid address.")
        if self.base64:
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                raise broken(where, "The attachment content must be base64 encoded.") from None


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]

    def __call__(self, value: object, where: str) -> None:
        """Refuse any other."""
        if value not in self.words:
            raise broken(where, f"Must be one of {', '.join(self.words)}.")


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer."""

    def __call__(self, value: object, where: str) -> None:
        """Refuse anything else."""
        _of_type(value, int, where)


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def __call__(self, value: object, where: str) -> None:
        """Refuse anything else."""
        _of_type(value, bool, where)


@dataclass(frozen=True, slots=True)
class Words:
    """Names and strings of one's own, together at most `octets`; `headers`: names and values of header fields."""

    octets: int | None = None
    headers: bool = False
    or_text: bool = False
    """The description calls this one a string, and its prose describes an object: both are taken."""
    strings: bool = True

    def __call__(self, value: object, where: str) -> None:
        """Refuse other types, too many octets and headers that may not be set."""
        if self.or_text and isinstance(value, str):
            return
        _of_type(value, dict, where)
        assert isinstance(value, dict)
        for name, word in value.items():
            if self.strings:
                _of_type(word, str, f"{where}.{name}")
            if self.headers:
                _header(name, str(word), where)
        if self.octets is not None and len(json.dumps(value, ensure_ascii=False).encode()) > self.octets:
            raise broken(where, f"The total size may not exceed {self.octets} bytes.")


_RESERVED = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)
_HEADER_NAME = re.compile(r"[!-9;-~]+")


def _header(name: str, value: str, where: str) -> None:
    if name.lower() in _RESERVED:
        raise broken(f"{where}.{name}", "This header is reserved and cannot be overridden.")
    if not _HEADER_NAME.fullmatch(name) or "\r" in value or "\n" in value:
        raise broken(where, "The header is not valid.")


@dataclass(frozen=True, slots=True)
class Table:
    """An object: these fields and no other, `needed` always."""

    fields: Mapping[str, Rule]
    needed: tuple[str, ...] = ()

    def __call__(self, value: object, where: str) -> None:
        """Refuse unknown and missing fields, and look into the others."""
        _of_type(value, dict, where)
        assert isinstance(value, dict)
        for name in value:
            if name not in self.fields:
                raise broken(where or name, f"Additional property {name} is not allowed.")
        for name in self.needed:
            if name not in value:
                raise broken(f"{where}.{name}".lstrip("."), f"The {name} parameter is required.")
        for name, inner in value.items():
            self.fields[name](inner, f"{where}.{name}".lstrip("."))


@dataclass(frozen=True, slots=True)
class Many:
    """An array of `least` to `most` items."""

    item: Rule
    least: int = 0
    most: int | None = None
    unique: bool = False

    def __call__(self, value: object, where: str) -> None:
        """Refuse too few, too many, and the same twice where each must be another."""
        _of_type(value, list, where)
        assert isinstance(value, list)
        if len(value) < self.least or (self.most is not None and len(value) > self.most):
            raise broken(where, f"There must be at least {self.least} and at most {self.most} items.")
        for number, inner in enumerate(value):
            self.item(inner, f"{where}.{number}")
        if self.unique and len({json.dumps(inner, sort_keys=True) for inner in value}) < len(value):
            raise broken(where, "The items must be unique.")


_MAILBOX = Table({"email": Text(email=True), "name": Text()}, ("email",))
_SWITCH = Table({"enable": Flag()})
_FREE = Text()

_PERSONALIZATION = Table(
    {
        "from": _MAILBOX,
        "to": Many(_MAILBOX, 1),
        "cc": Many(_MAILBOX, 0, 1000),
        "bcc": Many(_MAILBOX, 0, 1000),
        "subject": Text(1),
        "headers": Words(headers=True),
        "substitutions": Words(10_000),
        "dynamic_template_data": Words(strings=False),
        "custom_args": Words(10_000),
        "send_at": Whole(),
    },
    ("to",),
)
_ATTACHMENT = Table(
    {
        "content": Text(1, base64=True),
        "type": Text(1),
        "filename": _FREE,
        "disposition": OneOf(("inline", "attachment")),
        "content_id": _FREE,
    },
    ("content", "filename"),
)
_MAIL_SETTINGS = Table(
    {
        "bypass_list_management": _SWITCH,
        "bypass_spam_management": _SWITCH,
        "bypass_bounce_management": _SWITCH,
        "bypass_unsubscribe_management": _SWITCH,
        "footer": Table({"enable": Flag(), "text": _FREE, "html": _FREE}),
        "sandbox_mode": _SWITCH,
    }
)
_UTM = ("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign")
_TRACKING_SETTINGS = Table(
    {
        "click_tracking": Table({"enable": Flag(), "enable_text": Flag()}),
        "open_tracking": Table({"enable": Flag(), "substitution_tag": _FREE}),
        "subscription_tracking": Table({"enable": Flag(), "text": _FREE, "html": _FREE, "substitution_tag": _FREE}),
        "ganalytics": Table({"enable": Flag(), **dict.fromkeys(_UTM, _FREE)}),
    }
)

SEND = Table(
    {
        "personalizations": Many(_PERSONALIZATION, 1, 1000),
        "from": _MAILBOX,
        "reply_to": _MAILBOX,
        "reply_to_list": Many(_MAILBOX, 0, 1000, unique=True),
        "subject": Text(1),
        "content": Many(Table({"type": Text(1), "value": Text(1)}, ("type", "value"))),
        "attachments": Many(_ATTACHMENT),
        "template_id": _FREE,
        "headers": Words(headers=True),
        "categories": Many(Text(0, 255), 0, 10, unique=True),
        "custom_args": Words(10_000, or_text=True),
        "send_at": Whole(),
        "batch_id": _FREE,
        "asm": Table({"group_id": Whole(), "groups_to_display": Many(Whole(), 0, 25)}, ("group_id",)),
        "ip_pool_name": Text(2, 64),
        "mail_settings": _MAIL_SETTINGS,
        "tracking_settings": _TRACKING_SETTINGS,
    },
    ("personalizations", "from"),
)
"""The body of POST /v3/mail/send."""
