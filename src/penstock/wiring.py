"""The only file that knows concrete classes and entry points: it builds the house from the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from penstock.adapters.address import adapter_from_url
from penstock.assembly import Assembler, CapSpan
from penstock.config.keys import load_keyring, throw_away_keyring
from penstock.config.options import read_options
from penstock.config.settings import Settings, StageSettings
from penstock.errors import ConfigError
from penstock.law.canonical import Canonical
from penstock.law.identity import Identifier
from penstock.law.mailboxes import Mailboxes
from penstock.law.taxonomy import Taxonomy
from penstock.law.version import POLICY
from penstock.model.campaign import Caps
from penstock.model.keyring import Keyring
from penstock.model.mail import Mail
from penstock.model.tokens import SignedTokens
from penstock.pipeline import Pipeline, Timing, refuse_unsafe_order
from penstock.ports import Adapter, Clock, Grant, RateQuery, Services, Stage
from penstock.queue.sql import SqlQueue
from penstock.stages.checks.frequency_cap import FrequencyCap, FrequencyCapOptions, window_needs
from penstock.stages.shipped import SHIPPED
from penstock.store.connections import path_of
from penstock.store.opening import has_data
from penstock.store.recheck import CapsOf, campaign_caps
from penstock.store.sqlite import SqliteStore
from penstock.templates import template_folder
from penstock.worker import Report, Worker

__all__ = ["House", "PlannedStage", "open_house", "planned_stages"]


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One line of the effective policy: `plugin` is the distribution it comes from."""

    name: str
    plugin: str
    kind: type[Stage]
    options: Mapping[str, Any]


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

    def worker(self, report: Report = lambda _mail, _decision, _outcome: None) -> Worker:
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
        )

    async def give_up_stranded(self) -> None:
        """The janitor: what a dead process began and nobody holds becomes uncertain.

        Where the adapter makes a repeat harmless, the mail simply goes again.
        """
        repeatable = {name for name, adapter in self.adapters.items() if adapter.capabilities.idempotent}
        await self.store.mails.recover(frozenset(repeatable))

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
    plans = planned_stages(settings)
    keyring, store = await _open_store(settings, clock, _house_caps(plans), read_only=read_only)
    try:
        return await _furnish(settings, clock, keyring, store, plans)
    except BaseException:
        await store.aclose()
        raise


async def _open_store(
    settings: Settings, clock: Clock, caps_of: CapsOf, *, read_only: bool
) -> tuple[Keyring, SqliteStore]:
    url = settings.store_url()
    path = path_of(url)
    used = path is not None and has_data(path)
    if read_only and not used:
        keyring = throw_away_keyring(os.urandom)
        return keyring, await SqliteStore.open("sqlite://:memory:", keyring, clock, policy=POLICY, caps_of=caps_of)
    keyring = load_keyring(settings, store_has_data=used, may_create=not read_only)
    store = await SqliteStore.open(url, keyring, clock, read_only=read_only, policy=POLICY, caps_of=caps_of)
    return keyring, store


