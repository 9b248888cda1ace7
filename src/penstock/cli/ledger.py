"""penstock ledger: what was decided, begun and ended, and whether the record is as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.context import DONE, PROBLEMS, Globals, emit, say, with_gate
from penstock.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.gate import Gate
    from penstock.store.ledger_rows import LedgerRow

__all__ = ["app"]

app = typer.Typer(name="ledger", help="The append-only, hash-chained record.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")]
_PAGE = 500
_HEX_DIGITS = 32


@app.command()
def show(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="ADDRESS|MAIL-ID")],
    json: Json = False,
) -> None:
    """All that is on record about one person or one mail, oldest first; each decision is made again and compared."""

    async def work(gate: Gate) -> int:
        from penstock.cli.ledger_page import replay_record, show_row
        from penstock.replaying import Replayer

        rows = await _rows_about(gate, what)
        if not rows and not json:
            say("nothing on record")
        replayer = Replayer(gate.house) if rows else None
        for row in rows:
            replay = await replayer.replay(row) if replayer is not None else None
            if not json:
                show_row(row, replay)
            elif replay is None:
                emit(_record(row))
            else:
                emit({**_record(row), "replay": replay_record(replay)})
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


async def _rows_about(gate: Gate, what: str) -> Sequence[LedgerRow]:
    from penstock.model.address import Address, parse_address

    ledger = gate.house.store.ledger
    if len(what) == _HEX_DIGITS and all(digit in "0123456789abcdef" for digit in what.lower()):
        return await ledger.show(what.lower())
    parsed = parse_address(what)
    if not isinstance(parsed, Address):
        raise InvalidInput("is neither a mail id (32 hex digits) nor an address", where="ADDRESS|MAIL-ID")
    return await ledger.show_person(gate.house.identifier.of_address(parsed))


@app.command()
def verify(context: typer.Context, json: Json = False) -> None:
    """Recompute every digest and every link of the chain; names the first row that is not as written. Exit 1 then."""

    async def work(gate: Gate) -> int:
        report = await gate.house.store.ledger.verify()
        if json:
            emit(
                {
                    "ok": report.fault is None,
                    "rows": report.rows,
                    "batches": report.batches,
                    "fault": report.fault,
                    "seq": report.seq,
                }
            )
        elif report.fault:
            say(f"the ledger is not as it was written: {report.fault}")
        else:
            say(f"{report.rows} rows in {report.batches} batches are as they were written")
        return PROBLEMS if report.fault else DONE

    with_gate(Globals.of(context), work, read_only=True)


@app.command()
def export(
    context: typer.Context,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write here (0600); else standard output.")
    ] = None,
) -> None:
    """Every row as JSONL; it holds no address and no text."""

    async def work(gate: Gate) -> int:
        from penstock.cli.rows_out import RowsOut

        after = 0
        with RowsOut(out, (), json=True) as target:
            while page := await gate.house.store.ledger.rows(after, _PAGE):
                for row in page:
                    target.write(_record(row))
                after = page[-1].seq
        return DONE

    with_gate(Globals.of(context), work, read_only=True)


def _record(row: LedgerRow) -> dict[str, Any]:
    return {"seq": row.seq, "batch": row.batch, **row.body}
