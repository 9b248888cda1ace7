"""The fields of Brevo's requests, one by one: addresses, headers, tags, attachments."""

from __future__ import annotations

import binascii
import json
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import date
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Any
from uuid import UUID

from penstock.testing.esp import Refused

__all__ = [
    "MAILBOX_FIELDS",
    "Answer",
    "address_of",
    "arriving",
    "attachments",
    "custom_headers",
    "date_of",
    "idempotency_key",
    "invalid",
    "mail_id",
    "mailbox",
    "mailboxes",
    "missing",
    "number_of",
    "only",
    "only_query",
    "tags_of",
    "text_of",
]

MAILBOX_FIELDS = frozenset({"email", "name"})
_MOST_OF_A_NAME = 70
_EXTENSION = re.compile(
    r"xlsx?|ods|doc[xm]?|csv|pdf|txt|gif|jpe?g|png|tiff?|rtf|bmp|cgm|css|s?html|htm|zip|xml|pptx?|tar|ez|ics|mobi|msg|"
    r"pub|eps|odt|mp3|m4a|m4v|wma|ogg|flac|wav|aif[cf]?|mp4|mov|avi|mkv|mpe?g|wmv|pkpass|xlsm",
    re.IGNORECASE,
)
"""Of files that may be attached."""
_STANDARD = frozenset(
    {"from", "to", "cc", "bcc", "subject", "reply-to", "sender", "date", "message-id", "mime-version", "return-path"}
    | {"received", "dkim-signature"}
)
"""Header fields that are not custom ones: RFC 5322's own, for which the request has a field or Brevo its own value."""
_ORDERS = frozenset({"idempotencykey", "idempotency-key", "x-sib-sandbox", "sender.ip"})
"""Headers that are meant for Brevo and do not arrive."""
_OWN_UNSUBSCRIBE = "<https://unsubscribe.brevo.example/u/1>"
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f]")
_URL = re.compile(r"https?://[^\s/]+\S*")
Answer = tuple[int, dict[str, Any] | None]
"""Status and body."""


def invalid(what: str) -> Refused:
    """A value that is not as described."""
    return Refused(f"invalid_parameter: {what}")


def missing(what: str) -> Refused:
    """A parameter that must be there."""
    return Refused(f"missing_parameter: {what} is missing")


def only(asked: object, fields: frozenset[str], where: str = "body") -> Mapping[str, Any]:
    """The object, if it has no other fields. Raises Refused."""
    if not isinstance(asked, dict):
        raise invalid(f"{where} should be an object")
    if unknown := sorted(set(asked) - fields):
        raise invalid(f"{unknown[0]} is not a parameter of {where}")
    return asked


def only_query(query: Mapping[str, str], names: frozenset[str]) -> None:
    """Raises Refused for a parameter that is none of these."""
    if unknown := sorted(set(query) - names):
        raise invalid(f"{unknown[0]} is not a parameter")


def number_of(query: Mapping[str, str], name: str, default: str) -> int:
    """The number. Raises Refused."""
    given = query.get(name, default)
    if not given.isascii() or not given.isdigit():
        raise invalid(f"{name} should be a number")
    return int(given)


def date_of(given: object) -> date | None:
    """The day, None where it is left out. Raises Refused."""
    try:
        return None if given is None else date.fromisoformat(str(given))
    except ValueError:
        raise invalid("dates should be YYYY-MM-DD") from None


def address_of(given: object, where: str) -> str:
    """The address. Raises Refused."""
    if not isinstance(given, str) or not _ADDRESS.fullmatch(given):
        raise invalid(f"email is not valid in {where}")
    return given


def text_of(asked: Mapping[str, Any], name: str) -> str:
    """The string, empty where it is left out. Raises Refused."""
    value = asked.get(name, "")
    if not isinstance(value, str):
        raise invalid(f"{name} should be a string")
    return value


