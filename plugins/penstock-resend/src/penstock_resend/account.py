"""Questions to a Resend account other than to send: one at a time, at the pace it asks for."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from penstock.adapters.http import Exchange, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable

__all__ = ["ResendAccount"]

_PAGE = 100
_ATTEMPTS = 5
_LONGEST = 60.0
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


class ResendAccount:
    """Asks with a key that has full access. Nothing that it raises holds an address or the key."""

    def __init__(self, exchange: Exchange, key: str, where: str) -> None:
        self._exchange = exchange
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
        self._where = where

    async def ask(self, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        """The answer to 2xx; None where what the path names is not there.

        Waits where Resend asks for it, a few times. Raises AdapterUnavailable for every other answer.
        """
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        octets = b"" if body is None else json.dumps(body).encode()
        for _ in range(_ATTEMPTS):
            answer = await self._exchange.send(HttpRequest(path, octets, headers, method))
            if not isinstance(answer, HttpResponse):
                raise self.fault(f"no answer: {answer.why}")
            if answer.status != 429:
                return self._read(answer)
            await asyncio.sleep(_pause(answer))
        raise self.fault("HTTP 429: too much at once")

    async def pages(self, path: str) -> AsyncIterator[list[dict[str, Any]]]:
        """The items of a list, page by page to the last. Raises AdapterUnavailable."""
        after, seen = "", set[str]()
        while True:
            page = await self.ask("GET", f"{path}?limit={_PAGE}{after and '&after=' + quote(after, safe='')}")
            items = page.get("data") if page is not None else None
            if page is None or not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
                raise self.fault("a list that cannot be understood")
            yield items
            # The description of some lists does not name has_more.
            more = page.get("has_more", len(items) == _PAGE)
            if more is False:
                return
            after = str(items[-1].get("id") or "") if items and more is True else ""
            if not after or after in seen:
                raise self.fault("a list whose pages have no end")
            seen.add(after)

    def fault(self, what: str) -> AdapterUnavailable:
        """What went wrong, with the name of the adapter."""
        return AdapterUnavailable(f"Resend's account: {what}", where=self._where)

    def _read(self, answer: HttpResponse) -> dict[str, Any] | None:
        try:
            read = json.loads(answer.body)
        except (ValueError, RecursionError):
            read = None
        told = read if isinstance(read, dict) else {}
        name = told.get("name")
        if name == "restricted_api_key":
            raise self.fault("the key may only send: lists need one with full access")
        if answer.status == 404 and name == "not_found":
            return None
        if answer.status in {401, 403}:
            raise self.fault(f"HTTP {answer.status}: the key is refused")
        if not 200 <= answer.status < 300 or not isinstance(read, dict):
            raise self.fault(f"HTTP {answer.status}: an answer that is not as documented")
        return read


def _pause(answer: HttpResponse) -> float:
    """Seconds that the answer asks to wait, one where it does not say."""
    said = (answer.headers.get(name, "") for name in ("retry-after", "ratelimit-reset"))
    return min(next((float(each) for each in said if _SECONDS.fullmatch(each)), 1.0), _LONGEST)
