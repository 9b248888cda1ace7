"""The base of ESP plugins: an ESP is two pure functions, and all that can go wrong between them happens here.

A plugin imports from this module, `penstock.ports`, `penstock.model`, `penstock.errors` and `penstock.testing` only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, Protocol

from penstock.adapters.breaker import Breaker
from penstock.adapters.http_exchange import Doubt, Exchange, HttpRequest, HttpResponse, HttpTimeouts, NotStarted
from penstock.adapters.http_inquiry import Inquiry
from penstock.adapters.http_json import json_octets, json_of, object_of
from penstock.adapters.http_rates import asked_pause
from penstock.adapters.mail_fields import MailFields, encoded_words, mail_fields
from penstock.errors import AdapterUnavailable
from penstock.model.codes import Code
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Failed, Outcome, TryLater, Uncertain
from penstock.observe.log import get_logger
from penstock.ports import Capabilities, Clock, EspErasure, EspLists

__all__ = [
    "APART",
    "Doubt",
    "Esp",
    "Exchange",
    "HttpAdapter",
    "HttpRequest",
    "HttpResponse",
    "HttpTimeouts",
    "Inquiry",
    "MailFields",
    "NotStarted",
    "Refusal",
    "encoded_words",
    "json_octets",
    "json_of",
    "mail_fields",
    "object_of",
]

ACCOUNT_PAUSE = 900.0
"""Seconds a way out is left alone that refuses our key or our account."""
_RATE_PAUSE = timedelta(seconds=30)
APART = Failed("a request was refused as a whole: its mails go apart")
"""What `Esp.outcomes` answers for each of several mails that were refused together, where one alone may be at fault.

