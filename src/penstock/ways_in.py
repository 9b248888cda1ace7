"""The doors by which ESPs call back: codecs of plugins, and who may knock, as the config has it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from ipaddress import ip_network
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from penstock.config.adapter_section import WebhookSettings
from penstock.config.settings import Settings
from penstock.errors import AdapterUnavailable, ConfigError, WebhookRejected
from penstock.inbound.webhook_door import DoorRules
from penstock.ports import Marks, WebhookAddress, WebhookCodec

if TYPE_CHECKING:
    from aiohttp import StreamReader

__all__ = ["door_rules", "esp_of", "fetched", "open_codec", "open_codecs", "smtp_marks"]

CODECS = "penstock.webhooks"
"""The entry-point group of codecs: an ESP's name → a callable from WebhookAddress to a codec."""
_SMTP = ("smtp", "smtps")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]*")
_SHORTEST_SECRET = 16
_FETCH_SECONDS = 10.0
_FETCH_OCTETS = 64 << 10


def esp_of(url: str) -> str:
    """The ESP that will tell of mails handed over at this address: its scheme, or what `events` names in that of a mail
    server; empty where nobody will.
    """
    scheme, _, rest = url.partition(":")
    if scheme in _SMTP:
        return parse_qs(rest.partition("?")[2]).get("events", [""])[-1]
    return "" if scheme == "file" else scheme


def open_codecs(settings: Settings) -> dict[str, WebhookCodec]:
    """By adapter, for those with a webhook in the config. Raises ConfigError with the place."""
    return {
        name: _codec(settings, name, each.webhook)
        for name, each in settings.adapters.items()
        if each.webhook is not None
    }


def open_codec(settings: Settings, name: str) -> WebhookCodec:
    """That of one adapter that has a webhook in the config. Raises ConfigError with the place."""
    section = settings.adapters[name].webhook
    assert section is not None
    return _codec(settings, name, section)


def smtp_marks(settings: Settings) -> dict[str, Marks]:
    """By adapter, what makes the events of an ESP reached by SMTP name our mails. Raises ConfigError."""
    return {
        name: _codec(settings, name, each.webhook).marks
        for name, each in settings.adapters.items()
        if each.webhook is not None and each.url.partition(":")[0] in _SMTP
    }


def door_rules(settings: Settings, name: str, codec: WebhookCodec) -> DoorRules:
    """Who may call. Raises ConfigError where calls could be forged: unsigned calls have path and login only."""
    section = settings.adapters[name].webhook
    assert section is not None
    rules = DoorRules(
        path=section.path.reveal(),
        login=section.login.reveal(),
        bearer=section.bearer.reveal(),
        networks=tuple(ip_network(each) for each in section.networks),
    )
    where = settings.where("adapters", name, "webhook")
    if (codec.needs_path or not codec.signed) and len(rules.path) < _SHORTEST_SECRET:
        mend = f'path = "env:NAME" with at least {_SHORTEST_SECRET} characters; the ESP calls /webhooks/{name}/PATH'
        raise ConfigError("calls of this ESP need a secret path", where=where, mend=mend)
    if not _SEGMENT.fullmatch(rules.path):
        mend = "letters, digits, '-', '.', '_' and '~' only: it is one part of an address"
        raise ConfigError("path cannot stand in an address", where=where, mend=mend)
    if not codec.signed and not (rules.login or rules.bearer):
        mend = 'login = "env:NAME" (user:password) or bearer = "env:NAME"'
        raise ConfigError("calls of this ESP are not signed, so they need a login", where=where, mend=mend)
    if rules.login and ":" not in rules.login:
        raise ConfigError("login: expected user:password", where=where)
    return rules


def _codec(settings: Settings, name: str, section: WebhookSettings) -> WebhookCodec:
    where = settings.where("adapters", name, "webhook")
    esp = esp_of(settings.adapters[name].url)
    points = entry_points(group=CODECS)
    found = next((point for point in points if point.name == esp), None)
    if found is None:
        known = ", ".join(sorted(point.name for point in points)) or "none"
        mend = f"installed: {known}; a mail server names its ESP by ?events=NAME"
        raise ConfigError("nothing here reads what this adapter's ESP calls", where=where, mend=mend)
    try:
        make = found.load()
    except Exception as fault:
        raise ConfigError(f"the plugin for {esp} cannot be loaded: {type(fault).__name__}", where=where) from fault
    codec: WebhookCodec = make(WebhookAddress(name, section.key.reveal, section.topics, fetched))
    return codec


async def fetched(address: str) -> bytes:
    """A small document over https; nothing else, and no redirect.

    Raises WebhookRejected for what is not there, AdapterUnavailable for what cannot be reached now.
    """
    import aiohttp

    if urlsplit(address).scheme != "https":
        raise WebhookRejected("not an https address")
    timeout = aiohttp.ClientTimeout(total=_FETCH_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(address, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise WebhookRejected("the document is not there")
            return b"".join([piece async for piece in _first(answer.content, _FETCH_OCTETS)])
    except (TimeoutError, aiohttp.ClientError, OSError) as fault:
        raise AdapterUnavailable(f"a document cannot be fetched: {type(fault).__name__}") from None


async def _first(content: StreamReader, most: int) -> AsyncIterator[bytes]:
    """Pieces up to so many octets; raises WebhookRejected for more: half a document proves nothing."""
    async for piece in content.iter_any():
        most -= len(piece)
        if most < 0:
            raise WebhookRejected("the document is too large")
        yield piece
