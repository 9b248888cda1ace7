"""What a bounce says of the mailbox: SES's type and subtype, and the status codes of RFC 3463.

Source: the SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS", bounce types.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from penstock.model.event import EventKind

__all__ = ["bounce_kind", "bounce_words", "status_of"]

_TYPES = frozenset({"Permanent", "Transient", "Undetermined"})
_SUBTYPES: Mapping[str, EventKind | None] = {
    "AttachmentRejected": EventKind.BOUNCED_POLICY,
    "ContentRejected": EventKind.BOUNCED_POLICY,
    "CustomTimeoutExceeded": EventKind.BOUNCED_SOFT,
    "MailboxFull": EventKind.BOUNCED_SOFT,
    "MessageTooLarge": EventKind.BOUNCED_SOFT,
    # By SES's own lists and checks: the recipient's server was never asked.
    "EmailValidationSuppressed": EventKind.REJECTED,
    "OnAccountSuppressionList": EventKind.REJECTED,
    "OnTenantSuppressionList": EventKind.REJECTED,
    "Suppressed": EventKind.REJECTED,
    "UnsubscribedRecipient": EventKind.REJECTED,
    # These leave it to the status codes.
    "General": None,
    "NoEmail": None,
    "Undetermined": None,
}
_GONE = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""The recipient's mailbox or domain is not there, or does not take mail any more. Other 5.1.x do not say so: 5.1.0
says nothing, 5.1.4 that there are several, 5.1.7 and 5.1.8 speak of the sender."""
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
_DIAGNOSTIC = re.compile(r"(?:smtp; ?)?(?:\d{3}[ -])?[#(]{0,2}([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)", re.ASCII)
"""At its start: further on numbers may be anything, such as addresses of hosts."""
_READ = 200


def bounce_kind(bounce: Mapping[str, Any], recipient: Mapping[str, Any]) -> EventKind:
    """The kind for one of the bounced recipients. In doubt it is soft: a hard bounce ends all mail to a person."""
    subtype = _known(bounce.get("bounceSubType"), frozenset(_SUBTYPES))
    if (said := _SUBTYPES.get(subtype)) is not None:
        return said
    # x.0.0 is a status without a meaning: SES puts it where the server gave none.
    telling = {each for each in _statuses(recipient) if not each.endswith(".0.0")}
    if any(each.startswith("5.7.") for each in telling):
        return EventKind.BOUNCED_POLICY
    gone = telling <= _GONE if telling else subtype == "NoEmail"
    # A subtype that is not known here may be one more list of SES's own.
    hard = gone and subtype and bounce.get("bounceType") == "Permanent"
    return EventKind.BOUNCED_HARD if hard else EventKind.BOUNCED_SOFT


def bounce_words(bounce: Mapping[str, Any], recipient: Mapping[str, Any]) -> dict[str, str]:
    """SES's names and the status; nothing of what servers wrote."""
    words = {
        "type": _known(bounce.get("bounceType"), _TYPES),
        "subtype": _known(bounce.get("bounceSubType"), frozenset(_SUBTYPES)),
        "status": status_of(recipient),
    }
    return {name: word for name, word in words.items() if word}


def status_of(recipient: Mapping[str, Any]) -> str:
    """The status code, the more telling of the two that may be there; empty where there is none."""
    return min(_statuses(recipient), key=lambda each: each.endswith(".0.0"), default="")


def _statuses(recipient: Mapping[str, Any]) -> list[str]:
    """That of the report and the one at the start of the diagnostics."""
    status, said = recipient.get("status"), recipient.get("diagnosticCode")
    found = [status] if isinstance(status, str) and _STATUS.fullmatch(status) else []
    if isinstance(said, str) and (match := _DIAGNOSTIC.match(said[:_READ])):
        found.append(match[1])
    return found


def _known(word: object, words: frozenset[str]) -> str:
    return word if isinstance(word, str) and word in words else ""
