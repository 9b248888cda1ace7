"""One message of Mailjet's Send API v3.1: which properties there are, what each must hold, and what arrives."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.testing.esp import Arrived

__all__ = ["REFUSED", "Flaw", "address_of", "arrived", "flaws", "recipients", "unknown"]

REFUSED = "refused"
"""The local part that is refused as an address would be that has no valid form."""
PROPERTIES: Mapping[str, type] = {
    **dict.fromkeys(("From", "Sender", "ReplyTo", "TemplateErrorReporting", "Headers", "Variables"), dict),
    **dict.fromkeys(("To", "Cc", "Bcc", "Attachments", "InlinedAttachments"), list),
    **dict.fromkeys(("Subject", "TextPart", "HTMLPart", "CustomCampaign", "TrackOpens", "TrackClicks"), str),
    **dict.fromkeys(("CustomID", "EventPayload", "MonitoringCategory", "URLTags"), str),
    **dict.fromkeys(("TemplateID", "Priority"), int),
    **dict.fromkeys(("TemplateLanguage", "TemplateErrorDeliver", "DeduplicateCampaign"), bool),
}
_FORBIDDEN = frozenset(
    {"from", "sender", "subject", "to", "cc", "bcc", "reply-to", "return-path", "delivered-to", "dkim-signature"}
    | {"domainkey-status", "received-spf", "authentication-results", "received", "user-agent", "x-mailer", "list-id"}
    | {"x-mailjet-prio", "x-mailjet-debug", "x-mailjet-trackopen", "x-mailjet-trackclick", "x-mailjet-segmentation"}
    | {"x-mailjet-campaign", "x-mailjet-deduplicatecampaign", "x-mj-customid", "x-mj-eventpayload", "x-mj-vars"}
    | {"x-mj-templateerrordeliver", "x-mj-templateerrorreporting", "x-mj-templatelanguage", "x-mj-templateid"}
    | {"x-mj-workflowid", "x-mj-mid", "x-mj-errormessage", "x-mj-statisticscontactslistid", "x-feedback-id"}
    | {"date", "x-csa-complaints", "message-id"}
)
"""Mailjet's list of forbidden headers, and those that have a property of their own."""
_MAILBOXES = ("From", "Sender", "ReplyTo", "TemplateErrorReporting")
_LISTS = ("To", "Cc", "Bcc")
_FILES = {
    "Attachments": frozenset({"ContentType", "Filename", "Base64Content"}),
    "InlinedAttachments": frozenset({"ContentType", "Filename", "Base64Content", "ContentID"}),
}
_WORDS = {"account_default", "enabled", "disabled"}
_PRIORITIES = range(4)
_MOST_CHARACTERS = {"Subject": 255, "URLTags": 256}
_MOST_RECIPIENTS = 50
_MOST_FILE_OCTETS = 15 << 20
_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"]+@[^\s@<>()\[\]\\,;:\".]+(\.[^\s@<>()\[\]\\,;:\".]+)+")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f]")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\[\[.*?\]\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Flaw:
    """One error about a message: Mailjet's code, its words, the properties they are about."""

    code: str
    message: str
    related: tuple[str, ...]
    status: int = 400
    expected: bool = False
    """Asked for by the test, not a breach of the description."""


def unknown(message: Mapping[str, Any]) -> str:
    """A property that is not described; empty where there is none."""
    return next((name for name in sorted(message) if name not in PROPERTIES), "")


def flaws(message: Mapping[str, Any]) -> list[Flaw]:
    """What is wrong with it, everything at once; wrong types hide the rest."""
    return list(_types(message)) or [
        *_mandatory(message),
        *_addresses(message),
        *_template(message),
        *_limits(message),
        *_files(message),
        *_headers(message.get("Headers", {})),
    ]


