"""The public listener: one Starlette application behind uvicorn, stopped from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from penstock.errors import ConfigError

__all__ = ["serve"]

_KEEP_ALIVE_SECONDS = 10
_GRACE_SECONDS = 5
_CONNECTIONS = 1_000
_HEADER_OCTETS = 16 << 10


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
) -> None:
    """Serve until `stop` is set. `listen` is HOST:PORT; `ready` is told the address once it answers.

    Raises ConfigError where nothing can listen there.
    """
    host, _, port = listen.rpartition(":")
    config = _configured(Starlette(routes=list(routes)), host.strip("[]"), int(port), trusted_proxies)
    server = _Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    try:
        await server.startup()
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
        await server.shutdown()


def _configured(app: Starlette, host: str, port: int, trusted_proxies: Sequence[str]) -> uvicorn.Config:
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
        timeout_graceful_shutdown=_GRACE_SECONDS,
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADER_OCTETS,
        http="h11",
        ws="none",
    )


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True
