"""One signed call with outcomes, after the Standard Webhooks specification, and what came of it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import orjson

from penstock.config.settings import Settings
from penstock.errors import ConfigError
from penstock.model.outcome_event import OutcomeEvent

if TYPE_CHECKING:
    import aiohttp

__all__ = ["Gone", "NotTaken", "OutcomeCall", "Taken", "keys_of_receivers", "read_key", "signature", "written"]

_PREFIX = "whsec_"
_SHORTEST_KEY = 16
_SECONDS = re.compile(r"[0-9]{1,9}")
CALL_SECONDS = 10.0
"""So long a receiver may take to answer, connecting included."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The receiver has the batch."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The receiver asks to be left alone (410)."""


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Nobody knows whether it has it. `why` are words of ours; `after` the seconds it asks to wait (Retry-After)."""

    why: str
    after: float | None = None


def read_key(text: str, where: str) -> bytes:
    """The octets of a signing secret: base64 behind `whsec_`, else the text itself.

    Raises ConfigError for one that is no base64 or shorter than 16.
    """
    key = text.encode()
    if text.startswith(_PREFIX):
        try:
            key = base64.b64decode(text[len(_PREFIX) :], validate=True)
        except (binascii.Error, ValueError):
            raise ConfigError("is no base64 behind whsec_", where=where) from None
    if len(key) < _SHORTEST_KEY:
        raise ConfigError(f"is shorter than {_SHORTEST_KEY}", where=where, mend="take 32 random octets")
    return key


def keys_of_receivers(settings: Settings) -> Mapping[str, bytes]:
    """The signing keys by receiver. Raises ConfigError."""
    found = {}
    for place, each in enumerate(settings.outcomes):
        found[each.name] = read_key(each.key.reveal(), settings.where("outcomes", place, "key"))
    return found


def signature(key: bytes, message: str, now: int, body: bytes) -> str:
    """The header `webhook-signature` of a call with that id, made at `now` (seconds since the epoch)."""
    signed = hmac.digest(key, f"{message}.{now}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def written(events: Sequence[OutcomeEvent]) -> bytes:
    """The body of a call: equal events are equal octets."""
    records = [event.record() for event in events]
    return orjson.dumps({"type": "outcomes", "timestamp": events[-1].at, "data": {"events": records}})


class OutcomeCall:
    """Calls one receiver; connections are opened when first used. Close it. Key and address never leave but to it."""

    def __init__(self, url: str, key: bytes, *, seconds: float = CALL_SECONDS) -> None:
        self._url = url
        self._key = key
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def post(self, message: str, body: bytes, now: float) -> Taken | Gone | NotTaken:
        """Call once: no redirect is followed and no octet of the answer's body is read.

        `message` is the same for every repeat of the batch, `now` seconds since the epoch.
        """
        import aiohttp

        session = self._session = self._session or self._opened()
        try:
            async with (
                asyncio.timeout(self._seconds),
                session.post(
                    self._url, data=body, headers=self._headers(message, body, int(now)), allow_redirects=False
                ) as answer,
            ):
                return _meaning(answer.status, answer.headers.get("Retry-After", ""), now)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as fault:
            # Names only: messages of libraries may quote the address with what is secret in it.
            return NotTaken("no answer in time" if isinstance(fault, TimeoutError) else type(fault).__name__)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _headers(self, message: str, body: bytes, now: int) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._key, message, now, body),
        }

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1, keepalive_timeout=10.0),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("User-Agent",),
            headers={"User-Agent": "penstock"},
        )


def _meaning(status: int, after: str, now: float) -> Taken | Gone | NotTaken:
    if 200 <= status < 300:
        return Taken()
    if status == 410:
        return Gone()
    return NotTaken(f"HTTP {status}", _wait(after.strip(), now))


def _wait(text: str, now: float) -> float | None:
    """Retry-After (RFC 9110 section 10.2.3), seconds or a date, as seconds from now."""
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - now)
    except (ValueError, OverflowError):
        return None
