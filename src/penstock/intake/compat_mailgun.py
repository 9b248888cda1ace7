"""From Mailgun's request to what is handed in: fields or a finished message, for all or for each recipient alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from email.utils import getaddresses, parsedate_to_datetime
from typing import Any

from starlette.datastructures import QueryParams

from penstock.intake.compat_form import Form, FormFile
from penstock.intake.compat_letter import CompatLetter, LetterWriter, Mailbox, enclosed
from penstock.intake.compat_order import Bounds, CompatOrder, Sender, submissions_for
from penstock.intake.compat_wishes import Wishes, letter_headers
from penstock.intake.http_fields import mailbox
from penstock.intake.http_json import read_json
from penstock.intake.http_letter import Handed
from penstock.intake.http_problem import RequestError
from penstock.intake.http_raw import raw_submission
from penstock.model.mail import Attachment
from penstock.ports.intake import Client, Submission

__all__ = ["mailgun_order"]

_MOST_RECIPIENTS = 1000
_MOST_FILES = 100
_MOST_LIST = 300_000
"""Characters of the addresses of one field."""
_MOST_OPTIONS = 16 * 1024
_OPTIONS = ("o:", "h:", "v:", "t:")
_LEEWAY_SECONDS = 60
"""Two clocks are never the same: so much later is now."""
_BAD_ADDRESS = "parameter is not a valid address. please check documentation"
_YES = ("yes", "true")
_CANNOT = {
    "template": "the content of a template at Mailgun cannot be verified",
    "o:deliver-within": "no mail is given up by a time of its own",
    "o:deliverytime-optimize-period": "nothing is scheduled here",
    "o:time-zone-localize": "nothing is scheduled here",
    "o:archive-to": "no copies are kept elsewhere",
}
_WHEN_ON = {"o:require-tls": "the adapter decides how mail leaves"}
_LEFT_OUT = frozenset(
    {
        "o:tag",
        "o:testmode",
        "o:deliverytime",
        "o:dkim",
        "o:secondary-dkim",
        "o:secondary-dkim-public",
        "o:tracking",
        "o:tracking-clicks",
        "o:tracking-opens",
        "o:tracking-pixel-location-top",
        "o:skip-verification",
        "o:sending-ip",
        "o:sending-ip-pool",
        "o:suppress-headers",
    }
)
"""Options that are read elsewhere, or of which nothing depends for the recipient."""
_VARIABLE = re.compile(r"%recipient(?:\.([^%\s]{1,100})|_(email|name|fname|lname))?%")
_THEIR_LINKS = re.compile(r"(?i)%(?:tag_|mailing_list_)?unsubscribe_(?:url|email)%")
_THEIR_LINKS_RAW = re.compile(_THEIR_LINKS.pattern.encode())


def mailgun_order(form: Form, client: Client, bounds: Bounds, *, whole: bool) -> CompatOrder:
    """What a request comes to; `whole`: the message comes finished. Raises RequestError for what cannot be read,
    written or honoured.
    """
    _check(form, bounds)
    writer = LetterWriter(size_limit=bounds.size_limit, most=bounds.most)
    made = _finished(form, client, bounds, writer) if whole else _written(form, client, bounds, writer)
    return CompatOrder(made, sandbox=form.one("o:testmode").lower() in _YES)


def _check(form: Form, bounds: Bounds) -> None:
    """What Penstock cannot do, and Mailgun's own limits."""
    size = 0
    for name, values in form.texts.items():
        if name.startswith(_OPTIONS):
            size += sum(len(name.encode()) + len(value.encode()) for value in values)
        if why := _CANNOT.get(name) or (values[0].lower() in _YES and _WHEN_ON.get(name)):
            raise RequestError(400, f"parameter is not supported: {why}", where=name)
        if name.startswith("t:") or (name.startswith("o:") and name not in _LEFT_OUT and name not in _WHEN_ON):
            raise RequestError(400, "parameter is not supported", where=name[:60] if name.isprintable() else "o:")
    if size > _MOST_OPTIONS:
        what = "send options (parameters starting with o:, h:, v:, or t:) are limited to 16KB total"
        raise RequestError(400, what)
    if due := form.one("o:deliverytime"):
        try:
            moment = parsedate_to_datetime(due)
            seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
        except (ValueError, OverflowError, IndexError):
            raise RequestError(400, "parameter is not a valid date of RFC 2822", where="o:deliverytime") from None
        if seconds > bounds.now.timestamp() + _LEEWAY_SECONDS:
            raise RequestError(400, "parameter is not supported: nothing is scheduled here", where="o:deliverytime")


