from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from penstock.adapters.smtp_login import AccessTokens, LoginRefused, TokenRequest
from penstock.errors import AdapterUnavailable, ConfigError
from penstock.testing.clocks import FakeClock


class Secret:
    def __init__(self, text: str) -> None:
        self.text = text

    def reveal(self) -> str:
        if not self.text:
            raise ConfigError("the environment variable is not set", where="env:TOKEN")
        return self.text


class Endpoint:
    """Answers each request with the next of `answers`; None: hangs up."""

    def __init__(self, answers: Sequence[tuple[int, str] | None]) -> None:
        self.answers = list(answers)
        self.forms: list[dict[str, list[str]]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length")
        )
        self.forms.append(parse_qs((await reader.readexactly(length)).decode()))
        answer = self.answers.pop(0)
        if answer is not None:
            body = answer[1].encode()
            head = f"HTTP/1.1 {answer[0]} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def tokens_from(
    answers: Sequence[tuple[int, str] | None], refresh: str = "r-1", clock: FakeClock | None = None
) -> AsyncIterator[tuple[AccessTokens, Endpoint]]:
    endpoint = Endpoint(answers)
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"
    request = TokenRequest(endpoint.url, "client-1", "send")
    try:
        yield AccessTokens(request, Secret(refresh), Secret("s-1"), clock or FakeClock(), pause=0.001), endpoint
    finally:
        server.close()
        await server.wait_closed()


def token(name: str, seconds: float = 3600) -> tuple[int, str]:
    return 200, json.dumps({"access_token": name, "expires_in": seconds})


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    clock = FakeClock()
    async with tokens_from([token("one"), token("two")], clock=clock) as (tokens, endpoint):
        assert [*await asyncio.gather(tokens.token(), tokens.token())] == ["one", "one"]
        clock.advance(timedelta(minutes=58))
        assert await tokens.token() == "one"
        assert tokens.cached
        clock.advance(timedelta(minutes=1, seconds=1))
        assert await tokens.token() == "two"
    assert endpoint.forms[0] == {
        "grant_type": ["refresh_token"],
        "client_id": ["client-1"],
        "refresh_token": ["r-1"],
        "client_secret": ["s-1"],
        "scope": ["send"],
    }


async def test_a_token_that_was_refused_is_fetched_anew() -> None:
    async with tokens_from([token("one"), token("two")]) as (tokens, _):
        await tokens.token()
        tokens.forget()
        assert await tokens.token() == "two"


async def test_an_endpoint_that_fails_for_a_moment_is_asked_again() -> None:
    async with tokens_from([None, (503, "busy"), token("one")]) as (tokens, endpoint):
        assert await tokens.token() == "one"
    assert len(endpoint.forms) == 3


async def test_an_endpoint_that_keeps_failing_is_unavailable() -> None:
    async with tokens_from([(500, "x")] * 3) as (tokens, endpoint):
        with pytest.raises(AdapterUnavailable, match="cannot be reached"):
            await tokens.token()
    assert len(endpoint.forms) == 3


async def test_a_grant_that_is_over_is_a_refused_login_and_not_asked_for_again() -> None:
    async with tokens_from([(400, '{"error": "invalid_grant"}')]) as (tokens, endpoint):
        with pytest.raises(LoginRefused) as caught:
            await tokens.token()
    assert len(endpoint.forms) == 1
    assert "r-1" not in str(caught.value)


@pytest.mark.parametrize(
    "body", ["no json", "[]", "{}", '{"access_token": 5}', '{"access_token": "a", "expires_in": "x"}']
)
async def test_an_answer_without_a_token_is_unavailable(body: str) -> None:
    async with tokens_from([(200, body)]) as (tokens, _):
        with pytest.raises(AdapterUnavailable, match="answers no"):
            await tokens.token()


async def test_a_missing_refresh_token_is_said() -> None:
    async with tokens_from([], refresh="") as (tokens, _):
        with pytest.raises(ConfigError, match="not set"):
            await tokens.token()
