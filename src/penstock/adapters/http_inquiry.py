"""What an ESP is asked beside sending: its lists, its erasure. One question at a time, at the pace it asks for."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence

from penstock.adapters.http_exchange import Exchange, HttpRequest, HttpResponse
from penstock.errors import AdapterUnavailable

__all__ = ["Inquiry"]

_MOST_OCTETS = 1 << 20
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?")


class Inquiry:
    """Asks with the same headers each time. Nothing that it raises holds what was sent, nor what was answered."""

    def __init__(
        self,
        exchange: Exchange,
        headers: Mapping[str, str],
        *,
        esp: str,
        where: str = "",
        tries: int = 4,
        longest: float = 60.0,
        usual: float = 1.0,
        waits: Sequence[str] = ("retry-after",),
        most: int = _MOST_OCTETS,
    ) -> None:
        """`headers` log in. `esp` and `where` are named in what is raised: the ESP and the adapter.

        After a 429 it waits the seconds of the first header of `waits` (lower case) that names some, `usual` where
        none does, `longest` at most, and asks up to `tries` times. Of an answer `most` octets are read.
        """
        self._exchange = exchange
        self._headers = {"Accept": "application/json", **headers}
        self._esp = esp
        self._where = where
        self._tries = tries
        self._longest = longest
        self._usual = usual
        self._waits = tuple(waits)
        self._most = most

    async def answered(self, path: str, body: object = None, method: str = "") -> HttpResponse:
        """The answer of any status but 429. With a body it is posted as JSON, without one it is a GET.

        Raises AdapterUnavailable where there is none, or none but 429.
        """
        octets, headers = b"", self._headers
        if body is not None:
            octets = json.dumps(body, separators=(",", ":")).encode()
            headers = {**headers, "Content-Type": "application/json"}
        asked = HttpRequest(path, octets, headers, method or ("GET" if body is None else "POST"), self._most)
        for left in reversed(range(self._tries)):
            answer = await self._exchange.send(asked)
            if not isinstance(answer, HttpResponse):
                raise self.fault(f"cannot be reached, no answer: {answer.why}")
            if answer.status != 429:
                return answer
            if left:
                pause = self.pause(answer)
                await asyncio.sleep(min(self._usual if pause is None else pause, self._longest))
        raise self.fault("HTTP 429: too much at once, again and again")

    async def asked(self, path: str, body: object = None, method: str = "", missing: int = 200) -> HttpResponse:
        """As `answered`, and the status is 200 or `missing`. Raises AdapterUnavailable for every other answer."""
        answer = await self.answered(path, body, method)
        if answer.status not in {200, missing}:
            raise self.refused(answer)
        return answer

    def pause(self, answer: HttpResponse) -> float | None:
        """Seconds that a 429 asks to wait; None where it does not say. Override it where they stand elsewhere."""
        said = (answer.headers.get(name, "").strip() for name in self._waits)
        return next((float(each) for each in said if _SECONDS.fullmatch(each)), None)

    def refused(self, answer: HttpResponse) -> AdapterUnavailable:
        """The error for an answer that is not as documented."""
        what = "the key is refused" if answer.status in {401, 403} else "an answer that is not as documented"
        return self.fault(f"HTTP {answer.status}: {what}")

    def fault(self, what: str) -> AdapterUnavailable:
        """The error for what went wrong, with the names of the ESP and the adapter."""
        return AdapterUnavailable(f"{self._esp}'s account: {what}", where=self._where)
