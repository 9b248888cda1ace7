"""Logging in (RFC 4954): PLAIN, LOGIN, CRAM-MD5, and XOAUTH2 with a refresh token (RFC 6749 section 6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

from penstock.adapters.loopback import is_loopback
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.ports import Clock

if TYPE_CHECKING:
    from aiosmtplib import SMTP

__all__ = ["AccessTokens", "Auth", "Credentials", "LoginRefused", "Secret", "TokenRequest", "log_in"]

_TRIES = 3
_MOST_BYTES = 65_536
_EARLY = 60.0  # seconds before its end a token is no longer used


class Auth(StrEnum):
    """The SASL mechanisms we speak."""

    PLAIN = "plain"
    LOGIN = "login"
    CRAM_MD5 = "cram-md5"
    XOAUTH2 = "xoauth2"


class Secret(Protocol):
    """Something that is read only when it is used. `reveal` raises ConfigError when it cannot be read."""

    def reveal(self) -> str:
        """The secret itself."""
        ...


class LoginRefused(AdapterUnavailable):
    """Our credentials are wrong: more tries would only lock the account."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Where access tokens come from. `endpoint` is https, or http on a loopback host."""

    endpoint: str
    client_id: str
    scope: str = ""


class AccessTokens:
    """Trades the refresh token for access tokens and keeps one until it runs out."""

    def __init__(
        self, request: TokenRequest, refresh_token: Secret, client_secret: Secret | None, clock: Clock, *,
        timeout: float = 15.0, pause: float = 1.0,
    ) -> None:  # fmt: skip
        self._request = request
        self._refresh_token = refresh_token
        self._client_secret = client_secret
        self._clock = clock
        self._timeout = timeout
        self._pause = pause
        self._token = ""
        self._until = 0.0
        self._turn = asyncio.Lock()

    @property
    def cached(self) -> bool:
        """The next token is not fresh from the endpoint."""
        return bool(self._token) and self._clock.machine() < self._until

    def forget(self) -> None:
        """The server did not take the token."""
        self._token = ""

    async def token(self) -> str:
        """An access token that is still good. Raises LoginRefused when the grant is over, else AdapterUnavailable."""
        async with self._turn:
            if not self.cached:
                answer = await self._fetch()
                token, seconds = answer.get("access_token"), answer.get("expires_in", 0)
                if not isinstance(token, str) or not isinstance(seconds, int | float):
                    raise AdapterUnavailable("the token endpoint answers no token", where=self._where())
                self._token, self._until = token, self._clock.machine() + max(seconds - _EARLY, 0.0)
            return self._token

    async def _fetch(self) -> dict[str, Any]:
        from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

        tries = AsyncRetrying(
            stop=stop_after_attempt(_TRIES),
            wait=wait_random_exponential(self._pause, max=30 * self._pause),
            retry=retry_if_exception_type(OSError),
            reraise=True,
        )
        form = self._form()
        try:
            return await tries(asyncio.to_thread, self._post, form)
        except OSError as fault:
            raise AdapterUnavailable("the token endpoint cannot be reached", where=self._where()) from fault

    def _form(self) -> bytes:
        form = {
            "grant_type": "refresh_token",
            "client_id": self._request.client_id,
            "refresh_token": self._refresh_token.reveal(),
        }
        if self._client_secret is not None:
            form["client_secret"] = self._client_secret.reveal()
        if self._request.scope:
            form["scope"] = self._request.scope
        return urlencode(form).encode()

    def _post(self, form: bytes) -> dict[str, Any]:
        import json
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        try:
            with urlopen(Request(self._request.endpoint, form), timeout=self._timeout) as response:  # noqa: S310 — checked
                answer = json.loads(response.read(_MOST_BYTES))
        except HTTPError as fault:
            with fault:
                if fault.code in {400, 401, 403}:
                    raise LoginRefused("the token endpoint refuses our refresh token", where=self._where()) from None
                raise
        except ValueError:
            raise AdapterUnavailable("the token endpoint answers no JSON", where=self._where()) from None
        return answer if isinstance(answer, dict) else {}

    def _where(self) -> str:
        return urlsplit(self._request.endpoint).netloc

    @staticmethod
    def check_endpoint(endpoint: str, where: str) -> None:
        """Refuse to send the refresh token in clear text. Raises ConfigError."""
        parts = urlsplit(endpoint)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ConfigError("the token endpoint must be https", where=where)


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Who we log in as. `auth` None: the best of what the server offers. `tokens` goes with XOAUTH2 only."""

    user: str
    password: Secret | None = None
    auth: Auth | None = None
    tokens: AccessTokens | None = field(default=None, compare=False)


async def log_in(smtp: SMTP, who: Credentials, *, where: str) -> None:
    """Log in once with one mechanism. Raises LoginRefused, AdapterUnavailable and what aiosmtplib raises on a break."""
    from aiosmtplib import SMTPAuthenticationError

    offered = {name.lower() for name in smtp.server_auth_methods}
    auth = _chosen(who, offered, where)
    try:
        if auth is Auth.XOAUTH2:
            assert who.tokens is not None
            await smtp.auth_xoauth2(who.user, await who.tokens.token())
        else:
            password = who.password.reveal() if who.password is not None else ""
            await _mechanism(smtp, auth)(who.user, password)
    except ConfigError as fault:
        raise AdapterUnavailable(fault.what, where=fault.where or where) from fault
    except SMTPAuthenticationError as fault:
        if fault.code // 100 == 5:
            raise LoginRefused(f"the login was refused ({fault.code})", where=where) from None
        raise AdapterUnavailable(f"the login was put off ({fault.code})", where=where) from None


def _mechanism(smtp: SMTP, auth: Auth) -> Callable[[str, str], Awaitable[Any]]:
    match auth:
        case Auth.LOGIN:
            return smtp.auth_login
        case Auth.CRAM_MD5:
            return smtp.auth_crammd5
        case _:
            return smtp.auth_plain


def _chosen(who: Credentials, offered: set[str], where: str) -> Auth:
    """One mechanism: a wrong password is told once, not once per mechanism."""
    wanted = [who.auth] if who.auth else [Auth.PLAIN, Auth.LOGIN, Auth.CRAM_MD5]
    for auth in wanted:
        if auth in offered:
            return auth
    raise LoginRefused("the server offers no login that we may use", where=where, mend="see the option auth")
