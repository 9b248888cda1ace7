"""Ready-made messages that a program which embeds us hands over: saved before the receipt is given."""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
from dataclasses import dataclass
from email.message import EmailMessage

from penstock.acceptance.accepting import Accepting
from penstock.errors import InvalidInput, StoreUnavailable
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Stream
from penstock.model.routing import from_address
from penstock.ports import Client, Recipient, Refusal, RefusalKind, Submission

__all__ = ["Receipt", "submit"]

_BARE_LINE_END = re.compile(rb"\r\n|\r|\n")
_EMBEDDED = Client("", frozenset(Stream))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is durably saved: one mail id per recipient, in the order To, Cc, Bcc."""

    mail_ids: tuple[str, ...]
    stream: Stream


async def submit(
    accepting: Accepting, message: EmailMessage | bytes, stream: str, *, controller: str | None, campaign: str
) -> Receipt:
    """Save the message for each of its recipients.

    Raises InvalidInput for what cannot be read or may not be handed in and Unavailable when it could not be saved; then
    nothing was.
    """
    data = _octets(message)
    head = email.message_from_string(_head_text(data), policy=email.policy.compat32)
    recipients = _recipients(head)
    submission = Submission(
        client=_EMBEDDED,
        sender=from_address(data),
        recipients=tuple(Recipient(str(each)) for each in recipients),
        data=data,
        stream=stream,
        campaign=campaign,
        controller=controller or "",
    )
    (answer,) = await accepting.take([submission])
    if isinstance(answer, Refusal):
        if answer.kind is RefusalKind.LATER:
            raise StoreUnavailable(answer.why, where="store")
        raise InvalidInput(answer.why, where=answer.code or "message")
    return Receipt(tuple(each.mail_id for each in answer.taken), answer.stream)


def _octets(message: EmailMessage | bytes) -> bytes:
    if isinstance(message, bytes):
        return _BARE_LINE_END.sub(b"\r\n", message)
    return message.as_bytes(policy=email.policy.SMTPUTF8)


def _head_text(data: bytes) -> str:
    """The header section; UTF-8 in it is taken as it is (RFC 6532)."""
    return (data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n").decode("utf-8", "surrogateescape")


def _recipients(head: email.message.Message) -> list[Address]:
    values = [str(value) for name in ("To", "Cc", "Bcc") for value in head.get_all(name, [])]
    return list(dict.fromkeys(_address(text, "To") for _, text in email.utils.getaddresses(values) if text))


def _address(text: str, where: str) -> Address:
    parsed = parse_address(text)
    if not isinstance(parsed, Address):
        raise InvalidInput(f"not an address: {parsed.why}", where=where)
    return parsed
