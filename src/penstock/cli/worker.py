"""penstock worker: only sending."""

from __future__ import annotations

import typer

from penstock.cli.context import Globals, guarded

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker")(worker)


def worker(context: typer.Context) -> None:
    """Stay and send what is due, in this process, whoever handed it in. Stops at Ctrl-C or SIGTERM.

    What has begun then ends, the rest goes back to the queue. The same as `relay --only worker` with one process.
    """
    guarded(lambda: _worker(Globals.of(context)))


def _worker(options: Globals) -> int:
    import os

    from penstock.cli.relay import alone
    from penstock.config.settings import load_settings
    from penstock.running import run_async

    settings = load_settings(options.config, os.environ)
    return run_async(lambda: alone(options, settings, frozenset({"worker"})))
