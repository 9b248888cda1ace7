"""penstock relay: the processes that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, WRONG_USE, Globals, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = ["register"]

_ROLES = ("smtp", "http", "web", "worker")
_HERE = frozenset({"web"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("relay")(relay)


def relay(
    context: typer.Context,
    only: Annotated[
        str, typer.Option("--only", metavar="ROLES", help="Which of smtp, http, web, worker; so far: web.")
    ] = ",".join(_ROLES),
) -> None:
    """Stay and serve. `--only web` takes the calls of ESPs at /webhooks/ADAPTER and lets each event have its effect.

    Stops at Ctrl-C or SIGTERM. What came in is kept first and read afterwards, also after a crash.
    """

    async def work(gate: Gate) -> int:
        from penstock.listening import Listening

        listening = Listening(gate.house)

        def ready(url: str) -> None:
            say(f"listening at {url}")
            for name in listening.doors:
                say(f"  {name}: POST /webhooks/{name}")

        await listening.run(gate.stop, ready=ready)
        return DONE

    if fault := _fault(only):
        say(f"penstock: {fault}", error=True)
        raise typer.Exit(WRONG_USE)
    with_gate(Globals.of(context), work, runs_on=True)


def _fault(only: str) -> InvalidInput | None:
    """What is wrong with the roles, told before anything is opened."""
    roles = [each.strip() for each in only.split(",") if each.strip()]
    for role in roles:
        if role not in _ROLES:
            return InvalidInput("no such role", where=f"--only {role}", mend=f"roles: {', '.join(_ROLES)}")
    if missing := [role for role in roles if role not in _HERE]:
        return InvalidInput(
            f"{', '.join(missing)}: not in this version", where="--only", mend="penstock relay --only web"
        )
    if not roles:
        return InvalidInput("names no role", where="--only", mend="penstock relay --only web")
    return None
