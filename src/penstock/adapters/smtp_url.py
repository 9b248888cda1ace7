"""The address of a mail server in the config, read: where it is, how it is spoken to, what it allows."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from penstock.adapters.loopback import is_loopback
from penstock.adapters.smtp_login import Auth
from penstock.errors import ConfigError

__all__ = ["SMTP_SCHEMES", "SmtpAddress", "Tls", "Utf8", "smtp_address"]

Word = TypeVar("Word", bound=StrEnum)

SMTP_SCHEMES = ("smtp", "smtps", "smtp+gmail", "smtp+m365")


class Tls(StrEnum):
    """How the connection is encrypted."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


class Utf8(StrEnum):
    """Whether mails that need SMTPUTF8 (RFC 6531) are taken; `auto` once a connection offered it."""

    YES = "yes"
    NO = "no"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """A server and how to speak to it. `rates` are the provider's own caps, to be added to the configured ones.

    `source` is the IP address to connect from, `helo` our name in EHLO; empty: the system's choice.
    `token_endpoint`, `client_id` and `scope` go with XOAUTH2. `envelope_sender`: MAIL FROM may be what we like.
    """

    host: str
    port: int
    tls: Tls
    user: str = ""
    auth: Auth | None = None
    connections: int = 10
    source: str = ""
    helo: str = ""
    smtputf8: Utf8 = Utf8.NO
    rates: tuple[str, ...] = ()
    token_endpoint: str = ""
    client_id: str = ""
    scope: str = ""
    envelope_sender: bool = True
    events: str = ""
    """The ESP behind the server, whose events shall name our mails."""

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Preset:
    host: str
    connections: int
    rates: tuple[str, ...]
    token_endpoint: str
    scope: str = ""


_PRESETS = {
    "smtp+gmail": _Preset("smtp.gmail.com", 5, ("2000/d",), "https://oauth2.googleapis.com/token"),
    "smtp+m365": _Preset(
        "smtp.office365.com",
        3,  # Exchange Online lets one mailbox have three sessions
        ("10000/d", "30/min"),
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://outlook.office.com/SMTP.Send offline_access",
    ),
}
_OPTIONS = ("tls", "connections", "source", "smtputf8", "auth", "helo", "client_id", "events")
_MOST_CONNECTIONS = 200
_HELO = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:.]+", re.ASCII)


def smtp_address(url: str, where: str) -> SmtpAddress:
    """Read `smtp://user@host:587?tls=starttls&connections=10`, `smtps://…`, `smtp+gmail:user`, `smtp+m365:user`.

    Raises ConfigError, at `where`, without repeating the URL: it may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port if parts.scheme not in _PRESETS else None
    except ValueError:
        raise ConfigError("the host or port cannot be read", where=where) from None
    options = _options(parts.query, where)
    if parts.scheme in _PRESETS:
        return _of_provider(_PRESETS[parts.scheme], parts, options, where)
    if parts.password is not None:
        raise ConfigError(
            "passwords in addresses are not in this version", where=where, mend='use password = "env:NAME"'
        )
    host = parts.hostname or ""
    if not _HOST.fullmatch(host) or parts.path.strip("/") or parts.fragment:
        raise ConfigError("no mail server is named", where=where, mend='for example "smtp://user@mail.example:587"')
    tls = _tls(parts.scheme, host, options, where)
    standard = {Tls.IMPLICIT: 465, Tls.STARTTLS: 587, Tls.NONE: 25}[tls]
    return SmtpAddress(
        host=host,
        port=port or standard,
        tls=tls,
        user=unquote(parts.username or ""),
        auth=_word(Auth, "auth", options, where),
        connections=_connections(options, 10, where),
        source=_source(options, where),
        helo=_helo(options, where),
        smtputf8=_word(Utf8, "smtputf8", options, where) or Utf8.NO,
        client_id=options.get("client_id", ""),
        events=options.get("events", ""),
    )


def _of_provider(preset: _Preset, parts: SplitResult, options: Mapping[str, str], where: str) -> SmtpAddress:
    user = unquote(parts.netloc + parts.path).strip("/")
    if not user or ":" in user:
        raise ConfigError(
            "name the mailbox, and only it", where=where, mend='for example "smtp+gmail:eva@firm.example"'
        )
    if options.get("tls", Tls.STARTTLS) != Tls.STARTTLS:
        raise ConfigError("tls: this provider is spoken to with starttls", where=where)
    return SmtpAddress(
        host=preset.host,
        port=587,
        tls=Tls.STARTTLS,
        user=user,
        auth=_word(Auth, "auth", options, where),
        connections=_connections(options, preset.connections, where),
        source=_source(options, where),
        helo=_helo(options, where),
        smtputf8=_word(Utf8, "smtputf8", options, where) or Utf8.NO,
        rates=preset.rates,
        token_endpoint=preset.token_endpoint,
        client_id=options.get("client_id", ""),
        scope=preset.scope,
        envelope_sender=False,  # only the mailbox itself may stand in MAIL FROM
    )


def _options(query: str, where: str) -> dict[str, str]:
    from difflib import get_close_matches

    options: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key not in _OPTIONS:
            close = get_close_matches(key, _OPTIONS, n=1)
            mend = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(_OPTIONS)}"
            raise ConfigError("unknown option in the address", where=where, mend=mend)
        options[key] = value
    return options


def _tls(scheme: str, host: str, options: Mapping[str, str], where: str) -> Tls:
    named = _word(Tls, "tls", options, where)
    if scheme == "smtps":
        if named not in {None, Tls.IMPLICIT}:
            raise ConfigError("tls: smtps: means implicit", where=where)
        return Tls.IMPLICIT
    if named is Tls.NONE and not is_loopback(host):
        raise ConfigError("tls: none is for this machine only", where=where, mend="use starttls or implicit")
    return named or (Tls.NONE if is_loopback(host) else Tls.STARTTLS)


def _word(kind: type[Word], key: str, options: Mapping[str, str], where: str) -> Word | None:
    if key not in options:
        return None
    try:
        return kind(options[key].lower())
    except ValueError:
        raise ConfigError(f"{key}: expected {', '.join(kind)}", where=where) from None


def _connections(options: Mapping[str, str], usual: int, where: str) -> int:
    given = options.get("connections", str(usual))
    if not (given.isascii() and given.isdigit() and len(given) <= 3 and 1 <= int(given) <= _MOST_CONNECTIONS):
        raise ConfigError(f"connections: expected 1 to {_MOST_CONNECTIONS}", where=where)
    return int(given)


def _source(options: Mapping[str, str], where: str) -> str:
    try:
        return str(ipaddress.ip_address(options["source"])) if "source" in options else ""
    except ValueError:
        raise ConfigError("source: expected an IP address of this machine", where=where) from None


def _helo(options: Mapping[str, str], where: str) -> str:
    name = options.get("helo", "")
    if name and not _HELO.fullmatch(name):
        raise ConfigError("helo: expected a host name or [IP address]", where=where)
    return name
