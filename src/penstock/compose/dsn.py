"""Delivery status notifications: what a client hears of a mail that it handed in (RFC 3461, RFC 3464, RFC 6522)."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from enum import StrEnum
from typing import Literal

from penstock.compose.headers import HeaderFault, field_line
from penstock.compose.mime import BodyFault, MimeWriter
from penstock.compose.returned_content import returned_content
from penstock.model.mail import Letter

__all__ = ["Action", "DeliveryReport", "must_not_answer", "write_dsn"]

_LINE = 900
"""The longest value of a status field; what is longer was made up and is left out."""
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UNICODE = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_ORIGINAL = re.compile(r"(?P<type>[A-Za-z0-9-]{1,40});(?P<text>.+)")
_REPLY = re.compile(r"[245]\d\d(?: [245]\.\d{1,3}\.\d{1,3})?", re.ASCII)
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
_CODE = re.compile(r"[A-Z0-9_]{1,40}")

_HEAD = rb"(?im)^%s[ \t]*:(?:[ \t]|\r\n[ \t])*(?P<word>[!-:<-~]*)"
_AUTO_SUBMITTED = re.compile(_HEAD % b"auto-submitted")
_PRECEDENCE = re.compile(_HEAD % b"precedence")
_TYPE = re.compile(_HEAD % b"content-type")
_OF_PEOPLE_OR_PROGRAMS = frozenset({b"", b"no", b"auto-generated"})
_TO_MANY = frozenset({b"bulk", b"junk", b"list"})


class Action(StrEnum):
    """What became of the mail (RFC 3464 section 2.3.3). `delivered` is never said: we hand on, others deliver."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"


