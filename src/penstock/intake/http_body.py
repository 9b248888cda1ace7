"""Bodies of requests: bounded in size, in time, and together in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from penstock.intake.http_problem import LATER_SECONDS, RequestError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["BodyRoom"]

_CLOSE = {"Connection": "close"}
_MOST_DIGITS = 18
_AT_ONCE = 8
"""So many bodies of the largest size may be on their way together; of small ones any number."""


class BodyRoom:
    """Reads bodies of at most `most` octets within `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._taken = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytearray]:
        """The body, for whose time the room counts as taken. Empty it when it is no longer needed.

        Raises RequestError 408, 413, 503; then the connection ends, as the rest is not read.
        """
        body = bytearray()
        told = request.headers.get("content-length", "0")
        if not told.isdecimal() or len(told) > _MOST_DIGITS or int(told) > self._most:
            raise self._too_large()
        room = 0
        try:
            try:
                async with asyncio.timeout(self._seconds):
                    async for piece in request.stream():
                        room += len(piece)
                        self._taken += len(piece)
                        self._check(room)
                        body += piece
            except TimeoutError:
                raise RequestError(408, "the body did not come in time", where="body", headers=_CLOSE) from None
            yield body
        finally:
            self._taken -= room

    def _check(self, size: int) -> None:
        if size > self._most:
            raise self._too_large()
        if self._taken > self._most * _AT_ONCE:
            headers = {**_CLOSE, "Retry-After": str(LATER_SECONDS)}
            raise RequestError(503, "too much is being handed in at once", headers=headers)

    def _too_large(self) -> RequestError:
        return RequestError(413, f"is larger than {self._most} octets", where="body", headers=_CLOSE)
