"""A message as it is (`message/rfc822`): who it is from and for, and its octets as they are handed in."""

from __future__ import annotations

import email
import email.policy
import email.utils
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.compose.handed_in import read_head
from penstock.compose.line_ends import only_crlf
from penstock.intake.http_fields import mailbox
from penstock.intake.http_letter import Handed
from penstock.intake.http_mail import MOST_MAILS, stream_named
from penstock.intake.http_problem import RequestError
from penstock.ports.intake import Recipient, Submission

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

__all__ = ["RAW_PARAMETERS", "raw_submission"]

RAW_PARAMETERS = ("to", "from", "stream", "campaign", "controller", "tag")
_MOST_HEAD_OCTETS = 262_144
_MOST_CHARACTERS = 200
_LINE_END = re.compile(rb"\r\n|\r|\n")
_BCC = re.compile(rb"(?im)^bcc[ \t]*:.*\r\n(?:[ \t].*\r\n)*")


def raw_submission(body: bytearray, query: QueryParams, handed: Handed, size_limit: int) -> Submission:
    """The submission, for all its recipients. Raises RequestError 413 and 422.

    Recipients are those of `?to=`, else of To, Cc and Bcc; the sender is `?from=`, else the address in From. Line ends
    become CRLF and Bcc is taken out; else the octets stay.
    """
    data = bytes(body)
    body.clear()
    if not only_crlf(data):
        data = _LINE_END.sub(b"\r\n", data)
    if not data.strip():
        raise RequestError(422, "there is no message", where="body")
    end = data.find(b"\r\n\r\n")
    size = len(data) if end < 0 else end + 2
    if size > _MOST_HEAD_OCTETS:
        raise RequestError(422, f"the header section is longer than {_MOST_HEAD_OCTETS} octets", where="body")
    head = email.message_from_string(data[:size].decode("utf-8", "surrogateescape"), policy=email.policy.compat32)
    sender = _sender(query, data)
    recipients = _recipients(query, head)
    whole = _BCC.sub(b"", data[:size]) + data[size:] if head["Bcc"] is not None else data
    if len(whole) > size_limit:
        raise RequestError(413, f"the message is larger than {size_limit} octets", where="body")
    return Submission(
        handed.client, sender, tuple(map(Recipient, recipients)), whole,
        stream=_stream(query), campaign=_word(query, "campaign"), controller=_word(query, "controller"),
        tag=_word(query, "tag"), key=handed.key, request=handed.request if handed.key else b"",
    )  # fmt: skip


def _sender(query: QueryParams, data: bytes) -> str:
    given = query.get("from")
    if given is not None:
        return mailbox(given, "?from")[1] if given else ""
    read = read_head(data)
    if isinstance(read, str):
        raise RequestError(422, read, where="message")
    return read.from_


def _recipients(query: QueryParams, head: email.message.Message) -> Sequence[str]:
    if given := query.getlist("to"):
        found = [mailbox(each, "?to")[1] for each in given]
    else:
        values = [str(value) for name in ("To", "Cc", "Bcc") for value in head.get_all(name, [])]
        found = [mailbox(text, "To")[1] for _, text in email.utils.getaddresses(values) if text]
    recipients = [*dict.fromkeys(found)]
    if not recipients:
        raise RequestError(422, "the message has no recipients", where="To", mend="name them in To or ?to=")
    if len(recipients) > MOST_MAILS:
        raise RequestError(413, f"the message has more than {MOST_MAILS} recipients", where="To")
    return recipients


def _stream(query: QueryParams) -> str:
    try:
        return stream_named(_word(query, "stream"))
    except ValueError as fault:
        raise RequestError(422, str(fault), where="?stream") from None


def _word(query: QueryParams, name: str) -> str:
    found = query.get(name, "")
    if len(found) > _MOST_CHARACTERS or not (found.isprintable() or not found):
        raise RequestError(422, "is too long or holds a control character", where=f"?{name}")
    return found
