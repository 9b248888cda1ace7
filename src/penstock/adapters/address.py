"""From an adapter's address in the config to the adapter."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from urllib.parse import parse_qsl

from penstock.adapters.outbox import FileAdapter
from penstock.adapters.smtp import SmtpAdapter
from penstock.adapters.smtp_login import AccessTokens, Auth, Credentials, Secret, TokenRequest
from penstock.adapters.smtp_url import SMTP_SCHEMES, SmtpAddress, smtp_address
from penstock.errors import ConfigError
from penstock.ports import Adapter, Clock

__all__ = ["adapter_from_url"]

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
) -> Adapter:
    """Make the adapter for `file:FOLDER[?smtputf8=no]` or a mail server's address (`penstock.adapters.smtp_url`).

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
        return SmtpAdapter(
            name, address, clock, credentials=_credentials(name, address, clock, password, api_key, endpoint)
        )
    if scheme != "file":
        raise ConfigError(
            "this kind of adapter is not in this version", where=where, mend='use "file:FOLDER" or "smtp://HOST"'
        )
    folder, _, query = rest.partition("?")
    folder = folder.removeprefix("//")
    if not folder:
        raise ConfigError("no folder is named", where=where, mend='for example "file:outbox"')
    options = _options(query, where)
    return FileAdapter(name, base / Path(folder).expanduser(), smtputf8=options.get("smtputf8", True))


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
