"""From an adapter's address in the config to the adapter."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import parse_qsl

from penstock.adapters.outbox import FileAdapter
from penstock.adapters.smtp import SmtpAdapter
from penstock.adapters.smtp_login import AccessTokens, Auth, Credentials, Secret, TokenRequest
from penstock.adapters.smtp_url import SMTP_SCHEMES, SmtpAddress, smtp_address
from penstock.errors import ConfigError
from penstock.ports import Adapter, AdapterAddress, Clock, Marks

__all__ = ["adapter_from_url"]

PLUGINS = "penstock.adapters"
"""The entry-point group of ways out: the scheme of an address → a callable from AdapterAddress to an adapter."""
_OPTIONS = ("smtputf8",)
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


def adapter_from_url(
    name: str,
    url: str,
    base: Path,
    clock: Clock | None = None,
    *,
    password: Secret | None = None,
    api_key: Secret | None = None,
    endpoint: str = "",
    marks: Marks | None = None,
) -> Adapter:
    """Make the adapter for `file:FOLDER[?smtputf8=no]`, a mail server's address (`penstock.adapters.smtp_url`) or a
    plugin's, such as `sendgrid:`.

    A relative folder starts at `base`. A mail server needs the clock. `password` is what `user` logs in with; for
    XOAUTH2 it is the refresh token, `api_key` the client's secret, and `endpoint` may name another token endpoint.
    Raises ConfigError for an address that is not understood, without repeating it: it may hold a password.
    """
    where = f"adapters.{name}.url"
    scheme, _, rest = url.partition(":")
    if scheme in SMTP_SCHEMES:
        address = smtp_address(url, where)
        if clock is None:
            raise ConfigError("a mail server cannot be used without a clock", where=where)
        if address.events and marks is None:
            mend = f"[adapters.{name}.webhook] says how the calls are proved"
            raise ConfigError(f"events={address.events}, but nobody would hear them", where=where, mend=mend)
        login = _credentials(name, address, clock, password, api_key, endpoint)
        return SmtpAdapter(name, address, clock, credentials=login, marks=marks)
    if scheme != "file":
        return _from_plugin(scheme, rest, name, clock, api_key, password, endpoint)
    folder, _, query = rest.partition("?")
    folder = folder.removeprefix("//")
    if not folder:
        raise ConfigError("no folder is named", where=where, mend='for example "file:outbox"')
    options = _options(query, where)
    return FileAdapter(name, base / Path(folder).expanduser(), smtputf8=options.get("smtputf8", True))


def _from_plugin(
    scheme: str, rest: str, name: str, clock: Clock | None, api_key: Secret | None, password: Secret | None,
    endpoint: str,
) -> Adapter:  # fmt: skip
    """What an installed package makes of the address."""
    where = f"adapters.{name}.url"
    points = entry_points(group=PLUGINS)
    found = next((point for point in points if point.name == scheme), None)
    if found is None:
        known = ", ".join(['"file:FOLDER"', '"smtp://HOST"', *sorted(f'"{point.name}:"' for point in points)])
        mend = f"installed are {known}; ESPs are packages named penstock-NAME (in a checkout: uv run --extra esps …)"
        raise ConfigError(f"nothing here sends by {scheme!r}", where=where, mend=mend)
    if clock is None:
        raise ConfigError("an ESP cannot be used without a clock", where=where)
    try:
        make = found.load()
    except Exception as fault:
        raise ConfigError(f"the plugin for {scheme} cannot be loaded: {type(fault).__name__}", where=where) from fault
    place, _, query = rest.partition("?")
    address = AdapterAddress(
        name,
        place.removeprefix("//"),
        clock,
        dict(parse_qsl(query, keep_blank_values=True)),
        _revealed(api_key),
        _revealed(password),
        endpoint,
    )
    adapter: Adapter = make(address)
    return adapter


def _revealed(secret: Secret | None) -> Callable[[], str]:
    return secret.reveal if secret else str


def _credentials(
    name: str, address: SmtpAddress, clock: Clock, password: Secret | None, api_key: Secret | None, endpoint: str
) -> Credentials | None:
    if not address.user:
        if password:
            raise ConfigError(
                "a password without a user", where=f"adapters.{name}.password", mend="name the user: smtp://USER@HOST"
            )
        return None
    if not password:
        raise ConfigError("the user has no password", where=f"adapters.{name}.password", mend='use "env:NAME"')
    tokens = None
    if address.auth is Auth.XOAUTH2:
        request = TokenRequest(endpoint or address.token_endpoint, address.client_id, address.scope)
        if not request.client_id:
            raise ConfigError("xoauth2 needs client_id in the address", where=f"adapters.{name}.url")
        AccessTokens.check_endpoint(request.endpoint, f"adapters.{name}.endpoint")
        tokens = AccessTokens(request, password, api_key or None, clock)
    return Credentials(address.user, password, address.auth, tokens)


def _options(query: str, where: str) -> dict[str, bool]:
    options: dict[str, bool] = {}
    for key, word in parse_qsl(query, keep_blank_values=True):
        if key not in _OPTIONS:
            close = get_close_matches(key, _OPTIONS, n=1)
            mend = f"did you mean '{close[0]}'?" if close else f"known: {', '.join(_OPTIONS)}"
            raise ConfigError("unknown option in the address", where=where, mend=mend)
        if word.lower() not in _WORDS:
            raise ConfigError(f"{key}: expected yes or no", where=where)
        options[key] = _WORDS[word.lower()]
    return options