They are asked for again in halves. Compared by identity, and never seen outside.
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A whole request that was certainly not accepted. `account`: a person must see to it; `later`: only time.

    `after` is how long the answer's text asks to wait, where no header does.
    """

    scope: Literal["account", "later"]
    why: str
    after: timedelta | None = None


class Esp(Protocol):
    """What a plugin writes: pure functions from mails to a request and from a response to outcomes."""

    capabilities: Capabilities
    per_request: int
    """How many mails one request may carry."""

    def request(self, mails: Sequence[Mail], /) -> HttpRequest | Failed:
        """The request for 1 to `per_request` mails; Failed where one of them cannot be expressed.

        Then it is asked again for fewer, until that mail is alone.
        """
        ...

    def outcomes(self, mails: Sequence[Mail], response: HttpResponse, /) -> Sequence[Outcome]:
        """One outcome per mail. Asked for status 2xx and for 4xx that no rule below answers.

        An answer that cannot be understood is Uncertain for status 2xx and Failed for 4xx. `APART` for several mails
        that were certainly refused together.
        """
        ...

    def refusal(self, response: HttpResponse, /) -> Refusal | Literal["each"] | None:
        """What this ESP documents as a refusal of the whole request, beyond 401, 403, 429 and 503.

        `each`: whatever the status, this answer speaks of each mail for itself, and `outcomes` reads it.
        """
        ...

    async def inspect(self, exchange: Exchange, /) -> str | None:
        """Look at the account before the first mail: what forbids to use it, None where nothing does."""
        ...


class HttpAdapter:
    """Hands mails to one ESP. Requests run side by side, at most as many as there are connections."""

    def __init__(
        self,
        name: str,
        esp: Esp,
        exchange: Exchange,
        clock: Clock,
        *,
        connections: int = 10,
        lists: EspLists | None = None,
        erasure: EspErasure | None = None,
    ) -> None:
        """`lists` and `erasure` are what the ESP keeps of people, where its interface lets us at it."""
        self.name = name
        self.lists = lists
        self.erasure = erasure
        self.capabilities = replace(esp.capabilities, retry="esp")
        self._esp = esp
        self._exchange = exchange
        self._clock = clock
        self._places = asyncio.Semaphore(connections)
        self._breaker = Breaker(clock)
        self._not_before = 0.0
        self._inspected = False
        self._log = get_logger("adapters.http")

    async def prepare(self) -> None:
        """Let the plugin look at the account until it is found fit, at most once in `ACCOUNT_PAUSE`.

        Raises AdapterUnavailable for an account that must not be used, and while this way out is left alone.
        """
        if self._breaker.open:
            raise AdapterUnavailable(f"left alone for a while: {self._breaker.why}", where=f"adapters.{self.name}")
        if self._inspected:
            return
        if fault := await self._esp.inspect(self._exchange):
            self._breaker.trip(fault, ACCOUNT_PAUSE)
            self._log.error("esp_account_unfit", adapter=self.name, why=fault)
            raise AdapterUnavailable(fault, where=f"adapters.{self.name}")
        self._inspected = True

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order. Raises AdapterUnavailable when none was offered."""
        await self.prepare()
        size = self._esp.per_request
        chunks = [mails[at : at + size] for at in range(0, len(mails), size)]
        if len(chunks) == 1:
            answers = [await self._chunk(chunks[0])]
        else:
            answers = await asyncio.gather(*map(self._chunk, chunks))
        outcomes = [outcome for answer in answers for outcome in answer]
        if outcomes and all(isinstance(each, TryLater) and not each.attempt_used for each in outcomes):
            first = outcomes[0]
            if isinstance(first, TryLater) and first.after is None:
                raise AdapterUnavailable(first.why, where=f"adapters.{self.name}")
        parted = [await self._parted(chunk, answer) for chunk, answer in zip(chunks, answers, strict=True)]
        return [self._by_us(outcome) for answer in parted for outcome in answer]

    def _by_us(self, outcome: Outcome) -> Outcome:
        """What comes back of a mail that the ESP has, or may have, will come by this adapter's name."""
        match outcome:
            case Accepted(receipt):
                return Accepted(receipt, self.name)
            case Uncertain(why):
                return Uncertain(why, self.name)
        return outcome

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()

    async def _chunk(self, mails: Sequence[Mail]) -> Sequence[Outcome]:
        async with self._places:
            return await self._offered(mails)

    async def _parted(self, mails: Sequence[Mail], outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """Those that were refused together are offered again in halves until who is at fault stands alone.

        Only those: others of the same chunk may have gone in a request of their own.
        """
        refused = [place for place, outcome in enumerate(outcomes) if outcome is APART]
        if len(refused) < 2:
            return outcomes
        half = len(refused) // 2
        parts = [[mails[place] for place in places] for places in (refused[:half], refused[half:])]
        again = [outcome for part in await asyncio.gather(*map(self._again, parts)) for outcome in part]
        told = dict(zip(refused, again, strict=True))
        return [told.get(place, outcome) for place, outcome in enumerate(outcomes)]

    async def _again(self, mails: Sequence[Mail]) -> Sequence[Outcome]:
        return await self._parted(mails, await self._chunk(mails))

    async def _offered(self, mails: Sequence[Mail]) -> Sequence[Outcome]:
        """One request; several where a mail cannot be expressed, so that it fails alone."""
        if self._breaker.open:
            return _all(mails, TryLater(f"left alone for a while: {self._breaker.why}", attempt_used=False))
        if (wait := self._not_before - self._clock.machine()) > 0.0:
            later = TryLater("the ESP asked us to wait", timedelta(seconds=wait), Code.RATE_BACKOFF, False)
            return _all(mails, later)
        request = self._asked(mails)
        if isinstance(request, Failed):
            if len(mails) == 1:
                return [request]
            half = len(mails) // 2
            return [*await self._offered(mails[:half]), *await self._offered(mails[half:])]
        match await self._exchange.send(request):
            case NotStarted(why):
                self._breaker.bad(why)
                return _all(mails, TryLater(f"no request left: {why}", attempt_used=False))
            case Doubt(why):
                self._breaker.bad(why)
                return _all(mails, Uncertain(f"no answer to the request: {why}"))
            case HttpResponse() as response:
                return self._answered(mails, response)

    def _asked(self, mails: Sequence[Mail]) -> HttpRequest | Failed:
        try:
            return self._esp.request(mails)
        except Exception as fault:  # noqa: BLE001 — nothing has left, so only the mail that a plugin stumbles over fails
            self._log.error("esp_request_not_made", adapter=self.name, fault=type(fault).__name__)
            return Failed("the plugin could not make a request of it")

    def _answered(self, mails: Sequence[Mail], response: HttpResponse) -> Sequence[Outcome]:
        status = response.status
        refusal = self._esp.refusal(response) or _standard(status)
        if refusal == "each":
            return self._read(mails, response)
        pause = asked_pause(response.headers, self._clock.now(), refused=refusal is not None)
        pause = pause or (refusal.after if refusal is not None else None)
        if pause:
            self._not_before = max(self._not_before, self._clock.machine() + pause.total_seconds())
        if refusal is not None and refusal.scope == "account":
            self._breaker.trip(refusal.why, ACCOUNT_PAUSE)
            self._log.error("esp_account_refused", adapter=self.name, status=status, why=refusal.why)
            return _all(mails, TryLater(refusal.why, attempt_used=False))
        if refusal is not None:
            return _all(mails, TryLater(refusal.why, pause or _RATE_PAUSE, Code.RATE_BACKOFF))
        if status >= 500:
            self._breaker.bad(f"HTTP {status}")
            return _all(mails, Uncertain(f"the ESP answered HTTP {status}: it may have accepted the mail"))
        return self._read(mails, response)

    def _read(self, mails: Sequence[Mail], response: HttpResponse) -> Sequence[Outcome]:
        try:
            outcomes = self._esp.outcomes(mails, response)
        except Exception as fault:  # noqa: BLE001 — a plugin that cannot read an answer leaves its mails in doubt
            self._log.error("esp_answer_unread", adapter=self.name, fault=type(fault).__name__)
            return _all(mails, Uncertain("the answer could not be read"))
        if len(outcomes) != len(mails):
            return _all(mails, Uncertain("the plugin answered the wrong number of outcomes"))
        if any(isinstance(outcome, Uncertain) for outcome in outcomes):
            self._breaker.bad("answers that cannot be understood")
        elif any(isinstance(outcome, Accepted) for outcome in outcomes):
            self._breaker.good()
        return outcomes


def _standard(status: int) -> Refusal | None:
    """What a status means with every ESP (architecture's table of doubt)."""
    if status in {401, 403}:
        return Refusal("account", f"HTTP {status}: the key is refused")
    if status in {429, 503}:
        return Refusal("later", f"HTTP {status}: too much at once")
    if 300 <= status < 400 or status in {404, 405}:
        return Refusal("account", f"HTTP {status}: this is not the address of the ESP's interface")
    return None


def _all(mails: Sequence[Mail], outcome: Outcome) -> list[Outcome]:
    return [outcome] * len(mails)
