"""The public opt-out as callers meet it: a real server, and an effect that remembers what it was told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import aiohttp
import pytest

from penstock.errors import StoreUnavailable
from penstock.model.campaign import Controller
from penstock.templates import template_folder
from penstock.web.listener import serve
from penstock.web.opt_out import MOST_OCTETS, OptOut, opt_out_routes
from penstock.web.opt_out_misses import Misses
from penstock.web.opt_out_pages import OptOutPages

NORDLICHT = Controller(
    "nordlicht", "Nordlicht <Software> AB", "Storgatan 1", "SE", contact="privacy@nordlicht.example",
    phone="+46 8 000 00 00", privacy_url="https://nordlicht.example/privacy",
)  # fmt: skip
LINK = OptOut("1" * 32, "header", NORDLICHT, "sv")
PARTS = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
PAGES = OptOutPages(template_folder())


@dataclass
class Effect:
    """`genuine` and `test` are links; all else is none."""

    away: bool = False
    done: list[OptOut] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def look_up(self, token: str, /) -> OptOut | None:
        self.asked.append(token)
        if token == "lost":
            raise StoreUnavailable("not there")
        found = {"genuine": LINK, "test": OptOut("0" * 32, "header", None, None, test=True)}
        return found.get(token)

    async def opt_out(self, found: OptOut, /) -> None:
        if self.away:
            raise StoreUnavailable("full")
        self.done.append(found)


@asynccontextmanager
async def listening(effect: Effect, *, seconds: float = 5.0, misses: Misses | None = None) -> AsyncIterator[str]:
    stop, url = asyncio.Event(), asyncio.get_running_loop().create_future()
    routes = opt_out_routes(effect, PAGES, seconds=seconds, misses=misses)
    server = asyncio.create_task(serve(routes, "127.0.0.1:0", stop, ready=url.set_result))
    try:
        yield await asyncio.wait_for(url, 5)
    finally:
        stop.set()
        await asyncio.wait_for(server, 10)


async def asked(url: str, method: str = "GET", **more: object) -> tuple[int, str, dict[str, str]]:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, allow_redirects=False, **more) as answer,  # type: ignore[arg-type]
    ):
        return answer.status, await answer.text(), {name.lower(): value for name, value in answer.headers.items()}


async def raw(url: str, data: bytes) -> bytes:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(data)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(4096), 5)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
async def test_no_method_but_post_changes_anything(method: str) -> None:
    effect = Effect()
    async with listening(effect) as url:
        status, page, _ = await asked(f"{url}/u/genuine", method)
    assert status == (200 if method in {"GET", "HEAD"} else 405)
    assert effect.done == []
    assert ("<button" in page) == (method == "GET")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        ("multipart/form-data; boundary=b", PARTS),
        ("multipart/form-data", b"no boundary"),
        ("application/json", b"{"),
        ("text/plain", b""),
        ("", b"\xff" * MOST_OCTETS),
    ],
)
async def test_whatever_a_post_carries_it_opts_out(kind: str, body: bytes) -> None:
    effect = Effect()
    async with listening(effect) as url:
        headers = {"Content-Type": kind} if kind else {}
        for _ in range(2):
            status, page, told = await asked(f"{url}/u/genuine", "POST", data=body, headers=headers)
            assert status == 200
            assert "Klart:" in page
            assert not {"set-cookie", "location", "www-authenticate"} & told.keys()
    assert effect.done == [LINK, LINK]


async def test_a_post_without_any_body_opts_out() -> None:
    effect = Effect()
    async with listening(effect) as url:
        told = await raw(url, b"POST /u/genuine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 200")
    assert effect.done == [LINK]


async def test_a_link_that_is_not_ours_is_answered_as_any_other_path() -> None:
    effect = Effect()
    async with listening(effect) as url:
        for method in ("GET", "POST", "HEAD"):
            status, page, headers = await asked(f"{url}/nothing/here", method)
            assert status == 404
            for token in ("forged", "forged/", "genuine2", "", "a/b", "%00", "%ff", quote("é"), "x" * 8_000):
                assert await asked(f"{url}/u/{token}", method) == (status, page, headers), token
    assert effect.done == []


async def test_a_forged_link_is_refused_before_its_body_comes() -> None:
    async with listening(Effect()) as url:
        told = await raw(url, b"POST /u/forged HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("token", ["lost", "genuine"])
async def test_what_cannot_be_kept_is_not_confirmed(token: str) -> None:
    async with listening(Effect(away=True)) as url:
        status, page, headers = await asked(f"{url}/u/{token}", "POST", headers={"Accept-Language": "fr, en;q=0.5"})
    assert status == 503
    assert headers["retry-after"] == "60"
    assert "Rien n’a été enregistré" in page
    assert "C’est fait" not in page


async def test_a_body_is_bounded_in_size() -> None:
    effect = Effect()
    async with listening(effect) as url:
        head = b"POST /u/genuine HTTP/1.1\r\nHost: x\r\n"
        told = await raw(url, head + b"Content-Length: 4097\r\n\r\nabc")
        assert told.startswith(b"HTTP/1.1 413")
        told = await raw(url, head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"800\r\n" + b"x" * 2048 + b"\r\n") * 3)
        assert told.startswith(b"HTTP/1.1 413")
    assert effect.done == []


async def test_a_body_is_bounded_in_time_and_half_of_one_is_no_word_of_anybody() -> None:
    effect = Effect()
    async with listening(effect, seconds=0.2) as url:
        told = await raw(url, b"POST /u/genuine HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-")
    assert told.startswith(b"HTTP/1.1 408")
    assert effect.done == []


async def test_who_guesses_has_to_wait_and_genuine_links_never_do() -> None:
    effect = Effect()
    async with listening(effect, misses=Misses(3)) as url:
        guesses = [(await asked(f"{url}/u/guess{number}"))[0] for number in range(5)]
        assert guesses == [404, 404, 404, 429, 429]
        assert (await asked(f"{url}/u/genuine", "POST"))[0] == 200


async def test_no_browser_is_told_to_load_keep_frame_or_pass_on_anything() -> None:
    async with listening(Effect()) as url:
        for method, token in (("GET", "genuine"), ("POST", "genuine"), ("GET", "test"), ("GET", "lost")):
            _, page, headers = await asked(f"{url}/u/{token}", method)
            style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
            assert style is not None
            digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
            assert headers["content-security-policy"] == (
                f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; frame-ancestors 'none'; "
                "base-uri 'none'"
            )
            assert headers["cache-control"] == "no-store"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-content-type-options"] == "nosniff"
            assert "noindex" in headers["x-robots-tag"]
            assert "set-cookie" not in headers
            assert not re.search(r"<script|<img|<link|<iframe|\ssrc=|\bon\w+=|url\(|@import", page)


async def test_the_page_of_a_test_says_so_and_claims_nothing() -> None:
    async with listening(Effect()) as url:
        for method in ("GET", "POST"):
            _, page, headers = await asked(f"{url}/u/test", method, headers={"Accept-Language": "de-AT"})
            assert headers["content-language"] == "de"
            assert 'data-penstock="opt-out-test"' in page
            assert "Dies ist ein Test" in page
            assert "Erledigt:" not in page
