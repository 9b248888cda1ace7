"""Questions to a Mailjet account other than to send: one at a time, at the pace it asks for."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from penstock.adapters.http import Exchange, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable

__all__ = ["MailjetAccount"]

_PAGE = 500
"""Of at most 1,000: an answer is read up to 1 MiB."""
_ATTEMPTS = 5
_LONGEST = 60.0
_USUAL = 2.0
"""Mailjet limits requests per second and sends no header that says so."""
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


class MailjetAccount:
    """Asks with the keys of the account. Nothing that it raises holds an address or a key."""

    def __init__(self, exchange: Exchange, headers: Mapping[str, str], where: str) -> None:
        """`headers` log in."""
        self._exchange = exchange
        self._headers = {**headers, "Accept": "application/json"}
        self._where = where

    async def one(self, path: str, body: object = None) -> dict[str, Any] | None:
        """The object under that path (GET), or what came of posting the body; None where there is none.

        Raises AdapterUnavailable for every other answer.
        """
        answer = await self._answered("GET" if body is None else "POST", path, body)
        if _missing(answer):
            return None
        found = self._data(answer)
        if len(found) != 1:
            raise self.fault("an answer that cannot be understood")
        return found[0]

    async def delete(self, path: str) -> bool:
        """Whether there was something to delete. Raises AdapterUnavailable where it may still be there."""
        answer = await self._answered("DELETE", path)
        if answer.status != 200 and not _missing(answer):
            raise self._refused(answer)
        return answer.status == 200

    async def pages(self, path: str) -> AsyncIterator[list[dict[str, Any]]]:
        """The items of a resource, page by page to the first that is empty. Raises AdapterUnavailable."""
        offset, before = 0, None
        while page := self._data(await self._answered("GET", f"{path}?Limit={_PAGE}&Offset={offset}")):
            if page == before:
                raise self.fault("a list whose pages have no end")
            yield page
            offset, before = offset + len(page), page

    def fault(self, what: str) -> AdapterUnavailable:
        """What went wrong, with the name of the adapter."""
        return AdapterUnavailable(f"Mailjet's account: {what}", where=self._where)

    async def _answered(self, method: str, path: str, body: object = None) -> HttpResponse:
        headers = self._headers if body is None else {**self._headers, "Content-Type": "application/json"}
        octets = b"" if body is None else json.dumps(body).encode()
        for _ in range(_ATTEMPTS):
            answer = await self._exchange.send(HttpRequest(path, octets, headers, method))
            if not isinstance(answer, HttpResponse):
                raise self.fault(f"no answer: {answer.why}")
            if answer.status != 429:
                return answer
            await asyncio.sleep(_pause(answer.headers))
        raise self.fault("HTTP 429: too much at once")

    def _data(self, answer: HttpResponse) -> list[dict[str, Any]]:
        read = _object(answer.body)
        if not 200 <= answer.status < 300 or read is None:
            raise self._refused(answer)
        data = read.get("Data")
        if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
            raise self.fault("an answer that cannot be understood")
        if read.get("Count") != len(data):
            raise self.fault("an answer that does not hold what it counts")
        return data

    def _refused(self, answer: HttpResponse) -> AdapterUnavailable:
        if answer.status in {401, 403}:
            return self.fault(f"HTTP {answer.status}: the key is refused")
        return self.fault(f"HTTP {answer.status}: an answer that is not as documented")


def _missing(answer: HttpResponse) -> bool:
    """Whether the object is not there; a 404 in other words may mean that this is no interface of Mailjet's."""
    message = (_object(answer.body) or {}).get("ErrorMessage") if answer.status == 404 else None
    return isinstance(message, str) and "object not found" in message.lower()


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds that the answer asks to wait, a little where it does not say."""
    asked = headers.get("retry-after", "")
    return min(float(asked), _LONGEST) if _SECONDS.fullmatch(asked) else _USUAL
