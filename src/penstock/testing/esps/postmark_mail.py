"""One message as Postmark describes it: which fields there are, what each must hold, and what a recipient would get."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.testing.esp import Arrived, Refused

__all__ = ["MOST_OCTETS", "PostmarkMessage", "address_of", "fields_of", "read_message", "wrong"]

MOST_OCTETS = 10 << 20
"""Of one message with its attachments."""
_MOST_OF_A_BODY = 5 << 20
_MOST_RECIPIENTS = 50
_MOST_METADATA = 10
_FIELDS: Mapping[str, type] = {
    "From": str,
    "To": str,
    "Cc": str,
    "Bcc": str,
    "Subject": str,
    "Tag": str,
    "HtmlBody": str,
    "TextBody": str,
    "ReplyTo": str,
    "Metadata": dict,
    "Headers": list,
    "TrackOpens": bool,
    "TrackLinks": str,
    "Attachments": list,
    "MessageStream": str,
}
_LINKS = ("None", "HtmlAndText", "HtmlOnly", "TextOnly")
_OWN_HEADERS = frozenset({"from", "to", "cc", "bcc", "subject", "reply-to", "return-path", "mime-version", "sender"})
"""Headers that have a field of their own, or that Postmark makes."""
_FORBIDDEN = frozenset({
    "vbs", "exe", "bin", "bat", "chm", "com", "cpl", "crt", "hlp", "hta", "inf", "ins", "isp", "jse", "lnk", "mdb",
    "pcd", "pif", "reg", "scr", "sct", "shs", "vbe", "vba", "wsf", "wsh", "wsl", "msc", "msi", "msp", "mst",
})  # fmt: skip
"""Kinds of files that Postmark takes none of."""
_MAILBOX = re.compile(
    r'\s*(?:(?P<name>"(?:[^"\\\r\n]|\\.)*"|[^"(),.:;<>@\[\]\\\r\n]*?)\s*<(?P<named>[^<>\s]+)>|(?P<bare>[^<>",\s]+))\s*'
)
_LOCAL = re.compile(r"[a-z0-9.!#$%&'`*+\-/=^_{}|~]+", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:\.?[a-zA-Z0-9-])+")
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class PostmarkMessage:
    """`to`, `cc` and `bcc` are bare addresses. `tracking` is what the request says: on unless it is switched off."""

    arrived: Arrived
    sender: str
    stream: str
    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    keeps_id: bool = False
    """Whether our Message-ID stays."""
    written: Mapping[str, str] = field(default_factory=dict)
    """To, Cc and Bcc as they were given."""
    tag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def recipients(self) -> tuple[str, ...]:
        """All of them, in this order."""
        return (*self.to, *self.cc, *self.bcc)


def wrong(code: int, what: str, status: int = 422) -> Refused:
    """A refusal with Postmark's own number for it."""
    return Refused(f"{code}: {what}", status)


def fields_of(asked: object, kinds: Mapping[str, type], where: str) -> dict[str, Any]:
    """The object, if it has only these fields and each is of its kind; null is a field left out. Raises Refused."""
    if not isinstance(asked, dict):
        raise wrong(402, f"{where} is no object.")
    for name, value in asked.items():
        if name not in kinds:
            raise wrong(403, f"{where} has the field {name}, which is not expected.")
        if value is not None and type(value) is not kinds[name]:
            raise wrong(403, f"{name} is no {kinds[name].__name__}.")
    return {name: value for name, value in asked.items() if value is not None}


def address_of(mailbox: str) -> str:
    """The bare address of a mailbox. Raises Refused."""
    found = list(_addresses(mailbox, "address"))
    if len(found) != 1:
        raise wrong(300, "Exactly one address is expected.")
    return found[0]


def read_message(asked: object) -> PostmarkMessage:
    """What one message asks for. Raises Refused."""
    mail = fields_of(asked, _FIELDS, "The message")
    for name in ("From", "To"):
        if not mail.get(name):
            raise wrong(300, f"Zero recipients specified: {name} is missing." if name == "To" else "From is missing.")
    if not mail.get("TextBody") and not mail.get("HtmlBody"):
        raise wrong(300, "Provide either email TextBody or HtmlBody or both.")
    if _CONTROL.search(mail.get("Subject", "")) or len(mail.get("Tag", "")) > 1000:
        raise wrong(300, "Subject or Tag is not of its form.")
    if mail.get("TrackLinks", "None") not in _LINKS:
        raise wrong(300, f"TrackLinks is none of {', '.join(_LINKS)}.")
    people = {name: tuple(_addresses(mail.get(name, ""), name)) for name in ("To", "Cc", "Bcc")}
    if sum(map(len, people.values())) > _MOST_RECIPIENTS:
        raise wrong(300, f"There are more than {_MOST_RECIPIENTS} recipients.")
    if len(sender := list(_addresses(mail["From"], "From"))) != 1:
        raise wrong(300, "From takes one address.")
    list(_addresses(mail.get("ReplyTo", ""), "ReplyTo"))
    headers, keeps_id = _headers(mail.get("Headers", []))
    arrived = _arrived(mail, headers)
    written = {name: mail[name] for name in ("To", "Cc", "Bcc") if mail.get(name)}
    return PostmarkMessage(
        arrived,
        sender[0],
        mail.get("MessageStream", "outbound"),
        people["To"],
        people["Cc"],
        people["Bcc"],
        keeps_id,
        written,
        mail.get("Tag", ""),
        mail.get("Metadata", {}),
    )


