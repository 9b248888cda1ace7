"""Parts that remember what was asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from penstock.model.identity import Identity
from penstock.model.mail import Mail
from penstock.model.outcome import Accepted, Outcome
from penstock.model.suppression import Hit
from penstock.ports import Capabilities, Grant, RateQuery

__all__ = ["CountingRates", "CountingSuppressions", "MemoryAdapter"]


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
