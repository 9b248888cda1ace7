"""penstock stages: the effective pipeline as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from penstock.cli.context import DONE, Globals, emit, guarded, say

if TYPE_CHECKING:
    from penstock.ports import Stage

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(stages)


def stages(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")] = False,
) -> None:
    """The effective pipeline: order, name, kind, plugin, what each stage reads and needs."""
    guarded(lambda: _show(Globals.of(context), json))


def _show(options: Globals, json: bool) -> int:
    import os

    from penstock.config.settings import load_settings
    from penstock.pipeline import refuse_unsafe_order
    from penstock.stage_list import planned_stages

    rows: list[dict[str, Any]] = []
    plans = planned_stages(load_settings(options.config, os.environ))
    refuse_unsafe_order([cast("Stage", plan.kind) for plan in plans])
    for order, plan in enumerate(plans, 1):
        kind = "check" if hasattr(plan.kind, "judge") else "edit"
        rows.append(
            {
                "order": order,
                "name": plan.name,
                "kind": kind,
                "phase": plan.kind.phase.name.lower(),
                "plugin": plan.plugin,
                "reads": list(plan.kind.reads),
                "needs": list(plan.kind.needs),
                "streams": sorted(plan.kind.streams),
                "options": dict(plan.options),
            }
        )
    if json:
        for row in rows:
            emit(row)
        return DONE
    say(f"{'':>3} {'stage':18} {'kind':6} {'phase':9} {'plugin':18} reads · needs")
    for row in rows:
        reads = ", ".join(row["reads"]) or "–"
        needs = ", ".join(row["needs"]) or "–"
        say(f"{row['order']:>3} {row['name']:18} {row['kind']:6} {row['phase']:9} {row['plugin']:18} {reads} · {needs}")
    return DONE
