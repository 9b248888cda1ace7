"""A local HTTP server that answers as one test says."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["scripted_http"]

_MOST_OCTETS = 64 << 20


@asynccontextmanager
async def scripted_http(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """Serve on a free port of this machine while the context lasts: `http://127.0.0.1:PORT`.

    Every request of any method and path, up to 64 MiB long, is answered by `answer`.
    """
    from aiohttp import web

    app = web.Application(client_max_size=_MOST_OCTETS)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
