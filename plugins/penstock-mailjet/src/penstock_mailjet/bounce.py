"""Hard, soft or policy: what Mailjet's bounce says, by its error, whether it was permanent, and the status code.

Sources: mailjet/api-documentation (guides, Event API, possible values for errors); django-anymail's notes on older
errors; RFC 3463, RFC 7505.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from penstock.model.event import EventKind

__all__ = ["ERRORS", "bounce"]

ERRORS: Mapping[str, EventKind] = {
    "user unknown": EventKind.BOUNCED_HARD,
    "mailbox inactive": EventKind.BOUNCED_HARD,
    "quota exceeded": EventKind.BOUNCED_SOFT,
    "blacklisted": EventKind.REJECTED,
    "spam reporter": EventKind.REJECTED,
    "invalid domain": EventKind.BOUNCED_HARD,
    "no mail host": EventKind.BOUNCED_SOFT,
    "relay/access denied": EventKind.BOUNCED_POLICY,
    "greylisted": EventKind.DEFERRED,
    "typofix": EventKind.REJECTED,
    "sender blocked": EventKind.BOUNCED_POLICY,
    "content blocked": EventKind.BOUNCED_POLICY,
    "policy issue": EventKind.BOUNCED_POLICY,
    "system issue": EventKind.BOUNCED_SOFT,
    "protocol issue": EventKind.BOUNCED_SOFT,
    "connection issue": EventKind.BOUNCED_SOFT,
    "preblocked": EventKind.REJECTED,
    "duplicate in campaign": EventKind.REJECTED,
}
"""Mailjet's errors; hard only where `hard_bounce` says so too, deferred only where it does not. "No mail host" is a
domain that does not answer: that may pass."""
_RELATED = frozenset({"recipient", "domain", "content", "spam", "system", "mailjet"})
_NO_MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""No such mailbox or domain, no address at all, moved, takes no mail (RFC 7505), disabled."""
_ABOUT_SENDER = frozenset({"5.1.7", "5.1.8"})
_SAYS_NOTHING = frozenset({"", "5.0.0", "5.1.0", "5.5.0"})
_MOST_OF_A_COMMENT = 1_000
_STATUS = re.compile(r"(?<![\d.])[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
"""An enhanced status code behind the reply it belongs to: other numbers with dots may be addresses."""


def bounce(told: Mapping[str, Any]) -> tuple[EventKind, dict[str, str]]:
    """What became of the mail and Mailjet's words for it: names and codes only. In doubt it is soft."""
    error = _known(told.get("error"), ERRORS)
    status = _status(told.get("comment"))
    permanent = told.get("hard_bounce")
    words = {
        "error_related_to": _known(told.get("error_related_to"), _RELATED),
        "error": error,
        "hard_bounce": str(permanent).lower() if isinstance(permanent, bool) else "",
        "status": status,
    }
    return _kind(error, status, permanent=permanent is True), words


def _kind(error: str, status: str, *, permanent: bool) -> EventKind:
    kind = ERRORS.get(error, EventKind.BOUNCED_SOFT)
    if kind is EventKind.REJECTED:
        return kind
    if kind is EventKind.DEFERRED:
        return EventKind.BOUNCED_SOFT if permanent else kind
    if status.startswith("5.7.") or status in _ABOUT_SENDER:
        return EventKind.BOUNCED_POLICY
    if kind is EventKind.BOUNCED_HARD and not (permanent and status in _NO_MAILBOX | _SAYS_NOTHING):
        return EventKind.BOUNCED_SOFT
    return kind


def _known(written: object, words: Mapping[str, EventKind] | frozenset[str]) -> str:
    word = written.strip().lower() if isinstance(written, str) else ""
    return word if word in words else ""


def _status(comment: object) -> str:
    """The last one of the comment: what the recipient's server said in the end."""
    found = _STATUS.findall(comment[:_MOST_OF_A_COMMENT]) if isinstance(comment, str) else []
    return found[-1] if found else ""
