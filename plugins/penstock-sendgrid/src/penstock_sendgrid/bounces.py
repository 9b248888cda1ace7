"""Hard, soft or policy: what SendGrid's bounce event says, by its classification, type and enhanced status code.

Source: the pages "Event Webhook Reference" and "Bounce and block classifications" of SendGrid, and RFC 3463.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from penstock.model.event import EventKind

__all__ = ["bounce", "classification", "status"]

_CLASSES: Mapping[str, str] = {
    "invalid": "invalid",
    "invalid address": "invalid",
    "mailbox unavailable": "mailbox unavailable",
    "content": "content",
    "reputation": "reputation",
    "frequency or volume": "frequency",
    "frequency or volume too high": "frequency",
    "frequency/volume": "frequency",
    "technical": "technical",
    "technical failure": "technical",
    "unclassified": "unclassified",
}
"""What stands in `bounce_classification`, in lower case → the class."""
_UNWANTED = frozenset({"content", "reputation"})
_NO_MAILBOX = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""No such mailbox or domain, no address at all, moved, takes no mail (RFC 7505), disabled."""
_ABOUT_SENDER = frozenset({"5.1.7", "5.1.8"})
"""The sender's address is found wrong: nothing is said of the recipient."""
_SAYS_NOTHING = frozenset({"", "5.0.0", "5.5.0", "5.1.0"})
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_IN_REASON = re.compile(r"\s{0,4}[245]\d\d[ -]([245]\.\d{1,3}\.\d{1,3})(?![\d.])")


def classification(written: object) -> str:
    """The class of `bounce_classification`; empty for none and for a word that is not known."""
    return _CLASSES.get(written.strip().lower(), "") if isinstance(written, str) else ""


def status(written: object, reason: object) -> str:
    """The enhanced status code (RFC 3463): the field `status`, else what `reason` begins with; else empty."""
    if isinstance(written, str) and _STATUS.fullmatch(written.strip()):
        return written.strip()
    found = _IN_REASON.match(reason) if isinstance(reason, str) else None
    return found[1] if found else ""


def bounce(code: str, group: str, kind: str) -> EventKind:
    """What became of the mail, from status code, class and `type` (bounce, blocked).

    Hard only where nothing speaks against it: it ends all mail to a person. In doubt it is soft.
    """
    if group in _UNWANTED or code.startswith("5.7.") or code in _ABOUT_SENDER:
        return EventKind.BOUNCED_POLICY
    if code.startswith("4."):
        return EventKind.BOUNCED_SOFT
    if group == "frequency":
        return EventKind.BOUNCED_POLICY
    if kind == "blocked":
        # Older settings send no class; then "blocked" is all there is, unless the code tells of the mailbox.
        of_mailbox = code in _NO_MAILBOX or code.startswith("5.2.")
        return EventKind.BOUNCED_SOFT if group or of_mailbox else EventKind.BOUNCED_POLICY
    # "Mailbox unavailable" covers full ones too: alone it proves nothing.
    by_code = code in _NO_MAILBOX and group in {"", "invalid", "mailbox unavailable", "unclassified"}
    by_group = group == "invalid" and code in _SAYS_NOTHING
    return EventKind.BOUNCED_HARD if by_code or by_group else EventKind.BOUNCED_SOFT
