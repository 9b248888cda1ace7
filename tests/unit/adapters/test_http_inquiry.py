"""Asking an ESP for what it keeps, at the pace it asks for."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.http import Exchange, Inquiry
from penstock.errors import AdapterUnavailable
from penstock.testing.scripted_http import scripted_http

if TYPE_CHECKING:
    from aiohttp import web


@dataclass
class Script:
    """Answers one after the other; the last one stays. `asked`: method, path, login and body of each request."""

    answers: Sequence[tuple[int, dict[str, str], bytes]]
    asked: list[tuple[str, str, str, bytes]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        status, headers, body = self.answers[min(len(self.asked), len(self.answers) - 1)]
        login = request.headers.get("Authorization", "")
        self.asked.append((request.method, request.path_qs, login, await request.read()))
        return web.Response(status=status, headers=headers, body=body)


@asynccontextmanager
async def an_inquiry(script: Script, **more: float) -> AsyncIterator[Inquiry]:
    async with scripted_http(script.answer) as url:
        exchange = Exchange(url)
        inquiry = Inquiry(
            exchange, {"Authorization": "Bearer k"}, esp="Paloma", where="adapters.main", longest=0.2, **more,  # type: ignore[arg-type]
        )  # fmt: skip
        try:
            yield inquiry
        finally:
            await exchange.aclose()


async def test_it_asks_with_its_login_and_posts_what_it_is_given() -> None:
    script = Script([(200, {}, b"{}")])
    async with an_inquiry(script) as inquiry:
        await inquiry.asked("/lists?page=2")
        await inquiry.asked("/lists", {"address": "x"})
        await inquiry.asked("/lists/x", method="DELETE")
    assert [each[:3] for each in script.asked] == [
        ("GET", "/lists?page=2", "Bearer k"),
        ("POST", "/lists", "Bearer k"),
        ("DELETE", "/lists/x", "Bearer k"),
    ]
    assert json.loads(script.asked[1][3]) == {"address": "x"}


async def test_too_much_at_once_is_waited_for_as_asked_and_no_longer_than_bearable() -> None:
    script = Script([(429, {"Retry-After": "900"}, b""), (429, {}, b""), (200, {}, b"yes")])
    start = time.monotonic()
    async with an_inquiry(script, usual=0.05) as inquiry:
        assert (await inquiry.asked("/")).body == b"yes"
    assert 0.25 <= time.monotonic() - start < 5


async def test_it_gives_up_after_a_few_times() -> None:
    script = Script([(429, {"Retry-After": "0"}, b"")])
    async with an_inquiry(script, tries=3) as inquiry:
        with pytest.raises(AdapterUnavailable, match="again and again"):
            await inquiry.asked("/")
    assert len(script.asked) == 3


@pytest.mark.parametrize(
    ("status", "says"), [(401, "the key is refused"), (500, "not as documented"), (404, "HTTP 404")]
)
async def test_what_is_not_as_documented_is_told_without_a_word_of_it(status: int, says: str) -> None:
    async with an_inquiry(Script([(status, {}, b"anna@firm.example")])) as inquiry:
        with pytest.raises(AdapterUnavailable, match=says) as told:
            await inquiry.asked("/")
    assert "@" not in str(told.value)
    assert told.value.where == "adapters.main"


async def test_what_may_be_missing_is_an_answer() -> None:
    async with an_inquiry(Script([(404, {}, b"")])) as inquiry:
        assert (await inquiry.asked("/x", missing=404)).status == 404


async def test_nobody_there_is_told() -> None:
    exchange = Exchange("http://127.0.0.1:9")
    with pytest.raises(AdapterUnavailable, match="cannot be reached"):
        await Inquiry(exchange, {}, esp="Paloma").asked("/")
    await exchange.aclose()


async def test_of_an_answer_no_more_is_read_than_was_meant() -> None:
    async with an_inquiry(Script([(200, {}, b"x" * 5_000)]), most=1_000) as inquiry:
        assert len((await inquiry.asked("/")).body) == 1_000
