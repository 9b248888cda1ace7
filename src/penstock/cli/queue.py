"""penstock queue: what is waiting for its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, Globals, emit, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from penstock.gate import Gate

__all__ = ["app"]

app = typer.Typer(name="queue", help="Mails that wait for their turn.", no_args_is_help=True)

MailIds = Annotated[list[str], typer.Argument(metavar="ID…", help="Mail ids, as `queue list` shows them.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]
Lane = Annotated[str | None, typer.Option("--lane", help="Only what waits in this lane.")]
_PAGE = 500


@app.command("list")
def list_(context: typer.Context, lane: Lane = None, json: Json = False) -> None:
    """Every waiting mail with its lane (adapter/recipient domain) and when it is due."""

    async def work(gate: Gate) -> int:
        from penstock.decision_line import iso

        number, after = 0, 0
        while page := await gate.house.queue.entries(after, _PAGE, lane):
            for each in page:
                number += 1
                if json:
                    emit(
                        {
                            "mail_id": each.mail_id,
                            "lane": each.lane,
                            "due": iso(each.due),
                            "leased": each.leased,
                        }
                    )
                else:
                    say(f"{each.mail_id}  {each.lane:40} {'in work' if each.leased else f'due {iso(each.due)}'}")
            after = page[-1].id
        if not json:
            say(f"{number} waiting")
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def retry(context: typer.Context, ids: MailIds, json: Json = False) -> None:
    """Make waiting mails due now; they are judged again like any other."""

    async def work(gate: Gate) -> int:
        return _tell(await gate.house.queue.retry(ids), "due now", json)

    with_gate(Globals.of(context), work)


@app.command()
def drop(context: typer.Context, ids: MailIds, json: Json = False) -> None:
    """Give waiting mails up for good; what has begun is left alone."""

    async def work(gate: Gate) -> int:
        return _tell(len(await gate.house.store.mails.drop(ids, "queue drop")), "dropped", json)

    with_gate(Globals.of(context), work)


def _tell(number: int, what: str, json: bool) -> int:
    if number == 0:
        raise InvalidInput("none of these mails is waiting", where="ID", mend="penstock queue list shows them")
    if json:
        emit({"changed": number})
    else:
        say(f"{number} {what}")
    return DONE
