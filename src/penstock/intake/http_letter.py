"""From a mail as JSON to what is handed in: values filled in, the letter written, one submission for each recipient."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.compose.enclosing import file_name_fault, media_type, type_fault
from penstock.compose.mime import BodyFault, HeaderFault, MimeWriter
from penstock.compose.plaintext import template_to_text
from penstock.intake.http_fields import extra_headers, mailbox, mailboxes
from penstock.intake.http_mail import MOST_MAILS, AttachmentIn, MailIn
from penstock.intake.http_problem import RequestError
from penstock.intake.http_variables import Filling
from penstock.model.mail import Attachment, Header, Letter
from penstock.ports.intake import Client, Recipient, Submission

__all__ = ["Handed", "LetterDesk"]

_BOUNDARY_DIGITS = 24
_BRACES = ("{", "&#123;")
_CLOSED_MARK = "{{ '{' }}"


@dataclass(frozen=True, slots=True)
class Handed:
    """What one request says beside its mails: who hands in, the Idempotency-Key, SHA-256 of all (`http_raw.digest`)."""

    client: Client
    key: str = ""
    request: bytes = b""

    def key_of(self, place: int, recipient: int) -> str:
        """The key of one submission; of the first it is the request's own. No key that is given holds a line end."""
        return self.key and (f"{self.key}\n{place}.{recipient}" if place or recipient else self.key)


class LetterDesk:
    """Makes the submissions of one request: lines, files and templates that its mails share are worked on once.

    `size_limit` are octets of one message; all messages together may have `most`.
    """

    def __init__(self, handed: Handed, *, size_limit: int, most: int) -> None:
        self._handed = handed
        self._size_limit = size_limit
        self._room = most
        self._recipients = 0
        self._writer = MimeWriter()
        self._filling = Filling()

    def submissions(self, item: MailIn, number: int = 0, place: str = "") -> list[Submission]:
        """One for each address in `to`, or one for all where there are copies. Raises RequestError 413 and 422."""
        try:
            return [*self._submissions(item, number)]
        except RequestError as fault:
            if not place:
                raise
            where = f"{place}.{fault.where}" if fault.where else place
            raise RequestError(fault.status, fault.what, where=where, mend=fault.mend) from None

    def _submissions(self, item: MailIn, number: int) -> Iterator[Submission]:
        to = mailboxes(item.to or _address_of(item.contact), "to")
        copies = [*mailboxes(item.cc or [], "cc"), *mailboxes(item.bcc or [], "bcc")]
        if not to:
            raise RequestError(422, "is missing", where="to")
        if len(to) > 1 and (copies or item.contact is not None):
            beside = "cc or bcc" if copies else "a contact"
            raise RequestError(422, f"with {beside} there is one `to`", where="to", mend="hand in one mail for each")
        self._recipients += len(to) + len(copies)
        if self._recipients > MOST_MAILS:
            mend = "hand them in in several requests"
            raise RequestError(413, f"one request has more than {MOST_MAILS} recipients", where="to", mend=mend)
        sender, letter = self._sender(item), self._letter(item)
        for place, (shown, address) in enumerate(dict.fromkeys(to)):
            data = b"" if letter is None else self._written(letter, shown)
            addresses = dict.fromkeys((address, *(each for _, each in copies)))
            yield self._submission(item, sender, [*addresses], data, self._handed.key_of(number, place))

    def _submission(self, item: MailIn, sender: str, to: list[str], data: bytes, key: str) -> Submission:
        return Submission(
            self._handed.client, sender, tuple(Recipient(each, _notify(item)) for each in to), data,
            stream=item.stream or "", campaign=item.campaign or "", controller=item.controller or "",
            tag=item.tag or "", contact=item.contact, key=key, request=self._handed.request if key else b"",
        )  # fmt: skip

    def _sender(self, item: MailIn) -> str:
        if item.envelope_from is not None:
            return mailbox(item.envelope_from, "envelope_from")[1] if item.envelope_from else ""
        return mailbox(item.from_, "from")[1] if item.from_ else ""

    def _letter(self, item: MailIn) -> Letter | None:
        """Without its To; None for the campaign's own letter."""
        written = {"subject", "text", "html", "attachments", "cc", "bcc", "reply_to", "headers", "variables"}
        if not any(getattr(item, name) for name in written):
            if not (item.campaign or self._handed.client.campaign):
                mend = "or name the campaign whose letter it is"
                raise RequestError(422, "is missing", where="subject", mend=mend)
            return None
        if not item.from_:
            raise RequestError(422, "is missing", where="from")
        if not item.subject:
            raise RequestError(422, "is missing", where="subject")
        if item.text is None and item.html is None:
            raise RequestError(422, "is missing", where="text")
        subject, text, html = self._filling.filled(item)
        headers: list[Header] = [("From", mailbox(item.from_, "from")[0])]
        if item.cc:
            # By its grammar the field is ASCII here: a name that is not stays away, the address is shown.
            copies = [shown if shown.isascii() else address for shown, address in mailboxes(item.cc, "cc")]
            headers.append(("Cc", ", ".join(copies)))
        if item.reply_to:
            headers.append(("Reply-To", mailbox(item.reply_to, "reply_to")[0]))
        headers += [("Subject", subject), *extra_headers(item.headers or {}), ("MIME-Version", "1.0")]
        files = tuple(_file(each, f"attachments[{place}]") for place, each in enumerate(item.attachments or ()))
        text = _text_of(html) if text is None and html is not None else text or ""
        return Letter(tuple(headers), text, html, "", "", attachments=files)

    def _written(self, letter: Letter, to: str) -> bytes:
        first, *rest = letter.headers
        data = self._writer.serialise(letter.with_headers((first, ("To", to), *rest)), boundary=_boundary(letter))
        match data:
            case HeaderFault(header, what):
                raise RequestError(422, what, where=_field_of(header))
            case BodyFault(part, what):
                raise RequestError(422, what, where=part)
        if len(data) > self._size_limit:
            raise RequestError(413, f"the message is larger than {self._size_limit} octets")
        self._room -= len(data)
        if self._room < 0:
            raise RequestError(413, "the mails of this request are too large together", mend="hand in fewer at once")
        return data


