"""A local HTTP server that behaves as an ESP, and what every ESP plugin promises when it speaks with one."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from penstock.model.event import EventKind

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["HTTP_HEADERS", "Arrived", "FakeEsp", "Happening", "Mood", "OnList", "PostedCall", "Refused"]

_MOST_OCTETS = 64 << 20
HTTP_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "user-agent",
    }
)
"""Request headers that belong to HTTP itself, lower case."""


class Mood(StrEnum):
    """How the fake answers the next requests."""

    ACCEPT = "accept"
    RATE_LIMIT = "rate_limit"
    """429 with this ESP's headers; nothing is taken."""
    BAD_KEY = "bad_key"
    """401 in this ESP's words."""
    SERVER_ERROR = "server_error"
    """500, nothing is taken."""
    ACCEPT_THEN_ERROR = "accept_then_error"
    """All is taken, and the answer is 500."""
    HANG_UP = "hang_up"
    """All is taken, and the connection is closed without an answer."""
    HTML = "html"
    """200 with a page for people."""
    TRUNCATED = "truncated"
    """200 with the first half of the answer as its whole body; all is taken."""
    SLOW = "slow"
    """Accepts after `FakeEsp.pause` seconds."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail as the ESP would hand it to one recipient."""

    sender: str
    recipient: str
    subject: str
    text: str
    html: str | None
    headers: Mapping[str, str]
    """Names in lower case."""
    reply_to: str = ""
    mail_id: str = ""
    """Our id, wherever this ESP carries it."""
    attachments: tuple[tuple[str, bytes], ...] = ()
    tracking: bool = False
    """Whether the ESP would count opens or clicks, or put its own unsubscribe link in."""
    raw: bytes | None = None
    """The bytes, where the ESP takes them as they are."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What became of a mail that the fake took. `key` tells it from all others."""

    kind: EventKind
    arrived: Arrived
    key: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PostedCall:
    """One webhook call as this ESP makes it, signed where it signs: header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class OnList:
    """An entry of one of the ESP's suppression lists; names of lists as the ESP's description has them."""

    list_name: str
    address: str
    at: datetime


class Refused(Exception):  # noqa: N818 — it is an answer
    """The request breaks the published description: answered as the ESP answers such a thing."""

    def __init__(self, what: str, status: int = 400) -> None:
        super().__init__(what)
        self.what = what
        self.status = status


@dataclass
class FakeEsp(ABC):
    """Written from the ESP's published description: refuses every field that is not described there.

    Use it as an asynchronous context; then `url` is its address. `arrived` is what was taken, `requests` what was
    asked, `refused` what was wrong with requests that broke the description. Addresses whose local part is `refused`
    are refused one by one, in this ESP's own words.
    """

    key: str = "test-key"
    moods: list[Mood] = field(default_factory=list)
    """How the next requests are answered, one each; after that all are accepted."""
    pause: float = 0.5
    arrived: list[Arrived] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    url: str = ""
    webhook_key: str = ""
    """What a receiver verifies the calls by; each fake makes its own."""
    listed: list[OnList] = field(default_factory=list)
    """What stands on the suppression lists; requests that add or remove change it."""
    erased: list[str] = field(default_factory=list)
    """Addresses that the ESP was asked to erase."""
    _runner: web.AppRunner | None = None

    @abstractmethod
    async def authorised(self, request: web.Request) -> bool:
        """Whether the request carries the right key in this ESP's way."""
        ...

    @abstractmethod
    async def take(self, request: web.Request) -> tuple[Sequence[Arrived], web.Response]:
        """Read a request to send: the mails it brings that are taken, and the answer. Raises Refused."""
        ...

    @abstractmethod
    def fault(self, status: int, what: str) -> web.Response:
        """An error in this ESP's words; 429 with its rate headers (wait 7 seconds)."""
        ...

    async def other(self, request: web.Request) -> web.Response | None:
        """Answer a request that is not one to send (settings, suppressions, erasure); None: there is no such path."""
        del request
        return None

    @abstractmethod
    def sends(self, request: web.Request) -> bool:
        """Whether this is a request to send."""
        ...

    def calls(self, happenings: Sequence[Happening], at: datetime) -> Sequence[PostedCall]:
        """The webhook calls by which this ESP tells of these, made at that moment: as many in one as it puts in one.

        `EventKind.UNKNOWN` is an event type that the ESP has and nobody acts upon.
        """
        del happenings, at
        return ()

    async def post(self, url: str, happenings: Sequence[Happening], at: datetime) -> list[int]:
        """Make the calls; the statuses that came back."""
        import aiohttp

        async with aiohttp.ClientSession() as session:
            statuses = []
            for call in self.calls(happenings, at):
                async with session.post(url, data=call.body, headers=dict(call.headers)) as answer:
                    statuses.append(answer.status)
            return statuses

    async def __aenter__(self) -> Self:
        from aiohttp import web

        app = web.Application(client_max_size=_MOST_OCTETS)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        self.requests.append((request.method, request.path))
        if not await self.authorised(request):
            return self.fault(401, "unauthorised")
        if not self.sends(request):
            answer = await self.other(request)
            return self.fault(404, "no such path") if answer is None else answer
        mood = self.moods.pop(0) if self.moods else Mood.ACCEPT
        match mood:
            case Mood.RATE_LIMIT:
                return self.fault(429, "too many requests")
            case Mood.BAD_KEY:
                return self.fault(401, "unauthorised")
            case Mood.SERVER_ERROR:
                return self.fault(500, "internal error")
            case Mood.HTML:
                return web.Response(text="<html>Welcome</html>", content_type="text/html")
        try:
            taken, answer = await self.take(request)
        except Refused as refusal:
            self.refused.append(refusal.what)
            return self.fault(refusal.status, refusal.what)
        self.arrived += taken
        return await self._answered(request, answer, mood)

    async def _answered(self, request: web.Request, answer: web.Response, mood: Mood) -> web.StreamResponse:
        from aiohttp import web

        match mood:
            case Mood.ACCEPT_THEN_ERROR:
                return self.fault(500, "internal error")
            case Mood.HANG_UP:
                assert request.transport is not None
                request.transport.close()
            case Mood.TRUNCATED:
                body = answer.body if isinstance(answer.body, bytes) else b""
                return web.Response(status=answer.status, body=body[: len(body) // 2], content_type=answer.content_type)
            case Mood.SLOW:
                await asyncio.sleep(self.pause)
        return answer
