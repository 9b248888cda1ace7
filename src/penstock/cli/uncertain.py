"""penstock uncertain: mails of which nobody knows whether they went."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, Globals, emit, say, with_gate
from penstock.cli.mail_lists import each_state, show_states
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = ["app"]

app = typer.Typer(name="uncertain", help="Mails that may have been sent.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


class Resolution(StrEnum):
    """What a person found out."""

    SENT = "sent"
    NOT_SENT = "not-sent"


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """What is in doubt: it began and never ended. It is never sent again by itself."""

    async def work(gate: Gate) -> int:
        await show_states(each_state(gate.house.store.mails.uncertain), "uncertain", json=json)
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def resolve(
    context: typer.Context,
    mail_id: Annotated[str, typer.Argument(metavar="ID")],
    found: Annotated[Resolution, typer.Argument(metavar="sent|not-sent", help="What you found out at the next hop.")],
    json: Json = False,
) -> None:
    """Settle a doubt: `sent` counts it as accepted, `not-sent` puts it back into the queue."""

    async def work(gate: Gate) -> int:
        if not await gate.house.store.mails.resolve(mail_id, sent=found is Resolution.SENT):
            raise InvalidInput("no uncertain mail has this id", where="ID", mend="penstock uncertain list shows them")
        state = "accepted" if found is Resolution.SENT else "queued"
        if json:
            emit({"mail_id": mail_id, "state": state})
        else:
            say(f"{mail_id}: {state}")
        return DONE

    with_gate(Globals.of(context), work)