def _field_of(header: str) -> str:
    ours = {"From": "from", "To": "to", "Cc": "cc", "Reply-To": "reply_to", "Subject": "subject"}
    return ours.get(header, f"headers.{header}")


def _address_of(contact: Mapping[str, Any] | None) -> list[str]:
    found = (contact or {}).get("address")
    return [found] if isinstance(found, str) and found else []


def _notify(item: MailIn) -> frozenset[str]:
    words = frozenset(word.upper() for word in item.dsn or ())
    if "NEVER" in words and len(words) > 1:
        raise RequestError(422, "`never` stands alone", where="dsn")
    return words


def _file(given: AttachmentIn, place: str) -> Attachment:
    kind = (given.type or media_type(given.name)).lower()
    if fault := file_name_fault(given.name):
        raise RequestError(422, fault, where=f"{place}.name")
    if fault := type_fault(given.name, kind):
        raise RequestError(422, fault, where=f"{place}.type")
    if given.cid and not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", given.cid):
        raise RequestError(422, "is no content id", where=f"{place}.cid", mend="write it name@domain (RFC 2392)")
    try:
        return Attachment(given.name, kind, given.octets(), given.cid or "")
    except ValueError as fault:
        raise RequestError(422, str(fault), where=f"{place}.content") from None


def _text_of(html: str) -> str:
    """The text part of finished HTML: no brace in it is a template's."""
    return template_to_text(html.replace(*_BRACES)).replace(_CLOSED_MARK, "{")


def _boundary(letter: Letter) -> str:
    """The same for the same content, whoever it goes to."""
    digest = hashlib.sha256()
    for each in (
        letter.text,
        letter.html or "",
        *(f"{file.name}\0{file.type}\0{file.cid}" for file in letter.attachments),
    ):
        octets = each.encode("utf-8", "surrogatepass")
        digest.update(len(octets).to_bytes(8, "big") + octets)
    for file in letter.attachments:
        digest.update(len(file.data).to_bytes(8, "big"))
        digest.update(file.data)
    return f"=_{digest.hexdigest()[:_BOUNDARY_DIGITS]}"
