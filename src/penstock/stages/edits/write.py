"""Turns a letter into bytes, once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar

from penstock.compose.headers import split_mailbox
from penstock.compose.mime import BodyFault, HeaderFault, MimeWriter
from penstock.compose.mime_files import EncodedFiles
from penstock.compose.relayed_head import RelayedHead, finished_head
from penstock.compose.splice.fault import SpliceFault
from penstock.model.address import a_label
from penstock.model.codes import Code
from penstock.model.mail import Header, Letter, Mail, Message
from penstock.model.routing import from_address
from penstock.model.verdict import Facts, Reason, Verdict
from penstock.ports import ALL_STREAMS, NoOptions, Phase, Services

__all__ = ["Write"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORDER = (
    "date",
    "from",
    "to",
    "subject",
    "message-id",
    "reply-to",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-id",
    "feedback-id",
)
_PLACES = {name: place for place, name in enumerate(_ORDER)} | {"mime-version": len(_ORDER) + 1}
_REST = len(_ORDER)
_OURS = frozenset({"date", "message-id", "mime-version"})


class Write:
    """Letter → Message. Date, Message-ID and boundary derive from the mail id and the time of the first begin.

    A relayed message gets the Date and Message-ID that it lacks and a trace field; what was said to us alone goes.
    """

    Options: ClassVar[type] = NoOptions
    name = "write"
    phase = Phase.WRITE
    streams = ALL_STREAMS
    reads: tuple[str, ...] = ()
    needs: tuple[str, ...] = ("clock",)

    def __init__(self, options: NoOptions, services: Services) -> None:
        del options
        self._clock = services.clock
        self._files = EncodedFiles()

    async def edit(self, mails: Sequence[Mail], /) -> Sequence[Mail | Reason]:
        """The finished message, or why it cannot be written. Content that is bytes already passes unchanged."""
        now = self._clock.now()
        writer, dates = MimeWriter(self._files), _Dates()
        return [_written(mail, mail.begun_at or now, writer, dates) for mail in mails]


class _Dates(dict[datetime, tuple[str, str]]):
    """ISO 8601 and the Date field of a moment, in UTC: the mails of a batch mostly share theirs."""

    def __missing__(self, moment: datetime) -> tuple[str, str]:
        here = moment.astimezone(UTC)
        made = self[moment] = here.isoformat(), _date(here)
        return made


def _written(mail: Mail, moment: datetime, writer: MimeWriter, dates: _Dates) -> Mail | Reason:
    letter = mail.content
    if isinstance(letter, Message):
        return _finished(mail, letter, moment, dates)
    if not isinstance(letter, Letter):
        return _reason(Code.RENDER_FAILED, "there is no letter to write", "content")
    iso, date = dates[moment]
    mark = _mark(mail, iso)
    domain = split_mailbox(letter.header("From") or "")[1].rpartition("@")[2]
    ours = (
        ("Date", date),
        ("Message-ID", _message_id(mail, mark, domain)),
        ("MIME-Version", "1.0"),
    )
    headers = sorted((*(header for header in letter.headers if header[0].lower() not in _OURS), *ours), key=_place)
    ordered = letter.with_headers(tuple(headers))
    data = writer.serialise(ordered, boundary=f"=_{mark[12:36]}")
    match data:
        case HeaderFault(header, what):
            return _reason(Code.HEADER_INVALID, f"header {header} {what}", header)
        case BodyFault(part, what):
            return _reason(Code.RENDER_FAILED, f"the {part} {what}", part)
        case _:
            return mail.with_content(Message(data, ordered))


def _finished(mail: Mail, content: Message, moment: datetime, dates: _Dates) -> Mail | Reason:
    """A relayed message with the Date and Message-ID that it lacks, and without what was said to us alone."""
    if content.letter is not None:
        return mail
    iso, date = dates[moment]
    domain = a_label(from_address(content.data).rpartition("@")[2]) or "localhost"
    own = RelayedHead(
        date=date,
        message_id=_message_id(mail, _mark(mail, iso), domain),
        received=f"by {domain} with penstock id {mail.id}; {date}",
        to=mail.envelope.recipient if mail.stream.commercial else "",
    )
    data = finished_head(content.data, own)
    if isinstance(data, SpliceFault):
        return _reason(data.code, f"the message is no mail: {data.what}", "message")
    return mail.with_content(content.with_data(data))


def _mark(mail: Mail, iso: str) -> str:
    return hashlib.sha256(f"{mail.id}\0{iso}".encode()).hexdigest()


def _message_id(mail: Mail, mark: str, domain: str) -> str:
    return f"<{mail.id}.{mark[:12]}@{domain}>"


def _place(header: Header) -> int:
    return _PLACES.get(header[0].lower(), _REST)


def _date(moment: datetime) -> str:
    """RFC 5322 section 3.3, in UTC; names of days and months do not depend on the locale."""
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02d} {month} {moment.year} {moment:%H:%M:%S} +0000"


def _reason(code: Code, why: str, field: str) -> Reason:
    return Reason("write", Verdict.BLOCK, code, why, Facts((field,)), "RFC 5322 2.2; RFC 2045")
