"""What a recipient gets of a request to Mailgun."""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Sequence
from email.message import EmailMessage, Message
from typing import Any

from penstock.testing.esp import Arrived, Refused
from penstock.testing.esps.mailgun_fields import Sent

__all__ = ["arrived_from_fields", "arrived_from_mime"]

_VARIABLE = re.compile(r"%recipient(?:\.([A-Za-z0-9_-]+))?%")
_UNSUBSCRIBE = re.compile(r"%(?:tag_|mailing_list_)?unsubscribe_(?:url|email)%")
_OFF = frozenset({"no", "false"})


def arrived_from_fields(sent: Sent, message_id: str, *, footers: bool) -> list[Arrived]:
    """One mail for each recipient, built from fields; `footers` when Mailgun adds its unsubscribe link."""
    to = ", ".join(sent.texts["to"])
    files = tuple(file for name in ("attachment", "inline") for file in sent.files.get(name, ()))
    found = []
    for recipient in sent.recipients:
        extra = {name.lower(): _filled(sent, value, recipient) for name, value in sent.named("h:").items()}
        # Whoever has variables is written to alone; without them all see each other.
        shown = recipient if recipient in sent.variables else to
        subject = _filled(sent, sent.one("subject"), recipient)
        headers = {"from": sent.one("from"), "to": shown, "subject": subject, "message-id": message_id, **extra}
        text = _filled(sent, sent.one("text"), recipient)
        html = _filled(sent, sent.one("html"), recipient) if "html" in sent.texts else None
        found.append(
            Arrived(
                sender=sent.one("from"),
                recipient=recipient,
                subject=subject,
                text=text,
                html=html,
                headers=headers,
                reply_to=headers.get("reply-to", ""),
                mail_id=_mail_id(sent, recipient, headers),
                attachments=files,
                tracking=_tracks(sent, text + (html or ""), footers=footers),
            )
        )
    return found


def arrived_from_mime(sent: Sent, message_id: str, *, footers: bool) -> list[Arrived]:
    """One mail for each recipient, of the bytes as they are but for recipient variables. Raises Refused."""
    ((_, data),) = sent.files["message"]
    found = []
    for recipient in sent.recipients:
        raw = _filled(sent, data.decode("latin-1"), recipient).encode("latin-1", "replace")
        message = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        if message.defects or "from" not in message:
            raise Refused("message is no MIME message with a From")
        headers = {name.lower(): str(value) for name, value in message.items()}
        headers |= {name.lower(): value for name, value in sent.named("h:").items()}
        headers.setdefault("message-id", message_id)
        text, html = _body(message, "plain"), _body(message, "html")
        found.append(
            Arrived(
                sender=headers["from"],
                recipient=recipient,
                subject=headers.get("subject", ""),
                text=text or "",
                html=html,
                headers=headers,
                reply_to=headers.get("reply-to", ""),
                mail_id=_mail_id(sent, recipient, headers),
                attachments=_attachments(message),
                tracking=_tracks(sent, (text or "") + (html or ""), footers=footers),
                raw=raw,
            )
        )
    return found


def _filled(sent: Sent, text: str, recipient: str) -> str:
    """Recipient variables in place; a name that nobody gave stays as it is written."""
    if recipient not in sent.variables:
        return text
    own = sent.variables[recipient]

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return recipient
        return str(own[match[1]]) if match[1] in own else match[0]

    return _VARIABLE.sub(value, text)


def _mail_id(sent: Sent, recipient: str, headers: dict[str, str]) -> str:
    """The custom variable that names the mail: the one with `id` in its name, else the only one."""
    variables: dict[str, Any] = {}
    try:
        known = json.loads(headers.get("x-mailgun-variables", "{}"))
        variables |= known if isinstance(known, dict) else {}
    except ValueError as fault:
        raise Refused("X-Mailgun-Variables is no JSON") from fault
    variables |= {name: _filled(sent, value, recipient) for name, value in sent.named("v:").items()}
    named = [str(value) for name, value in variables.items() if "id" in name.lower()]
    return named[0] if named else "".join(map(str, variables.values())) if len(variables) == 1 else ""


def _tracks(sent: Sent, body: str, *, footers: bool) -> bool:
    """Opens and clicks unless the request says no; its own unsubscribe link where text or domain ask for it."""
    both = sent.one("o:tracking")
    on = any((sent.one(name) or both) not in _OFF for name in ("o:tracking-opens", "o:tracking-clicks"))
    return on or footers or _UNSUBSCRIBE.search(body) is not None


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return str(part.get_content()) if isinstance(part, EmailMessage) else None


def _attachments(message: EmailMessage) -> tuple[tuple[str, bytes], ...]:
    parts: Sequence[Message[Any, Any]] = [part for part in message.walk() if part.get_filename()]
    return tuple((str(part.get_filename()), bytes(part.get_payload(decode=True) or b"")) for part in parts)
