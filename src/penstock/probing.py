"""Tries the public opt-out page from outside, as a mail program would, with a link that changes nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from penstock.errors import Unavailable
from penstock.observe.log import get_logger
from penstock.store.probes import Probes
from penstock.web.opt_out_pages import MARK
from penstock.wiring import House

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession, FormData

__all__ = ["Probing", "pages_finding", "probe"]

_SECONDS = 10.0
_MOST_OCTETS = 64 << 10
_OK = 200
_EVERY = timedelta(hours=1)
_AFTER_A_FAULT = timedelta(minutes=1)
_LOOK_SECONDS = 10.0
_NO_MAIL = "0" * 32
_MARK = f'data-penstock="{MARK}-test"'.encode()
_ONE_CLICK = {"List-Unsubscribe": "One-Click"}
_EXAMPLES = (".example", ".example.com", ".example.net", ".example.org", ".test", ".invalid")

_log = get_logger("probing")


async def probe(link: str, *, seconds: float = _SECONDS) -> str:
    """Why a mail program could not opt out at this test link (RFC 8058 section 3.2); empty where it can.

    HEAD and GET, then POST in both encodings: each has to answer 200 itself, without redirect or cookie, over TLS that
    is valid, and with our own page.
    """
    from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar

    try:
        async with ClientSession(timeout=ClientTimeout(seconds), cookie_jar=DummyCookieJar()) as session:
            for name, method, body in _tries():
                if fault := await _fault(session, link, method, body):
                    return f"{name} {fault}"
    except TimeoutError:
        return f"no answer within {seconds:g} s"
    except (ClientError, OSError) as fault:
        return f"no connection ({type(fault).__name__})"
    return ""


def _tries() -> list[tuple[str, str, FormData | None]]:
    from aiohttp import FormData

    parts = FormData(default_to_multipart=True)
    parts.add_field(*next(iter(_ONE_CLICK.items())))
    return [
        ("HEAD", "HEAD", None),
        ("GET", "GET", None),
        ("POST (urlencoded)", "POST", FormData(_ONE_CLICK)),
        ("POST (multipart)", "POST", parts),
    ]


async def _fault(session: ClientSession, link: str, method: str, body: FormData | None) -> str:
    async with session.request(method, link, data=body, allow_redirects=False) as answer:
        if answer.status != _OK:
            return f"answers {answer.status}{' (a redirect)' if 300 <= answer.status < 400 else ''}"
        if "Set-Cookie" in answer.headers:
            return "sets a cookie"
        if method != "HEAD" and _MARK not in await _start_of(answer):
            return "answers with a page that is not ours"
    return ""


async def _start_of(answer: ClientResponse) -> bytes:
    read = b""
    while len(read) < _MOST_OCTETS and (piece := await answer.content.read(_MOST_OCTETS)):
        read += piece
    return read


class Probing:
    """Tries the pages of an open house and keeps what it found for all processes."""

    def __init__(self, house: House) -> None:
        self._clock = house.clock
        self._url = house.services.base_url
        self._link = f"{self._url}/u/{house.services.tokens.sign('test-header', _NO_MAIL)}"
        self._probes = Probes(house.store.database, house.clock, self._url)

    @property
    def due_at_all(self) -> bool:
        """Whether there is a public address, and not one of those kept for examples (RFC 2606)."""
        return bool(self._url) and not is_example(self._url)

    async def look(self) -> str:
        """Try them now and keep nothing; why nobody could opt out."""
        return await probe(self._link)

    async def keep_looking(self, stop: asyncio.Event) -> None:
        """At once, then hourly, or by the minute while they fail. Processes that share a store share the tries."""
        while self.due_at_all and not stop.is_set():
            try:
                await self.look_if_due()
            except Unavailable as fault:
                _log.warning("probe_waits", fault=type(fault).__name__)
            except Exception as fault:  # noqa: BLE001 — pages that nobody watches any more are worse
                _log.error("probe_failed", fault=type(fault).__name__)
            try:
                await asyncio.wait_for(stop.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue

    async def look_if_due(self) -> bool:
        """Try them and keep the result, unless a process has lately; whether it did. Raises Unavailable."""
        last = await self._probes.state()
        if last is not None:
            passed = self._clock.now() - last.tried_at
            if timedelta() <= passed < (_AFTER_A_FAULT if last.why else _EVERY):
                return False
        why = await self.look()
        state = await self._probes.note(why)
        if why:
            _log.warning("public_pages_fail", why=why, holds=bool(state.fault))
        return True


def is_example(url: str) -> bool:
    """Whether the address is one that nobody can have."""
    host = "." + (urlsplit(url).hostname or "")
    return host.endswith(_EXAMPLES)


async def pages_finding(house: House) -> tuple[Literal["ok", "warn", "fail"], str] | None:
    """What `doctor` says of the public pages, tried now; None without a public address."""
    probing, url = Probing(house), house.services.base_url
    if not url:
        return None
    if not probing.due_at_all:
        return "warn", f"{url} is an address for examples: nobody can open an opt-out link"
    kept = await Probes(house.store.database, house.clock, url).fault()
    held = "; advertising is held until penstock relay finds them well" if kept else ""
    if why := await probing.look():
        return "fail", f"{url}/u/…: {why}; does penstock relay --only web run behind it?{held}"
    return "warn" if kept else "ok", f"{url}/u/… takes an opt-out{held}"
