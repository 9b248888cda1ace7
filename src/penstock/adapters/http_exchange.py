"""One request to an ESP and what came of it, with exact knowledge of whether its first octet left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock.adapters.loopback import is_loopback
from penstock.errors import ConfigError

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Doubt", "Exchange", "HttpRequest", "HttpResponse", "HttpTimeouts", "NotStarted"]

_MOST_OCTETS = 1 << 20
"""Of an answer to a sending; the rest tells nothing that is needed."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send. `path` starts with a slash and follows the endpoint; headers are sent as given.

    Of the answer `most` octets are read; lists that come in one piece need more than what is usual.
    """

    path: str
    body: bytes
    headers: Mapping[str, str]
    method: str = "POST"
    most: int = _MOST_OCTETS


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back: header names in lower case, and no more of the body than was asked for."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """No octet of the request left: no connection, no TLS, a time-out before."""

    why: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """The request began and no whole answer came: it may have been acted upon."""

    why: str


@dataclass(frozen=True, slots=True)
class HttpTimeouts:
    """Seconds. `write` bounds sending the request, `read` each wait for the answer."""

    connect: float = 10.0
    write: float = 60.0
    read: float = 60.0


class Exchange:
    """A pool of connections to one endpoint, opened when it is first used. Close it."""

    def __init__(
        self,
        endpoint: str,
        *,
        connections: int = 10,
        timeouts: HttpTimeouts = HttpTimeouts(),
    ) -> None:
        """`endpoint` is https, or http on a loopback host. Raises ConfigError for anything else."""
        parts = urlsplit(endpoint)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
            raise ConfigError("the endpoint is no web address", where="endpoint", mend="write https://HOST")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ConfigError("the endpoint would carry keys in the clear", where="endpoint", mend="use https")
        self.endpoint = endpoint.rstrip("/")
        self._connections = connections
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: HttpRequest) -> HttpResponse | NotStarted | Doubt:
        """Send it once: nothing is repeated, no redirect is followed."""
        import aiohttp

        session = self._session = self._session or self._opened()
        began = SimpleNamespace(yes=False)
        try:
            async with (
                asyncio.timeout(self._timeouts.connect + self._timeouts.write + self._timeouts.read),
                session.request(
                    request.method,
                    self.endpoint + request.path,
                    data=BytesIO(request.body) if request.body else None,  # octets at once would warn from 1 MiB on
                    headers=request.headers,
                    allow_redirects=False,
                    trace_request_ctx=began,
                ) as answer,
            ):
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return HttpResponse(answer.status, headers, await _bounded(answer.content, request.most))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as fault:
            # ValueError: an answer that is no HTTP. Names only: messages of libraries may quote what was sent.
            why = type(fault).__name__
            return Doubt(why) if began.yes else NotStarted(why)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note)
        return aiohttp.ClientSession(
            # Idle connections are given up before ESPs close them: a request on a dying one is a doubt.
            connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=10.0),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._timeouts.connect, sock_read=self._timeouts.read
            ),
            trace_configs=[trace],
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent",),
            headers={"User-Agent": "penstock"},
            auto_decompress=True,
        )


async def _note(session: object, context: SimpleNamespace, params: object) -> None:
    del session, params
    context.trace_request_ctx.yes = True


async def _bounded(content: aiohttp.StreamReader, most: int) -> bytes:
    pieces, size = [], 0
    async for piece in content.iter_any():
        pieces.append(piece)
        size += len(piece)
        if size > most:
            break
    return b"".join(pieces)[:most]
