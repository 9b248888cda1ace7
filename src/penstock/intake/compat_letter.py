"""A letter as other services' requests bring it: several names in To, short content ids, one size for all."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from penstock.compose.enclosing import file_name_fault, media_type, type_fault
from penstock.compose.headers import HeaderFault, field_line
from penstock.compose.mime import BodyFault, MimeWriter
from penstock.compose.plaintext import template_to_text
from penstock.intake.http_problem import RequestError
from penstock.model.mail import Attachment, Header, Letter

__all__ = ["CompatLetter", "LetterWriter", "Mailbox", "enclosed"]

_BOUNDARY_DIGITS = 24
_CID_DIGITS = 32
_CID_HOST = "inline.invalid"
_CID = re.compile(r"(?i)\bcid:([^\s\"'<>)]{1,600})")
_WHOLE_CID = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,128}")
_BRACES = ("{", "&#123;")
_CLOSED_MARK = "{{ '{' }}"
_TO = len("To: ")

Mailbox = tuple[str, str]
"""How it stands in a header field, and the address alone."""


@dataclass(frozen=True, slots=True)
class CompatLetter:
    """One message. `to`, `cc` and `reply_to` are mailboxes as they are shown; `headers` are further fields.

    `files` with a `cid` are shown by the HTML under whatever name the request gave them.
    """

    from_: str
    to: Sequence[str]
    subject: str
    text: str | None
    html: str | None
    cc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    headers: Sequence[Header] = ()
    files: tuple[Attachment, ...] = ()
    calendar: str | None = None


class LetterWriter:
    """Writes the messages of one request: lines and files that they share are encoded once.

    `size_limit` are octets of one message; all together may have `most`.
    """

    def __init__(self, *, size_limit: int, most: int) -> None:
        self._size_limit = size_limit
        self._room = most
        self._writer = MimeWriter()

    def written(self, letter: CompatLetter) -> bytes:
        """The message with CRLF line ends. Raises RequestError 413 and 422; `where` is a header field or a part."""
        head = "".join(
            _listed(name, given)
            for name, given in (("To", letter.to), ("Cc", letter.cc), ("Reply-To", letter.reply_to))
            if given
        )
        headers = (("From", letter.from_), ("Subject", letter.subject), *letter.headers, ("MIME-Version", "1.0"))
        html, files = _shown(letter.html, letter.files)
        text = letter.text if letter.text is not None else _text_of(html or "")
        made = Letter(headers, text, html, "", "", attachments=files, calendar=letter.calendar)
        data = self._writer.serialise(made, boundary=_boundary(made))
        match data:
            case HeaderFault(header, what):
                raise RequestError(422, what, where=header)
            case BodyFault(part, what):
                raise RequestError(422, what, where=part)
        return self.taken(head.encode() + data)

    def taken(self, data: bytes) -> bytes:
        """The same message, counted. Raises RequestError 413."""
        if len(data) > self._size_limit:
            raise RequestError(413, f"the message is larger than {self._size_limit} octets")
        self._room -= len(data)
        if self._room < 0:
            raise RequestError(413, "the messages of this request are too large together")
        return data


def enclosed(name: str, kind: str, data: bytes, cid: str = "") -> Attachment:
    """A file. Raises RequestError 422 for a name or type that cannot go; `where` is `name` or `type`."""
    kind = (kind.partition(";")[0].strip() or media_type(name)).lower()
    if fault := file_name_fault(name):
        raise RequestError(422, fault, where="name")
    if fault := type_fault(name, kind):
        raise RequestError(422, fault, where="type")
    return Attachment(name, kind, data, cid)


def _listed(name: str, mailboxes: Sequence[str]) -> str:
    """One field of several mailboxes, one on each line (RFC 5322 section 3.4)."""
    lines = []
    for each in mailboxes:
        line = field_line("To", each)
        if isinstance(line, HeaderFault):
            raise RequestError(422, line.what, where=name)
        lines.append(line[_TO:-2])
    return f"{name}: " + ",\r\n ".join(lines) + "\r\n"


def _shown(html: str | None, files: tuple[Attachment, ...]) -> tuple[str | None, tuple[Attachment, ...]]:
    """Content ids made whole (RFC 2392 asks for name@domain), in the files and where the HTML names them."""
    short = {file.cid: _whole(file.cid) for file in files if file.cid and not _WHOLE_CID.fullmatch(file.cid)}
    if not short:
        return html, files
    if html is not None:
        html = _CID.sub(lambda found: f"cid:{short.get(found[1]) or short.get(unquote(found[1])) or found[1]}", html)
    return html, tuple(replace(file, cid=short.get(file.cid, file.cid)) for file in files)


def _whole(cid: str) -> str:
    return f"{hashlib.sha256(cid.encode()).hexdigest()[:_CID_DIGITS]}@{_CID_HOST}"


def _text_of(html: str) -> str:
    """The text part of finished HTML: no brace in it is a template's."""
    return template_to_text(html.replace(*_BRACES)).replace(_CLOSED_MARK, "{")


def _boundary(letter: Letter) -> str:
    """The same for the same content, whoever it goes to."""
    digest = hashlib.sha256()
    for text in (letter.text, letter.html or "", letter.calendar or "", *(file.name for file in letter.attachments)):
        octets = text.encode("utf-8", "surrogatepass")
        digest.update(len(octets).to_bytes(8, "big") + octets)
    for file in letter.attachments:
        digest.update(len(file.data).to_bytes(8, "big"))
        digest.update(file.data)
    return f"=_{digest.hexdigest()[:_BOUNDARY_DIGITS]}"
