"""penstock retention: delete what was kept for as long as it may be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.context import DONE, Globals, emit, say, with_gate

if TYPE_CHECKING:
    from penstock.gate import Gate
    from penstock.law.retention import Keeping

__all__ = ["app"]

app = typer.Typer(name="retention", help="Delete what was kept for as long as it may be.", no_args_is_help=True)


@app.callback()
def retention() -> None:
    """Delete what was kept for as long as it may be."""


@app.command()
def run(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line on standard output.")] = False,
) -> None:
    """Delete contacts of whom nothing was heard for years ([policy] stale_after_years, then reconfirm_days).

    Suppressions stay, so that nobody comes back by the next import, and so does the ledger, which holds no values.
    """

    async def work(gate: Gate) -> int:
        from penstock.law.retention import Keeping
        from penstock.retention import Kept, Retention

        def tell(each: Kept) -> None:
            asked = each.asked.isoformat() if each.asked else None
            deleted = each.keeping is Keeping.DELETE and not dry_run
            since = each.since.isoformat()
            emit(
                {
                    "contact_id": each.contact_id,
                    "state": each.keeping,
                    "since": since,
                    "asked": asked,
                    "deleted": deleted,
                }
            )

        engine = Retention(gate.house)
        counts = await (engine.run(dry_run=dry_run, tell=tell) if json else engine.run(dry_run=dry_run))
        if not json:
            _tell(counts, dry_run=dry_run)
        return DONE

    with_gate(Globals.of(context), work, read_only=dry_run)


def _tell(counts: Counter[Keeping], *, dry_run: bool) -> None:
    from penstock.law.retention import Keeping

    gone = "would be deleted" if dry_run else "deleted"
    say(f"{counts[Keeping.DELETE]} contacts {gone}: nothing was heard of them for as long as they may be kept")
    if counts[Keeping.RECONFIRM]:
        say(f"{counts[Keeping.RECONFIRM]} are stale; a campaign with `reconfirm = true` may ask each of them once")
    say(f"{counts[Keeping.KEEP]} are kept")
