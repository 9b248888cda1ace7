"""The base of ESP plugins against a real server: what each thing that can go wrong means for the mails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

import pytest

from penstock.adapters.http import (
    ACCOUNT_PAUSE,
    Exchange,
    HttpAdapter,
    HttpRequest,
    HttpResponse,
    HttpTimeouts,
    Refusal,
)
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.ports import Capabilities
from penstock.testing.clocks import FakeClock
from penstock.testing.samples import a_contact, a_mail

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class PlainEsp:
    """Takes one line per mail; 200 accepts all, "half" the first half, 418 is its own word for "later"."""

    per_request: int = 1
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(raw_message=False))
    unfit: str | None = None
    inspections: int = 0

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        if any("unspeakable" in mail.address for mail in mails):
            return Failed("cannot be expressed")
        if any("stumbles" in mail.address for mail in mails):
            raise KeyError("stumbles@firm.example")
        return HttpRequest("/send", "\n".join(mail.id for mail in mails).encode(), {"Authorization": "Bearer k"})

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        match response.body:
            case b"bug":
                raise KeyError("who@firm.example")
            case b"short":
                return []
            case b"each":
                return [Accepted("ok"), *[Failed("refused")] * (len(mails) - 1)]
            case b"<html>":
                return [Uncertain("no JSON")] * len(mails)
        return [Accepted("ok") if response.status == 200 else Failed("refused")] * len(mails)

    def refusal(self, response: HttpResponse, /) -> Refusal | Literal["each"] | None:
        if response.body == b"each":
            return "each"
        return Refusal("later", "a teapot") if response.status == 418 else None

    async def inspect(self, exchange: Exchange, /) -> str | None:
        self.inspections += 1
        return self.unfit


@dataclass
class Server:
    """Answers each request by `answer`; `bodies` are what came."""

    answer: Answer
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                self.bodies.append(await reader.readexactly(length))
                await self.answer(reader, writer)
                await writer.drain()
                self.at_once -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def says(status: int, body: bytes = b"", headers: str = "", pause: float = 0.0) -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(pause)
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    return answer


async def hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def speaks_no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 ready\r\n\r\n")


async def stops_half_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()
    writer.close()


async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@asynccontextmanager
async def esp(
    answer: Answer, plugin: PlainEsp | None = None, clock: FakeClock | None = None, connections: int = 10
) -> AsyncIterator[tuple[HttpAdapter, Server]]:
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    timeouts = HttpTimeouts(connect=1.0, read=0.3)
    exchange = Exchange(f"http://127.0.0.1:{server.port}", timeouts=timeouts)
    adapter = HttpAdapter("main", plugin or PlainEsp(), exchange, clock or FakeClock(), connections=connections)
    try:
        yield adapter, server
    finally:
        await adapter.aclose()
        listener.close()


def mails(number: int = 1) -> list[Mail]:
    return [a_mail(a_contact(f"person{n}@firm{n}.example")) for n in range(number)]


async def outcome(answer: Answer) -> Outcome:
    async with esp(answer) as (adapter, _):
        (found,) = await adapter.deliver(mails())
        return found


async def test_each_mail_gets_its_own_request_and_outcome() -> None:
    async with esp(says(200, pause=0.05), connections=4) as (adapter, server):
        assert await adapter.deliver(mails(9)) == [Accepted("ok", "main")] * 9
    assert sorted(server.bodies) == sorted(mail.id.encode() for mail in mails(9))
    assert 2 <= server.most_at_once <= 4


async def test_a_batch_goes_in_as_few_requests_as_the_esp_takes() -> None:
    async with esp(says(200), PlainEsp(per_request=4)) as (adapter, server):
        assert await adapter.deliver(mails(9)) == [Accepted("ok", "main")] * 9
    assert sorted(len(body.split()) for body in server.bodies) == [1, 4, 4]


@pytest.mark.parametrize("answer", [hangs_up, stalls, stops_half_way, speaks_no_http], ids=lambda each: each.__name__)
async def test_whatever_happens_after_the_first_octet_is_a_doubt(answer: Answer) -> None:
    assert isinstance(await outcome(answer), Uncertain)


@pytest.mark.parametrize("status", [500, 502, 504, 599])
async def test_a_server_error_may_have_accepted(status: int) -> None:
    assert isinstance(await outcome(says(status)), Uncertain)


@pytest.mark.parametrize("body", [b"bug", b"short", b"<html>"])
async def test_an_answer_that_nobody_understands_is_a_doubt(body: bytes) -> None:
    assert isinstance(await outcome(says(200, body)), Uncertain)


@pytest.mark.parametrize("status", [429, 503, 418])
async def test_too_much_at_once_waits_as_asked_and_asks_nobody_meanwhile(status: int) -> None:
    async with esp(says(status, headers="Retry-After: 40\r\n")) as (adapter, server):
        (first,) = await adapter.deliver(mails())
        assert isinstance(first, TryLater)
        assert (first.after, first.code, first.attempt_used) == (timedelta(seconds=40), Code.RATE_BACKOFF, True)
        (second,) = await adapter.deliver(mails())
        assert isinstance(second, TryLater)
        assert not second.attempt_used
        assert len(server.bodies) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 302])
async def test_a_wrong_key_or_address_burns_no_mail_and_closes_the_way(status: int) -> None:
    async with esp(says(status)) as (adapter, server):
        for _ in range(2):
            with pytest.raises(AdapterUnavailable):
                await adapter.deliver(mails(1))
        assert len(server.bodies) == 1


async def test_no_connection_uses_nothing_up() -> None:
    exchange = Exchange("http://127.0.0.1:9", timeouts=HttpTimeouts(connect=1.0))
    adapter = HttpAdapter("main", PlainEsp(), exchange, FakeClock())
    with pytest.raises(AdapterUnavailable, match="no request left"):
        await adapter.deliver(mails(2))
    await adapter.aclose()


@pytest.mark.parametrize("size", [1, 4])
async def test_a_plugin_that_stumbles_over_a_mail_harms_no_other(size: int) -> None:
    async with esp(says(200), PlainEsp(size)) as (adapter, _):
        found = await adapter.deliver([*mails(2), a_mail(a_contact("stumbles@firm.example")), *mails(1)])
    ok = Accepted("ok", "main")
    assert found == [ok, ok, Failed("the plugin could not make a request of it"), ok]


@pytest.mark.parametrize("size", [1, 2, 9])
async def test_what_cannot_be_expressed_fails_alone_and_sends_nothing(size: int) -> None:
    async with esp(says(200), PlainEsp(size)) as (adapter, server):
        found = await adapter.deliver([*mails(5), a_mail(a_contact("unspeakable@firm.example")), *mails(2)])
    ok = Accepted("ok", "main")
    assert found == [ok, ok, ok, ok, ok, Failed("cannot be expressed"), ok, ok]
    assert sum(body.count(b"\n") + 1 for body in server.bodies) == 7


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
async def test_an_answer_that_speaks_of_each_mail_is_read_whatever_its_status(status: int) -> None:
    """Mailjet tells of one refused mail by the status of the whole answer: the others were taken."""
    async with esp(says(status, b"each"), PlainEsp(3)) as (adapter, _):
        assert await adapter.deliver(mails(3)) == [Accepted("ok", "main"), Failed("refused"), Failed("refused")]


async def test_a_refusal_of_one_mail_is_the_plugins_word() -> None:
    assert await outcome(says(400)) == Failed("refused")


async def test_three_doubts_in_a_row_close_the_way_for_a_while() -> None:
    async with esp(says(500)) as (adapter, server):
        for _ in range(3):
            await adapter.deliver(mails())
        with pytest.raises(AdapterUnavailable, match="left alone"):
            await adapter.deliver(mails())
        assert len(server.bodies) == 3


async def test_an_unfit_account_is_not_used() -> None:
    async with esp(says(200), PlainEsp(unfit="open tracking is on")) as (adapter, server):
        with pytest.raises(AdapterUnavailable, match="open tracking is on"):
            await adapter.deliver(mails())
        assert server.bodies == []


async def test_an_unfit_account_is_looked_at_again_only_after_the_pause() -> None:
    plugin, clock = PlainEsp(unfit="open tracking is on"), FakeClock()
    async with esp(says(200), plugin, clock) as (adapter, server):
        for _ in range(3):
            with pytest.raises(AdapterUnavailable, match="open tracking is on"):
                await adapter.deliver(mails())
            with pytest.raises(AdapterUnavailable, match="open tracking is on"):
                await adapter.prepare()
        assert plugin.inspections == 1
        plugin.unfit = None
        clock.advance(timedelta(seconds=ACCOUNT_PAUSE))
        assert await adapter.deliver(mails()) == [Accepted("ok", "main")]
        assert plugin.inspections == 2
        assert len(server.bodies) == 1


async def test_a_way_left_alone_is_not_prepared_either() -> None:
    async with esp(says(401)) as (adapter, _):
        await adapter.prepare()
        with pytest.raises(AdapterUnavailable):
            await adapter.deliver(mails())
        with pytest.raises(AdapterUnavailable, match="left alone"):
            await adapter.prepare()


async def test_a_long_answer_is_read_no_further_than_a_mebibyte() -> None:
    async with esp(says(200, b"x" * (3 << 20))) as (adapter, _):
        assert await adapter.deliver(mails()) == [Accepted("ok", "main")]


@pytest.mark.parametrize("endpoint", ["http://api.esp.example", "ftp://127.0.0.1", "api.esp.example", "https://x/?k=1"])
def test_an_endpoint_that_would_carry_keys_in_the_clear_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError):
        Exchange(endpoint)
