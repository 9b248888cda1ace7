"""penstock demo: the main job on shipped sample data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, INTERRUPTED, guarded, say

if TYPE_CHECKING:
    from penstock.demo.at_an_esp import Heard

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
    adapter: Annotated[
        str,
        typer.Option("--adapter", metavar="ESP", help="Send through this ESP's plugin to a local server in its place."),
    ] = "",
) -> None:
    """Import, decide, complete and send sample mails into a folder; touches nothing else and no network."""
    guarded(lambda: _demo(out, adapter))


def _demo(out: Path | None, adapter: str) -> int:
    import tempfile

    from penstock.cli.send_run import report_text
    from penstock.demo.at_an_esp import EspDemo
    from penstock.demo.run import run_demo
    from penstock.running import run_async, stopping_by_signal
    from penstock.send_report import added_up

    esp = EspDemo(adapter) if adapter else None
    folder = out or Path(tempfile.mkdtemp(prefix="penstock-demo-"))
    done = run_async(lambda: run_demo(folder, stopping_by_signal, esp))
    if done.reports[-1].interrupted:
        say("penstock: interrupted; the same command begins afresh", error=True)
        return INTERRUPTED
    say(report_text(added_up(done.reports), "demo, three campaigns"))
    if done.heard is not None:
        _tell(done.heard)
    say("")
    say("where to look:")
    say(f"  {folder / 'report.html'}   the verdicts with chart and sample mails")
    which = "the finished mails" if esp is None else "the mails to customers, which go another way"
    say(f"  {folder / 'outbox'}   {which}, one .eml each")
    program = "uv run penstock" if "UV" in os.environ else "penstock"
    again = f"{program} --config {folder / 'config.toml'} --now 2026-11-23T09:00:00Z"
    campaign = folder / "campaigns" / "purchasing.toml"
    say(f"  {again} explain {campaign} {WHO_DOES_NOT} --contacts {folder / 'contacts.csv'}")
    say(f"  {again} preview {campaign} {WHO_GOES} --contacts {folder / 'contacts.csv'} --out mail.html")
    say(f"  {again} ledger verify")
    return DONE


def _tell(heard: Heard) -> None:
    say("")
    say(f"at the local server in the place of {heard.esp}:")
    say(f"  {heard.arrived} mails arrived, {heard.refused} requests broke its published rules")
    if heard.events:
        told = ", ".join(f"{number} {kind}" for kind, number in heard.events.items())
        say(f"  it called back: {told}; whose mailbox is gone or who complained is on the suppression list")
