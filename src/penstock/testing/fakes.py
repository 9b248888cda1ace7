"""Parts that remember what was asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from penstock.model.identity import Identity
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Outcome
from penstock.model.suppression import Hit
from penstock.ports import Capabilities, Clock, Grant, Kept, RateQuery, ReturnCount, SavedCall, Silence, Told
from penstock.testing.clocks import FakeClock

__all__ = ["CountingRates", "CountingSuppressions", "FakeReturns", "MemoryAdapter"]


class CountingSuppressions:
    """A suppression list given as key → hits. `calls` counts look-ups."""

    def __init__(self, hits: Mapping[bytes, tuple[Hit, ...]] | None = None) -> None:
        self._hits = hits or {}
        self.calls = 0
        self.unresolved_scopes: tuple[str, ...] = ()

    async def hits(self, identities: Sequence[Identity], /) -> Sequence[tuple[Hit, ...]]:
        """One look-up for the batch."""
        self.calls += 1
        return [
            tuple(hit for key in (*each.person_keys, *each.company_keys) for hit in self._hits.get(key, ()))
            for each in identities
        ]

    async def unresolved(self) -> Sequence[str]:
        """The scopes set on `unresolved_scopes`."""
        self.calls += 1
        return self.unresolved_scopes


class CountingRates:
    """Grants what `allow` says (all by default). `calls` counts requests."""

    def __init__(self, allow: Callable[[RateQuery], Grant] = lambda query: Grant(query.wanted, 0.0)) -> None:
        self._allow = allow
        self.calls = 0

    async def take(self, queries: Sequence[RateQuery], /) -> Sequence[Grant]:
        """One call for the batch."""
        self.calls += 1
        return [self._allow(query) for query in queries]


class MemoryAdapter:
    """Keeps what it was given. `answer` scripts outcomes; by default all is accepted."""

    def __init__(
        self,
        name: str = "main",
        *,
        capabilities: Capabilities = Capabilities(smtputf8=True),  # noqa: B008 — frozen
        answer: Callable[[Mail], Outcome] = lambda _mail: Accepted("memory"),
    ) -> None:
        self.name = name
        self.capabilities = capabilities
        self.delivered: list[Mail] = []
        self.batches: list[int] = []
        self._answer = answer

    async def prepare(self) -> None:
        """Nothing to learn."""

    async def deliver(self, mails: Sequence[Mail], /) -> Sequence[Outcome]:
        """One outcome per mail, in order."""
        outcomes = [self._answer(mail) for mail in mails]
        self.batches.append(len(mails))
        self.delivered += [mail for mail, outcome in zip(mails, outcomes, strict=True) if isinstance(outcome, Accepted)]
        return outcomes

    async def aclose(self) -> None:
        """Nothing to give back."""


class FakeReturns:
    """Keeps calls in memory. `told` is what was read of them, `set_aside` the numbers of those that could not be.

    With `away` set everything raises it. `silent` answers `silence`.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self.calls: list[SavedCall] = []
        self.told: list[Told] = []
        self.set_aside: list[int] = []
        self.counted: dict[tuple[str, str], int] = {}
        self.away: Exception | None = None
        self.silent: dict[str, Silence] = {}
        self.asked = 0
        self._marks: dict[tuple[str, str], bytes] = {}
        self._read: set[int] = set()

    async def save(self, adapter: str, mark: str, body: bytes, /) -> Kept:
        """Once for each mark and body."""
        self._here()
        known = self._marks.setdefault((adapter, mark), body)
        if any(call.adapter == adapter and call.body == body for call in self.calls):
            return Kept.KNOWN
        if known is not body:
            return Kept.OTHER
        self.calls.append(SavedCall(len(self.calls), adapter, self._clock.now(), body))
        return Kept.NEW

    async def unread(self, limit: int, adapters: Sequence[str], /) -> Sequence[SavedCall]:
        """In the order they came."""
        self._here()
        return [call for call in self.calls if call.seq not in self._read and call.adapter in adapters][:limit]

    async def take_in(self, call: SavedCall, told: Sequence[Told], /) -> Mapping[str, int]:
        """Everything is taken; what cannot be written as UTF-8 raises, as in a database."""
        self._here()
        for each in told:
            each.event.key.encode()
        self._read.add(call.seq)
        self.told += told
        return {"taken": len(told)}

    async def unreadable(self, call: SavedCall, /) -> None:
        """Set aside."""
        self._here()
        self._read.add(call.seq)
        self.set_aside.append(call.seq)

    async def count(self, adapter: str, what: str, /) -> None:
        """Into `counted`."""
        self._here()
        self.counted[adapter, what] = self.counted.get((adapter, what), 0) + 1

    async def counts(self) -> Sequence[ReturnCount]:
        """What was counted."""
        self._here()
        return [ReturnCount(*key, number, self._clock.now()) for key, number in self.counted.items()]

    async def silence(self, adapter: str, hours: float, /) -> Silence | None:
        """As set; `asked` counts look-ups."""
        del hours
        self.asked += 1
        return self.silent.get(adapter)

    def _here(self) -> None:
        if self.away is not None:
            raise self.away
