"""How a Postmark adapter is written in the configuration, and made of that."""

from __future__ import annotations

import re

from penstock.adapters.http import Exchange, HttpAdapter, Inquiry
from penstock.errors import ConfigError
from penstock.ports import AdapterAddress
from penstock_postmark.deliver import Postmark
from penstock_postmark.lists import PostmarkErasure, PostmarkLists

__all__ = ["adapter"]

ENDPOINT = "https://api.postmarkapp.com"
TEST_TOKEN = "POSTMARK_API_TEST"  # noqa: S105 — Postmark's public token: it checks requests and sends nothing
_MOST_CONNECTIONS = 200
_STREAM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TOKEN = re.compile(r"[!-~]{1,200}")
_MAILBOX = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,255}")


def adapter(address: AdapterAddress) -> HttpAdapter:
    """`postmark:[?stream=ID&sandbox=no|yes&settings=read|unread&connections=N&unsubscribe_stream=ID&requested_by=MAIL]`
    with an api_key and, to ask for erasures by `requested_by`, the account's token as password. Raises ConfigError.
    """
    where = f"adapters.{address.name}"
    address.knows("stream", "sandbox", "settings", "connections", "unsubscribe_stream", "requested_by")
    if address.place:
        raise ConfigError("nothing stands between 'postmark:' and '?'", where=f"{where}.url", mend='"postmark:"')
    stream = address.options.get("stream", "outbound")
    if not _STREAM.fullmatch(stream):
        raise ConfigError("stream: the ID of a message stream is expected", where=f"{where}.url")
    sandbox = bool(address.option("sandbox", {"no": "", "yes": "yes"}))
    settings = bool(address.option("settings", {"read": "yes", "unread": ""}))
    written = address.options.get("connections", "10")
    connections = int(written) if written.isascii() and written.isdigit() and len(written) < 4 else 0
    if not 1 <= connections <= _MOST_CONNECTIONS:
        raise ConfigError(f"connections: 1 to {_MOST_CONNECTIONS} are expected", where=f"{where}.url")
    key = address.key()
    if not _TOKEN.fullmatch(key):
        raise ConfigError("this is no server token of Postmark", where=f"{where}.api_key")
    esp = Postmark(TEST_TOKEN if sandbox else key, stream, reads_settings=settings and not sandbox)
    exchange = Exchange(address.endpoint or ENDPOINT, connections=connections)
    lists = None if sandbox else _lists(address, exchange, key, stream)
    erasure = _erasure(address, exchange)
    return HttpAdapter(
        address.name, esp, exchange, address.clock, connections=connections, lists=lists, erasure=erasure
    )


def _lists(address: AdapterAddress, exchange: Exchange, key: str, stream: str) -> PostmarkLists:
    unsubscribe_stream = address.options.get("unsubscribe_stream", "")
    if unsubscribe_stream and not _STREAM.fullmatch(unsubscribe_stream):
        raise ConfigError(
            "unsubscribe_stream: the ID of a broadcast stream is expected", where=f"adapters.{address.name}.url"
        )
    interface = Inquiry(exchange, {"X-Postmark-Server-Token": key}, esp="Postmark")
    return PostmarkLists(interface, stream, unsubscribe_stream, address.clock)


def _erasure(address: AdapterAddress, exchange: Exchange) -> PostmarkErasure | None:
    requested_by, token = address.options.get("requested_by", ""), address.password()
    if not requested_by and not token:
        return None
    if not _MAILBOX.fullmatch(requested_by):
        raise ConfigError(
            "requested_by: the address of who asks for erasures is expected", where=f"adapters.{address.name}.url"
        )
    if not _TOKEN.fullmatch(token):
        raise ConfigError("this is no account token of Postmark", where=f"adapters.{address.name}.password")
    return PostmarkErasure(Inquiry(exchange, {"X-Postmark-Account-Token": token}, esp="Postmark"), requested_by)
