"""Addresses and header fields of a mail that comes as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from penstock.compose.headers import HeaderFault, field_line, split_mailbox
from penstock.intake.http_problem import RequestError
from penstock.model.address import Address, parse_address
from penstock.model.mail import Header

__all__ = ["extra_headers", "mailbox", "mailboxes"]

_MOST = 100
_OF_FIELDS = {
    "from": "from", "to": "to", "cc": "cc", "bcc": "bcc", "reply-to": "reply_to", "subject": "subject",
    "sender": "from", "return-path": "envelope_from", "errors-to": "envelope_from",
}  # fmt: skip
"""Header fields that a field of the request says."""
_SET_HERE = frozenset(
    [
        "date",
        "mime-version",
        "lines",
        "received",
        "delivered-to",
        "x-original-to",
        "apparently-to",
        "envelope-to",
        "dkim-signature",
        "domainkey-signature",
        "authentication-results",
        "received-spf",
        "disposition-notification-to",
        "return-receipt-to",
        "x-confirm-reading-to",
        "feedback-id",
        "list-id",
    ]
)
_SET_HERE_BEGINNINGS = ("content-", "x-penstock-", "list-unsubscribe", "resent-", "arc-", "x-received")
_MESSAGE_ID = re.compile(r"<[^\s<>@]{1,200}@[^\s<>@]{1,200}>")


def mailbox(given: str, where: str) -> tuple[str, str]:
    """How it stands in a header field, and the address in exact form. Raises RequestError 422."""
    name, written = split_mailbox(given.strip())
    parsed = parse_address(written)
    if not isinstance(parsed, Address):
        raise RequestError(422, f"is no address: {parsed.why}", where=where)
    name = _unquoted(name)
    shown = f"{name} <{parsed}>" if name else str(parsed)
    if isinstance(fault := field_line("To", shown), HeaderFault):
        raise RequestError(422, fault.what, where=where)
    return shown, str(parsed)


def mailboxes(given: Sequence[str], where: str) -> list[tuple[str, str]]:
    """Likewise, for each; the path of a fault names which."""
    return [mailbox(each, f"{where}[{place}]" if len(given) > 1 else where) for place, each in enumerate(given)]


def extra_headers(given: Mapping[str, str]) -> list[Header]:
    """Further fields in their order. Raises RequestError 422 for those that are Penstock's or the request's to say."""
    if len(given) > _MOST:
        raise RequestError(422, f"has more than {_MOST} fields", where="headers")
    seen: set[str] = set()
    for name, value in given.items():
        lowered, where = name.lower(), f"headers.{name[:60] if name.isprintable() else '?'}"
        if lowered in seen:
            raise RequestError(422, "stands there twice", where=where)
        seen.add(lowered)
        if field := _OF_FIELDS.get(lowered):
            raise RequestError(422, "is no extra field", where=where, mend=f"say it in `{field}`")
        if lowered in _SET_HERE or lowered.startswith(_SET_HERE_BEGINNINGS):
            raise RequestError(422, "is set by Penstock or by servers on the way", where=where, mend="leave it out")
        if lowered == "message-id" and not _MESSAGE_ID.fullmatch(value):
            raise RequestError(422, "is no message id such as <id@host>", where=where)
        if isinstance(fault := field_line(name, value), HeaderFault):
            raise RequestError(422, fault.what, where=where)
    return [*given.items()]


def _unquoted(name: str) -> str:
    """A display name without the quotes that it has in a header field (RFC 5322 section 3.2.4)."""
    if len(name) > 1 and name[0] == name[-1] == '"':
        return re.sub(r"\\(.)", r"\1", name[1:-1]).strip(" ")
    return name
