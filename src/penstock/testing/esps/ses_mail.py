"""What a recipient gets of a mail that Amazon SES was given, and what SES finds wrong with it."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any

from penstock.testing.esp import Arrived, Refused

__all__ = ["Parts", "from_raw", "from_simple", "from_template", "mailbox", "mailboxes", "tags", "variables"]

_REPLACED = frozenset({"message-id", "date"})
"""Headers of which SES makes its own."""
_MOST_OCTETS = 40 << 20
_MOST_OF_A_LINE = 1000
_GONE = frozenset({"bcc", "return-path"})
"""Headers that no recipient sees; so are all that begin with x-ses-, which are orders to SES."""
_CONTENT = (
    "alternative",
    "base",
    "class",
    "description",
    "disposition",
    "duration",
    "id",
    "language",
    "length",
    "location",
    "md5",
    "transfer-encoding",
    "type",
)
_LIST = ("archive", "help", "id", "owner", "post", "subscribe", "unsubscribe", "unsubscribe-post")
_ONCE = frozenset(
    {"accept-language", "acceptlanguage", "archived-at", "auto-submitted", "bounces-to", "comments"}
    | {"date", "delivered-to", "disposition-notification-options", "disposition-notification-to"}
    | {"dkim-signature", "domainkey-signature", "errors-to", "from", "importance", "in-reply-to"}
    | {"keywords", "message-context", "message-id", "mime-version", "organization", "original-from"}
    | {"original-message-id", "original-recipient", "original-subject", "precedence", "priority"}
    | {"references", "reply-to", "return-path", "return-receipt-to", "sender", "sensitivity"}
    | {"solicitation", "subject", "thread-index", "thread-topic", "user-agent", "vbr-info"}
    | {f"content-{each}" for each in _CONTENT}
    | {f"list-{each}" for each in _LIST}
)
"""Headers that may not stand twice (developer guide, header fields)."""
_OWN = frozenset(
    {"bcc", "cc", "content-disposition", "content-type", "date", "from", "message-id", "mime-version", "reply-to"}
    | {"return-path", "subject", "to"}
)
"""Headers that cannot be set beside simple content."""
_ADDRESS = re.compile(r"(?!\.)[^@\s<>()\[\],;:\\\"]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}")
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_VARIABLE = re.compile(r"\{\{\{?\s*([A-Za-z0-9_.-]+)\s*\}?\}\}")


@dataclass(frozen=True, slots=True)
class Parts:
    """A mail before it has recipients. `orders` are its x-ses- headers, `written` the addresses that it names."""

    sender: str
    subject: str
    text: str
    html: str | None
    headers: Mapping[str, str]
    reply_to: str = ""
    attachments: tuple[tuple[str, bytes], ...] = ()
    orders: Mapping[str, str] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    raw: bytes | None = None

    def arrived(self, recipient: str, own: Mapping[str, str], mail_id: str, *, tracking: bool) -> Arrived:
        """The mail to one recipient, with SES's own Message-ID and Date."""
        raw = None if self.raw is None else "".join(f"{k}: {v}\r\n" for k, v in own.items()).encode() + self.raw
        headers = {**self.headers, **{name.lower(): value for name, value in own.items()}}
        return Arrived(
            sender=self.sender,
            recipient=recipient,
            subject=self.subject,
            text=self.text,
            html=self.html,
            headers=headers,
            reply_to=self.reply_to,
            mail_id=mail_id,
            attachments=self.attachments,
            tracking=tracking,
            raw=raw,
        )


def mailbox(written: str) -> str:
    """The address of one mailbox, `Name <address>` or alone. Raises Refused."""
    found = getaddresses([written])
    if not written.isascii() or len(found) != 1 or not _ADDRESS.fullmatch(found[0][1]):
        raise Refused("BadRequestException: Illegal address")
    return found[0][1]


