"""Ready-made messages that a program hands in: one mail per recipient, saved before the receipt is given."""

from __future__ import annotations

import email
import email.policy
import email.utils
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage

from penstock.assembly import new_mail
from penstock.config.senders import sender_fault
from penstock.errors import InvalidInput
from penstock.model.address import Address, parse_address
from penstock.model.campaign import Stream
from penstock.model.contact import Contact
from penstock.model.mail import Message
from penstock.wiring import House

__all__ = ["Receipt", "submit"]

_BARE_LINE_END = re.compile(rb"\r\n|\r|\n")
_BCC = re.compile(rb"(?im)^bcc:.*\r\n(?:[ \t].*\r\n)*")
_MOST_RECIPIENTS = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """What is durably saved: one mail id per recipient, in the order To, Cc, Bcc."""

    mail_ids: tuple[str, ...]
    stream: Stream


async def submit(
    house: House,
    message: EmailMessage | bytes,
    stream: str,
    *,
    controller: str | None = None,
    new_id: Callable[[], str] = lambda: os.urandom(16).hex(),
) -> Receipt:
    """Save the message for each of its recipients.

    Advertising cannot be handed in ready-made in this version: it needs a campaign. Raises InvalidInput for what
    cannot be read and Unavailable when it could not be saved; then nothing was.
    """
    chosen = _stream(stream)
    data = _octets(message)
    head = email.message_from_string(_head_text(data), policy=email.policy.compat32)
    sender, recipients = _sender(head), _recipients(head)
    finished = Message(_completed(data, head, sender, new_id, house))
    who = _controller(house, controller)
    if refused := sender_fault(house.settings, str(sender), who, chosen):
        raise InvalidInput(refused[0], where="From", mend=refused[1])
    due = house.clock.now()
    mails = []
    for recipient in recipients:
        mail = house.assembler.ready_made(new_id(), Contact(str(recipient)), str(sender), chosen, who, finished)
        # Under [safety] redirect_all_to only the envelope is turned: whom the mail is meant for stays on record.
        mails.append(replace(new_mail(mail, house.services.way_of(mail), due), recipient=str(recipient)))
    await house.store.mails.accept(mails)
    return Receipt(tuple(each.id for each in mails), chosen)


def _stream(word: str) -> Stream:
    try:
        stream = Stream(word)
    except ValueError:
        raise InvalidInput(
            f"no stream is called {word!r}", where="stream", mend=f"one of {', '.join(Stream)}"
        ) from None
    if stream.commercial:
        mend = "send advertising through a campaign"
        raise InvalidInput(f"ready-made {stream} mail is not in this version", where="stream", mend=mend)
    return stream


def _octets(message: EmailMessage | bytes) -> bytes:
    if isinstance(message, bytes):
        return _BARE_LINE_END.sub(b"\r\n", message)
    return message.as_bytes(policy=email.policy.SMTPUTF8)


def _head_text(data: bytes) -> str:
    """The header section; UTF-8 in it is taken as it is (RFC 6532)."""
    return (data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n").decode("utf-8", "surrogateescape")


def _sender(head: email.message.Message) -> Address:
    found = email.utils.getaddresses([str(value) for value in head.get_all("From", [])])
    if len(found) != 1:
        raise InvalidInput("the message needs exactly one From address", where="From")
    return _address(found[0][1], "From")


def _recipients(head: email.message.Message) -> list[Address]:
    values = [str(value) for name in ("To", "Cc", "Bcc") for value in head.get_all(name, [])]
    found = dict.fromkeys(_address(text, "To") for _, text in email.utils.getaddresses(values) if text)
    if not 0 < len(found) <= _MOST_RECIPIENTS:
        raise InvalidInput(f"the message needs 1 to {_MOST_RECIPIENTS} recipients", where="To")
    return list(found)


def _address(text: str, where: str) -> Address:
    parsed = parse_address(text)
    if not isinstance(parsed, Address):
        raise InvalidInput(f"not an address: {parsed.why}", where=where)
    return parsed


def _completed(
    data: bytes, head: email.message.Message, sender: Address, new_id: Callable[[], str], house: House
) -> bytes:
    """Without Bcc, with the Date and Message-ID that RFC 5322 asks for where the program left them out."""
    headers, blank, body = data.partition(b"\r\n\r\n")
    headers = _BCC.sub(b"", headers + b"\r\n").removesuffix(b"\r\n")
    missing = b""
    if head["Date"] is None:
        missing += f"Date: {email.utils.format_datetime(house.clock.now())}\r\n".encode()
    if head["Message-ID"] is None:
        missing += f"Message-ID: <{new_id()}@{sender.domain}>\r\n".encode()
    return missing + headers + (blank or b"\r\n\r\n") + body


def _controller(house: House, given: str | None) -> str:
    known = house.services.controllers
    names: Sequence[str] = [c.id for c in known.values() if given in {None, c.id, c.legal_name}]
    if len(names) != 1:
        what = f"no controller is called {given!r}" if given else "say which controller answers for the mail"
        raise InvalidInput(what, where="controller", mend=f"known: {', '.join(known) or 'none'}")
    return names[0]
