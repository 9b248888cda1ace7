"""What a bounce says of the mailbox: Resend's classification (WebhookEventBounce of resend-openapi 1.5.0), which it has
from Amazon SES, and the status codes of RFC 3463 in the diagnostics.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from typing import Any

from penstock.model.event import EventKind

__all__ = ["bounce"]

_TYPES = frozenset({"Permanent", "Transient", "Undetermined"})
_SUBTYPES: Mapping[str, EventKind | None] = {
    "AttachmentRejected": EventKind.BOUNCED_POLICY,
    "ContentRejected": EventKind.BOUNCED_POLICY,
    "MailboxFull": EventKind.BOUNCED_SOFT,
    "MessageTooLarge": EventKind.BOUNCED_SOFT,
    # Of Resend's own list: the recipient's server was never asked.
    "OnAccountSuppressionList": EventKind.REJECTED,
    "Suppressed": EventKind.REJECTED,
    # These leave it to the status code.
    "General": None,
    "NoEmail": None,
    "Undetermined": None,
}
_STATUS = re.compile(r"(?:smtp; ?)?(?:[0-9]{3}[ -])?[#(]{0,2}([245]\.[0-9]{1,3}\.[0-9]{1,3})(?!\.?[0-9])")
"""At the start of a diagnostic: further on, numbers may be anything, such as addresses of hosts."""
_ADDRESS_FAULTS_OF_THE_SENDER = frozenset({"5.1.5", "5.1.7", "5.1.8", "5.1.9"})
"""5.1.x that say nothing against the recipient's mailbox."""
_READ = 200


def bounce(data: Mapping[str, Any]) -> tuple[EventKind, dict[str, str]]:
    """The kind of a bounce and Resend's words for it. In doubt it is soft: a hard bounce ends all mail to a person.

    Hard is only what is permanent, is not about the content and has a status that says so (5.1.x of the recipient,
    5.2.1), or has no status and the subtype NoEmail.
    """
    told = data.get("bounce")
    told = told if isinstance(told, dict) else {}
    kind, subtype = _known(told.get("type"), _TYPES), _known(told.get("subType"), _SUBTYPES)
    status = _status(told.get("diagnosticCode"))
    words = {"type": kind, "subtype": subtype, "status": status}
    return _kind(kind, subtype, status), {name: word for name, word in words.items() if word}


def _known(word: object, words: Container[str]) -> str:
    return word if isinstance(word, str) and word in words else ""


def _kind(kind: str, subtype: str, status: str) -> EventKind:
    if (said := _SUBTYPES.get(subtype)) is not None:
        return said
    if status.startswith("5.7."):
        return EventKind.BOUNCED_POLICY
    if kind == "Permanent" and (_gone(status) or (not status and subtype == "NoEmail")):
        return EventKind.BOUNCED_HARD
    return EventKind.BOUNCED_SOFT


def _gone(status: str) -> bool:
    return status == "5.2.1" or (status.startswith("5.1.") and status not in _ADDRESS_FAULTS_OF_THE_SENDER)


def _status(diagnostics: object) -> str:
    """The status in the diagnostics, one for each recipient: of several the one that says least against a mailbox."""
    if not isinstance(diagnostics, list):
        return ""
    found = {match[1] for each in diagnostics if isinstance(each, str) and (match := _STATUS.match(each[:_READ]))}
    return min(sorted(found), key=_gone, default="")
