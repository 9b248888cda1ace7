"""The fields of Mailgun's two ways to send, and what is wrong with a request that breaks them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import getaddresses, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from penstock.testing.esp import Refused

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FIELDS", "MIME_FIELDS", "REQUIRED", "Sent", "checked"]

MOST_RECIPIENTS = 1000
MOST_OPTIONS = 16 * 1024
MOST_MESSAGE = 25 * 1024 * 1024

_BOOLEAN = ("yes", "no", "true", "false")
_TOGGLE = (*_BOOLEAN, "htmlonly")
_OPTIONS: dict[str, tuple[str, ...]] = {
    "template": (),
    "t:version": (),
    "t:text": ("yes",),
    "t:variables": (),
    "o:tag": (),
    "o:dkim": _BOOLEAN,
    "o:secondary-dkim": (),
    "o:secondary-dkim-public": (),
    "o:deliverytime": (),
    "o:deliver-within": (),
    "o:deliverytime-optimize-period": (),
    "o:time-zone-localize": (),
    "o:testmode": ("yes",),
    "o:tracking": _TOGGLE,
    "o:tracking-clicks": _TOGGLE,
    "o:tracking-opens": _BOOLEAN,
    "o:require-tls": _BOOLEAN,
    "o:skip-verification": _BOOLEAN,
    "o:sending-ip": (),
    "o:sending-ip-pool": (),
    "o:tracking-pixel-location-top": _TOGGLE,
    "o:archive-to": (),
    "o:suppress-headers": (),
    "recipient-variables": (),
}
FIELDS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("from", "to", "cc", "bcc", "subject", "text", "html", "amp-html", "attachment", "inline"), ()),
    **_OPTIONS,
}
"""Of `/messages`: each field and the words it takes, none for any text."""
MIME_FIELDS: Mapping[str, tuple[str, ...]] = {**dict.fromkeys(("to", "message"), ()), **_OPTIONS}
"""Of `/messages.mime`."""
REQUIRED = {False: ("from", "to", "subject"), True: ("to", "message")}
"""By whether the message comes whole."""
_LISTS = frozenset({"to", "cc", "bcc", "attachment", "inline", "o:tag"})
_FILES = frozenset({"attachment", "inline", "message"})
_HEADER = re.compile(r"h:[!-9;-~]+")
_FORMS = {
    "o:deliver-within": re.compile(r"(?:[0-9]+h)?(?:[0-9]+m)?(?<=[hm])"),
    "o:deliverytime-optimize-period": re.compile(r"(?:2[4-9]|[3-6][0-9]|7[0-2])h"),
    "o:time-zone-localize": re.compile(r"[0-2]?[0-9]:[0-5][0-9](?:AM|PM|am|pm)?"),
    "o:secondary-dkim": re.compile(r"[^/]+/[^/]+"),
    "o:secondary-dkim-public": re.compile(r"[^/]+/[^/]+"),
}
_BAD_ADDRESS = "parameter is not a valid address. please check documentation"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that keeps to the description. `recipients` are addresses, in order, each once."""

    texts: Mapping[str, list[str]]
    files: Mapping[str, list[tuple[str, bytes]]]
    recipients: tuple[str, ...]
    variables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Recipient variables by address."""

    def one(self, name: str) -> str:
        """The value of a field that stands once, empty where it is left out."""
        return self.texts.get(name, [""])[0]

    def named(self, prefix: str) -> dict[str, str]:
        """The values of `h:` or `v:` by their own names."""
        return {name[len(prefix) :]: values[0] for name, values in self.texts.items() if name.startswith(prefix)}


async def checked(request: web.Request, fields: Mapping[str, tuple[str, ...]], *, whole: bool) -> Sent:
    """Read and check a request. Raises Refused with what is wrong."""
    texts, files = await _parts(request, fields, whole=whole)
    for name in REQUIRED[whole]:
        if not any((*texts.get(name, ()), *files.get(name, ()))):
            raise Refused(f"{name} parameter is missing")
    if "template" in texts:
        raise Refused("template not found")
    if any(name.startswith("t:") for name in texts):
        raise Refused("t: options need a template")
    if not whole and not {"text", "html", "amp-html"} & texts.keys():
        raise Refused("Need at least one of 'text', 'html', 'amp-html' or 'template' parameters specified")
    _values(texts, fields)
    _sizes(texts, files)
    recipients = _recipients(texts)
    return Sent(texts, files, recipients, _variables(texts))


async def _parts(
    request: web.Request, fields: Mapping[str, tuple[str, ...]], *, whole: bool
) -> tuple[dict[str, list[str]], dict[str, list[tuple[str, bytes]]]]:
    form = request.content_type == "application/x-www-form-urlencoded" and not whole
    if request.content_type != "multipart/form-data" and not form:
        raise Refused("the request is no multipart/form-data")
    try:
        posted = await request.post()
    except (ValueError, LookupError) as fault:
        raise Refused("the request cannot be read") from fault
    texts: dict[str, list[str]] = {}
    files: dict[str, list[tuple[str, bytes]]] = {}
    for name, value in posted.items():
        if name not in fields and not _HEADER.fullmatch(name) and not (name.startswith("v:") and len(name) > 2):
            raise Refused(f"unknown parameter {name}")
        if (name in texts or name in files) and name not in _LISTS:
            raise Refused(f"{name} stands twice")
        if isinstance(value, str) == (name in _FILES):
            raise Refused(f"{name} is {'not ' if name in _FILES else ''}a file")
        if isinstance(value, str):
            texts.setdefault(name, []).append(value)
        elif not isinstance(value, bytes | bytearray):
            files.setdefault(name, []).append((value.filename, value.file.read()))
            value.file.close()
    return texts, files


def _values(texts: Mapping[str, list[str]], fields: Mapping[str, tuple[str, ...]]) -> None:
    for name, values in texts.items():
        words = fields.get(name, ())
        if words and values[0] not in words:
            raise Refused(f"{name} is none of {', '.join(words)}")
        if name in _FORMS and not _FORMS[name].fullmatch(values[0]):
            raise Refused(f"{name} is not in its form")
        if name.startswith("h:") and ("\n" in values[0] or "\r" in values[0]):
            raise Refused(f"{name} holds a line break")
    if "o:secondary-dkim-public" in texts and "o:secondary-dkim" not in texts:
        raise Refused("o:secondary-dkim-public needs o:secondary-dkim")
    if "o:deliverytime" in texts:
        try:
            parsedate_to_datetime(texts["o:deliverytime"][0])
        except ValueError as fault:
            raise Refused("o:deliverytime is no date of RFC 2822") from fault


def _sizes(texts: Mapping[str, list[str]], files: Mapping[str, list[tuple[str, bytes]]]) -> None:
    options = sum(
        len(name.encode()) + len(value.encode())
        for name, values in texts.items()
        if name[:2] in {"o:", "h:", "v:", "t:"}
        for value in values
    )
    if options > MOST_OPTIONS:
        raise Refused("Send options (parameters starting with o:, h:, or v:) are limited to 16KB total")
    texts_size = sum(len(texts[name][0].encode()) for name in ("text", "html", "amp-html") if name in texts)
    if texts_size + sum(len(data) for each in files.values() for _, data in each) > MOST_MESSAGE:
        raise Refused("the message is larger than 25 MB", 413)


def _recipients(texts: Mapping[str, list[str]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in ("to", "cc", "bcc"):
        for _, address in getaddresses(texts.get(name, [])):
            local, _, domain = address.rpartition("@")
            if not local or not domain or " " in address or local == "refused":
                raise Refused(f"'{name}' {_BAD_ADDRESS}")
            found.setdefault(address)
    if not getaddresses(texts.get("to", [])):
        raise Refused(f"'to' {_BAD_ADDRESS}")
    if len(found) > MOST_RECIPIENTS:
        raise Refused("too many recipients: at most 1000 in one request")
    return tuple(found)


def _variables(texts: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    written = texts.get("recipient-variables", ["{}"])[0]
    try:
        variables = json.loads(written)
    except ValueError as fault:
        raise Refused("recipient-variables is no JSON") from fault
    if not isinstance(variables, dict) or not all(isinstance(each, dict) for each in variables.values()):
        raise Refused("recipient-variables is no dictionary of dictionaries")
    return variables
