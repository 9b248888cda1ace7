"""The only file that knows the concrete classes of every room: it builds the house from the settings."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

from penstock.assembly import Assembler, CapSpan, ReturnPath
from penstock.config.dkim_keys import ConfiguredSenders
from penstock.config.keys import load_keyring, throw_away_keyring
from penstock.config.options import read_options
from penstock.config.policies import read_policies
from penstock.config.register_file import open_registers
from penstock.config.senders import sender_of
from penstock.config.settings import Settings
from penstock.law.canonical import Canonical
from penstock.law.identity import Identifier
from penstock.law.jurisdictions import Table
from penstock.law.mailboxes import Mailboxes
from penstock.law.taxonomy import Taxonomy
from penstock.law.version import POLICY
from penstock.legal_texts import known_texts
from penstock.model.campaign import Campaign, Caps, Stream
from penstock.model.keyring import Keyring
from penstock.model.mail import Mail
from penstock.model.tokens import SignedTokens
from penstock.pipeline import Pipeline, Timing, refuse_unsafe_order
from penstock.ports import Adapter, Clock, Grant, RateQuery, Services, Supplier
from penstock.queue.sql import SqlQueue
from penstock.stage_list import PlannedStage, build_stage, planned_stages
from penstock.stages.checks.frequency_cap import FrequencyCap, FrequencyCapOptions, window_needs
from penstock.stages.checks.freshness import Freshness, FreshnessOptions, touches_needed
from penstock.stages.shipped import SHIPPED
from penstock.store.connections import path_of
from penstock.store.house_rules import CapsOf, HouseRules, campaign_caps
from penstock.store.opening import has_data
from penstock.store.probes import Probes
from penstock.store.sqlite import SqliteStore
from penstock.templates import template_folder
from penstock.ways_in import smtp_marks
from penstock.ways_out import LiveCapabilities, open_adapters, rates_of
from penstock.worker import BATCH, Report, Worker

__all__ = ["House", "open_house"]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything that one open gate uses."""

    settings: Settings
    clock: Clock
    keyring: Keyring
    store: SqliteStore
    queue: SqlQueue
    services: Services
    adapters: Mapping[str, Adapter]
    identifier: Identifier
    assembler: Assembler
    mailboxes: Mailboxes

    def pipeline(self, *, peek: bool = False, timing: Timing | None = None) -> Pipeline:
        """The configured stages. With `peek` no rate limit is used up."""
        services = replace(self.services, rates=Unlimited()) if peek else self.services
        stages = [build_stage(plan, services) for plan in planned_stages(self.settings)]
        refuse_unsafe_order(stages)
        return Pipeline(stages, timing=timing)

    def worker(self, report: Report = lambda _mail, _decision, _outcome: None, *, batch: int = BATCH) -> Worker:
        """A worker on this house; `report` is told of each mail that a round is over with."""
        return Worker(
            queue=self.queue,
            ledger=self.store.ledger,
            assembler=self.assembler,
            pipeline=self.pipeline(),
            services=self.services,
            adapters=self.adapters,
            janitor=self.give_up_stranded,
            report=report,
            batch=batch,
            waits=timedelta(hours=self.settings.relay.expire_hours),
        )

    async def give_up_stranded(self) -> None:
        """The janitor: what a dead process began and nobody holds becomes uncertain.

        Where the adapter makes a repeat harmless, the mail simply goes again.
        """
        # Routes change, and a mail may have left by another way out than the one it was planned for.
        harmless = all(adapter.capabilities.idempotent for adapter in self.adapters.values())
        await self.store.mails.recover(frozenset(self.adapters) if harmless else frozenset())

    async def aclose(self) -> None:
        """Close adapters and store."""
        for adapter in self.adapters.values():
            await adapter.aclose()
        await self.store.aclose()


class Unlimited:
    """Rates for those who only look: everything would be granted, nothing is taken."""

    async def take(self, queries: Sequence[RateQuery], /) -> Sequence[Grant]:
        """All that was wanted, now."""
        return [Grant(query.wanted, 0.0) for query in queries]


async def open_house(settings: Settings, clock: Clock, *, read_only: bool = False) -> House:
    """Open store, keys, adapters and services.

    `read_only` writes nothing at all; where there is no store yet it works in memory with throw-away keys.
    Raises ConfigError and Unavailable.
    """
    plans, law = planned_stages(settings), read_policies(settings.path("policies"))
    rules = HouseRules(POLICY, policy_mark(settings, law), _house_caps(plans), settings.brakes(), law.digest)
    keyring, store = await _open_store(settings, clock, rules, read_only=read_only)
    try:
        return await _furnish(settings, clock, keyring, store, plans, law)
    except BaseException:
        await store.aclose()
        raise


async def _open_store(
    settings: Settings, clock: Clock, rules: HouseRules, *, read_only: bool
) -> tuple[Keyring, SqliteStore]:
    url = settings.store_url()
    path = path_of(url)
    used = path is not None and has_data(path)
    if read_only and not used:
        keyring = throw_away_keyring(os.urandom)
        return keyring, await SqliteStore.open("sqlite://:memory:", keyring, clock, rules=rules)
    keyring = load_keyring(settings, store_has_data=used, may_create=not read_only)
    store = await SqliteStore.open(url, keyring, clock, read_only=read_only, rules=rules)
    return keyring, store