def _types(message: Mapping[str, Any]) -> Iterator[Flaw]:
    for name, value in message.items():
        kind = PROPERTIES[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            yield _mismatch(name)
    for name in _MAILBOXES:
        if name in message and not _is_mailbox(message[name]):
            yield _mismatch(name)
    for name in _LISTS:
        given = message.get(name, [])
        if isinstance(given, list) and not all(map(_is_mailbox, given)):
            yield Flaw("mj-0004", 'Type mismatch. Expected type "array of emails".', (name,))
    for name, fields in _FILES.items():
        for each in message.get(name) or ():
            good = isinstance(each, dict) and set(each) <= fields
            if not good or not all(isinstance(value, str) for value in each.values()):
                yield _mismatch(name)


def _is_mailbox(given: object) -> bool:
    if not isinstance(given, dict) or not set(given) <= {"Email", "Name"}:
        return False
    return all(isinstance(value, str) and not _CONTROL.search(value) for value in given.values())


def _mismatch(name: str) -> Flaw:
    return Flaw("mj-0004", "Type mismatch.", (name,))


def _mandatory(message: Mapping[str, Any]) -> Iterator[Flaw]:
    for name in ("From", "To"):
        if name not in message:
            yield _missing(name)
    if message.get("To") == []:
        yield Flaw("mj-0007", "At least one item must be provided.", ("To",))
    if not any(name in message for name in ("TextPart", "HTMLPart", "TemplateID")):
        what = 'At least "HTMLPart", "TextPart" or "TemplateID" must be provided.'
        yield Flaw("send-0003", what, ("HTMLPart", "TextPart", "TemplateID"))


def _missing(name: str) -> Flaw:
    return Flaw("mj-0003", f'Missing mandatory property "{name}".', (name,))


def _addresses(message: Mapping[str, Any]) -> Iterator[Flaw]:
    named = [(name, message[name]) for name in _MAILBOXES if name in message]
    named += [(f"{name}[{at}]", each) for name in _LISTS for at, each in enumerate(message.get(name, []))]
    for where, mailbox in named:
        address = mailbox.get("Email")
        if address is None:
            yield _missing(f"{where}.Email")
        elif not address:
            yield Flaw("mj-0012", "Empty value.", (f"{where}.Email",))
        elif not _ADDRESS.fullmatch(address) or address.startswith(f"{REFUSED}@"):
            what = f'"{address}" is an invalid email address.'
            yield Flaw("mj-0013", what, (f"{where}.Email",), expected=address.startswith(f"{REFUSED}@"))
    if sum(len(message.get(name, [])) for name in _LISTS) > _MOST_RECIPIENTS:
        yield Flaw("send-0015", f"More than {_MOST_RECIPIENTS} recipients.", ("To", "CC", "Bcc"))
    if "Sender" in message:
        yield Flaw("send-0006", "The API key may not use a Sender.", ("SenderID",), 403)


def _template(message: Mapping[str, Any]) -> Iterator[Flaw]:
    if "TemplateID" in message:
        yield Flaw("send-0010", "The API key cannot send this template.", ("TemplateID",))
    if not message.get("TemplateLanguage") and {"TemplateErrorReporting", "TemplateErrorDeliver"} & set(message):
        yield Flaw("send-0016", "TemplateLanguage is not set.", ("TemplateLanguage",))
    if message.get("DeduplicateCampaign") and not message.get("CustomCampaign"):
        yield Flaw("send-0012", "CustomCampaign is not set.", ("CustomCampaign", "DeduplicateCampaign"))
    if "MonitoringCategory" in message:
        yield Flaw("send-0013", "There is no such category.", ("MonitoringCategory",))


def _limits(message: Mapping[str, Any]) -> Iterator[Flaw]:
    for name in ("TrackOpens", "TrackClicks"):
        if name in message and message[name] not in _WORDS:
            yield Flaw("mj-0005", "The value is not allowed.", (name,))
        elif name in message and "HTMLPart" not in message:
            yield Flaw("mj-0005", "Only with an HTML part.", (name,))
    if message.get("Priority", 0) not in _PRIORITIES:
        yield Flaw("mj-0005", "The value is not allowed.", ("Priority",))
    for name, most in _MOST_CHARACTERS.items():
        if len(message.get(name, "")) > most:
            yield Flaw("mj-0006", f"More than {most} characters.", (name,))


def _files(message: Mapping[str, Any]) -> Iterator[Flaw]:
    size = 0
    for name, fields in _FILES.items():
        for at, each in enumerate(message.get(name, [])):
            for field in sorted(fields):
                if field not in each:
                    yield _missing(f"{name}[{at}].{field}")
                elif not each[field]:
                    yield Flaw("mj-0012", "Empty value.", (f"{name}[{at}].{field}",))
            try:
                size += len(b64decode(each.get("Base64Content", ""), validate=True))
            except binascii.Error:
                yield _mismatch(f"{name}[{at}].Base64Content")
    if size > _MOST_FILE_OCTETS:
        yield Flaw("mj-0011", "The payload is too large.", ("Attachments", "InlinedAttachments"))


def _headers(given: Mapping[str, Any]) -> Iterator[Flaw]:
    for name, value in given.items():
        where = (f'Headers["{name}"]',)
        if not isinstance(value, str) or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            yield Flaw("mj-0004", "Type mismatch.", where)
        elif name.lower() in _FORBIDDEN:
            what = 'Header cannot be customized using the "Headers" collection. Please use the dedicated property.'
            yield Flaw("send-0011", what, where)
    if len({name.lower() for name in given}) < len(given):
        yield Flaw("mj-0004", "A header stands there twice.", ("Headers",))


def address_of(message: Mapping[str, Any]) -> str:
    """The sender's address."""
    return str(message["From"]["Email"])


def recipients(message: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """To, Cc and Bcc of a message without flaws; who is named twice counts once."""
    seen: set[str] = set()
    found: dict[str, list[str]] = {name: [] for name in _LISTS}
    for name in _LISTS:
        for each in message.get(name, []):
            if each["Email"].lower() not in seen:
                seen.add(each["Email"].lower())
                found[name].append(each["Email"])
    return found


def arrived(message: Mapping[str, Any], recipient: str, own: Mapping[str, str]) -> Arrived:
    """What one recipient gets; `own` are the headers that Mailjet makes.

    Opens and clicks count as tracked unless the request disables them: the account's preferences are not told.
    """
    html = message.get("HTMLPart")
    tracked = any(message.get(name) != "disabled" for name in ("TrackOpens", "TrackClicks"))
    files = [*message.get("Attachments", []), *message.get("InlinedAttachments", [])]
    processed = message.get("TemplateLanguage", False)
    text, subject = message.get("TextPart", ""), message.get("Subject", "")
    return Arrived(
        _mailbox(message["From"]),
        recipient,
        _TEMPLATE.sub("", subject) if processed else subject,
        _TEMPLATE.sub("", text) if processed else text,
        _TEMPLATE.sub("", html) if processed and html else html,
        {**{name.lower(): value for name, value in message.get("Headers", {}).items()}, **own},
        reply_to=_mailbox(message["ReplyTo"]) if "ReplyTo" in message else "",
        mail_id=message.get("CustomID", ""),
        attachments=tuple((each["Filename"], b64decode(each["Base64Content"])) for each in files),
        tracking=html is not None and (tracked or bool(message.get("URLTags"))),
    )


def _mailbox(given: Mapping[str, str]) -> str:
    name = given.get("Name", "")
    return f"{name} <{given['Email']}>" if name else given["Email"]
