"""`penstock [--config FILE] [--now ISO-8601] COMMAND …`"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli import (
    campaign,
    campaign_commands,
    consent,
    contacts,
    demo,
    dkim,
    doctor,
    events,
    holds,
    init,
    ledger,
    lia,
    notices,
    password,
    policy,
    queue,
    relay,
    retention,
    stages,
    suppress,
    uncertain,
    version,
    worker,
)
from penstock.cli.context import INTERRUPTED, WRONG_USE, Globals, say
from penstock.errors import InvalidInput

__all__ = ["app", "main"]

app = typer.Typer(
    name="penstock",
    help="Decides for every mail whether it may go, says why, completes it, sends it once and can prove it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LATER = {
    "rights": "access, rectify, erase, restrict, object, port",
    "inbox": "classify and decide inbound mail",
    "answer": "drafted replies to the three questions people ask",
    "register": "record of processing (GDPR Art. 30)",
    "evidence": "the evidence pack of a campaign or person",
    "breach": "breach cases",
}


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Config file; else $PENSTOCK_CONFIG, else ./config.toml."),
    ] = None,
    now: Annotated[
        str | None,
        typer.Option("--now", metavar="ISO-8601", help="Freeze rule time; else $PENSTOCK_NOW, else the clock."),
    ] = None,
) -> None:
    """Options before the command hold for every command."""
    text = now or os.environ.get("PENSTOCK_NOW")
    context.obj = Globals(config, _moment(text) if text else None)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        say(
            f"penstock: --now: {text!r} is not an ISO 8601 date or time (like 2026-11-23T09:00:00Z)",
            error=True,
        )
        raise typer.Exit(WRONG_USE) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _register_later() -> None:
    """Commands of the contract that this version does not have answer so, and never pretend."""
    for name, what in LATER.items():

        def later(context: typer.Context) -> None:
            say(f"penstock: {context.info_name} is not in this version", error=True)
            raise typer.Exit(WRONG_USE)

        app.command(
            name,
            help=f"(not in this version) {what}",
            hidden=True,
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
            add_help_option=False,
        )(later)


for module in (demo, init, campaign_commands, stages, doctor, relay, worker, password, version):
    module.register(app)
for group in (
    campaign,
    consent,
    contacts,
    dkim,
    events,
    suppress,
    holds,
    ledger,
    lia,
    notices,
    policy,
    queue,
    retention,
    uncertain,
):
    app.add_typer(group.app)
_register_later()


def main() -> None:
    """The console entry point."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        if any("\udc80" <= character <= "\udcff" for word in sys.argv for character in word):
            raise InvalidInput("an argument is not UTF-8", where="command line", mend="write it as UTF-8")
        sys.exit(app(standalone_mode=False))
    except InvalidInput as fault:
        say(f"penstock: {fault}", error=True)
        sys.exit(WRONG_USE)
    except typer.Abort:
        say("penstock: interrupted", error=True)
        sys.exit(INTERRUPTED)
    except Exception as fault:
        # typer's own errors of use, wherever it keeps their class; they know their sentence
        sentence = getattr(fault, "format_message", None)
        if sentence is None:
            raise
        say(_wrong_use(fault, sentence()), error=True)
        sys.exit(WRONG_USE)


def _wrong_use(fault: Exception, sentence: str) -> str:
    """One line for a wrong command line; the whole help where nothing was asked."""
    if type(fault).__name__ == "NoArgsIsHelpError":
        return sentence
    path = getattr(getattr(fault, "ctx", None), "command_path", "penstock")
    return f"penstock: {' '.join(sentence.split()).rstrip('.')} (see {path} --help)"