def _arrived(mail: Mapping[str, Any], headers: Mapping[str, str]) -> Arrived:
    text, html = mail.get("TextBody", ""), mail.get("HtmlBody") or None
    files = tuple(map(_attachment, mail.get("Attachments", [])))
    sizes = [len(text.encode()), len((html or "").encode())]
    if max(sizes) > _MOST_OF_A_BODY or sum(sizes) + sum(len(data) * 4 // 3 for _, data in files) > MOST_OCTETS:
        raise wrong(300, "The message is larger than Postmark takes.")
    return Arrived(
        mail["From"],
        "",
        mail.get("Subject", ""),
        text,
        html,
        headers,
        reply_to=mail.get("ReplyTo", ""),
        mail_id=_mail_id(_metadata(mail.get("Metadata", {}))),
        attachments=files,
        # The server's setting decides where the request says nothing, and the request cannot see it.
        tracking=mail.get("TrackOpens") is not False or mail.get("TrackLinks") != "None",
    )


def _addresses(given: str, name: str) -> Iterator[str]:
    """The bare addresses of a list with commas."""
    at = 0
    while at < len(given.rstrip()):
        found = _MAILBOX.match(given, at)
        if found is None or given[found.end() : found.end() + 1] not in {"", ","}:
            raise wrong(300, f"Illegal email address in {name}: quote names with punctuation.")
        address = found["named"] or found["bare"]
        local, _, domain = address.rpartition("@")
        dots = local.startswith(".") or local.endswith(".") or ".." in local
        if dots or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
            raise wrong(300, f"Illegal email address in {name}.")
        yield address
        at = found.end() + 1


def _headers(given: list[Any]) -> tuple[dict[str, str], bool]:
    """Headers by name in lower case, and whether X-PM-KeepID is among them, which does not arrive."""
    headers: dict[str, str] = {}
    keeps_id = False
    for each in given:
        header = fields_of(each, {"Name": str, "Value": str}, "A header")
        name, value = header.get("Name", ""), header.get("Value", "")
        lowered = name.lower()
        if not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise wrong(300, "A header is not of its form.")
        if lowered in _OWN_HEADERS or lowered.startswith("content-"):
            raise wrong(300, f"Header '{name}' not allowed.")
        if lowered == "x-pm-keepid":
            keeps_id = value.strip().lower() == "true"
        elif lowered.startswith("x-pm-"):
            raise wrong(300, f"Header '{name}' not allowed: it is for SMTP.")
        else:
            headers[lowered] = f"{headers[lowered]}, {value}" if lowered in headers else value
    return headers, keeps_id


def _metadata(given: Mapping[str, Any]) -> Mapping[str, str]:
    if len(given) > _MOST_METADATA:
        raise wrong(300, f"Metadata has more than {_MOST_METADATA} fields.")
    for name, value in given.items():
        if not isinstance(value, str) or not 1 <= len(name) <= 20 or len(value) > 80:
            raise wrong(300, "A metadata field has at most 20 characters, its value is text of at most 80.")
    return given


def _mail_id(metadata: Mapping[str, str]) -> str:
    """The field that names the mail, however it is spelled: the one called a mail's id, else the only one."""
    named = [value for name, value in metadata.items() if re.sub(r"[\W_]", "", name.lower()).endswith("mailid")]
    return (named or [*metadata.values()])[0] if named or len(metadata) == 1 else ""


def _attachment(given: object) -> tuple[str, bytes]:
    kinds = {"Name": str, "Content": str, "ContentType": str, "ContentID": str}
    file = fields_of(given, kinds, "An attachment")
    if not all(file.get(name) for name in ("Name", "Content", "ContentType")):
        raise wrong(300, "An attachment needs Name, Content and ContentType.")
    if file["Name"].rpartition(".")[2].lower() in _FORBIDDEN:
        raise wrong(411, "This type of attachment is forbidden.")
    try:
        return file["Name"], b64decode(file["Content"], validate=True)
    except (binascii.Error, ValueError):
        raise wrong(300, "The content of an attachment is no Base64.") from None
