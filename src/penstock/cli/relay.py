"""penstock relay: the processes that stay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, WRONG_USE, Globals, guarded, say
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.config.settings import Settings

__all__ = ["alone", "register"]

_ROLES = ("smtp", "http", "web", "worker")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("relay")(relay)


def relay(
    context: typer.Context,
    only: Annotated[str, typer.Option("--only", metavar="ROLES", help="Which of smtp, http, web, worker.")] = ",".join(
        _ROLES
    ),
) -> None:
    """Stay and serve: take mail in by SMTP and HTTP, hear ESPs, let people opt out, send. Stops at Ctrl-C or SIGTERM.

    Each listener and worker is a process of its own, started again when it dies; with a single role and process that is
    this one. What was taken in is kept first, also in a crash.
    """
    roles = [each.strip() for each in only.split(",") if each.strip()]
    if fault := _fault(roles, only):
        say(f"penstock: {fault}", error=True)
        raise typer.Exit(WRONG_USE)
    guarded(lambda: _relay(Globals.of(context), frozenset(roles)))


def _relay(options: Globals, roles: frozenset[str]) -> int:
    import os

    from penstock.config.settings import load_settings
    from penstock.running import run_async

    settings = load_settings(options.config, os.environ)
    number = settings.relay.workers if roles == {"worker"} else settings.relay.listeners
    if len(roles) == 1 and number == 1:
        return run_async(lambda: alone(options, settings, roles))
    return run_async(lambda: _group(options, settings, roles))


async def alone(options: Globals, settings: Settings, roles: frozenset[str]) -> int:
    """Run these roles in this process until it is stopped; the exit code."""
    from penstock.clock import ShiftedClock
    from penstock.gate import open_gate
    from penstock.relay.alone import run_alone
    from penstock.running import stopping_by_signal

    clock = ShiftedClock(options.now) if options.now is not None else None
    async with open_gate(settings, clock=clock) as gate:
        with stopping_by_signal(gate.stop):
            await run_alone(gate.house, roles, gate.stop, _teller(settings, roles))
    return DONE


async def _group(options: Globals, settings: Settings, roles: frozenset[str]) -> int:
    import sys
    from datetime import UTC, datetime

    from penstock.observe.log import configure
    from penstock.relay.group import run_group
    from penstock.running import stopping_by_signal

    configure(json=not sys.stderr.isatty(), level=20)
    stop = asyncio.Event()
    ahead = options.now - datetime.now(UTC) if options.now is not None else None
    with stopping_by_signal(stop):
        await run_group(settings, roles, ahead, stop, _teller(settings, roles))
    return DONE


def _teller(settings: Settings, roles: frozenset[str]) -> Callable[[Sequence[str]], None]:
    """Tells people what is open, once all is."""

    def tell(urls: Sequence[str]) -> None:
        import sys

        for url in urls:
            say(f"listening at {url}")
        if "web" in roles:
            for name, adapter in settings.adapters.items():
                if adapter.webhook is not None:
                    say(f"  {name}: POST /webhooks/{name}")
        if "worker" in roles:
            say("sending")
        sys.stdout.flush()

    return tell


def _fault(roles: Sequence[str], only: str) -> InvalidInput | None:
    """What is wrong with the roles, told before anything is opened."""
    for role in roles:
        if role not in _ROLES:
            return InvalidInput("no such role", where=f"--only {role}", mend=f"roles: {', '.join(_ROLES)}")
    if not roles:
        return InvalidInput("names no role", where=f"--only {only}".rstrip(), mend=f"roles: {', '.join(_ROLES)}")
    return None
