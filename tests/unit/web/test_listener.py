"""The public listener as callers see it: a real server and raw sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp
import pytest

from penstock.errors import ConfigError, StoreUnavailable
from penstock.ports import ReturnCount
from penstock.web.health import health_routes
from penstock.web.listener import serve
from penstock.web.webhooks import webhook_routes


@dataclass
class Door:
    status: int = 200
    knocks: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)

    lets_in: bool = True
    caller: tuple[str, str] = ("", "")

    async def let_in(self, path: str, caller: str, headers: Mapping[str, str]) -> int:
        self.caller = (path, caller)
        return 200 if self.lets_in else self.status

    async def knock(self, headers: Mapping[str, str], body: bytes) -> int:
        self.knocks.append((*self.caller, headers, body))
        return self.status


async def counts() -> list[ReturnCount]:
    return [ReturnCount("sg", "calls", 3, datetime(2026, 11, 22, tzinfo=UTC))]


async def away() -> list[ReturnCount]:
    raise StoreUnavailable("full")


async def silences() -> Mapping[str, bool]:
    return {"sg": True, "mg": False}


async def no_silences() -> Mapping[str, bool]:
    raise StoreUnavailable("full")


@asynccontextmanager
async def listening(
    door: Door | None = None,
    read: object = counts,
    silent: object = silences,
    seconds: float = 5.0,
    **more: object,
) -> AsyncIterator[str]:
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    routes = [*webhook_routes({"sg": door or Door()}, seconds=seconds), *health_routes(read, silent)]  # type: ignore[arg-type]
    server = asyncio.create_task(serve(routes, "127.0.0.1:0", stop, ready=url.set_result, **more))  # type: ignore[arg-type]
    try:
        yield await asyncio.wait_for(url, 5)
    finally:
        stop.set()
        await asyncio.wait_for(server, 10)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def raw(url: str, data: bytes) -> bytes:
    """What the server answers to these octets, until it closes or says no more."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(data)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(4096), 5)
    finally:
        await closed(writer)


async def test_a_call_arrives_with_its_raw_body_and_caller() -> None:
    door = Door()
    async with listening(door) as url, aiohttp.ClientSession() as session:
        body = b'{"a":  1}\r\n\xff'
        async with session.post(f"{url}/webhooks/sg/secret", data=body, headers={"X-Signature": "S"}) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
    (path, caller, headers, taken) = door.knocks[0]
    assert (path, caller, taken) == ("secret", "127.0.0.1", body)
    assert headers["x-signature"] == "S"


@pytest.mark.parametrize("status", [200, 401, 403, 404, 406, 503])
@pytest.mark.parametrize("lets_in", [True, False])
async def test_the_answer_is_a_bare_status(status: int, *, lets_in: bool) -> None:
    async with (
        listening(Door(status, lets_in=lets_in)) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/webhooks/sg") as answer,
    ):
        assert (answer.status, await answer.read()) == (status, b"")
        assert "Server" not in answer.headers
        assert ("WWW-Authenticate" in answer.headers) == (status == 401 and not lets_in)


async def test_who_may_not_call_is_told_before_the_body_is_read() -> None:
    door = Door(404, lets_in=False)
    async with listening(door) as url:
        told = await raw(url, b"POST /webhooks/sg/guess HTTP/1.1\r\nHost: x\r\nContent-Length: 8000000\r\n\r\nabc")
        assert told.startswith(b"HTTP/1.1 404")
        assert b"connection: close" in told.lower()
    assert door.knocks == []


async def test_a_caller_that_goes_away_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    door = Door()
    async with listening(door) as url:
        parts = urlsplit(url)
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"POST /webhooks/sg HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        await writer.drain()
        await asyncio.sleep(0.1)
        await closed(writer)
        await asyncio.sleep(0.1)
    assert door.knocks == []
    assert caplog.records == []