def _written(form: Form, client: Client, bounds: Bounds, writer: LetterWriter) -> list[Submission]:
    for name in ("from", "to", "subject"):
        if not form.one(name):
            raise RequestError(400, "parameter is missing", where=name)
    if not (form.one("text") or form.one("html")):
        raise RequestError(400, "Need at least one of 'text', 'html' parameters specified")
    to, copies = _recipients(form)
    from_, address = _only_one(form.one("from"), "from")
    headers = form.named("h:")
    sender = Sender(client, address, Wishes.of(headers, form.named("v:"), form.one("o:tag")))
    for text in (form.one("text"), form.one("html"), form.one("subject"), *headers.values()):
        if _THEIR_LINKS.search(text):
            raise RequestError(400, "Mailgun's unsubscribe variables are not filled in here: advertising gets a link")
    desk = _Desk(form, from_, _files(form), writer)
    values = _values(form)
    if values is None:
        data = desk.data([shown for shown, _ in to], lambda text: text)
        return submissions_for(sender, [each for _, each in (*to, *copies)], data)
    if len(to) * (1 + len(copies)) > _MOST_RECIPIENTS:
        raise RequestError(400, f"too many recipients: at most {_MOST_RECIPIENTS} in one request")
    found: list[Submission] = []
    for shown, each in to:
        filling = _Filling(shown, each, values.get(each.lower(), {}), bounds.size_limit)
        addresses = [each, *(copy for _, copy in copies if copy.lower() != each.lower())]
        found += submissions_for(sender, addresses, desk.data([shown], filling.filled))
    return found


class _Desk:
    """Writes the messages of one form."""

    def __init__(self, form: Form, from_: str, files: tuple[Attachment, ...], writer: LetterWriter) -> None:
        self._form = form
        self._from = from_
        self._files = files
        self._writer = writer
        self._cc = [shown for shown, _ in _mailboxes(form, "cc")]
        headers = form.named("h:")
        self._replies = next((value for name, value in headers.items() if name.lower() == "reply-to"), "")
        self._headers = {name: value for name, value in headers.items() if name.lower() != "reply-to"}

    def data(self, to: Sequence[str], filled: Callable[[str], str]) -> bytes:
        """One message. Raises RequestError."""
        form = self._form
        text, html = (filled(form.one(name)) if form.one(name) else None for name in ("text", "html"))
        replies = _addresses([filled(self._replies)], "h:Reply-To") if self._replies else []
        try:
            headers = letter_headers({name: filled(value) for name, value in self._headers.items()})
            letter = CompatLetter(
                self._from, to, filled(form.one("subject")), text, html, cc=self._cc,
                reply_to=[shown for shown, _ in replies], headers=headers, files=self._files,
            )  # fmt: skip
            return self._writer.written(letter)
        except RequestError as fault:
            raise RequestError(fault.status, fault.what, where=_field(fault.where), mend=fault.mend) from None


class _Filling:
    """Recipient variables of one recipient, all at once; a name that nobody gave stays as it is written."""

    def __init__(self, shown: str, address: str, values: Mapping[str, Any], most: int) -> None:
        name = shown.rpartition("<")[0].strip()
        first, _, last = name.partition(" ")
        self._own = {"email": address, "name": name, "fname": first, "lname": last.strip(), None: address}
        self._values = {key: "" if value is None else str(value) for key, value in values.items()}
        self._most = most

    def filled(self, text: str) -> str:
        """Raises RequestError 413 for what would become too large."""
        if "%recipient" not in text:
            return text
        length = len(text) + sum(len(self._value(found)) for found in _VARIABLE.finditer(text))
        if length > self._most:
            raise RequestError(413, f"the message is larger than {self._most} octets")
        return _VARIABLE.sub(self._value, text)

    def _value(self, found: re.Match[str]) -> str:
        return self._values.get(found[1], found[0]) if found[1] else self._own[found[2]]


