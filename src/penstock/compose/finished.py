"""What can be wrong with finished octets, whoever made them (RFC 5322 section 3.6, RFC 5321 section 4.5.3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.compose.line_ends import only_crlf
from penstock.compose.message_words import message_words
from penstock.compose.splice.header_block import HeaderBlock, header_block
from penstock.compose.wording import placeholder
from penstock.model.codes import Code
from penstock.model.mail import Letter

__all__ = ["Finding", "header_findings", "header_names", "left_over", "ready_made_findings"]

_ONCE = ("date", "from", "to", "subject", "message-id", "mime-version")
_AT_MOST_ONCE = ("reply-to", "sender", "list-id", "in-reply-to", "references")
_LONGEST_LINE = 998

Finding = tuple[Code, str, str]
"""Code, field, sentence."""


def header_names(data: bytes) -> list[str]:
    """The names of the header fields in lower case, in their order, one for each field."""
    block = header_block(data, 0, len(data))
    if isinstance(block, HeaderBlock) and block.fields and block.separated:
        return [*block.names]
    # What is no header block is still read as well as it can be.
    head = data[: max(data.find(b"\r\n\r\n"), 0)].decode("latin-1")
    return [line.partition(":")[0].lower() for line in head.split("\r\n") if line[:1] not in {" ", "\t", ""}]


def header_findings(names: Sequence[str], data: bytes, *, commercial: bool) -> Iterator[Finding]:
    """What is wrong with the headers (`names` as `header_names` gives them) and lines of a mail composed here."""
    yield from _counted(names, _ONCE, _AT_MOST_ONCE)
    if "cc" in names or "bcc" in names:
        code = Code.MULTI_RECIPIENT if commercial else Code.HEADER_INVALID
        yield code, "Cc", "a copy would go to somebody else (Cc or Bcc)"
    yield from _lines(data)


def ready_made_findings(data: bytes) -> Iterator[Finding]:
    """What is wrong with a message that a program handed in; its To and Cc are the program's own."""
    names = header_names(data)
    yield from _counted(names, ("date", "from"), ("to", "cc", "subject", "message-id", *_AT_MOST_ONCE))
    if "bcc" in names:
        yield Code.HEADER_INVALID, "Bcc", "the header Bcc must not leave"
    yield from _lines(data)
    yield from _left_over_in(data)


def _counted(names: Sequence[str], once: Sequence[str], at_most_once: Sequence[str]) -> Iterator[Finding]:
    known = {*names}
    if len(known) == len(names) and known.issuperset(once):
        return
    for name in once:
        if names.count(name) != 1:
            yield Code.HEADER_INVALID, name, f"the header {name} is not there exactly once"
    for name in at_most_once:
        if names.count(name) > 1:
            yield Code.HEADER_INVALID, name, f"the header {name} is there more than once"


def _lines(data: bytes) -> Iterator[Finding]:
    if not only_crlf(data):
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


def _left_over_in(data: bytes) -> Iterator[Finding]:
    """Template marks in the words of a ready-made message."""
    for field, text in message_words(data).items():
        mark = placeholder(text, html=field == "html")
        if mark is not None:
            yield Code.PLACEHOLDER_LEFT, field, f"{field} still holds the template mark {mark}"


def left_over(letter: Letter) -> Iterator[Finding]:
    """Template marks that nobody filled in."""
    for field, text in (
        ("Subject", letter.header("Subject") or ""),
        ("text", letter.text),
        ("html", letter.html or ""),
        ("calendar", letter.calendar or ""),
    ):
        mark = placeholder(text, html=field == "html")
        if mark is not None:
            yield Code.PLACEHOLDER_LEFT, field, f"{field} still holds the template mark {mark}"
