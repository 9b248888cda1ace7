"""penstock uncertain: mails of which nobody knows whether they went."""

from __future__ import annotations

import sys
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
        number = await show_states(each_state(gate.house.store.mails.uncertain), "uncertain", json=json)
        if number and not json:
            say("Look for each id in the next hop's log (it stands in the Message-ID), then tell what you found:")
            say("  penstock uncertain resolve ID… sent|not-sent")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def resolve(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="ID… sent|not-sent", help="Mail ids (- reads them from standard input)."),
    ],
    json: Json = False,
) -> None:
    """Settle doubts: `sent` counts a mail as accepted, `not-sent` puts it back into the queue."""

    async def work(gate: Gate) -> int:
        *ids, last = words
        if last not in set(Resolution):
            raise InvalidInput("the last word says what you found out", where=last, mend="sent or not-sent")
        state = "accepted" if last == Resolution.SENT else "queued"
        for mail_id in _ids(ids):
            if not await gate.house.store.mails.resolve(mail_id, sent=last == Resolution.SENT):
                raise InvalidInput("no uncertain mail has this id", where=mail_id, mend="see `penstock uncertain list`")
            if json:
                emit({"mail_id": mail_id, "state": state})
            else:
                say(f"{mail_id}: {state}")
        return DONE

    with_gate(Globals.of(context), work)


def _ids(given: list[str]) -> list[str]:
    if given == ["-"]:
        given = sys.stdin.read().split()
    if not given:
        raise InvalidInput("no mail is named", where="ID", mend="penstock uncertain resolve ID sent")
    return given