async def _furnish(
    settings: Settings, clock: Clock, keyring: Keyring, store: SqliteStore, plans: Sequence[PlannedStage], law: Table
) -> House:
    mailboxes, canonical = Mailboxes.load(), Canonical.load()
    identifier = Identifier(keyring, canonical, mailboxes, await store.suppressions.foreign_algorithms())
    adapters = open_adapters(settings, clock, smtp_marks(settings))
    services = _services(settings, clock, keyring, store, adapters, law, canonical)
    services = replace(services, legal_texts=await known_texts(settings, store, clock))
    assembler = Assembler(
        identifier=identifier,
        mailboxes=mailboxes,
        keyring=keyring,
        mails=store.mails,
        clock=clock,
        cap_span=_cap_span(plans),
        foreign=store.suppressions.foreign_algorithms,
        return_path=_return_path(settings, services),
        redirect_to=settings.safety.redirect_all_to,
    )
    return House(
        settings=settings,
        clock=clock,
        keyring=keyring,
        store=store,
        queue=SqlQueue(store.database, clock),
        services=services,
        adapters=adapters,
        identifier=identifier,
        assembler=assembler,
        mailboxes=mailboxes,
    )


def _services(
    settings: Settings,
    clock: Clock,
    keyring: Keyring,
    store: SqliteStore,
    adapters: Mapping[str, Adapter],
    law: Table,
    canonical: Canonical,
) -> Services:
    return Services(
        clock=clock,
        suppressions=store.suppressions,
        rates=store.rates,
        tokens=SignedTokens(keyring),
        taxonomy=Taxonomy.load(),
        controllers=settings.controller_objects(),
        templates=template_folder(),
        base_url=settings.web.base_url,
        public_pages=Probes(store.database, clock, settings.web.base_url),
        reply_domain=settings.inbound.reply_domain,
        fallback_language=settings.message.fallback_language or None,
        routes=settings.routes_by_stream(),
        route_rules=settings.route_rules(),
        capabilities=LiveCapabilities(
            adapters, [name for name, each in settings.adapters.items() if each.aup_exception]
        ),
        adapter_rates=rates_of(settings, adapters),
        standings=store.standings,
        jurisdictions=law,
        suppliers=_suppliers(settings),
        registers=open_registers(settings, clock, canonical),
        list_stats=store.list_stats,
        returns=store.returns,
        silent_after_hours=settings.inbound.silent_after_hours,
        doors=frozenset(name for name, each in settings.adapters.items() if each.webhook is not None),
        senders=ConfiguredSenders(settings, canonical.registrable),
        safety=settings.brakes(),
        policy_mark=policy_mark(settings, law),
    )


def _suppliers(settings: Settings) -> dict[str, Supplier]:
    """By the name of their table and by the name they give: contact records use either."""
    named: dict[str, Supplier] = {each.name: each for each in settings.suppliers.values() if each.name}
    return {**named, **settings.suppliers}


def policy_mark(settings: Settings, law: Table) -> str:
    """Digest of all that decides besides the campaign: the table of law, the numbers of policy, the stages."""
    stages: list[object] = [each.model_dump() for each in settings.stage] or list(SHIPPED)
    text = json.dumps([POLICY, law.digest, settings.policy.model_dump(), stages], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _return_path(settings: Settings, services: Services) -> ReturnPath:
    """MAIL FROM that names the mail, under the return path of the `[[sender]]` whose domain stands in From (VERP).

    The From address itself where no return path is set, or where the way out takes none but its own.
    """
    found = cache(lambda domain: sender_of(settings, domain))

    def path(sender: str, stream: Stream, mail_id: str) -> str:
        domain = sender.rpartition("@")[2]
        known = found(domain)
        if known is None or not known.return_path:
            return sender
        if not all(services.capabilities[way].envelope_sender for way in services.ways_of(stream, domain.lower())):
            return sender
        return f"b+{services.tokens.sign('bounce', mail_id)}@{known.return_path}"

    return path


def _cap_options(plans: Sequence[PlannedStage]) -> FrequencyCapOptions:
    """The windows that bind every campaign, as the frequency cap is configured."""
    found = (read_options(plan.kind, plan.name, plan.options) for plan in plans if plan.kind is FrequencyCap)
    options: FrequencyCapOptions = next(found, FrequencyCapOptions())
    return options


def _cap_span(plans: Sequence[PlannedStage]) -> CapSpan:
    """What frequency cap and freshness, as configured, need to know of the past."""
    options = _cap_options(plans)
    found = (read_options(plan.kind, plan.name, plan.options) for plan in plans if plan.kind is Freshness)
    span, most = touches_needed(next(found, FreshnessOptions()))

    def needs(campaign: Campaign) -> tuple[timedelta, int]:
        longest, number = window_needs(campaign, options)
        return max(longest, span), max(number, most)

    return needs


def _house_caps(plans: Sequence[PlannedStage]) -> CapsOf:
    """The caps looked at again when a mail begins: its campaign's and those of the house."""
    options = _cap_options(plans)

    def caps(mail: Mail) -> Caps:
        own = campaign_caps(mail)
        if not mail.stream.commercial:
            return own
        return Caps((*own.person, *options.person), (*own.company, *options.company))

    return caps
