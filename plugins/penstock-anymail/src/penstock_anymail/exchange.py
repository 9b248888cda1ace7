"""One mail to a backend of anymail in a thread, and what came of it in the words of `penstock.adapters.http`."""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from typing import Any

from penstock.adapters.http import Doubt, Exchange, HttpRequest, HttpResponse, NotStarted
from penstock_anymail.backend import BackendMaker

__all__ = ["AnymailExchange", "AnymailRequest"]

_LONGEST = 180.0
"""Seconds that one mail may take; the thread cannot be stopped and goes on by itself."""
_NO_ADDRESS = "https://backend.invalid"
"""For backends that do not speak HTTP themselves; never asked."""


@dataclass(frozen=True, slots=True)
class AnymailRequest(HttpRequest):
    """A request that anymail makes of Django's `message`."""

    message: Any = field(default=None, repr=False)


class AnymailExchange(Exchange):
    """As many backends as mails are under way. The answers' bodies are ours: nothing that the ESP says is in them.

    `{"status": […], "id": …}` is what anymail read in an answer, `{"unfit": …}` why no request was made; an empty body
    is an answer that could not be read, or one of an error.
    """

    def __init__(self, make: BackendMaker) -> None:
        """Raises ConfigError for a backend whose address is not https, nor http on a loopback host."""
        first = make()
        super().__init__(getattr(first, "api_url", _NO_ADDRESS))
        self._make = make
        self._idle = [first]

    async def send(self, request: HttpRequest) -> HttpResponse | NotStarted | Doubt:
        """Have it sent once."""
        assert isinstance(request, AnymailRequest)
        backend = self._idle.pop() if self._idle else self._make()
        try:
            async with asyncio.timeout(_LONGEST):
                answer = await asyncio.to_thread(_handed, backend, request.message)
        except TimeoutError:
            return Doubt("TimeoutError")  # its thread may still use the backend, so it is idle no more
        self._idle.append(backend)
        return answer

    async def aclose(self) -> None:
        """Close the connections that are idle."""
        while self._idle:
            await asyncio.to_thread(self._idle.pop().close)


def _handed(backend: Any, message: Any) -> HttpResponse | NotStarted | Doubt:
    backend.begun = False
    try:
        backend.open()
        went = backend.send_messages([message])
    except Exception as fault:  # noqa: BLE001 — whatever a backend raises is sorted, by what may have left before
        return _told(fault, message, begun=backend.begun)
    return _read(message) if went else _unfit("AnymailCancelSend")


def _read(message: Any) -> HttpResponse:
    """What anymail read in an answer. Some backends read nothing: a page for people is no ESP's yes."""
    status = message.anymail_status
    headers = getattr(status.esp_response, "headers", {})
    if str(headers.get("Content-Type", "")).lower().startswith("text/html"):
        return HttpResponse(200)
    found = status.message_id if isinstance(status.message_id, str | int) else ""
    body = {"status": sorted(each or "unknown" for each in status.status or ()), "id": str(found)}
    return HttpResponse(200, body=json.dumps(body).encode())


def _told(fault: Exception, message: Any, *, begun: bool) -> HttpResponse | NotStarted | Doubt:
    from anymail.exceptions import (  # type: ignore[import-untyped]
        AnymailRecipientsRefused,
        AnymailSerializationError,
        AnymailUnsupportedFeature,
    )
    from requests import Response, TooManyRedirects

    if isinstance(fault, AnymailUnsupportedFeature | AnymailSerializationError) or not begun:
        return _unfit(type(fault).__name__)
    if isinstance(fault, AnymailRecipientsRefused):
        return _read(message)
    cause = fault.__cause__ or fault
    response = cause.response if isinstance(cause, TooManyRedirects) else getattr(fault, "response", None)
    if isinstance(response, Response):
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status_code, headers)
    return NotStarted(type(cause).__name__) if _before_the_request(cause) else Doubt(type(cause).__name__)


def _before_the_request(cause: BaseException) -> bool:
    """Whether urllib3 found no connection: no name, nobody who listens, a time-out before, a wrong certificate."""
    from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

    found: object = cause.args[0] if cause.args else None
    reason = found.reason if isinstance(found, MaxRetryError) else None
    if isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return True
    return reason is not None and any(isinstance(each, ssl.SSLCertVerificationError) for each in reason.args)


def _unfit(name: str) -> HttpResponse:
    return HttpResponse(422, body=json.dumps({"unfit": name}).encode())
