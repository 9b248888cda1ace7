"""What a stage may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from penstock.law.jurisdictions import Table
from penstock.law.taxonomy import Taxonomy
from penstock.model.campaign import Controller, Stream
from penstock.model.legal_text import LegalTexts
from penstock.model.mail import Mail
from penstock.model.routing import RouteRule, way_of, ways_of
from penstock.model.safety import Safety
from penstock.model.standing import FRESH, Standing
from penstock.ports.adapters import Capabilities
from penstock.ports.clock import Clock
from penstock.ports.lists import ListStats, NoLists, Registers, Supplier
from penstock.ports.queue import Rates
from penstock.ports.returns import NobodySilent, Silences
from penstock.ports.signing import NoSenders, Senders
from penstock.ports.store import Standings, Suppressions

__all__ = ["NobodyDecided", "NobodyTried", "PublicPages", "Services", "Tokens"]


class Tokens(Protocol):
    """Signs what opt-out and preference links carry."""

    def sign(self, purpose: str, mail_id: str) -> str:
        """A URL-safe token bound to the purpose; holds no personal data; does not expire."""
        ...

    def read(self, token: str) -> tuple[str, str] | None:
        """(purpose, mail id) of a genuine token, else None."""
        ...


class NobodyDecided:
    """Every campaign is active and nothing was approved."""

    async def of(self, ids: Sequence[str], /) -> Sequence[Standing]:
        """`FRESH` for each."""
        return [FRESH] * len(ids)


class PublicPages(Protocol):
    """Knows whether people can opt out at the public address."""

    async def fault(self) -> str:
        """Why nobody could, as last tried; empty where they can or nobody has tried."""
        ...


class NobodyTried:
    """The pages work, as far as anybody knows."""

    async def fault(self) -> str:
        """Empty."""
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What stages may use. A stage names what it needs in `needs`."""

    clock: Clock
    suppressions: Suppressions
    rates: Rates
    tokens: Tokens
    taxonomy: Taxonomy
    controllers: Mapping[str, Controller]
    templates: Path
    """The folder of shipped templates: notices/, letters/, pages/."""
    base_url: str = ""
    """Public web address of the opt-out pages, https, without a slash at the end."""
    public_pages: PublicPages = field(default_factory=NobodyTried)
    """Whether the pages at `base_url` take an opt-out."""
    reply_domain: str = ""
    """Where replies and mailto opt-outs are read; empty: none is promised."""
    fallback_language: str | None = None
    routes: Mapping[str, str] = field(default_factory=dict)
    """Stream name, or `default`, to adapter name."""
    route_rules: tuple[RouteRule, ...] = ()
    """What wins over `routes`, the first that fits."""
    capabilities: Mapping[str, Capabilities] = field(default_factory=dict)
    """By adapter name."""
    adapter_rates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By adapter name."""
    standings: Standings = field(default_factory=NobodyDecided)
    """Which campaigns are paused, cancelled or approved."""
    safety: Safety = field(default_factory=Safety)
    """The brakes of the house."""
    jurisdictions: Table = field(default_factory=Table.load)
    """The table of law, the house's own rows laid over the shipped ones."""
    suppliers: Mapping[str, Supplier] = field(default_factory=dict)
    """By the name of their table and by the name they give."""
    registers: Registers = field(default_factory=NoLists)
    """National opt-out registers."""
    list_stats: ListStats = field(default_factory=NoLists)
    """How earlier mails to a list fared."""
    returns: Silences = field(default_factory=NobodySilent)
    """What ESPs did not tell."""
    silent_after_hours: int = 0
    """How long an ESP may tell nothing of mail that it was given; 0: as long as it likes."""
    doors: frozenset[str] = frozenset()
    """The adapters whose ESP can call back."""
    senders: Senders = field(default_factory=NoSenders)
    """The domains that may stand in From, and who signs for them."""
    legal_texts: LegalTexts = field(default_factory=LegalTexts)
    """Which notices may leave, as known when the house was opened."""
    policy_mark: str = ""
    """Digest of the policy in force; approvals are bound to it."""

    def way_of(self, mail: Mail) -> str:
        """The adapter, or the route of several, that this mail leaves by."""
        return way_of(mail, self.routes, self.route_rules)

    def ways_of(self, stream: Stream, sender: str) -> tuple[str, ...]:
        """All that mails of this stream and From domain may leave by, whoever gets them."""
        return ways_of(stream, sender, self.routes, self.route_rules)
