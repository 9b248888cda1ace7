"""The public listener: one Starlette application behind uvicorn, stopped from outside."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from penstock.errors import ConfigError
from penstock.web.answered import Answered, CountingApplication
from penstock.web.one_meaning import OneMeaning

__all__ = ["serve"]

_KEEP_ALIVE_SECONDS = 10
_GRACE_SECONDS = 5
_HEAD_SECONDS = 10.0
"""For a request head to come in whole, on a fresh connection or after an answer."""
_CONNECTIONS = 1_000
_HEADER_OCTETS = 16 << 10


class _Patient(H11Protocol):
    """Closes a connection on which no whole request head came in time: uvicorn alone would wait for ever."""

    head_seconds: ClassVar[float] = _HEAD_SECONDS
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self._busy:
            self._forget()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self._give_up)

    def _give_up(self) -> None:
        self._head_timer = None
        if not (self._busy or self.transport.is_closing()):
            self.transport.close()

    @property
    def _busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # None until the first one, whatever uvicorn's types say
        return cycle is not None and not cycle.response_complete

    def _forget(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Server(uvicorn.Server):
    """Signals are the command line's to hear."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def serve(
    routes: Sequence[BaseRoute],
    listen: str,
    stop: asyncio.Event,
    *,
    trusted_proxies: Sequence[str] = (),
    ready: Callable[[str], None] = lambda _url: None,
    head_seconds: float = _HEAD_SECONDS,
    given: socket.socket | None = None,
    answered: Answered | None = None,
    grace: int = _GRACE_SECONDS,
) -> None:
    """Serve until `stop` is set. `listen` is HOST:PORT; `ready` is told the address once it answers.

    A connection on which no request head comes in whole within `head_seconds` is closed. A bound socket that is `given`
    is listened at in place of `listen`, and closed in the end. `answered` is told of each answer. Requests that are
    being answered when `stop` is set have `grace` seconds. Raises ConfigError where nothing can listen there.
    """
    host, _, port = listen.rpartition(":")
    config = _configured(
        _application(routes, answered), host.strip("[]"), int(port), trusted_proxies, head_seconds, grace
    )
    server = _Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    sockets = [given] if given is not None else None
    try:
        await server.startup(sockets)
    except SystemExit:
        # uvicorn's way of telling that the address is taken or is none of ours
        raise ConfigError("cannot listen there", where="web.listen", mend="is another process using it?") from None
    try:
        bound = server.servers[0].sockets[0].getsockname()
        ready(f"http://{host}:{bound[1]}")
        watch = asyncio.create_task(_stop_when(stop, server))
        await server.main_loop()
        watch.cancel()
    finally:
        await server.shutdown(sockets)


def _application(routes: Sequence[BaseRoute], answered: Answered | None) -> CountingApplication | OneMeaning:
    app = OneMeaning(Starlette(routes=list(routes)))
    return app if answered is None else CountingApplication(app, routes, answered)


def _configured(
    app: CountingApplication | OneMeaning,
    host: str,
    port: int,
    trusted_proxies: Sequence[str],
    head_seconds: float,
    grace: int,
) -> uvicorn.Config:
    protocol = type("_PatientHere", (_Patient,), {"head_seconds": head_seconds})
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # a secret path and callers' addresses would stand in it
        lifespan="off",
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADER_OCTETS,
        http=protocol,
        ws="none",
    )


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True
