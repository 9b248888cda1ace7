"""A mail that an ESP took as bytes, as its recipient gets it: for fakes of ESPs that pass on what they are given."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Sequence
from email.message import EmailMessage, Message
from typing import Any

from penstock.testing.esp import Arrived, Refused

__all__ = ["arrived_as_bytes"]


def arrived_as_bytes(raw: bytes, recipient: str, *, mail_id: str, tracking: bool) -> Arrived:
    """What the standard library reads in the bytes (RFC 5322, RFC 2045). Raises Refused for no message with a From."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    if message.defects or "from" not in message:
        raise Refused("no MIME message with a From")
    headers = {name.lower(): str(value) for name, value in message.items()}
    parts: Sequence[Message[Any, Any]] = [part for part in message.walk() if part.get_filename()]
    return Arrived(
        sender=headers["from"],
        recipient=recipient,
        subject=headers.get("subject", ""),
        text=_body(message, "plain") or "",
        html=_body(message, "html"),
        headers=headers,
        reply_to=headers.get("reply-to", ""),
        mail_id=mail_id,
        attachments=tuple((str(part.get_filename()), bytes(part.get_payload(decode=True) or b"")) for part in parts),
        tracking=tracking,
        raw=raw,
    )


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else None
