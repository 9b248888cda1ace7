"""What can be wrong with finished octets, whoever made them (RFC 5322 section 3.6, RFC 5321 section 4.5.3.1)."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator

from penstock.compose.wording import placeholder
from penstock.model.codes import Code
from penstock.model.mail import Letter

__all__ = ["Finding", "header_block", "header_findings", "left_over", "ready_made_findings"]

_ONCE = (b"\r\ndate:", b"\r\nfrom:", b"\r\nto:", b"\r\nsubject:", b"\r\nmessage-id:", b"\r\nmime-version:")
_AT_MOST_ONCE = (b"\r\nreply-to:", b"\r\nsender:", b"\r\nlist-id:", b"\r\nin-reply-to:", b"\r\nreferences:")
_COPIES = (b"\r\ncc:", b"\r\nbcc:")
_LONGEST_LINE = 998

Finding = tuple[Code, str, str]
"""Code, field, sentence."""


def header_block(data: bytes) -> bytes:
    """The header section in lower case, each field after a CRLF."""
    return b"\r\n" + data[: data.find(b"\r\n\r\n") + 2].lower()


def header_findings(data: bytes, *, commercial: bool) -> Iterator[Finding]:
    """What is wrong with the headers and lines of a mail composed here."""
    head = header_block(data)
    for field in _ONCE:
        if head.count(field) != 1:
            yield Code.HEADER_INVALID, _shown(field), f"the header {_shown(field)} is not there exactly once"
    for field in _AT_MOST_ONCE:
        if head.count(field) > 1:
            yield Code.HEADER_INVALID, _shown(field), f"the header {_shown(field)} is there more than once"
    if any(field in head for field in _COPIES):
        code = Code.MULTI_RECIPIENT if commercial else Code.HEADER_INVALID
        yield code, "Cc", "a copy would go to somebody else (Cc or Bcc)"
    yield from _lines(data)


def ready_made_findings(data: bytes) -> Iterator[Finding]:
    """What is wrong with a message that a program handed in; its To and Cc are the program's own."""
    head = header_block(data)
    for field in (b"\r\ndate:", b"\r\nfrom:"):
        if head.count(field) != 1:
            yield Code.HEADER_INVALID, _shown(field), f"the header {_shown(field)} is not there exactly once"
    for field in (b"\r\nto:", b"\r\ncc:", b"\r\nsubject:", b"\r\nmessage-id:", *_AT_MOST_ONCE):
        if head.count(field) > 1:
            yield Code.HEADER_INVALID, _shown(field), f"the header {_shown(field)} is there more than once"
    if b"\r\nbcc:" in head:
        yield Code.HEADER_INVALID, "Bcc", "the header Bcc must not leave"
    yield from _lines(data)
    yield from _left_over_in(data)


def _lines(data: bytes) -> Iterator[Finding]:
    if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        yield Code.HEADER_INVALID, "message", "a line does not end with CR LF"
    if _too_long(data):
        yield Code.HEADER_INVALID, "message", f"a line is longer than {_LONGEST_LINE} octets"


def _too_long(data: bytes) -> bool:
    """Whether a line is longer than allowed: from line to line, there must be an end within reach."""
    place, end = 0, len(data)
    while end - place > _LONGEST_LINE:
        found = data.rfind(b"\r\n", place, place + _LONGEST_LINE + 2)
        if found < 0:
            return True
        place = found + 2
    return False


def _shown(field: bytes) -> str:
    return field.decode().strip("\r\n:")


def _left_over_in(data: bytes) -> Iterator[Finding]:
    """Template marks in a ready-made message, parsed as a whole."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    parts = [("Subject", str(message["Subject"] or ""))]
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        if body is not None:
            payload = body.get_payload(decode=True)
            parts.append((kind, payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""))
    for field, text in parts:
        mark = placeholder(text, html=field == "html")
        if mark is not None:
            yield Code.PLACEHOLDER_LEFT, field, f"{field} still holds the template mark {mark}"


def left_over(letter: Letter) -> Iterator[Finding]:
    """Template marks that nobody filled in."""
    for field, text in (
        ("Subject", letter.header("Subject") or ""),
        ("text", letter.text),
        ("html", letter.html or ""),
    ):
        mark = placeholder(text, html=field == "html")
        if mark is not None:
            yield Code.PLACEHOLDER_LEFT, field, f"{field} still holds the template mark {mark}"