@pytest.mark.parametrize(
    "sent", [[b""], [b"POST /webhooks/sg HTTP/1.1\r\nHo"], [b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GE"]]
)
async def test_a_head_that_never_comes_ends_the_connection(sent: list[bytes]) -> None:
    async with listening(head_seconds=0.2) as url:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            for data in sent[:-1]:
                writer.write(data)
                assert (await asyncio.wait_for(reader.readuntil(b"ok\n"), 5)).startswith(b"HTTP/1.1 200")
            writer.write(sent[-1])
            assert await asyncio.wait_for(reader.read(), 5) == b""
        finally:
            await closed(writer)


async def test_there_is_nothing_else() -> None:
    async with listening() as url, aiohttp.ClientSession() as session:
        for path in ("/webhooks/none", "/webhooks/", "/webhooks/sg/a/b", "/", "/docs", "/webhooks/..%2fsg"):
            async with session.post(url + path) as answer:
                assert answer.status == 404, path
        async with session.get(f"{url}/webhooks/sg") as answer:
            assert answer.status == 405


async def test_fifty_megabytes_are_refused_unread() -> None:
    door = Door()
    async with listening(door) as url:
        told = await raw(url, b"POST /webhooks/sg HTTP/1.1\r\nHost: x\r\nContent-Length: 52428800\r\n\r\nabc")
        assert told.startswith(b"HTTP/1.1 413")
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        whole = b"POST /webhooks/sg HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 9
        assert (await raw(url, whole)).startswith(b"HTTP/1.1 413")
    assert door.knocks == []


@pytest.mark.parametrize(
    "data",
    [b"\0" * 2_000, b"GET\r\n\r\n", b"POST /webhooks/sg HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
     b"POST /webhooks/sg HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
     b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40_000],
)  # fmt: skip
async def test_rubbish_harms_nobody(data: bytes) -> None:
    door = Door()
    async with listening(door) as url:
        assert (await raw(url, data))[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 431", b""}
        async with aiohttp.ClientSession() as session, session.post(f"{url}/webhooks/sg") as answer:
            assert answer.status == 200
    assert len(door.knocks) == 1


async def test_a_body_that_never_ends_is_given_up() -> None:
    door = Door()
    async with listening(door, seconds=0.2) as url:
        told = await raw(url, b"POST /webhooks/sg HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert told.startswith(b"HTTP/1.1 408")
    assert door.knocks == []


async def test_a_proxy_tells_the_caller_only_when_it_is_trusted() -> None:
    for trusted, caller in (((), "127.0.0.1"), (("127.0.0.0/8",), "198.51.100.9")):
        door = Door()
        told = {"X-Forwarded-For": "198.51.100.9"}
        async with listening(door, trusted_proxies=trusted) as url, aiohttp.ClientSession() as session:
            await session.post(f"{url}/webhooks/sg", headers=told)
        assert door.knocks[0][1] == caller


async def test_it_is_alive_and_ready_as_long_as_the_store_answers() -> None:
    async with listening(read=away) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/healthz") as alive, session.get(f"{url}/readyz") as ready:
            assert (alive.status, ready.status) == (200, 503)
        async with session.get(f"{url}/metrics") as metrics:
            assert metrics.status == 503
    async with listening() as url, aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as ready:
        assert ready.status == 200


async def test_counts_are_shown_to_this_machine_only() -> None:
    async with listening() as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/metrics") as answer:
            assert 'penstock_returns_total{adapter="sg",what="calls"} 3.0' in await answer.text()
        async with session.get(f"{url}/metrics", headers={"X-Forwarded-For": "198.51.100.9"}) as answer:
            assert answer.status == 404


async def test_a_silent_adapter_is_shown() -> None:
    async with listening() as url, aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    assert 'penstock_adapter_silent{adapter="sg"} 1.0' in lines
    assert 'penstock_adapter_silent{adapter="mg"} 0.0' in lines
    async with (
        listening(silent=no_silences) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/metrics") as answer,
    ):
        assert answer.status == 503


async def test_an_address_that_is_taken_is_told() -> None:
    async with listening() as url:
        with pytest.raises(ConfigError, match="cannot listen"):
            await serve([], urlsplit(url).netloc, asyncio.Event())
