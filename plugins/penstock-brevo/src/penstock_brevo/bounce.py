"""What a bounce says of the mailbox: Brevo's word for it, and the codes in the other server's answer (RFC 5321 section
4.2, RFC 3463), which Brevo passes on as text.
"""

from __future__ import annotations

import re

from penstock.model.event import EventKind

__all__ = ["bounce"]

_REPLY = re.compile(r"(?<![0-9.])([245][0-9]{2})(?![0-9.])")
_STATUS = re.compile(r"(?<![0-9.])[245][0-9]{2}[ -]#?([245]\.[0-9]{1,3}\.[0-9]{1,3})(?![.0-9])")
"""Behind a reply code: elsewhere such numbers may be anything. Brevo puts words before, and may repeat the code."""
_ADDRESS_FAULTS_OF_THE_SENDER = frozenset({"5.1.5", "5.1.7", "5.1.8", "5.1.9"})
"""5.1.x that say nothing against the recipient's mailbox."""
_UNWANTED = re.compile(
    r"\b(spam|(black|block)[- ]?list(ed)?|blocked|polic(y|ies)|reputation|dmarc|spf|dkim|unauthenticated)\b",
    re.IGNORECASE,
)
"""Words of servers that give no status with them."""
_READ = 500


def bounce(name: str, reason: object) -> tuple[EventKind, dict[str, str]]:
    """The kind of a bounce and the code for it. In doubt it is soft: a hard bounce ends all mail to a person.

    Brevo calls every final refusal a hard bounce, those of its own reputation too. Hard is only what it calls so, with
    a status that says so (5.1.x of the recipient, 5.2.1) or without one, and with no code or word against it.
    """
    text = reason[:_READ] if isinstance(reason, str) else ""
    reply, status = _codes(text)
    kind = _kind(name == "hard_bounce", text, reply, status)
    return kind, {"status": found} if (found := status or reply) else {}


def _codes(text: str) -> tuple[str, str]:
    reply, status = _REPLY.search(text), _STATUS.search(text)
    return reply[1] if reply else "", status[1] if status else ""


def _kind(hard: bool, text: str, reply: str, status: str) -> EventKind:
    if status.startswith("5.7.") or (not status and _UNWANTED.search(text)):
        return EventKind.BOUNCED_POLICY
    if hard and (_gone(status) if status else not reply or reply.startswith("5")):
        return EventKind.BOUNCED_HARD
    return EventKind.BOUNCED_SOFT


def _gone(status: str) -> bool:
    return status == "5.2.1" or (status.startswith("5.1.") and status not in _ADDRESS_FAULTS_OF_THE_SENDER)
