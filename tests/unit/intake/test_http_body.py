"""Bodies are bounded in time and, all together, in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from penstock.intake.http_body import BodyRoom
from penstock.intake.http_problem import RequestError


def request(*pieces: bytes | float) -> Request:
    """A body in pieces; a number waits so many seconds. After the last the caller leaves."""
    waiting = [*pieces]

    async def receive() -> Any:
        while waiting:
            piece = waiting.pop(0)
            if isinstance(piece, bytes):
                return {"type": "http.request", "body": piece, "more_body": bool(waiting)}
            await asyncio.sleep(piece)
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "POST", "headers": [], "path": "/"}, receive)


async def test_a_body_comes_whole() -> None:
    async with BodyRoom(10, 5).body(request(b"abc", b"def")) as body:
        assert body == b"abcdef"


async def test_a_slow_body_is_given_up() -> None:
    with pytest.raises(RequestError) as caught:
        async with BodyRoom(10, 0.05).body(request(b"abc", 5.0)):
            pass
    assert (caught.value.status, caught.value.headers["Connection"]) == (408, "close")


async def test_all_bodies_together_have_a_bound_and_room_comes_back() -> None:
    room = BodyRoom(10, 5)
    with pytest.raises(ClientDisconnect):
        async with room.body(request(b"x" * 8, 0.0)):
            pass
    for _ in range(3):
        with pytest.raises(RequestError):
            async with room.body(request(b"x" * 8, b"x" * 8)):
                pass
    opened = [room.body(request(b"x" * 10)) for _ in range(8)]
    for each in opened:
        await each.__aenter__()
    with pytest.raises(RequestError) as caught:
        async with room.body(request(b"x")):
            pass
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "30")
    for each in opened:
        await each.__aexit__(None, None, None)
    async with room.body(request(b"x")) as body:
        assert body == b"x"
