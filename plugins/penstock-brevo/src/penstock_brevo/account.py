"""Questions to a Brevo account other than to send: one at a time, at the pace it asks for."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from penstock.adapters.http import Exchange, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable

__all__ = ["BrevoAccount"]

_ATTEMPTS = 5
_LONGEST = 60.0
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")
_WAITS = ("retry-after", "x-sib-ratelimit-reset")


class BrevoAccount:
    """Nothing that it raises holds an address or the key."""

    def __init__(self, exchange: Exchange, key: str, where: str) -> None:
        self._exchange = exchange
        self._headers = {"api-key": key, "Accept": "application/json"}
        self._where = where

    async def ask(self, method: str, path: str) -> dict[str, Any] | None:
        """The answer to 2xx, an empty one where it has no body; None where what the path names is not there.

        Waits where Brevo asks for it, a few times. Raises AdapterUnavailable for every other answer.
        """
        for left in reversed(range(_ATTEMPTS)):
            answer = await self._exchange.send(HttpRequest(path, b"", self._headers, method))
            if not isinstance(answer, HttpResponse):
                raise self.fault(f"no answer: {answer.why}")
            if answer.status != 429:
                return self._read(answer)
            if left:
                await asyncio.sleep(_pause(answer))
        raise self.fault("HTTP 429: too much at once")

    def fault(self, what: str) -> AdapterUnavailable:
        """What went wrong, with the name of the adapter."""
        return AdapterUnavailable(f"Brevo's account: {what}", where=self._where)

    def _read(self, answer: HttpResponse) -> dict[str, Any] | None:
        told = _object(answer.body)
        # A wrong address of the interface is 404 as well, and then nothing is known of what was asked for.
        if answer.status == 404 and told is not None and told.get("code") == "document_not_found":
            return None
        if answer.status in {401, 403}:
            raise self.fault(
                f"HTTP {answer.status}: the key is refused, or this machine's IP address is not authorised"
            )
        if not 200 <= answer.status < 300 or told is None:
            raise self.fault(f"HTTP {answer.status}: an answer that is not as documented")
        return told


def _object(body: bytes) -> dict[str, Any] | None:
    if not body:
        return {}
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _pause(answer: HttpResponse) -> float:
    """Seconds that the answer asks to wait, one where it does not say."""
    said = (answer.headers.get(name, "").strip() for name in _WAITS)
    return min(next((float(each) for each in said if _SECONDS.fullmatch(each)), 1.0), _LONGEST)