def mailboxes(asked: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """Address and name of each. Raises Refused."""
    given = asked.get(name)
    if given is None and name != "to":
        return []
    if not isinstance(given, list) or not given:
        raise invalid(f"{name} should be an array with entries")
    return [mailbox(only(each, MAILBOX_FIELDS, name), name) for each in given]


def mailbox(given: Mapping[str, Any], where: str) -> tuple[str, str]:
    """Address and name, which may be empty. Raises Refused."""
    if "email" not in given:
        raise missing(f"email in {where}")
    address, name = address_of(given["email"], where), given.get("name", "")
    if not isinstance(name, str) or len(name) > _MOST_OF_A_NAME or _CONTROL.search(name):
        raise invalid(f"name is not valid in {where}")
    if "name" in given and not name:
        raise invalid(f"name is empty in {where}")
    return address, name


def custom_headers(given: object) -> dict[str, str]:
    """By lower-case name. Raises Refused."""
    if not isinstance(given, dict):
        raise invalid("headers should be an object")
    for name, value in given.items():
        if not isinstance(value, str) or _CONTROL.search(value) or not _HEADER_NAME.fullmatch(name):
            raise invalid("headers should hold names and strings")
        if name.lower() in _STANDARD or name.lower().startswith("content-"):
            raise invalid(f"{name} is a standard header")
    headers = {name.lower(): value for name, value in given.items()}
    if len(headers) < len(given):
        raise invalid("headers hold a name twice")
    if headers.get("x-sib-sandbox", "drop") != "drop":
        raise invalid("X-Sib-Sandbox should be drop")
    return headers


def arriving(headers: Mapping[str, str]) -> dict[str, str]:
    """As the recipient gets them: what is not ASCII leaves as raw octets, encoded words are decoded first; without a
    List-Unsubscribe of one's own Brevo puts one in."""
    found = {name: _garbled(value) for name, value in headers.items() if name not in _ORDERS}
    return {"list-unsubscribe": _OWN_UNSUBSCRIBE, **found}


def _garbled(value: str) -> str:
    try:
        plain = str(make_header(decode_header(value))) if "=?" in value else value
    except (HeaderParseError, LookupError, UnicodeError):
        plain = value
    return plain if plain.isascii() else plain.encode("utf-8", "surrogatepass").decode("latin-1")


def idempotency_key(headers: Mapping[str, str]) -> str:
    """In one spelling, empty where there is none. Raises Refused."""
    key = headers.get("idempotencykey", headers.get("idempotency-key"))
    if key is None:
        return ""
    try:
        return str(UUID(key))
    except ValueError:
        raise invalid("idempotencyKey should be a UUID") from None


def tags_of(body: Mapping[str, Any]) -> list[str]:
    """As given. Raises Refused."""
    tags = body.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        raise invalid("tags should be an array of strings")
    return tags


def mail_id(headers: Mapping[str, str], tags: list[str]) -> str:
    """Of X-Mailin-Custom, which events bring back, as JSON, as `name:value|…` or as it is; else of the tags."""
    custom = headers.get("x-mailin-custom", "")
    try:
        named = json.loads(custom)
    except ValueError:
        named = None
    if not isinstance(named, dict):
        pairs = [pair.partition(":") for text in (custom, *tags) for pair in text.split("|")]
        named = {name: value for name, colon, value in pairs if colon}
    for name, value in named.items():
        if re.sub(r"[\W_]", "", str(name).lower()).endswith("mailid"):
            return str(value)
    return custom or (tags[0] if len(tags) == 1 else "")


def attachments(body: Mapping[str, Any]) -> tuple[tuple[str, bytes], ...]:
    """Name and content of each. Raises Refused."""
    given = body.get("attachment", [])
    if not isinstance(given, list) or ("attachment" in body and not given):
        raise invalid("attachment should be an array with entries")
    return tuple(_attachment(only(each, frozenset({"content", "name", "url"}), "attachment")) for each in given)


def _attachment(given: Mapping[str, Any]) -> tuple[str, bytes]:
    if not all(isinstance(value, str) and value for value in given.values()):
        raise invalid("attachment should hold strings")
    if len({"content", "url"} & set(given)) != 1:
        raise missing("content or url of attachment")
    if "content" in given and "name" not in given:
        raise missing("name of attachment")
    name = given.get("name", given.get("url", ""))
    if not _EXTENSION.fullmatch(name.rpartition(".")[2]):
        raise invalid("Unsupported file format in attachment")
    if "url" in given and not _URL.fullmatch(given["url"]):
        raise invalid("url is not absolute in attachment")
    try:
        return name, b64decode(given.get("content", ""), validate=True)
    except (binascii.Error, ValueError):
        raise invalid("content is not base64 in attachment") from None