_CLASS = {Action.FAILED: "5", Action.DELAYED: "4", Action.RELAYED: "2"}
_SUBJECT = {
    Action.FAILED: "Undelivered mail: delivery status notification",
    Action.DELAYED: "Delayed mail: delivery status notification",
    Action.RELAYED: "Relayed mail: delivery status notification",
}
_WHAT = {
    Action.FAILED: "Your message could not be delivered to the recipient below. It will not be tried again.",
    Action.DELAYED: "Your message has not been delivered to the recipient below yet. It is still waiting here, and\n"
    "you need not send it again.",
    Action.RELAYED: "Your message was handed on to the next system on the way to the recipient below. Whether that\n"
    "system reports on what becomes of it is not known here.",
}


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What is said of one mail to one recipient.

    `sender` is MAIL FROM, to whom the report goes. `status` is RFC 3463's, empty where none is known. `reply` are reply
    code and status of the next hop, `code` a reason code of ours, both empty where nothing of it may be told.
    `original_recipient` (ORCPT) and `envelope_id` (ENVID) are as the client gave them, in xtext. `returned` is RET,
    `original` the first FULL_BELOW octets of the mail as handed in.
    """

    action: Action
    sender: str
    recipient: str
    arrived: datetime
    at: datetime
    original: bytes = field(default=b"", repr=False)
    status: str = ""
    reply: str = ""
    code: str = ""
    attempted: datetime | None = None
    retried_until: datetime | None = None
    original_recipient: str = ""
    envelope_id: str = ""
    returned: Literal["", "FULL", "HDRS"] = ""


def must_not_answer(head: bytes) -> bool:
    """Whether this message asks for no automatic answer (RFC 3834 section 2): an answer, a report or mail to many.

    `head` is the beginning of a message with at least its header section. Mail of a program that answers nothing
    (`auto-generated`, such as a bill) may be reported on.
    """
    end = head.find(b"\r\n\r\n")
    head = head if end < 0 else head[: end + 2]
    submitted, precedence, kind = (each.search(head) for each in (_AUTO_SUBMITTED, _PRECEDENCE, _TYPE))
    return (
        (submitted is not None and submitted["word"].lower() not in _OF_PEOPLE_OR_PROGRAMS)
        or (precedence is not None and precedence["word"].lower() in _TO_MANY)
        or (kind is not None and kind["word"].lower() == b"multipart/report")
    )


def write_dsn(report: DeliveryReport, *, name: str, mail_id: str) -> bytes | HeaderFault | BodyFault:
    """The finished message with CRLF line ends; the same report and id always give the same octets.

    `name` is the host name of this relay, `mail_id` the id of the notification itself. All is ASCII but To, where the
    client's own address is not (RFC 6531). Of the mail itself goes back what RET asks, see `returned_content`.
    """
    text = MimeWriter().serialise(Letter((), _words(report, name), None, "en", ""), boundary="=_")
    if not isinstance(text, bytes):
        return text
    parts = [text.removesuffix(b"\r\n"), _status_part(report, name)]
    full = report.returned == "FULL" and report.action is Action.FAILED
    if report.original and (content := returned_content(report.original, full=full)):
        parts.append(content)
    boundary = f"=_{mail_id}"
    while any(boundary.encode() in part for part in parts):
        boundary += "_"
    head = _head(report, name, mail_id)
    if isinstance(head, HeaderFault):
        return head
    mark = f"--{boundary}".encode()
    kind = f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"\r\n\r\n'
    between = b"\r\n" + mark + b"\r\n"
    return b"".join([head, kind.encode(), mark, b"\r\n", between.join(parts), b"\r\n", mark, b"--\r\n"])


def _head(report: DeliveryReport, name: str, mail_id: str) -> bytes | HeaderFault:
    fields = (
        ("From", f"Mail Delivery System <mailer-daemon@{name}>"),
        ("To", f"<{report.sender}>"),
        ("Subject", _SUBJECT[report.action]),
        ("Date", format_datetime(report.at)),
        ("Message-ID", f"<{mail_id}@{name}>"),
        ("Auto-Submitted", "auto-replied"),
        ("MIME-Version", "1.0"),
    )
    lines = []
    for header, value in fields:
        line = field_line(header, value)
        if isinstance(line, HeaderFault):
            return line
        lines.append(line)
    return "".join(lines).encode()


def _words(report: DeliveryReport, name: str) -> str:
    said = []
    if _CODE.fullmatch(report.code):
        said.append(f"Reason: {report.code}")
    if _REPLY.fullmatch(report.reply):
        said.append(f"The next system answered: {report.reply}")
    if report.action is Action.DELAYED and report.retried_until is not None:
        said.append(f"It is given up on {format_datetime(report.retried_until)}.")
    paragraphs = [
        f"This is the mail relay at {name}.",
        _WHAT[report.action],
        f"    {_plain(report.recipient)}",
        *said,
        "What follows is for programs, and names the message that this is about.",
    ]
    return "\n\n".join(paragraphs) + "\n"


def _status_part(report: DeliveryReport, name: str) -> bytes:
    """The fields for the message, an empty line, the fields for its one recipient (RFC 3464 section 2.1)."""
    envelope_id = _unxtext(report.envelope_id)
    message = [("Reporting-MTA", f"dns; {name}")]
    if envelope_id.isascii():
        message.insert(0, ("Original-Envelope-Id", envelope_id))
    message.append(("Arrival-Date", format_datetime(report.arrived)))
    # What failed in the end may have failed for now when it was last tried: the class goes with the action.
    status = _CLASS[report.action] + (report.status[1:] if _STATUS.fullmatch(report.status) else ".0.0")
    attempted, until = report.attempted, report.retried_until
    recipient = [
        ("Original-Recipient", _original(report.original_recipient)),
        ("Final-Recipient", _typed(_plain(report.recipient))),
        ("Action", report.action.value),
        ("Status", status),
        ("Diagnostic-Code", f"smtp; {report.reply}" if _REPLY.fullmatch(report.reply) else ""),
        ("Last-Attempt-Date", "" if attempted is None else format_datetime(attempted)),
        ("Will-Retry-Until", format_datetime(until) if until and report.action is Action.DELAYED else ""),
    ]
    groups = [[f"{key}: {value}" for key, value in group if value] for group in (message, recipient)]
    text = "\r\n\r\n".join("\r\n".join(group) for group in groups) + "\r\n"
    if text.isascii():
        return b"Content-Type: message/delivery-status\r\n\r\n" + text.encode()
    # RFC 6533 section 3 lets this one be encoded, so that the whole stays ASCII.
    lines = [binascii.b2a_qp(line.encode()).replace(b"\n", b"\r\n") for line in text.split("\r\n")]
    kind = b"Content-Type: message/global-delivery-status\r\n"
    return kind + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"\r\n".join(lines)


def _original(given: str) -> str:
    """ORCPT as a field's value (RFC 3461 section 4.2, RFC 6533 section 3); empty where it cannot be read."""
    seen = _ORIGINAL.fullmatch(given)
    if seen is None:
        return ""
    text = _unxtext(seen["text"])
    if seen["type"].lower() in {"rfc822", "utf-8"}:
        text = _plain(_UNICODE.sub(_character, text) if seen["type"].lower() == "utf-8" else text)
        return _typed(text) if text else ""
    return f"{seen['type']}; {text}" if text and text.isascii() else ""


def _character(seen: re.Match[str]) -> str:
    number = int(seen[1], 16)
    # A surrogate or a number beyond the last character is left as it was written.
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else seen[0]


def _typed(address: str) -> str:
    return f"rfc822; {address}" if address.isascii() else f"utf-8; {address}"


def _unxtext(given: str) -> str:
    """The text behind xtext (RFC 3461 section 4); empty where it could end its field or is no text."""
    # One octet per +HH, and only those together are characters.
    octets = _XTEXT.sub(lambda seen: chr(int(seen[1], 16)), given)
    try:
        return _plain(octets.encode("latin-1").decode("utf-8"))
    except UnicodeError:
        return _plain(given)


def _plain(text: str) -> str:
    """The text, or nothing where it holds a control character, a line end or half a character, or is too long."""
    return text if text.isprintable() and len(text.encode("utf-8", "replace")) <= _LINE else ""
