"""penstock holds: mails that wait for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, Globals, emit, say, with_gate
from penstock.cli.mail_lists import each_state, show_states
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = ["app"]

app = typer.Typer(name="holds", help="Mails that wait for a person.", no_args_is_help=True)

MailIds = Annotated[list[str], typer.Argument(metavar="ID…", help="Mail ids, as `holds list` shows them.")]
Why = Annotated[str, typer.Option("--why", metavar="W", help="Kept with the release.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]


@app.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """What is held, with the code."""

    async def work(gate: Gate) -> int:
        await show_states(each_state(gate.house.store.mails.held), "held", json=json)
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def release(context: typer.Context, ids: MailIds, why: Why, json: Json = False) -> None:
    """Let held mails go on: exactly the hold codes they had are waived, all else is judged again; blocks stay."""

    async def work(gate: Gate) -> int:
        if not why.strip():
            raise InvalidInput("a reason is needed", where="--why")
        await _refuse_unheld(gate, ids)
        await gate.house.store.mails.release(ids, why.strip())
        return _tell(ids, "released; `penstock send` or a worker takes it on", json)

    with_gate(Globals.of(context), work)


@app.command()
def drop(context: typer.Context, ids: MailIds, why: Why = "", json: Json = False) -> None:
    """Give held mails up for good."""

    async def work(gate: Gate) -> int:
        await _refuse_unheld(gate, ids)
        await gate.house.store.mails.drop(ids, why.strip())
        return _tell(ids, "dropped", json)

    with_gate(Globals.of(context), work)


async def _refuse_unheld(gate: Gate, ids: list[str]) -> None:
    """All or nothing: one wrong id and none is touched."""
    for mail_id, saved in zip(ids, await gate.house.store.mails.load(ids), strict=True):
        if saved is None or saved.state != "held":
            raise InvalidInput(f"{mail_id} is not held", where="ID", mend="penstock holds list shows what is")


def _tell(ids: list[str], what: str, json: bool) -> int:
    for mail_id in ids:
        if json:
            emit({"mail_id": mail_id, "state": what.split(";")[0]})
        else:
            say(f"{mail_id}: {what}")
    return DONE
