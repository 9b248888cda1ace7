"""penstock demo: the main job on shipped sample data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.context import DONE, INTERRUPTED, guarded, say

__all__ = ["register"]

WHO_GOES = "priya.inglethorpe@wharncote-crushers.example"
WHO_DOES_NOT = "jana.dollinghaus@erlengrund-werkzeugmaschinen.example"


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(demo)


def demo(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Work here; default: a new temporary folder, printed."),
    ] = None,
) -> None:
    """Import, decide, complete and send sample mails into a folder; touches nothing else and no network."""
    guarded(lambda: _demo(out))


def _demo(out: Path | None) -> int:
    import tempfile

    from penstock.cli.send_run import report_text
    from penstock.demo.run import run_demo
    from penstock.running import run_async, stopping_by_signal
    from penstock.send_report import added_up

    folder = out or Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    reports = run_async(lambda: run_demo(folder, stopping_by_signal))
    if reports[-1].interrupted:
        say("penstock: interrupted; the same command begins afresh", error=True)
        return INTERRUPTED
    say(report_text(added_up(reports), "demo, three campaigns"))
    say("")
    say("where to look:")
    say(f"  {folder / 'report.html'}   the verdicts with chart and sample mails")
    say(f"  {folder / 'outbox'}   the finished mails, one .eml each")
    program = "uv run penstock" if "UV" in os.environ else "penstock"
    again = f"{program} --config {folder / 'config.toml'} --now 2026-11-23T09:00:00Z"
    campaign = folder / "campaigns" / "purchasing.toml"
    say(f"  {again} explain {campaign} {WHO_DOES_NOT} --contacts {folder / 'contacts.csv'}")
    say(f"  {again} preview {campaign} {WHO_GOES} --contacts {folder / 'contacts.csv'} --out mail.html")
    say(f"  {again} ledger verify")
    return DONE