async def _furnish(
    settings: Settings, clock: Clock, keyring: Keyring, store: SqliteStore, plans: Sequence[PlannedStage]
) -> House:
    mailboxes = Mailboxes.load()
    identifier = Identifier(keyring, Canonical.load(), mailboxes, await store.suppressions.foreign_algorithms())
    adapters = {name: _adapter(settings, name, clock) for name in settings.adapters}
    services = _services(settings, clock, keyring, store, adapters)
    assembler = Assembler(
        identifier=identifier,
        mailboxes=mailboxes,
        keyring=keyring,
        mails=store.mails,
        clock=clock,
        cap_span=_cap_span(plans),
        foreign=store.suppressions.foreign_algorithms,
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


def _adapter(settings: Settings, name: str, clock: Clock) -> Adapter:
    """One way out; what is wrong with it is told with its place in the config."""
    each = settings.adapters[name]
    try:
        return adapter_from_url(
            name, each.url, settings.base, clock, password=each.password, api_key=each.api_key, endpoint=each.endpoint
        )
    except ConfigError as fault:
        where = settings.where("adapters", name, "url")
        raise ConfigError(fault.what, where=where, mend=fault.mend) from None


def _services(
    settings: Settings, clock: Clock, keyring: Keyring, store: SqliteStore, adapters: Mapping[str, Adapter]
) -> Services:
    return Services(
        clock=clock,
        suppressions=store.suppressions,
        rates=store.rates,
        tokens=SignedTokens(keyring),
        taxonomy=Taxonomy.load(),
        controllers=settings.controller_objects(),
        templates=template_folder(),
        base_url=settings.web.base_url.rstrip("/"),
        reply_domain=settings.inbound.reply_domain,
        fallback_language=settings.message.fallback_language or None,
        routes={str(stream): adapter for stream, adapter in settings.routes.items()},
        capabilities={name: adapter.capabilities for name, adapter in adapters.items()},
        adapter_rates={
            name: (*settings.adapters[name].rate, *getattr(adapter, "rates", ())) for name, adapter in adapters.items()
        },
    )


def _cap_options(plans: Sequence[PlannedStage]) -> FrequencyCapOptions:
    """The windows that bind every campaign, as the frequency cap is configured."""
    found = (read_options(plan.kind, plan.name, plan.options) for plan in plans if plan.kind is FrequencyCap)
    options: FrequencyCapOptions = next(found, FrequencyCapOptions())
    return options


def _cap_span(plans: Sequence[PlannedStage]) -> CapSpan:
    """What the frequency cap, as configured, needs to know of the past."""
    options = _cap_options(plans)
    return lambda campaign: window_needs(campaign, options)


def _house_caps(plans: Sequence[PlannedStage]) -> CapsOf:
    """The caps looked at again when a mail begins: its campaign's and those of the house."""
    options = _cap_options(plans)

    def caps(mail: Mail) -> Caps:
        own = campaign_caps(mail)
        if not mail.stream.commercial:
            return own
        return Caps((*own.person, *options.person), (*own.company, *options.company))

    return caps


def planned_stages(settings: Settings) -> list[PlannedStage]:
    """The effective policy: the `[[stage]]` tables in their order, else the shipped list."""
    listed = settings.stage or [StageSettings(use=name) for name in SHIPPED]
    plugins = {point.name: point for point in entry_points(group="penstock.stages")}
    return [_planned(each, plugins, settings) for each in listed]


def _from_policy(name: str, settings: Settings) -> dict[str, Any]:
    """What `[policy]` sets for a shipped stage unless its own `[[stage]]` table does."""
    return {"minor_under": settings.policy.minor_under} if name == "address" else {}


def _planned(each: StageSettings, plugins: Mapping[str, EntryPoint], settings: Settings) -> PlannedStage:
    options = {**_from_policy(each.use, settings), **each.options()}
    if each.use in SHIPPED:
        module, _, name = SHIPPED[each.use].partition(":")
        return PlannedStage(each.use, "penstock", getattr(import_module(module), name), options)
    if each.use not in plugins:
        from penstock.config.nearest import did_you_mean

        known = [*SHIPPED, *plugins]
        raise ConfigError(f"no stage is called {each.use!r}", where="stage.use", mend=did_you_mean(each.use, known))
    point = plugins[each.use]
    try:
        kind = point.load()
    except Exception as fault:
        raise ConfigError(
            f"the plugin of stage {each.use} cannot be loaded: {type(fault).__name__}", where="stage.use"
        ) from fault
    return PlannedStage(each.use, point.dist.name if point.dist else point.module, kind, options)


def build_stage(plan: PlannedStage, services: Services) -> Stage:
    """Make one stage; a bad option is a ConfigError that names it."""
    unknown = [name for name in plan.kind.needs if not hasattr(services, name)]
    if unknown:
        raise ConfigError(f"stage {plan.name} needs {unknown[0]}, which this version does not offer", where="stage")
    make = cast("Any", plan.kind)
    return cast("Stage", make(read_options(plan.kind, plan.name, plan.options), services))
