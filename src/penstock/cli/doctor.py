"""penstock doctor: one line for each thing that must be right."""

from __future__ import annotations

from typing import Annotated

import typer

from penstock.cli.context import DONE, PROBLEMS, Globals, emit, guarded, say

__all__ = ["register"]

_MARKS = {"ok": "✓", "warn": "!", "fail": "✗"}


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(doctor)


def doctor(
    context: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 when anything fails.")] = False,
) -> None:
    """Look at config, store, keys, templates and clock; writes nothing."""
    guarded(lambda: _doctor(Globals.of(context), json, strict))


def _doctor(options: Globals, json: bool, strict: bool) -> int:
    from penstock.health import examine
    from penstock.running import run_async

    findings = run_async(lambda: examine(options.config, options.now))
    for finding in findings:
        if json:
            emit({"what": finding.what, "state": finding.state, "says": finding.says})
        else:
            say(f"{_MARKS[finding.state]} {finding.what:10} {finding.says}")
    return PROBLEMS if strict and any(each.state == "fail" for each in findings) else DONE