def _finished(form: Form, client: Client, bounds: Bounds, writer: LetterWriter) -> list[Submission]:
    """A whole message: what is in it stays, but for Bcc and line ends."""
    if not form.one("to"):
        raise RequestError(400, "parameter is missing", where="to")
    files = form.files.get("message") or [FormFile("", "", text.encode()) for text in form.texts.get("message", ())]
    if len(files) != 1 or not files[0].data:
        raise RequestError(400, "parameter is missing" if not files else "parameter stands twice", where="message")
    if any((_values(form) or {}).values()):
        raise RequestError(400, "parameter is not supported with a finished message", where="recipient-variables")
    headers = form.named("h:")
    wishes = Wishes.of(headers, form.named("v:"), form.one("o:tag"))
    if letter_headers(headers):
        raise RequestError(400, "header fields are said in the message", where=f"h:{next(iter(headers))[:60]}")
    to, copies = _recipients(form)
    body = bytearray(files[0].data)
    # Who gets it is said in the form; From and the size are the message's own.
    query = QueryParams([("to", to[0][1])])
    try:
        read = raw_submission(body, query, Handed(client), bounds.size_limit)
    except RequestError as fault:
        raise RequestError(fault.status, fault.what, where="message") from None
    if _THEIR_LINKS_RAW.search(read.data):
        raise RequestError(400, "Mailgun's unsubscribe variables are not filled in here: advertising gets a link")
    addresses = [address for _, address in (*to, *copies)]
    return submissions_for(Sender(client, read.sender, wishes), addresses, writer.taken(read.data))


def _recipients(form: Form) -> tuple[list[Mailbox], list[Mailbox]]:
    """Those of `to`, and those of `cc` and `bcc`; each address once."""
    seen: set[str] = set()
    found: list[list[Mailbox]] = []
    for names in (("to",), ("cc", "bcc")):
        found.append([])
        for shown, address in (each for name in names for each in _mailboxes(form, name)):
            if address.lower() not in seen:
                seen.add(address.lower())
                found[-1].append((shown, address))
    if len(seen) > _MOST_RECIPIENTS:
        raise RequestError(400, f"too many recipients: at most {_MOST_RECIPIENTS} in one request")
    return found[0], found[1]


def _mailboxes(form: Form, name: str) -> list[Mailbox]:
    return _addresses([each for each in form.texts.get(name, ()) if each.strip()], name)


def _addresses(given: Sequence[str], name: str) -> list[Mailbox]:
    if sum(map(len, given)) > _MOST_LIST:
        raise RequestError(400, "parameter is too long", where=name)
    try:
        pairs = getaddresses(list(given))
    except (RecursionError, IndexError, ValueError):
        raise RequestError(400, _BAD_ADDRESS, where=name) from None
    found = []
    for shown, address in pairs:
        try:
            found.append(mailbox(f"{shown} <{address}>" if shown else address, name))
        except RequestError:
            raise RequestError(400, _BAD_ADDRESS, where=name) from None
    return found


def _only_one(given: str, name: str) -> Mailbox:
    found = _addresses([given], name)
    if len(found) != 1:
        raise RequestError(400, _BAD_ADDRESS, where=name)
    return found[0]


def _values(form: Form) -> dict[str, Mapping[str, Any]] | None:
    """Recipient variables by address in lower case; None where none were given, and all see each other."""
    written = form.one("recipient-variables")
    if not written:
        return None
    try:
        values = read_json(written.encode())
    except RequestError:
        values = None
    if not isinstance(values, dict) or not all(isinstance(each, dict) for each in values.values()):
        raise RequestError(400, "parameter is not a valid JSON dictionary of dictionaries", where="recipient-variables")
    return {address.lower(): each for address, each in values.items()} or None


def _files(form: Form) -> tuple[Attachment, ...]:
    found = []
    for name in ("attachment", "inline"):
        if name in form.texts:
            raise RequestError(400, "parameter is not a file", where=name)
        for file in form.files.get(name, ()):
            try:
                found.append(enclosed(file.name, file.type, file.data, file.name if name == "inline" else ""))
            except RequestError as fault:
                raise RequestError(400, f"{fault.where} {fault.what}", where=name) from None
    if len(found) > _MOST_FILES:
        raise RequestError(400, f"more than {_MOST_FILES} files", where="attachment")
    return tuple(found)


def _field(written: str) -> str:
    """The parameter that says this header field or part of the message."""
    if written.startswith("headers."):
        return f"h:{written.removeprefix('headers.')}"
    fields = {"body": "text", "attachment": "attachment", "Cc": "cc", "To": "to", "From": "from", "Subject": "subject"}
    return fields.get(written, f"h:{written}" if written and ":" not in written else written)