def mailboxes(destination: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All addresses of a Destination, in order, each once. Raises Refused."""
    written = [each for name in ("ToAddresses", "CcAddresses", "BccAddresses") for each in destination.get(name) or ()]
    return tuple(dict.fromkeys(map(mailbox, written)))


def tags(*lists: Sequence[Mapping[str, str]] | None, header: str = "") -> dict[str, str]:
    """Tags by name, of members and of the header X-SES-MESSAGE-TAGS; the last list wins. Raises Refused."""
    found = dict(part.strip().partition("=")[::2] for part in header.split(",") if part.strip())
    found |= {tag["Name"]: tag["Value"] for each in lists for tag in each or ()}
    for name, value in found.items():
        if not (_TAG.fullmatch(name) and _TAG.fullmatch(value)):
            raise Refused(
                "BadRequestException: Invalid tag: only alphanumeric ASCII characters, '_' and '-' are taken."
            )
    return found


def from_raw(data: bytes) -> Parts:
    """Of finished bytes. Raises Refused for what is no message, a long line and a header that stands twice."""
    if len(data) > _MOST_OCTETS:
        raise Refused(f"MessageRejected: Message length is more than {_MOST_OCTETS} bytes long: '{len(data)}'.")
    if max(map(len, data.splitlines(keepends=True)), default=0) > _MOST_OF_A_LINE:
        raise Refused(f"BadRequestException: A line is longer than {_MOST_OF_A_LINE} characters.")
    head, blank, body = (
        re.split(rb"(\r?\n\r?\n)", data, maxsplit=1) if re.search(rb"\r?\n\r?\n", data) else (data, b"", b"")
    )
    if not blank:
        raise Refused("BadRequestException: The message has no blank line between header and body.")
    fields = [(each.partition(b":")[0].decode("latin-1").lower(), each) for each in re.split(rb"\r?\n(?![ \t])", head)]
    names = [name for name, _ in fields]
    if twice := sorted(name for name in set(names) & _ONCE if names.count(name) > 1):
        raise Refused(f"BadRequestException: Duplicate header '{twice[0]}'.")
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    if message.defects or not message.get("from"):
        raise Refused("BadRequestException: The message is no MIME message with a From.")
    whole = {name.lower(): str(value) for name, value in message.items()}
    kept = [line for name, line in fields if name not in _REPLACED | _GONE and not name.startswith("x-ses-")]
    written = getaddresses([whole.get(name, "") for name in ("to", "cc", "bcc")])
    return Parts(
        sender=whole["from"],
        subject=whole.get("subject", ""),
        text=_body(message, "plain") or "",
        html=_body(message, "html"),
        headers={k: v for k, v in whole.items() if k not in _GONE and not k.startswith("x-ses-")},
        reply_to=whole.get("reply-to", ""),
        attachments=_files(message),
        orders={name: value for name, value in whole.items() if name.startswith("x-ses-")},
        written=tuple(dict.fromkeys(address for _, address in written if address)),
        raw=b"\r\n".join(kept) + blank + body,
    )


def from_simple(simple: Mapping[str, Any], sender: str, reply_to: Sequence[str]) -> Parts:
    """Of subject, bodies, headers and attachments. Raises Refused."""
    body = simple["Body"]
    if not (body.get("Text") or body.get("Html")):
        raise Refused("BadRequestException: Body must have Text or Html.")
    html = _part(body["Html"]) if body.get("Html") else None
    return _of_members(simple, sender, reply_to, _part(simple["Subject"]), _part(body.get("Text")), html)


def from_template(template: Mapping[str, Any], data: Mapping[str, Any], sender: str, reply_to: Sequence[str]) -> Parts:
    """Of a template that stands in the request, filled. Raises Refused; no template is known by name."""
    content = template.get("TemplateContent")
    if content is None:
        raise Refused("NotFoundException: Template does not exist.", 404)
    if not content.get("Subject") or not (content.get("Text") or content.get("Html")):
        raise Refused("BadRequestException: TemplateContent needs a subject and a body.")
    html = _filled(content["Html"], data) if content.get("Html") else None
    text = _filled(content.get("Text") or "", data)
    return _of_members(template, sender, reply_to, _filled(content["Subject"], data), text, html)


def variables(written: str | None) -> dict[str, Any]:
    """Template data, which is JSON in a string. Raises Refused."""
    try:
        found = json.loads(written or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused("BadRequestException: Template data must be a JSON object.")
    return found


def _of_members(
    content: Mapping[str, Any], sender: str, reply_to: Sequence[str], subject: str, text: str, html: str | None
) -> Parts:
    headers: dict[str, str] = {}
    for each in content.get("Headers") or ():
        lowered = each["Name"].lower()
        if lowered in _OWN or lowered in headers:
            raise Refused(f"BadRequestException: Header '{each['Name']}' is not allowed or stands twice.")
        headers[lowered] = each["Value"]
    answers = ", ".join(reply_to)
    files = tuple((each["FileName"], base64.b64decode(each["RawContent"])) for each in content.get("Attachments") or ())
    headers |= {"from": sender, "subject": subject} | ({"reply-to": answers} if answers else {})
    return Parts(sender, subject, text, html, headers, answers, files)


def _part(part: Mapping[str, str] | None) -> str:
    """Without a charset only ASCII is carried."""
    if part is None:
        return ""
    return part["Data"].encode(part.get("Charset") or "ascii", "replace").decode(part.get("Charset") or "ascii")


def _filled(text: str, data: Mapping[str, Any]) -> str:
    return _VARIABLE.sub(lambda match: str(data.get(match[1], "")), text)


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else None


def _files(message: EmailMessage) -> tuple[tuple[str, bytes], ...]:
    parts = [part for part in message.walk() if part.get_filename()]
    found = ((str(part.get_filename()), part.get_payload(decode=True)) for part in parts)
    return tuple((name, data if isinstance(data, bytes) else b"") for name, data in found)
