"""The policy as configured: which stages stand in which order, found among the shipped ones and the plugins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from penstock.config.nearest import did_you_mean
from penstock.config.options import read_options
from penstock.config.settings import Settings, StageSettings
from penstock.errors import ConfigError
from penstock.ports import Services, Stage
from penstock.stages.shipped import SHIPPED

__all__ = ["PlannedStage", "build_stage", "planned_stages"]


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One line of the effective policy: `plugin` is the distribution it comes from."""

    name: str
    plugin: str
    kind: type[Stage]
    options: Mapping[str, Any]


def planned_stages(settings: Settings) -> list[PlannedStage]:
    """The effective policy: the `[[stage]]` tables in their order, else the shipped list."""
    listed = settings.stage or [StageSettings(use=name) for name in SHIPPED]
    plugins = {point.name: point for point in entry_points(group="penstock.stages")}
    return [_planned(each, plugins, settings) for each in listed]


def _from_policy(name: str, settings: Settings) -> dict[str, Any]:
    """What `[policy]` and `[clock]` set for a shipped stage unless its own `[[stage]]` table does."""
    policy = settings.policy
    match name:
        case "address" | "impact_assessment":
            return {"minor_under": policy.minor_under}
        case "legal_basis":
            return {"consent_after_months": policy.consent_after_months, "require_signoff": policy.require_signoff}
        case "adapter_terms":
            return {"consent_after_months": policy.consent_after_months}
        case "provenance":
            return {"supplier_refresh_months": policy.supplier_refresh_months, "strict": settings.clock.strict}
        case "freshness":
            return {
                "stale_after_years": policy.stale_after_years,
                "unverified_after_days": policy.unverified_after_days,
                "non_responder_touches": policy.non_responder_touches,
                "non_responder_months": policy.non_responder_months,
                "reconfirm_days": policy.reconfirm_days,
            }
        case _:
            return {}


def _planned(each: StageSettings, plugins: Mapping[str, EntryPoint], settings: Settings) -> PlannedStage:
    options = {**_from_policy(each.use, settings), **each.options()}
    if each.use in SHIPPED:
        module, _, name = SHIPPED[each.use].partition(":")
        return PlannedStage(each.use, "penstock", getattr(import_module(module), name), options)
    if each.use not in plugins:
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
